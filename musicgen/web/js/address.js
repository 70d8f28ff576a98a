/** What an address asks for: a piece in its fragment (link.js), or settings in its query, such as
    `?model=gru&style=dance&notes=A4 B4`. What comes from outside is checked against what this page has to offer.

    @typedef {{models: Record<string, {title: string, weights: string}>, instruments: string[],
      meters: Record<string, {steps: number, beat: number}>,
      styles: Record<string, {low: number, high: number, voices: string[]}>,
      limits: Record<string, [number, number]>}} Choices */

import {begins} from "./bars.js";
import {frameOf, runsOf, maskOf} from "./canvas.js";
import {lengthFor} from "./length.js";
import {decode, encode} from "./link.js";

const TEXT = 24_000;   // characters of seed notes
const FRAGMENT = 3900;  // characters, so that a link with its page's address has 4,000
const LINE = 100;    // of a title or a name
/** @type {import("./canvas.js").Canvas} */
const NOTHING = {style: "", meter: "", tempo: 0, steps: 0, notes: [], fixed: []};
const QUERY = {      // name in the address -> setting, and how it is read
  model: ["model", (text, {models}) => oneOf(text, models)],
  style: ["style", (text, {styles}) => oneOf(text, styles)],
  meter: ["meter", (text, {meters}) => oneOf(text, meters)],
  notes: ["notes", text => text.slice(0, TEXT)],
  bars: ["bars", (text, {limits}) => whole(text, ...limits.bars)],
  temperature: ["temperature", (text, {limits}) => within(text, ...limits.temperature)],
  top_p: ["top_p", (text, {limits}) => within(text, ...limits.top_p)],
  seed: ["random_seed", (text, {limits}) => whole(text, ...limits.random_seed)],
};

/** Settings asked for in a query, and the names of those that cannot be had. @param {string} query @param {Choices} choices */
export function readQuery(query, choices) {
  const settings = {}, refused = [];
  for (const [name, text] of new URLSearchParams(query)) {
    if (!(name in QUERY)) continue;
    const [setting, read] = QUERY[name], value = read(text, choices);
    if (value === null) refused.push(name);
    else settings[setting] = value;
  }
  if ("notes" in settings) settings.example = null;
  if ("random_seed" in settings) settings.anew = false;
  return {settings, refused};
}

/** The fragment that holds a take, as a whole; a text of seed notes that is too long for it is told by its notes alone.
    @param {import("./takes.js").Take} take */
export async function linkOf(take) {
  const whole = await fragmentOf(take);
  return whole.length <= FRAGMENT ? whole : fragmentOf({...take, given: take.given ?? {...NOTHING, name: "the link"}});
}

/** The query that asks for settings, as `readQuery` reads it. @param {Record<string, any>} settings */
export function queryOf(settings) {
  const query = new URLSearchParams();
  for (const name of Object.keys(QUERY)) {
    const value = settings[String(QUERY[name][0])];
    if (value !== undefined && value !== null && !(name === "seed" && settings.anew)) query.set(name, String(value));
  }
  return query.toString();
}

/** What a take was made by, in words and as a fragment. @param {import("./takes.js").Take} take */
export async function recipeOf(take) {
  const {model, weights, randomSeed, piece, mixer, settings: {temperature, top_p}} = take, {style, meter, steps, bar} = piece;
  return `Nonet recipe: model ${model}, weights ${weights}, random seed ${randomSeed}, temperature ${temperature}, top-p ${top_p}, `
    + `${style}, ${steps / bar} bars of ${meter}, tempo ${mixer.tempo}, instruments ${mixer.instruments.join(" ")}. `
    + `Open this file on the page, or add to its address: #${await linkOf(take)}`;
}

function fragmentOf({model, weights, randomSeed, state, piece, notes, mixer, settings, given}) {
  const {temperature, top_p, notes: text, bars} = settings, {upbeat, title, author} = piece;
  return encode({
    steps: piece.steps, voices: piece.voices.length, style: piece.style, meter: piece.meter, tempo: mixer.tempo,
    instruments: mixer.instruments, model, weights, seed: randomSeed, state, temperature, top_p, bars,
    ...(upbeat ? {upbeat} : {}), ...(title ? {title} : {}), ...(author ? {author} : {}),
    ...(given ? {given: given.name || "the link"} : {text: String(text ?? "").slice(0, TEXT)}),
    notes, fixed: runsOf(maskOf(piece, piece.fixed)),
  });
}

/**
 * What a fragment with a piece asks for: a take, or music given that has yet to be one, and the settings. Throws if it is broken.
 * @param {string} fragment @param {Choices} choices
 */
export async function readLink(fragment, choices) {
  const link = await decode(fragment), meter = choices.meters[link.meter], style = choices.styles[link.style];
  const {steps, fixed, notes} = link, {limits} = choices;
  if (!meter || !style || steps % meter.steps || steps > limits.piece[1] * meter.steps || link.voices !== style.voices.length) throw new Error("no such piece");
  if (within(link.tempo, ...limits.tempo) === null) throw new Error("no such tempo");
  if (notes.some(([, pitch]) => pitch < style.low || pitch > style.high)) throw new Error("a note is out of range");
  const upbeat = whole(link.upbeat, 0, meter.steps - 1) ?? 0, early = notes.some(note => note[2] < begins({bar: meter.steps, upbeat}));
  const about = {style: link.style, meter: link.meter, tempo: link.tempo, steps, fixed, upbeat: early ? 0 : upbeat,
    title: line(link.title), author: line(link.author)};
  const piece = frameOf(about, choices);
  const known = choices.models[link.model], text = String(link.text ?? "").slice(0, TEXT), state = link.state === "stopped" ? "stopped" : "done";
  const from = link.given ? {...about, name: String(link.given).slice(0, 60),
    notes: notes.filter(note => note[4]).map(note => note.slice(0, 4))} : null;
  const asked = {bars: whole(link.bars, ...limits.bars)}, seed = {given: from, notes: text, meter: link.meter, style: link.style};
  const settings = {
    style: link.style, meter: link.meter, bars: lengthFor({piece, state, settings: asked}, seed, choices), example: null,
    notes: text, temperature: within(link.temperature, ...limits.temperature) ?? 1,
    top_p: within(link.top_p, ...limits.top_p) ?? 1, random_seed: whole(link.seed, ...limits.random_seed) ?? 0, ...(known ? {model: link.model} : {}),
  };
  const instruments = Array.isArray(link.instruments) ? link.instruments : [];
  const mixer = {tempo: link.tempo, instruments: [0, 1, 2, 3].map(voice => oneOf(instruments[voice], choices.instruments) ?? choices.instruments[0])};
  const take = {
    id: `link-${fragment.slice(-40)}`, number: 0, model: known ? link.model : "", title: known?.title ?? String(link.model).slice(0, 30),
    weights: String(link.weights).slice(0, 8), randomSeed: settings.random_seed, starred: false, piece, notes, mixer, settings, given: from,
    state,
  };
  if (link.model === "") return {take: null, settings, given: from, mixer, other: false};  // nothing is composed of it yet
  return {take, settings, given: from, mixer, other: !known || known.weights !== link.weights};
}

/** As one line, without characters that control how it is shown, but for two that join within words. */
const line = text => typeof text === "string" ? text.trim().replace(/\s+/g, " ").replace(/[^\P{C}\u200c\u200d]/gu, "").slice(0, LINE) : "";

function oneOf(text, known) {
  const names = Array.isArray(known) ? known : Object.keys(known);
  return names.includes(text) ? text : null;
}

function within(text, low, high) {
  const value = text === null || text === undefined || text === "" ? NaN : Number(text);
  return value >= low && value <= high ? value : null;
}

function whole(text, low, high) {
  const value = within(text, low, high);
  return Number.isInteger(value) ? value : null;
}
