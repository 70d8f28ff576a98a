import assert from "node:assert/strict";
import {test} from "node:test";

import {neighbour, nudged, placed, put, replaced, without} from "../../musicgen/web/js/edit.js";

const FRAME = {steps: 32, ranges: [[57, 81], [52, 76]]};
const note = (start, duration, pitch = 60, voice = 0) => ({voice, pitch, start, duration});
const spans = notes => notes.map(one => [one.voice, one.start, one.duration]);

test("a note stays inside the piece and its voice's range", () => {
  assert.deepEqual(placed(note(30.4, 9, 99), FRAME), note(30, 2, 81));
  assert.deepEqual(placed(note(-3, 0, 10, 1), FRAME), note(0, 1, 52, 1));
});

test("what a note meets gives way in its voice only", () => {
  const notes = [note(0, 8), note(8, 4), note(12, 8), note(4, 8, 55, 1)];
  assert.deepEqual(spans(put(notes, note(4, 12))), [[0, 0, 4], [0, 4, 12], [1, 4, 8], [0, 16, 4]]);
});

test("moving does not cut the note that is moved", () => {
  const notes = [note(0, 8), note(8, 8)];
  assert.deepEqual(spans(replaced(notes, notes[0], note(2, 8), FRAME)), [[0, 2, 8], [0, 10, 6]]);
  assert.deepEqual(spans(without(notes, notes[1])), [[0, 0, 8]]);
});

test("arrows move a note, with Shift its end or an octave", () => {
  assert.deepEqual(nudged(note(4, 4), "ArrowLeft", false), note(3, 4));
  assert.deepEqual(nudged(note(4, 1), "ArrowLeft", true), note(4, 1));
  assert.deepEqual(nudged(note(4, 4), "ArrowUp", true), note(4, 4, 72));
  assert.equal(nudged(note(4, 4), "a", false), null);
});

test("from note to note", () => {
  const notes = [note(8, 4), note(0, 4), note(0, 4, 55, 1)];
  assert.equal(neighbour(notes, null, 1), notes[1]);
  assert.equal(neighbour(notes, notes[1], 1), notes[2]);
  assert.equal(neighbour(notes, notes[0], 1), notes[0]);
});
