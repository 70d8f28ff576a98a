/** Steps and seconds. A step is a sixteenth; a tempo is in quarters a minute. No document is needed here.

    @typedef {{time: number, step: number}} Anchor  the step that is heard at a time, in seconds */

/** @param {number} tempo */
export const secondsPerStep = tempo => 15 / tempo;

/** Beats a minute; a beat is a quarter (4 steps) or a dotted quarter (6). @param {number} tempo @param {number} beat steps */
export const beatsAMinute = (tempo, beat) => tempo * 4 / beat;

/** @param {number} beats a minute @param {number} beat steps */
export const tempoOf = (beats, beat) => beats * beat / 4;

/** When a step is heard. @param {Anchor} anchor @param {number} tempo @param {number} step */
export const timeAt = (anchor, tempo, step) => anchor.time + (step - anchor.step) * secondsPerStep(tempo);

/** What is heard at a time, in steps. @param {Anchor} anchor @param {number} tempo @param {number} time */
export const stepAt = (anchor, tempo, time) => anchor.step + (time - anchor.time) / secondsPerStep(tempo);
