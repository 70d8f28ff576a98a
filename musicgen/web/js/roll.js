/** The piano roll: draws a piece on a canvas and tells which step a pointer means. It knows nothing of sound.

    const roll = new Roll(element, look);            // element holds <canvas> and .playhead; look as of STAGE below
    roll.frame({steps, bar, beat, low, high, seedSteps});
    roll.notes = [{voice, pitch, start, duration, given, born}, ...];
    roll.draw(); roll.place(step); roll.stepAt(event); roll.noteAt(event) */

import {barAt, begins} from "./bars.js";
import {GUTTER, Geometry} from "./geometry.js";
import {mark, paletteOf} from "./marks.js";

const STAGE = {            // px, unless a roll is told otherwise
  top: 20, bottom: 10,     // around the systems
  leastStep: 3,            // a step is wide before a piece is broken into systems; 0 never breaks it
  leastSystem: 104,        // a system is high
  numbers: true,           // are there bar numbers, in the room at the top?
};
const WORD = 46;           // px the first bar's number and "seed" beside it take
const LEAST_ROW = 1;       // px a pitch is high, if pitches are to be told apart at all
const SHARPEST = {side: 16_384, area: 16_777_216};  // dots that a canvas may have on a phone; a larger one stays empty
const ARRIVAL = 220;       // ms a new note takes to appear
const BLACK = new Set([1, 3, 6, 8, 10]);

const calm = matchMedia("(prefers-reduced-motion: reduce)");

/** @typedef {{step: number, pitch: number, y: number}} Held  music, and its height in the element, px */

export class Roll {
  /** @param {HTMLElement} element @param {Partial<typeof STAGE>} [look] */
  constructor(element, look = {}) {
    this.element = element;
    this.look = {...STAGE, ...look};
    this.canvas = element.querySelector("canvas");
    this.playhead = /** @type {HTMLElement} */ (element.querySelector(".playhead"));
    this.piece = {steps: 128, bar: 16, beat: 4, low: 35, high: 81, seedSteps: 0};
    /** @type {import("./words.js").Note[]} */
    this.notes = [];
    this.cursor = 0;
    this.sounding = "";
    this.playing = false;
    /** @type {import("./canvas.js").Region | null} */
    this.region = null;   // what is selected
    /** @type {import("./canvas.js").Mask | null} */
    this.freed = null;    // cells with 0 are to be composed anew
    /** @type {boolean[]} */
    this.audible = [];    // which voices are heard; all where it says nothing
    /** @type {import("./edit.js").Note[]} */
    this.inHand = [];     // the notes that are being edited, where they would be
    /** @type {{x: number, y: number, width: number, height: number} | null} */
    this.box = null;      // drawn around notes to choose them
    /** @type {import("./words.js").Note[]} */
    this.ghosts = [];     // what stood here before
    this.zoom = 1;         // how many times as large as what fits
    this.density = 0;      // dots a px, if not as many as the screen has
    /** @type {Geometry | null} */
    this.geometry = null;  // none before the element has a width
    new ResizeObserver(() => this.fit()).observe(element);
    element.addEventListener("scroll", () => { if (this.look.numbers && this.zoom > 1) this.draw(); });  // its bar numbers stay in sight
    new MutationObserver(() => this.draw()).observe(document.body, {attributes: true, attributeFilter: ["class"]});
  }

  frame(piece) {
    this.piece = piece;
    this.whole = piece.fixed?.length === piece.voices?.length && piece.fixed.every(([, from, to]) => !from && to === piece.steps);
    this.fit();
  }

  fit() {
    const {clientWidth: width, clientHeight: height} = this.element, wanted = this.density || window.devicePixelRatio || 1;
    if (!width) return;
    this.geometry = new Geometry(this.piece, this.look, {width, height}, this.zoom);
    const high = this.geometry.height, scale = Math.min(wanted, SHARPEST.side / high, Math.sqrt(SHARPEST.area / (width * high)));
    this.scale = scale;
    [this.canvas.width, this.canvas.height] = [Math.round(width * scale), Math.round(high * scale)];
    this.canvas.style.height = `${high}px`;
    this.draw();
    this.place(this.cursor);
  }

  /** What is to stay at its height when the zoom changes: the music at a point of the element; without one, at the
   * playhead, if that is in sight.
   * @param {{x: number, y: number}} [point] px @returns {Held | null} */
  hold(point) {
    const {element: {scrollTop, clientHeight, clientWidth}, geometry} = this, {x, y} = point ?? {x: clientWidth / 2, y: clientHeight / 2};
    if (!geometry) return null;
    const music = geometry.musicAt(x, y + scrollTop), {system} = geometry.spot(this.cursor), top = geometry.top(system) - scrollTop;
    if (point || top > clientHeight || top + geometry.systemHeight < 0) return {...music, y};
    const [above, below] = [Math.max(0, top), Math.min(clientHeight, top + geometry.systemHeight)], middle = (above + below) / 2;
    return {...geometry.musicAt(x, middle + scrollTop), step: this.cursor, y: middle};
  }

  /** Draws all so many times as large as what fits. @param {number} zoom @param {Held | null} [held] what stays where it is */
  zoomTo(zoom, held) {
    const {element} = this, kept = held ?? this.hold();
    this.zoom = zoom;
    this.fit();
    if (!kept) return;
    const wanted = this.geometry.heightOf(kept) - kept.y;
    element.scrollTop = held ? wanted : this.geometry.within(this.geometry.spot(kept.step).system, wanted, element.clientHeight);
  }

  /** Scrolls no further than it needs for a note to be seen. @param {{start: number, duration: number, pitch: number}} note */
  reveal(note) {
    const {element, look, geometry} = this, [box] = geometry?.boxes(note) ?? [];
    if (!box) return;
    const highest = box.y - look.top, lowest = box.y + box.height + look.bottom - element.clientHeight;
    element.scrollTop = Math.max(lowest, Math.min(highest, element.scrollTop));
  }

  /* what a pointer means */

  /** @param {MouseEvent} event */
  pointAt(event) {
    const box = this.canvas.getBoundingClientRect();
    return {x: event.clientX - box.left, y: event.clientY - box.top};
  }

  stepAt(event) {
    const {x, y} = this.pointAt(event);
    return this.geometry.stepAt(x, y);
  }

  /** Among the bar numbers? @param {MouseEvent} event */
  onRuler(event) {
    const {y} = this.pointAt(event);
    return y < this.#ruler(this.geometry.systemAt(y));
  }

  #ruler(system) {  // the foot of its bar numbers: above it or, where that is out of sight, at the edge of what is seen
    const {geometry, element, look} = this, top = geometry.top(system);
    return Math.max(top, Math.min(element.scrollTop + look.top, top + geometry.systemHeight));
  }

  noteAt(event) {
    const {x, y} = this.pointAt(event);
    return this.geometry?.noteAt(this.notes, x, y) ?? null;
  }

  /* the picture */

  draw() {
    if (!this.geometry) return;
    const {voices, colours} = paletteOf(this.element);
    this.voices = voices;
    this.colours = colours;
    this.font = getComputedStyle(this.element).fontFamily;
    const pen = this.canvas.getContext("2d");
    pen.setTransform(this.scale, 0, 0, this.scale, 0, 0);
    pen.clearRect(0, 0, this.geometry.width, this.geometry.height);
    for (let system = 0; system < this.geometry.systems; system++) this.#ground(pen, system);
    this.#seam(pen);
    this.#selection(pen);
    this.#notes(pen);
    this.#hand(pen);
    if (this.look.numbers) for (let system = 0; system < this.geometry.systems; system++) this.#barNumbers(pen, system);
  }

  #ground(pen, system) {
    const {geometry, colours} = this, {steps, bar, beat, low, high, seedSteps} = this.piece;
    const {perSystem, stepWidth, systemHeight, rowHeight} = geometry;
    const from = system * perSystem, to = Math.min(steps, from + perSystem);
    const top = geometry.top(system), width = (to - from) * stepWidth;
    pen.fillStyle = colours.stage;
    pen.fillRect(GUTTER, top, width, systemHeight);
    pen.fillStyle = colours.shade;
    if (rowHeight >= 3.5) for (let pitch = low - 1; pitch <= high + 1; pitch++) {
      if (BLACK.has((pitch + 120) % 12)) pen.fillRect(GUTTER, geometry.row(pitch, system) - rowHeight / 2, width, rowHeight);
    }
    if (seedSteps > from && (seedSteps < steps || this.whole)) {
      pen.fillStyle = colours.seed;
      pen.fillRect(GUTTER, top, (Math.min(seedSteps, to) - from) * stepWidth, systemHeight);
    }
    if (rowHeight >= LEAST_ROW) this.#pitchNames(pen, system, width);
    for (let step = from; step <= to; step += beat) {
      const isBar = step % bar === 0, x = GUTTER + (step - from) * stepWidth;
      if (!isBar && beat * stepWidth < 9) continue;
      pen.fillStyle = isBar ? colours.bar : colours.grid;
      pen.fillRect(Math.round(x), top, 1, systemHeight);
    }
    pen.clearRect(GUTTER, top, Math.max(0, begins(this.piece) - from) * stepWidth, systemHeight);  // not there, before an upbeat
  }

  #pitchNames(pen, system, width) {
    pen.font = `11px ${this.font}`;
    [pen.textAlign, pen.textBaseline] = ["right", "middle"];
    for (let pitch = Math.ceil(this.piece.low / 12) * 12; pitch <= this.piece.high; pitch += 12) {
      const y = this.geometry.row(pitch, system);
      pen.fillStyle = this.colours.bar;
      pen.fillRect(GUTTER, Math.round(y + this.geometry.rowHeight / 2), width, 1);
      pen.fillStyle = this.colours.text;
      pen.fillText(`C${pitch / 12 - 1}`, GUTTER - 7, y);
    }
  }

  #barNumbers(pen, system) {
    const {bar, seedSteps, steps} = this.piece, {stepWidth, perSystem} = this.geometry;
    const from = system * perSystem, to = Math.min(steps, from + perSystem), foot = this.#ruler(system);
    const every = Math.max(1, Math.ceil(18 / (bar * stepWidth)));
    if (foot > this.geometry.top(system)) pen.clearRect(0, foot - this.look.top, this.geometry.width, this.look.top);
    [pen.textAlign, pen.textBaseline, pen.font] = ["left", "alphabetic", `11px ${this.font}`];
    pen.fillStyle = this.colours.text;
    for (let step = from; step < to; step += bar) {
      const x = (step - from) * stepWidth + 2;
      if ((step / bar) % every || (seedSteps && !from && step && x < WORD)) continue;
      pen.fillText(String(barAt(this.piece, step)), GUTTER + x, foot - 4);
    }
  }

  #seam(pen) {  // where the seed ends and the model continues
    const {seedSteps, steps} = this.piece;
    if (!seedSteps || (seedSteps >= steps && !this.whole)) return;
    pen.fillStyle = this.colours.seam;
    pen.font = `600 11px ${this.font}`;
    [pen.textAlign, pen.textBaseline] = ["left", "alphabetic"];
    if (this.look.numbers) pen.fillText("seed", GUTTER + 14, this.look.top - 4);
    if (seedSteps >= steps) return;
    const {system, x} = this.geometry.spot(seedSteps), top = this.geometry.top(system);
    for (let y = top - 3; y < top + this.geometry.systemHeight; y += 7) pen.fillRect(Math.round(x) - 1, y, 2, 4);
  }

  #selection(pen) {
    if (!this.region) return;
    const {from, to, voices} = this.region, {geometry} = this;
    for (const {system, x, width} of geometry.spans(from, Math.min(to, this.piece.steps))) {
      pen.fillStyle = this.colours.select;
      pen.fillRect(x, geometry.top(system), width, geometry.systemHeight);
      pen.strokeStyle = this.colours.seam;
      pen.lineWidth = 1.5;
      pen.strokeRect(x + 0.75, geometry.top(system) + 0.75, width - 1.5, geometry.systemHeight - 1.5);
    }
    for (const note of this.notes) {  // the notes that belong to it, since voices cross and overlap
      if (!voices.includes(note.voice) || note.start >= to || note.start + note.duration <= from) continue;
      pen.strokeStyle = this.colours.seam;
      for (const {x, y, width, height} of this.geometry.boxes(note)) pen.strokeRect(x - 1.5, y - 1.5, width + 3, height + 3);
    }
  }

  #hand(pen) {
    [pen.strokeStyle, pen.lineWidth] = [this.colours.seam, 2];
    for (const note of this.inHand) for (const box of this.geometry.boxes(note)) {
      mark(pen, box, {...note, given: 1}, this);
      pen.strokeRect(box.x - 2, box.y - 2, box.width + 4, box.height + 4);
    }
    if (!this.box) return;
    pen.fillStyle = this.colours.select;
    pen.fillRect(this.box.x, this.box.y, this.box.width, this.box.height);
    pen.lineWidth = 1;
    pen.strokeRect(this.box.x, this.box.y, this.box.width, this.box.height);
  }

  #notes(pen) {
    const now = performance.now();
    let arriving = false;
    pen.globalAlpha = 0.16;
    for (const ghost of this.ghosts) for (const box of this.geometry.boxes(ghost)) mark(pen, box, {voice: ghost.voice}, this);
    for (const note of this.notes) {
      const age = calm.matches || !note.born ? 1 : Math.min(1, (now - note.born) / ARRIVAL);
      arriving ||= age < 1;
      pen.globalAlpha = (0.15 + 0.85 * age) * (this.freed && !this.freed[note.voice]?.[note.start] ? 0.35 : 1) * (this.audible[note.voice] === false ? 0.25 : 1);
      for (const box of this.geometry.boxes(note)) mark(pen, box, note, this);
    }
    pen.globalAlpha = 1;
    if (arriving && !this.waiting) {
      this.waiting = requestAnimationFrame(() => { this.waiting = null; this.draw(); });
    }
  }

  /* the playhead */

  place(step) {
    this.cursor = step;
    if (!this.geometry) return;
    const {system, x} = this.geometry.spot(calm.matches ? Math.floor(step) : step);
    this.playhead.style.transform = `translate(${x}px, ${this.geometry.top(system) - 4}px)`;
    this.playhead.style.height = `${this.geometry.systemHeight + 8}px`;
    this.#follow(system);
    this.#light(step);
  }

  #follow(system) {  // where not all systems fit, the one that the playhead enters comes into sight
    if (system === this.followed) return;
    this.followed = system;
    const {element} = this, wanted = this.geometry.scrollTo(system, element.scrollTop, element.clientHeight);
    if (wanted !== element.scrollTop) element.scrollTop = wanted;
  }

  #light(step) {  // the notes that sound now; drawn anew only when they change
    let sounding = "";
    for (const note of this.notes) {
      note.lit = this.playing && note.start <= step && step < note.start + note.duration;
      if (note.lit) sounding += `${note.voice}:${note.start} `;
    }
    if (sounding === this.sounding) return;
    this.sounding = sounding;
    this.draw();
  }
}
