/** The list of notes for those who read rather than look. */

import {element} from "./dom.js";
import {barsInWords} from "./words.js";

/** A list item a bar, in it a line a voice. @param {import("./words.js").Piece} piece @param {import("./words.js").Note[]} notes */
export function noteList(piece, notes) {
  return barsInWords(piece, notes).map(({bar, lines}) => {
    const item = element("li");
    item.value = bar;
    item.append(...lines.map(({voice, words}) => {
      const line = element("p");
      line.append(element("b", "", `${voice}:`), ` ${words}`);
      return line;
    }));
    return item;
  });
}
