/* The on-screen keyboard: mouse, touch and computer keys sound a note and write it into the seed.

 new Keyboard(element, {press, lift, write, tempo});
 press(pitch) -> tap, lift(tap): the sound;  write(change, starts): change(text) -> the new seed text;  tempo(): quarters a minute */

import {element} from "./dom.js";
import {isBlack, layout, semitoneOf, shifted, typedName} from "./keys.js";
import {isField} from "./shortcuts.js";
import {addToChord, append, beatsHeld, withoutLast} from "./seed-text.js";

/** @typedef {import("./player.js").Tap} Tap */

const CLICK = 300;          // ms that a key sounds which was clicked by no pointer
const CHORD = 0.07;         // seconds within which keys make a chord

export class Keyboard {
  /**
   * @param {HTMLElement} element
   * @param {{press: (pitch: number) => Tap, lift: (tap: Tap) => void, tempo: () => number,
   *   write: (change: (text: string) => string, starts?: boolean) => void}} acts  what a key does, and what it writes
   */
  constructor(element, {press, lift, write, tempo}) {
    this.element = element;
    this.press = press;
    this.lift = lift;
    this.write = write;
    this.tempo = tempo;
    this.keys = element.querySelector(".keys");
    this.held = new Map();  // pointer or key -> {pitch, tap, since}
    this.base = 60;         // the leftmost C
    this.focus = 60;
    this.last = -1;         // when the last note was struck, seconds
    this.#listen();
    new ResizeObserver(() => this.#build()).observe(this.keys);
  }

  get length() { return this.#field("[name=note-length]:checked").value; }  // beats, or "played"
  get records() { return this.#field("[name=record]").checked; }
  get typing() { return this.#field("[name=typing]").checked; }
  #field(selector) { return /** @type {HTMLInputElement} */ (this.element.querySelector(selector)); }

  #listen() {
    const on = (name, act) => this.element.querySelector(`.${name}`).addEventListener("click", act);
    on("rest", () => this.write(text => append(text, `R:${this.length === "played" ? 1 : this.length}`)));
    on("undo", () => this.write(withoutLast));
    on("clear", () => this.write(() => ""));
    on("lower", () => this.#shift(-12));
    on("higher", () => this.#shift(12));
    this.keys.addEventListener("pointerdown", event => this.#touch(event));
    for (const name of ["pointerup", "pointercancel"]) window.addEventListener(name, event => this.#up(`p${/** @type {PointerEvent} */ (event).pointerId}`));
    window.addEventListener("blur", () => [...this.held.keys()].forEach(id => this.#up(id)));
    this.keys.addEventListener("keydown", event => this.#walk(event));
    this.keys.addEventListener("click", event => this.#click(event));
    this.keys.addEventListener("keyup", event => event.preventDefault());  // or the space bar would click as well
    this.keys.addEventListener("contextmenu", event => event.preventDefault());
    document.addEventListener("keydown", event => this.#type(event));
    document.addEventListener("keyup", event => this.#up(`k${event.code}`));
  }

  #build() {
    const width = this.keys.clientWidth;
    if (!width) return;
    const {whites, keys} = layout(width, this.base), shown = `${keys[0].pitch} ${whites}`;
    if (shown === this.shown) return;
    this.shown = shown;
    this.keys.replaceChildren(...keys.map(key => this.#key(key, whites)));
    this.#rove(keys.some(key => key.pitch === this.focus) ? this.focus : keys[0].pitch, false);
  }

  #key({pitch, left, letter}, whites) {
    const key = element("button", isBlack(pitch) ? "key black" : "key white");
    [key.type, key.tabIndex] = ["button", -1];
    key.dataset.pitch = String(pitch);
    key.setAttribute("aria-label", typedName(pitch).replace("#", " sharp "));
    if (left !== null) [key.style.left, key.style.width] = [`${left * 100}%`, `${60 / whites}%`];
    key.append(element("kbd", "", letter));
    if (pitch % 12 === 0) key.append(element("span", "", typedName(pitch)));
    return key;
  }

  #shift(by) {
    this.base = shifted(this.base, by);
    this.#build();
  }

  /* the three ways to play */

  #touch(event) {
    const key = event.target.closest(".key");
    if (!key || event.button) return;
    event.preventDefault();
    key.focus({preventScroll: true});
    this.#down(`p${event.pointerId}`, +key.dataset.pitch);
  }

  #click(event) {  // from what has no pointer: a screen reader, a switch, a voice
    const key = event.target.closest(".key");
    if (!key || event.detail) return;
    this.#down("click", +key.dataset.pitch);
    setTimeout(() => this.#up("click"), CLICK);
  }

  #type(event) {
    const semitone = semitoneOf(event.code);
    if (!this.typing || event.repeat || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (isField(event.target) || document.documentElement.dataset.view === "compare") return;  // the seed is not seen there
    if (event.code === "KeyZ") this.#shift(-12);
    else if (event.code === "KeyX") this.#shift(12);
    else if (semitone >= 0) this.#down(`k${event.code}`, this.base + semitone);
    else return;
    event.preventDefault();
  }

  #walk(event) {  // with the arrows from key to key, Enter or space to strike
    const pitch = +(event.target.dataset.pitch ?? NaN);
    if (Number.isNaN(pitch)) return;
    const moves = {ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1};
    if (event.key in moves) this.#rove(pitch + moves[event.key], true);
    else if (event.key === "Enter" || event.key === " ") {
      if (!event.repeat) this.#down(`k${event.code}`, pitch);
    } else return;
    event.preventDefault();
  }

  #rove(pitch, focus) {
    const key = this.#keyOf(pitch);
    if (!key) return;
    for (const other of this.keys.querySelectorAll("button")) other.tabIndex = -1;
    key.tabIndex = 0;
    this.focus = pitch;
    if (focus) key.focus();
  }

  /* a note */

  #down(id, pitch) {
    if (this.held.has(id)) return;
    const now = performance.now() / 1000;
    this.held.set(id, {pitch, tap: this.press(pitch), since: now});
    this.#mark(pitch, true);
    this.#rove(pitch, false);
    if (this.records && this.length !== "played") {
      const chord = now - this.last < CHORD && this.held.size > 1;
      this.write(text => chord ? addToChord(text, typedName(pitch)) : append(text, `${typedName(pitch)}:${this.length}`), true);
    }
    this.last = now;
  }

  #up(id) {
    const note = this.held.get(id);
    if (!note) return;
    this.held.delete(id);
    this.lift(note.tap);
    this.#mark(note.pitch, false);
    if (!this.records || this.length !== "played") return;
    const beats = beatsHeld(performance.now() / 1000 - note.since, this.tempo());
    this.write(text => append(text, `${typedName(note.pitch)}:${beats}`), true);
  }

  #keyOf(pitch) { return /** @type {HTMLElement | null} */ (this.keys.querySelector(`[data-pitch="${pitch}"]`)); }

  #mark(pitch, down) { this.#keyOf(pitch)?.classList.toggle("down", down); }
}
