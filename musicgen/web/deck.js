/* The deck: what the page knows of the piece on the stage, and everything that plays it.

   Updates come from the server as small objects (see musicgen/session.py): `seed`, `begin`, `notes`, `end`, `problem`,
   `failed`. The deck draws them on the roll, hands them to the player and tells the state in `data-` attributes:
   on the roll  data-state, data-notes, data-position (steps, of the sound), data-steps; on <html> data-deck, data-sound.
   All text reaches the page through textContent. */

(() => {
  "use strict";

  const {clock, place, pitchName, plural, wordsOf} = window.MusicgenWords;

  class Deck {
    constructor() {
      this.player = new window.MusicgenPlayer({samples: "web/samples/", onstate: () => this.#heard()});
      this.notes = new Map();  // "voice:start" -> note
      this.piece = null;
      this.state = "idle";
      this.composed = false;   // is what stands on the stage a model's work, or a seed alone?
      this.instruments = null;
      this.seq = 0;
      this.ended = new Set();  // runs whose last word has come
    }

    /* the stage's parts, in whatever order the page brings them */

    attachStage(element) {
      this.stage = element;
      this.rollElement = element.querySelector("[data-testid=roll]");
      this.roll = new window.MusicgenRoll(this.rollElement);
      this.roll.notes = [];
      this.title = element.querySelector(".title");
      this.readout = element.querySelector(".readout");
      this.status = element.querySelector(".status");
      this.rollElement.addEventListener("click", event => this.seek(this.roll.stepAt(event)));
      this.rollElement.addEventListener("pointermove", event => this.#point(event));
      this.rollElement.addEventListener("pointerleave", () => { this.readout.textContent = ""; });
      this.rollElement.addEventListener("keydown", event => this.#key(event));
      this.#tell();
      if (this.transport) this.receive(this.early);
    }

    attachTransport(element, props) {
      this.transport = element;
      this.settings = props;
      const find = name => element.querySelector(`.${name}`);
      [this.playButton, this.now, this.whole] = [find("play"), find("now"), find("whole")];
      this.playButton.addEventListener("click", () => this.toggle());
      find("rewind").addEventListener("click", () => this.seek(0));
      for (const name of ["tempo", "volume"]) {
        element.querySelector(`#${name}`).addEventListener("input", event => this.#slide(name, +event.target.value));
      }
      this.#fillInstruments(element.querySelector(".voices"), props.choices);
      this.configure(props.value);
      if (this.stage) this.receive(this.early);
    }

    attachNotes(element) {
      this.list = element.querySelector(".note-list");
      element.querySelector("details").addEventListener("toggle", () => this.#write());
      this.details = element.querySelector("details");
    }

    #fillInstruments(place, choices) {
      this.selects = [...place.querySelectorAll("select")];
      for (const [voice, select] of this.selects.entries()) {
        for (const {key, title} of choices) select.add(new Option(title, key));
        select.addEventListener("change", () => {
          const instruments = this.selects.map(s => s.value);
          this.player.instruments = instruments;
          this.#keep({instruments});
        });
        const swatch = select.closest("label").querySelector("canvas");
        this.swatches = [...(this.swatches ?? []), [swatch, voice]];
      }
    }

    /* settings: {tempo, volume, instruments}, kept where the server reads them too */

    configure(settings) {
      if (!settings) return;
      const show = (name, value) => {
        const slider = this.transport.querySelector(`#${name}`);
        slider.value = value;
        this.transport.querySelector(`output[for=${name}]`).textContent = slider.value;
      };
      show("tempo", settings.tempo);
      show("volume", Math.round(settings.volume * 100));
      this.player.tempo = settings.tempo;
      this.player.volume = settings.volume;
      this.player.instruments = settings.instruments;
      this.selects.forEach((select, voice) => { select.value = settings.instruments[voice]; });
      this.#tick();
    }

    #slide(name, value) {
      this.transport.querySelector(`output[for=${name}]`).textContent = value;
      if (name === "tempo") this.player.tempo = value;
      else this.player.volume = value / 100;
      this.#keep({[name]: name === "tempo" ? value : value / 100});
      this.#tick();
    }

    #keep(change) { this.settings.value = {...this.settings.value, ...change}; }

    /* what the server says */

    receive(update) {
      if (!update || !update.kind) return;
      if (!this.stage || !this.transport) { this.early = update; return; }  // the page is still being put together
      if (update.run && update.kind !== "begin" && update.run !== this.run) return;
      this[`on_${update.kind}`]?.(update);
      this.#tell();
    }

    on_seed({piece, notes, said}) {
      window.MusicgenPage.said(said);
      window.MusicgenPage.problem(null);
      if (this.composed || this.state === "generating") return;  // a composed piece stays until the next one
      this.state = "idle";
      this.#open(piece);
      this.#put(notes, false);
      this.player.finish(piece.steps);
      this.title.textContent = `Seed · ${piece.style} · ${plural(piece.steps / piece.bar, "bar")} of ${piece.meter} to fill`;
    }

    on_begin({run, seq, piece, title}) {
      [this.run, this.seq, this.composed, this.state] = [run, seq, true, "generating"];
      window.MusicgenPage.problem(null);
      this.#open(piece);
      this.title.textContent = `${title} · ${piece.style} · ${plural(piece.steps / piece.bar, "bar")} of ${piece.meter}`;
      this.status.textContent = "Composing …";
      this.player.play();
    }

    on_notes({seq, until, notes, gone}) {
      if (seq <= this.seq) return;
      this.seq = seq;
      for (const [voice, start] of gone) this.notes.delete(`${voice}:${start}`);
      const first = gone.length ? Math.min(...gone.map(([, start]) => start)) : Infinity;
      this.#put(notes, true, {until, replaceFrom: first});
    }

    on_end({run, seq, state, steps, notes, seconds, music}) {
      [this.seq, this.state] = [seq, state];
      this.ended.add(run);
      const arrived = new Map(this.notes);
      this.notes.clear();
      this.#put(notes, true, {until: steps, replaceFrom: 0}, arrived);
      this.player.finish(steps);
      if (state === "stopped") this.player.pause();
      const speed = seconds > 0 ? ` · ${Math.round(music / seconds)} × real time` : "";
      const verb = state === "done" ? "Composed" : "Stopped after";
      this.status.textContent = `${verb} ${plural(steps / this.piece.bar, "bar")} in ${seconds.toFixed(2)} s${speed}`;
      this.#write();
    }

    on_problem({field, message, run}) {
      if (run) this.state = "error";
      window.MusicgenPage.problem(field, message);
      if (run) this.status.textContent = "Nothing was composed: see the marked field.";
    }

    on_failed({message}) {
      this.state = "error";
      this.status.textContent = message;
    }

    /* the page's own buttons */

    generate() {  // at the click: sound may only be unlocked here
      this.player.unlock();
      this.run = crypto.randomUUID?.() ?? String(Math.random());
      [this.state, this.status.textContent] = ["generating", "Composing …"];
      this.#tell();
      return this.run;
    }

    stop() {
      this.player.pause();
      return this.run ?? "";
    }

    toggle() {
      if (!this.notes.size && this.state !== "generating") {
        this.status.textContent = "Nothing to play yet: give seed notes, or press Generate.";
      } else if (this.player.playing) this.player.pause();
      else this.player.play();
    }

    seek(step) {
      this.player.seek(step);
      this.#tick();
    }

    /* the piece */

    #open(piece) {
      this.piece = piece;
      this.notes.clear();
      this.player.start(this.settings.value.tempo, this.settings.value.instruments);
      this.roll.notes = [];
      this.roll.frame(piece);
      this.stage.dataset.style = piece.style;
      document.documentElement.dataset.voices = piece.voices.length;
      this.#write();
      this.#tick();
    }

    #put(notes, fresh, how = {}, known = this.notes) {
      const born = fresh ? performance.now() : 0;
      for (const [voice, pitch, start, duration, given] of notes) {
        const before = known.get(`${voice}:${start}`);
        this.notes.set(`${voice}:${start}`, {voice, pitch, start, duration, given, born: before ? before.born : born});
      }
      const since = how.replaceFrom ?? Infinity;
      const all = since === Infinity ? notes : [...this.notes.values()].filter(n => n.start >= since)
        .map(n => [n.voice, n.pitch, n.start, n.duration]);
      this.player.add(all, how);
      this.roll.notes = [...this.notes.values()];
      this.roll.draw();
    }

    /* the state, told */

    #heard() {
      const going = this.player.playing;
      this.roll.playing = going;
      this.playButton.setAttribute("aria-label", going ? "Pause" : "Play");
      document.documentElement.dataset.sound = this.player.state;
      if (going && !this.ticking) this.#frame();
      this.#tick();
    }

    #frame() {
      this.ticking = this.player.playing ? requestAnimationFrame(() => this.#frame()) : null;
      this.#tick();
    }

    #tick() {
      if (!this.piece || !this.rollElement || !this.transport) return;
      const step = this.player.position, element = this.rollElement;
      this.roll.place(step);
      element.dataset.position = step.toFixed(3);
      const perStep = 15 / this.player.tempo;
      const [now, whole] = [clock(step * perStep), ` / ${clock(this.piece.steps * perStep)}`];
      if (now === this.now.textContent && whole === this.whole.textContent) return;
      [this.now.textContent, this.whole.textContent] = [now, whole];
      element.setAttribute("aria-valuemax", this.piece.steps);
      element.setAttribute("aria-valuenow", Math.floor(step));
      element.setAttribute("aria-valuetext", place(this.piece, step - step % this.piece.beat));
    }

    #tell() {
      if (!this.rollElement) return;
      Object.assign(this.rollElement.dataset, {state: this.state, notes: this.notes.size, steps: this.piece?.steps ?? 0});
      Object.assign(document.documentElement.dataset, {deck: this.state, composed: this.composed});
      this.rollElement.setAttribute("aria-busy", this.state === "generating");
      this.legend();
    }

    legend() {
      if (!this.swatches || !this.roll?.colours) return;
      const scale = window.devicePixelRatio || 1;
      for (const [canvas, voice] of this.swatches) {
        [canvas.width, canvas.height] = [34 * scale, 14 * scale];
        const pen = canvas.getContext("2d");
        pen.scale(scale, scale);
        window.MusicgenRoll.bar(pen, {x: 1, y: 1, width: 32, height: 12}, {voice}, this.roll);
      }
    }

    #point(event) {
      const note = this.piece && this.roll.noteAt(event);
      if (!note) { this.readout.textContent = ""; return; }
      const name = `${this.piece.voices[note.voice]} ${pitchName(note.pitch)}`;
      this.readout.textContent = `${name}, ${place(this.piece, note.start)}, ${note.given ? "given" : "composed"}`;
    }

    #key(event) {
      const {bar, beat, steps} = this.piece ?? {};
      const now = this.player.position;
      const jumps = {ArrowRight: now + beat, ArrowLeft: now - beat, ArrowUp: now + beat, ArrowDown: now - beat,
        PageUp: now + bar, PageDown: now - bar, Home: 0, End: steps};
      if (event.key === " " || event.key === "Enter") this.toggle();
      else if (event.key in jumps && steps) this.seek(Math.max(0, Math.min(steps, jumps[event.key])));
      else return;
      event.preventDefault();
    }

    #write() {  // the notes in words, made when somebody reads them
      if (this.details?.open && this.piece) this.list.replaceChildren(...wordsOf(this.piece, [...this.notes.values()]));
    }
  }

  window.MusicgenDeck = Deck;
})();
