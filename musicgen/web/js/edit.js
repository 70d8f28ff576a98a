/** Editing notes: every function takes notes and gives new ones. In a voice one note sounds at a time, so that a note
    put somewhere cuts short, moves or replaces those it meets. No document is needed here.

    @typedef {{voice: number, pitch: number, start: number, duration: number, given?: number}} Note
    @typedef {{steps: number, ranges: number[][], begins?: number}} Frame  begins: the first step; ranges: the lowest and highest pitch of each voice
    @typedef {{steps?: number, up?: number, longer?: number}} Change  semitones up; steps later, steps longer */

const clamp = (value, low, high) => Math.max(low, Math.min(high, value));

/** Are they one note, as a voice has one at a time? @param {Note} a @param {Note} b */
export const same = (a, b) => a.voice === b.voice && a.start === b.start;

/** The note where it can be: inside the piece, inside its voice's range. @param {Note} note @param {Frame} frame @returns {Note} */
export function placed(note, {steps, ranges, begins = 0}) {
  const start = clamp(Math.round(note.start), begins, steps - 1), [low, high] = ranges[note.voice];
  return {...note, start, pitch: clamp(note.pitch, low, high), duration: clamp(Math.round(note.duration), 1, steps - start)};
}

/** Notes changed alike, so far that all stay inside the piece and their ranges. @param {Note[]} notes @param {Change} change @param {Frame} frame */
export function shifted(notes, {steps = 0, up = 0, longer = 0}, frame) {
  const most = (values, low, high) => clamp(values, Math.max(...low), Math.min(...high));
  const later = most(Math.round(steps), notes.map(note => (frame.begins ?? 0) - note.start), notes.map(note => frame.steps - note.start - note.duration));
  const higher = most(up, notes.map(note => Math.min(0, frame.ranges[note.voice][0] - note.pitch)),
    notes.map(note => Math.max(0, frame.ranges[note.voice][1] - note.pitch)));
  return notes.map(note => placed({...note, start: note.start + later, pitch: note.pitch + higher,
    duration: Math.max(1, note.duration + Math.round(longer))}, frame));
}

/** With notes put into their voices; what they meet gives way. @param {Note[]} notes @param {Note[]} more @returns {Note[]} */
export function put(notes, more) {
  const sorted = [...more].sort((a, b) => a.start - b.start);
  return sorted.reduce(withNote, notes).sort((a, b) => a.start - b.start || a.voice - b.voice);
}

function withNote(notes, note) {
  const end = note.start + note.duration;
  const others = notes.flatMap(other => {
    const until = other.start + other.duration;
    if (other.voice !== note.voice || until <= note.start || other.start >= end) return [other];
    if (other.start < note.start) return [{...other, duration: note.start - other.start}];
    return until > end ? [{...other, start: end, duration: until - end}] : [];
  });
  return [...others, {...note, given: 1}];
}

/** @param {Note[]} notes @param {Note[]} gone */
export const without = (notes, gone) => notes.filter(note => !gone.some(one => same(one, note)));

/** Notes in place of others. @param {Note[]} notes @param {Note[]} from @param {Note[]} to */
export const replaced = (notes, from, to) => put(without(notes, from), to);

/** What is pasted of notes that were copied: the first of them begins at a step. @param {Note[]} copied @param {number} at @param {Frame} frame */
export function pasted(copied, at, frame) {
  const first = Math.min(...copied.map(note => note.start));
  return copied.filter(note => note.voice < frame.ranges.length && note.start - first + at < frame.steps)
    .map(note => placed({...note, start: note.start - first + at}, frame));
}

/** What an arrow key does to notes: moves them, or with Shift their ends. @param {string} key @param {boolean} shift @returns {Change | null} */
export function nudge(key, shift) {
  const across = {ArrowLeft: -1, ArrowRight: 1}[key], up = {ArrowUp: 1, ArrowDown: -1}[key];
  if (across) return shift ? {longer: across} : {steps: across};
  return up ? {up: shift ? 12 * up : up} : null;
}

/** The next or the last note of all. @param {Note[]} notes @param {Note | null} note @param {1 | -1} by */
export function neighbour(notes, note, by) {
  const sorted = [...notes].sort((a, b) => a.start - b.start || a.voice - b.voice);
  const at = note ? sorted.findIndex(other => same(other, note)) : by > 0 ? -1 : sorted.length;
  return sorted[clamp(at + by, 0, sorted.length - 1)] ?? null;
}
