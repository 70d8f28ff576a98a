import assert from "node:assert/strict";
import {test} from "node:test";

import {again, allGiven, barsComposed, continued, filled, harmonised, maskOf, painted, runsOf, silent, voicesWithin} from "../../musicgen/web/js/canvas.js";

const PIECE = {style: "chorale", meter: "4/4", tempo: 80, steps: 32, bar: 16, voices: ["S", "A", "T", "B"]};
const NOTES = [
  {voice: 0, pitch: 72, start: 0, duration: 20}, {voice: 1, pitch: 67, start: 0, duration: 32},
  {voice: 3, pitch: 48, start: 16, duration: 16},
];

test("runs and masks are two ways of saying the same", () => {
  const runs = [[0, 0, 8], [0, 12, 32], [2, 5, 6]];
  assert.deepEqual(runsOf(maskOf(PIECE, runs)), runs);
});

test("a region is composed again and all else kept", () => {
  const canvas = again(PIECE, NOTES, allGiven(PIECE), {from: 16, to: 32, voices: [1, 2]});
  assert.deepEqual(canvas.fixed, [[0, 0, 32], [1, 0, 16], [2, 0, 16], [3, 0, 32]]);
  assert.deepEqual(canvas.notes[0], [0, 72, 0, 20]);
});

const CHORALE = {name: "chorale", voices: PIECE.voices, ranges: [[57, 81], [52, 76], [45, 71], [35, 66]]};
const line = pitches => pitches.map((pitch, index) => ({voice: 0, pitch, start: 4 * index, duration: 4, given: 0}));

test("to harmonise keeps the top voice over its own length", () => {
  const canvas = harmonised({...PIECE, steps: 64}, NOTES, CHORALE);
  assert.deepEqual([canvas.steps, canvas.fixed, canvas.notes, canvas.moved], [32, [[0, 0, 32]], [[0, 72, 0, 20]], undefined]);
  assert.equal(harmonised(PIECE, NOTES.slice(1), CHORALE), null);
});

test("a dance's tune is harmonised in its own meter, moved by octaves into the range of a soprano", () => {
  const jig = {...PIECE, style: "dance", meter: "6/8", bar: 12, steps: 24, voices: ["Melody"]};
  const pitches = tune => harmonised(jig, line(tune), CHORALE).notes.map(note => note[1]);
  const canvas = harmonised(jig, line([74, 90, 86]), CHORALE);
  assert.deepEqual([canvas.style, canvas.meter, canvas.steps, canvas.fixed], ["chorale", "6/8", 12, [[0, 0, 12]]]);
  assert.deepEqual([canvas.notes.map(note => note[1]), canvas.moved], [[62, 78, 74], "the tune moved down an octave"]);
  assert.deepEqual(pitches([54, 57, 62]), [66, 69, 74]);
  assert.deepEqual(pitches([62, 71, 83]), [62, 71, 71]);  // too wide for one octave to serve all
  assert.equal(harmonised(jig, line([62, 71, 83]), CHORALE).moved, "1 note moved by octaves into range");
});

test("bars are composed where a voice was free", () => {
  const piece = {...PIECE, steps: 64};
  const all = piece.voices.map((_, voice) => [voice, 0, 64]);
  assert.equal(barsComposed({...piece, fixed: all}, 64), 0);
  assert.equal(barsComposed({...piece, fixed: [[0, 0, 64]]}, 64), 4);
  assert.equal(barsComposed({...piece, fixed: [...all.slice(1), [0, 0, 20], [0, 40, 64]]}, 64), 2);
  assert.equal(barsComposed({...piece, fixed: [...all.slice(1), [0, 0, 20], [0, 40, 64]]}, 24), 1);
});

test("to fill keeps what sounds and composes the voices that do not", () => {
  assert.deepEqual(silent(PIECE, NOTES), [2]);
  const canvas = filled(PIECE, NOTES);
  assert.deepEqual([canvas.steps, canvas.fixed, canvas.notes.length], [32, [[0, 0, 32], [1, 0, 32], [3, 0, 32]], 3]);
});

test("to continue adds bars and keeps what is known", () => {
  const canvas = continued(PIECE, NOTES, maskOf(PIECE, [[0, 0, 32]]), 2);
  assert.deepEqual([canvas.steps, canvas.fixed], [64, [[0, 0, 32]]]);
});

test("painting leaves the mask it began with", () => {
  const mask = maskOf(PIECE);
  painted(mask, {from: 0, to: 4, voices: [0]}, 1);
  assert.deepEqual(runsOf(mask), []);
});

test("voices within a box", () => {
  assert.deepEqual(voicesWithin(NOTES, {from: 0, to: 8, low: 60, high: 80}), [0, 1]);
  assert.deepEqual(voicesWithin(NOTES, {from: 24, to: 32, low: 40, high: 80}), [1, 3]);
});
