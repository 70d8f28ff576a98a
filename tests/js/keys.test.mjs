import assert from "node:assert/strict";
import {test} from "node:test";

import {layout, semitoneOf, shifted, typedName} from "../../musicgen/web/js/keys.js";
import {addToChord, append, beatsHeld, withoutLast} from "../../musicgen/web/js/seed-text.js";

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

test("a held key lasts on the grid", () => assert.deepEqual([0.01, 0.5, 0.6, 99].map(s => beatsHeld(s, 60)), [0.25, 0.5, 0.5, 8]));
