import assert from "node:assert/strict";
import {test} from "node:test";

import {pair, pinching} from "../../musicgen/web/js/touch.js";
import {limited, next, turned} from "../../musicgen/web/js/zoom.js";

test("buttons go from level to level, from between two levels to the nearer side, and stop at the ends", () => {
  const up = [1], down = [4];
  for (let i = 0; i < 6; i++) { up.push(next(up.at(-1), 1)); down.push(next(down.at(-1), -1)); }
  assert.deepEqual(up, [1, 1.5, 2, 3, 4, 4, 4]);
  assert.deepEqual(down, [4, 3, 2, 1.5, 1, 1, 1]);
  assert.deepEqual([next(2.4, 1), next(2.4, -1)], [3, 2]);
});

test("what was kept is a size, or is none", () => {
  assert.deepEqual([null, "3", NaN, -2, 0.4, 1, 2.4, 99, Infinity].map(limited), [1, 1, 1, 1, 1, 1, 2.4, 4, 4]);
});

test("a notch of the wheel is a small step, however it is counted, and the way back leads back", () => {
  assert.ok(turned({deltaY: -120, deltaMode: 0}) === turned({deltaY: -3, deltaMode: 1}));
  assert.ok(turned({deltaY: -120, deltaMode: 0}) > 1.2 && turned({deltaY: -120, deltaMode: 0}) < 1.4);
  assert.ok(Math.abs(turned({deltaY: -7, deltaMode: 0}) * turned({deltaY: 7, deltaMode: 0}) - 1) < 1e-9);
  assert.equal(turned({deltaY: 0, deltaMode: 0}), 1);
});

const fingers = (x, y, x2, y2) => pair([{clientX: x, clientY: y}, {clientX: x2, clientY: y2}]);

test("two fingers scroll while they stay about as far apart, and pinch from where they do not", () => {
  const start = fingers(100, 100, 160, 180);
  assert.deepEqual([start.x, start.y, start.apart], [130, 140, 100]);
  const pinch = pinching(start);
  assert.equal(pinch(fingers(100, 40, 165, 122)), 0);
  assert.equal(pinch({apart: 120}), 1);
  assert.equal(pinch({apart: 240}), 2);
  assert.equal(pinch({apart: 60}), 0.5);
  assert.equal(pinch({apart: 120}), 1);  // once begun, it goes on
  assert.ok(Number.isFinite(pinching(fingers(5, 5, 5, 5))(fingers(5, 5, 5, 5))));
});
