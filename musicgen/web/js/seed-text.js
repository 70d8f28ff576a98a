/** What playing does to the seed's text: every function takes the text and gives the new one. */

/** @param {string} text @param {string} token */
export const append = (text, token) => `${text.trimEnd()} ${token}`.trimStart();

/** The last note becomes a chord with another pitch in it. @param {string} text @param {string} name */
export const addToChord = (text, name) =>
  text.trimEnd().replace(/(?:\[([^\]]*)\]|(\S+?)):([\d.]+)$/, (_, chord, single, beats) => `[${chord ?? single} ${name}]:${beats}`);

/** Without the last note. @param {string} text */
export const withoutLast = text => text.trimEnd().replace(/(\[[^\]]*\][^\s]*|[^\s\]]+)$/, "").trimEnd();

/** How many beats a key was held, on the grid of sixteenths, at most eight beats. @param {number} seconds @param {number} tempo */
export const beatsHeld = (seconds, tempo) => Math.max(1, Math.round(Math.min(seconds * tempo / 60, 8) * 4)) / 4;
