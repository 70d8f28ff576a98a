/** The layout of the on-screen keyboard and of the computer keys that play it; no document is needed here. */

const NAMES = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];
const LOWEST = 48, HIGHEST = 96;  // the keys one can reach
const KEY_WIDTH = 38, FINGER = 44;  // px a white key at least, for a pointer and for a finger
const COMPUTER = ["KeyA", "KeyW", "KeyS", "KeyE", "KeyD", "KeyF", "KeyT", "KeyG", "KeyY", "KeyH", "KeyU", "KeyJ",
  "KeyK", "KeyO", "KeyL", "KeyP", "Semicolon"];
const LETTERS = "AWSEDFTGYHUJKOLP;";

/** A pitch as it is typed into the seed. @param {number} pitch */
export const typedName = pitch => NAMES[pitch % 12] + (Math.floor(pitch / 12) - 1);

/** @param {number} pitch */
export const isBlack = pitch => NAMES[pitch % 12].length > 1;

/** The semitones above the leftmost C that a computer key plays; -1 if it plays none. @param {string} code */
export const semitoneOf = code => COMPUTER.indexOf(code);

/** The leftmost C an octave lower or higher, or the same where there is no further one. @param {number} base @param {number} by */
export const shifted = (base, by) => base + by < LOWEST || base + by > 84 ? base : base + by;

/**
 * As many keys as fit into a width, from the base up.
 * @param {number} width px
 * @param {number} base the leftmost C
 * @param {boolean} [finger] is it played by fingers?
 * @returns {{whites: number, keys: {pitch: number, left: number | null, letter: string}[]}} `left` is where a black
 *   key's middle stands, as a share of the width
 */
export function layout(width, base, finger = false) {
  const whites = Math.max(8, Math.min(29, Math.floor(width / (finger ? FINGER : KEY_WIDTH))));
  const from = Math.max(LOWEST, Math.min(base, HIGHEST - 12 * Math.floor(whites / 7)));
  const keys = [];
  for (let pitch = from, count = 0; pitch <= 108 && (count < whites || isBlack(pitch)); pitch++) {
    if (!isBlack(pitch)) count++;
    else if (count >= whites) break;
    keys.push({pitch, left: isBlack(pitch) ? count / whites : null, letter: LETTERS[pitch - base] ?? ""});
  }
  return {whites, keys};
}
