/** A sheet: one piece as the server tells of it (musicgen/session.py), drawn on a roll and, while it is the one that is
    heard, handed on to the player.

    const sheet = new Sheet(element, look);         // as of Roll
    sheet.open(piece, notes);                       // a new frame, and what is known in it: [voice, pitch, start, duration, given]
    sheet.begin();                                  // more is to come
    sheet.change({until, notes, gone}); sheet.end({steps, notes});
    sheet.hear(player); sheet.leave();              // from now on this one sounds; no longer
    sheet.describe(event)                           // the note under a pointer, in words */

import {begins} from "./bars.js";
import {maskOf} from "./canvas.js";
import {Roll} from "./roll.js";
import {pitchName, place} from "./words.js";

export class Sheet {
  #player = null;

  constructor(element, look) {
    this.roll = new Roll(element, look);
    /** @type {Map<string, import("./words.js").Note>} */
    this.notes = new Map();  // by "voice:start"
    /** @type {import("./words.js").Piece | null} */
    this.piece = null;
    this.until = 0;          // the step up to which the music is known
    this.total = 0;          // the piece's steps, once nothing more comes
    /** @type {{tempo: number, instruments: string[]} | null} */
    this.mixer = null;       // what it is played with; null if as the next piece will be
    /** @type {import("./canvas.js").Mask} */
    this.mask = [];          // which cells are given
  }

  /* what is told of it */

  open(piece, notes = [], mixer = null) {
    [this.piece, this.until, this.total, this.mixer] = [piece, 0, piece.steps, mixer];
    this.mask = maskOf(piece, piece.fixed);
    this.notes.clear();
    this.roll.freed = null;
    this.roll.ghosts = [];
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

  /** The piece ends here, since it was stopped. */
  cut(steps) {
    this.piece = {...this.piece, steps, seedSteps: Math.min(steps, this.piece.seedSteps)};
    this.mask = this.mask.map(row => row.subarray(0, steps));
    this.roll.frame(this.piece);
  }

  /** Cells that are to be composed anew are drawn so; null takes that back. @param {import("./canvas.js").Mask | null} mask */
  markFreed(mask) {
    this.roll.freed = mask;
    this.roll.draw();
  }

  #keep(notes, born, known = this.notes) {
    for (const [voice, pitch, start, duration, given] of notes) {
      const key = `${voice}:${start}`;
      this.notes.set(key, {voice, pitch, start, duration, given, born: known.get(key)?.born ?? born});
    }
    this.roll.notes = [...this.notes.values()];
  }

  #since(step) { return this.rows.filter(([, , start]) => start >= step); }

  /** Its notes as the server tells them. */
  get rows() {
    return [...this.notes.values()].map(({voice, pitch, start, duration, given}) => [voice, pitch, start, duration, given]);
  }

  /* who hears it */

  hear(player) {
    this.#player = player;
    player.swap(this.#since(0), {from: begins(this.piece), until: this.until, total: this.total});
  }

  leave() { this.#player = null; }

  describe(event) {
    const note = this.piece && this.roll.noteAt(event);
    if (!note) return "";
    const name = `${this.piece.voices[note.voice]} ${pitchName(note.pitch)}`;
    return `${name}, ${place(this.piece, note.start)}, ${note.given ? "given" : "composed"}`;
  }
}
