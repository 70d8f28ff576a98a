import assert from "node:assert/strict";
import {test} from "node:test";

import {linkOf, readLink} from "../../musicgen/web/js/address.js";
import {barAt, begins} from "../../musicgen/web/js/bars.js";
import {canvasOf, continued, frameOf, harmonised, maskOf} from "../../musicgen/web/js/canvas.js";
import {placed, shifted} from "../../musicgen/web/js/edit.js";
import {barsFor} from "../../musicgen/web/js/seed-text.js";
import {inWords, whole} from "../../musicgen/web/js/selection.js";
import {barsInWords, called, headline, place} from "../../musicgen/web/js/words.js";

const CHOICES = {
  models: {gru: {title: "GRU", weights: "abcd1234"}}, instruments: ["organ"], meters: {"4/4": {steps: 16, beat: 4}},
  styles: {chorale: {low: 35, high: 81, voices: ["Soprano", "Alto"]}},
  limits: {bars: [1, 32], piece: [1, 64], tempo: [20, 300], temperature: [0, 2], top_p: [0.01, 1], random_seed: [0, 99]},
};
const CANVAS = {style: "chorale", meter: "4/4", tempo: 80, steps: 48, notes: [], fixed: [[0, 0, 48], [1, 0, 12]], upbeat: 4, title: "Kesh", author: "A"};
const PIECE = frameOf(CANVAS, CHOICES);
const NOTES = [{voice: 0, pitch: 67, start: 12, duration: 4, given: 1}, {voice: 0, pitch: 69, start: 16, duration: 20, given: 1}];

test("an upbeat is bar 0, and the piece begins with it", () => {
  assert.deepEqual([begins(PIECE), barAt(PIECE, 12), barAt(PIECE, 16), barAt(PIECE, 47)], [12, 0, 1, 2]);
  assert.deepEqual([begins({bar: 16}), barAt({bar: 16}, 0)], [0, 1]);
  assert.equal(place(PIECE, 12), "bar 0, beat 4");
  assert.equal(inWords(PIECE, whole(PIECE)), "Bars 0–2, all voices");
  assert.equal(headline("GRU", PIECE), "Kesh, by A · GRU · chorale · 3 bars of 4/4 with the upbeat");
});

test("titles and authors in words", () => {
  assert.deepEqual([called({title: "Kesh"}), called({author: "A"}), called({})], ["Kesh", "Music, by A", ""]);
});

test("it goes on into every canvas", () => {
  for (const canvas of [canvasOf(PIECE, NOTES, maskOf(PIECE)), harmonised(PIECE, NOTES, {name: "chorale", voices: PIECE.voices, ranges: [[57, 81]]}), continued(PIECE, NOTES, maskOf(PIECE), 1)]) {
    assert.deepEqual([canvas.upbeat, canvas.title, canvas.author], [4, "Kesh", "A"]);
  }
  assert.equal(frameOf({...CANVAS, fixed: [[0, 0, 12], [1, 0, 12]]}, CHOICES).seedSteps, 0);  // what is not there is no seed
});

test("no note is put before it", () => {
  const frame = {steps: 48, ranges: [[57, 81]], begins: begins(PIECE)};
  assert.equal(placed({voice: 0, pitch: 67, start: 3, duration: 4}, frame).start, 12);
  assert.equal(shifted([NOTES[1]], {steps: -99}, frame)[0].start, 12);
});

test("a link holds it, and one that contradicts itself has none", async () => {
  const take = {model: "gru", weights: "abcd1234", randomSeed: 7, state: "done", piece: PIECE, given: {name: "a.mid"},
    notes: [[0, 67, 12, 4, 1]], mixer: {tempo: 80, instruments: []}, settings: {}};
  const {take: back, given} = await readLink(await linkOf(take), CHOICES);
  for (const one of [back.piece, given]) assert.deepEqual([one.upbeat, one.title, one.author], [4, "Kesh", "A"]);
  const hostile = {...PIECE, upbeat: 4, title: `<b>\u202e${"x".repeat(300)}`, author: {}};
  const {take: other} = await readLink(await linkOf({...take, piece: hostile, notes: [[0, 67, 0, 4, 1]]}), CHOICES);
  assert.deepEqual([other.piece.upbeat, other.piece.title, other.piece.author], [0, `<b>${"x".repeat(97)}`, ""]);
});

test("rests are told, so that every note has its place", () => {
  const notes = [...NOTES, {voice: 1, pitch: 60, start: 40, duration: 4, given: 0}];
  assert.deepEqual(barsInWords(PIECE, notes), [
    {bar: 0, lines: [{voice: "Soprano", words: "R:3 (given) G4:1"}, {voice: "Alto", words: "R:4"}]},
    {bar: 1, lines: [{voice: "Soprano", words: "(given) A4:5"}, {voice: "Alto", words: "R:4"}]},
    {bar: 2, lines: [{voice: "Soprano", words: "R:3"}, {voice: "Alto", words: "R:2 C4:1 R:1"}]},
  ]);
});

test("a text of several voices is as long as its longest", () => {
  assert.equal(barsFor("Soprano: C5:4 (given) D5:4 Alto: R:4", 16, 2, 32), 6);
  assert.equal(barsFor("C5 D5", 16, 8, 32), 8);
});
