/** The voices' marks beside their names: one kind for the buttons, the mixer and the paper, drawn as the roll draws notes. */

import {element} from "./dom.js";
import {mark, paletteOf} from "./marks.js";

const [WIDTH, HEIGHT] = [24, 14];  // px
const DENSITY = 3;                 // dots a px, sharp on every screen and on paper

/** One in given colours, for good. @param {{voice: number, given?: number}} note @param {import("./marks.js").Palette} palette */
export function swatch(note, palette) {
  const canvas = element("canvas", "swatch");
  [canvas.width, canvas.height] = [WIDTH * DENSITY, HEIGHT * DENSITY];
  canvas.setAttribute("aria-hidden", "true");
  draw(canvas, note, palette);
  return canvas;
}

/** One in the page's colours, light or dark as the page becomes. @param {number} voice */
export function voiceSwatch(voice) {
  const canvas = swatch({voice}, paletteOf(document.body));
  canvas.dataset.voice = String(voice);
  recolouring ??= new MutationObserver(recolour);
  recolouring.observe(document.body, {attributes: true, attributeFilter: ["class"]});
  return canvas;
}

/** @type {MutationObserver | null} */
let recolouring = null;

function recolour() {
  const palette = paletteOf(document.body);
  for (const canvas of /** @type {NodeListOf<HTMLCanvasElement>} */ (document.querySelectorAll("canvas.swatch[data-voice]"))) {
    draw(canvas, {voice: Number(canvas.dataset.voice)}, palette);
  }
}

function draw(canvas, note, palette) {
  const pen = canvas.getContext("2d");
  pen.setTransform(DENSITY, 0, 0, DENSITY, 0, 0);
  pen.clearRect(0, 0, WIDTH, HEIGHT);
  mark(pen, {x: 1, y: 1, width: WIDTH - 2, height: HEIGHT - 2}, note, palette);
}
