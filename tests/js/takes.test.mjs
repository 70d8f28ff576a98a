import assert from "node:assert/strict";
import {test} from "node:test";

import {History} from "../../musicgen/web/js/history.js";
import {MOST, changed, nextNumber, readTakes, restored, withTake, without} from "../../musicgen/web/js/takes.js";

const take = (number, more = {}) => ({
  id: `t${number}`, number, starred: false, notes: [], piece: {steps: 16, voices: []}, mixer: {tempo: 80}, ...more,
});
const many = count => Array.from({length: count}, (_, index) => take(index + 1));

test("the oldest take without a star makes room", () => {
  const takes = changed(many(MOST), "t1", {starred: true});
  assert.deepEqual(withTake(takes, take(21)).map(one => one.number).slice(0, 2), [1, 3]);
  const starred = many(MOST).map(one => ({...one, starred: true}));
  assert.equal(withTake(starred, take(21)).at(-1).number, 21);
  assert.equal(withTake(starred, take(21)).length, MOST);
});

test("a deleted take comes back to its place", () => {
  const takes = many(3), gone = takes[1];
  assert.deepEqual(restored(without(takes, gone.id), gone).map(one => one.number), [1, 2, 3]);
  assert.equal(nextNumber(takes), 4);
});

test("what a browser has kept is not trusted", () => {
  assert.deepEqual(readTakes(null), []);
  assert.deepEqual(readTakes([null, {id: "x"}, take(1)]).map(one => one.id), ["t1"]);
});

test("undo and redo", () => {
  const history = new History({notes: "a"});
  history.push({notes: "b"}, "notes", 0);
  history.push({notes: "bc"}, "notes", 500);
  history.push({notes: ""}, "notes", 5000);
  assert.deepEqual([history.undo().notes, history.undo().notes, history.undo()], ["bc", "a", null]);
  assert.equal(history.redo().notes, "bc");
  history.push({notes: "x"}, "notes", 5100);
  assert.equal(history.canRedo, false);
  assert.equal(history.undo().notes, "bc");
  assert.equal(history.push({notes: "bc"}), false);
});
