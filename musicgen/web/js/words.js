/** Music in words: names of pitches and places, lengths, and every note as it would be typed into the seed. */

import {barAt} from "./bars.js";

/**
 * The frame of a piece, as the server tells it (musicgen/session.py).
 * @typedef {{steps: number, bar: number, beat: number, meter: string, style: string, tempo: number, seedSteps: number,
 *   low: number, high: number, voices: string[], fixed?: number[][], upbeat?: number, title?: string, author?: string}} Piece
 *   fixed: `[voice, start, end]`; upbeat: see bars.js
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

/** "alto", "alto and tenor", "soprano, alto and tenor". @param {string[]} names */
export const listed = names => names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names.at(-1)}` : names.join("");

/** What somebody has called it, and who that was, if that is known. @param {Pick<Piece, "title" | "author">} piece */
export const called = ({title, author}) => author ? `${title || "Music"}, by ${author}` : title || "";

/**
 * What came of a run: "Composed 8 bars in 0.31 s".
 * @param {{state: string, seconds: number}} end  as the server tells it
 * @param {number} bars that were composed @param {boolean} whole were all of them reached? A model that revises reaches them at once
 */
export function outcome({state, seconds}, bars, whole) {
  const time = `${seconds.toFixed(2)} s`;
  if (state === "done") return `Composed ${plural(bars, "bar")} in ${time}`;
  return whole ? `Stopped after ${time}: ${plural(bars, "bar")} not finished` : `Stopped after ${plural(bars, "bar")} in ${time}`;
}

/** @param {string} what @param {Pick<Piece, "style" | "steps" | "bar" | "meter" | "upbeat" | "title" | "author">} piece */
export function headline(what, piece) {
  const {style, steps, bar, meter, upbeat} = piece, length = `${plural(steps / bar, "bar")} of ${meter}${upbeat ? " with the upbeat" : ""}`;
  return [called(piece), what, style, length].filter(Boolean).join(" · ");
}

/**
 * "bar 3, beat 2.5", both counted from 1.
 * @param {Pick<Piece, "bar" | "beat" | "upbeat">} piece @param {number} step
 */
export function place(piece, step) {
  const within = Math.round(((step % piece.bar) / piece.beat + 1) * 100) / 100;
  return `bar ${barAt(piece, step)}, beat ${within}`;
}

/**
 * All that the voices do, in words that can be typed into the seed again: a bar an entry and in it a voice an entry. Voices
 * without notes are left out, and so is a voice in a bar that its note only goes on through.
 * @param {Pick<Piece, "steps" | "bar" | "voices" | "upbeat">} piece @param {Note[]} notes
 * @returns {{bar: number, lines: {voice: string, words: string}[]}[]}
 */
export function barsInWords(piece, notes) {
  const told = piece.voices.map((_, voice) => tokens(piece, notes.filter(note => note.voice === voice)));
  return Array.from({length: piece.steps / piece.bar}, (_, index) => {
    const lines = piece.voices.flatMap((voice, number) => {
      const inside = told[number].filter(({at}) => Math.floor(at / piece.bar) === index);
      return inside.length ? [{voice, words: inWords(inside)}] : [];
    });
    return {bar: barAt(piece, index * piece.bar), lines};
  }).filter(({lines}) => lines.length);
}

/** Notes and rests of one voice from the first step to the last; a rest ends at a bar line. */
function tokens({steps, bar}, notes) {
  const sorted = [...notes].sort((a, b) => a.start - b.start), found = [];
  let now = 0;
  const rest = until => {
    while (now < until) {
      const end = Math.min(until, (Math.floor(now / bar) + 1) * bar);
      found.push({at: now, word: `R:${(end - now) / 4}`});
      now = end;
    }
  };
  for (const [index, {pitch, start, duration, given}] of sorted.entries()) {
    rest(start);
    now = Math.min(start + duration, sorted[index + 1]?.start ?? steps);
    found.push({at: start, word: `${pitchName(pitch)}:${(now - start) / 4}`, given: Boolean(given)});
  }
  if (sorted.length) rest(steps);
  return found;
}

/** Joined, with a remark in brackets where given notes begin and end. */
function inWords(inside) {
  let before = false;
  return inside.map(({word, given = before}) => {
    const remark = given === before ? "" : given ? "(given) " : "(composed) ";
    before = given;
    return remark + word;
  }).join(" ");
}
