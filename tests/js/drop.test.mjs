import assert from "node:assert/strict";
import {test} from "node:test";

import {fits} from "../../musicgen/web/js/drop.js";

test("a dropped file is of a kind that the upload takes, or not", () => {
  const accept = ".mid,.midi, .mxl";
  assert.deepEqual(["a.mid", "A.MIDI", "b.mxl", "c.mp3", "mid", ""].map(name => fits(name, accept)), [true, true, true, false, false, false]);
});
