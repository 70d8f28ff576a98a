import assert from "node:assert/strict";
import {test} from "node:test";

import {Places, readPlace} from "../../musicgen/web/js/places.js";

/** A browser's history, and a page in it that is where `at` says. */
function browser() {
  const entries = [{state: null, url: "/#piece=1abc"}], at = {view: "compose", shown: null}, told = [];
  let now = 0, popped;
  const navigate = index => {
    now = index;
    return popped({state: entries[now].state});
  };
  Object.assign(globalThis, {
    addEventListener: (_, heard) => { popped = heard; },
    location: {pathname: "/", search: "?a=1"},
    history: {
      get state() { return entries[now].state; },
      replaceState(state) { entries[now].state = state; },
      pushState(state, _, url) { entries.splice(++now, Infinity, {state, url}); },
    },
  });
  const places = new Places({here: () => ({...at}), go: place => { Object.assign(at, place); }, open: async () => { told.push("open"); }});
  return {entries, at, told, places, back: () => navigate(now - 1), forward: () => navigate(now + 1), jump: () => {
    entries.push({state: null, url: "/#piece=1other"});
    return navigate(entries.length - 1);
  }};
}

test("the first place keeps its address, later ones are new entries", () => {
  const {entries, at, places} = browser();
  places.tell();
  at.shown = "a";
  places.tell();
  places.tell();
  at.view = "compare";
  places.tell();
  assert.deepEqual(entries.map(entry => entry.url), ["/#piece=1abc", "/?a=1", "/?a=1#compare"]);
  assert.deepEqual(entries.map(entry => entry.state.shown), [null, "a", "a"]);
});

test("back and forward bring back what was there, and add nothing", async () => {
  const {entries, at, places, back, forward} = browser();
  places.tell();
  places.atOnce(() => Object.assign(at, {view: "trio", shown: "b"}));
  assert.equal(entries.length, 2);
  await back();
  assert.deepEqual(at, {view: "compose", shown: null});
  await forward();
  assert.deepEqual([at, entries.length], [{view: "trio", shown: "b"}, 2]);
});

test("another address is opened where it stands; a stranger's state is none of ours", async () => {
  const {entries, told, places, jump} = browser();
  places.tell();
  await jump();
  assert.deepEqual([told, entries.length, entries[1].url], [["open"], 2, "/#piece=1other"]);
  assert.equal(readPlace({scroll: 3}), null);
  assert.equal(readPlace(null), null);
});
