import assert from "node:assert/strict";
import {test} from "node:test";

import {decode, encode, holdsPiece} from "../../musicgen/web/js/link.js";

function dense(bars, random = 1) {  // four voices of sixteenths, as unlike each other as can be
  const notes = [];
  for (let step = 0; step < 16 * bars; step++) for (let voice = 0; voice < 4; voice++) {
    random = random * 48271 % 2147483647;
    notes.push([voice, 48 + random % 24, step, 1, Number(step < 32)]);
  }
  return {steps: 16 * bars, voices: 4, notes, fixed: [0, 1, 2, 3].map(voice => [voice, 0, 32]), style: "chorale", model: "gru"};
}

test("what goes in comes out", async () => {
  const piece = {
    steps: 32, voices: 2, model: "gru", text: "Ödön: C5 <b>",
    notes: [[0, 72, 0, 16, 1], [1, 60, 4, 2, 0], [1, 60, 6, 2, 0], [0, 74, 20, 12, 0]], fixed: [[0, 0, 20], [1, 0, 4]],
  };
  const fragment = await encode(piece);
  assert.ok(holdsPiece(`#${fragment}`) && !holdsPiece("#compare"));
  assert.match(fragment, /^[\w=-]+$/);
  assert.deepEqual(await decode(`#${fragment}`), piece);
});

test("thirty-two bars of four voices fit into 4,000 characters", async () => {
  assert.ok((await encode(dense(32))).length < 4000);
  assert.deepEqual((await decode(await encode(dense(32)))).notes.length, 4 * 16 * 32);
});

test("a broken link is refused", async () => {
  const fragment = await encode(dense(2));
  for (const broken of [fragment.slice(0, -9), "piece=", "piece=2abc", `${fragment.slice(0, 40)}!${fragment.slice(41)}`, "piece=1%%"]) {
    await assert.rejects(decode(broken));
  }
});
