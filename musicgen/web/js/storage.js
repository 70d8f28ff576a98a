/** What this browser keeps from visit to visit; nothing where it keeps nothing. */

const PREFIX = "nonet-";

/** @param {string} name @param {"localStorage" | "sessionStorage"} [where]  the latter is this tab's, until it is closed */
export function kept(name, where = "localStorage") {
  try {
    return JSON.parse(globalThis[where].getItem(PREFIX + name));
  } catch {
    return null;
  }
}

/** @param {string} name @param {unknown} value  null takes it away @param {"localStorage" | "sessionStorage"} [where] */
export function keep(name, value, where = "localStorage") {
  try {
    if (value === null) globalThis[where].removeItem(PREFIX + name);
    else globalThis[where].setItem(PREFIX + name, JSON.stringify(value));
    return true;
  } catch {
    return false;  // private windows, full shelves
  }
}
