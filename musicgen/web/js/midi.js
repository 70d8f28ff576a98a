/** Keyboards that are connected to the computer, by Web MIDI: asked for on a click, heard until they are let go. */

const NONE = "This browser does not support MIDI keyboards; Chrome, Edge, Opera and Firefox do, on https pages.";
const REFUSED = "The browser was not allowed to use MIDI keyboards: allow it in the address bar, then press again.";
const WAITING = "No MIDI keyboard is connected yet; connect one, and it plays at once.";

/**
 * What a message means to a keyboard, if anything.
 * @param {Iterable<number>} data
 * @returns {{kind: "down" | "up" | "silence", pitch: number} | null}
 */
export function strokeOf([status, pitch, value]) {
  const kind = status & 0xf0;
  if (kind === 0x90 && value > 0) return {kind: "down", pitch};
  if (kind === 0x80 || kind === 0x90) return {kind: "up", pitch};
  if (kind === 0xb0 && (pitch === 120 || pitch === 123)) return {kind: "silence", pitch: 0};
  return null;
}

export class MidiKeyboards {
  /**
   * @param {{down: (pitch: number, time: number) => void, up: (pitch: number, time: number) => void, silence: () => void,
   *   tell: (words: string) => void}} page  time in ms, as events tell it
   */
  constructor(page) {
    this.page = page;
    this.access = null;
  }

  get on() { return Boolean(this.access); }

  async toggle() {
    if (this.access) this.#leave();
    else if (!navigator.requestMIDIAccess) this.page.tell(NONE);
    else {
      try {
        this.access = await navigator.requestMIDIAccess();
      } catch {
        this.page.tell(REFUSED);
        return;
      }
      this.access.onstatechange = () => this.#listen();
      this.#listen();
    }
  }

  #listen() {
    const inputs = [...this.access.inputs.values()].filter(input => input.state !== "disconnected");
    for (const input of inputs) input.onmidimessage = event => this.#hear(event);
    this.page.silence();  // what hangs on a keyboard that was pulled out
    this.page.tell(inputs.length ? `Listening to ${inputs.map(input => input.name || "a MIDI keyboard").join(", ")}.` : WAITING);
  }

  #leave() {
    this.access.onstatechange = null;
    for (const input of this.access.inputs.values()) input.onmidimessage = null;
    this.access = null;
    this.page.silence();
    this.page.tell("Stopped listening to MIDI keyboards.");
  }

  #hear({data, timeStamp}) {
    const stroke = strokeOf(data);
    if (stroke) this.page[stroke.kind](stroke.pitch, timeStamp);
  }
}
