import assert from "node:assert/strict";
import {test} from "node:test";

import {linkOf, readLink, readQuery, recipeOf} from "../../musicgen/web/js/address.js";

const CHOICES = {
  models: {gru: {title: "GRU", weights: "abcd1234"}}, instruments: ["piano", "organ"], meters: {"4/4": {steps: 16, beat: 4}},
  styles: {chorale: {low: 35, high: 81, voices: ["Soprano", "Alto", "Tenor", "Bass"]}},
  limits: {bars: [1, 32], piece: [1, 64], tempo: [20, 300], temperature: [0, 2], top_p: [0.01, 1], random_seed: [0, 2 ** 31 - 1]},
};
const PIECE = {steps: 16, bar: 16, beat: 4, meter: "4/4", style: "chorale", tempo: 80, upbeat: 0, title: "", author: "", seedSteps: 4, fixed: [[0, 0, 4]],
  low: 35, high: 81, voices: ["Soprano", "Alto", "Tenor", "Bass"]};
const TAKE = {
  model: "gru", title: "GRU", weights: "abcd1234", randomSeed: 7, state: "done", piece: PIECE, given: null,
  notes: [[0, 72, 0, 4, 1], [3, 48, 0, 16, 0], [0, 74, 4, 12, 0]], mixer: {tempo: 92, instruments: ["organ", "organ", "piano", "organ"]},
  settings: {temperature: 0.9, top_p: 1, notes: "C5", bars: 1},
};

test("a query sets what there is and tells what there is not", () => {
  const {settings, refused} = readQuery("?model=gru&style=polka&notes=C5 D5&bars=99&seed=4&utm=x", CHOICES);
  assert.deepEqual(settings, {model: "gru", notes: "C5 D5", example: null, random_seed: 4, anew: false});
  assert.deepEqual(refused, ["style", "bars"]);
});

test("a take comes back from its link", async () => {
  const {take, settings, given, other} = await readLink(await linkOf(TAKE), CHOICES);
  assert.deepEqual([take.notes, take.mixer, take.randomSeed, take.title], [TAKE.notes, TAKE.mixer, 7, "GRU"]);
  assert.deepEqual(take.piece, {...PIECE, tempo: 92});
  assert.deepEqual([settings.notes, settings.temperature, settings.model, given, other], ["C5", 0.9, "gru", null, false]);
});

test("its length is the piece's, whatever was asked for; where it was stopped, what was", async () => {
  const longer = {...TAKE, piece: {...PIECE, steps: 48}, given: {name: "tune.mid"}};
  assert.equal((await readLink(await linkOf(longer), CHOICES)).settings.bars, 3);
  const stopped = {...longer, state: "stopped", settings: {...TAKE.settings, bars: 5}};
  assert.equal((await readLink(await linkOf(stopped), CHOICES)).settings.bars, 5);
});

test("music given in place of text comes back as such", async () => {
  const from = {...TAKE, given: {name: "tune.mid"}};
  const {given} = await readLink(await linkOf(from), CHOICES);
  assert.deepEqual([given.name, given.notes, given.fixed], ["tune.mid", [[0, 72, 0, 4]], [[0, 0, 4]]]);
});

test("other weights are told of, and a piece that cannot be is refused", async () => {
  assert.equal((await readLink(await linkOf({...TAKE, weights: "00000000"}), CHOICES)).other, true);
  for (const piece of [{...PIECE, style: "polka"}, {...PIECE, steps: 15}, {...PIECE, meter: "7/8"}]) {
    await assert.rejects(async () => readLink(await linkOf({...TAKE, piece, notes: []}), CHOICES));
  }
  await assert.rejects(async () => readLink(await linkOf({...TAKE, notes: [[0, 120, 0, 4, 0]]}), CHOICES));
});

test("a link has at most 4,000 characters: a text too long for it is told by its notes", async () => {
  let random = 1;
  const next = most => { random = random * 48271 % 2147483647; return Math.floor(random / 2147483647 * most); };
  const voices = [0, 1, 2, 3], steps = Array.from({length: 512}, (_, step) => step);
  const notes = steps.flatMap(step => voices.map(voice => [voice, 48 + next(24), step, 1, Number(step < 4 && voice === 0)]));
  const text = Array.from({length: 999}, () => next(36 ** 4).toString(36)).join("");
  const dense = {...TAKE, notes, piece: {...PIECE, steps: 512}, settings: {...TAKE.settings, notes: text}};
  const link = await linkOf(dense);
  assert.ok(link.length <= 3900, String(link.length));
  const {take, given} = await readLink(link, CHOICES);
  assert.deepEqual([take.notes, given.notes.length, given.fixed], [notes, 4, [[0, 0, 4]]]);
});

test("a recipe says in words what made the piece, and holds its link", async () => {
  const text = await recipeOf(TAKE);
  for (const words of ["model gru", "weights abcd1234", "random seed 7", "temperature 0.9", "tempo 92", "1 bars of 4/4"]) assert.ok(text.includes(words), words);
  assert.match(text, /^[\x20-\x7e]+ #piece=1[\w-]+$/);
  assert.ok(text.endsWith(await linkOf(TAKE)));
});
