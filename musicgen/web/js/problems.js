/** Messages: what is wrong, told at the field itself, and what became of the seed. */

const FIELDS = {notes: "#notes", upload: "#upload", bars: "#bars", meter: "#meter", tempo: ".transport .tempo",
  temperature: "#temperature", top_p: "#top-p", random_seed: "#random-seed", model: "#cards", style: "#style", link: "#stage"};
const BAR = 90;  // px at the bottom of a narrow page that the bar covers
const DRAWER = new Set(["meter", "top_p", "random_seed"]);  // fields that stand under More

/**
 * Tells what is wrong at its field.
 * @param {string} field @param {string} message
 * @param {boolean} [reveal] bring it into sight, since a button was pressed that may be far from it
 */
export function problem(field, message, reveal = false) {
  clearProblem();
  const drawer = /** @type {HTMLElement} */ (document.querySelector("#more button[aria-expanded=false], #more .label-wrap:not(.open)"));
  if (DRAWER.has(field) && drawer) {
    drawer.click();
    setTimeout(() => problem(field, message, reveal), 120);  // until the drawer's fields are there
    return;
  }
  said("");
  const place = document.querySelector(FIELDS[field]) ?? document.querySelector("#notes");
  const notice = document.createElement("p");
  [notice.className, notice.id, notice.textContent] = ["problem", "problem", message];
  notice.setAttribute("role", "alert");
  Object.assign(notice.dataset, {field, testid: "problem"});
  if (place.tagName === "BUTTON") place.after(notice);
  else place.append(notice);
  const input = place.querySelector("textarea, input:not([type=range])") ?? place;
  input.setAttribute("aria-invalid", "true");
  input.setAttribute("aria-describedby", "problem");
  if (!reveal) return;
  const {top, bottom} = notice.getBoundingClientRect();
  if (top < 0 || bottom > innerHeight - BAR) notice.scrollIntoView({block: "center"});
  echo(message);
}

function echo(message) {  // once more above the bottom bar of a narrow page; who listens has heard it already
  const again = document.createElement("p");
  [again.className, again.textContent] = ["problem-echo", message];
  again.setAttribute("aria-hidden", "true");
  document.querySelector("#actions")?.append(again);
}

/** @param {{but?: string}} [kept] a field whose problem stays */
export function clearProblem({but = ""} = {}) {
  if (but && document.querySelector(`.problem[data-field="${but}"]`)) return;
  for (const old of document.querySelectorAll(".problem, .problem-echo")) old.remove();
  for (const input of document.querySelectorAll("[aria-invalid=true]")) {
    input.removeAttribute("aria-invalid");
    input.removeAttribute("aria-describedby");
  }
}

/** What became of the seed, or what else there is to say about it. @param {string} text */
export function said(text) {
  const place = document.querySelector("#said p");
  if (place) place.textContent = text;
}

document.addEventListener("input", event => {  // what is being put right is no longer wrong
  const notice = /** @type {HTMLElement} */ (document.querySelector(".problem"));
  if (notice && /** @type {Element} */ (event.target).closest(FIELDS[notice.dataset.field])) clearProblem();
});

document.addEventListener("input", event => {  // emptied to type another number: that is none yet
  const target = /** @type {HTMLInputElement} */ (event.target);
  if (target.type === "number" && !target.value && target.closest("#bars, #temperature, #top-p")) event.stopImmediatePropagation();
}, true);
