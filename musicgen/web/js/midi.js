/** Keyboards that are connected to the computer, by Web MIDI: asked for on a click, heard until they are let go. */

const NONE = "This browser does not support MIDI keyboards; Chrome, Edge, Opera and Firefox do.";
const INSECURE = "Browsers let pages use MIDI keyboards only by https: open this page by an address that begins with https.";
const FRAMED = "The page around this one does not let it use MIDI keyboards: open it in a tab of its own.";
const REFUSED = "The browser was not allowed to use MIDI keyboards: allow it beside the address bar, then press again.";
const BROKEN = "The MIDI system of this computer did not answer: connect the keyboard again, or restart the browser.";
const WAITING = "No MIDI keyboard is connected yet; connect one, and it plays at once.";

/** Why MIDI keyboards cannot be used. @param {Error | null} error of the browser; null if it offers none @param {any} page its window */
export function whyNot(error, page) {
  const policy = page.document.permissionsPolicy ?? page.document.featurePolicy;  // Chromium's; others do not tell
  if (page.self !== page.top && (policy ? !policy.allowsFeature("midi") : error?.name === "SecurityError")) return FRAMED;
  if (!error) return page.isSecureContext ? NONE : INSECURE;
  return ["SecurityError", "NotAllowedError"].includes(error.name) ? REFUSED : BROKEN;
}

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
    else if (!navigator.requestMIDIAccess) this.page.tell(whyNot(null, window));
    else {
      try {
        this.access = await navigator.requestMIDIAccess();
      } catch (error) {
        this.page.tell(whyNot(/** @type {Error} */ (error), window));
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
