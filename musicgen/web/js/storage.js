/** What this browser keeps from visit to visit; nothing where it keeps nothing. */

const PREFIX = "nonet-";

/** @param {string} name */
export function kept(name) {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + name));
  } catch {
    return null;
  }
}

/** @param {string} name @param {unknown} value  null takes it away */
export function keep(name, value) {
  try {
    if (value === null) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, JSON.stringify(value));
    return true;
  } catch {
    return false;  // private windows, full shelves
  }
}
