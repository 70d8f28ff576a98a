/** Fingers on the roll: one that rests selects, two scroll, and enlarge what is between them. */

export const HOLD = 450;  // ms that a finger rests
export const TWICE = 400;  // ms between two taps that are one gesture

const SLACK = 14;   // px that two fingers which scroll may come nearer or go apart

/** Two fingers: the point between them and how far they are apart, px. @param {ArrayLike<{clientX: number, clientY: number}>} touches */
export function pair({0: one, 1: other}) {
  return {
    x: (one.clientX + other.clientX) / 2, y: (one.clientY + other.clientY) / 2,
    apart: Math.max(1, Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY)),
  };
}

/**
 * A gesture of two fingers, which scroll until they pinch: each move gives how many times as far apart they are as when
 * they began to pinch; 0 while they scroll.
 * @param {{apart: number}} start @returns {(now: {apart: number}) => number}
 */
export function pinching({apart}) {
  let from = 0;
  return now => {
    if (!from && Math.abs(now.apart - apart) > SLACK) from = now.apart;
    return from && now.apart / from;
  };
}

/**
 * Two fingers on an element scroll it, and the page where it cannot go on, or pinch it.
 * @param {HTMLElement} element
 * @param {{begins: (at: {x: number, y: number}) => void, pinched: (times: number, at: {x: number, y: number}) => void}} page
 *   px of the window; times: as large as at the beginning
 */
export function twoFingers(element, {begins, pinched}) {
  let last = null, spread = null;
  element.addEventListener("touchstart", event => {
    last = event.touches.length === 2 ? pair(event.touches) : null;
    if (!last) return;
    spread = pinching(last);
    begins(last);
  }, {passive: true});
  element.addEventListener("touchmove", event => {
    if (!last || event.touches.length !== 2 || !event.cancelable) return;
    event.preventDefault();
    const now = pair(event.touches), times = spread(now), by = last.y - now.y, before = element.scrollTop;
    last = now;
    if (times) { pinched(times, now); return; }
    element.scrollTop += by;
    scrollBy(0, by - (element.scrollTop - before));
  }, {passive: false});
  element.addEventListener("touchend", () => { last = null; }, {passive: true});
}

/** While it is so, a moving finger does not scroll. @param {HTMLElement} element @param {() => boolean} busy */
export function still(element, busy) {
  element.addEventListener("touchmove", event => { if (busy() && event.cancelable) event.preventDefault(); }, {passive: false});
  element.addEventListener("contextmenu", event => { if (/** @type {PointerEvent} */ (event).pointerType !== "mouse") event.preventDefault(); });
}
