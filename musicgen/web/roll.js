/* The piano roll: draws a piece on a canvas, long pieces in several systems as sheet music does, and tells which step
   a pointer means. It knows nothing of sound.

   const roll = new MusicgenRoll(element, look);    // element holds <canvas> and .playhead; look as of STAGE below
   roll.frame({steps, bar, beat, low, high, seedSteps});
   roll.notes = iterable of {voice, pitch, start, duration, given, born};
   roll.draw(); roll.place(step); roll.stepAt(event); roll.noteAt(event) */

(() => {
  "use strict";

  const GUTTER = 38, GAP = 14, EDGE = 10;  // px: pitch names, between systems, at the right
  const STAGE = {            // px, unless a roll is told otherwise
    top: 20, bottom: 10,     // around the systems
    leastStep: 3,            // a step is wide before a piece is broken into systems; 0 never breaks it
    leastSystem: 104,        // a system is high
    numbers: true,           // are there bar numbers, in the room at the top?
  };
  const WORD = 46;           // px the first bar's number and "seed" beside it take
  const LEAST_ROW = 1;       // px a pitch is high, if pitches are to be told apart at all
  const ARRIVAL = 220;       // ms a new note takes to appear
  const VOICE_NAMES = ["s", "a", "t", "b"];
  const BLACK = new Set([1, 3, 6, 8, 10]);

  const calm = matchMedia("(prefers-reduced-motion: reduce)");

  class MusicgenRoll {
    constructor(element, look = {}) {
      this.element = element;
      this.look = {...STAGE, ...look};
      this.canvas = element.querySelector("canvas");
      this.playhead = element.querySelector(".playhead");
      this.piece = {steps: 128, bar: 16, beat: 4, low: 35, high: 81, seedSteps: 0};
      this.notes = [];
      this.cursor = 0;
      this.sounding = "";
      new ResizeObserver(() => this.fit()).observe(element);
      new MutationObserver(() => this.draw()).observe(document.body, {attributes: true, attributeFilter: ["class"]});
    }

    frame(piece) {
      this.piece = piece;
      this.fit();
    }

    /* where things are */

    fit() {
      const width = this.element.clientWidth;
      if (!width) return;
      const {steps, bar} = this.piece, bars = steps / bar;
      const {top, bottom, leastStep, leastSystem} = this.look;
      const room = width - GUTTER - EDGE;
      const fitting = leastStep ? Math.max(1, Math.floor(room / (bar * leastStep))) : bars;
      this.systems = Math.ceil(bars / fitting);
      this.perSystem = Math.ceil(bars / this.systems) * bar;
      const height = Math.max(this.element.clientHeight, top + bottom + this.systems * (leastSystem + GAP) - GAP);
      const scale = window.devicePixelRatio || 1;
      [this.width, this.height, this.scale] = [width, height, scale];
      this.stepWidth = room / this.perSystem;
      this.systemHeight = (height - top - bottom + GAP) / this.systems - GAP;
      this.rowHeight = this.systemHeight / (this.piece.high - this.piece.low + 3);
      [this.canvas.width, this.canvas.height] = [Math.round(width * scale), Math.round(height * scale)];
      this.canvas.style.height = `${height}px`;
      this.draw();
      this.place(this.cursor);
    }

    spot(step) {  // -> the system a step stands in, its x there
      const system = Math.min(this.systems - 1, Math.floor(step / this.perSystem));
      return {system, x: GUTTER + (step - system * this.perSystem) * this.stepWidth};
    }

    top(system) { return this.look.top + system * (this.systemHeight + GAP); }
    row(pitch, system) { return this.top(system) + (this.piece.high + 1.5 - pitch) * this.rowHeight; }

    stepAt(event) {
      const box = this.canvas.getBoundingClientRect();
      const y = event.clientY - box.top, x = event.clientX - box.left;
      const system = Math.max(0, Math.min(this.systems - 1, Math.floor((y - this.look.top + GAP / 2) / (this.systemHeight + GAP))));
      const inside = Math.max(0, Math.min(this.perSystem, (x - GUTTER) / this.stepWidth));
      return Math.min(this.piece.steps, system * this.perSystem + inside);
    }

    noteAt(event) {
      const step = this.stepAt(event);
      const y = event.clientY - this.canvas.getBoundingClientRect().top;
      const reach = Math.max(5, this.rowHeight * 0.7);
      for (const note of this.notes) {
        if (step < note.start || step >= note.start + note.duration) continue;
        if (Math.abs(y - this.row(note.pitch, this.spot(step).system)) <= reach) return note;
      }
      return null;
    }

    /* the picture */

    draw() {
      if (!this.systems) return;
      const style = getComputedStyle(this.element);
      const colour = name => style.getPropertyValue(`--${name}`).trim();
      this.colours = Object.fromEntries(["stage", "shade", "grid", "bar", "text", "seed", "seam", "outline", "given"]
        .map(name => [name, colour(`roll-${name}`)]));
      this.voices = VOICE_NAMES.map(name => colour(`voice-${name}`));
      this.font = style.fontFamily;
      const pen = this.canvas.getContext("2d");
      pen.setTransform(this.scale, 0, 0, this.scale, 0, 0);
      pen.clearRect(0, 0, this.width, this.height);
      for (let system = 0; system < this.systems; system++) this.#ground(pen, system);
      this.#seam(pen);
      this.#notes(pen);
    }

    #ground(pen, system) {
      const {steps, bar, beat, low, high, seedSteps} = this.piece, {colours} = this;
      const from = system * this.perSystem, to = Math.min(steps, from + this.perSystem);
      const top = this.top(system), right = GUTTER + (to - from) * this.stepWidth;
      pen.fillStyle = colours.stage;
      pen.fillRect(GUTTER, top, right - GUTTER, this.systemHeight);
      pen.fillStyle = colours.shade;
      if (this.rowHeight >= 3.5) for (let pitch = low - 1; pitch <= high + 1; pitch++) {
        if (!BLACK.has((pitch + 120) % 12)) continue;
        pen.fillRect(GUTTER, this.row(pitch, system) - this.rowHeight / 2, right - GUTTER, this.rowHeight);
      }
      if (seedSteps > from) {
        pen.fillStyle = colours.seed;
        pen.fillRect(GUTTER, top, (Math.min(seedSteps, to) - from) * this.stepWidth, this.systemHeight);
      }
      if (this.rowHeight >= LEAST_ROW) this.#pitchNames(pen, system, right);
      for (let step = from; step <= to; step += beat) {
        const isBar = step % bar === 0, x = GUTTER + (step - from) * this.stepWidth;
        if (!isBar && beat * this.stepWidth < 9) continue;
        pen.fillStyle = isBar ? colours.bar : colours.grid;
        pen.fillRect(Math.round(x), top, 1, this.systemHeight);
      }
      if (this.look.numbers) this.#barNumbers(pen, from, to, top);
    }

    #pitchNames(pen, system, right) {
      pen.font = `11px ${this.font}`;
      [pen.textAlign, pen.textBaseline] = ["right", "middle"];
      for (let pitch = Math.ceil(this.piece.low / 12) * 12; pitch <= this.piece.high; pitch += 12) {
        const y = this.row(pitch, system);
        pen.fillStyle = this.colours.bar;
        pen.fillRect(GUTTER, Math.round(y + this.rowHeight / 2), right - GUTTER, 1);
        pen.fillStyle = this.colours.text;
        pen.fillText(`C${pitch / 12 - 1}`, GUTTER - 7, y);
      }
    }

    #barNumbers(pen, from, to, top) {
      const {bar, seedSteps} = this.piece, every = Math.max(1, Math.ceil(18 / (bar * this.stepWidth)));
      [pen.textAlign, pen.textBaseline] = ["left", "alphabetic"];
      pen.fillStyle = this.colours.text;
      for (let step = from; step < to; step += bar) {
        const x = (step - from) * this.stepWidth + 2;
        if ((step / bar) % every || (seedSteps && !from && step && x < WORD)) continue;
        pen.fillText(String(step / bar + 1), GUTTER + x, top - 4);
      }
    }

    #seam(pen) {  // where the seed ends and the model goes on
      const {seedSteps, steps} = this.piece;
      if (!seedSteps) return;
      pen.fillStyle = this.colours.seam;
      pen.font = `600 11px ${this.font}`;
      [pen.textAlign, pen.textBaseline] = ["left", "alphabetic"];
      if (this.look.numbers) pen.fillText("seed", GUTTER + 14, this.look.top - 4);
      if (seedSteps >= steps) return;
      const {system, x} = this.spot(seedSteps), top = this.top(system);
      for (let y = top - 3; y < top + this.systemHeight; y += 7) pen.fillRect(Math.round(x) - 1, y, 2, 4);
    }

    #notes(pen) {
      const now = performance.now();
      let arriving = false;
      for (const note of this.notes) {
        const age = calm.matches || !note.born ? 1 : Math.min(1, (now - note.born) / ARRIVAL);
        arriving ||= age < 1;
        pen.globalAlpha = 0.15 + 0.85 * age;
        for (const box of this.#boxes(note)) MusicgenRoll.bar(pen, box, note, this);
      }
      pen.globalAlpha = 1;
      if (arriving && !this.waiting) {
        this.waiting = requestAnimationFrame(() => { this.waiting = null; this.draw(); });
      }
    }

    *#boxes(note) {  // a note over the end of a system goes on in the next one
      let step = note.start;
      const end = Math.min(note.start + note.duration, this.piece.steps);
      while (step < end) {
        const {system, x} = this.spot(step);
        const stop = Math.min(end, (system + 1) * this.perSystem);
        const height = Math.max(3.5, this.rowHeight * 0.92);
        yield {x: x + 0.75, y: this.row(note.pitch, system) - height / 2, width: (stop - step) * this.stepWidth - 1.5, height};
        step = stop;
      }
    }

    /* One note's mark, also used for the legend: the voice by colour and by pattern, given notes by a heavy outline. */
    static bar(pen, {x, y, width, height}, {voice, given, lit}, {voices, colours}) {
      const fine = Math.min(1, height / 6, width / 6);  // lines that leave a small note its colour
      pen.save();
      pen.beginPath();
      pen.roundRect(x, y, Math.max(1.5, width), height, Math.min(2.5, height / 3));
      pen.fillStyle = voices[voice];
      pen.fill();
      pen.clip();
      [pen.strokeStyle, pen.fillStyle] = [colours.outline, colours.outline];
      pen.lineWidth = fine;
      PATTERNS[voice](pen, x, y, width, height);
      pen.restore();
      pen.beginPath();
      const heavy = given && height >= 6, inset = heavy ? 0.75 : 0.5;
      pen.roundRect(x + inset, y + inset, Math.max(1, width - 2 * inset), height - 2 * inset, Math.min(2.5, height / 3));
      pen.lineWidth = heavy ? 2 : fine;
      pen.strokeStyle = given ? colours.given : colours.outline;
      pen.stroke();
      if (!lit) return;
      const around = height >= 6 ? 0 : 1.25;  // a thin note would be covered
      pen.beginPath();
      pen.roundRect(x + inset - around, y + inset - around, Math.max(1, width - 2 * (inset - around)),
        height - 2 * (inset - around), Math.min(2.5, height / 3));
      pen.lineWidth = around ? 1.5 : 2;
      pen.strokeStyle = colours.seam;
      pen.stroke();
    }

    /* the playhead */

    place(step) {
      this.cursor = step;
      if (!this.systems) return;
      const {system, x} = this.spot(calm.matches ? Math.floor(step) : step);
      this.playhead.style.transform = `translate(${x}px, ${this.top(system) - 4}px)`;
      this.playhead.style.height = `${this.systemHeight + 8}px`;
      this.#follow(system);
      this.#light(step);
    }

    #follow(system) {  // where not all systems fit, the one that the playhead enters comes into sight
      if (system === this.followed) return;
      this.followed = system;
      const {element} = this, top = system ? this.top(system) - GAP : 0;
      if (top < element.scrollTop || top + this.systemHeight + 2 * GAP > element.scrollTop + element.clientHeight) {
        element.scrollTop = top;
      }
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

  const PATTERNS = [
    () => {},                                   // soprano: plain
    (pen, x, y, width, height) => {             // alto: slanted lines
      pen.beginPath();
      for (let at = x - height + 2; at < x + width; at += 5) { pen.moveTo(at, y + height); pen.lineTo(at + height, y); }
      pen.stroke();
    },
    (pen, x, y, width, height) => {             // tenor: dots
      for (let at = x + 4; at < x + width - 1; at += 6) {
        pen.beginPath();
        pen.arc(at, y + height / 2, Math.min(1.5, height / 3), 0, 7);
        pen.fill();
      }
    },
    (pen, x, y, width, height) => {             // bass: a line along the middle
      pen.fillRect(x, y + height / 2 - Math.min(0.75, height / 8), width, Math.min(1.5, height / 4));
    },
  ];

  window.MusicgenRoll = MusicgenRoll;
})();
