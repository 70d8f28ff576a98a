import assert from "node:assert/strict";
import {test} from "node:test";

import {neighbour, nudge, pasted, placed, put, replaced, shifted, without} from "../../musicgen/web/js/edit.js";

const FRAME = {steps: 32, ranges: [[57, 81], [52, 76]]};
const note = (start, duration, pitch = 60, voice = 0) => ({voice, pitch, start, duration});
const spans = notes => notes.map(one => [one.voice, one.start, one.duration]);

test("a note stays inside the piece and its voice's range", () => {
  assert.deepEqual(placed(note(30.4, 9, 99), FRAME), note(30, 2, 81));
  assert.deepEqual(placed(note(-3, 0, 10, 1), FRAME), note(0, 1, 52, 1));
});

test("what notes meet gives way in their voices only", () => {
  const notes = [note(0, 8), note(8, 4), note(12, 8), note(4, 8, 55, 1)];
  assert.deepEqual(spans(put(notes, [note(4, 12)])), [[0, 0, 4], [0, 4, 12], [1, 4, 8], [0, 16, 4]]);
});

test("moving does not cut the notes that are moved", () => {
  const notes = [note(0, 8), note(8, 8)];
  assert.deepEqual(spans(replaced(notes, [notes[0]], [note(2, 8)])), [[0, 2, 8], [0, 10, 6]]);
  assert.deepEqual(spans(replaced(notes, notes, shifted(notes, {steps: 4}, FRAME))), [[0, 4, 8], [0, 12, 8]]);
  assert.deepEqual(spans(without(notes, [notes[1]])), [[0, 0, 8]]);
});

test("a group keeps its shape, and stops where its first note meets an end", () => {
  const group = [note(2, 4, 60), note(6, 4, 80), note(4, 4, 53, 1)];
  assert.deepEqual(shifted(group, {steps: -5, up: 9}, FRAME).map(one => [one.start, one.pitch]), [[0, 61], [4, 81], [2, 54]]);
  assert.deepEqual(shifted(group, {steps: 99, up: -9}, FRAME).map(one => [one.start, one.pitch]), [[24, 59], [28, 79], [26, 52]]);
  assert.deepEqual(shifted(group, {longer: -9}, FRAME).map(one => one.duration), [1, 1, 1]);
});

test("what is pasted begins where it is put and stays inside the piece", () => {
  const copied = [note(8, 4), note(12, 8), note(12, 8, 55, 2)];
  assert.deepEqual(spans(pasted(copied, 24, FRAME)), [[0, 24, 4], [0, 28, 4]]);
  assert.deepEqual(spans(pasted(copied, 30, FRAME)), [[0, 30, 2]]);
});

test("arrows move notes, with Shift their ends or an octave", () => {
  assert.deepEqual(nudge("ArrowLeft", false), {steps: -1});
  assert.deepEqual(nudge("ArrowRight", true), {longer: 1});
  assert.deepEqual(nudge("ArrowUp", true), {up: 12});
  assert.equal(nudge("a", false), null);
});

test("from note to note", () => {
  const notes = [note(8, 4), note(0, 4), note(0, 4, 55, 1)];
  assert.equal(neighbour(notes, null, 1), notes[1]);
  assert.equal(neighbour(notes, notes[1], 1), notes[2]);
  assert.equal(neighbour(notes, notes[0], 1), notes[0]);
});
