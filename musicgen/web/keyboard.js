/* The on-screen keyboard: mouse, touch and computer keys sound a note and write it into the seed.

   new MusicgenKeyboard(element, {press, lift, write, tempo});
   press(pitch) -> tap, lift(tap): the sound;  write(change): change(text) -> the new seed text;  tempo(): quarters a minute */

(() => {
  "use strict";

  const NAMES = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];
  const nameOf = pitch => NAMES[pitch % 12] + (Math.floor(pitch / 12) - 1);
  const isBlack = pitch => NAMES[pitch % 12].length > 1;
  const LOWEST = 48, HIGHEST = 96;  // the keys one can reach
  const COMPUTER = ["KeyA", "KeyW", "KeyS", "KeyE", "KeyD", "KeyF", "KeyT", "KeyG", "KeyY", "KeyH", "KeyU", "KeyJ",
    "KeyK", "KeyO", "KeyL", "KeyP", "Semicolon"];
  const LETTERS = "AWSEDFTGYHUJKOLP;";
  const KEY_WIDTH = 38;       // px a white key at least
  const CLICK = 300;          // ms that a key sounds which was clicked by no pointer
  const CHORD = 0.07;         // seconds within which keys make a chord

  class MusicgenKeyboard {
    constructor(element, {press, lift, write, tempo}) {
      Object.assign(this, {element, press, lift, write, tempo});
      this.keys = element.querySelector(".keys");
      this.held = new Map();  // pointer or key -> {pitch, tap, since}
      this.base = 60;         // the leftmost C
      this.focus = 60;
      this.last = -1;         // when the last note was struck, seconds
      this.#listen();
      new ResizeObserver(() => this.#build()).observe(this.keys);
    }

    get length() { return this.element.querySelector("[name=note-length]:checked").value; }  // beats, or "played"
    get records() { return this.element.querySelector("[name=record]").checked; }
    get typing() { return this.element.querySelector("[name=typing]").checked; }

    #listen() {
      const on = (name, act) => this.element.querySelector(`.${name}`).addEventListener("click", act);
      on("rest", () => this.#append(`R:${this.length === "played" ? 1 : this.length}`));
      on("undo", () => this.write(text => text.trimEnd().replace(/(\[[^\]]*\][^\s]*|[^\s\]]+)$/, "").trimEnd()));
      on("clear", () => this.write(() => ""));
      on("lower", () => this.#shift(-12));
      on("higher", () => this.#shift(12));
      this.keys.addEventListener("pointerdown", event => this.#touch(event));
      for (const name of ["pointerup", "pointercancel"]) window.addEventListener(name, e => this.#up(`p${e.pointerId}`));
      window.addEventListener("blur", () => [...this.held.keys()].forEach(id => this.#up(id)));
      this.keys.addEventListener("keydown", event => this.#walk(event));
      this.keys.addEventListener("click", event => this.#click(event));
      this.keys.addEventListener("keyup", event => event.preventDefault());  // or the space bar would click as well
      this.keys.addEventListener("contextmenu", event => event.preventDefault());
      document.addEventListener("keydown", event => this.#type(event));
      document.addEventListener("keyup", event => this.#up(`k${event.code}`));
    }

    #build() {  // as many keys as fit, from the base up
      const width = this.keys.clientWidth;
      if (!width) return;
      const whites = Math.max(8, Math.min(29, Math.floor(width / KEY_WIDTH)));
      const from = Math.max(LOWEST, Math.min(this.base, HIGHEST - 12 * Math.floor(whites / 7)));
      const shown = `${from} ${whites}`;
      if (shown === this.shown) return;
      this.shown = shown;
      const keys = [];
      for (let pitch = from, count = 0; count < whites || isBlack(pitch); pitch++) {
        if (pitch > 108) break;
        if (!isBlack(pitch)) count++;
        else if (count >= whites) break;
        keys.push(this.#key(pitch, isBlack(pitch) ? count / whites : null, whites, pitch - this.base));
      }
      this.keys.replaceChildren(...keys);
      this.#rove(keys.some(k => +k.dataset.pitch === this.focus) ? this.focus : +keys[0].dataset.pitch, false);
    }

    #key(pitch, left, whites, typed) {
      const key = document.createElement("button");
      [key.type, key.className, key.tabIndex] = ["button", left === null ? "key white" : "key black", -1];
      key.dataset.pitch = pitch;
      key.setAttribute("aria-label", nameOf(pitch).replace("#", " sharp "));
      if (left !== null) [key.style.left, key.style.width] = [`${left * 100}%`, `${60 / whites}%`];
      const letter = document.createElement("kbd");
      letter.textContent = LETTERS[typed] ?? "";
      key.append(letter);
      if (pitch % 12 === 0) {
        const name = document.createElement("span");
        name.textContent = nameOf(pitch);
        key.append(name);
      }
      return key;
    }

    #shift(by) {
      const next = this.base + by;
      if (next < LOWEST || next > 84) return;
      this.base = next;
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
      const index = COMPUTER.indexOf(event.code);
      if (!this.typing || event.repeat || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
      if (event.target.closest?.("textarea, select, [contenteditable], [role=listbox], input:not([type=range], [type=radio], [type=checkbox])")) return;
      if (event.code === "KeyZ") this.#shift(-12);
      else if (event.code === "KeyX") this.#shift(12);
      else if (index >= 0) this.#down(`k${event.code}`, this.base + index);
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
      const key = this.keys.querySelector(`[data-pitch="${pitch}"]`);
      if (!key) return;
      for (const other of this.keys.children) other.tabIndex = -1;
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
        this.#append(`${nameOf(pitch)}:${this.length}`, chord ? pitch : null);
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
      const beats = (performance.now() / 1000 - note.since) * this.tempo() / 60;
      this.#append(`${nameOf(note.pitch)}:${Math.max(1, Math.round(Math.min(beats, 8) * 4)) / 4}`);
    }

    #mark(pitch, down) { this.keys.querySelector(`[data-pitch="${pitch}"]`)?.classList.toggle("down", down); }

    #append(token, chordPitch = null) {
      this.write(text => {
        if (chordPitch === null) return `${text.trimEnd()} ${token}`.trimStart();
        return text.trimEnd().replace(/(?:\[([^\]]*)\]|(\S+?)):([\d.]+)$/,
          (_, chord, single, beats) => `[${chord ?? single} ${nameOf(chordPitch)}]:${beats}`);
      });
    }
  }

  window.MusicgenKeyboard = MusicgenKeyboard;
})();
