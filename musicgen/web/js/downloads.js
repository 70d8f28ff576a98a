/** What one takes home: the piece as it is sent to be written, and beside the buttons what is being made and for how long. */

import {recipeOf} from "./address.js";
import {element} from "./dom.js";

const SHOWN = 600;   // ms after which it is told that a file is being made
const TOLD = 6000;   // ms for which it is told how that ended

/** A take as the server reads it. @param {import("./takes.js").Take | null} take */
async function sent(take) {
  if (!take) return {};
  const {piece, notes, mixer, model, randomSeed} = take, {style, meter, steps, fixed, upbeat, title, author} = piece;
  const inside = fixed.map(([voice, start, end]) => [voice, Math.min(start, steps), Math.min(end, steps)]);
  return {
    piece: {style, meter, steps, upbeat, title, author, notes, fixed: inside, tempo: mixer.tempo},
    model, random_seed: randomSeed, instruments: mixer.instruments,
    recipe: await recipeOf(take),
  };
}

export class Downloads {
  /** @param {HTMLElement} root which holds the buttons, `save-<format>` */
  constructor(root) {
    this.root = root;
    /** @type {Map<string, number>} */
    this.making = new Map();  // since when, by format
    this.line = element("p", "making");
    this.said = element("span");
    this.said.setAttribute("role", "status");
    this.said.dataset.testid = "making";
    this.bar = element("progress");
    this.seconds = element("span", "seconds");
    for (const part of [this.bar, this.seconds]) part.setAttribute("aria-hidden", "true");
    this.line.append(this.bar, this.said, this.seconds);
    root.append(this.line);
    root.addEventListener("click", event => {  // what is being made is not asked for again
      const button = /** @type {Element} */ (event.target).closest("[aria-disabled=true]");
      if (!button) return;
      event.preventDefault();
      event.stopImmediatePropagation();
    }, true);
    this.#tell();
  }

  /** A file is asked for. @param {string} format @param {import("./takes.js").Take | null} take @returns {Promise<object>} what the server needs */
  async begin(format, take) {
    const since = performance.now();
    this.making.set(format, since);
    this.#mark(format, true);
    setTimeout(() => { if (this.making.get(format) === since) this.#tell(); }, SHOWN);
    return sent(take);
  }

  /** It has come, or it will not. @param {string} format @param {string} [why] it does not */
  end(format, why = "") {
    if (!this.making.delete(format)) return;
    this.#mark(format, false);
    this.#tell(why || `${this.#title(format)} is ready.`);
  }

  /** The connection is gone, and with it all that is being made. */
  lost() {
    for (const format of [...this.making.keys()]) this.end(format, `${this.#title(format)} was not made: there is no connection to the server. Press it again later.`);
  }

  #button(format) { return this.root.querySelector(`#save-${format}`); }
  #title(format) { return this.#button(format).textContent.trim(); }

  #mark(format, busy) {
    for (const name of ["aria-busy", "aria-disabled"]) this.#button(format).setAttribute(name, String(busy));
  }

  #tell(ended = "") {
    clearInterval(this.ticking);
    clearTimeout(this.ending);
    const making = [...this.making.keys()].map(format => this.#title(format));
    this.said.textContent = making.length ? `Making ${making.join(" and ")}` : ended;
    this.bar.hidden = this.seconds.hidden = !making.length;
    this.line.classList.toggle("empty", !this.said.textContent);
    if (making.length) {
      this.#count();
      this.ticking = setInterval(() => this.#count(), 1000);
    } else if (ended) this.ending = setTimeout(() => this.#tell(), TOLD);
  }

  #count() {
    const since = Math.min(...this.making.values());
    this.seconds.textContent = `${Math.round((performance.now() - since) / 1000)} s`;
  }
}
