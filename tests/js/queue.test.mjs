import assert from "node:assert/strict";
import {test} from "node:test";

import {placeInWords} from "../../musicgen/web/js/queue.js";

test("one's place in the queue", () => {
  assert.equal(placeInWords("queue: 3/4 |  1.2/5.0s"), "Others are composing. You are third; about 4 seconds.");
  assert.equal(placeInWords("queue: 1/1 | 0.3s"), "Others are composing. You are next.");
  assert.equal(placeInWords("processing | 2.0s"), "");
});
