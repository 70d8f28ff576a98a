/** Music in words: names of pitches and places, lengths, and every note as it would be typed into the seed. */

/**
 * The frame of a piece, as the server tells it (musicgen/session.py).
 * @typedef {{steps: number, bar: number, beat: number, meter: string, style: string, tempo: number, seedSteps: number,
 *   low: number, high: number, voices: string[], fixed?: number[][]}} Piece  fixed: `[voice, start, end]`
 * @typedef {{voice: number, pitch: number, start: number, duration: number, given: number, born?: number,
 *   lit?: boolean}} Note  start and duration in steps
 */

const NAMES = ["C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B"];

/** @param {number} pitch */
export const pitchName = pitch => NAMES[pitch % 12] + (Math.floor(pitch / 12) - 1);

/** @param {number} seconds */
export const clock = seconds => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

/** @param {number} count @param {string} word */
export const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

/** @param {string} what @param {Pick<Piece, "style" | "steps" | "bar" | "meter">} piece */
export const headline = (what, {style, steps, bar, meter}) =>
  `${what} · ${style} · ${plural(steps / bar, "bar")} of ${meter}`;

/**
 * "bar 3, beat 2.5", both counted from 1.
 * @param {Pick<Piece, "bar" | "beat">} piece @param {number} step
 */
export function place({bar, beat}, step) {
  const within = Math.round(((step % bar) / beat + 1) * 100) / 100;
  return `bar ${Math.floor(step / bar) + 1}, beat ${within}`;
}

/** @param {Note} note */
export const noteWord = ({pitch, duration, given}) => `${pitchName(pitch)}:${duration / 4}${given ? " (given)" : ""}`;

/**
 * Every note in words, a bar an entry and in it a voice an entry; silent bars and voices are left out.
 * @param {Pick<Piece, "steps" | "bar" | "voices">} piece @param {Note[]} notes
 * @returns {{bar: number, lines: {voice: string, words: string}[]}[]}
 */
export function barsInWords(piece, notes) {
  const sorted = [...notes].sort((a, b) => a.start - b.start);
  const bars = [];
  for (let bar = 1; (bar - 1) * piece.bar < piece.steps; bar++) {
    const inside = sorted.filter(note => Math.floor(note.start / piece.bar) === bar - 1);
    const lines = piece.voices.flatMap((name, voice) => {
      const words = inside.filter(note => note.voice === voice).map(noteWord);
      return words.length ? [{voice: name, words: words.join("  ")}] : [];
    });
    if (lines.length) bars.push({bar, lines});
  }
  return bars;
}
