/* The transport: the one player of the page, its buttons, sliders and clock. It plays one sheet at a time; another sheet
 goes on where the last one was, without a gap.

 const transport = new Transport(player, element, props);   // props.value: {tempo, volume, instruments}
 transport.start(sheet);              // from its beginning
 transport.hear(sheet);               // at the same place
 transport.toggle(); transport.seek(step); transport.key(event);
 transport.onmove = () => ...;       // the playhead has moved, or play began or ended
 transport.onempty = () => ...;      // asked to play where there is nothing */

import {mark} from "./marks.js";
import {clock, place} from "./words.js";

export class Transport {
  #settings; #element; #selects; #swatches; #ticking = null;

  constructor(player, element, props) {
    [this.player, this.#element, this.#settings] = [player, element, props];
    this.sheet = null;
    player.onstate = () => this.#heard();
    const find = name => element.querySelector(`.${name}`);
    [this.playButton, this.now, this.whole] = [find("play"), find("now"), find("whole")];
    this.playButton.addEventListener("click", () => this.toggle());
    find("rewind").addEventListener("click", () => this.seek(0));
    for (const name of ["tempo", "volume"]) {
      element.querySelector(`#${name}`).addEventListener("input", event => this.#slide(name, +event.target.value));
    }
    this.#fill(find("voices"), props.choices);
    this.configure(props.value);
  }

  #fill(voices, choices) {
    this.#selects = [...voices.querySelectorAll("select")];
    this.#swatches = [...voices.querySelectorAll("canvas")];
    for (const select of this.#selects) {
      for (const {key, title} of choices) select.add(new Option(title, key));
      select.addEventListener("change", () => {
        const instruments = this.#selects.map(s => s.value);
        this.player.instruments = instruments;
        this.#keep({instruments});
      });
    }
  }

  /* settings, kept where the server reads them too */

  configure(settings) {
    if (!settings) return;
    const show = (name, value) => {
      const slider = this.#element.querySelector(`#${name}`);
      slider.value = value;
      this.#element.querySelector(`output[for=${name}]`).textContent = slider.value;
    };
    show("tempo", settings.tempo);
    show("volume", Math.round(settings.volume * 100));
    this.player.tempo = settings.tempo;
    this.player.volume = settings.volume;
    this.player.instruments = settings.instruments;
    this.#selects.forEach((select, voice) => { select.value = settings.instruments[voice]; });
    this.#tick();
  }

  #slide(name, value) {
    this.#element.querySelector(`output[for=${name}]`).textContent = value;
    if (name === "tempo") this.player.tempo = value;
    else this.player.volume = value / 100;
    this.#keep({[name]: name === "tempo" ? value : value / 100});
    this.#tick();
  }

  #keep(change) { this.#settings.value = {...this.#settings.value, ...change}; }

  /* what is played */

  start(sheet) {
    const {tempo, instruments} = this.#settings.value;
    this.player.start(tempo, instruments);
    this.hear(sheet);
  }

  hear(sheet) {
    if (this.sheet !== sheet) this.sheet?.leave();
    this.sheet = sheet;
    sheet.hear(this.player);
    document.documentElement.dataset.voices = sheet.piece.voices.length;
    this.#tick();
  }

  toggle() {
    const {notes, total} = this.sheet ?? {};
    if (this.player.playing) this.player.pause();
    else if (notes?.size || total === null) this.player.play();
    else this.onempty?.();
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
    if (this.player.playing && !this.#ticking) this.#frame();
    this.#tick();
  }

  #frame() {
    this.#ticking = this.player.playing ? requestAnimationFrame(() => this.#frame()) : null;
    this.#tick();
  }

  #tick() {
    if (!this.sheet) return;
    this.onmove?.();
    const perStep = 15 / this.player.tempo;
    const now = clock(this.player.position * perStep), whole = ` / ${clock(this.sheet.piece.steps * perStep)}`;
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

  legend(roll) {  // the voices' marks beside their instruments
    if (!roll?.colours) return;
    const scale = window.devicePixelRatio || 1;
    for (const [voice, canvas] of this.#swatches.entries()) {
      [canvas.width, canvas.height] = [34 * scale, 14 * scale];
      const pen = canvas.getContext("2d");
      pen.scale(scale, scale);
      mark(pen, {x: 1, y: 1, width: 32, height: 12}, {voice}, roll);
    }
  }
}
