/** Which cells of a piece are given, and the canvases made of it that the server is asked to fill (musicgen/piece.py).

    A mask holds a row a voice, in it 1 for each given step. A region is what one selects: steps and voices.

    @typedef {{from: number, to: number, voices: number[]}} Region
    @typedef {Uint8Array[]} Mask
    @typedef {{style: string, meter: string, tempo: number, steps: number, notes: number[][], fixed: number[][],
      upbeat?: number, title?: string, author?: string, name?: string, moved?: string}} Canvas  moved: what was done to bring it
      into range, in words */

import {begins} from "./bars.js";
import {plural} from "./words.js";

/**
 * The frame of a canvas as the server would tell it.
 * @param {Omit<Canvas, "notes">} canvas
 * @param {{meters: Record<string, {steps: number, beat: number}>, styles: Record<string, {low: number, high: number, voices: string[]}>}} known
 * @returns {import("./words.js").Piece & {fixed: number[][]}}
 */
export function frameOf({style, meter, tempo, steps, fixed, upbeat = 0, title = "", author = ""}, {meters, styles}) {
  const {low, high, voices} = styles[style], {steps: bar, beat} = meters[meter], end = Math.max(0, ...fixed.map(run => run[2]));
  const seedSteps = end > begins({bar, upbeat}) ? end : 0;
  return {steps, bar, beat, meter, style, tempo, upbeat, title, author, seedSteps, fixed, low, high, voices};
}

/** @param {{steps: number, voices: string[]}} piece @param {number[][]} [runs] `[voice, start, end]` of what is given @returns {Mask} */
export function maskOf({steps, voices}, runs = []) {
  const mask = voices.map(() => new Uint8Array(steps));
  for (const [voice, start, end] of runs) mask[voice]?.fill(1, start, end);
  return mask;
}

/** @param {{steps: number, voices: string[]}} piece */
export const allGiven = piece => maskOf(piece, piece.voices.map((_, voice) => [voice, 0, piece.steps]));

/** How many bars of a piece have cells that were composed, up to a step. @param {{steps: number, bar: number, voices: string[], fixed?: number[][]}} piece @param {number} until */
export function barsComposed(piece, until) {
  const mask = maskOf(piece, piece.fixed), free = step => mask.some(row => !row[step]);
  const steps = Array.from({length: Math.min(until, piece.steps)}, (_, step) => step).filter(free);
  return new Set(steps.map(step => Math.floor(step / piece.bar))).size;
}

/** @param {Mask} mask @returns {number[][]} */
export function runsOf(mask) {
  return mask.flatMap((row, voice) => {
    const runs = [];
    for (let step = 0, start = -1; step <= row.length; step++) {
      if (row[step] && start < 0) start = step;
      if (!row[step] && start >= 0) { runs.push([voice, start, step]); start = -1; }
    }
    return runs;
  });
}

/** The mask with a region given or free. @param {Mask} mask @param {Region} region @param {0 | 1} value @returns {Mask} */
export function painted(mask, {from, to, voices}, value) {
  return mask.map((row, voice) => voices.includes(voice) ? row.slice().fill(value, from, to) : row);
}

/**
 * @param {import("./words.js").Piece} piece @param {{voice: number, pitch: number, start: number, duration: number}[]} notes
 * @param {Mask} mask @returns {Canvas}
 */
export function canvasOf({style, meter, tempo, steps, upbeat = 0, title = "", author = ""}, notes, mask) {
  const rows = notes.map(({voice, pitch, start, duration}) => [voice, pitch, start, duration]);
  return {style, meter, tempo, steps, upbeat, title, author, notes: rows, fixed: runsOf(mask)};
}

/** A region of it to be composed again, all else that is known kept. */
export const again = (piece, notes, known, region) => canvasOf(piece, notes, painted(known, region, 0));

/** The voices without a note. @param {{voices: string[]}} piece */
export const silent = ({voices}, notes) => voices.flatMap((_, voice) => notes.some(note => note.voice === voice) ? [] : [voice]);

/** All voices that have notes, over the whole piece; the silent ones to be composed. */
export function filled(piece, notes) {
  const empty = silent(piece, notes), kept = piece.voices.flatMap((_, voice) => empty.includes(voice) ? [] : [[voice, 0, piece.steps]]);
  return canvasOf(piece, notes, maskOf(piece, kept));
}

/**
 * The top voice over its own length, in whole bars; the other voices of a style to be composed. Null if it is silent.
 * @param {import("./words.js").Piece} piece @param {import("./words.js").Note[]} notes
 * @param {{name: string, voices: string[], ranges: number[][]}} style
 */
export function harmonised(piece, notes, {name, voices, ranges}) {
  const melody = notes.filter(note => note.voice === 0);
  if (!melody.length) return null;
  const end = Math.max(...melody.map(note => note.start + note.duration));
  const whole = {...piece, style: name, voices, steps: Math.ceil(end / piece.bar) * piece.bar};
  const {notes: tune, moved} = intoRange(melody, ranges[0]), canvas = canvasOf(whole, tune, maskOf(whole, [[0, 0, whole.steps]]));
  return moved ? {...canvas, moved} : canvas;
}

/**
 * Notes moved by octaves into a range: all alike, which keeps the tune, else each that is outside of it; and in words
 * what was done.
 * @param {import("./words.js").Note[]} notes @param {number[]} range
 */
function intoRange(notes, [low, high]) {
  const shift = octaves(notes.map(note => note.pitch), low, high);
  const tune = notes.map(note => ({...note, pitch: note.pitch + (shift ?? octaves([note.pitch], low, high) ?? 0)}));
  const count = tune.filter((note, index) => note.pitch !== notes[index].pitch).length;
  if (!count) return {notes: tune, moved: ""};
  if (shift === null) return {notes: tune, moved: `${plural(count, "note")} moved by octaves into range`};
  return {notes: tune, moved: `the tune moved ${shift > 0 ? "up" : "down"} ${Math.abs(shift) > 12 ? plural(Math.abs(shift) / 12, "octave") : "an octave"}`};
}

/** The least shift by whole octaves that brings all pitches into a range, in semitones; null if there is none. */
function octaves(pitches, low, high) {
  const shifts = [0, 12, -12, 24, -24, 36, -36, 48, -48, 60, -60];
  return shifts.find(shift => pitches.every(pitch => low <= pitch + shift && pitch + shift <= high)) ?? null;
}

/** All of it kept, and some bars more to be composed. */
export function continued(piece, notes, known, bars) {
  const longer = {...piece, steps: piece.steps + bars * piece.bar};
  return canvasOf(longer, notes, maskOf(longer, runsOf(known)));
}

/** What is given after an edit: as before, without the cells of the notes that went, with those of the notes there are. */
export function edited(piece, mask, before, after) {
  const cover = (into, notes, value) => notes.reduce((to, {voice, start, duration}) =>
    painted(to, {from: start, to: start + duration, voices: [voice]}, value), into);
  return cover(cover(mask, before.filter(note => note.given), 0), after.filter(note => note.given), 1);
}

/** Which voices have a note in a box of steps and pitches. */
export function voicesWithin(notes, {from, to, low, high}) {
  const inside = notes.filter(({start, duration, pitch}) => start < to && start + duration > from && pitch >= low && pitch <= high);
  return [...new Set(inside.map(note => note.voice))].sort();
}
