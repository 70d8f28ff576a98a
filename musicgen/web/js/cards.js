/** The cards among which one chooses an architecture. */

import {element} from "./dom.js";

/** Each architecture's way through time, drawn in a box of 36 x 24. @type {Record<string, string>} */
const GLYPHS = {
  rnn: "M4 18h28M10 18v-6M18 18v-6M26 18v-6M10 12a4 4 0 1 1 4 -4M18 12a4 4 0 1 1 4 -4M26 12a4 4 0 1 1 4 -4",
  gru: "M3 12h8M25 12h8M11 5h14v14h-14zM14 12l4 -4l4 4l-4 4z",
  lstm: "M3 6h30M3 18h7M26 18h7M10 12h16v9h-16zM14 12v-6M22 12v-6M18 16.500v.1",
  transformer: "M4 20L18 4M11 20L18 4M18 20V4M25 20L18 4M32 20L18 4M18 4h.1M4 20h28",
  autoregressive: "M4 21h.1M12 21h.1M20 21h.1M28 21h.1M4 21L8 13M12 21L12 13M12 21L8 13M20 21L24 13M28 21L28 13M28 21L24 13M12 13L28 4M28 13V4M32 4h1",
  cnn: "M6 4h24v16h-24zM12 4v16M18 4v16M24 4v16M6 9.300h24M6 14.600h24M12 9.300h12v5.300h-12z",
  seq2seq: "M3 18h12M5 18v-5M9 18v-5M13 18v-5M15 18C20 18 16 7 21 7M21 7h12M23 7v5M27 7v5M31 7v5",
  vae: "M4 4L15 10V14L4 20zM32 4L21 10V14L32 20zM18 9v6",
  gan: "M5 6h10v12h-10zM21 6h10v12h-10zM15 9.500h6M19 7.500l2 2l-2 2M21 14.500h-6M17 12.500l-2 2l2 2",
};

/** @typedef {{name: string, title: string, summary: string, cost: string, styles: string[]}} Card  styles it was trained for */

/** @param {string} name */
export function glyph(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 36 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", GLYPHS[name] ?? "M6 12h24");
  svg.append(path);
  return svg;
}

/**
 * Fills the part; its value is the chosen architecture's name.
 * @param {HTMLElement} root
 * @param {{value: string, cards: Card[], missing: string[]}} props
 * @param {(name: string, callback: () => void) => void} watch
 */
export function cards(root, props, watch) {
  const detail = root.querySelector(".detail"), inputs = new Map();
  const show = card => {
    const sentence = element("p", "sentence");
    sentence.append(element("span", "named", `${card.title}: `), card.summary);
    detail.replaceChildren(sentence, element("p", "cost", card.cost));
  };
  const chosen = () => props.cards.find(card => card.name === props.value) ?? props.cards[0];
  root.querySelector(".missing").append(...props.missing.map(sentence => element("p", "", sentence)));
  if (!props.cards.length) return;
  root.querySelector(".grid").append(...props.cards.map(card => {
    const label = element("label", "card"), input = element("input"), about = element("span", "about", card.summary);
    Object.assign(input, {type: "radio", name: "architecture", value: card.name, checked: card.name === props.value});
    input.setAttribute("aria-describedby", `about-${card.name}`);
    input.addEventListener("change", () => { props.value = card.name; show(card); });
    inputs.set(card.name, input);
    about.id = `about-${card.name}`;
    label.append(input, glyph(card.name), element("span", "name", card.title), about);
    label.addEventListener("pointerenter", () => show(card));
    label.addEventListener("pointerleave", () => show(chosen()));
    return label;
  }));
  watch("value", () => {
    if (inputs.has(props.value)) inputs.get(props.value).checked = true;
    show(chosen());
  });
  show(chosen());
}

/** Only what was trained for a style can be chosen; another takes the place of one that was not.
 * @param {import("./views.js").Part} part @param {string} style */
export function offer({element: root, props}, style) {
  /** @type {HTMLInputElement[]} */
  const inputs = [...root.querySelectorAll("input")];
  for (const [index, {title, styles}] of props.cards.entries()) {
    inputs[index].disabled = !styles.includes(style);
    inputs[index].title = inputs[index].disabled ? `${title} was not trained for a ${style}` : "";
  }
  if (inputs.find(input => input.checked)?.disabled) inputs.find(input => !input.disabled)?.click();
}
