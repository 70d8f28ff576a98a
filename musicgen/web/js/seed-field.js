/** The field of the seed notes, written into by what is played. */

/** @param {(text: string) => string} change @param {boolean} anew of nothing instead of what stands there @returns {string} what stands there now */
export function writeSeed(change, anew) {
  const field = /** @type {HTMLTextAreaElement} */ (document.querySelector("#notes textarea"));
  field.value = change(anew ? "" : field.value);
  field.dispatchEvent(new Event("input", {bubbles: true}));
  field.scrollTop = field.scrollHeight;
  return field.value;
}
