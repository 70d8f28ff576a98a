import assert from "node:assert/strict";
import {test} from "node:test";

import {GUTTER, Geometry} from "../../musicgen/web/js/geometry.js";

const LOOK = {top: 20, bottom: 10, leastStep: 3, leastSystem: 104};
const PIECE = {steps: 128, bar: 16, beat: 4, low: 35, high: 81};

test("a wide roll holds a piece in one system, a narrow one breaks it at bars", () => {
  const wide = new Geometry(PIECE, LOOK, {width: 1000, height: 300});
  const narrow = new Geometry(PIECE, LOOK, {width: 390, height: 300});
  assert.deepEqual([wide.systems, wide.perSystem], [1, 128]);
  assert.deepEqual([narrow.systems, narrow.perSystem], [2, 64]);
  assert.ok(new Geometry({...PIECE, steps: 512}, LOOK, {width: 390, height: 300}).height > 300);
});

test("a step's place leads back to the step, a pitch's to the pitch", () => {
  const roll = new Geometry(PIECE, LOOK, {width: 390, height: 300});
  for (const step of [0, 17, 63, 64, 100, 127]) {
    const {system, x} = roll.spot(step), y = roll.row(60, system);
    assert.ok(Math.abs(roll.stepAt(x, y) - step) < 1e-9);
    assert.equal(roll.pitchAt(y), 60);
  }
  assert.equal(roll.stepAt(0, 0), 0);
  assert.equal(roll.stepAt(9999, 9999), 128);
});

test("the note under a point", () => {
  const roll = new Geometry(PIECE, LOOK, {width: 1000, height: 300}), note = {pitch: 60, start: 8, duration: 4};
  const y = roll.row(60, 0), x = GUTTER + 10 * roll.stepWidth;
  assert.equal(roll.noteAt([note], x, y), note);
  assert.equal(roll.noteAt([note], x, roll.row(72, 0)), null);
  assert.equal(roll.noteAt([note], GUTTER + 12.5 * roll.stepWidth, y), null);
});

test("of notes that stand close, the nearest is meant", () => {
  const roll = new Geometry({...PIECE, low: 35, high: 81}, LOOK, {width: 1000, height: 140});
  const tenor = {pitch: 62, start: 8, duration: 4}, alto = {pitch: 64, start: 8, duration: 4}, x = GUTTER + 10 * roll.stepWidth;
  assert.ok(roll.rowHeight < 2.5);
  for (const meant of [tenor, alto]) assert.equal(roll.noteAt([tenor, alto], x, roll.row(meant.pitch, 0)), meant);
});

test("what crosses the end of a system goes on in the next", () => {
  const roll = new Geometry(PIECE, LOOK, {width: 390, height: 300});
  assert.deepEqual([...roll.spans(60, 70)].map(span => span.system), [0, 1]);
});

test("the notes in a box", () => {
  const roll = new Geometry(PIECE, LOOK, {width: 1000, height: 300}), low = {pitch: 48, start: 8, duration: 4}, high = {pitch: 72, start: 8, duration: 4};
  const x = roll.spot(10).x, y = roll.row(72, 0);
  assert.deepEqual(roll.notesIn([low, high], {x: x - 2, y: y - 2, width: 4, height: 4}), [high]);
  assert.deepEqual(roll.notesIn([low, high], {x: x - 2, y: y - 2, width: 4, height: 200}), [low, high]);
  assert.deepEqual(roll.notesIn([low, high], {x: roll.spot(13).x, y: 0, width: 50, height: 300}), []);
});

test("as many systems as are in sight are there as a whole, however long the piece and whatever the screen", () => {
  for (const bar of [8, 12, 16, 18]) for (let bars = 1; bars <= 64; bars++) {
    for (const width of [360, 390, 740, 895, 980, 1094]) for (const height of [236, 240.5, 266, 280, 333, 480]) {
      const roll = new Geometry({...PIECE, bar, steps: bars * bar}, LOOK, {width, height});
      const ends = system => roll.top(system) + roll.systemHeight;
      const inSight = Array.from({length: roll.systems}, (_, system) => system).filter(system => roll.top(system) < height - LOOK.bottom);
      assert.ok(ends(inSight.at(-1)) <= height - LOOK.bottom + 1e-6, `${bars} bars of ${bar} at ${width} x ${height}`);
      assert.ok(roll.systemHeight >= 0.85 * LOOK.leastSystem);
      if (inSight.length === roll.systems) assert.ok(roll.height <= height + 1e-6);
    }
  }
});

test("enlarged, rows are so many times as high and steps at least so many times as wide, and nothing lies beside the edge", () => {
  for (const bar of [8, 12, 16, 18]) for (let bars = 1; bars <= 32; bars++) for (const width of [360, 390, 895, 1094]) {
    const piece = {...PIECE, bar, steps: bars * bar}, room = {width, height: 280}, plain = new Geometry(piece, LOOK, room);
    assert.deepEqual(new Geometry(piece, LOOK, room, 1), plain);
    for (const zoom of [1.2, 1.5, 2, 3, 4]) {
      const roll = new Geometry(piece, LOOK, room, zoom), place = `${bars} bars of ${bar}, ${zoom} times`;
      assert.ok(Math.abs(roll.rowHeight / plain.rowHeight - zoom) < 1e-9, place);
      assert.ok(roll.stepWidth >= Math.min(zoom * plain.stepWidth, (width - GUTTER - 10) / bar) - 1e-9, place);
      assert.equal(roll.perSystem % bar, 0);
      assert.ok(roll.perSystem * roll.systems >= piece.steps && roll.perSystem * (roll.systems - 1) < piece.steps, place);
      assert.ok(roll.spot(piece.steps).x <= width);
    }
  }
});

test("what stands at a point is found again in a roll of another size", () => {
  const room = {width: 390, height: 280}, plain = new Geometry(PIECE, LOOK, room), large = new Geometry(PIECE, LOOK, room, 3);
  for (const step of [0, 17, 63, 64, 100, 127]) for (const pitch of [36, 60.25, 81]) {
    const music = plain.musicAt(plain.spot(step).x, plain.row(pitch, plain.spot(step).system));
    assert.ok(Math.abs(music.step - step) < 0.01 && Math.abs(music.pitch - pitch) < 1e-9);
    assert.equal(large.heightOf(music), large.row(music.pitch, large.spot(step).system));
  }
  const edge = plain.musicAt(390, plain.row(60, 0));  // at the end of a system, not at the beginning of the next
  assert.equal(plain.spot(edge.step).system, 0);
});

test("a system comes into sight as a whole, or, higher than the room, at the pitches that were in sight", () => {
  const room = {width: 390, height: 280}, long = {...PIECE, steps: 512}, plain = new Geometry(long, LOOK, room);
  assert.equal(plain.scrollTo(0, 0, 280), 0);
  const scrolled = plain.scrollTo(3, 0, 280);
  assert.ok(scrolled <= plain.top(3) && scrolled + 280 >= plain.top(3) + plain.systemHeight);
  assert.equal(plain.scrollTo(3, scrolled, 280), scrolled);
  const large = new Geometry(long, LOOK, room, 4), at = large.row(60, 2) - 100;
  assert.ok(large.systemHeight > 280 && large.systemAt(at + 140) === 2);
  assert.ok(Math.abs(large.row(60, 3) - large.scrollTo(3, at, 280) - 100) < 1e-9);
  assert.ok(Math.abs(large.scrollTo(2, at, 280) - at) < 1e-9);
});

test("as much as possible of a system is brought into sight, by no longer way than it needs", () => {
  const room = {width: 390, height: 280}, plain = new Geometry(PIECE, LOOK, room), large = new Geometry(PIECE, LOOK, room, 4);
  const seen = (roll, system, scrolled) => Math.min(roll.top(system) + roll.systemHeight, scrolled + 280) - Math.max(roll.top(system), scrolled);
  for (const scrolled of [0, 100, 1e4]) {
    assert.ok(Math.abs(seen(plain, 1, plain.within(1, scrolled, 280)) - plain.systemHeight) < 1e-6);
    assert.ok(seen(large, 2, large.within(2, scrolled, 280)) >= 280 - LOOK.top);
  }
  const inside = large.top(2) + 40;
  assert.equal(large.within(2, inside, 280), inside);
});
