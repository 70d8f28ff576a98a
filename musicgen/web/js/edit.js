/** Editing notes: every function takes notes and gives new ones. In a voice one note sounds at a time, so that a note
    put somewhere cuts short, moves or replaces those it meets. No document is needed here.

    @typedef {{voice: number, pitch: number, start: number, duration: number, given?: number}} Note
    @typedef {{steps: number, ranges: number[][]}} Frame  ranges: the lowest and highest pitch of each voice */

const clamp = (value, low, high) => Math.max(low, Math.min(high, value));

/** The note where it can be: inside the piece, inside its voice's range. @param {Note} note @param {Frame} frame @returns {Note} */
export function placed(note, {steps, ranges}) {
  const start = clamp(Math.round(note.start), 0, steps - 1), [low, high] = ranges[note.voice];
  return {...note, start, pitch: clamp(note.pitch, low, high), duration: clamp(Math.round(note.duration), 1, steps - start)};
}

/** With a note put into its voice; what it meets gives way. @param {Note[]} notes @param {Note} note @returns {Note[]} */
export function put(notes, note) {
  const end = note.start + note.duration;
  const others = notes.flatMap(other => {
    const until = other.start + other.duration;
    if (other.voice !== note.voice || until <= note.start || other.start >= end) return [other];
    if (other.start < note.start) return [{...other, duration: note.start - other.start}];
    return until > end ? [{...other, start: end, duration: until - end}] : [];
  });
  return [...others, {...note, given: 1}].sort((a, b) => a.start - b.start || a.voice - b.voice);
}

/** @param {Note[]} notes @param {Note} note */
export const without = (notes, note) => notes.filter(other => other !== note && !(other.voice === note.voice && other.start === note.start));

/** A note in place of another. @param {Note[]} notes @param {Note} from @param {Note} to @param {Frame} frame */
export const replaced = (notes, from, to, frame) => put(without(notes, from), placed(to, frame));

/** What an arrow key does to a note: moves it, or with Shift its end. @param {Note} note @param {string} key @param {boolean} shift @returns {Note | null} */
export function nudged(note, key, shift) {
  const across = {ArrowLeft: -1, ArrowRight: 1}[key], up = {ArrowUp: 1, ArrowDown: -1}[key];
  if (across && shift) return {...note, duration: Math.max(1, note.duration + across)};
  if (across) return {...note, start: note.start + across};
  return up ? {...note, pitch: note.pitch + (shift ? 12 * up : up)} : null;
}

/** The next or the last note of all. @param {Note[]} notes @param {Note | null} note @param {1 | -1} by */
export function neighbour(notes, note, by) {
  const sorted = [...notes].sort((a, b) => a.start - b.start || a.voice - b.voice);
  const at = note ? sorted.findIndex(other => other.voice === note.voice && other.start === note.start) : by > 0 ? -1 : sorted.length;
  return sorted[clamp(at + by, 0, sorted.length - 1)] ?? null;
}
