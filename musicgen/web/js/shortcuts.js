/** What works anywhere on the page: keys that no field wants, files that are dropped, the help that closes. */

const FIELD = "textarea, select, [contenteditable], [role=listbox], input:not([type=range], [type=radio], [type=checkbox])";
const BUSY = "button, summary, a, input, [role=slider], [role=tab]";  // what does something else with the space bar

/** Is something typed there? @param {EventTarget | null} target */
export const isField = target => Boolean(/** @type {Element} */ (target)?.closest?.(FIELD));

/** @param {{play: () => void, architecture: (index: number) => void}} acts */
export function shortcuts({play, architecture}) {
  document.addEventListener("keydown", event => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isField(event.target)) return;
    if (event.key === " " && !/** @type {Element} */ (event.target).closest?.(BUSY)) play();
    else if (/^[1-9]$/.test(event.key)) architecture(Number(event.key) - 1);
    else return;
    event.preventDefault();
  });
}

/** Files dropped anywhere are handed to an upload's field. @param {() => HTMLInputElement | null} field */
export function dropping(field) {
  const holdsFiles = event => [...event.dataTransfer?.types ?? []].includes("Files");
  document.addEventListener("dragover", event => { if (holdsFiles(event)) event.preventDefault(); });
  document.addEventListener("drop", event => {
    const input = field();
    if (!holdsFiles(event) || event.defaultPrevented || !input) return;
    event.preventDefault();
    input.files = event.dataTransfer.files;
    input.dispatchEvent(new Event("change", {bubbles: true}));
  });
}

/** A `details` that closes by Escape and by a click elsewhere. @param {HTMLDetailsElement} details */
export function closing(details) {
  document.addEventListener("keydown", event => {
    if (event.key !== "Escape" || !details.open) return;
    details.open = false;
    details.querySelector("summary").focus();
  });
  document.addEventListener("pointerdown", event => {
    if (!details.contains(/** @type {Node} */ (event.target))) details.open = false;
  });
}
