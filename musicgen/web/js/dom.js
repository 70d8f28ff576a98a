/** Making elements. Text from outside reaches the page through `textContent` only. */

/** The one element below another that a selector means. Throws where there is none, or more than one.
 * @param {ParentNode} root @param {string} selector @returns {HTMLElement} */
export function only(root, selector) {
  const found = root.querySelectorAll(selector);
  if (found.length !== 1) throw new Error(`${selector} is there ${found.length} times`);
  return /** @type {HTMLElement} */ (found[0]);
}

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag @param {string} [className] @param {string} [text]
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, className = "", text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}
