import assert from "node:assert/strict";
import {test} from "node:test";

import {Work} from "../../musicgen/web/js/work.js";

const SETTINGS = {model: "gru", notes: "C5", bars: 2, mixer: {tempo: 80, volume: 1, instruments: []}};
const take = id => /** @type {any} */ ({
  id, number: 0, starred: false, notes: [], piece: {steps: 16, voices: ["Melody"]}, mixer: {tempo: 80, instruments: []},
});

/** Work on a page without widgets, and what it has put on the stage. */
function begun() {
  const staged = [], work = new Work({show: ({id}) => staged.push(id), showSeed: () => staged.push(null)}, () => { work.applied({...work.settings}); });
  work.keep = () => {};
  work.open({...SETTINGS});
  const step = async act => {
    act();
    await new Promise(done => setTimeout(done, 2));  // until the widgets are set
  };
  return {work, staged, undo: () => step(() => work.undo()), redo: () => step(() => work.redo())};
}

test("undo goes back to the piece before and takes no take away", async () => {
  const {work, staged, undo, redo} = begun();
  for (const id of ["a", "b"]) work.result(take(id));
  await undo();
  await undo();
  assert.deepEqual([staged, work.takes.length, work.canUndo, work.canRedo], [["a", null], 2, false, true]);
  await redo();
  await redo();
  assert.deepEqual([work.shown, work.canRedo], ["b", false]);
});

test("the length goes with the piece in one step, and what is set meanwhile stays", async () => {
  const {work, undo} = begun(), wait = () => new Promise(done => setTimeout(done, 2));
  work.length = one => one.piece.steps / 16;
  const long = (id, bars, asked) => ({...take(id), piece: {steps: 16 * bars, voices: ["Melody"]}, settings: {bars: asked}});
  work.result(long("a", 4, 2));
  await wait();
  assert.equal(work.settings.bars, 4);
  work.result(long("b", 8, 2));  // asked for before the length was 4
  await wait();
  assert.equal(work.settings.bars, 4);
  work.show("b");
  await wait();
  assert.equal(work.settings.bars, 8);
  await undo();
  assert.deepEqual([work.shown, work.settings.bars], ["b", 4]);
  await undo();
  assert.deepEqual([work.shown, work.settings.bars], ["a", 4]);
  await undo();
  assert.deepEqual([work.shown, work.settings.bars, work.canUndo], [null, 2, false]);
});

test("what is typed is undone at once, though the widgets tell of it later", async () => {
  const {work, undo} = begun();
  work.result(take("a"));
  work.typed("");
  await undo();
  assert.deepEqual([work.shown, work.settings.notes], ["a", "C5"]);
});

test("stars, tempos and deletions are undone, too", async () => {
  const {work, undo, redo} = begun();
  for (const id of ["a", "b"]) work.result(take(id));
  work.change("b", {starred: true});
  work.change("b", {mixer: {tempo: 120, instruments: []}});
  work.delete("a");
  const seen = () => work.takes.map(({id, starred, mixer}) => [id, starred, mixer.tempo]);
  assert.deepEqual(seen(), [["b", true, 120]]);
  await undo();
  assert.deepEqual(seen(), [["a", false, 80], ["b", true, 120]]);
  await undo();
  assert.deepEqual(seen()[1], ["b", true, 80]);
  await undo();
  assert.deepEqual(seen()[1], ["b", false, 80]);
  for (let step = 0; step < 3; step++) await redo();
  assert.deepEqual(seen(), [["b", true, 120]]);
  work.restore();
  assert.equal(work.takes.length, 2);
});
