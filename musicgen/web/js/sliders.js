/** Sliders under a finger: a swipe up or down scrolls the page and never sets a value. Until a touch has moved sideways,
    or was lifted where it began, nobody learns of what the slider shows. */

const DECIDED = 8;  // px of movement that tell a direction

/** @type {{slider: HTMLInputElement, id: number, x: number, y: number, value: string, sideways: boolean,
 *   refused?: boolean} | null} */
let touch = null;

const isSlider = target => target instanceof HTMLInputElement && target.type === "range";

document.addEventListener("pointerdown", event => {
  if (event.pointerType !== "touch" || !isSlider(event.target)) return;
  const slider = /** @type {HTMLInputElement} */ (event.target);
  touch = {slider, id: event.pointerId, x: event.clientX, y: event.clientY, value: slider.value, sideways: false};
}, true);

document.addEventListener("pointermove", event => {
  if (touch?.id !== event.pointerId || touch.sideways) return;
  const across = Math.abs(event.clientX - touch.x), along = Math.abs(event.clientY - touch.y);
  if (along > DECIDED && along >= across) refuse();
  else if (across > DECIDED) accept();
}, true);

document.addEventListener("pointerup", event => { if (touch?.id === event.pointerId) accept(true); }, true);
document.addEventListener("pointercancel", event => { if (touch?.id === event.pointerId && !touch.sideways) refuse(); }, true);

for (const name of ["input", "change"]) document.addEventListener(name, event => {
  if (touch?.slider !== event.target || touch.sideways || !event.isTrusted) return;
  event.stopImmediatePropagation();
  if (touch.refused) touch.slider.value = touch.value;
}, true);

function accept(lifted = false) {
  const {slider, value, refused} = touch;
  if (refused) { touch = null; return; }
  touch.sideways = true;
  if (slider.value !== value) slider.dispatchEvent(new Event("input", {bubbles: true}));
  if (lifted) touch = null;
}

function refuse() {
  touch.refused = true;
  touch.slider.value = touch.value;
}
