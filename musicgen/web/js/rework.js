/** What one does with the piece on the stage: select bars and voices, compose them again, keep or free them, loop them;
    harmonise and continue the whole. */

import {again, canvasOf, continued, harmonised, painted, voicesWithin} from "./canvas.js";
import {element} from "./dom.js";
import {problem} from "./problems.js";
import {HOLD, still, twoFingersScroll} from "./touch.js";
import {between, fitting, inWords, whole, withVoice} from "./selection.js";
import {plural} from "./words.js";

/** @typedef {import("./canvas.js").Canvas} Canvas */

const DRAG = 6;      // px that make a drag of a click
const HINTS = ["Drag to draw; hold Shift to select", "Double-tap to draw; rest a finger, then drag, to select"];
const MORE = 4;      // bars that Continue adds
export const ROLL = "the roll";  // what music given from here is called

export class Rework {
  /**
   * @param {HTMLElement} root
   * @param {{deck: import("./deck.js").Deck, player: import("./player.js").Player, compose: (canvas: Canvas) => void,
   *   give: (given: Canvas, settings: object) => void, editor: import("./editor.js").Editor,
   *   three: (canvas: Canvas | null) => void, open: (fragment: string) => void, longest: number}} page  three: takes, of a
   *   canvas or of the seed; longest: bars of a whole piece
   */
  constructor(root, {deck, player, compose, give, editor, three, open, longest}) {
    this.deck = deck;
    this.longest = longest;
    this.player = player;
    this.compose = compose;
    this.give = give;
    this.editor = editor;
    this.three = three;
    const find = name => /** @type {HTMLElement} */ (root.querySelector(`.${name}`));
    this.chips = find("chips");
    this.bar = find("selected");
    this.words = find("words");
    this.loop = find("loop");
    this.edit = find("edit");
    this.hand = find("in-hand");
    this.held = find("held");
    this.asked = find("asked");
    this.question = find("question");
    this.recipe = "";  // that the file asked about carries
    this.looping = false;
    /** @type {Record<string, HTMLButtonElement>} */
    this.buttons = {};
    this.edit.addEventListener("click", () => {
      editor.toggle(!editor.on);
      this.tell();
      if (editor.on) this.hand.scrollIntoView({block: "nearest"});
    });
    /** @type {import("./canvas.js").Region | null} */
    this.region = null;
    for (const [name, act] of Object.entries({
      harmonise: () => this.#harmonise(), continue: () => this.#continue(), again: () => this.#again(),
      three: () => this.three(this.#region()), "ask-harmonise": () => this.#harmonise(), "ask-continue": () => this.#continue(),
      "ask-recipe": () => open(this.recipe), "ask-close": () => this.ask(null),
      cut: () => editor.cut(), copy: () => editor.copy(), paste: () => editor.paste(), delete: () => editor.delete(),
      keep: () => this.#fix(1), free: () => this.#fix(0), loop: () => this.#loop(), close: () => this.select(null),
    })) {
      this.buttons[name] = /** @type {HTMLButtonElement} */ (find(name));
      this.buttons[name].addEventListener("click", act);
    }
    this.#listen(deck.element);
    this.tell();
  }

  get #sheet() { return this.deck.sheet; }
  get #notes() { return [...this.#sheet.notes.values()]; }

  /* ---- selecting ------------------------------------------------------------------------------------------------- */

  #listen(roll) {
    roll.addEventListener("pointerdown", event => this.#press(event));
    roll.addEventListener("pointermove", event => this.#drag(event));
    for (const name of ["pointerup", "pointercancel"]) roll.addEventListener(name, () => this.#release());
    still(roll, () => Boolean(this.from && this.dragged));
    twoFingersScroll(roll, () => this.#release());
    roll.addEventListener("click", event => {
      if (this.dragged) this.dragged = false;
      else this.deck.views.transport.seek(this.#sheet.roll.stepAt(event));
    });
    roll.addEventListener("keydown", event => this.#key(event), true);  // before the transport, which would seek
  }

  #press(event) {
    if (event.button || !this.#sheet.piece) return;
    const {roll, piece} = this.#sheet, {y} = roll.pointAt(event), step = roll.stepAt(event), touch = event.pointerType === "touch";
    [this.dragged, this.from] = [false, {x: event.clientX, y: event.clientY, step, ruler: roll.onRuler(event), touch, at: y}];
    if (touch) this.waiting = setTimeout(() => {  // a finger that rests selects; one that moves on scrolls
      this.dragged = true;
      this.select(between(piece, step, step, piece.bar));
    }, HOLD);
  }

  #release() {
    clearTimeout(this.waiting);
    this.from = null;
  }

  #drag(event) {
    if (!this.from || Math.hypot(event.clientX - this.from.x, event.clientY - this.from.y) < DRAG) return;
    if (this.from.touch && !this.dragged) { this.#release(); return; }
    if (!this.dragged) this.deck.element.setPointerCapture(event.pointerId);
    this.dragged = true;
    const {roll, piece} = this.#sheet, step = roll.stepAt(event);
    if (this.from.ruler || this.from.touch) this.select(between(piece, this.from.step, step, piece.bar));
    else this.select(this.#box(between(piece, this.from.step, step, piece.beat), event));
  }

  #box(region, event) {  // the voices that sound between two heights, or all if none does
    const {geometry} = this.#sheet.roll, {y} = this.#sheet.roll.pointAt(event);
    const [high, low] = [this.from.at, y].sort((a, b) => a - b).map(at => geometry.pitchAt(at));
    const voices = geometry.systemAt(y) === geometry.systemAt(this.from.at) ? voicesWithin(this.#notes, {...region, low, high}) : [];
    return voices.length ? {...region, voices} : region;
  }

  #key(event) {
    const {piece} = this.#sheet, {ArrowRight, ArrowLeft, PageDown, PageUp} = {ArrowRight: 1, ArrowLeft: -1, PageDown: -1, PageUp: 1};
    if (!piece) return;
    const step = {ArrowRight, ArrowLeft}[event.key] * piece.beat || {PageDown, PageUp}[event.key] * piece.bar;
    if (event.key === "Escape") this.select(null);
    else if (event.key === "a" && (event.ctrlKey || event.metaKey)) this.select(whole(piece));
    else if (event.shiftKey && step) this.#extend(step);
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  #extend(by) {  // from the playhead on, with Shift and the arrows
    const {piece} = this.#sheet, unit = Math.abs(by), {position} = this.player;
    const at = Math.floor(Math.min(position, piece.steps - 1) / unit) * unit;
    if (!this.region) this.select(between(piece, at, at + (by < 0 ? 0 : unit - 1), unit));
    else this.select({...this.region, to: Math.max(this.region.from + piece.beat, Math.min(piece.steps, this.region.to + by))});
  }

  select(region) {
    this.region = region;
    this.#sheet.roll.region = region;
    this.#sheet.roll.draw();
    if (this.looping) this.player.loop = region;
    if (!region) this.#stopLoop();
    this.tell();
  }

  #reveal() { this.bar.scrollIntoView({block: "nearest"}); }  // what can be done with it, above a phone's bottom bar

  /* ---- doing ------------------------------------------------------------------------------------------------------ */

  #again() { if (this.region) this.compose(this.#region()); }

  #region() {  // all but the selection kept; nothing if nothing is selected
    return this.region && again(this.#sheet.piece, this.#notes, this.deck.known, this.region);
  }

  /** What is to become of a file, and is it to be opened as its recipe says? @param {Canvas | null} given @param {string} [recipe] */
  ask(given, recipe = "") {
    const {piece} = this.#sheet;
    [this.asked.hidden, this.recipe] = [!given, recipe];
    if (!given) return;
    this.question.textContent = `${given.name} fills ${plural(piece.steps / piece.bar, "bar")}. What do you want to do with it?`;
    this.buttons["ask-harmonise"].hidden = piece.voices.length < 2;
    this.buttons["ask-recipe"].hidden = !recipe;
    this.asked.scrollIntoView({block: "nearest"});
  }

  #harmonise() {
    const {piece} = this.#sheet;
    if (!piece) return;
    if (piece.voices.length < 2) {
      problem("style", "A dance has one voice. Choose Chorale to harmonise its tune.", true);
      return;
    }
    const canvas = harmonised(piece, this.#notes);
    if (canvas) this.compose(canvas);
    else problem("notes", "The top voice is silent: give it a melody to harmonise.", true);
  }

  #continue() {
    const {piece} = this.#sheet, bars = piece && Math.min(MORE, this.longest - piece.steps / piece.bar);
    if (!piece) return;
    if (bars > 0) this.compose(continued(piece, this.#notes, this.deck.known, bars));
    else problem("bars", `A piece has at most ${this.longest} bars.`, true);
  }

  #fix(value) {  // keep or free the selection in what Generate composes next
    const {piece} = this.#sheet;
    if (!piece || !this.region) return;
    const before = this.#sheet.roll.freed ?? (value ? this.#sheet.mask : this.deck.known);
    const mask = painted(before, this.region, /** @type {0 | 1} */ (value));
    this.#sheet.markFreed(mask);
    const given = {...canvasOf(piece, this.#notes, mask), name: ROLL};
    this.give(given, {style: piece.style, meter: piece.meter, bars: Math.min(this.longest, piece.steps / piece.bar)});
    this.deck.status.textContent = "Faded notes are free: Generate will replace them.";
  }

  #loop() {
    if (this.looping) this.#stopLoop();
    else {
      this.looping = true;
      this.player.loop = this.region;
      const {position} = this.player;
      if (position < this.region.from || position >= this.region.to) this.player.seek(this.region.from);
      if (!this.player.playing) this.deck.views.transport.toggle();
    }
    this.tell();
  }

  #stopLoop() { [this.looping, this.player.loop] = [false, null]; }

  /* ---- told ------------------------------------------------------------------------------------------------------- */

  /** Another piece stands on the stage. */
  changed() {
    const {piece} = this.#sheet;
    this.editor.changed();
    this.select(piece ? fitting(piece, this.region) : null);
    if (piece && this.chips.dataset.voices !== String(piece.voices)) {
      this.chips.dataset.voices = String(piece.voices);
      this.chips.replaceChildren(...piece.voices.map((name, voice) => this.#chip(name, voice)));
      this.tell();
    }
  }

  #chip(name, voice) {
    const chip = element("button", `chip voice-${voice}`);
    chip.type = "button";
    chip.append(element("span", "unseen", "Select "), name);
    chip.addEventListener("click", () => {
      this.select(withVoice(this.#sheet.piece, this.region, voice));
      this.#reveal();
    });
    return chip;
  }

  tell() {
    this.bar.hidden = !this.region;
    this.hand.hidden = !this.editor.on;
    const {selected, copied} = this.editor;
    this.held.textContent = selected.length ? `${plural(selected.length, "note")} selected` : HINTS[Number(matchMedia("(hover: none)").matches)];
    for (const name of ["cut", "copy", "delete"]) this.buttons[name].disabled = !selected.length;
    this.buttons.paste.disabled = !copied.length;
    for (const [voice, chip] of [...this.chips.children].entries()) {
      chip.setAttribute("aria-pressed", String(this.region?.voices.includes(voice) ?? false));
    }
    this.edit.setAttribute("aria-pressed", String(this.editor.on));
    this.loop.setAttribute("aria-pressed", String(Boolean(this.looping)));
    if (this.region && this.#sheet.piece) this.words.textContent = inWords(this.#sheet.piece, this.region);
  }
}
