/** Records what is played: a bar of clicks, then notes by the clock until it is stopped or the seed is as long as it may be. */

import {Metronome} from "./metronome.js";
import {quantised} from "./seed-text.js";

const EARLY = 0.15;    // seconds before the first beat from which a key counts as struck on it

export class Recorder {
  /**
   * @param {{player: import("./player.js").Player, frame: () => import("./keyboard.js").Frame, tell: (words: string) => void,
   *   attended: () => boolean, done: (text: string) => void}} page  done gets what was played, as seed text
   */
  constructor(page) {
    this.page = page;
    this.pulse = {bar: 16, beat: 4, most: 0, tempo: 80, perStep: 0};  // three in steps, quarter notes a minute, seconds
    this.zero = 0;  // ms: the first beat, as events tell time
    this.running = false;
  }

  async start() {
    const {player, frame, tell} = this.page, {bar, beat, longest} = frame();
    this.running = true;
    player.pause();
    player.unlock();
    tell("Listen for the clicks …");
    if (player.context.state !== "running") await player.context.resume();
    if (!this.running) return;
    const {tempo} = player, perStep = 15 / tempo;
    this.pulse = {bar, beat, most: (longest - 1) * bar, tempo, perStep};  // a bar is left to compose
    const {context} = player, first = context.currentTime + 0.15, late = context.outputLatency || context.baseLatency || 0;
    this.zero = performance.now() + (first - context.currentTime + late + bar * perStep) * 1000;
    /** @type {{pitch: number, from: number, to: number}[]} */
    this.strokes = [];
    this.held = new Map();  // pitch -> when it was struck, seconds since the first beat
    this.metronome = new Metronome(context, player.output);
    this.metronome.start({first, beat: beat * perStep, perBar: bar / beat});
    this.timer = setInterval(() => this.#tick(), 50);
  }

  /** @param {number} pitch @param {number} time ms, as events tell it */
  down(pitch, time) {
    const at = this.#seconds(time);
    if (at >= -EARLY) this.held.set(pitch, at);
  }

  /** @param {number} pitch @param {number} time */
  up(pitch, time) {
    const from = this.held?.get(pitch);
    if (from === undefined) return;
    this.held.delete(pitch);
    this.strokes.push({pitch, from, to: this.#seconds(time)});
  }

  stop() {
    if (!this.running) return;
    this.running = false;
    clearInterval(this.timer);
    this.metronome?.stop();
    if (!this.held) return;
    for (const pitch of [...this.held.keys()]) this.up(pitch, performance.now());
    const text = quantised(this.strokes, this.pulse.tempo, this.pulse.most);
    this.held = null;
    this.page.tell(text ? `${this.strokes.length} notes recorded.` : "Nothing was played.");
    this.page.done(text);
  }

  #seconds(time) { return (time - this.zero) / 1000; }

  #tick() {
    const {bar, beat, most, perStep} = this.pulse, step = this.#seconds(performance.now()) / perStep;
    if (step >= most || !this.page.attended()) this.stop();
    else if (step < 0) this.page.tell(`Count-in: ${Math.floor((step + bar) / beat) + 1}`);
    else this.page.tell(`Recording: bar ${Math.floor(step / bar) + 1}, beat ${Math.floor(step % bar / beat) + 1}`);
  }
}
