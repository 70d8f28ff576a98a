/** A metronome by the audio clock: a higher click on the first beat of each bar. */

const AHEAD = 0.4;    // seconds handed over ahead
const TICK = 100;     // ms between two looks at what comes next
const CLICK = 0.05;   // seconds a click sounds
const HIGH = 1760, LOW = 1175;  // Hz

export class Metronome {
  /** @param {AudioContext} context @param {AudioNode} output */
  constructor(context, output) {
    this.context = context;
    this.output = new GainNode(context, {gain: 0.5});
    this.output.connect(output);
  }

  /** @param {{first: number, beat: number, perBar: number}} pulse first and beat in seconds, first on the audio clock */
  start({first, beat, perBar}) {
    let count = 0;
    const tick = () => {
      for (; first + count * beat < this.context.currentTime + AHEAD; count++) this.#click(first + count * beat, count % perBar === 0);
    };
    this.timer = setInterval(tick, TICK);
    tick();
  }

  stop() {
    clearInterval(this.timer);
    this.output.disconnect();
  }

  #click(time, strong) {
    const level = new GainNode(this.context, {gain: 0});
    level.gain.setValueAtTime(strong ? 1 : 0.6, time);
    level.gain.exponentialRampToValueAtTime(0.001, time + CLICK);
    const tone = new OscillatorNode(this.context, {frequency: strong ? HIGH : LOW});
    tone.connect(level).connect(this.output);
    tone.start(time);
    tone.stop(time + CLICK);
  }
}
