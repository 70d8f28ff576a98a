"""Takes the README's picture of the page, with a piece that was just composed: `python tests/screenshot.py`."""

import io
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright
from served import serve
from visitor import FLAGS, generate, in_state

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "musicgen" / "web" / "page.png"
ASKED = "?model=gru&style=chorale&notes=B4 B4 C5 D5 | D5 C5 B4 A4&bars=8&seed=7"
SIZE, SCALE = {"width": 1280, "height": 860}, 1.25
COLOURS = 96  # few keep the file light


def take(page, address: str) -> bytes:
    page.goto(address + ASKED)
    generate(page)
    in_state(page, "done")
    page.get_by_role("button", name="Pause").click()
    return page.screenshot(animations="disabled")


if __name__ == "__main__":
    with serve() as server, sync_playwright() as playwright:
        server.wait_for('"ready"', 900)  # the graphs are made
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        picture = take(browser.new_page(viewport=SIZE, device_scale_factor=SCALE), server.url)
        browser.close()
    few = Image.open(io.BytesIO(picture)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    few.save(PICTURE, optimize=True)
    print(f"{PICTURE}: {PICTURE.stat().st_size // 1000} KB")
