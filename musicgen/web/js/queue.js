/** One's place among those who wait, read from what Gradio writes of it. */

const ORDINALS = ["", "next", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth"];

/**
 * "You are third; about 4 seconds." Nothing if nobody waits.
 * @param {string} text such as "queue: 3/4 | 1.2/5.0s"
 */
export function placeInWords(text) {
  const found = /queue: (\d+)\/\d+ \|\s*(?:([\d.]+)\/([\d.]+)s)?/.exec(text);
  if (!found) return "";
  const place = Number(found[1]), left = Math.ceil(Number(found[3]) - Number(found[2]));
  const about = left > 0 ? `; about ${left} second${left === 1 ? "" : "s"}` : "";
  return `Others are composing. You are ${ORDINALS[place] ?? `number ${place}`}${about}.`;
}

/** Tells of every change of place. @param {HTMLElement} element @param {(words: string) => void} tell */
export function watchPlace(element, tell) {
  let last = "";
  new MutationObserver(() => {
    const words = placeInWords(element.textContent);
    if (words && words !== last) tell(words);
    last = words;
  }).observe(element, {childList: true, subtree: true, characterData: true});
}
