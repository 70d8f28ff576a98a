/* The page's views on one seed, one transport and one player: `compose`, where one model composes, `trio`, where it does
 so three times, and `compare`, where all do. Only the view that is shown is heard.

 A view has: chosen (the sheet that the transport plays), composed (is that a model's finished work), row and what (of
 several answers, the chosen one's model and its title), run, state; ask(asked) at the click that begins one;
 move(step, playing); empty(), asked to play nothing; on_<kind>(update); tell(), its state in data- attributes. */

import {Comparison, THREE} from "./compare.js";
import {Deck} from "./deck.js";
import {same} from "./history.js";
import {noteList} from "./note-list.js";
import {clearProblem, problem, said} from "./problems.js";
import {Transport} from "./transport.js";

const WRITTEN = new Set(["seed", "begin", "end", "failed", "rows", "over"]);  // kinds after which the notes in words are anew

export const newId = () => crypto.randomUUID?.() ?? String(Math.random());

/** @typedef {{run: string, settings: Record<string, unknown>, mixer: {tempo: number, instruments: string[]},
 *   given: import("./canvas.js").Canvas | null, canvas: import("./canvas.js").Canvas | null}} Asked  what a run was asked for
 * @typedef {{element: HTMLElement, props: any}} Part */

export class Views {
  /** @param {import("./player.js").Player} player @param {Record<string, Part>} parts */
  constructor(player, {transport, stage, rows, trio, notesText, header}) {
    this.player = player;
    /** @type {(take: import("./takes.js").Take, staged?: boolean) => import("./takes.js").Take} */
    this.result = take => take;  // what becomes of a finished piece
    /** @type {(view: Deck | Comparison) => void} */
    this.onstage = () => {};     // another piece stands in a view
    /** @type {(name: string, update: any) => void} */
    this.onupdate = () => {};    // the server has told something
    /** @type {(take: import("./takes.js").Take) => void} */
    this.onchoose = () => {};    // of three takes, this one is to be gone on from
    this.onview = () => {};      // another view is shown
    this.back = () => {};        // what comes back on the stage where a piece came to nothing
    /** @type {(update: any) => boolean} */
    this.late = () => false;     // is an update about a seed that has changed since?
    this.transport = new Transport(player, transport.element, transport.props);
    Object.assign(this.transport, {
      onmove: () => this.view.move(player.position, player.playing), onempty: () => this.view.empty(),
    });
    this.compose = new Deck(this, stage.element);
    this.compare = new Comparison(this, rows.element, rows.props.rows);
    this.trio = new Comparison(this, trio.element, trio.props.rows, THREE);
    this.#tabs(header.element.querySelector("[role=tablist]"));
    this.details = notesText.element.querySelector("details");
    this.list = notesText.element.querySelector(".note-list");
    this.details.addEventListener("toggle", () => this.#write());
  }

  get view() { return this[this.shown]; }

  /* which one is shown */

  #tabs(list) {
    this.tabs = [...list.querySelectorAll("[role=tab]")];
    for (const tab of this.tabs) tab.addEventListener("click", () => this.#turn(tab.dataset.view));
    list.addEventListener("keydown", event => {
      if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
      const other = this.tabs.find(tab => tab.tabIndex < 0);
      this.#turn(other.dataset.view);
      other.focus();
    });
    this.show(location.hash === "#compare" ? "compare" : "compose");
  }

  /** To another view; the chosen answer comes along where the stage has nothing but the seed it was composed from. */
  #turn(name) {
    const {kept, seed} = this.view, {take, seed: bare, generating} = this.compose;
    const bring = name === "compose" && this.view !== this.compose && kept && !take && !generating && sameSeed(seed, bare);
    if (bring) this.onchoose(kept);
    else this.show(name);
  }

  show(name) {
    if (name === this.shown) return;
    const before = this.shown;
    this.shown = name;
    document.documentElement.dataset.view = name;
    for (const tab of this.tabs) {
      const selected = tab.dataset.view === (name === "trio" ? "compose" : name);
      tab.setAttribute("aria-selected", String(selected));
      tab.tabIndex = selected ? 0 : -1;
    }
    this.player.pause();
    if (this.view.chosen?.piece) this.hear(this.view.chosen);
    if (before) this.onview();
  }

  hear(sheet) {
    this.transport.hear(sheet);
    this.#write();
    this.tell();
  }

  /* what happens in them */

  pressed() {  // at once, whatever time it takes to ask
    this.view.state = "generating";
    this.tell();
  }

  /** @param {object} asked what for; the run's name is added */
  ask(asked) {
    const run = newId();
    this.view.ask({...asked, run});
    this.tell();
    return run;
  }

  /** All that is shown is played so from now on. @param {{tempo: number, instruments: string[]}} mixer @returns {string[]} the takes that are */
  mix(mixer) {
    const {view} = this;
    if (view instanceof Deck) return view.kept ? [view.kept.id] : [];
    for (const row of view.rows) row.sheet.mixer = mixer;
    return view.rows.filter(row => row.kept).map(row => row.kept.id);
  }

  stop() {
    this.player.pause();
    return this.view.run;
  }

  opened(view) {  // its chosen sheet is a new piece; true if that is what one hears
    this.onstage(view);
    if (view !== this.view) return false;
    this.transport.start(view.chosen);
    return true;
  }

  /** Its sheet is another piece, to be heard at the same place. */
  staged(view) {
    if (view === this.view) this.hear(view.chosen);
    this.onstage(view);
  }

  receive(name, update) {
    if (!update?.kind || (update.run && update.run !== this[name].run) || this.late(update)) return;
    if (update.kind === "seed") said(update.said);
    if (update.kind === "problem") problem(update.field, update.message, Boolean(update.run));
    else if (["begin", "rows"].includes(update.kind)) clearProblem();
    else if (update.kind === "seed") clearProblem({but: "link"});  // the seed that comes instead does not mend the link
    for (const view of update.kind === "seed" ? [this.compose, this.compare, this.trio] : [this[name]]) {
      view[`on_${update.kind}`]?.(update);
    }
    this.onupdate(name, update);
    if (WRITTEN.has(update.kind)) this.#write();
    this.tell();
  }

  tell() {
    this.compose.tell();
    this.compare.tell();
    this.trio.tell();
    Object.assign(document.documentElement.dataset, {state: this.view.state, composed: this.view.composed});
    const downloads = /** @type {HTMLElement | null} */ (document.querySelector("#downloads"));
    if (downloads) downloads.dataset.what = `Download ${this.view.what}`;
    this.tellStop();
  }

  tellStop() {  // is there anything to stop?
    const idle = this.view.state !== "generating" && !this.player.playing;
    document.querySelector("#stop")?.setAttribute("aria-disabled", String(idle));
  }

  #write() {  // the notes in words, made when somebody reads them
    const {piece, notes} = this.view?.chosen ?? {};
    if (this.details?.open && piece) this.list.replaceChildren(...noteList(piece, [...notes.values()]));
  }
}

function sameSeed(one, other) {
  const told = ({piece: {style, meter, steps}, notes}) => [style, meter, steps, notes.map(note => note.slice(0, 4))];
  return Boolean(one && other) && same(told(one), told(other));
}
