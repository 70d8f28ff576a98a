/** One sentence above the page on what does not work at present: there is no connection, or this browser keeps nothing. */

import {CONNECTION} from "./connection.js";
import {keep} from "./storage.js";

const WORDS = {
  lost: "There is no connection to the server. Playing, editing and your takes still work; composing and downloads wait until it is back.",
  back: "The connection is back.",
  renewed: "The server has a new version of this page. Load it when it suits you: your takes and settings are kept.",
};
const TOLD = 5000;  // ms for which it is told that the connection is back

/**
 * @param {HTMLElement} root
 * @param {{lost: () => void, back: () => void, address: () => Promise<string>}} page  address: of all that stands there
 */
export function notices(root, {lost, back, address}) {
  const find = name => /** @type {HTMLElement} */ (root.querySelector(`.${name}`));
  const connection = find("connection"), words = find("words"), reload = find("reload"), unkept = find("unkept");
  let waiting = null;

  function tell(state) {
    clearTimeout(waiting);
    const text = WORDS[state] ?? "";
    if (words.textContent !== text) words.textContent = text;
    reload.hidden = state !== "renewed";
    connection.classList.toggle("empty", !text);
    if (state === "back") waiting = setTimeout(() => tell(""), TOLD);
  }

  document.addEventListener(CONNECTION, event => {
    const state = /** @type {CustomEvent} */ (event).detail;
    tell(state);
    if (state === "lost") lost();
    else back();
  });
  reload.addEventListener("click", () => location.reload());
  tell(document.documentElement.dataset.connection === "lost" ? "lost" : "");

  const keeps = keep("trial", 1);
  keep("trial", null);
  unkept.hidden = keeps;
  const tab = /** @type {HTMLAnchorElement} */ (find("own-tab"));
  tab.hidden = window.self === window.top;
  const address_ = async () => { tab.href = await address(); };
  for (const event of ["pointerenter", "pointerdown", "focus"]) tab.addEventListener(event, address_);
  return {tell: () => { if (!tab.hidden && !keeps) address_(); }};
}
