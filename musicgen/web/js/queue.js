/** Those who wait: one's place in the queue, leaving it, coming again where it is full, and what a lost connection cut. */

import {keep, kept} from "./storage.js";

const CUT = "cut";
const ORDINALS = ["", "next", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth"];

/**
 * "You are third; about 4 seconds." Nothing if nobody waits.
 * @param {string} text such as "queue: 3/4 | 1.2/5.0s"
 */
export function placeInWords(text) {
  const found = /queue: (\d+)\/\d+ \|\s*(?:([\d.]+)\/([\d.]+)s)?/.exec(text);
  if (!found) return "";
  const place = Number(found[1]), left = Math.ceil(Number(found[3]) - Number(found[2]));
  const about = left > 0 ? `; about ${left} second${left === 1 ? "" : "s"}` : "";
  return `Others are composing. You are ${ORDINALS[place] ?? `number ${place}`}${about}.`;
}

/** Tells of every change of place. @param {HTMLElement} element @param {(words: string) => void} tell */
export function watchPlace(element, tell) {
  let last = "";
  new MutationObserver(() => {
    const words = placeInWords(element.textContent);
    if (words && words !== last) tell(words);
    last = words;
  }).observe(element, {childList: true, subtree: true, characterData: true});
}

const AGAIN = [4, 8];  // seconds until a full queue is asked again, by chance, so that not all ask at once
const BUTTONS = {compose: "Generate", compare: "Compare all", trio: "Three takes"};  // that begin a run, a view

/** How many wait on the server; NaN if it does not answer. */
async function queued() {
  try {
    const answer = await fetch(new URL("gradio_api/queue/status", document.baseURI));
    return Number((await answer.json()).queue_size);
  } catch {
    return NaN;
  }
}

/** The runs of the page's views until they begin. @typedef {"compose" | "compare" | "trio"} View */
export class Line {
  /**
   * @param {import("./views.js").Views} views
   * @param {{again: (view: View) => void, quit: (view: View) => void}} server  asks for the same again; leaves its queue
   */
  constructor(views, {again, quit}, {size = queued, wait = (act, ms) => { setTimeout(act, ms); }} = {}) {
    this.views = views;
    this.again = again;
    this.quit = quit;
    this.size = size;
    this.wait = wait;
    /** @type {Map<View, number>} */
    this.waiting = new Map();  // each with a number of its own, so that what was left is not gone on with
    this.asked = 0;
    this.refusals = 0;  // without any word from the server between them
    /** @type {View | null} */
    this.cut = null;  // whose run was cut off when the page went
  }

  #tell(view, words) { this.views[view].status.textContent = words; }

  #fail(view, message) { this.views.receive(view, {kind: "failed", message}); }

  /** A view has asked for a run. @param {View} view */
  join(view) {
    this.waiting.set(view, ++this.asked);
    this.cut = null;
  }

  /** The server has told it something. @param {View} view */
  heard(view, {kind}) {
    if (kind !== "seed") {
      this.waiting.delete(view);
      this.refusals = 0;
    }
    if (kind === "seed" && this.cut) {
      const remedy = `Everything else is unchanged: press ${BUTTONS[this.cut]} to continue.`;
      this.#tell(this.cut === "trio" ? "compose" : this.cut, `The connection was lost before the music was done. ${remedy}`);
    }
  }

  /** Stop was pressed: if nothing has begun, it takes effect at once. @param {View} view */
  leave(view) {
    if (!this.waiting.delete(view)) return;
    this.quit(view);
    this.#fail(view, "Stopped before anything was composed.");
  }

  /** The connection is gone, and with it what is being composed. */
  lost() {
    for (const view of /** @type {View[]} */ (Object.keys(BUTTONS))) {
      if (this.views[view].state !== "generating") continue;
      this.waiting.delete(view);
      const message = `There is no connection to the server. Press ${BUTTONS[view]} when it is back.`;
      this.views.receive(view, {kind: "failed", message, cut: true});
    }
  }

  /** The server has refused a run, or broken it off. @param {View} view @param {number} most who may wait @param {string} why */
  async refused(view, most, why) {
    const mine = this.waiting.get(view), size = await this.size();
    if (mine !== this.waiting.get(view) || this.views[view].state !== "generating") return;  // one who left is refused, too
    const again = mine && (size >= most || ++this.refusals < 2);  // there may have been no room a moment ago
    if (again) this.#later(view, most, size, mine);
    else this.#fail(view, why);
  }

  #later(view, most, size, mine) {
    const seconds = Math.round(AGAIN[0] + Math.random() * (AGAIN[1] - AGAIN[0]));
    const why = size >= most ? `All ${most} places in the queue are taken.` : "The server was busy.";
    this.#tell(view, `${why} Trying again in ${seconds} seconds; press Stop to cancel.`);
    this.wait(async () => {
      const size = await this.size();
      if (mine !== this.waiting.get(view)) return;
      if (size < most) this.again(view);
      else this.#later(view, most, size, mine);
    }, 1000 * seconds);
  }

  /** The page goes. */
  part() {
    const cut = Object.keys(BUTTONS).find(view => this.views[view].state === "generating");
    keep(CUT, cut ?? null, "sessionStorage");
  }

  /** The page has come: a run that was cut off is told of with every seed until the next one. */
  resume() {
    this.cut = kept(CUT, "sessionStorage");
    keep(CUT, null, "sessionStorage");
  }
}
