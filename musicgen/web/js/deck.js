/** The deck: the view in which one model composes. It draws a run's updates on the stage and tells the state in `data-`
    attributes of the roll: data-state, data-notes, data-position (steps, of the sound), data-steps.

    Updates come from the server as small objects (musicgen/session.py): `seed`, `begin`, `notes`, `end`, `problem`,
    `failed`. views.js says what every view has to answer. */

import {allGiven, barsComposed} from "./canvas.js";
import {Sheet} from "./sheet.js";
import {headline, outcome, plural} from "./words.js";
import {Zoom} from "./zoom.js";

export class Deck {
  constructor(views, element) {
    this.views = views;
    this.element = element.querySelector("[data-testid=roll]");
    this.sheet = new Sheet(this.element);
    this.zoom = new Zoom(element, this.sheet.roll);
    this.title = element.querySelector(".title");
    this.readout = element.querySelector(".readout");
    this.status = element.querySelector(".status");
    this.state = "idle";
    /** @type {import("./takes.js").Take | null} */
    this.take = null;        // what stands on the stage, if it is a model's work and not a seed alone
    this.seed = null;        // {piece, notes} of the last seed, whether it is shown or not
    this.run = "";
    /** @type {import("./views.js").Asked | null} */
    this.asked = null;       // what the run was asked for
    this.row = "";           // no answer among others
    this.what = "";
    this.seq = 0;
    this.element.addEventListener("keydown", event => views.transport.key(event));
    this.element.addEventListener("pointermove", event => { this.readout.textContent = this.sheet.describe(event); });
    this.element.addEventListener("pointerleave", () => { this.readout.textContent = ""; });
    this.tell();
  }

  get chosen() { return this.sheet; }
  get composed() { return this.take !== null; }
  get kept() { return ["done", "stopped"].includes(this.take?.state) ? this.take : null; }  // what can be taken home

  /** What there is of a piece that is being composed, in whole bars. @returns {import("./takes.js").Take | null} */
  get soFar() {
    const {piece, until, rows} = this.sheet;
    if (this.take?.state !== "generating" || !until) return null;
    const steps = Math.min(piece.steps, Math.ceil(until / piece.bar) * piece.bar);
    const notes = rows.filter(([, , start]) => start < steps).map(([voice, pitch, start, duration, given]) => [voice, pitch, start, Math.min(duration, steps - start), given]);
    return {...this.take, state: "stopped", piece: {...piece, steps}, notes, mixer: this.sheet.mixer};
  }

  get generating() { return this.state === "generating"; }

  /** What is known of the piece on the stage: all of a finished one, of a seed what is given. */
  get known() { return this.take ? allGiven(this.sheet.piece) : this.sheet.mask; }

  ask(asked) {
    [this.run, this.asked, this.state] = [asked.run, asked, "generating"];
    this.status.textContent = "Composing …";
    this.tell();
  }

  move(step, playing) {
    this.sheet.roll.playing = playing;
    this.sheet.roll.place(step);
    this.element.dataset.position = step.toFixed(3);
    this.views.transport.tell(this.element);
  }

  empty() { this.status.textContent = "Nothing to play yet: write some seed notes, or press Generate."; }

  /* what the page puts on the stage */

  /** A take, at the place where the last one was. @param {import("./takes.js").Take} take */
  show(take) {
    [this.take, this.state] = [take, take.state];
    this.sheet.open(take.piece, take.notes, take.mixer);
    this.title.textContent = headline(take.title, take.piece);
    this.status.textContent = `Take ${take.number}, random seed ${take.randomSeed}`;
    this.views.staged(this);
  }

  /** The seed alone, as the server has told it last. */
  showSeed() {
    if (this.take || this.state !== "idle") this.status.textContent = "";  // what an edit of the seed has told stays
    [this.take, this.state] = [null, "idle"];
    if (!this.seed) return;
    const {piece, notes} = this.seed, edited = this.sheet.piece?.steps === piece.steps && this.sheet.piece.style === piece.style;
    this.sheet.open(piece, notes);
    this.title.textContent = `${headline("Seed", piece)} to fill`;
    if (edited) this.views.staged(this);
    else this.views.opened(this);
  }

  /* what the server says */

  on_seed({piece, notes}) {
    this.seed = {piece, notes};
    if (this.state === "error") [this.state, this.status.textContent] = [this.take?.state ?? "idle", ""];
    if (!this.take && !this.generating) this.showSeed();  // a composed piece stays until the next one
  }

  on_begin({seq, piece, title, model, weights, random_seed}) {
    const {mixer} = this.asked, {notes: ghosts} = this.sheet.roll, former = this.take;
    [this.seq, this.state] = [seq, "generating"];
    this.take = {
      id: this.run, number: 0, model, title, weights, randomSeed: random_seed, state: "generating", starred: false,
      piece, notes: [], mixer: {...mixer, tempo: piece.tempo}, settings: this.asked.settings, given: this.asked.given,
    };
    this.sheet.open(piece, [], this.take.mixer);
    this.sheet.roll.ghosts = former ? ghosts : [];
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

  on_end({seq, state, steps, until, notes, seconds, music}) {
    if (!this.generating) return;  // an update may be told twice
    [this.seq, this.state] = [seq, state];
    this.sheet.roll.ghosts = [];
    const asked = this.sheet.piece, bars = barsComposed(asked, until);
    this.sheet.end({steps, notes});
    if (steps !== this.sheet.piece.steps) this.sheet.cut(steps);
    this.take = this.views.result({...this.take, state, notes, piece: this.sheet.piece, mixer: this.sheet.mixer});
    const speed = seconds > 0 ? ` · ${Math.round(music * bars * asked.bar / steps / seconds)} × real time` : "";
    const moved = this.asked.canvas?.moved ? ` · ${this.asked.canvas.moved}` : "";
    this.status.textContent = outcome({state, seconds}, bars, until >= asked.steps) + speed + moved;
  }

  on_problem({run}) {
    if (run) this.#close("Nothing was composed: see the marked field.");
  }

  on_failed({message, cut = false}) {
    const {soFar} = this;
    if (cut && soFar) this.#keep(soFar);
    else this.#close(message);
  }

  #keep(soFar) {  // no more of it will come: what there is is a piece, which plays on
    const {notes, piece: {steps, bar}} = soFar;
    this.state = soFar.state;
    this.sheet.roll.ghosts = [];
    this.sheet.end({steps, notes});
    if (steps !== this.sheet.piece.steps) this.sheet.cut(steps);
    this.take = this.views.result({...soFar, piece: this.sheet.piece});
    this.status.textContent = `The connection was lost: ${plural(steps / bar, "bar")} of it are kept.`;
  }

  #close(message) {
    if (this.take?.state === "generating") this.views.back();  // what had begun is not there any more
    [this.state, this.status.textContent] = ["error", message];
  }

  tell() {
    const {notes, piece} = this.sheet;
    Object.assign(this.element.dataset, {state: this.state, notes: notes.size, steps: piece?.steps ?? 0});
    this.element.setAttribute("aria-busy", String(this.generating));
  }
}
