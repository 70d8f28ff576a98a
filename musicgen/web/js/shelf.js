/** The takes on their shelf, each with a picture of it: choose, play, star, delete, restore. */

import {element} from "./dom.js";
import {called, plural} from "./words.js";

const VOICES = ["s", "a", "t", "b"];
const WIDTH = 132, HEIGHT = 40;  // px of a picture

export class Shelf {
  /**
   * @param {HTMLElement} root
   * @param {{choose: (id: string) => void, play: (id: string) => void, star: (id: string) => void,
   *   remove: (id: string) => void, restore: () => void}} acts
   */
  constructor(root, acts) {
    this.root = /** @type {HTMLElement} */ (root.querySelector(".takes"));
    this.acts = acts;
    this.list = /** @type {HTMLElement} */ (root.querySelector(".take-list"));
    this.gone = /** @type {HTMLElement} */ (root.querySelector(".gone"));
    this.gone.querySelector("button").addEventListener("click", () => acts.restore());
    /** @type {Map<string, {take: import("./takes.js").Take, item: HTMLElement}>} */
    this.items = new Map();
    new MutationObserver(() => this.#draw()).observe(document.body, {attributes: true, attributeFilter: ["class"]});
  }

  /** @param {{takes: import("./takes.js").Take[], shown: string | null, deleted: number, playing: boolean}} now */
  tell({takes, shown, deleted, playing}) {
    this.gone.hidden = !deleted;  // before the focus may go there
    const focus = document.activeElement?.closest(".take")?.nextElementSibling ?? null;
    for (const [id, {item}] of this.items) if (!takes.some(take => take.id === id)) {
      if (item.contains(document.activeElement)) /** @type {HTMLElement} */ ((focus ?? this.gone).querySelector("button"))?.focus();
      item.remove();
      this.items.delete(id);
    }
    takes.forEach((take, index) => {
      if (!this.items.has(take.id)) this.items.set(take.id, {take, item: this.#item(take)});
      const entry = this.items.get(take.id), {item} = entry;
      entry.take = take;
      if (this.list.children[index] !== item) this.list.insertBefore(item, this.list.children[index] ?? null);
      this.#state(item, take, take.id === shown, playing);
    });
    this.gone.querySelector("span").textContent = deleted > 1 ? `${deleted} takes were deleted; the last one is restored first.` : "A take was deleted.";
    this.root.hidden = !takes.length && !deleted;
    if (shown !== this.shown) this.#reveal(this.items.get(shown)?.item);
    this.shown = shown;
  }

  #reveal(item) {  // sideways only: the page stays where it is
    if (!item) return;
    const {list} = this, left = item.offsetLeft - list.offsetLeft, right = left + item.offsetWidth;
    if (left < list.scrollLeft) list.scrollLeft = left;
    else if (right > list.scrollLeft + list.clientWidth) list.scrollLeft = right - list.clientWidth;
  }

  #item(take) {
    const item = element("li", "take"), face = element("button", "face"), about = `take ${take.number}, ${take.title}`;
    item.dataset.testid = "take";
    face.type = "button";
    face.append(element("canvas"), element("span", "name", `${take.number} · ${take.title}`));
    face.setAttribute("aria-label", `Show ${about}, ${plural(take.piece.steps / take.piece.bar, "bar")}`);
    face.title = `${called(take.piece) && `${called(take.piece)}: `}${take.piece.style}, random seed ${take.randomSeed}, temperature ${take.settings?.temperature ?? "?"}`;
    face.addEventListener("click", () => this.acts.choose(take.id));
    const tools = element("div", "take-tools");
    tools.append(
      tool("play", `Play ${about}`, () => this.acts.play(take.id)),
      tool("star", `Star ${about}`, () => this.acts.star(take.id)),
      tool("delete", `Delete ${about}`, () => this.acts.remove(take.id)),
    );
    item.append(face, tools);
    requestAnimationFrame(() => picture(item, take));
    return item;
  }

  #state(item, take, current, playing) {
    Object.assign(item.dataset, {notes: take.notes.length, model: take.model, current, id: take.id});
    item.querySelector(".face").setAttribute("aria-pressed", String(current));
    item.querySelector(".star").setAttribute("aria-pressed", String(take.starred));
    item.querySelector(".play").setAttribute("aria-pressed", String(current && playing));
  }

  #draw() { for (const {item, take} of this.items.values()) picture(item, take); }
}

const SHAPES = {
  play: "M8 5v14l11 -7z",
  star: "M12 3.500l2.600 5.600 6.100 .7 -4.500 4.200 1.200 6 -5.400 -3 -5.400 3 1.200 -6 -4.500 -4.200 6.100 -.7z",
  delete: "M6 6l12 12M18 6L6 18",
};

function tool(name, label, act) {
  const button = element("button", name), svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", SHAPES[name]);
  svg.append(path);
  button.type = "button";
  button.append(svg);
  button.setAttribute("aria-label", label);
  button.addEventListener("click", act);
  return button;
}

/** The piece as small strokes. */
function picture(item, {piece, notes}) {
  const canvas = item.querySelector("canvas"), style = getComputedStyle(item), scale = window.devicePixelRatio || 1;
  [canvas.width, canvas.height] = [WIDTH * scale, HEIGHT * scale];
  const pen = canvas.getContext("2d"), row = HEIGHT / (piece.high - piece.low + 2), step = WIDTH / piece.steps;
  pen.scale(scale, scale);
  for (const [voice, pitch, start, duration] of notes) {
    pen.fillStyle = style.getPropertyValue(`--voice-${VOICES[voice]}`);
    pen.fillRect(start * step, (piece.high - pitch + 0.5) * row, Math.max(1, duration * step - 0.5), Math.max(1.5, row));
  }
}
