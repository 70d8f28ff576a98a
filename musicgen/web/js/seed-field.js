/** The field of the seed notes, written into by what is played. */

/** @param {(text: string) => string} change @param {boolean} anew of nothing instead of what stands there @returns {string} what stands there now */
export function writeSeed(change, anew) {
  const field = /** @type {HTMLTextAreaElement} */ (document.querySelector("#notes textarea"));
  field.value = change(anew ? "" : field.value);
  field.dispatchEvent(new Event("input", {bubbles: true}));
  field.scrollTop = field.scrollHeight;
  return field.value;
}

/** Told of every change by the visitor: Gradio tells of typing only where it has not set the text itself. @param {(text: string) => void} tell */
export function seedTyped(tell) {
  document.addEventListener("input", event => {
    const field = /** @type {HTMLTextAreaElement} */ (event.target);
    if (field.matches("#notes textarea")) tell(field.value);
  }, true);
}
