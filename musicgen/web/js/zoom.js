/** How large the roll is drawn: set by buttons, by + and -, by Ctrl and the wheel, by two fingers. This browser keeps it;
    it is no part of a piece, so that undo and links leave it alone. */

import {only} from "./dom.js";
import {keep, kept} from "./storage.js";

const LEVELS = [1, 1.5, 2, 3, 4];  // of the buttons and the keys; the wheel and fingers stop anywhere between
const LINE = 16;                   // px of a wheel that counts in lines
const NOTCH = 25;                  // px that count at most, so that a mouse's notch is a small step as well

/** As large as it may be. @param {unknown} zoom what was kept, or whatever came of a gesture */
export const limited = zoom => typeof zoom === "number" && zoom > 1 ? Math.min(zoom, LEVELS[LEVELS.length - 1]) : 1;

/** The next larger level, or the next smaller. @param {number} zoom @param {1 | -1} by */
export const next = (zoom, by) =>
  (by > 0 ? LEVELS.find(level => level > zoom + 0.01) : LEVELS.findLast(level => level < zoom - 0.01)) ?? limited(zoom);

/** How many times as large a turn of the wheel makes it. @param {{deltaY: number, deltaMode: number}} event */
export function turned({deltaY, deltaMode}) {
  const by = deltaMode ? deltaY * LINE : deltaY;
  return Math.exp(-Math.sign(by) * Math.min(Math.abs(by), NOTCH) / 100);
}

export class Zoom {
  /** @param {HTMLElement} stage @param {import("./roll.js").Roll} roll */
  constructor(stage, roll) {
    this.roll = roll;
    /** @type {import("./roll.js").Held | null} */
    this.held = null;  // what the pointer rests on, while the wheel turns
    /** @type {{zoom: number, held: import("./roll.js").Held | null}} */
    this.fingers = {zoom: 1, held: null};  // the zoom when they came, and what was between them
    this.larger = only(stage, ".zoom-in");
    this.smaller = only(stage, ".zoom-out");
    this.larger.addEventListener("click", () => this.#set(next(roll.zoom, 1)));
    this.smaller.addEventListener("click", () => this.#set(next(roll.zoom, -1)));
    roll.element.addEventListener("keydown", event => this.#key(event));
    roll.element.addEventListener("wheel", event => this.#wheel(event), {passive: false});
    for (const name of ["pointermove", "pointerleave"]) roll.element.addEventListener(name, () => { this.held = null; });
    this.#set(limited(kept("zoom")));
  }

  /** Two fingers have come. @param {{x: number, y: number}} at px of the window */
  begin(at) {
    this.fingers = {zoom: this.roll.zoom, held: this.roll.hold(this.#inside(at))};
  }

  /** They are so many times as far apart, and have moved. @param {number} times @param {{x: number, y: number}} at px of the window */
  pinch(times, at) {
    const {zoom, held} = this.fingers;
    if (held) this.#set(limited(zoom * times), {...held, y: this.#inside(at).y});
  }

  #inside({x, y}) {
    const box = this.roll.element.getBoundingClientRect();
    return {x: x - box.left, y: y - box.top};
  }

  #key(event) {
    const by = /** @type {1 | -1 | undefined} */ ({"+": 1, "=": 1, "-": -1, "−": -1}[event.key]);
    if (!by || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.#set(next(this.roll.zoom, by));
  }

  #wheel(event) {
    if (!event.ctrlKey) { this.held = null; return; }  // it scrolls
    event.preventDefault();
    this.held ??= this.roll.hold(this.#inside({x: event.clientX, y: event.clientY}));
    this.#set(limited(this.roll.zoom * turned(event)), this.held);
  }

  /** @param {number} zoom @param {import("./roll.js").Held | null} [held] */
  #set(zoom, held) {
    this.roll.zoomTo(zoom, held);
    keep("zoom", zoom);
    this.roll.element.dataset.zoom = String(Math.round(zoom * 100) / 100);
    this.larger.setAttribute("aria-disabled", String(next(zoom, 1) === zoom));
    this.smaller.setAttribute("aria-disabled", String(next(zoom, -1) === zoom));
  }
}
