/** What playing does to the seed's text: every function takes the text and gives the new one. No document is needed here. */

import {typedName} from "./keys.js";

/** @param {string} text @param {string} token */
export const append = (text, token) => `${text.trimEnd()} ${token}`.trimStart();

/** The last note becomes a chord with another pitch in it. @param {string} text @param {string} name */
export const addToChord = (text, name) =>
  text.trimEnd().replace(/(?:\[([^\]]*)\]|(\S+?)):([\d.]+)$/, (_, chord, single, beats) => `[${chord ?? single} ${name}]:${beats}`);

/** Without the last note. @param {string} text */
export const withoutLast = text => text.trimEnd().replace(/(\[[^\]]*\][^\s]*|[^\s\]]+)$/, "").trimEnd();

/**
 * The bars of a whole piece with this seed: `bars`, or as many more as leave it room to continue.
 * @param {string} text @param {number} bar steps @param {number} bars @param {number} longest bars that there may be
 */
export function barsFor(text, bar, bars, longest) {
  const seed = Math.ceil(quartersOf(text) * 4 / bar);
  return seed < bars ? bars : Math.min(longest, seed + Math.max(4, seed));
}

/**
 * The least bars that a piece with this seed may have: one more than it fills, if it leaves no voice anything to compose.
 * @param {string} text @param {number} bar steps @param {number} voices of the style
 */
export function leastBars(text, bar, voices) {
  const lines = [...linesOf(text).values()], bars = quartersOf(text) * 4 / bar, sizes = lines[0]?.map(sizeOf) ?? [];
  const full = lines.length > 1 ? lines.length >= voices && lines.every(line => lasting(line) * 4 === bars * bar) : sizes.length > 0 && Math.min(...sizes) >= voices;
  return Math.ceil(bars) + (full && Number.isInteger(bars) ? 1 : 0);
}

/** The notes of each voice that is named, or of all together. @param {string} text @returns {Map<string, string[]>} */
function linesOf(text) {
  const tokens = text.replace(/\([^()]*\)/g, " ").match(/\[[^\]]*\][^\s|]*|[^\s|]+/g) ?? [], lines = new Map();
  let voice = "";
  for (const token of tokens) {
    if (/^[a-z]+:$/i.test(token)) voice = token.toLowerCase();
    else lines.set(voice, [...lines.get(voice) ?? [], token]);
  }
  return lines;
}

/** How many notes begin together. @param {string} token */
const sizeOf = token => (/\[([^\]]*)\]/.exec(token)?.[1] ?? token).trim().split(/\s+/).length;

/** In quarter notes. @param {string[]} line */
const lasting = line => line.reduce((sum, token) => sum + (Number(token.match(/:([\d.]+)$/)?.[1] ?? 1) || 0), 0);

/** How many quarter notes it lasts; of voices that are named, the longest. @param {string} text */
const quartersOf = text => Math.max(0, ...[...linesOf(text).values()].map(lasting));

/**
 * What was played, on the grid of sixteenths: what begins together is a chord, a note ends where the next one begins.
 * @param {{pitch: number, from: number, to: number}[]} strokes seconds since the first beat
 * @param {number} tempo quarter notes a minute
 * @param {number} limit steps; what begins later is left out
 */
export function quantised(strokes, tempo, limit = Infinity) {
  const perStep = 15 / tempo, chords = new Map();
  for (const {pitch, from, to} of strokes) {
    const start = Math.max(0, Math.round(from / perStep)), end = Math.max(start + 1, Math.round(to / perStep));
    const chord = chords.get(start) ?? {pitches: new Set(), end};
    chord.pitches.add(pitch);
    chord.end = Math.max(chord.end, end);
    if (start < limit) chords.set(start, chord);
  }
  const starts = [...chords.keys()].sort((a, b) => a - b), tokens = [];
  let now = 0;
  for (const [index, start] of starts.entries()) {
    if (start > now) tokens.push(`R:${(start - now) / 4}`);
    const {pitches, end} = chords.get(start), names = [...pitches].sort((a, b) => a - b).map(typedName);
    now = Math.min(end, starts[index + 1] ?? limit);
    tokens.push(`${names.length > 1 ? `[${names.join(" ")}]` : names[0]}:${(now - start) / 4}`);
  }
  return tokens.join(" ");
}
