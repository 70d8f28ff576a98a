/** Fingers on the roll: one that rests selects, two scroll. */

export const HOLD = 450;  // ms that a finger rests
export const TWICE = 400;  // ms between two taps that are one gesture

/** Two fingers on an element scroll it, and the page where it cannot go on. @param {HTMLElement} element @param {() => void} begins */
export function twoFingersScroll(element, begins) {
  let last = null;
  const middle = ({touches}) => (touches[0].clientY + touches[1].clientY) / 2;
  element.addEventListener("touchstart", event => {
    last = event.touches.length === 2 ? middle(event) : null;
    if (last !== null) begins();
  }, {passive: true});
  element.addEventListener("touchmove", event => {
    if (last === null || event.touches.length !== 2 || !event.cancelable) return;
    event.preventDefault();
    const now = middle(event), by = last - now, before = element.scrollTop;
    last = now;
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
