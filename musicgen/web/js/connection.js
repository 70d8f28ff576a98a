/** What stands between Gradio's scripts and the network; it comes into the page before they do (musicgen/web/parts.py).

    Where the connection is lost, Gradio would show a message of its own over the header, take no event any more and load
    the page anew as soon as the server answers, in the middle of the music. So it gets an answer to whatever it asked
    that ends the event and says nothing. The page itself is told in an event on the document, CONNECTION, each time
    something was asked in vain and once when the server answers again; `data-connection` of the root says how it stands.

    On a Space Gradio also asks the Hub whether the Space is running, which the page's policy forbids and its being here
    answers. */

export const CONNECTION = "nonet-connection";  // its detail: "lost", "back" or "renewed", if another version answers
const HUB = "https://huggingface.co/";
const SILENCE = 40_000;  // ms after which a stream is lost; the server says something every 15 s
const PROBE = 2000;      // ms between two looks whether the server is back
const ENDED = [{msg: "unexpected_error", message: ""}, {msg: "close_stream"}];  // to Gradio, of all events of a stream

/** What an address below Gradio's own asks for, such as "queue/join"; null of any other. @param {string} url */
export const asksFor = url => /\/gradio_api\/([\w/-]+)/.exec(url)?.[1] ?? null;

/** What Gradio is told where an answer does not come. @param {string} what */
function instead(what) {
  if (what === "queue/join") return Response.json({detail: []}, {status: 422});  // nothing is wrong with any field
  if (what.startsWith("run/")) return Response.json({error: ""}, {status: 503});
  if (what === "upload") return Response.json([]);
  return null;
}

/** Is it the answer of something that stands before a server that is away? @param {Response} answer */
const isStandIn = answer => answer.status >= 502 && !/json|event-stream/.test(answer.headers.get("content-type") ?? "");

export class Connection {
  /** @param {(input: any, options?: any) => Promise<Response>} network @param {(state: "lost" | "back" | "renewed") => void} tell
      @param {{base?: string, config?: any, wait?: (act: () => void, ms: number) => void, silence?: number}} [more]  base: the
      page's address; config: what Gradio was told of this page */
  constructor(network, tell, {base = "", config = {}, wait = (act, ms) => { setTimeout(act, ms); }, silence = SILENCE} = {}) {
    this.network = network;
    this.tell = tell;
    this.base = base;
    this.config = config;
    this.wait = wait;
    this.silence = silence;
    this.isLost = false;
    /** @type {Set<() => void>} */
    this.streams = new Set();  // each ended by a call
    this.fetch = this.fetch.bind(this);
  }

  /** In place of the browser's own. @param {RequestInfo | URL} input @param {RequestInit} [options] @returns {Promise<Response>} */
  async fetch(input, options) {
    const url = input instanceof Request ? input.url : String(input), what = asksFor(url);
    if (url.startsWith(HUB)) return Response.json({id: "", runtime: {stage: "RUNNING"}});
    if (!what) return this.network(input, options);
    const isStream = what === "queue/data" || what.startsWith("heartbeat/");
    try {
      const answer = await this.network(input, options);
      if (isStandIn(answer)) throw new TypeError(`${answer.status} from what stands before the server`);
      return isStream && answer.ok ? this.#watched(answer) : answer;
    } catch (error) {
      if (/** @type {Error} */ (error).name === "AbortError") throw error;
      this.lose();
      const answer = isStream ? told(ENDED) : instead(what);
      if (answer) return answer;
      throw error;
    }
  }

  /** The server was asked in vain. */
  lose() {
    const first = !this.isLost;
    this.isLost = true;
    for (const end of [...this.streams]) end();
    this.tell("lost");
    if (first) this.#wait();
  }

  /** Is the server there? If not, that is told. */
  async probe() {
    const answer = await this.#ask("gradio_api/app_id").catch(() => null);
    if (!answer) this.lose();
    else if (this.isLost) await this.#back(answer.app_id);
  }

  #wait() { this.wait(async () => { await this.probe(); if (this.isLost) this.#wait(); }, PROBE); }

  async #ask(what) {
    const answer = await this.network(new URL(what, this.base), {cache: "no-store"});
    if (!answer.ok) throw new TypeError(String(answer.status));
    return answer.json();
  }

  async #back(id) {
    const config = id === this.config.app_id ? this.config : await this.#ask("config").catch(() => null);
    if (!config) return;
    const same = eventsOf(config) === eventsOf(this.config);
    if (same) this.config = {...this.config, app_id: id};
    this.isLost = false;
    this.tell(same ? "back" : "renewed");
  }

  /** A stream that ends by what Gradio understands, however it breaks off. @param {Response} answer */
  #watched(answer) {
    const reader = answer.body.getReader(), text = new TextDecoder(), bytes = new TextEncoder();
    const {streams, silence} = this;
    let tail = "", stop;
    const lost = new Promise(done => { stop = () => done({lost: true}); });
    streams.add(stop);
    const pull = async controller => {
      let timer;
      const quiet = new Promise(done => { timer = setTimeout(() => done({lost: true}), silence); });
      const read = reader.read().catch(error => ({lost: true, error}));
      const {value, done, lost: gone, error} = /** @type {any} */ (await Promise.race([read, lost, quiet]));
      clearTimeout(timer);
      if (value) {
        const words = text.decode(value, {stream: true}).replace(/"session_not_found": ?true/, '"session_not_found":false');
        tail = (tail + words).slice(-200);
        controller.enqueue(bytes.encode(words));
        return;
      }
      streams.delete(stop);
      if (error?.name === "AbortError") {  // Gradio has what it wanted
        controller.error(error);
        return;
      }
      if (gone || (done && !tail.includes("close_stream"))) {
        controller.enqueue(lines(ENDED));
        reader.cancel().catch(() => {});
        this.lose();
        this.probe();
      }
      controller.close();
    };
    const cancel = () => { streams.delete(stop); return reader.cancel(); };
    return new Response(new ReadableStream({pull, cancel}), {headers: answer.headers});
  }
}

/** What a page is made of, as far as its events are concerned. */
const eventsOf = config => JSON.stringify((config.dependencies ?? []).map(({id, targets, inputs, outputs}) => [id, targets, inputs, outputs]));

const lines = messages => new TextEncoder().encode(messages.map(message => `data: ${JSON.stringify(message)}\n\n`).join(""));
const told = messages => new Response(lines(messages), {headers: {"content-type": "text/event-stream"}});

/** Stands before the network of this page from now on. @param {any} page its window */
export function guard(page) {
  const root = page.document.documentElement, config = page.gradio_config ?? {};
  config.space_id = null;  // else Gradio lays the Hub's bar over the header
  const connection = new Connection(page.fetch.bind(page), state => {
    root.dataset.connection = state;
    page.document.dispatchEvent(new CustomEvent(CONNECTION, {detail: state}));
  }, {config, base: page.document.baseURI});
  page.fetch = connection.fetch;
  for (const change of ["online", "offline"]) page.addEventListener(change, () => connection.probe());
}
