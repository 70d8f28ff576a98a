/** The keyboard: mouse, touch, computer keys and MIDI keyboards sound a note and write it into the seed, step by step or,
 while it records, as it is played.

 new Keyboard(element, {player, write, frame});
 write(change, starts): change(text) -> the new seed text;  frame(): the meter and how long a piece may be

 @typedef {{bar: number, beat: number, longest: number}} Frame  in steps, in steps, in bars */

import {element} from "./dom.js";
import {isBlack, layout, semitoneOf, shifted, typedName} from "./keys.js";
import {MidiKeyboards} from "./midi.js";
import {Recorder} from "./recorder.js";
import {isField, ledByKeys} from "./shortcuts.js";
import {addToChord, append, withoutLast} from "./seed-text.js";

const CLICK = 300;          // ms that a key sounds which was clicked by no pointer
const CHORD = 70;           // ms within which keys make a chord

const COARSE = matchMedia("(pointer: coarse), (max-width: 860px)");

export class Keyboard {
  /**
   * @param {HTMLElement} element
   * @param {{player: import("./player.js").Player, frame: () => Frame,
   *   write: (change: (text: string) => string, starts?: boolean) => void}} page
   */
  constructor(element, {player, write, frame}) {
    this.element = element;
    this.player = player;
    this.write = write;
    this.keys = element.querySelector(".keys");
    this.held = new Map();  // pointer or key -> {pitch, tap}
    this.base = 60;         // the leftmost C
    this.focus = 60;
    this.last = -1;         // when the last note was struck, ms
    const playing = element.querySelector(".playing"), tell = words => { if (playing.textContent !== words) playing.textContent = words; };
    this.recorder = new Recorder({player, frame, tell, attended: () => this.attended, done: text => {
      this.#press("record", false);
      if (text) this.write(() => text);
    }});
    this.midi = new MidiKeyboards({
      tell, silence: () => this.#release("m"), up: (pitch, time) => this.#up(`m${pitch}`, time),
      down: (pitch, time) => { if (this.attended) this.#down(`m${pitch}`, pitch, time); },
    });
    this.#listen();
    new ResizeObserver(() => this.#build()).observe(this.keys);
  }

  /** Is it the keyboard that one plays? Not while something is typed, nor beside a view that does not show the seed. */
  get attended() { return !isField(document.activeElement) && document.documentElement.dataset.view !== "compare"; }

  get length() { return this.#field("[name=note-length]:checked").value; }  // beats
  get writes() { return this.#field("[name=write]").checked; }
  get typing() { return this.#field("[name=typing]").checked; }
  #field(selector) { return /** @type {HTMLInputElement} */ (this.element.querySelector(selector)); }

  #listen() {
    const on = (name, act) => this.element.querySelector(`.${name}`).addEventListener("click", act);
    on("rest", () => this.write(text => append(text, `R:${this.length}`)));
    on("undo", () => this.write(withoutLast));
    on("clear", () => this.write(() => ""));
    on("record", () => this.#record());
    on("midi", async () => {
      await this.midi.toggle();
      this.#press("midi", this.midi.on);
    });
    on("lower", () => this.#shift(-12));
    on("higher", () => this.#shift(12));
    this.keys.addEventListener("pointerdown", event => this.#touch(event));
    for (const name of ["pointerup", "pointercancel"]) window.addEventListener(name, event => this.#up(`p${/** @type {PointerEvent} */ (event).pointerId}`, event.timeStamp));
    window.addEventListener("blur", () => this.#release(""));
    this.keys.addEventListener("keydown", event => this.#walk(event));
    this.keys.addEventListener("click", event => this.#click(event));
    this.keys.addEventListener("keyup", event => event.preventDefault());  // or the space bar would click as well
    this.keys.addEventListener("contextmenu", event => event.preventDefault());
    document.addEventListener("keydown", event => this.#type(event));
    document.addEventListener("keyup", event => this.#up(`k${event.code}`, event.timeStamp));
  }

  #build() {
    const width = this.keys.clientWidth;
    if (!width) return;
    const {whites, keys} = layout(width, this.base, COARSE.matches), shown = `${keys[0].pitch} ${whites}`;
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

  #record() {
    if (this.recorder.running) this.recorder.stop();
    else this.recorder.start();
    this.#press("record", this.recorder.running);
  }

  #press(name, on) { this.element.querySelector(`.${name}`).setAttribute("aria-pressed", String(on)); }

  /* the ways to play */

  #touch(event) {
    const key = event.target.closest(".key");
    if (!key || event.button) return;
    event.preventDefault();
    key.focus({preventScroll: true});
    this.#down(`p${event.pointerId}`, +key.dataset.pitch, event.timeStamp);
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
    if (!this.attended || (ledByKeys() && !this.element.contains(document.activeElement))) return;
    if (event.code === "KeyZ") this.#shift(-12);
    else if (event.code === "KeyX") this.#shift(12);
    else if (semitone >= 0) this.#down(`k${event.code}`, this.base + semitone, event.timeStamp);
    else return;
    event.preventDefault();
  }

  #walk(event) {  // with the arrows from key to key, Enter or space to strike
    const pitch = +(event.target.dataset.pitch ?? NaN);
    if (Number.isNaN(pitch)) return;
    const moves = {ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1};
    if (event.key in moves) this.#rove(pitch + moves[event.key], true);
    else if (event.key === "Enter" || event.key === " ") {
      if (!event.repeat) this.#down(`k${event.code}`, pitch, event.timeStamp);
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

  #down(id, pitch, time = performance.now()) {
    if (this.held.has(id)) return;
    this.held.set(id, {pitch, tap: this.player.press(pitch, 0)});
    this.#mark(pitch, true);
    this.#rove(pitch, false);
    if (this.recorder.running) this.recorder.down(pitch, time);
    else if (this.writes) {
      const chord = time - this.last < CHORD && this.held.size > 1;
      this.write(text => chord ? addToChord(text, typedName(pitch)) : append(text, `${typedName(pitch)}:${this.length}`), true);
    }
    this.last = time;
  }

  #up(id, time = performance.now()) {
    const note = this.held.get(id);
    if (!note) return;
    this.held.delete(id);
    this.player.lift(note.tap);
    this.#mark(note.pitch, false);
    this.recorder.up(note.pitch, time);
  }

  #release(kind) {
    for (const id of [...this.held.keys()]) if (id.startsWith(kind)) this.#up(id);
  }

  #keyOf(pitch) { return /** @type {HTMLElement | null} */ (this.keys.querySelector(`[data-pitch="${pitch}"]`)); }

  #mark(pitch, down) { this.#keyOf(pitch)?.classList.toggle("down", down); }
}
