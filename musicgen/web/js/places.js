/** Where one is, for Back and Forward: a view and the take on its stage. The address's fragment stays as it came, until
    one goes somewhere else. */

/** @typedef {{view: string, shown: string | null}} Place */

/** A place that a browser's history holds, if it is one of ours. @param {any} state @returns {Place | null} */
export const readPlace = state => typeof state?.view === "string" && "shown" in state ? {view: state.view, shown: state.shown} : null;

export class Places {
  /** @param {{here: () => Place, go: (place: Place) => void, open: () => Promise<void>}} acts  open: the visitor has
      written another fragment into the address */
  constructor({here, go, open}) {
    this.here = here;
    this.still = false;  // while the browser goes somewhere, nothing new comes to its history
    addEventListener("popstate", async event => {
      const place = readPlace(event.state);
      this.still = true;
      if (place) go(place);
      else await open();
      this.still = false;
      history.replaceState(here(), "");
    });
  }

  /** Several steps that lead to one place. @param {() => void} steps */
  atOnce(steps) {
    this.still = true;
    steps();
    this.still = false;
    this.tell();
  }

  /** One may be somewhere else now; the first place is that of the address as it stands. */
  tell() {
    if (this.still) return;
    const now = this.here(), last = readPlace(history.state);
    if (!last) history.replaceState(now, "");
    else if (last.view !== now.view || last.shown !== now.shown) {
      history.pushState(now, "", location.pathname + location.search + (now.view === "compare" ? "#compare" : ""));
    }
  }
}
