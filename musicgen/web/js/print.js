/** The piece on paper: its title, its roll in lines as sheet music has them, who composed it, and its link. */

import {element} from "./dom.js";
import {GAP} from "./geometry.js";
import {Roll} from "./roll.js";
import {swatch} from "./swatch.js";
import {headline} from "./words.js";

const LOOK = {top: 20, bottom: 6, leastStep: 5, leastSystem: 154};  // px; eight bars of 4/4 a line, four lines a page
const DENSITY = 3;  // dots a px
const ABOVE = GAP;  // px of a line's bar numbers

/**
 * Lays the sheet out each time something is printed.
 * @param {() => {piece: import("./words.js").Piece, notes: import("./words.js").Note[], by: string, link: string} | null} wanted
 */
export function printing(wanted) {
  const sheet = element("section"), behind = element("div", "behind-paper"), screen = element("div");
  sheet.id = "print";
  sheet.setAttribute("aria-hidden", "true");
  screen.append(element("canvas"), element("div", "playhead"));
  behind.append(screen);
  document.body.append(sheet);
  sheet.append(behind);
  const roll = new Roll(screen, LOOK);

  function lay() {
    const shown = wanted();
    sheet.replaceChildren(behind);
    if (!shown) return;
    const {piece, notes, by, link} = shown;
    roll.density = DENSITY;
    roll.notes = notes.map(note => ({...note, born: 0, lit: false}));
    roll.frame(piece);
    // Every line is as high as the others, however many there are.
    screen.style.height = `${LOOK.top + LOOK.bottom + roll.geometry.systems * (LOOK.leastSystem + GAP) - GAP}px`;
    roll.fit();
    const title = element("h1", "", headline("Nonet", piece)), legend = element("p", "legend");
    piece.voices.forEach((name, voice) => legend.append(swatch({voice}, roll), element("span", "", name)));
    if (notes.some(note => note.given)) legend.append(swatch({voice: 0, given: 1}, roll), element("span", "", "given"));
    sheet.append(title, element("p", "by", by), legend, ...lines(roll));
    if (!link) return;
    const address = element("a", "", link);
    address.href = link;
    sheet.append(element("p", "link", "Hear it and go on from it: "));
    sheet.lastElementChild.append(address);
  }

  addEventListener("beforeprint", lay);
  matchMedia("print").addEventListener("change", ({matches}) => { if (matches) lay(); });
}

/** Each system of a roll as a picture of its own, so that none is cut at the end of a page. @param {Roll} roll */
function* lines({canvas, geometry, density}) {
  for (let system = 0; system < geometry.systems; system++) {
    const top = Math.max(0, geometry.top(system) - ABOVE), height = geometry.systemHeight + ABOVE;
    const line = element("canvas", "line");
    [line.width, line.height] = [canvas.width, Math.round(height * density)];
    line.getContext("2d").drawImage(canvas, 0, -Math.round(top * density));
    yield line;
  }
}
