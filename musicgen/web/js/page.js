/** What ties the page together. The parts of the page call the functions that bear their names, in whatever order the
    page brings them (musicgen/web/parts.py); the page's events call the others, by name as well (app.py). */

import {cards} from "./cards.js";
import {Keyboard} from "./keyboard.js";
import {Player} from "./player.js";
import {theme} from "./theme.js";
import {Views} from "./views.js";

export {cards};
export const player = new Player({samples: new URL("../../samples/", import.meta.url).href});

/** @type {Views | null} */
export let views = null;
const PARTS = ["header", "stage", "rows", "transport", "notesText"];
const parts = {};

function arrived(name, element, props) {
  parts[name] = {element, props};
  if (views || !PARTS.every(part => part in parts)) return;
  views = new Views(player, parts);
  for (const [view, {props}] of [["compose", parts.stage], ["compare", parts.rows]]) views.receive(view, props.value);
}

/* ---- the parts ------------------------------------------------------------------------------------------------- */

export function header(root) {
  theme(root);
  arrived("header", root);
}

export function stage(root, props, watch) {
  watch("value", () => views?.receive("compose", props.value));
  arrived("stage", root, props);
}

export function rows(root, props, watch) {
  watch("value", () => views?.receive("compare", props.value));
  arrived("rows", root, props);
}

export function transport(root, props, watch) {
  watch("value", () => views?.transport.configure(props.value));
  arrived("transport", root, props);
}

export function notesText(root) { arrived("notesText", root); }

export function keyboard(root) {
  new Keyboard(root, {
    press: pitch => player.press(pitch, 0), lift: tap => player.lift(tap), write, tempo: () => player.tempo,
  });
}

function write(change) {
  const field = /** @type {HTMLTextAreaElement} */ (document.querySelector("#notes textarea"));
  field.value = change(field.value);
  field.dispatchEvent(new Event("input", {bubbles: true}));
  field.scrollTop = field.scrollHeight;
}

document.addEventListener("click", event => {  // phones allow sound only from inside a click; the events below come later
  if (/** @type {Element} */ (event.target).closest("#generate, #compare-all")) player.unlock();
}, true);

/* ---- the events ------------------------------------------------------------------------------------------------ */

export const ask = () => ({run: views.ask()});
export const stop = () => ({run: views.stop()});
export const chosen = () => ({row: views.view.row});
export const failed = ({view, message}) => views.receive(view, {kind: "failed", message});
