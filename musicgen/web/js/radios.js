/** Radio buttons as one group: Gradio gives each a name of its own, anew whenever one is chosen, and the group none, so
    that every button would be a stop of Tab, and arrows would lead nowhere. */

let count = 0;

/** @param {HTMLElement} field a fieldset of Gradio's */
function group(field) {
  const inputs = [...field.querySelectorAll("input")], label = field.querySelector("[data-testid=block-info]");
  const name = field.dataset.group ??= `group-${++count}`;
  field.setAttribute("role", "radiogroup");
  field.setAttribute("aria-labelledby", label.id ||= `${name}-label`);
  if (inputs.every(input => input.name === name)) return;
  const chosen = inputs.map(input => input.checked);
  for (const input of inputs) input.name = name;
  for (const [index, input] of inputs.entries()) input.checked = chosen[index];  // of two checked ones one may have lost it on the way
}

/** Groups those of the panel, now and whenever Gradio draws them. */
export function grouping(panel = document.querySelector("#panel")) {
  const all = () => {
    for (const field of panel.querySelectorAll("fieldset:has([data-testid=block-info]):has(input[type=radio])")) group(/** @type {HTMLElement} */ (field));
  };
  all();
  new MutationObserver(all).observe(panel, {childList: true, subtree: true, attributeFilter: ["name"]});
}
