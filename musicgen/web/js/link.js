/** A piece in an address: everything that is needed to show and play it, compressed, after the `#`.

    Before compression: how long the text is (two bytes), the text (JSON: all but notes), then a byte a cell, voice after
    voice: 0 rests, 1 holds, else the pitch; 128 is added where the cell is given. */

const VERSION = "1";
const NAME = "piece";
const REST = 0, HOLD = 1, GIVEN = 128;

/** @param {Uint8Array} bytes @param {CompressionStream | DecompressionStream} stream */
async function through(bytes, stream) {
  const out = new Response(new Blob([/** @type {BlobPart} */ (bytes)]).stream().pipeThrough(stream));
  return new Uint8Array(await out.arrayBuffer());
}

const toText = bytes => btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
const toBytes = text => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), sign => sign.charCodeAt(0));

/**
 * The fragment, without its `#`.
 * @param {{steps: number, voices: number, notes: number[][], fixed: number[][]} & Record<string, unknown>} piece
 */
export async function encode({notes, fixed, ...about}) {
  const text = new TextEncoder().encode(JSON.stringify(about));
  const cells = new Uint8Array(about.voices * about.steps).fill(REST);
  for (const [voice, pitch, start, duration] of notes) {
    const at = voice * about.steps + start;
    cells.fill(HOLD, at, Math.min(at + duration, (voice + 1) * about.steps));
    cells[at] = pitch;
  }
  for (const [voice, start, end] of fixed) {
    for (let at = voice * about.steps + start; at < voice * about.steps + end; at++) cells[at] |= GIVEN;
  }
  const whole = new Uint8Array([text.length >> 8, text.length & 255, ...text, ...cells]);
  return `${NAME}=${VERSION}${toText(await through(whole, new CompressionStream("deflate-raw")))}`;
}

/** Is there a piece in this fragment, whole or broken? @param {string} fragment */
export const holdsPiece = fragment => fragment.replace(/^#/, "").startsWith(`${NAME}=`);

/** What `encode` was given. Throws if the fragment is broken. @param {string} fragment */
export async function decode(fragment) {
  const text = fragment.replace(/^#/, "").slice(NAME.length + 1);
  if (text[0] !== VERSION || text.length > 20_000) throw new Error("no piece of a known kind");
  const whole = await through(toBytes(text.slice(1)), new DecompressionStream("deflate-raw"));
  const length = whole[0] * 256 + whole[1], about = JSON.parse(new TextDecoder().decode(whole.subarray(2, 2 + length)));
  const cells = whole.subarray(2 + length), {steps, voices} = about;
  if (!(steps > 0 && voices > 0 && voices <= 4 && cells.length === steps * voices)) throw new Error("cells are missing");
  return {...about, ...readCells(cells, steps)};
}

function readCells(cells, steps) {
  const notes = [], fixed = [];
  for (let at = 0; at < cells.length; at++) {
    const voice = Math.floor(at / steps), start = at % steps, cell = cells[at] & ~GIVEN, given = cells[at] >= GIVEN;
    const run = fixed.at(-1), note = notes.at(-1);
    if (cell > HOLD) notes.push([voice, cell, start, 1, Number(given)]);
    else if (cell === HOLD && note?.[0] === voice && note[2] + note[3] === start) note[3]++;
    if (!given) continue;
    if (run?.[0] === voice && run[2] === start) run[2]++;
    else fixed.push([voice, start, start + 1]);
  }
  return {notes: notes.sort((a, b) => a[2] - b[2] || a[0] - b[0]), fixed};
}
