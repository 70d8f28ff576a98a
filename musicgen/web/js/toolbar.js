/** Undo, redo, the link, and a new beginning. */

import {element} from "./dom.js";
import {isField} from "./shortcuts.js";

const TOLD = 2500;  // ms for which a button says what it did

export class Toolbar {
  /** @param {HTMLElement} root @param {{undo: () => void, redo: () => void, anew: () => void}} acts */
  constructor(root, {undo, redo, anew}) {
    const find = name => /** @type {HTMLButtonElement} */ (root.querySelector(`[data-testid=${name}]`));
    this.undo = find("undo");
    this.redo = find("redo");
    this.link = find("copy-link");
    this.undo.addEventListener("click", undo);
    this.redo.addEventListener("click", redo);
    this.link.addEventListener("click", () => this.#copy());
    find("start-anew").addEventListener("click", anew);
    document.addEventListener("keydown", event => {
      if (isField(event.target) || !(event.ctrlKey || event.metaKey) || event.altKey) return;
      const key = event.key.toLowerCase();
      if (key === "z") event.shiftKey ? redo() : undo();
      else if (key === "y") redo();
      else return;
      event.preventDefault();
    });
  }

  /** @param {{canUndo: boolean, canRedo: boolean}} work */
  tell({canUndo, canRedo}) {
    this.undo.disabled = !canUndo;
    this.redo.disabled = !canRedo;
  }

  /** The address of the piece on the stage; none, if there is no piece. @param {string | null} address */
  address(address) {
    if (address) this.link.dataset.link = address;
    else delete this.link.dataset.link;
    this.link.disabled = !address;
  }

  async #copy() {
    const {link} = this.link.dataset;
    try {
      await navigator.clipboard.writeText(link);
      this.#say("Link copied");
    } catch {  // not allowed, or no such thing here: let it be copied by hand
      this.#offer(link);
    }
  }

  #offer(link) {
    this.field?.remove();
    const label = element("label", "link-field"), field = element("input");
    label.append(element("span", "", "Copy the link from here:"), field);
    Object.assign(field, {type: "text", readOnly: true, value: link});
    field.dataset.testid = "link-field";
    field.addEventListener("keydown", event => { if (event.key === "Escape") this.#close(); });
    field.addEventListener("focus", () => field.select());
    document.addEventListener("pointerdown", event => { if (!label.contains(/** @type {Node} */ (event.target))) label.remove(); });
    this.link.after(label);
    this.field = label;
    field.focus();
  }

  #close() {
    this.field.remove();
    this.link.focus();
  }

  #say(text) {
    const label = this.link.querySelector(".label");
    label.textContent = text;
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => { label.textContent = "Copy link"; }, TOLD);
  }
}
