/** The takes: every result, newest last, twenty at most; starred ones are the last to go. No document is needed here.

    @typedef {{id: string, number: number, model: string, title: string, weights: string, randomSeed: number,
      state: string, starred: boolean, piece: import("./words.js").Piece, notes: number[][],
      mixer: {tempo: number, instruments: string[]}, settings: Record<string, unknown>,
      given: import("./canvas.js").Canvas | null, edited?: boolean}} Take  notes: `[voice, pitch, start, duration, given]` */

export const MOST = 20;

/** @param {Take[]} takes @param {Take} take @returns {Take[]} */
export function withTake(takes, take) {
  const all = [...takes, take];
  while (all.length > MOST) {
    const oldest = all.findIndex(one => !one.starred);
    all.splice(oldest < 0 || all[oldest] === take ? 0 : oldest, 1);
  }
  return all;
}

/** @param {Take[]} takes */
export const nextNumber = takes => Math.max(0, ...takes.map(take => take.number)) + 1;

/** @param {Take[]} takes @param {string} id @param {Partial<Take>} change */
export const changed = (takes, id, change) => takes.map(take => take.id === id ? {...take, ...change} : take);

/** @param {Take[]} takes @param {string} id */
export const without = (takes, id) => takes.filter(take => take.id !== id);

/** Back where it was. @param {Take[]} takes @param {Take} take */
export const restored = (takes, take) => withTake(without(takes, take.id), take).sort((a, b) => a.number - b.number);

/** What can be kept of a stranger's storage: takes that have what is needed to show them. @param {unknown} stored @returns {Take[]} */
export function readTakes(stored) {
  return Array.isArray(stored) ? stored.filter(take => take?.id && take.piece?.steps > 0 && Array.isArray(take.piece.voices)
    && Array.isArray(take.notes) && take.mixer?.tempo > 0).slice(-MOST) : [];
}
