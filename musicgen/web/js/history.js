/** Undo and redo: a line of states, of which one is current. Changes of one thing in quick succession are one step. */

const LONGEST = 100;   // states
const PAUSE = 1000;    // ms after which typing begins a new step

/** @template State */
export class History {
  /** @param {State} state */
  constructor(state) {
    this.states = [state];
    this.at = 0;
    this.last = {what: "", when: 0};
  }

  get current() { return this.states[this.at]; }
  get canUndo() { return this.at > 0; }
  get canRedo() { return this.at < this.states.length - 1; }

  /**
   * A new state, unless it is the same.
   * @param {State} state @param {string} [what] has changed @param {number} [now] ms
   */
  push(state, what = "", now = Date.now()) {
    if (same(state, this.current)) return false;
    const more = what && what === this.last.what && now - this.last.when < PAUSE && this.at > 0 && !this.canRedo;
    this.states.length = this.at + (more ? 0 : 1);
    this.states.push(state);
    if (this.states.length > LONGEST) this.states.shift();
    this.at = this.states.length - 1;
    this.last = {what, when: now};
    return true;
  }

  /** One step back. @returns {State | null} */
  undo() { return this.#move(-1); }

  /** @returns {State | null} */
  redo() { return this.#move(1); }

  #move(by) {
    if (!this.states[this.at + by]) return null;
    this.at += by;
    this.last = {what: "", when: 0};
    return this.current;
  }
}

export const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
