/** What ties the page together. The parts of the page call the functions that bear their names, in whatever order the
    page brings them (musicgen/web/parts.py); the page's events call those below, by name as well (app.py). */

import {holdsPiece, linkOf, readLink, readQuery} from "./address.js";
import {cards as showCards} from "./cards.js";
import {canvasOf, edited, runsOf} from "./canvas.js";
import {dropping} from "./drop.js";
import {Editor} from "./editor.js";
import {Keyboard} from "./keyboard.js";
import {Player} from "./player.js";
import {clearProblem, problem, said} from "./problems.js";
import {Line, watchPlace} from "./queue.js";
import {ROLL, Rework} from "./rework.js";
import {writeSeed} from "./seed-field.js";
import {barsFor} from "./seed-text.js";
import {Shelf} from "./shelf.js";
import {closing, shortcuts} from "./shortcuts.js";
import {mini} from "./mini.js";
import "./sliders.js";
import {keep} from "./storage.js";
import {theme} from "./theme.js";
import {Toolbar} from "./toolbar.js";
import {Views, newId} from "./views.js";
import {Work} from "./work.js";

/** @type {() => void} */
let begin;
const ready = /** @type {Promise<void>} */ (new Promise(done => { begin = done; }));

export const player = new Player({samples: new URL("../../samples/", import.meta.url).href, after: ready});

/** @type {Views} */
export let views;
/** @type {Work} */
export let work;
let toolbar, shelf, rework, line;
let seeded = false;  // is the first seed shown already?
/** @type {import("./canvas.js").Canvas | null} */
let canvas = null;  // what is to be filled by the next run, and nothing else

/* ---- the parts ------------------------------------------------------------------------------------------------- */

const PARTS = ["header", "stage", "rows", "transport", "notesText", "takes", "rework", "cards", "said"];
/** @type {Record<string, import("./views.js").Part>} */
const parts = {};

function arrived(name) {
  return (element, props, watch) => {
    parts[name] = {element, props};
    if (name === "stage") watch("value", () => views?.receive("compose", props.value));
    if (name === "rows") watch("value", () => views?.receive("compare", props.value));
    if (name === "transport") watch("value", () => views?.transport.configure(props.value));
    if (name === "cards") showCards(element, props, watch);
    if (!views && PARTS.every(part => part in parts)) assemble();
  };
}

export const [header, stage, rows, transport, notesText, takes, reworkPart, cards, saidPart] = PARTS.map(arrived);

export function place() {
  watchPlace(document.querySelector("#place"), words => { if (views?.view.state === "generating") views.view.status.textContent = words; });
}

export function keyboard(root) {
  new Keyboard(root, {player, write, frame: () => views?.compose.sheet.piece ?? {bar: 16, beat: 4}});
}

function assemble() {
  theme(parts.header.element);
  views = new Views(player, parts);
  const {compose: deck, compare} = views;
  work = new Work({show: take => deck.show(take), showSeed: () => deck.showSeed()}, () => press("#apply"));
  toolbar = new Toolbar(parts.header.element, {undo: () => work.undo(), redo: () => work.redo(), anew: startAnew});
  shelf = new Shelf(parts.takes.element, {
    choose: id => work.show(id), play: playTake, remove: id => work.delete(id), restore: () => work.restore(),
    star: id => work.change(id, {starred: !work.all.get(id).starred}),
  });
  rework = new Rework(parts.rework.element, {deck, player, compose, give: (given, settings) => work.give(given, settings), editor: new Editor(deck, {
    voice: () => Math.min(rework.region?.voices[0] ?? 0, deck.sheet.piece.voices.length - 1), commit: commitNotes, hear: hearNote,
    region: () => rework?.region ?? null, changed: () => rework?.tell(),
    ranges: () => parts.stage.props.styles[deck.sheet.piece.style].ranges, tell: words => { deck.status.textContent = words; },
  })});
  parts.said.element.querySelector(".remove").addEventListener("click", () => work.give(null));
  views.result = (take, staged) => work.result(take, staged);
  views.back = () => work.back();
  views.late = update => update.version < work.version;
  views.onstage = view => { if (view === deck) rework.changed(); };
  views.onupdate = onUpdate;
  views.transport.onmixer = ({mixer}) => {
    if (views.view === compare) for (const row of compare.rows) {
      row.sheet.mixer = mixer;
      if (row.kept) work.change(row.kept.id, {mixer});
    } else if (deck.kept) work.change(deck.kept.id, {mixer});
  };
  line = new Line(views, {
    again: view => { canvas = views[view].asked.canvas; press({compose: "#generate", compare: "#compare-all"}[view]); },
    quit: view => press(`#leave-${view}`),
  });
  views.transport.onstate = tellWork;
  work.onchange = tellWork;
  addEventListener("pagehide", () => { work.keep(); line.part(); });
  addEventListener("hashchange", () => { if (holdsPiece(location.hash)) openLink(); });
  mini(parts.transport.element.querySelector(".mini"), views);
  shortcuts({
    play: () => views.transport.toggle(),
    architecture: index => /** @type {HTMLElement} */ (document.querySelectorAll("#cards input")[index])?.click(),
    help: closing(parts.header.element.querySelector("details")),
  });
  dropping(() => document.querySelector("#upload input[type=file], input[type=file]"), message => problem("upload", message, true));
  begin();
}

document.addEventListener("input", event => {  // Gradio tells of typing only where it has not set the text itself
  if (!work || !/** @type {Element} */ (event.target).matches("#notes textarea")) return;
  work.typed();
  if (work.settings.example) press("#unname");
}, true);

const press = selector => /** @type {HTMLElement} */ (document.querySelector(selector)).click();

/* ---- what is told ------------------------------------------------------------------------------------------------ */

function onUpdate(view, update) {
  line.heard(view, update);
  if (update.kind === "given") {
    const {given} = update, meter = parts.stage.props.meters[given.meter];
    work.showSeed();
    work.give(given, {
      style: given.style, meter: given.meter, bars: Math.min(parts.stage.props.limits.bars[1], given.steps / meter.steps), example: null,
      mixer: {...views.transport.next, tempo: Math.round(given.tempo)},
    });
  }
  if (["end", "over", "failed", "problem"].includes(update.kind) && !views.compose.generating && views.compare.state !== "generating") work.busy = false;
  if (view === "compose") rework.changed();
  tellWork();
}

let linked = null;

function tellWork() {
  const {takes, shown, deleted, given} = work, {compose: deck} = views;
  toolbar.tell(work);
  shelf.tell({takes, shown: deck.take?.id ?? shown, deleted, playing: player.playing && views.view === deck});
  document.documentElement.toggleAttribute("data-given", Boolean(given));
  const remove = /** @type {HTMLElement} */ (parts.said.element.querySelector(".remove"));
  remove.hidden = !given;
  remove.textContent = `Remove ${given?.name || "the given notes"}`;
  address(keptNow());
}

/** What can be taken home, as the visitor has changed it since it was composed. */
function keptNow() {
  const take = views.view.kept;
  return take && (work.all.get(take.id) ?? take);
}

async function address(take) {
  if (take === linked) return;
  linked = take;
  const fragment = take ? await linkOf(take) : null;
  if (take === linked) toolbar.address(fragment && `${location.origin}${location.pathname}#${fragment}`);
}

/* ---- what one does ----------------------------------------------------------------------------------------------- */

/** @param {(text: string) => string} change @param {boolean} [starts] a key was played: of a fresh visit it begins a tune */
function write(change, starts = false) {
  const notes = writeSeed(change, starts && Boolean(work?.fresh || work?.given)), {bars} = work.settings;
  const grown = barsFor(notes, views.compose.sheet.piece.bar, bars);
  if (grown !== bars) work.set({notes, example: null, bars: grown});
}

function playTake(id) {
  const same = views.compose.take?.id === id;
  if (same && player.playing) player.pause();
  else {
    work.show(id);
    player.play();
  }
}

/** Has this canvas filled, and nothing else. */
function compose(wanted) {
  if (views.compose.generating) return;
  canvas = {...wanted, tempo: views.transport.worn.tempo};
  views.show("compose");
  press("#generate");
}

function hearNote({pitch, voice}) {
  const tap = player.press(pitch, voice);
  setTimeout(() => player.lift(tap), 250);
}

/** The notes on the roll, edited: of a take a new one, of a seed the music given. */
function commitNotes(notes) {
  const {compose: deck} = views, {sheet} = deck, before = [...sheet.notes.values()];
  const mask = edited(sheet.piece, sheet.mask, before, notes), rows = notes.map(({voice, pitch, start, duration, given}) => [voice, pitch, start, duration, given ?? 0]);
  const piece = {...sheet.piece, fixed: runsOf(mask)};
  if (deck.take) work.edit(deck.take, {id: newId(), notes: rows, piece});
  else {
    deck.on_seed({piece, notes: rows});
    work.give({...canvasOf(piece, notes, mask), name: ROLL}, {bars: piece.steps / piece.bar});
  }
}

function startAnew() {
  keep("work", null);
  clearProblem();
  work.startAnew();
}

document.addEventListener("click", event => {  // phones allow sound only from inside a click; what follows comes later
  const target = /** @type {Element} */ (event.target);
  if (target.closest("#generate, #compare-all, .rework button")) player.unlock();
  if (target.closest("#generate, #compare-all")) views?.pressed();
}, true);

/* ---- the events: by name, from app.py ---------------------------------------------------------------------------- */

export async function ask({call: _, control: __, anew, mixer, ...settings}) {
  await ready;
  const asked = {settings, given: work.given, canvas, mixer: canvas ? views.transport.worn : views.transport.next};
  line.join(views.shown);
  const call = {run: views.ask(asked), given: work.given, canvas};
  canvas = null;
  work.busy = true;
  tellWork();
  return {call};
}

export async function stop() {
  await ready;
  line.leave(views.shown);
  return {call: {run: views.stop()}};
}

export async function seed() {
  await ready;
  const shown = seeded;
  seeded = false;
  return {call: {given: work.given, version: work.version, shown}};
}

export async function example() {
  await ready;
  work.typed();
}

export async function changed(widgets) {
  await ready;
  work.changed(widgets);
}

export async function applied(widgets) {
  await ready;
  return work.applied(widgets);
}

export async function saved() {
  await ready;
  const take = keptNow();
  if (!take) return {call: {}};
  const {piece, notes, mixer, model, randomSeed} = take, {style, meter, steps, fixed} = piece;
  const inside = fixed.map(([voice, start, end]) => [voice, Math.min(start, steps), Math.min(end, steps)]);
  return {call: {
    piece: {style, meter, steps, notes, fixed: inside, tempo: mixer.tempo}, model, random_seed: randomSeed, instruments: mixer.instruments,
  }};
}

export async function failed({view, most, message}) {
  await ready;
  await line.refused(view, most, message);
}

/** The page has come: what stood there last, or what its address asks for, takes the place of what the server sent. */
export async function opened(widgets) {
  await ready;
  const choices = offered(), {settings: queried, refused} = readQuery(location.search, choices);
  /** @type {{settings?: object, take?: any, given?: any, other?: boolean}} */
  let wanted = Object.keys(queried).length ? {settings: queried} : {};
  if (holdsPiece(location.hash)) wanted = await linkWanted() ?? wanted;
  line.resume();
  const settings = work.open(widgets, wanted);
  if (wanted.take) heardFrom(wanted);
  seeded = work.fresh;
  if (seeded) views.receive("compose", parts.stage.props.value);
  if (refused.length) said(`This page does not offer the ${refused.join(", ")} in its address; the rest was used.`);
  document.documentElement.dataset.ready = "";
  document.querySelector("#shell").remove();
  return settings;
}

/* ---- a piece from an address -------------------------------------------------------------------------------------- */

function offered() {
  const models = Object.fromEntries(parts.cards.props.cards.map(({name, title, weights}) => [name, {title, weights}]));
  const {meters, styles, limits} = parts.stage.props;
  return {models, meters, styles, limits, instruments: parts.transport.props.choices.map(choice => choice.key)};
}

async function linkWanted() {
  const fragment = location.hash;
  history.replaceState(history.state, "", location.pathname + location.search);
  try {
    const {take, settings, given, other} = await readLink(fragment, offered());
    const mixer = {...views.transport.next, ...take.mixer};
    return {take: {...take, number: 1}, settings: {...settings, mixer}, given, other};
  } catch {
    problem("link", "The piece in this link cannot be read: it may have been cut. Ask for the link again.");
    return null;
  }
}

async function openLink() {
  const wanted = await linkWanted();
  if (!wanted) return;
  clearProblem();
  work.result(wanted.take, true);
  views.compose.show(wanted.take);
  work.give(wanted.given, wanted.settings);
  heardFrom(wanted);
}

/** @param {{take?: import("./takes.js").Take, other?: boolean}} link */
function heardFrom({take, other}) {
  views.show("compose");
  const by = `Composed by ${take.title}, random seed ${take.randomSeed}.`;
  views.compose.status.textContent = other ? `${by} Here are other weights: a new run may differ.` : by;
  player.playWhenAllowed();
}
