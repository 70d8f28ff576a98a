/** Light and dark: the visitor's choice, kept in this browser. */

import {kept, keep} from "./storage.js";

/** @param {HTMLElement} root */
export function theme(root) {
  const button = root.querySelector(".theme");
  const dark = () => document.body.classList.contains("dark");
  const tell = () => button.setAttribute("aria-pressed", String(dark()));
  const set = on => { document.body.classList.toggle("dark", on); tell(); };
  const chosen = kept("theme");
  if (chosen && !new URLSearchParams(location.search).has("__theme")) set(chosen === "dark");
  button.addEventListener("click", () => {
    set(!dark());
    keep("theme", dark() ? "dark" : "light");
  });
  new MutationObserver(tell).observe(document.body, {attributes: true, attributeFilter: ["class"]});
  tell();
}
