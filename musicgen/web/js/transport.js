/** The transport: the one player of the page, its buttons, sliders and clock. It plays one sheet at a time; another
    sheet goes on where the last one was, without a gap.

    A sheet that a model has filled keeps the tempo and the instruments it was played with; what is set for the next
    piece, which the server reads, waits in `props.value` meanwhile.

    const transport = new Transport(player, element, props);   // props.value: {tempo, volume, instruments}
    transport.start(sheet);              // from its beginning
    transport.hear(sheet);               // at the same place
    transport.toggle(); transport.seek(step); transport.key(event);
    transport.onmove = () => ...;        // the playhead has moved, or play began or ended
    transport.onempty = () => ...;       // asked to play where there is nothing
    transport.onmixer = sheet => ...;    // the visitor has set what this sheet is played with */

import {begins} from "./bars.js";
import {only} from "./dom.js";
import {clearProblem, problem} from "./problems.js";
import {voiceSwatch} from "./swatch.js";
import {beatsAMinute, secondsPerStep, tempoOf} from "./time.js";
import {clock, place} from "./words.js";

/** @typedef {{tempo: number, volume: number, instruments: string[], chosen?: boolean}} Settings  tempo in quarters a minute,
 *   volume to 1; chosen: the tempo was set by hand, or has come with a piece, and no meter or style brings another */

const NOTES = {4: ["♩ =", "Quarter notes"], 6: ["♩. =", "Dotted quarter notes"]};  // by the steps of a beat

export class Transport {
  #settings; #element; #rows; #selects; #beats; #unit; #ticking = null;
  #limits;  // of the tempo, quarters a minute
  #quiet = {mute: new Set(), solo: new Set()};  // voices

  /**
   * @param {import("./player.js").Player} player @param {HTMLElement} element
   * @param {{value: Settings, choices: {key: string, title: string}[], voices: string[]}} props  choices: the instruments
   */
  constructor(player, element, props) {
    this.player = player;
    [this.#element, this.#settings] = [element, props];
    /** @type {import("./sheet.js").Sheet | null} */
    this.sheet = null;
    this.onstate = () => {};
    this.onmove = () => {};
    this.onempty = () => {};
    /** @type {(sheet: import("./sheet.js").Sheet) => void} */
    this.onmixer = () => {};
    player.onstate = () => this.#heard();
    const find = name => only(element, `.${name}`);
    this.playButton = find("play");
    this.now = find("now");
    this.whole = find("whole");
    this.playButton.addEventListener("click", () => this.toggle());
    find("rewind").addEventListener("click", () => this.seek(0));
    for (const name of ["tempo", "volume"]) {
      element.querySelector(`#${name}`).addEventListener("input", event => this.#slide(name, Number(/** @type {HTMLInputElement} */ (event.target).value)));
    }
    this.#beats = /** @type {HTMLInputElement} */ (find("beats"));
    this.#unit = find("unit");
    this.#limits = [Number(this.#beats.min), Number(this.#beats.max)];
    this.#beats.addEventListener("change", () => this.#type());
    this.#fill(find("voices"), props);
    for (const name of ["mute", "solo"]) {
      const buttons = [...element.querySelectorAll(`.${name}`)];
      buttons.forEach((button, voice) => button.addEventListener("click", () => this.#silence(name, voice, buttons)));
    }
    this.configure(props.value);
  }

  #fill(voices, {choices, voices: names}) {
    const blank = this.#element.querySelector("template");
    this.#rows = names.map(() => /** @type {HTMLElement} */ (blank.content.firstElementChild.cloneNode(true)));
    for (const [voice, row] of this.#rows.entries()) row.querySelector("label").prepend(voiceSwatch(voice));
    voices.append(...this.#rows);
    this.#name(names);
    this.#selects = [...voices.querySelectorAll("select")];
    for (const select of this.#selects) {
      for (const {key, title} of choices) select.add(new Option(title, key));
      select.addEventListener("change", () => this.#choose({instruments: this.#selects.map(s => s.value)}));
    }
  }

  #name(names) {  // as the style of the piece calls its voices
    for (const [voice, name] of names.entries()) {
      const find = part => this.#rows[voice].querySelector(part);
      find(".called").textContent = name;
      find(".mute .unseen").textContent = `Mute ${name.toLowerCase()}`;
      find(".solo .unseen").textContent = `Hear only ${name.toLowerCase()}`;
    }
  }

  /* settings */

  get next() { return this.#settings.value; }  // of the next piece
  get worn() { return {tempo: this.player.tempo, instruments: this.player.instruments}; }  // of what is heard

  configure(settings) {  // as the server or the page sets them for the next piece
    if (!settings) return;
    this.#show("volume", Math.round(settings.volume * 100));
    this.player.volume = settings.volume;
    if (!this.sheet?.mixer) this.#wear(settings);
  }

  #wear({tempo, instruments}) {
    this.#showTempo(tempo);
    this.player.tempo = tempo;
    this.player.instruments = instruments;
    this.#selects.forEach((select, voice) => { select.value = instruments[voice]; });
    this.#tick();
  }

  #show(name, value) {
    const slider = this.#element.querySelector(`#${name}`);
    slider.value = value;
    this.#element.querySelector(`output[for=${name}]`).textContent = slider.value;
  }

  get #beat() { return this.sheet?.piece?.beat ?? 4; }  // steps

  #showTempo(tempo) {  // by the beat of what is heard
    const beats = beatsAMinute(tempo, this.#beat), slider = this.#element.querySelector("#tempo");
    const [[sign, name], [least, most]] = [NOTES[this.#beat], this.#beatLimits];
    for (const input of [slider, this.#beats]) [input.min, input.max] = [least, most];
    slider.value = beats;
    slider.setAttribute("aria-valuetext", `${Math.round(beats)} ${name.toLowerCase()} a minute`);
    this.#beats.value = String(Math.round(beats * 10) / 10);
    this.#beats.setAttribute("aria-label", `${name} a minute`);
    this.#unit.textContent = sign;
  }

  get #beatLimits() { return [Math.ceil(beatsAMinute(this.#limits[0], this.#beat)), Math.floor(beatsAMinute(this.#limits[1], this.#beat))]; }

  #type() {
    const tempo = tempoOf(Number(this.#beats.value), this.#beat), [low, high] = this.#limits, [least, most] = this.#beatLimits;
    if (!(tempo >= low && tempo <= high)) {
      problem("tempo", `Choose a tempo from ${least} to ${most} ${NOTES[this.#beat][1].toLowerCase()} a minute.`);
      return;
    }
    clearProblem();
    this.#choose({tempo});
    this.#showTempo(tempo);
  }

  #slide(name, value) {
    if (name === "tempo") {
      this.#choose({tempo: tempoOf(value, this.#beat)});
      this.#showTempo(tempoOf(value, this.#beat));
    } else {
      this.#show(name, value);
      this.player.volume = value / 100;
      this.#settings.value = {...this.next, volume: value / 100};
    }
  }

  #choose(change) {  // by the visitor: for what is heard, and for what comes next
    Object.assign(this.player, change);
    this.#settings.value = {...this.next, ...change, ...("tempo" in change && {chosen: true})};
    if (this.sheet?.mixer) {
      this.sheet.mixer = {...this.sheet.mixer, ...change};
      this.onmixer(this.sheet);
    }
    this.#tick();
  }

  #silence(name, voice, buttons) {  // who is alone silences the others; else who is mute is silent
    const chosen = this.#quiet[name];
    if (!chosen.delete(voice)) chosen.add(voice);
    buttons.forEach((button, index) => button.setAttribute("aria-pressed", String(chosen.has(index))));
    const {mute, solo} = this.#quiet;
    this.player.audible = buttons.map((_, index) => solo.size ? solo.has(index) : !mute.has(index));
    this.#dim();
  }

  #dim() {  // a voice that is not heard is faint in the roll
    if (!this.sheet) return;
    this.sheet.roll.audible = this.player.audible;
    this.sheet.roll.draw();
  }

  /* what is played */

  start(sheet) {
    const {tempo, instruments} = sheet.mixer ?? this.next;
    this.player.start(tempo, instruments);
    this.hear(sheet);
  }

  hear(sheet) {
    if (this.sheet !== sheet) this.sheet?.leave();
    this.sheet = sheet;
    this.#wear(sheet.mixer ?? this.next);
    sheet.hear(this.player);
    this.#dim();
    this.#name(sheet.piece.voices);
    document.documentElement.dataset.voices = sheet.piece.voices.length;
    this.#tick();
  }

  toggle() {
    const {notes, total} = this.sheet ?? {};
    if (this.player.playing) this.player.pause();
    else if (notes?.size || total === null) this.player.play();
    else this.onempty();
  }

  seek(step) {
    this.player.seek(step);
    this.#tick();
  }

  key(event) {
    const {bar, beat, steps} = this.sheet?.piece ?? {};
    const now = this.player.position;
    const jumps = {ArrowRight: now + beat, ArrowLeft: now - beat, ArrowUp: now + beat, ArrowDown: now - beat,
      PageUp: now + bar, PageDown: now - bar, Home: 0, End: steps};
    if (event.key === " " || event.key === "Enter") this.toggle();
    else if (event.key in jumps && steps) this.seek(Math.max(0, Math.min(steps, jumps[event.key])));
    else return;
    event.preventDefault();
  }

  /* the state, told */

  #heard() {
    this.playButton.setAttribute("aria-label", this.player.playing ? "Pause" : "Play");
    document.documentElement.dataset.sound = this.player.state;
    this.onstate();
    if (this.player.playing && !this.#ticking) this.#frame();
    this.#tick();
  }

  #frame() {
    this.#ticking = this.player.playing ? requestAnimationFrame(() => this.#frame()) : null;
    this.#tick();
  }

  #tick() {
    if (!this.sheet) return;
    this.onmove();
    const perStep = secondsPerStep(this.player.tempo), from = begins(this.sheet.piece);
    const now = clock(Math.max(0, this.player.position - from) * perStep), whole = ` / ${clock((this.sheet.piece.steps - from) * perStep)}`;
    if (now !== this.now.textContent) this.now.textContent = now;
    if (whole !== this.whole.textContent) this.whole.textContent = whole;
  }

  tell(slider) {  // the position, a beat at a time, to those who cannot see it
    const {piece} = this.sheet, step = Math.floor(this.player.position);
    const said = place(piece, step - step % piece.beat);
    if (said === slider.getAttribute("aria-valuetext") && piece.steps === +slider.getAttribute("aria-valuemax")) return;
    slider.setAttribute("aria-valuemax", piece.steps);
    slider.setAttribute("aria-valuenow", step);
    slider.setAttribute("aria-valuetext", said);
  }
}
