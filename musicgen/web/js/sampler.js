/* Instruments for the page: short samples repitched, a mixer that cannot clip. player.js decides what sounds when.

 manifest.json names the instruments; the sound file of each holds a note every few semitones one after another:
 {"instruments": {"organ": {"title", "file", "rate", "attack", "release", "gain",
                            "samples": [{"pitch", "start", "length", "loop": [from, to] or null}]}}}
 attack and release in seconds; start, length and loop in frames at `rate`; loop counted from the sample's start. */

const PAN = [-0.3, 0.22, -0.1, 0.3];
const LEVEL = 0.5;  // of one voice; four of them stay under the limiter's threshold

const hz = pitch => 440 * 2 ** ((pitch - 69) / 12);

/* ---- instruments ------------------------------------------------------------------------------------------- */

export class Bank {  // the samples of every instrument, fetched when first needed
  constructor(source, after = Promise.resolve()) {
    this.folder = typeof source === "string" ? source.replace(/\/?$/, "/") : "";
    this.manifest = typeof source === "string"
      ? after.then(() => fetch(this.folder + "manifest.json")).then(answer => answer.json()) : Promise.resolve(source);
    this.loading = new Map();  // key -> promise
    this.ready = new Map();    // key -> {attack, release, gain, samples}
  }

  load(key) {
    if (!this.loading.has(key)) this.loading.set(key, this.#fetch(key).catch(error => {
      console.warn(`instrument ${key}: ${error.message}; a plain tone plays instead`);
      this.ready.set(key, {attack: 0.03, release: 0.25, gain: 0.5, samples: []});
    }));
    return this.loading.get(key);
  }

  async #fetch(key) {
    const about = (await this.manifest).instruments[key];
    if (!about) throw new Error("there is none of that name");
    const url = about.file.startsWith("data:") ? about.file : this.folder + about.file;
    const answer = await fetch(url);
    if (!answer.ok) throw new Error(`${url} answers ${answer.status}`);
    const whole = await decode(await answer.arrayBuffer());
    const samples = about.samples.map(sample => cut(whole, about.rate, sample));
    this.ready.set(key, {...about, samples});
  }
}

async function decode(bytes) {  // at twice the rate of the files, since repitching interpolates and would dull them
  return new OfflineAudioContext(1, 1, 48000).decodeAudioData(bytes);
}

function cut(whole, rate, sample) {  // one note out of the file that holds all of an instrument's
  const scale = whole.sampleRate / rate;
  const first = Math.round(sample.start * scale), length = Math.round(sample.length * scale);
  const buffer = new AudioBuffer({length, sampleRate: whole.sampleRate});
  buffer.copyToChannel(whole.getChannelData(0).subarray(first, first + length), 0);
  return {pitch: sample.pitch, buffer, loop: sample.loop && sample.loop.map(frame => frame / rate)};
}

function nearest(samples, pitch) {
  return samples.reduce((best, s) => Math.abs(s.pitch - pitch) < Math.abs(best.pitch - pitch) ? s : best);
}

/* ---- one sounding note --------------------------------------------------------------------------------------- */

export class Sound {
  constructor(context, instrument, pitch, start, output) {
    this.pitch = pitch;
    this.start = start;    // seconds on the context's clock
    this.end = null;       // when the release begins, once that is handed over
    this.over = false;
    this.release = instrument.release;
    this.ramped = start + instrument.attack;
    this.envelope = new GainNode(context, {gain: 0});
    this.envelope.gain.setValueAtTime(0, start);
    this.envelope.gain.linearRampToValueAtTime(instrument.gain, this.ramped);
    this.envelope.connect(output);
    this.source = instrument.samples.length ? this.#sample(context, instrument, pitch) : this.#tone(context, pitch);
    this.source.onended = () => { this.over = true; this.envelope.disconnect(); };
    this.source.connect(this.envelope);
    this.source.start(start);
  }

  #sample(context, instrument, pitch) {
    const {pitch: root, buffer, loop} = nearest(instrument.samples, pitch);
    const source = new AudioBufferSourceNode(context, {buffer, playbackRate: hz(pitch) / hz(root)});
    if (loop) [source.loop, source.loopStart, source.loopEnd] = [true, ...loop];
    return source;
  }

  #tone(context, pitch) {
    return new OscillatorNode(context, {type: "triangle", frequency: hz(pitch)});
  }

  endAt(time, release = this.release) {
    if (this.end !== null) this.envelope.gain.cancelScheduledValues(this.end);
    this.end = Math.max(time, this.ramped + 0.001);
    this.envelope.gain.setTargetAtTime(0, this.end, release / 5);
    this.source.stop(this.end + release * 1.4);
  }

  unend() {  // the release that was handed over is not due yet after all
    this.envelope.gain.cancelScheduledValues(this.end);
    this.source.stop(this.end + 3600);
    this.end = null;
  }

  drop(now) {  // gone without a click, or never heard at all
    if (this.start > now) {
      this.source.stop();
      this.envelope.disconnect();
      this.over = true;
      return;
    }
    if (this.end !== null && this.end > now) this.envelope.gain.cancelScheduledValues(this.end);
    this.end = Math.max(now, this.ramped + 0.001);
    this.envelope.gain.setTargetAtTime(0, this.end, 0.016);
    this.source.stop(this.end + 0.12);
  }
}

/* ---- the way to the ear ---------------------------------------------------------------------------------------- */

function room(context, seconds = 1.8) {  // a quiet hall: two channels of decaying noise, the same at every visit
  const length = Math.round(seconds * context.sampleRate);
  const impulse = new AudioBuffer({length, numberOfChannels: 2, sampleRate: context.sampleRate});
  for (let channel = 0, random = 1; channel < 2; channel++) {
    const data = impulse.getChannelData(channel);
    for (let i = 0, low = 0; i < length; i++) {
      random = (random * 48271) % 2147483647;
      low += 0.35 * (random / 1073741823.5 - 1 - low);  // darker than white noise, as walls are
      data[i] = low * Math.exp(-6.9 * i / length) * Math.min(1, i / (0.012 * context.sampleRate));
    }
  }
  return impulse;
}

function ceiling(points = 2049) {  // straight up to 0.7, then bending, never above 0.97
  return Float32Array.from({length: points}, (_, i) => {
    const x = 4 * (2 * i / (points - 1) - 1), size = Math.abs(x);
    return Math.sign(x) * (size < 0.7 ? size : 0.7 + 0.27 * Math.tanh((size - 0.7) / 0.27));
  });
}

export function mixer(context) {  // voices -> panners -> dry and room -> limiter -> ceiling -> volume
  const mix = new GainNode(context, {gain: LEVEL});
  const limiter = new DynamicsCompressorNode(context, {
    threshold: -9, knee: 6, ratio: 12, attack: 0.004, release: 0.2,
  });
  const levels = [];  // of each voice: 0 mutes it
  const voices = PAN.map(pan => {
    const panner = new StereoPannerNode(context, {pan}), level = new GainNode(context);
    panner.connect(level).connect(mix);
    levels.push(level);
    return panner;
  });
  const volume = new GainNode(context);
  const hall = new ConvolverNode(context, {buffer: room(context)});
  mix.connect(limiter);
  mix.connect(hall).connect(new GainNode(context, {gain: 0.3})).connect(limiter);
  limiter.connect(new GainNode(context, {gain: 0.25})).connect(new WaveShaperNode(context, {curve: ceiling()}))
    .connect(volume).connect(context.destination);
  return {voices, levels, volume};
}
