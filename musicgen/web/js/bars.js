/** Bars as they are counted on paper, where a short first one, an upbeat, is bar 0. On the grid of steps it is a whole
    bar whose other steps are not there for anybody who sees or hears the piece. No document is needed here.

    @typedef {{bar: number, upbeat?: number}} Barred  both in steps; no upbeat is 0 */

/** The step at which a piece begins. @param {Barred} piece */
export const begins = ({bar, upbeat}) => upbeat ? bar - upbeat : 0;

/** The number of the bar that a step is in. @param {Barred} piece @param {number} step */
export const barAt = ({bar, upbeat}, step) => Math.floor(step / bar) + (upbeat ? 0 : 1);
