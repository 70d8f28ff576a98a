/* Plays a score in the page from short samples, note by note, while later notes still arrive.

 const player = new Player({samples: "static/samples/"});   // manifest.json's folder, or the manifest itself
 player.onstate = state => ...;       // "idle" "waiting" "playing" "paused" "ended"
 player.unlock();                     // inside the click: phones allow sound only from there (play() does it too)
 player.start(80, ["organ", "organ", "choir", "organ"]);   // a new piece: quarter notes a minute, a key a voice
 player.play();                       // waits until the first beat is there
 player.add([[0, 72, 0, 4], ...], {replaceFrom: 0, until: 4});   // voice, MIDI pitch, start, duration, both in steps
 player.swap([[0, 71, 0, 4], ...], {until: 4, total: null, from: 0});   // another piece at the same place, without a gap
 player.finish(128);                  // nothing more comes; the piece is this many steps long in total
 player.pause(); player.seek(16); player.tempo = 96; player.volume = 0.7; player.instruments = ["fiddle", "flute", "organ", "organ"];
 player.position                      // steps, as heard now        player.state, player.playing
 const tap = player.press(60, 1); player.lift(tap);   // a key of the on-screen keyboard, with the sound of voice 1

 add(): a note replaces the one that began at the same step in the same voice, also while it sounds (it may grow
 longer); `replaceFrom` first removes every note that begins at that step or later; `until` is the step up to which
 the music is now known (otherwise the end of the last note). When the playhead reaches it, the player waits. `from` is
 the step where the piece begins.
 A step is a sixteenth. AudioContext.currentTime is the one clock: a timer hands over what sounds within the next
 quarter of a second, and the playhead is computed from the same clock, less the time the sound takes to the ear. */

import {Bank, Sound, mixer} from "./sampler.js";
import {stepAt, timeAt} from "./time.js";

const AHEAD = 0.25;        // seconds handed over ahead, while the page is in view
const AHEAD_HIDDEN = 2.5;  // browsers slow the timers of a hidden page down to one a second
const TICK = 40;           // ms between two looks at what comes next
const LATE = 0.08;         // seconds; a note later than this is left out
const LEAD = 0.03;         // seconds from when there is enough to the first note
const CUSHION = 4;         // steps that must be there to begin; twice as many after each time the music ran out
const LATE_LOOP = 8;       // steps past its end from which a loop is still returned to; who jumps further plays on
const FINAL_RELEASE = 3;   // the last chord fades this much slower

/** @typedef {{lift: () => void}} Tap  a key that is held */

export class Player {
  #bank; #context = null; #mixer = null; #timer = null;
  #notes = new Map();    // "voice:start" -> {voice, pitch, start, duration, end}
  #sounds = new Map();   // the same keys -> Sound, since the last jump
  #fading = new Set();   // sounds that no note stands for any more
  #anchor = {time: 0, step: 0};
  #tempo = 80; #volume = 0.8; #instruments = ["organ", "organ", "organ", "organ"];
  #first = 0; #known = 0; #total = null; #cushion = CUSHION; #state = "idle"; #loop = null; #audible = [true, true, true, true];

  /** @param {{samples: string | object, after?: Promise<void>}} where the folder of manifest.json, or the manifest itself; sounds are loaded after that */
  constructor({samples, after = Promise.resolve()}) {
    this.#bank = new Bank(samples, after);
    /** @type {((state: string) => void) | null} */
    this.onstate = null;
    document.addEventListener("visibilitychange", () => {
      if (this.playing) this.unlock();  // a phone stops the clock of a page out of view
      this.#tick();
    });
  }

  /* settings */

  get state() { return this.#state; }
  get playing() { return this.#state === "playing" || this.#state === "waiting"; }
  get context() { return this.#context; }       // for tests and meters
  get output() { return this.#mixer?.volume; }  // the last node before the loudspeaker
  get tempo() { return this.#tempo; }
  get volume() { return this.#volume; }
  get instruments() { return this.#instruments.slice(); }

  set tempo(quarters) {
    if (!(quarters > 0) || quarters === this.#tempo) return;
    const now = this.#now(), step = this.#stepAt(now);
    this.#tempo = quarters;
    if (this.#state !== "playing") return;
    this.#anchor = {time: now, step};
    for (const [key, sound] of this.#sounds) {  // what was handed over at the old pace
      if (sound.start > now) { sound.drop(now); this.#sounds.delete(key); }
      else if (sound.end > now) sound.unend();
    }
    this.#tick();
  }

  get loop() { return this.#loop; }
  set loop(region) {  // {from, to} in steps is played over and over; null plays on
    this.#loop = region && region.to > region.from ? {from: Math.max(this.#first, region.from), to: region.to} : null;
    this.#tick();
  }

  get audible() { return this.#audible.slice(); }  // which voices are heard
  set audible(voices) {
    this.#audible = voices.map(Boolean);
    this.#mixer?.levels.forEach((level, voice) => level.gain.setTargetAtTime(Number(this.#audible[voice]), this.#now(), 0.015));
  }

  set volume(level) {
    this.#volume = Math.min(1, Math.max(0, level));
    this.#mixer?.volume.gain.setTargetAtTime(this.#volume ** 2, this.#now(), 0.02);
  }

  set instruments(keys) {
    this.#instruments = [0, 1, 2, 3].map(voice => keys[voice] ?? keys[keys.length - 1]);
    this.#instruments.forEach(key => this.#bank.load(key));
  }

  /* the piece */

  start(tempo, instruments = this.#instruments) {
    this.#silence();
    this.#notes.clear();
    [this.#first, this.#known, this.#total, this.#cushion, this.#anchor] = [0, 0, null, CUSHION, {time: 0, step: 0}];
    this.#tempo = tempo;
    this.instruments = instruments;
    this.#become("idle");
  }

  add(notes, {replaceFrom = Infinity, until = null} = {}) {
    for (const [key, note] of this.#notes) if (note.start >= replaceFrom) this.#notes.delete(key);
    this.#write(notes);
    const last = until ?? Math.max(0, ...notes.map(([, , start, duration]) => start + duration));
    this.#known = Math.max(this.#known, last);
    this.#tick();
  }

  swap(notes, {until, total, from = 0}) {
    const now = this.#now(), step = this.#stepAt(now);
    this.#notes.clear();
    [this.#first, this.#known, this.#total, this.#cushion] = [from, until, total, CUSHION];
    this.#write(notes);
    if (this.#state !== "playing") this.#anchor.step = Math.max(from, Math.min(this.#anchor.step, total ?? Infinity));
    else if (step < this.#limit) {
      this.#end(now, now + AHEAD);
      this.#enter(step, now);
    } else if (total === null) this.#halt("waiting", step);  // it is not composed up to here yet
    this.#tick();
  }

  finish(totalSteps) {
    this.#total = totalSteps;
    this.#tick();
  }

  #write(notes) {
    for (const [voice, pitch, start, duration] of notes) {
      this.#notes.set(`${voice}:${start}`, {voice, pitch, start, duration, end: start + duration});
    }
    this.#trim();
  }

  #trim() {  // a voice sings one note at a time: the next one ends the last
    const last = [];
    this.#notes = new Map([...this.#notes].sort((a, b) => a[1].start - b[1].start));
    for (const note of this.#notes.values()) {
      note.end = note.start + note.duration;
      if (last[note.voice]) last[note.voice].end = Math.min(last[note.voice].end, note.start);
      last[note.voice] = note;
    }
  }

  /* the transport */

  unlock() {
    if (!this.#context) {
      if ("audioSession" in navigator) Object.assign(navigator.audioSession, {type: "playback"});  // heard with an iPhone's mute switch on
      this.#context = new AudioContext({latencyHint: "interactive"});
      this.#mixer = mixer(this.#context);
      this.#mixer.volume.gain.value = this.#volume ** 2;
      this.audible = this.#audible;
    }
    if (this.#context.state !== "running") this.#context.resume().catch(() => {});
  }

  play() {
    this.unlock();
    if (this.playing) return;
    if (this.#state === "ended") this.#anchor.step = this.#first;
    if (!this.#timer) this.#timer = setInterval(() => this.#tick(), TICK);
    this.#become("waiting");
    this.#tick();
  }

  async playWhenAllowed() {  // sounds at once where the browser lets a page that was not touched yet; else it stays quiet
    this.unlock();
    for (let waited = 0; this.#context.state !== "running" && waited < 400; waited += 50) await new Promise(done => setTimeout(done, 50));
    if (this.#context.state === "running" && !this.playing) this.play();
  }

  pause() { if (this.playing) this.#halt("paused"); }

  seek(step) {
    const target = Math.max(this.#first, Math.min(step, this.#limit));
    const going = this.playing;
    this.#halt(this.#state === "idle" ? "idle" : "paused", target);
    if (going) this.play();
  }

  get position() {
    if (this.#state !== "playing") return this.#anchor.step;
    const delay = Math.min(0.5, this.#context.outputLatency || this.#context.baseLatency || 0);
    return Math.min(this.#limit, Math.max(this.#anchor.step, this.#stepAt(this.#now() - delay)));
  }

  /* the keyboard */

  press(pitch, voice = 0) {
    this.unlock();
    const key = this.#instruments[voice];
    let lifted = false;
    const tap = {lift: () => { lifted = true; }};
    this.#bank.load(key).then(() => {
      if (lifted) return;
      const sound = this.#sound(key, pitch, this.#now(), voice);
      tap.lift = () => sound.endAt(this.#now());
    });
    return tap;
  }

  lift(tap) { tap.lift(); }

  /* inside */

  get #limit() { return this.#total ?? this.#known; }
  #now() { return this.#context ? this.#context.currentTime : 0; }
  #timeAt(step) { return timeAt(this.#anchor, this.#tempo, step); }
  #stepAt(time) { return this.#state === "playing" ? stepAt(this.#anchor, this.#tempo, time) : this.#anchor.step; }

  #sound(key, pitch, time, voice) {
    return new Sound(this.#context, this.#bank.ready.get(key), pitch, time, this.#mixer.voices[voice]);
  }

  #become(state) {
    if (state === this.#state) return;
    this.#state = state;
    this.onstate?.(state);
  }

  #silence() {
    const now = this.#now();
    for (const sound of [...this.#sounds.values(), ...this.#fading]) sound.drop(now);
    this.#sounds.clear();
    this.#fading.clear();
  }

  #halt(state, step = this.position) {
    this.#anchor = {time: 0, step};
    this.#silence();
    this.#become(state);
  }

  #tick() {
    if (this.#state === "waiting") this.#begin();
    if (this.#state !== "playing") return;
    const now = this.#now();
    const horizon = now + (document.hidden ? AHEAD_HIDDEN : AHEAD);
    this.#end(now, horizon);
    this.#strike(now, horizon);
    if (this.#loop && this.#stepAt(now) >= Math.min(this.#loop.to, this.#limit) && this.#stepAt(now) < this.#loop.to + LATE_LOOP) {
      this.#turn(now);
      return;
    }
    if (this.#stepAt(now) < this.#limit) return;
    if (this.#total !== null) this.#close();
    else {
      this.#cushion *= 2;
      this.#halt("waiting", this.#limit);
    }
  }

  #turn(now) {  // from the end of the loop to its beginning, without a gap
    for (const sound of this.#sounds.values()) { sound.endAt(now); this.#fading.add(sound); }
    this.#sounds.clear();
    this.#anchor = {time: now, step: this.#loop.from};
    this.#enter(this.#loop.from, now);
    this.#strike(now, now + AHEAD);
  }

  #begin() {  // enough is there, the samples too: put the playhead in motion
    const {step} = this.#anchor;
    const enough = this.#total !== null || this.#known - step >= this.#cushion;
    const loaded = this.#instruments.every(key => this.#bank.ready.has(key));
    if (!enough || !loaded || this.#context?.state !== "running") return;
    this.#anchor = {time: this.#now() + LEAD, step};
    this.#become("playing");
    this.#enter(step, this.#anchor.time);
  }

  #enter(step, time) {  // notes that began before this step are entered midway
    for (const [key, note] of this.#notes) {
      if (note.start >= step || note.end <= step || this.#sounds.has(key)) continue;
      this.#sounds.set(key, this.#sound(this.#voiceOf(note), note.pitch, time, note.voice));
    }
  }

  #strike(now, horizon) {  // hand over the notes that begin before the horizon
    for (const [key, note] of this.#notes) {
      const time = this.#timeAt(note.start);
      if (time >= horizon || (this.#loop && note.start >= this.#loop.to && this.#anchor.step < this.#loop.to)) break;
      if (time < now - LATE || note.start < this.#anchor.step || note.start >= this.#limit || this.#sounds.has(key)) continue;
      this.#sounds.set(key, this.#sound(this.#voiceOf(note), note.pitch, Math.max(time, now), note.voice));
    }
  }

  #voiceOf(note) {  // the instrument asked for, or, until it is loaded, one that is
    const key = this.#instruments[note.voice];
    return this.#bank.ready.has(key) ? key : this.#bank.ready.keys().next().value;
  }

  #end(now, horizon) {  // hand over releases; take back what was overwritten or has changed
    for (const [key, sound] of this.#sounds) {
      const note = this.#notes.get(key), over = sound.over || (sound.end !== null && sound.end <= now);
      if (!note || note.pitch !== sound.pitch || (over && this.#timeAt(note.end) > now + LATE)) {
        sound.drop(now);
        this.#sounds.delete(key);
        this.#fading.add(sound);
        continue;
      }
      if (over) continue;
      const last = this.#total !== null && note.end >= this.#total;
      const time = this.#timeAt(Math.min(note.end, this.#total ?? Infinity));
      if (time >= horizon) { if (sound.end !== null) sound.unend(); }
      else if (sound.end === null || Math.abs(sound.end - time) > 0.002) {
        sound.endAt(Math.max(time, now), last ? sound.release * FINAL_RELEASE : sound.release);
      }
    }
    for (const sound of this.#fading) if (sound.over) this.#fading.delete(sound);
  }

  #close() {  // the piece is over; what still rings may ring
    this.#anchor = {time: 0, step: this.#limit};
    for (const sound of this.#sounds.values()) this.#fading.add(sound);
    this.#sounds.clear();
    this.#become("ended");
  }
}
