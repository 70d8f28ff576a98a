/** How a note looks: its voice by colour and by pattern, given notes by a heavy outline. Also used beside the voices' names. */

const VOICE_NAMES = ["s", "a", "t", "b"];
const COLOURS = ["stage", "shade", "grid", "bar", "text", "seed", "seam", "outline", "pattern", "given", "select"];

/** @typedef {{voices: string[], colours: Record<string, string>}} Palette */

/** The colours that hold where an element stands. @param {Element} place @returns {Palette} */
export function paletteOf(place) {
  const style = getComputedStyle(place), colour = name => style.getPropertyValue(`--${name}`).trim();
  return {
    voices: VOICE_NAMES.map(name => colour(`voice-${name}`)),
    colours: Object.fromEntries(COLOURS.map(name => [name, colour(`roll-${name}`)])),
  };
}

/** @type {((pen: CanvasRenderingContext2D, x: number, y: number, width: number, height: number) => void)[]} */
const PATTERNS = [
  () => {},                                   // soprano: plain
  (pen, x, y, width, height) => {             // alto: slanted lines
    pen.beginPath();
    for (let at = x - height + 2; at < x + width; at += 5) { pen.moveTo(at, y + height); pen.lineTo(at + height, y); }
    pen.stroke();
  },
  (pen, x, y, width, height) => {             // tenor: dots
    for (let at = x + 4; at < x + width - 1; at += 6) {
      pen.beginPath();
      pen.arc(at, y + height / 2, Math.min(1.5, height / 3), 0, 7);
      pen.fill();
    }
  },
  (pen, x, y, width, height) => {             // bass: a line along the middle
    pen.fillRect(x, y + height / 2 - Math.min(0.75, height / 14), width, Math.min(1.5, height / 7));
  },
];

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {{x: number, y: number, width: number, height: number}} box px
 * @param {{voice: number, given?: number, lit?: boolean}} note
 * @param {Palette} palette
 */
export function mark(pen, {x, y, width, height}, {voice, given, lit}, {voices, colours}) {
  const fine = Math.min(1, height / 6, width / 6);  // lines that leave a small note its colour
  const corner = Math.min(2.5, height / 3);
  pen.save();
  pen.beginPath();
  pen.roundRect(x, y, Math.max(1.5, width), height, corner);
  pen.fillStyle = voices[voice];
  pen.fill();
  pen.clip();
  [pen.strokeStyle, pen.fillStyle] = [colours.pattern, colours.pattern];
  pen.lineWidth = fine;
  PATTERNS[voice](pen, x, y, width, height);
  pen.restore();
  pen.beginPath();
  const heavy = Boolean(given), inset = !heavy ? 0.5 : height >= 6 ? 0.75 : 0;  // a thin note keeps its colour
  pen.roundRect(x + inset, y + inset, Math.max(1, width - 2 * inset), height - 2 * inset, corner);
  pen.lineWidth = heavy ? 2 : fine;
  pen.strokeStyle = given ? colours.given : colours.outline;
  pen.stroke();
  if (!lit) return;
  const around = height >= 6 ? 0 : 1.25;  // a thin note would be covered
  pen.beginPath();
  pen.roundRect(x + inset - around, y + inset - around, Math.max(1, width - 2 * (inset - around)),
    height - 2 * (inset - around), corner);
  pen.lineWidth = around ? 1.5 : 2;
  pen.strokeStyle = colours.seam;
  pen.stroke();
}
