/** What works anywhere on the page: keys that no field wants, the help that opens and closes. */

const FIELD = "textarea, select, [contenteditable], [role=listbox], input:not([type=range], [type=radio], [type=checkbox])";
const BUSY = "button, summary, a, input:not([type=range]), [role=tab]";  // the space bar is theirs, if one came there by keys

let led = false;  // has the Tab key moved the focus since a pointer was used?
document.addEventListener("keydown", event => { if (event.key === "Tab") led = true; }, true);
document.addEventListener("pointerdown", () => { led = false; }, true);

/** Is the focus on a control to which keys have led? */
export const ledByKeys = () => led && document.activeElement !== document.body;

/** Is something typed there? @param {EventTarget | null} target */
export const isField = target => Boolean(/** @type {Element} */ (target)?.closest?.(FIELD));

/** @param {{play: () => void, architecture: (index: number) => void, help: () => void}} acts */
export function shortcuts({play, architecture, help}) {
  let played = false, clicked = null;
  document.addEventListener("click", event => { if (event.detail) clicked = /** @type {Element} */ (event.target).closest(BUSY); }, true);
  document.addEventListener("focusout", () => { clicked = null; }, true);
  document.addEventListener("keydown", event => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isField(event.target)) return;
    const busy = /** @type {Element} */ (event.target).closest?.(BUSY);
    if (event.key === " " && (!busy || busy === clicked)) {
      if (!event.repeat) play();
      played = true;
    } else if (/^[1-9]$/.test(event.key)) architecture(Number(event.key) - 1);
    else if (event.key === "?") help();
    else return;
    event.preventDefault();
  });
  document.addEventListener("keyup", event => {  // or a button that was clicked would be pressed as well
    if (event.key !== " " || !played) return;
    played = false;
    event.preventDefault();
  }, true);
}

/** A `details` that closes by Escape and by a click elsewhere. @param {HTMLDetailsElement} details @returns {() => void} opens or closes it */
export function closing(details) {
  const toggle = () => {
    details.open = !details.open;
    details.querySelector("summary").focus();
  };
  document.addEventListener("keydown", event => { if (event.key === "Escape" && details.open) toggle(); });
  document.addEventListener("pointerdown", event => {
    if (!details.contains(/** @type {Node} */ (event.target))) details.open = false;
  });
  return toggle;
}
