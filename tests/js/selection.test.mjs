import assert from "node:assert/strict";
import {test} from "node:test";

import {between, fitting, inWords, whole, withVoice} from "../../musicgen/web/js/selection.js";

const PIECE = {steps: 64, bar: 16, beat: 4, voices: ["Soprano", "Alto", "Tenor", "Bass"]};
const DANCE = {steps: 24, bar: 12, beat: 6, voices: ["Soprano"]};

test("a drag selects whole bars, either way round", () => {
  assert.deepEqual(between(PIECE, 20, 50, 16), {from: 16, to: 64, voices: [0, 1, 2, 3]});
  assert.deepEqual(between(PIECE, 50, 20, 16), between(PIECE, 20, 50, 16));
  assert.deepEqual(between(PIECE, -5, 99, 4), whole(PIECE));
});

test("voices are added and taken out, never the last", () => {
  const tenor = withVoice(PIECE, null, 2);
  assert.deepEqual(tenor, {from: 0, to: 64, voices: [2]});
  assert.deepEqual(withVoice(PIECE, tenor, 0).voices, [0, 2]);
  assert.equal(withVoice(PIECE, tenor, 2), tenor);
});

test("a selection fits the next piece, or goes", () => {
  assert.deepEqual(fitting(DANCE, {from: 12, to: 48, voices: [0, 3]}), {from: 12, to: 24, voices: [0]});
  assert.equal(fitting(DANCE, {from: 32, to: 48, voices: [0]}), null);
  assert.equal(fitting(DANCE, {from: 0, to: 12, voices: [1]}), null);
});

test("a selection in words", () => {
  assert.equal(inWords(PIECE, {from: 16, to: 32, voices: [1, 2]}), "Bar 2, alto and tenor");
  assert.equal(inWords(PIECE, {from: 16, to: 64, voices: [0, 1, 2, 3]}), "Bars 2–4, all voices");
  assert.equal(inWords(PIECE, {from: 4, to: 20, voices: [0]}), "From bar 1, beat 2 to bar 2, beat 2, soprano");
  assert.equal(inWords(DANCE, whole(DANCE)), "Bars 1–2, soprano");
});
