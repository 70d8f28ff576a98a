/** How long the next piece is to be: as long as the one that has come. No document is needed here. */

import {leastBars} from "./seed-text.js";

/**
 * The length in bars that goes with a take: that of its piece, or what was asked for of one that was stopped; never less
 * than the seed needs.
 * @param {{piece: {steps: number, bar: number}, state: string, settings?: {bars?: unknown}}} take
 * @param {{given: import("./canvas.js").Canvas | null, notes: string, meter: string, style: string}} seed  of the next piece
 * @param {{meters: Record<string, {steps: number}>, styles: Record<string, {voices: string[]}>, limits: Record<string, [number, number]>}} known
 */
export function lengthFor({piece, state, settings}, {given, notes, meter, style}, {meters, styles, limits}) {
  const bar = meters[meter].steps, asked = state === "stopped" ? Number(settings?.bars) || 0 : 0;
  const least = given ? Math.ceil(given.steps / bar) : leastBars(notes, bar, styles[style].voices.length);
  return Math.min(limits.bars[1], Math.max(piece.steps / piece.bar, asked, least));
}
