/** The roll as an editor, while *Edit notes* is pressed: choose, draw, move, lengthen, shorten, delete, copy and paste; by
    pointer, by touch and by keys.

    Whoever owns the notes gets them by `commit(notes)` and puts the new ones on the roll; until then only the notes in
    hand are drawn elsewhere. */

import {begins} from "./bars.js";
import {neighbour, nudge, pasted, placed, put, replaced, same, shifted, without} from "./edit.js";
import {HOLD, TWICE, still} from "./touch.js";
import {pitchName, place, plural} from "./words.js";

/** @typedef {import("./edit.js").Note} Note */

const EDGE = {mouse: 9, touch: 16};  // px at a note's end by which it is lengthened
const DRAG = 6;                      // px that a resting finger may tremble

export class Editor {
  /**
   * @param {import("./deck.js").Deck} deck
   * @param {{voice: () => number, ranges: () => number[][], commit: (notes: Note[]) => void, hear: (note: Note) => void,
   *   tell: (words: string) => void, region: () => import("./canvas.js").Region | null, changed: () => void}} page  voice: the
   *   one that is drawn into; region: what is selected where no notes are selected; changed: other notes are selected, or copied
   */
  constructor(deck, page) {
    this.deck = deck;
    this.page = page;
    this.on = false;
    /** @type {Note[]} */
    this.selected = [];  // as they are in the piece
    /** @type {Note[]} */
    this.copied = [];
    this.ruler = false;  // pressed there: that selects bars, whether notes are edited or not
    this.drag = null;  // {kind, notes, step, pitch, x, y}: draw, move, end, box; tap, of a finger in an empty place
    this.tapped = 0;   // ms, when a finger tapped an empty place
    const {element} = deck;
    element.addEventListener("pointerdown", event => this.#press(event), true);
    element.addEventListener("pointermove", event => this.#move(event), true);
    for (const name of ["pointerup", "pointercancel"]) element.addEventListener(name, event => this.#lift(event), true);
    element.addEventListener("click", event => { if (this.on && !this.ruler) event.stopImmediatePropagation(); }, true);
    element.addEventListener("dblclick", () => { if (this.on && this.selected.length && !this.tapped) this.delete(); });
    still(element, () => this.on && Boolean(this.drag) && this.drag.kind !== "tap");  // an empty place scrolls
    element.addEventListener("keydown", event => this.#key(event), true);
  }

  get #roll() { return this.deck.sheet.roll; }
  get #notes() { return [...this.deck.sheet.notes.values()]; }
  get #frame() { return {steps: this.deck.sheet.piece.steps, ranges: this.page.ranges(), begins: begins(this.deck.sheet.piece)}; }
  get #last() { return this.selected.at(-1) ?? null; }

  /** What is cut, copied or deleted: the notes selected, or those that begin in what is selected. */
  get meant() {
    const region = this.on ? null : this.page.region();
    if (!region) return this.selected;
    return this.#notes.filter(({voice, start}) => region.voices.includes(voice) && start >= region.from && start < region.to);
  }

  toggle(on) {
    this.on = on && !this.deck.generating;
    this.deck.element.toggleAttribute("data-editing", this.on);
    this.#select([]);
  }

  /** Other notes stand on the roll. */
  changed() {
    if (this.on && this.deck.generating) this.toggle(false);
    else if (this.selected.length) this.#select(this.#notes.filter(note => this.selected.some(one => same(one, note) && one.pitch === note.pitch)));
  }

  /* ---- by pointer -------------------------------------------------------------------------------------------------- */

  #press(event) {
    if (!this.on || event.button || !this.deck.sheet.piece) return;
    this.ruler = this.#roll.onRuler(event);
    if (this.ruler) return;
    event.stopImmediatePropagation();
    if (!event.isPrimary) { this.#abandon(); return; }  // a second finger scrolls
    if (event.pointerType !== "touch") event.preventDefault();
    const {geometry} = this.#roll, {x, y} = this.#roll.pointAt(event), found = geometry.noteAt(this.#notes, x, y);
    const spot = {x, y, step: geometry.stepAt(x, y), pitch: geometry.pitchAt(y)}, more = event.shiftKey || event.ctrlKey || event.metaKey;
    this.deck.element.focus({preventScroll: true});
    this.deck.element.setPointerCapture(event.pointerId);
    if (found && more) this.#select(this.#has(found) ? without(this.selected, [found]) : [...this.selected, found]);
    else if (found) {
      this.tapped = 0;
      this.#grasp(found, spot, EDGE[event.pointerType] ?? EDGE.mouse);
    }
    else if (more) this.drag = {kind: "box", notes: this.selected, ...spot};
    else {
      const {beat} = this.deck.sheet.piece, start = Math.floor(spot.step / (beat / 2)) * (beat / 2);
      this.drag = {kind: "draw", notes: [placed({voice: this.page.voice(), pitch: spot.pitch, start, duration: beat}, this.#frame)], ...spot};
      if (event.pointerType === "touch") {  // one tap may be a stray: the second draws
        this.waiting = setTimeout(() => this.#box(), HOLD);
        const again = event.timeStamp - this.tapped < TWICE;
        this.tapped = event.timeStamp;
        if (!again) { this.drag.kind = "tap"; return; }
      } else this.tapped = 0;
      this.#show(this.drag.notes);
      this.page.hear(this.drag.notes[0]);
    }
  }

  #has(note) { return this.selected.some(one => same(one, note)); }

  #grasp(found, spot, edge) {
    const {geometry} = this.#roll, end = geometry.spot(found.start + found.duration - 0.001).x;
    if (!this.#has(found)) this.#select([found]);
    const kind = end - spot.x < edge && found.duration * geometry.stepWidth > 2 * edge ? "end" : "move";
    this.drag = {kind, notes: this.selected, ...spot};
    this.page.hear(found);
  }

  #box() {  // a finger has rested in an empty place
    this.drag = {...this.drag, kind: "box", notes: []};
    this.#select([]);
    this.page.tell("Draw a box around the notes to select.");
  }

  #move(event) {
    if (!this.on || !this.drag) return;
    event.stopImmediatePropagation();
    const {geometry} = this.#roll, {x, y} = this.#roll.pointAt(event), {kind, notes} = this.drag;
    if (Math.hypot(x - this.drag.x, y - this.drag.y) > DRAG) clearTimeout(this.waiting);
    const steps = Math.round(geometry.stepAt(x, y) - this.drag.step), up = geometry.pitchAt(y) - this.drag.pitch;
    if (kind === "tap") return;
    if (kind === "box") this.#enclose(x, y);
    else {
      const now = shifted(notes, kind === "move" ? {steps, up} : {longer: steps}, this.#frame);
      if (this.drag.now && now[0].pitch !== this.drag.now[0].pitch) this.page.hear(now[0]);
      this.drag.now = now;
      this.#show(now);
    }
  }

  #enclose(x, y) {
    const {geometry} = this.#roll, across = [this.drag.x, x].sort((a, b) => a - b), down = [this.drag.y, y].sort((a, b) => a - b);
    const box = {x: across[0], y: down[0], width: across[1] - across[0], height: down[1] - down[0]};
    const inside = geometry.notesIn(this.#notes, box);
    this.#roll.box = box;
    this.#select([...this.drag.notes, ...without(inside, this.drag.notes)]);
  }

  #lift(event) {
    clearTimeout(this.waiting);
    if (!this.on || !this.drag) return;
    event.stopImmediatePropagation();
    const {kind, notes, now} = this.drag;
    if (event.type === "pointercancel") this.#abandon();
    else {
      [this.drag, this.#roll.box] = [null, null];
      if (kind === "draw") this.#commit(put(this.#notes, now ?? notes), now ?? notes);
      else if (kind === "tap") this.#select([]);
      else if (kind !== "box" && now) this.#change(notes, now);
      else this.#select(this.selected);
    }
  }

  #abandon() {
    clearTimeout(this.waiting);
    [this.drag, this.#roll.box] = [null, null];
    this.#select(this.selected);
  }

  /* ---- by keys ----------------------------------------------------------------------------------------------------- */

  #key(event) {
    const {key, shiftKey} = event;
    if (!this.deck.sheet.piece || event.altKey || this.deck.generating) return;
    if (event.ctrlKey || event.metaKey) {
      const act = {c: () => this.copy(), x: () => this.cut(), v: () => this.paste(), ...this.on && {a: () => this.#select(this.#notes)}}[key.toLowerCase()];
      if (!act) return;
      act();
    } else if (key === "Delete" || key === "Backspace") this.delete();
    else if (!this.on) return;
    else if (this.selected.length && nudge(key, shiftKey)) this.#change(this.selected, shifted(this.selected, nudge(key, shiftKey), this.#frame));
    else if (",<.>".includes(key)) this.#walk(",<".includes(key) ? -1 : 1, "<>".includes(key));
    else if (key === "Enter") this.#add();
    else if (key === "Escape" && this.selected.length) this.#select([]);
    else return;
    if (this.#last) this.#roll.reveal(this.#last);
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  #walk(by, more) {
    const note = neighbour(this.#notes, this.#last, by);
    if (note) this.#select(more ? [...without(this.selected, [note]), note] : [note]);
  }

  #add() {  // after the note in hand, or at the playhead
    const last = this.#last, voice = last?.voice ?? this.page.voice(), {beat, steps} = this.deck.sheet.piece, [low, high] = this.page.ranges()[voice];
    const start = last ? last.start + last.duration : Math.floor(this.#roll.cursor / beat) * beat;
    if (start >= steps) return;
    const note = placed({voice, start, duration: beat, pitch: last?.pitch ?? Math.round((low + high) / 2)}, this.#frame);
    this.page.hear(note);
    this.#commit(put(this.#notes, [note]), [note]);
  }

  /* ---- cut, copy, paste -------------------------------------------------------------------------------------------- */

  copy() {
    const {meant} = this;
    if (!meant.length) return;
    this.copied = meant;
    this.page.tell(`${plural(meant.length, "note")} copied: paste puts them at the playhead.`);
    this.page.changed();
  }

  cut() {
    this.copy();
    this.delete();
  }

  paste() {  // at the playhead
    if (!this.copied.length || this.deck.generating) return;
    const notes = pasted(this.copied, Math.floor(this.#roll.cursor), this.#frame);
    if (!notes.length) { this.page.tell("There is no room behind the playhead: move it back."); return; }
    this.#commit(put(this.#notes, notes), this.on ? notes : []);
    this.page.tell(`${plural(notes.length, "note")} pasted`);
  }

  delete() {
    const {meant} = this;
    if (!meant.length || this.deck.generating) return;
    this.#commit(without(this.#notes, meant), []);
    this.page.tell(`${plural(meant.length, "note")} deleted`);
  }

  /* ---- what comes of it -------------------------------------------------------------------------------------------- */

  #change(from, to) {
    if (from.every((note, index) => ["start", "pitch", "duration"].every(name => note[name] === to[index][name]))) return;
    if (to[0].pitch !== from[0].pitch) this.page.hear(to[0]);
    this.#commit(replaced(this.#notes, from, to), to);
  }

  #commit(notes, selected) {
    this.page.commit(notes);
    this.#select(this.#notes.filter(note => selected.some(one => same(one, note))));
  }

  #select(notes) {
    this.selected = notes;
    this.#show(notes);
    this.page.changed();
    const note = this.#last, {piece} = this.deck.sheet;
    if (!note || !piece) return;
    if (notes.length > 1) this.page.tell(`${notes.length} notes selected`);
    else this.page.tell(`${piece.voices[note.voice]} ${pitchName(note.pitch)}, ${place(piece, note.start)}, ${note.duration / 4} long`);
  }

  #show(notes) {
    this.#roll.inHand = notes;
    this.#roll.draw();
  }
}
