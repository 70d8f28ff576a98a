import assert from "node:assert/strict";
import {test} from "node:test";

import {lengthFor} from "../../musicgen/web/js/length.js";
import {leastBars} from "../../musicgen/web/js/seed-text.js";

const KNOWN = /** @type {any} */ ({
  meters: {"4/4": {steps: 16}, "6/8": {steps: 12}}, styles: {chorale: {voices: ["S", "A", "T", "B"]}, dance: {voices: ["M"]}},
  limits: {bars: [1, 32]},
});
const SEED = {given: null, notes: "C5", meter: "4/4", style: "chorale"};
const take = (bars, state = "done", asked = 8) => ({piece: {steps: 16 * bars, bar: 16}, state, settings: {bars: asked}});

test("the length goes with the piece, up to the longest that may be asked for", () => {
  assert.deepEqual([2, 12, 28, 50].map(bars => lengthFor(take(bars), SEED, KNOWN)), [2, 12, 28, 32]);
});

test("of a piece that was stopped it is what was asked for", () => {
  assert.equal(lengthFor(take(3, "stopped", 16), SEED, KNOWN), 16);
  assert.equal(lengthFor(take(3, "stopped", NaN), SEED, KNOWN), 3);
});

test("it leaves room for the seed that is typed or given now", () => {
  assert.equal(lengthFor(take(2), {...SEED, notes: "C5:4 D5:4 E5:4 F5:4"}, KNOWN), 4);
  assert.equal(lengthFor(take(2), {...SEED, given: /** @type {any} */ ({steps: 5 * 16})}, KNOWN), 5);
});

test("a seed that fills every voice of its bars needs one bar more", () => {
  assert.deepEqual([leastBars("C5:4", 16, 1), leastBars("C5:3 R:1 | D5:4", 16, 1), leastBars("C5:5", 16, 1)], [2, 3, 2]);
  assert.deepEqual([leastBars("C5:4", 16, 4), leastBars("[C5 G4 E4 C3]:4", 16, 4), leastBars("[C5 G4 E4]:4", 16, 4)], [1, 2, 1]);
  assert.equal(leastBars("", 16, 1), 0);
});
