import assert from "node:assert/strict";
import {test} from "node:test";

import {beatsAMinute, secondsPerStep, stepAt, tempoOf, timeAt} from "../../musicgen/web/js/time.js";

test("a quarter is four steps", () => assert.equal(4 * secondsPerStep(60), 1));

test("a beat is a quarter or a dotted one", () => {
  assert.deepEqual([beatsAMinute(165, 6), beatsAMinute(165, 4)], [110, 165]);
  assert.deepEqual([tempoOf(110, 6), tempoOf(110, 4)], [165, 110]);
});

test("times and steps are counted from what was heard last", () => {
  const anchor = {time: 10, step: 32};
  assert.equal(timeAt(anchor, 120, 40), 11);
  assert.equal(timeAt(anchor, 120, 24), 9);
  assert.equal(stepAt(anchor, 120, 11), 40);
});

test("another tempo moves nothing that is heard now", () => {
  const slow = {time: 0, step: 0}, now = 3, anchor = {time: now, step: stepAt(slow, 60, now)};
  assert.equal(stepAt(anchor, 90, now), stepAt(slow, 60, now));
  assert.equal(timeAt(anchor, 90, anchor.step + 6), now + 1);
});
