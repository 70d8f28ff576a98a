/** Radio buttons as one group: Gradio gives each a name of its own and the group none, so that every button would be a
    stop of Tab, and arrows would lead nowhere. */

let count = 0;

/** @param {HTMLElement} field a fieldset of Gradio's */
function group(field) {
  const label = field.querySelector("[data-testid=block-info]"), id = `radios-${++count}`;
  field.setAttribute("role", "radiogroup");
  if (label) field.setAttribute("aria-labelledby", label.id ||= `${id}-label`);
  for (const input of /** @type {NodeListOf<HTMLInputElement>} */ (field.querySelectorAll("input[type=radio]"))) {
    const {checked} = input;
    input.name = id;
    input.checked = checked;  // which another of the old group's name may have lost
  }
}

/** Groups those of the panel, now and when more of them come. */
export function grouping(panel = document.querySelector("#panel")) {
  const all = () => {
    for (const field of panel.querySelectorAll("fieldset:not([role=radiogroup]):has([data-testid=block-info]):has(input[type=radio])")) group(/** @type {HTMLElement} */ (field));
  };
  all();
  new MutationObserver(all).observe(panel, {childList: true, subtree: true});
}
