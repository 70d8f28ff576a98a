/** Files dropped anywhere on the page are uploads. While one is dragged over it, the page shows so. */

import {element} from "./dom.js";

/** Is it of a kind that an upload takes? @param {string} name @param {string} accept as an input has it: ".mid,.xml" */
export const fits = (name, accept) => accept.split(",").some(ending => name.toLowerCase().endsWith(ending.trim().toLowerCase()));

/**
 * @param {() => HTMLInputElement | null} field the upload's
 * @param {(message: string) => void} refuse tells why a file was not taken
 */
export function dropping(field, refuse) {
  const target = element("div", "drop", "Drop a MIDI or MusicXML file: it becomes the seed");
  target.hidden = true;
  document.body.append(target);
  const over = on => event => {
    if (!event.dataTransfer?.types.includes("Files") || event.defaultPrevented) return;
    event.preventDefault();
    target.hidden = !on;
  };
  document.addEventListener("dragover", over(true));
  document.addEventListener("dragleave", event => { if (!event.relatedTarget) target.hidden = true; });
  document.addEventListener("drop", event => {
    const input = field(), files = [...event.dataTransfer?.files ?? []];
    over(false)(event);
    target.hidden = true;
    if (!input || !files.length) return;
    const file = files.find(one => fits(one.name, input.accept));
    if (!file) refuse(`${files[0].name} is not a music file: drop one of ${input.accept.replaceAll(",", ", ")}.`);
    else {
      const chosen = new DataTransfer();
      chosen.items.add(file);
      input.files = chosen.files;
      input.dispatchEvent(new Event("change", {bubbles: true}));
    }
  });
}
