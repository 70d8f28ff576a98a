/* The deck: the view in which one model composes. It draws a run's updates on the stage and tells the state in `data-`
 attributes of the roll: data-state, data-notes, data-position (steps, of the sound), data-steps.

 Updates come from the server as small objects (see musicgen/session.py): `seed`, `begin`, `notes`, `end`, `problem`,
 `failed`. All text reaches the page through textContent. views.js says what every view has to answer. */

import {Sheet} from "./sheet.js";
import {headline, plural} from "./words.js";

export class Deck {
  constructor(views, element) {
    this.views = views;
    this.element = element.querySelector("[data-testid=roll]");
    this.sheet = new Sheet(this.element);
    this.title = element.querySelector(".title");
    this.readout = element.querySelector(".readout");
    this.status = element.querySelector(".status");
    this.state = "idle";
    this.composed = false;   // is what stands on the stage a model's work, or a seed alone?
    this.run = "";
    [this.row, this.what] = ["", ""];  // no answer among others
    this.seq = 0;
    this.element.addEventListener("click", event => views.transport.seek(this.sheet.roll.stepAt(event)));
    this.element.addEventListener("keydown", event => views.transport.key(event));
    this.element.addEventListener("pointermove", event => { this.readout.textContent = this.sheet.describe(event); });
    this.element.addEventListener("pointerleave", () => { this.readout.textContent = ""; });
    this.tell();
  }

  get chosen() { return this.sheet; }

  ask(run) {
    [this.run, this.state, this.status.textContent] = [run, "generating", "Composing …"];
    this.tell();
  }

  move(step, playing) {
    this.sheet.roll.playing = playing;
    this.sheet.roll.place(step);
    this.element.dataset.position = step.toFixed(3);
    this.views.transport.tell(this.element);
  }

  empty() { this.status.textContent = "Nothing to play yet: give seed notes, or press Generate."; }

  /* what the server says */

  on_seed({piece, notes}) {
    if (this.state === "error") [this.state, this.status.textContent] = [this.composed ? "done" : "idle", ""];
    if (this.composed || this.state === "generating") return;  // a composed piece stays until the next one
    this.state = "idle";
    this.sheet.open(piece, notes);
    this.title.textContent = `${headline("Seed", piece)} to fill`;
    this.views.opened(this);
  }

  on_begin({seq, piece, title}) {
    [this.seq, this.composed, this.state] = [seq, true, "generating"];
    this.sheet.open(piece);
    this.sheet.begin();
    this.title.textContent = headline(title, piece);
    this.status.textContent = "Composing …";
    if (this.views.opened(this)) this.views.player.play();
  }

  on_notes(update) {
    if (update.seq <= this.seq) return;
    this.seq = update.seq;
    this.sheet.change(update);
  }

  on_end({seq, state, steps, notes, seconds, music}) {
    [this.seq, this.state] = [seq, state];
    this.sheet.end({steps, notes});
    const speed = seconds > 0 ? ` · ${Math.round(music / seconds)} × real time` : "";
    const verb = state === "done" ? "Composed" : "Stopped after";
    this.status.textContent = `${verb} ${plural(steps / this.sheet.piece.bar, "bar")} in ${seconds.toFixed(2)} s${speed}`;
  }

  on_problem({run}) {
    if (!run) return;
    this.state = "error";
    this.status.textContent = "Nothing was composed: see the marked field.";
  }

  on_failed({message}) {
    this.state = "error";
    this.status.textContent = message;
  }

  tell() {
    const {notes, piece} = this.sheet;
    Object.assign(this.element.dataset, {state: this.state, notes: notes.size, steps: piece?.steps ?? 0});
    this.element.setAttribute("aria-busy", this.state === "generating");
  }
}
