/* A sheet: one piece as the server tells of it (see musicgen/session.py), drawn on a roll and, while it is the one that
 is heard, handed on to the player.

 const sheet = new Sheet(element, look);  // as of Roll
 sheet.open(piece, notes);                       // a new frame, and what is known in it: [voice, pitch, start, duration, given]
 sheet.begin();                                  // more is to come
 sheet.change({until, notes, gone}); sheet.end({steps, notes});
 sheet.hear(player); sheet.leave();               // from now on this one sounds; no longer
 sheet.describe(event)                           // the note under a pointer, in words */

import {Roll} from "./roll.js";
import {pitchName, place} from "./words.js";

export class Sheet {
  #player = null;

  constructor(element, look) {
    this.roll = new Roll(element, look);
    this.notes = new Map();  // "voice:start" -> {voice, pitch, start, duration, given, born}
    this.piece = null;
    this.until = 0;          // the step up to which the music is known
    this.total = 0;          // the piece's steps, once nothing more comes
  }

  /* what is told of it */

  open(piece, notes = []) {
    [this.piece, this.until, this.total] = [piece, 0, piece.steps];
    this.notes.clear();
    this.#keep(notes, 0);
    this.roll.frame(piece);
    if (this.#player) this.hear(this.#player);
  }

  begin() { this.total = null; }

  change({until, notes, gone}) {
    for (const [voice, start] of gone) this.notes.delete(`${voice}:${start}`);
    this.#keep(notes, performance.now());
    this.until = until;
    const since = Math.min(Infinity, ...gone.map(([, start]) => start));
    this.#player?.add(gone.length ? this.#since(since) : notes, {until, replaceFrom: since});
    this.roll.draw();
  }

  end({steps, notes}) {
    const arrived = new Map(this.notes);
    this.notes.clear();
    this.#keep(notes, performance.now(), arrived);
    [this.until, this.total] = [steps, steps];
    this.#player?.add(notes, {until: steps, replaceFrom: 0});
    this.#player?.finish(steps);
    this.roll.draw();
  }

  #keep(notes, born, known = this.notes) {
    for (const [voice, pitch, start, duration, given] of notes) {
      const key = `${voice}:${start}`;
      this.notes.set(key, {voice, pitch, start, duration, given, born: known.get(key)?.born ?? born});
    }
    this.roll.notes = [...this.notes.values()];
  }

  #since(step) {
    return [...this.notes.values()].filter(n => n.start >= step).map(n => [n.voice, n.pitch, n.start, n.duration]);
  }

  /* who hears it */

  hear(player) {
    this.#player = player;
    player.swap(this.#since(0), {until: this.until, total: this.total});
  }

  leave() { this.#player = null; }

  describe(event) {
    const note = this.piece && this.roll.noteAt(event);
    if (!note) return "";
    const name = `${this.piece.voices[note.voice]} ${pitchName(note.pitch)}`;
    return `${name}, ${place(this.piece, note.start)}, ${note.given ? "given" : "composed"}`;
  }
}
