import assert from "node:assert/strict";
import {test} from "node:test";

import {barsInWords, clock, headline, outcome, pitchName, place, plural} from "../../musicgen/web/js/words.js";

const PIECE = {steps: 32, bar: 16, beat: 4, meter: "4/4", style: "chorale", voices: ["Soprano", "Alto"]};

test("pitches have names", () => assert.deepEqual([60, 61, 70, 93].map(pitchName), ["C4", "C♯4", "B♭4", "A6"]));

test("what came of a run is told by what was composed in it", () => {
  const seconds = 0.305;
  assert.equal(outcome({state: "done", seconds}, 2, true), "Composed 2 bars in 0.30 s");
  assert.equal(outcome({state: "stopped", seconds}, 1, false), "Stopped after 1 bar in 0.30 s");
  assert.equal(outcome({state: "stopped", seconds}, 32, true), "Stopped after 0.30 s: 32 bars not finished");
});

test("places are counted from one", () => {
  assert.equal(place(PIECE, 0), "bar 1, beat 1");
  assert.equal(place(PIECE, 22), "bar 2, beat 2.5");
});

test("numbers in words", () => {
  assert.equal(clock(75.9), "1:15");
  assert.deepEqual([plural(1, "bar"), plural(2, "bar")], ["1 bar", "2 bars"]);
  assert.equal(headline("GRU", PIECE), "GRU · chorale · 2 bars of 4/4");
});

test("voices without notes are left out, and what was given is told", () => {
  const notes = [
    {voice: 0, pitch: 67, start: 20, duration: 6, given: 0},
    {voice: 0, pitch: 65, start: 16, duration: 4, given: 1},
  ];
  assert.deepEqual(barsInWords(PIECE, notes), [
    {bar: 1, lines: [{voice: "Soprano", words: "R:4"}]},
    {bar: 2, lines: [{voice: "Soprano", words: "(given) F4:1 (composed) G4:1.5 R:1.5"}]},
  ]);
});
