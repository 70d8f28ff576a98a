/** Where things stand on a piano roll: long pieces are broken into several systems, as sheet music is. No document is
    needed here. */

export const GUTTER = 38;  // px for pitch names
export const GAP = 14;     // px between systems
export const EDGE = 10;    // px at the right
const TIGHT = 0.85;        // of a system's least height, where one more then fits in

/**
 * @typedef {{top: number, bottom: number, leastStep: number, leastSystem: number}} Look  px around the systems; a step
 *   is at least `leastStep` wide before a piece is broken into systems (0 never breaks it); a system's usual least height
 */

export class Geometry {
  /**
   * @param {{steps: number, bar: number, low: number, high: number}} piece
   * @param {Look} look
   * @param {{width: number, height: number}} room px
   * @param {number} [zoom] how many times as large as what fits; the piece breaks into more systems, each as wide as the room
   */
  constructor(piece, look, {width, height}, zoom = 1) {
    const {steps, bar} = piece, bars = steps / bar, inside = width - GUTTER - EDGE;
    const fitting = look.leastStep ? Math.max(1, Math.floor(inside / (bar * look.leastStep))) : bars;
    this.piece = piece;
    this.look = look;
    this.width = width;
    const fitted = Math.ceil(bars / fitting), fewer = Math.max(1, Math.floor(Math.ceil(bars / fitted) / zoom));
    this.systems = Math.ceil(bars / fewer);
    this.perSystem = Math.ceil(bars / this.systems) * bar;  // steps
    this.stepWidth = inside / this.perSystem;
    const room = height - look.top - look.bottom + GAP, inSight = Math.floor(room / (look.leastSystem * TIGHT + GAP));
    this.systemHeight = zoom * Math.max(1, room / Math.max(1, Math.min(fitted, inSight)) - GAP);  // whole ones are in sight, unless enlarged
    this.height = look.top + look.bottom + this.systems * (this.systemHeight + GAP) - GAP;
    this.rowHeight = this.systemHeight / (piece.high - piece.low + 3);
  }

  /** The system a step stands in, its x there. @param {number} step */
  spot(step) {
    const system = Math.min(this.systems - 1, Math.floor(step / this.perSystem));
    return {system, x: GUTTER + (step - system * this.perSystem) * this.stepWidth};
  }

  /** @param {number} system */
  top(system) { return this.look.top + system * (this.systemHeight + GAP); }

  /** The middle of a pitch's row. @param {number} pitch @param {number} system */
  row(pitch, system) { return this.top(system) + (this.piece.high + 1.5 - pitch) * this.rowHeight; }

  /** @param {number} y */
  systemAt(y) {
    const system = Math.floor((y - this.look.top + GAP / 2) / (this.systemHeight + GAP));
    return Math.max(0, Math.min(this.systems - 1, system));
  }

  /** @param {number} x @param {number} y */
  stepAt(x, y) {
    const inside = Math.max(0, Math.min(this.perSystem, (x - GUTTER) / this.stepWidth));
    return Math.min(this.piece.steps, this.systemAt(y) * this.perSystem + inside);
  }

  /** @param {number} y */
  pitchAt(y) { return Math.round(this.#rowAt(y)); }

  #rowAt(y) { return this.piece.high + 1.5 - (y - this.top(this.systemAt(y))) / this.rowHeight; }

  /**
   * What stands at a point, to find it again where the same piece is drawn otherwise.
   * @param {number} x @param {number} y @returns {{step: number, pitch: number}} neither is whole
   */
  musicAt(x, y) {
    const end = (this.systemAt(y) + 1) * this.perSystem;  // of the system pointed at; the step there stands in the next
    return {step: Math.min(this.stepAt(x, y), end - 0.001), pitch: this.#rowAt(y)};
  }

  /** The height at which a pitch stands in a step's system. @param {{step: number, pitch: number}} music */
  heightOf({step, pitch}) { return this.row(pitch, this.spot(step).system); }

  /**
   * How far to scroll so that as much as possible of a system is in sight, moving no further than that needs.
   * @param {number} system @param {number} scrolled px @param {number} height px of the room
   */
  within(system, scrolled, height) {
    const top = this.top(system) - this.look.top, foot = this.top(system) + this.systemHeight + this.look.bottom - height;
    return Math.max(Math.min(top, foot), Math.min(Math.max(top, foot), scrolled));
  }

  /**
   * How far to scroll for a system to come into sight, if it is not. Of one that is higher than the room the pitches come
   * that are in sight of another.
   * @param {number} system @param {number} scrolled px @param {number} height px of the room
   */
  scrollTo(system, scrolled, height) {
    const top = system ? this.top(system) - GAP : 0, least = this.systemHeight + 2 * GAP;
    if (least > height) return scrolled + this.top(system) - this.top(this.systemAt(scrolled + height / 2));
    return top < scrolled || top + least > scrolled + height ? top : scrolled;
  }

  /**
   * The note under a point, or the nearest that a hand can have meant, if any.
   * @template {{start: number, duration: number, pitch: number}} N
   * @param {Iterable<N>} notes @param {number} x @param {number} y
   * @returns {N | null}
   */
  noteAt(notes, x, y) {
    const step = this.stepAt(x, y), {system} = this.spot(step), reach = Math.max(5, this.rowHeight * 0.7);
    let nearest = null, least = reach;
    for (const note of notes) {
      const far = Math.abs(y - this.row(note.pitch, system));
      if (step >= note.start && step < note.start + note.duration && far <= least) [nearest, least] = [note, far];
    }
    return nearest;
  }

  /** Where a note is drawn, a box a system. @param {{start: number, duration: number, pitch: number}} note */
  *boxes({start, duration, pitch}) {
    const height = Math.max(3.5, this.rowHeight * 0.92);
    for (const {system, x, width} of this.spans(start, Math.min(start + duration, this.piece.steps))) {
      yield {x: x + 0.75, y: this.row(pitch, system) - height / 2, width: width - 1.5, height};
    }
  }

  /**
   * The notes of which some is drawn in a box.
   * @template {{start: number, duration: number, pitch: number}} N
   * @param {N[]} notes @param {{x: number, y: number, width: number, height: number}} box px
   */
  notesIn(notes, {x, y, width, height}) {
    return notes.filter(note => [...this.boxes(note)].some(one =>
      one.x < x + width && one.x + one.width > x && one.y < y + height && one.y + one.height > y));
  }

  /** From step to step, a box a system: what crosses the end of a system goes on in the next. @param {number} start @param {number} end */
  *spans(start, end) {
    for (let step = start; step < end;) {
      const {system, x} = this.spot(step), stop = Math.min(end, (system + 1) * this.perSystem);
      yield {system, x, width: (stop - step) * this.stepWidth};
      step = stop;
    }
  }
}
