/** What ties the page together. The parts of the page call the functions that bear their names, in whatever order the
    page brings them (musicgen/web/parts.py); the page's events call those below, by name as well (app.py). */

import {readQuery} from "./address.js";
import {canvasOf, edited, frameOf, runsOf} from "./canvas.js";
import {offer, cards as showCards} from "./cards.js";
import {Downloads} from "./downloads.js";
import {dropping} from "./drop.js";
import {Editor} from "./editor.js";
import {Keyboard} from "./keyboard.js";
import {lengthFor} from "./length.js";
import {examples} from "./example.js";
import {holdsPiece} from "./link.js";
import {Links} from "./links.js";
import {notices as showNotices} from "./notices.js";
import {Places, readPlace} from "./places.js";
import {Player} from "./player.js";
import {printing} from "./print.js";
import {clearProblem, problem, said} from "./problems.js";
import {Line, watchPlace} from "./queue.js";
import {ROLL, Rework} from "./rework.js";
import {seedTyped, writeSeed} from "./seed-field.js";
import {barsFor} from "./seed-text.js";
import {Shelf} from "./shelf.js";
import {closing, shortcuts} from "./shortcuts.js";
import {mini} from "./mini.js";
import {grouping} from "./radios.js";
import "./sliders.js";
import {keep} from "./storage.js";
import {theme} from "./theme.js";
import {Toolbar} from "./toolbar.js";
import {Views, newId} from "./views.js";
import {Work} from "./work.js";

/** @type {() => void} */
let whole, begin;
/** @type {Promise<void>} */
const assembled = new Promise(done => { whole = done; }), ready = new Promise(done => { begin = done; });

export const player = new Player({samples: new URL("../samples/", import.meta.url).href, after: ready});

/** @type {Views} */
export let views;
/** @type {Work} */
export let work;
let toolbar, shelf, rework, places, links, line, downloads, notice, seeded = false;  // is the first seed shown already?
/** @type {import("./canvas.js").Canvas | null} */
let canvas = null;  // what is to be filled by the next run, and nothing else
/** @type {import("./canvas.js").Canvas | null} */
let asked = null;   // the file's music of which the visitor is asked what is to become of it

/* ---- the parts ------------------------------------------------------------------------------------------------- */

const PARTS = ["header", "stage", "rows", "trio", "transport", "notesText", "takes", "rework", "cards", "said", "notices"];
const VIEWS = {stage: "compose", rows: "compare", trio: "trio"};  // of the parts that show what the server tells
/** @type {Record<string, import("./views.js").Part>} */
const parts = {};

function arrived(name) {
  return (element, props, watch) => {
    parts[name] = {element, props};
    if (name in VIEWS) watch("value", () => views?.receive(VIEWS[name], props.value));
    if (name === "transport") watch("value", () => views?.transport.configure(props.value));
    if (name === "cards") showCards(element, props, watch);
    if (!views && PARTS.every(part => part in parts)) assemble();
  };
}

export const [header, stage, rows, trio, transport, notesText, takes, reworkPart, cards, saidPart, notices] = PARTS.map(arrived);

export const example = examples;
export const place = () => watchPlace(document.querySelector("#place"), words => { if (views?.view.state === "generating") views.view.status.textContent = words; });
export const keyboard = root => { new Keyboard(root, {player, write, frame: () => ({...views.compose.sheet.piece, longest: longest()})}); };

function assemble() {
  theme(parts.header.element);
  grouping();
  views = new Views(player, parts);
  const {compose: deck} = views;
  work = new Work({show: take => deck.show(take), showSeed: () => deck.showSeed()}, () => press("#apply"));
  toolbar = new Toolbar(parts.header.element, {undo: () => work.undo(), redo: () => work.redo(), anew: startAnew});
  links = new Links(parts, {views, work, player, toolbar});
  shelf = new Shelf(parts.takes.element, {
    choose, play: playTake, remove: id => work.delete(id), restore: () => work.restore(),
    star: id => work.change(id, {starred: !work.all.get(id).starred}),
  });
  const give = (given, settings) => work.give(given, settings);
  const {styles} = parts.stage.props, style = (name = work.settings.style) => ({name, ...styles[name]});
  rework = new Rework(parts.rework.element, {deck, player, compose, give, three, longest: longest(), open: recipe => open(recipe, true), style, editor: new Editor(deck, {
    voice: () => Math.min(rework.region?.voices[0] ?? 0, deck.sheet.piece.voices.length - 1), commit: commitNotes,
    hear: ({pitch, voice}) => { const tap = player.press(pitch, voice); setTimeout(() => player.lift(tap), 250); },
    region: () => rework?.region ?? null, changed: () => rework?.tell(),
    ranges: () => styles[deck.sheet.piece.style].ranges, tell: words => { deck.status.textContent = words; },
  })});
  parts.said.element.querySelector(".remove").addEventListener("click", () => work.give(null));
  views.result = (take, staged) => work.result(take, staged);
  views.back = () => work.back();
  views.late = update => update.version < work.version;
  views.onview = tellWork;
  views.onchoose = ({id}) => choose(id);
  views.onstage = view => { if (view === deck) rework.changed(); };
  views.onupdate = onUpdate;
  views.transport.onmixer = ({mixer}) => { for (const id of views.mix(mixer)) work.change(id, {mixer}); };
  line = new Line(views, {
    again: view => { canvas = views[view].asked.canvas; press({compose: "#generate", compare: "#compare-all", trio: "#three"}[view]); },
    quit: view => press(`#leave-${view}`),
  });
  views.transport.onstate = work.onchange = tellWork;
  work.onlater = () => said("It is opened as soon as this piece is composed.");
  work.length = take => lengthFor(take, work.seed, parts.stage.props);
  work.compared = () => Object.fromEntries(views.compare.rows.filter(row => row.kept).map(row => [row.name, row.kept.id]));
  places = new Places({here: () => ({view: views.shown, shown: work.shown}), go, open: async () => {
    await (holdsPiece(location.hash) ? open(location.hash) : views.show(location.hash === "#compare" ? "compare" : "compose"));
  }});
  addEventListener("pagehide", () => { work.keep(); line.part(); });
  downloads = new Downloads(document.querySelector("#downloads"));
  notice = showNotices(parts.notices.element, {address, lost: () => { line.lost(); downloads.lost(); }, back: () => { if (work.history) work.set({}); }});
  printing(() => links.onPaper);
  mini(parts.transport.element.querySelector(".mini"), views);
  shortcuts({
    play: () => views.transport.toggle(),
    architecture: index => (views.view === views.compare ? views.compare.rows[index]?.button : inputs()[index])?.click(),
    help: closing(parts.header.element.querySelector("details")),
  });
  dropping(() => document.querySelector("#upload input[type=file], input[type=file]"), message => problem("upload", message, true));
  whole();
}

seedTyped(notes => {
  work?.typed(notes);
  if (work?.settings.example) press("#unname");
});

export const address = () => links.whole();  // of all that stands on the page
const open = (fragment, inFile = false) => work.whenIdle(() => links.open(fragment, inFile));
const longest = () => parts.stage.props.limits.bars[1];  // bars of a whole piece
const inputs = () => /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll("#cards input"));
const press = selector => /** @type {HTMLElement} */ (document.querySelector(selector)).click();

/* ---- what is told ------------------------------------------------------------------------------------------------ */

function onUpdate(view, update) {
  line.heard(view, update);
  if (update.kind === "given") ready.then(() => work.whenIdle(() => received(update)));  // a file may come before the page is ready
  if (update.kind === "recipe") ready.then(() => open(update.recipe, true));
  if (["end", "over", "failed", "problem"].includes(update.kind) && ["compose", "compare", "trio"].every(name => views[name].state !== "generating")) work.busy = false;
  if (view === "compose") rework.changed();
  tellWork();
}

/** A file's music becomes the seed, and the visitor is asked what is to be made of it. */
function received({given, recipe, said: kept, tunes, tune}) {
  const piece = frameOf(given, parts.stage.props);
  views.show("compose");
  views.compose.seed = {piece, notes: given.notes.map(note => [...note.slice(0, 4), 1])};
  work.showSeed();
  work.give(given, {
    style: given.style, meter: given.meter, bars: Math.min(longest(), given.steps / piece.bar), example: null,
    mixer: {...views.transport.next, tempo: Math.round(given.tempo), chosen: true},
  });
  asked = given;
  rework.ask(given, {recipe, kept, tunes, tune, choose: index => received({...tunes[index], recipe, tunes, tune: index})});
}

function tellWork() {
  const {takes, shown, gone, given} = work, {compose: deck} = views;
  toolbar.tell(work);
  views.tellStop();
  shelf.tell({takes, shown: deck.take?.id ?? shown, deleted: gone.length, playing: player.playing && views.view === deck});
  document.documentElement.toggleAttribute("data-given", Boolean(given));
  const remove = /** @type {HTMLElement} */ (parts.said.element.querySelector(".remove"));
  Object.assign(remove, {hidden: !given, textContent: `Remove ${given?.name || "the given notes"}`});
  if (deck.sheet.roll.freed && given?.name !== ROLL) deck.sheet.markFreed(null);
  if (asked && (asked !== given || work.busy || deck.take)) rework.ask(asked = null);
  links.tell();
  notice?.tell();
  work.catchUp();
  if (work.history) offer(parts.cards, work.settings.style);
  if (work.history) places.tell();
}

/* ---- what one does ----------------------------------------------------------------------------------------------- */

/** @param {(text: string) => string} change @param {boolean} [starts] a key was played: of a fresh visit it begins a tune */
function write(change, starts = false) {
  const notes = writeSeed(change, starts && Boolean(work?.fresh || work?.given)), {bars} = work.settings;
  const grown = barsFor(notes, views.compose.sheet.piece.bar, bars, longest());
  if (grown !== bars) work.set({notes, example: null, bars: grown});
}

/** A take comes on the stage. @param {string} id */
function choose(id) {
  places.atOnce(() => {
    views.show("compose");
    work.show(id);
  });
}

function playTake(id) {
  const same = views.compose.take?.id === id && views.shown === "compose";
  if (same && player.playing) player.pause();
  else {
    choose(id);
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

/** Three takes of a canvas, or of the seed. @param {import("./canvas.js").Canvas | null} wanted */
function three(wanted) {
  if (work.busy) return;
  canvas = wanted && {...wanted, tempo: views.transport.worn.tempo};
  views.show("trio");
  press("#three");
}

/** Back or forward. @param {import("./places.js").Place} place */
function go({view, shown}) {
  views.show(view);
  if (shown === work.shown || work.busy) return;
  if (work.all.has(shown)) work.show(shown);
  else if (!shown) work.showSeed();
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
  for (const view of [views.compare, views.trio]) view.clear(views.compose.seed);
}

document.addEventListener("click", event => {  // phones allow sound only from inside a click; what follows comes later
  const target = /** @type {Element} */ (event.target);
  if (target.closest("#generate, #compare-all, .rework button")) player.unlock();
  if (target.closest("#generate") && views?.shown === "trio") views.show("compose");
  if (target.closest("#generate, #compare-all, #three")) views?.pressed();
}, true);

/* ---- the events: by name, from app.py ---------------------------------------------------------------------------- */

export async function ask({call: _, control: __, anew, mixer, ...settings}) {
  await ready;
  const asked = {settings, given: work.given, canvas, mixer: canvas?.style === views.compose.sheet.piece?.style ? views.transport.worn : views.transport.next};
  line.join(views.shown);
  const call = {run: views.ask(asked), given: work.given, canvas};
  [canvas, work.busy] = [null, true];
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

export async function exampled() {
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

export async function saved({format}) {
  await ready;
  return {call: await downloads.begin(format, links.kept ?? views.view.soFar)};
}

export const written = ({format}) => { downloads.end(format); press(`#file-${format}`); };
export const unwritten = ({format, message}) => downloads.end(format, message);

export async function failed({view, most, message}) {
  await ready;
  await line.refused(view, most, message);
}

/** The page has come: what stood there last, or what its address asks for, takes the place of what the server sent. */
export async function opened(widgets) {
  await assembled;
  const again = Boolean(readPlace(history.state)) && Work.kept;  // the page comes anew: the work goes before the address
  const {settings: queried, refused} = again ? {settings: {}, refused: []} : readQuery(location.search, links.offered);
  /** @type {{settings?: object, take?: any, given?: any, other?: boolean}} */
  let wanted = Object.keys(queried).length ? {settings: queried} : {};
  if (!again && holdsPiece(location.hash)) wanted = await links.wanted(location.hash) ?? wanted;
  line.resume();
  const settings = work.open(widgets, wanted);
  views.compare.restore(work.before);
  if (wanted.take) links.arrived(wanted);
  seeded = work.fresh;
  if (seeded) views.receive("compose", parts.stage.props.value);
  if (refused.length) said(`This page does not offer the ${refused.join(", ")} in its address; the rest was used.`);
  document.documentElement.dataset.ready = "";
  document.querySelector("#shell").remove();
  begin();
  return settings;
}
