/** What is selected: steps and voices. No document is needed here.

    @typedef {import("./canvas.js").Region} Region
    @typedef {import("./words.js").Piece} Piece */

import {barAt} from "./bars.js";
import {listed, place} from "./words.js";

const everyVoice = piece => piece.voices.map((_, voice) => voice);

/** From the unit that holds one step to that which holds another. @param {Piece} piece @param {number} unit steps @returns {Region} */
export function between(piece, first, last, unit, voices = everyVoice(piece)) {
  const top = piece.steps - 1, [from, to] = [first, last].map(step => Math.max(0, Math.min(top, step))).sort((a, b) => a - b);
  return {from: Math.floor(from / unit) * unit, to: Math.min(piece.steps, (Math.floor(to / unit) + 1) * unit), voices};
}

/** @param {Piece} piece @returns {Region} */
export const whole = piece => ({from: 0, to: piece.steps, voices: everyVoice(piece)});

/** With a voice added or taken out; of nothing, that voice all along. The last voice stays. @param {Piece} piece @param {Region | null} region @returns {Region} */
export function withVoice(piece, region, voice) {
  if (!region) return {...whole(piece), voices: [voice]};
  const has = region.voices.includes(voice);
  const voices = has ? region.voices.filter(one => one !== voice) : [...region.voices, voice].sort();
  return voices.length ? {...region, voices} : region;
}

/** As much of a selection as there is in another piece. @param {Piece} piece @param {Region | null} region @returns {Region | null} */
export function fitting(piece, region) {
  if (!region || region.from >= piece.steps) return null;
  const voices = region.voices.filter(voice => voice < piece.voices.length);
  return voices.length ? {from: region.from, to: Math.min(region.to, piece.steps), voices} : null;
}

/** "Bars 5–6, alto and tenor". @param {Piece} piece @param {Region} region */
export function inWords(piece, {from, to, voices}) {
  const {bar} = piece, first = barAt(piece, from), last = barAt(piece, to - 1);
  const inBars = from % bar === 0 && to % bar === 0;
  const when = inBars ? (first === last ? `Bar ${first}` : `Bars ${first}–${last}`) : `From ${place(piece, from)} to ${place(piece, to)}`;
  const names = voices.map(voice => piece.voices[voice].toLowerCase());
  if (names.length === piece.voices.length) return `${when}, ${names.length > 1 ? "all voices" : names[0]}`;
  return `${when}, ${listed(names)}`;
}
