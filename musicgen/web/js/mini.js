/** A small roll above the bottom bar of a narrow page, while music sounds or arrives whose own roll is out of sight. */

import {Roll} from "./roll.js";

const LOOK = {top: 4, bottom: 4, leastStep: 0, leastSystem: 0, numbers: false};

/**
 * @param {HTMLElement} element
 * @param {import("./views.js").Views} views
 */
export function mini(element, views) {
  const roll = new Roll(element, LOOK), seen = new Set();
  const observer = new IntersectionObserver(entries => {
    for (const {target, isIntersecting} of entries) {
      if (isIntersecting) seen.add(target);
      else seen.delete(target);
    }
    follow();
  });
  const stages = [...document.querySelectorAll("[data-testid=roll], [data-testid=rows] .answers")];
  for (const stage of stages) observer.observe(stage);
  element.addEventListener("click", () => stages.find(stage => stage.checkVisibility()).scrollIntoView({block: "center"}));

  function follow() {
    const {view, player} = views, sheet = view.chosen;
    const wanted = !seen.size && Boolean(sheet?.piece) && (player.playing || view.state === "generating");
    document.documentElement.toggleAttribute("data-mini", wanted);
    if (!wanted) return;
    const notes = sheet.roll.notes;
    if (roll.piece !== sheet.piece) roll.frame(sheet.piece);
    if (roll.notes !== notes) {
      roll.notes = notes;
      roll.draw();
    }
    roll.place(player.position);
  }

  const {onmove} = views.transport;
  views.transport.onmove = () => {
    onmove();
    follow();
  };
}
