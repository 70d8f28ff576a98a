/** What one does with the piece on the stage: select bars and voices, compose them again, keep or free them, loop them;
    harmonise and continue the whole. */

import {again, canvasOf, continued, filled, harmonised, painted, silent, voicesWithin} from "./canvas.js";
import {element, only} from "./dom.js";
import {problem} from "./problems.js";
import {HOLD, still, twoFingers} from "./touch.js";
import {between, fitting, inWords, whole, withVoice} from "./selection.js";
import {voiceSwatch} from "./swatch.js";
import {listed, plural} from "./words.js";

/** @typedef {import("./canvas.js").Canvas} Canvas */
/** @typedef {{recipe: string, kept: string, tunes: {part: string}[], tune: number, choose: (index: number) => void}} File  kept: in words; tune: an index */

const DRAG = 6;      // px that make a drag of a click
const HINTS = ["Drag to draw; hold Shift to select", "Double-tap to draw; rest a finger, then drag, to select"];
const MORE = 4;      // bars that Continue adds
export const ROLL = "the roll";  // what music given from here is called

export class Rework {
  /**
   * @param {HTMLElement} root
   * @param {{deck: import("./deck.js").Deck, player: import("./player.js").Player, compose: (canvas: Canvas) => void,
   *   give: (given: Canvas, settings: object) => void, editor: import("./editor.js").Editor,
   *   three: (canvas: Canvas | null) => void, open: (fragment: string) => void, longest: number,
   *   style: (name?: string) => {name: string, voices: string[], ranges: number[][]}}} page  three: takes, of a canvas or of
   *   the seed; longest: bars of a whole piece; style: one by its name, or the chosen one
   */
  constructor(root, {deck, player, compose, give, editor, three, open, longest, style}) {
    this.deck = deck;
    this.longest = longest;
    this.style = style;
    this.player = player;
    this.compose = compose;
    this.give = give;
    this.editor = editor;
    this.three = three;
    const find = name => only(root, `.${name}`);
    this.chips = find("chips");
    this.bar = find("selected");
    this.words = find("words");
    this.loop = find("loop");
    this.edit = find("edit");
    this.hand = find("in-hand");
    this.held = find("held");
    this.asked = find("asked");
    this.question = find("question");
    this.kept = find("kept");
    this.tunes = /** @type {HTMLSelectElement} */ (root.querySelector(".tune select"));
    this.tunes.addEventListener("change", () => this.choose(Number(this.tunes.value)));
    this.recipe = "";  // that the file asked about carries
    /** @type {(index: number) => void} */
    this.choose = () => {};  // another of its parts
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
      three: () => this.three(this.#region()), "ask-fill": () => this.#fill(),
      "ask-harmonise": () => this.#harmonise(), "ask-continue": () => this.#continue(),
      "ask-recipe": () => open(this.recipe), "ask-close": () => this.ask(null),
      cut: () => editor.cut(), copy: () => editor.copy(), paste: () => editor.paste(), delete: () => editor.delete(),
      keep: () => this.#fix(1), free: () => this.#fix(0), loop: () => this.#loop(), "select-nothing": () => this.#leave(),
    })) {
      this.buttons[name] = /** @type {HTMLButtonElement} */ (find(name));
      this.buttons[name].addEventListener("click", act);
    }
    this.bar.addEventListener("keydown", event => { if (event.key === "Escape") this.#leave(); });
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
    twoFingers(roll, {
      begins: at => { this.#release(); this.deck.zoom.begin(at); },
      pinched: (times, at) => this.deck.zoom.pinch(times, at),
    });
    roll.addEventListener("click", event => {
      if (this.dragged) this.dragged = false;
      else this.deck.views.transport.seek(this.#sheet.roll.stepAt(event));
    });
    roll.addEventListener("keydown", event => this.#key(event), true);  // before the transport, which would seek
  }

  #press(event) {
    if (event.button || !this.#sheet.piece) return;
    if (!event.isPrimary) { this.#release(); return; }  // a second finger: the first does not rest to select
    const {roll, piece} = this.#sheet, {y} = roll.pointAt(event), step = roll.stepAt(event), touch = event.pointerType === "touch";
    [this.dragged, this.from] = [false, {x: event.clientX, y: event.clientY, step, ruler: roll.onRuler(event), touch, at: y}];
    if (touch) this.waiting = setTimeout(() => {  // a finger that rests selects; one that moves on scrolls
      this.dragged = true;
      this.select(between(piece, step, step, piece.bar));
    }, HOLD);
  }

  #release() {
    clearTimeout(this.waiting);
    if (this.from?.touch && this.dragged) this.#reveal();
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

  #leave() {  // the selection's own buttons go, and the focus with them
    this.select(null);
    this.deck.element.focus({preventScroll: true});
  }

  #reveal() { this.bar.scrollIntoView({block: "nearest"}); }  // what can be done with it, above a phone's bottom bar

  /* ---- doing ------------------------------------------------------------------------------------------------------ */

  #again() { if (this.region) this.compose(this.#region()); }

  #region() {  // all but the selection kept; nothing if nothing is selected
    return this.region && again(this.#sheet.piece, this.#notes, this.deck.known, this.region);
  }

  /** What is to become of a file, is it to be opened as its recipe says, and which of its parts is the tune?
   * @param {Canvas | null} given @param {Partial<File>} [file]
   */
  ask(given, {recipe = "", kept = "", tunes = [], tune = 0, choose = () => {}} = {}) {
    const {piece} = this.#sheet;
    [this.asked.hidden, this.recipe, this.choose] = [!given, recipe, choose];
    this.kept.textContent = kept;
    /** @type {HTMLElement} */ (this.tunes.parentElement).hidden = !tunes.length;
    this.tunes.replaceChildren(...tunes.map(({part}, index) => new Option(part, String(index))));
    this.tunes.value = String(tune);
    if (!given) return;
    const empty = silent(piece, this.#notes), names = listed(empty.map(voice => piece.voices[voice].toLowerCase()));
    const topless = empty.includes(0), alone = empty.length === piece.voices.length - 1 && !topless;  // is the top voice all there is?
    const lacks = empty.length && !alone ? `; its ${names} ${empty.length > 1 ? "are" : "is"} empty` : "";
    this.question.textContent = `${given.name} fills ${plural(piece.steps / piece.bar, "bar")}${lacks}. What do you want to do with it?`;
    const {"ask-fill": fill, "ask-harmonise": harmonise} = this.buttons;
    [fill.hidden, fill.textContent] = [!lacks, `Compose the missing ${names}`];
    [harmonise.hidden, harmonise.textContent] = [piece.voices.length < 2 || topless, alone ? "Harmonise its tune" : "Keep its top voice: harmonise"];
    this.buttons["ask-recipe"].hidden = !recipe;
    this.asked.scrollIntoView({block: "nearest"});
  }

  #fill() { this.compose(filled(this.#sheet.piece, this.#notes)); }

  #harmonise() {
    const {piece} = this.#sheet;
    if (!piece) return;
    const style = [this.style(piece.style), this.style()].find(({voices}) => voices.length > 1);
    if (!style) {
      problem("style", "A dance has one voice. Choose Chorale to harmonise its tune.", true);
      return;
    }
    const canvas = harmonised(piece, this.#notes, style);
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
    const chip = element("button", "chip");
    chip.type = "button";
    chip.append(voiceSwatch(voice), element("span", "unseen", "Select "), name);
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
