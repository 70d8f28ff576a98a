/** The roll as an editor, while *Edit notes* is pressed: draw, move, lengthen, shorten, delete; by pointer and by keys.

    Whoever owns the notes gets them by `commit(notes)` and puts the new ones on the roll; until then only the note in
    hand is drawn elsewhere. */

import {neighbour, nudged, placed, put, replaced, without} from "./edit.js";
import {pitchName, place} from "./words.js";

/** @typedef {import("./edit.js").Note} Note */

const EDGE = 9;  // px at a note's end by which it is lengthened

export class Editor {
  /**
   * @param {import("./deck.js").Deck} deck
   * @param {{voice: () => number, ranges: () => number[][], commit: (notes: Note[]) => void, hear: (note: Note) => void,
   *   tell: (words: string) => void}} page  voice: the one that is drawn into
   */
  constructor(deck, page) {
    this.deck = deck;
    this.page = page;
    this.on = false;
    this.note = null;  // in hand, as it is in the piece
    this.drag = null;  // {kind, note, step, pitch}
    const {element} = deck;
    element.addEventListener("pointerdown", event => this.#press(event), true);
    element.addEventListener("pointermove", event => this.#move(event), true);
    for (const name of ["pointerup", "pointercancel"]) element.addEventListener(name, event => this.#lift(event), true);
    element.addEventListener("click", event => { if (this.on) event.stopImmediatePropagation(); }, true);
    element.addEventListener("dblclick", () => { if (this.on && this.note) this.#delete(); });
    element.addEventListener("keydown", event => this.#key(event), true);
  }

  get #roll() { return this.deck.sheet.roll; }
  get #notes() { return [...this.deck.sheet.notes.values()]; }
  get #frame() { return {steps: this.deck.sheet.piece.steps, ranges: this.page.ranges()}; }

  toggle(on) {
    this.on = on && Boolean(this.deck.sheet.piece) && !this.deck.generating;
    this.deck.element.toggleAttribute("data-editing", this.on);
    this.#take(null);
  }

  /* ---- by pointer -------------------------------------------------------------------------------------------------- */

  #press(event) {
    if (!this.on || event.button) return;
    event.stopImmediatePropagation();
    event.preventDefault();
    const {geometry} = this.#roll, {x, y} = this.#roll.pointAt(event), found = geometry.noteAt(this.#notes, x, y);
    const step = geometry.stepAt(x, y), pitch = geometry.pitchAt(y);
    this.deck.element.focus({preventScroll: true});
    if (found) {
      const end = geometry.spot(found.start + found.duration - 0.001).x;
      this.drag = {kind: end - x < EDGE && found.duration * geometry.stepWidth > 2 * EDGE ? "end" : "move", note: found, step, pitch};
      this.#take(found);
    } else {
      const {beat} = this.deck.sheet.piece, start = Math.floor(step / (beat / 2)) * (beat / 2);
      const note = placed({voice: this.page.voice(), pitch, start, duration: beat}, this.#frame);
      this.drag = {kind: "draw", note, step, pitch};
      this.#show(note);
    }
    this.page.hear(this.drag.note);
    this.deck.element.setPointerCapture(event.pointerId);
  }

  #move(event) {
    if (!this.on || !this.drag) return;
    event.stopImmediatePropagation();
    const {geometry} = this.#roll, {x, y} = this.#roll.pointAt(event), {kind, note} = this.drag;
    const steps = Math.round(geometry.stepAt(x, y) - this.drag.step), up = geometry.pitchAt(y) - this.drag.pitch;
    const wanted = kind === "move" ? {...note, start: note.start + steps, pitch: note.pitch + up}
      : {...note, duration: Math.max(1, note.duration + steps)};
    const now = placed(wanted, this.#frame);
    if (this.drag.now && now.pitch !== this.drag.now.pitch) this.page.hear(now);
    this.drag.now = now;
    this.#show(now);
  }

  #lift(event) {
    if (!this.on || !this.drag) return;
    event.stopImmediatePropagation();
    const {kind, note, now} = this.drag;
    this.drag = null;
    if (event.type === "pointercancel") this.#take(kind === "draw" ? null : note);
    else if (kind === "draw") this.#commit(put(this.#notes, now ?? note), now ?? note);
    else if (now && (now.start !== note.start || now.pitch !== note.pitch || now.duration !== note.duration)) this.#change(note, now);
  }

  /* ---- by keys ----------------------------------------------------------------------------------------------------- */

  #key(event) {
    if (!this.on || event.ctrlKey || event.metaKey || event.altKey) return;
    const moved = this.note && nudged(this.note, event.key, event.shiftKey);
    if (moved) this.#change(this.note, moved);
    else if (event.key === "Delete" || event.key === "Backspace") { if (this.note) this.#delete(); }
    else if (event.key === "," || event.key === ".") this.#take(neighbour(this.#notes, this.note, event.key === "." ? 1 : -1));
    else if (event.key === "Enter") this.#add();
    else if (event.key === "Escape" && this.note) this.#take(null);
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  #add() {  // after the note in hand, or at the playhead
    const voice = this.note?.voice ?? this.page.voice(), {beat, steps} = this.deck.sheet.piece, [low, high] = this.page.ranges()[voice];
    const start = this.note ? this.note.start + this.note.duration : Math.floor(this.#roll.cursor / beat) * beat;
    if (start >= steps) return;
    const note = placed({voice, start, duration: beat, pitch: this.note?.pitch ?? Math.round((low + high) / 2)}, this.#frame);
    this.page.hear(note);
    this.#commit(put(this.#notes, note), note);
  }

  /* ---- what comes of it -------------------------------------------------------------------------------------------- */

  #change(from, to) {
    const note = placed(to, this.#frame);
    if (note.pitch !== from.pitch) this.page.hear(note);
    this.#commit(replaced(this.#notes, from, note, this.#frame), note);
  }

  #delete() {
    const gone = this.note;
    this.#commit(without(this.#notes, gone), null);
    this.page.tell("deleted");
  }

  #commit(notes, note) {
    this.page.commit(notes);
    this.#take(note && this.#notes.find(other => other.voice === note.voice && other.start === note.start));
  }

  #take(note) {
    this.note = note ?? null;
    this.#show(this.note);
    if (!this.note || !this.deck.sheet.piece) return;
    const {piece} = this.deck.sheet;
    this.page.tell(`${piece.voices[note.voice]} ${pitchName(note.pitch)}, ${place(piece, note.start)}, ${note.duration / 4} long`);
  }

  #show(note) {
    this.#roll.inHand = note;
    this.#roll.draw();
  }
}
