import assert from "node:assert/strict";
import {test} from "node:test";

import {Line, placeInWords} from "../../musicgen/web/js/queue.js";

test("one's place in the queue", () => {
  assert.equal(placeInWords("queue: 3/4 |  1.2/5.0s"), "Others are composing. You are third; about 4 seconds.");
  assert.equal(placeInWords("queue: 1/1 | 0.3s"), "Others are composing. You are next.");
  assert.equal(placeInWords("processing | 2.0s"), "");
});

/** A line of a page that writes down what happens, before a server where `sizes` wait, one number each time it is asked. */
function waiting(...sizes) {
  const told = [], later = [];
  const note = what => (...more) => { told.push([what, ...more]); };
  const view = name => ({state: "idle", status: {set textContent(words) { told.push(["tell", name, words]); }}});
  const receive = (name, {kind, message}) => {
    views[name].state = "error";
    told.push([kind, name, message]);
  };
  const views = {compose: view("compose"), compare: view("compare"), trio: view("trio"), receive};
  const line = new Line(views, {again: note("again"), quit: note("quit")}, {
    size: async () => sizes.shift(), wait: act => { later.push(act); },
  });
  const join = name => {
    views[name].state = "generating";
    line.join(name);
  };
  return {line, told, views, join, pass: () => later.shift()?.()};
}

test("who finds no room reads so, and comes again when there is some", async () => {
  const {line, told, join, pass} = waiting(100, 100, 99);
  join("compose");
  await line.refused("compose", 100, "busy");
  assert.match(told[0][2], /^All 100 places in the queue are taken. Trying again in [4-8] seconds; press Stop to cancel.$/);
  await pass();
  assert.equal(told[1][0], "tell");
  await pass();
  assert.deepEqual(told[2], ["again", "compose"]);
});

test("who left, or asked again meanwhile, does not come again", async () => {
  for (const act of ["leave", "join"]) {
    const {line, told, join, pass} = waiting(100, 0);
    join("compose");
    await line.refused("compose", 100, "busy");
    ({leave: () => line.leave("compose"), join: () => join("compose")})[act]();
    await pass();
    assert.ok(!told.some(([what]) => what === "again"));
  }
});

test("what fails though there is room is tried once more, and then fails", async () => {
  for (const size of [3, NaN]) {
    const {line, told, join} = waiting(size, size);
    join("compare");
    await line.refused("compare", 100, "busy");
    assert.match(told[0][2], /^The server was busy. Trying again in [4-8] seconds/);
    join("compare");
    await line.refused("compare", 100, "busy");
    assert.deepEqual(told.slice(1), [["failed", "compare", "busy"]]);
  }
});

test("a run that breaks off after it has begun is not begun again", async () => {
  const {line, told, join} = waiting(3);
  join("compare");
  line.heard("compare", {kind: "rows"});
  await line.refused("compare", 100, "busy");
  assert.deepEqual(told, [["failed", "compare", "busy"]]);
});

test("Stop leaves the queue at once, whatever the server says of it, but not a run that has begun", async () => {
  const {line, told, join} = waiting(3);
  join("compose");
  line.heard("compose", {kind: "seed"});
  line.leave("compose");
  await line.refused("compose", 100, "busy");
  assert.deepEqual(told, [["quit", "compose"], ["failed", "compose", "Stopped before anything was composed."]]);
  join("compose");
  line.heard("compose", {kind: "begin"});
  line.leave("compose");
  assert.equal(told.length, 2);
});

test("a run that a lost page cut off is told of until the next one, and only in the page that comes then", () => {
  const shelf = new Map();
  globalThis.sessionStorage = /** @type {any} */ ({
    getItem: name => shelf.get(name) ?? null, setItem: (name, value) => shelf.set(name, value), removeItem: name => shelf.delete(name),
  });
  const {line, told, views, join} = waiting();
  const again = () => { line.resume(); line.heard("compose", {kind: "seed"}); line.heard("compose", {kind: "seed"}); };
  line.part();
  again();
  assert.deepEqual(told, []);
  views.compare.state = "generating";
  line.part();
  again();
  assert.equal(told.length, 2);
  assert.match(told[1][2], /connection was lost.*press Compare all/);
  join("compare");
  line.heard("compose", {kind: "seed"});
  again();
  assert.equal(told.length, 2);
});
