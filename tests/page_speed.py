"""How fast a served page is, printed: `python tests/page_speed.py [address] [clicks]`, on a quiet machine.

Layout shift and readiness at load, own weight, click to first sounding note; then the same on slow 4G (1.6 Mbit/s,
150 ms) with a processor four times slower.
"""

import statistics
import sys

from playwright.sync_api import Browser, Page, sync_playwright
from visitor import FLAGS

ADDRESS = "http://127.0.0.1:7860/"
SLOW_4G = {"offline": False, "latency": 150, "downloadThroughput": 1.6e6 / 8, "uploadThroughput": 750e3 / 8}  # bytes/s
SLOWER = 4  # times
CLICKS = 20
SETTLED = 2000  # ms after which nothing of the page moves any more
WATCH = """
window.shift = 0;
new PerformanceObserver(list => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) shift += entry.value;
}).observe({type: "layout-shift", buffered: true});
new MutationObserver((_, watch) => {
  if (!document.documentElement.hasAttribute("data-ready")) return;
  window.readyAt = performance.now();
  watch.disconnect();
}).observe(document, {attributes: true, subtree: true, attributeFilter: ["data-ready"]});
const begin = AudioBufferSourceNode.prototype.start;
AudioBufferSourceNode.prototype.start = function (when = 0) {  // when it is heard, on the clock of events
  const {context} = this;
  if (context instanceof AudioContext && window.clicked && window.heard === undefined) {
    const late = Math.max(0, when - context.currentTime) + (context.outputLatency || context.baseLatency || 0);
    window.heard = performance.now() + 1000 * late;
  }
  return begin.apply(this, arguments);
};
addEventListener("click", ({target, timeStamp}) => {
  if (target.closest("#generate")) [window.clicked, window.heard] = [timeStamp, undefined];
}, true);
"""


def first_note(page: Page) -> float:
    """Milliseconds from a click on Generate to the first note that sounds."""
    page.locator("#generate").click()
    page.wait_for_function("window.heard !== undefined")
    waited = page.evaluate("heard - clicked")
    page.wait_for_function("document.querySelector('[data-testid=roll]').dataset.state === 'done'")
    page.keyboard.press("Space")
    return waited


def visited(browser: Browser, address: str, clicks: int, slow: bool):
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.set_default_timeout(300_000)
    page.add_init_script(WATCH)
    session, weights, own = context.new_cdp_session(page), {}, set()
    session.on("Network.requestWillBeSent", lambda e: own.add(e["requestId"]) if "/web/" in e["request"]["url"] else 0)
    session.on("Network.loadingFinished", lambda e: weights.update({e["requestId"]: e["encodedDataLength"]}))
    session.send("Network.enable")
    if slow:
        session.send("Network.emulateNetworkConditions", SLOW_4G)
        session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    page.goto(address, wait_until="commit")
    page.wait_for_function("window.readyAt")
    mine, whole = (sum(weights.get(name, 0) for name in names) / 1000 for names in (own, list(weights)))
    page.wait_for_timeout(SETTLED * (SLOWER if slow else 1))
    print(f"ready              {page.evaluate('readyAt') / 1000:.2f} s")
    print(f"layout shift       {page.evaluate('shift'):.3f}")
    print(f"weight when ready  {mine:.0f} kB of {whole:.0f} kB, the rest is Gradio's and the page that holds it")
    cold = first_note(page)
    print(f"click to first note, cold    {cold:.0f} ms")
    if clicks > 1:
        waits = [first_note(page) for _ in range(clicks)]
        spread = f"{min(waits):.0f}-{max(waits):.0f}"
        print(f"click to first note, median of {clicks}    {statistics.median(waits):.0f} ms ({spread})")
    context.close()


def main(address: str = ADDRESS, clicks: int = CLICKS):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        print("As it is")
        visited(browser, address, clicks, slow=False)
        print("Slow 4G, a processor four times slower")
        visited(browser, address, 1, slow=True)
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:2], *map(int, sys.argv[2:3]))
