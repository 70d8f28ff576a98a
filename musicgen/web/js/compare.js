/* Answers to one seed side by side: of every model (the view `compare`), or three of one model (`trio`). A row an answer,
 all on one pitch and one time axis; one row is chosen and heard, and choosing another while it plays goes on at the same
 place.

 Updates (see musicgen/comparison.py): `seed`, `rows`, then with their `row` `begin`, `notes`, `end` or `failed`, and
 `over`. State is told in `data-` attributes: on the whole data-state, data-row, data-position, data-steps; on a row
 data-model, data-state, data-notes. views.js says what every view has to answer. */

import {barsComposed} from "./canvas.js";
import {Roll} from "./roll.js";
import {Sheet} from "./sheet.js";
import {headline, plural} from "./words.js";

const ROW = {top: 4, bottom: 4, leastStep: 0, leastSystem: 0, numbers: false};
const RULER = {top: 18, bottom: 0, leastStep: 0, leastSystem: 0};

/** @typedef {{testid: string, row: string, label: string, title: string, hint: string, press: string, chosen: boolean}} Words
 *  of a view; `chosen` is whether one answer is to be chosen, and the first is heard at once */

/** @type {Words} */
const ALL = {testid: "rows", row: "row", label: "The answers", title: "One seed", hint: "Compare all lets every architecture continue it.",
  press: "Compare all", chosen: false};
/** @type {Words} */
export const THREE = {testid: "trio", row: "candidate", label: "Three takes", title: "Three takes", hint: "", press: "Three takes", chosen: true};

class Row {
  constructor({name, title, cost}, item) {
    const find = part => /** @type {HTMLElement} */ (item.querySelector(`.${part}`));
    this.name = name;
    this.choose = /** @type {HTMLButtonElement} */ (find("choose"));
    this.cost = find("cost");
    this.item = item;
    this.button = /** @type {HTMLButtonElement} */ (find("hear"));
    this.said = find("state");
    this.why = find("why");
    this.state = "idle";
    /** @type {import("./takes.js").Take | null} */
    this.kept = null;  // the finished answer
    this.cost.textContent = cost;
    item.dataset.model = name;
    this.strip = find("strip");
    this.sheet = new Sheet(this.strip, ROW);
    this.become("idle");
    this.call(title);
  }

  call(title) {
    this.title = title;
    this.item.querySelector(".name").textContent = title;
    this.button.setAttribute("aria-label", `Play ${title}`);
    this.choose.setAttribute("aria-label", `Open this one: ${title}`);
  }

  get ended() { return ["done", "stopped", "failed"].includes(this.state); }
  get playable() { return ["composing", "done", "stopped"].includes(this.state); }

  become(state, said = "", why = "") {
    [this.state, this.said.textContent, this.why.textContent] = [state, said, why];
  }

  open(piece, notes, state, said, mixer = null) {
    this.seq = -1;
    this.kept = null;
    this.sheet.open(piece, notes, mixer);
    this.become(state, said);
  }

  notes(update) {
    if (this.ended || update.seq <= this.seq) return;
    if (this.state !== "composing") this.begin();
    this.seq = update.seq;
    this.sheet.change(update);
  }

  begin(about = this.about) {
    this.about = about;  // what the server says of it at its beginning
    this.sheet.begin();
    this.become("composing", "composing …");
  }

  end(update) {
    const {piece} = this.sheet, seconds = `${update.seconds.toFixed(1)} s`;
    this.sheet.end(update);
    const reached = update.until < piece.steps ? `stopped after ${plural(barsComposed(piece, update.until), "bar")}` : "stopped, not finished";
    this.become(update.state, update.state === "done" ? `done in ${seconds}` : `${reached}, ${seconds}`);
  }

  fail({message}, {piece, notes}) {
    this.sheet.open(piece, notes);
    this.become("failed", "failed", message);
  }
}

export class Comparison {
  /** @param {import("./views.js").Views} views @param {HTMLElement} element @param {{name: string, title: string, cost: string}[]} models */
  constructor(views, element, models, words = ALL) {
    this.views = views;
    this.words = words;
    this.element = /** @type {HTMLElement} */ (element.querySelector(".rows"));
    this.element.dataset.testid = words.testid;
    this.element.setAttribute("aria-label", words.label);
    this.title = element.querySelector(".title");
    this.readout = element.querySelector(".readout");
    this.status = /** @type {HTMLElement} */ (element.querySelector(".status"));
    this.status.dataset.testid = `${words.testid}-status`;
    this.title.textContent = words.title;
    const list = element.querySelector(".answers"), blank = element.querySelector("template");
    this.rows = models.map(model => {
      const item = /** @type {HTMLElement} */ (blank.content.firstElementChild.cloneNode(true));
      item.dataset.testid = words.row;
      list.append(item);
      return new Row(model, item);
    });
    this.current = this.rows[0];
    this.state = "idle";
    this.run = "";
    /** @type {import("./views.js").Asked | null} */
    this.asked = null;  // what the run was asked for
    this.#listen();
    this.tell();
  }

  #listen() {
    const scale = /** @type {HTMLElement} */ (this.element.querySelector(".ruler")), {transport} = this.views;
    this.ruler = new Roll(scale, RULER);
    scale.addEventListener("click", event => transport.seek(this.ruler.stepAt(event)));
    scale.addEventListener("keydown", event => transport.key(event));
    for (const row of this.rows) {
      row.button.addEventListener("click", () => this.#press(row));
      row.choose.addEventListener("click", () => this.views.onchoose(row.kept));
      row.button.addEventListener("keydown", event => this.#walk(event, row));
      row.strip.addEventListener("click", event => {
        if (row.playable) this.#choose(row);
        transport.seek(row.sheet.roll.stepAt(event));
      });
      row.strip.addEventListener("pointermove", event => { this.readout.textContent = row.sheet.describe(event); });
      row.strip.addEventListener("pointerleave", () => { this.readout.textContent = ""; });
    }
  }

  /* as a view of the page */

  get chosen() { return this.current?.sheet; }
  get kept() { return this.composed ? this.current.kept ?? null : null; }
  get soFar() { return null; }
  get row() { return this.current?.name ?? ""; }
  get what() { return this.current?.title ?? ""; }
  get composed() { return ["done", "stopped"].includes(this.current?.state); }

  ask(asked) {
    [this.run, this.asked, this.state] = [asked.run, asked, "generating"];
    this.status.textContent = "Waiting for the first architecture …";
    this.tell();
  }

  move(step, playing) {
    for (const row of this.rows) {
      row.sheet.roll.playing = playing && row === this.current;
      row.sheet.roll.place(step);
      row.button.setAttribute("aria-pressed", String(playing && row === this.current));
    }
    this.ruler.place(step);
    this.element.dataset.position = step.toFixed(3);
    this.views.transport.tell(this.ruler.element);
  }

  empty() { this.status.textContent = `Nothing to play yet: write some seed notes, or press ${this.words.press}.`; }

  /** Answers of a visit before. @param {Record<string, import("./takes.js").Take>} takes by row */
  restore(takes) {
    const [first] = Object.values(takes);
    if (!first) return;
    this.#open(first.piece, first.notes.filter(note => note[4]), "idle", "");
    for (const row of this.rows) if (takes[row.name]?.piece.steps === first.piece.steps) {
      const {piece, notes, mixer, state} = takes[row.name];
      row.open(piece, notes, state, state === "done" ? "done" : "stopped", mixer);
      row.kept = takes[row.name];
    }
    this.current = this.rows.find(row => row.kept);
    this.#close("done", `${plural(this.rows.filter(row => row.kept).length, "answer")}. Switch while one plays.`);
    this.title.textContent = headline(this.words.title, first.piece);
    this.views.opened(this);
    this.views.tell();
  }

  /** No answers any more. @param {{piece: import("./words.js").Piece, notes: number[][]} | null} seed */
  clear(seed) {
    if (this.state === "generating" || !seed) return;
    for (const row of this.rows) row.become("idle");
    this.on_seed(seed);
    this.tell();
  }

  /* choosing by ear */

  #press(row) {
    const {player} = this.views;
    if (row === this.current && player.playing) player.pause();
    else {
      this.#choose(row);
      player.play();
    }
  }

  #choose(row) {
    if (row === this.current) return;
    this.current = row;
    this.views.hear(row.sheet);
  }

  #walk(event, row) {  // up and down from answer to answer
    const step = {ArrowDown: 1, ArrowUp: -1}[event.key];
    if (!step) return;
    event.preventDefault();
    const rows = this.rows.filter(r => r.playable);
    rows[rows.indexOf(row) + step]?.button.focus();
  }

  /* what the server says */

  on_seed({piece, notes}) {
    const answered = this.rows.some(row => row.ended);
    if (this.state === "error") [this.state, this.status.textContent] = [answered ? "done" : "idle", ""];
    if (this.state === "generating" || answered) return;  // answers stay until the next time
    this.state = "idle";
    this.#open(piece, notes, "idle");
    this.title.textContent = `${headline(this.words.title, piece)} to fill`;
    this.status.textContent = this.words.hint;
  }

  on_rows({piece, notes, rows}) {
    this.#open(piece, notes, "waiting", "waiting", {tempo: piece.tempo, instruments: this.asked.mixer.instruments});
    for (const row of this.rows) if (!rows.includes(row.name)) row.become("idle", `not trained for a ${piece.style}`);
    const title = this.words.chosen ? this.words.title : `${this.words.title}, ${plural(rows.length, "answer")}`;
    this.current = this.#named(rows[0]);
    this.title.textContent = headline(title, piece);
  }

  #open(piece, notes, state, said, mixer = null) {
    this.seed = {piece, notes};  // what a row shows before its answer
    this.ruler.frame(piece);
    for (const row of this.rows) row.open(piece, notes, state, said, mixer);
    this.current = this.rows[0];
    this.views.opened(this);
  }

  on_begin(update) {
    const begun = this.#named(update.row);
    begun.begin(update);
    if (this.words.chosen) begun.cost.textContent = `${update.title}, random seed ${update.random_seed}`;
    if (begun === this.current && this === this.views.view) {  // more of it is to come: it waits where it is not composed yet
      this.views.hear(begun.sheet);
      if (this.words.chosen) this.views.player.play();
    }
    const asked = this.rows.filter(row => row.state !== "idle");
    this.status.textContent = `${begun.title} is composing, ${asked.indexOf(begun) + 1} of ${asked.length}`;
  }

  on_notes(update) { this.#named(update.row).notes(update); }

  on_end(update) {
    const row = this.#named(update.row), {piece, mixer} = row.sheet, {settings, given} = this.asked;
    if (row.ended) return;  // an update may be told twice
    row.end(update);
    if (!row.about) return;
    const {model, title, weights, random_seed: randomSeed} = row.about, {steps, state, notes} = update;
    const cut = {...piece, steps, seedSteps: Math.min(steps, piece.seedSteps), fixed: row.about.piece.fixed};
    row.kept = this.views.result({
      id: `${this.run}-${row.name}`, number: 0, model, title, weights, randomSeed, state, starred: false, piece: cut, notes,
      mixer, settings: {...settings, model}, given,
    }, false);
    if (this.words.chosen) row.call(`Take ${row.kept.number}`);
  }

  on_failed(update) {
    if (update.row) this.#named(update.row).fail(update, this.seed);
    else this.#close("error", update.message);
  }

  on_problem({run}) { if (run) this.#close("error", "Nothing was composed: see the marked field."); }

  on_over({state, ended}) {
    for (const update of ended) if (!this.#named(update.row).ended) this[`on_${update.kind}`](update);
    const failed = this.rows.filter(row => row.state === "failed").length;
    const answers = ended.length - failed;
    const summary = `${plural(answers, "answer")}${failed ? `, ${failed} failed` : ""}.`;
    this.#close(state, answers ? `${summary} Switch while one plays.` : summary);
  }

  #close(state, said) {
    [this.state, this.status.textContent] = [state, said];
    if (!this.seed) return;
    const {piece, notes} = this.seed, unheard = state === "stopped" ? "not composed" : "";
    for (const row of this.rows) if (!row.ended && row.state !== "idle") row.open(piece, notes, "idle", unheard);
  }

  #named(name) { return this.rows.find(row => row.name === name); }

  tell() {
    const {dataset} = this.element;
    Object.assign(dataset, {state: this.state, row: this.row, steps: this.chosen?.piece?.steps ?? 0});
    this.element.setAttribute("aria-busy", String(this.state === "generating"));
    for (const row of this.rows) {
      Object.assign(row.item.dataset, {state: row.state, notes: row.sheet.notes.size, chosen: row === this.current});
      row.button.disabled = !row.playable;
      row.choose.hidden = !row.kept;
    }
  }
}
