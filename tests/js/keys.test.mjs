import assert from "node:assert/strict";
import {test} from "node:test";

import {layout, semitoneOf, shifted, typedName} from "../../musicgen/web/js/keys.js";
import {strokeOf} from "../../musicgen/web/js/midi.js";
import {addToChord, append, barsFor, quantised, withoutLast} from "../../musicgen/web/js/seed-text.js";

test("as many keys as fit, black ones between their neighbours", () => {
  const {whites, keys} = layout(390, 60);
  assert.equal(whites, 10);
  assert.deepEqual(keys.slice(0, 3).map(key => typedName(key.pitch)), ["C4", "C#4", "D4"]);
  assert.deepEqual(keys.slice(0, 3).map(key => key.left), [null, 0.1, null]);
  assert.equal(keys.filter(key => key.left === null).length, 10);
  assert.ok(keys.at(-1).left === null, "no black key hangs over the edge");
});

test("there are never fewer than eight white keys, nor keys out of reach", () => {
  assert.equal(layout(10, 60).whites, 8);
  assert.ok(layout(4000, 84).keys.every(key => key.pitch >= 48 && key.pitch <= 108));
  assert.deepEqual([shifted(48, -12), shifted(60, 12), shifted(84, 12)], [48, 72, 84]);
});

test("computer keys play from A on", () => assert.deepEqual(["KeyA", "KeyW", "KeyK", "Digit1"].map(semitoneOf), [0, 1, 12, -1]));

test("playing writes the seed", () => {
  assert.equal(append("", "C4:1"), "C4:1");
  assert.equal(append("C4:1 ", "R:1"), "C4:1 R:1");
  assert.equal(addToChord("A4 C4:1", "E4"), "A4 [C4 E4]:1");
  assert.equal(addToChord("[C4 E4]:2", "G4"), "[C4 E4 G4]:2");
  assert.equal(withoutLast("A4 [C4 E4]:2"), "A4");
  assert.equal(withoutLast(""), "");
});

test("what is played stands on the grid: chords, rests, a note until the next one", () => {
  const strokes = [
    {pitch: 60, from: -0.1, to: 0.48}, {pitch: 64, from: 0.03, to: 0.5},  // a chord, struck a little early
    {pitch: 62, from: 1.01, to: 2.6}, {pitch: 67, from: 2.0, to: 2.05},   // a rest before; held past the next
  ];
  assert.equal(quantised(strokes, 60), "[C4 E4]:0.5 R:0.5 D4:1 G4:0.25");
  assert.equal(quantised([{pitch: 60, from: 1, to: 2}], 120), "R:2 C4:2");
  assert.equal(quantised(strokes, 60, 6), "[C4 E4]:0.5 R:0.5 D4:0.5", "nothing lasts beyond the limit");
  assert.equal(quantised([], 60), "");
});

test("the piece grows with its seed, never beyond what it may have", () => {
  assert.equal(barsFor("C4 D4 | E4:0.5 [F4 A4]:1.5 R:2 | R", 16, 8, 32), 8);
  assert.equal(barsFor("C4:4 ".repeat(9), 16, 8, 32), 18);
  assert.equal(barsFor("C4:1.5 C4:1.5 C4", 12, 1, 32), 6);
  assert.equal(barsFor("C4:4 ".repeat(40), 16, 8, 32), 32);
});

test("a MIDI keyboard's messages, as far as they are strokes", () => {
  assert.deepEqual(strokeOf([0x93, 60, 100]), {kind: "down", pitch: 60});
  assert.deepEqual(strokeOf([0x80, 60, 64]), {kind: "up", pitch: 60});
  assert.deepEqual(strokeOf([0x90, 60, 0]), {kind: "up", pitch: 60});
  assert.deepEqual(strokeOf([0xb0, 123, 0]), {kind: "silence", pitch: 0});
  assert.equal(strokeOf([0xb0, 64, 127]), null);
  assert.equal(strokeOf([0xf8]), null);
});
