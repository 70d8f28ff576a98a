/** The visitor's work: settings, given music, the piece on the stage and the takes; its history, and what this browser
    keeps of it. The widgets hold the settings; `apply` sets them anew, and the page then asks for the seed again. */

import {History, same} from "./history.js";
import {kept, keep} from "./storage.js";
import {changed, nextNumber, readTakes, restored, withTake} from "./takes.js";

const SHELF = "work";
const WAIT = 400;  // ms of quiet before the work is kept
const UNDOABLE = ["model", "style", "notes", "bars", "meter", "temperature", "top_p", "example", "mixer"];

/** @typedef {import("./takes.js").Take} Take @typedef {import("./canvas.js").Canvas} Canvas */

export class Work {
  /**
   * @param {{show: (take: Take) => void, showSeed: () => void}} stage
   * @param {() => void} apply sets the widgets to `pending`, then asks for the seed
   */
  constructor(stage, apply) {
    this.stage = stage;
    this.apply = apply;
    this.settings = {};      // as the widgets have them
    this.pending = null;     // as they are to be
    /** @type {Canvas | null} */
    this.given = null;       // music that is the seed in place of the typed notes
    this.version = 0;        // of the music given: what the server says of an older one comes too late
    /** @type {Take[]} */
    this.takes = [];
    /** @type {string[]} */
    this.gone = [];          // ids of those that were deleted, to be restored
    /** @typedef {Record<string, Partial<Take>>} Marks  by id @type {Marks} */
    this.marks = {};         // what the visitor has set of takes: stars, tempo and instruments
    /** @type {Marks} */
    this.unmarked = {};      // as it was before
    /** @type {Map<string, Take>} */
    this.all = new Map();    // every take that history may come back to
    this.shown = null;       // the id of the take on the stage
    this.busy = false;       // while something is composed there is no way back
    this.fresh = true;       // nothing has been changed yet
    /** @type {(() => void)[]} */
    this.later = [];         // what waits for that to end
    this.onchange = () => {};
    this.onlater = () => {};  // something waits
    /** @type {(take: Take) => number} */
    this.length = () => this.settings.bars;  // in bars, that goes with a take
    /** @type {() => Record<string, string>} */
    this.compared = () => ({});  // ids of the takes that stand side by side in the comparison, by model
  }

  /** What the next piece is made from. */
  get seed() {
    const {notes = "", meter, style} = /** @type {Record<string, any>} */ (this.settings);
    return {given: this.given, notes: String(notes), meter, style};
  }

  /** Has this browser kept anything of a visit before? */
  static get kept() { return Boolean(kept(SHELF)?.settings); }

  /* ---- settings ------------------------------------------------------------------------------------------------- */

  /** At the first: the widgets as they came from the server, and what is to stand there instead. */
  open(widgets, wanted = {}) {
    this.defaults = widgets;
    const stored = kept(SHELF) ?? {};
    this.takes = readTakes(stored.takes);
    for (const take of this.takes) this.all.set(take.id, take);
    this.settings = {...widgets, ...pick(stored.settings, Object.keys(widgets)), ...wanted.settings};
    this.given = wanted.settings ? wanted.given ?? null : stored.given ?? null;
    this.fresh = !wanted.settings && !stored.settings;
    const linked = wanted.take && (this.all.get(wanted.take.id) ?? {...wanted.take, number: nextNumber(this.takes)});
    const take = linked ?? this.all.get(stored.shown);
    if (linked && !this.all.has(linked.id)) this.#shelve(linked);
    if (take && (wanted.take || !wanted.settings)) this.#stage(take);
    this.history = new History(this.#state());
    this.before = Object.fromEntries(Object.entries(stored.compared ?? {}).filter(([, id]) => this.all.has(id)).map(([model, id]) => [model, this.all.get(id)]));
    this.onchange();
    return this.settings;
  }

  /** The widgets have changed, by the visitor, the server or by `apply`. */
  changed(widgets) {
    if (!this.history) return;
    const what = UNDOABLE.find(name => !same(widgets[name], this.settings[name])) ?? "";
    this.settings = widgets;
    if (!this.pending) this.#record(this.#cause(what));
  }

  #cause(what) {  // an example's name goes with its notes, a tempo with the style or meter that has brought it
    const {last} = this.history;
    if (what === "example") return "notes";
    return what === "mixer" && ["style", "meter"].includes(last.what) ? last.what : what;
  }

  /** What `apply` sets. */
  applied(widgets) {
    const wanted = {...widgets, ...this.pending};
    this.settings = wanted;
    setTimeout(() => { this.pending = null; this.#record(); }, 0);
    return wanted;
  }

  set(settings) {
    this.pending = {...this.pending, ...settings};
    this.apply();
  }

  /** Music in place of typed notes, or none again. @param {Canvas | null} given */
  give(given, settings = {}) {
    this.given = given;
    this.version++;
    this.fresh = false;
    this.set(given ? {example: null, ...settings} : settings);
    if (given && Object.keys(this.pending).every(name => same(this.pending[name], this.settings[name]))) this.#record();  // a step of its own, though the page is yet to be told
  }

  /** The typed notes are the seed: known at once, so that undo comes back here, though the widgets tell of it later. */
  typed(notes = this.settings.notes) {
    this.given = null;
    this.version++;
    this.fresh = false;
    if (notes !== this.settings.notes) this.changed({...this.settings, notes});
  }

  /* ---- takes ---------------------------------------------------------------------------------------------------- */

  /** A result becomes a take; the one that is on the stage is told of by `staged`. @param {Take} result @returns {Take} */
  result(result, staged = true) {
    if (this.all.has(result.id)) return this.all.get(result.id);
    const take = {...result, number: nextNumber([...this.all.values()])};
    this.#shelve(take);
    if (staged) this.shown = take.id;
    if (this.settings.bars === take.settings?.bars) this.#follow(take);  // what was set meanwhile stays
    this.busy = false;
    this.fresh = false;
    this.#record();
    return take;
  }

  /** The take with other notes: one more take, in whose place its next edit comes. @param {Take} take @param {Partial<Take>} change */
  edit(take, change) {
    const next = {...(this.all.get(take.id) ?? take), ...change, edited: true};
    if (take.edited) this.takes = this.takes.map(one => one.id === take.id ? next : one);
    else {
      Object.assign(next, {number: nextNumber([...this.all.values()]), title: `${take.title}, edited`, starred: false});
      this.takes = withTake(this.takes, next);
    }
    this.all.set(next.id, next);
    this.#stage(next);
    this.#record();
  }

  /** @param {string} id */
  show(id) {
    const take = this.all.get(id);
    if (!take || this.busy) return;
    this.#stage(take);
    this.#follow(take);
    this.#record();
  }

  showSeed() {
    this.shown = null;
    this.stage.showSeed();
    this.#record();
  }

  /** @param {string} id @param {Partial<Take>} change */
  change(id, change) {
    const {starred, mixer} = this.all.get(id);
    this.unmarked[id] ??= {starred, mixer};
    this.marks = {...this.marks, [id]: {starred, mixer, ...change}};
    this.#alter(id, change);
    this.#record("mixer" in change ? "mixer" : id);
  }

  delete(id) {
    this.#keepGone([...this.gone, id]);
    this.#record();
  }

  /** The last one that was deleted. */
  restore() {
    this.#keepGone(this.gone.slice(0, -1));
    this.#record();
  }

  #keepGone(gone) {
    for (const id of this.gone) if (!gone.includes(id)) this.takes = restored(this.takes, this.all.get(id));
    this.takes = this.takes.filter(take => !gone.includes(take.id));
    this.gone = gone;
  }

  #alter(id, change) {
    this.takes = changed(this.takes, id, change);
    if (this.all.has(id)) this.all.set(id, {...this.all.get(id), ...change});
  }

  #shelve(take) {
    this.all.set(take.id, take);
    this.takes = withTake(this.takes, take);
  }

  #follow(take) {  // the length goes with the piece, in one step of history
    const bars = this.length(take);
    if (bars === this.settings.bars) return;
    this.settings = {...this.settings, bars};
    this.set({bars});
  }

  #stage(take) {
    this.shown = take.id;
    this.takes = this.takes.map(one => one.number === take.number ? take : one);  // of one that was edited, as it was then
    this.stage.show(take);
  }

  /* ---- there and back -------------------------------------------------------------------------------------------- */

  get canUndo() { return !this.busy && Boolean(this.history?.canUndo); }
  get canRedo() { return !this.busy && Boolean(this.history?.canRedo); }

  undo() { if (this.canUndo) this.#go(this.history.undo()); }
  redo() { if (this.canRedo) this.#go(this.history.redo()); }

  #go({settings, given, shown, gone, marks}) {
    this.given = given;
    this.version++;
    this.#keepGone(gone);
    const mixer = this.all.get(shown)?.mixer;
    for (const id of Object.keys({...this.marks, ...marks})) this.#alter(id, marks[id] ?? this.unmarked[id]);
    this.marks = marks;
    if (shown && (shown !== this.shown || mixer !== this.all.get(shown).mixer)) this.#stage(this.all.get(shown));
    else if (!shown && this.shown) {
      this.shown = null;
      this.stage.showSeed();
    }
    this.set(settings);
    this.#tell();
  }

  /** What stood on the stage before a run that came to nothing. */
  back() {
    this.busy = false;
    if (this.shown) this.stage.show(this.all.get(this.shown));
    else this.stage.showSeed();
  }

  /** Does something that puts another piece on the stage: now, or once nothing is composed there. @param {() => unknown} act */
  whenIdle(act) {
    if (!this.busy) return act();
    this.later.push(act);
    this.onlater();
  }

  catchUp() { if (!this.busy) for (const act of this.later.splice(0)) setTimeout(act); }

  /** All but the takes as at the first visit. */
  startAnew() {
    [this.given, this.shown] = [null, null];
    this.stage.showSeed();
    this.set(this.defaults);
  }

  #state() {
    const {mixer} = this.settings;
    const settings = {...pick(this.settings, UNDOABLE), mixer: mixer && {...mixer, volume: this.defaults.mixer.volume}};
    return {settings, given: this.given, shown: this.shown, gone: this.gone, marks: this.marks};
  }

  #record(what = "") {
    if (this.history.push(this.#state(), what) && what) this.fresh = false;
    this.#tell();
  }

  #tell() {
    this.onchange();
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.keep(), WAIT);
  }

  /** Kept at once when the page goes; a take less each time there is no room. */
  keep() {
    const {settings, given, shown} = this;
    const compared = this.compared();
    for (let {takes} = this; !keep(SHELF, {settings, given, shown, compared, takes}) && takes.length;) takes = takes.slice(1);
  }
}

/** @param {Record<string, unknown> | undefined} from @param {string[]} names */
function pick(from, names) {
  return Object.fromEntries(names.filter(name => from && name in from).map(name => [name, from[name]]));
}
