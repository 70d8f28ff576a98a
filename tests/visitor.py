"""What a visitor does on the page, and sees there."""

import re
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

FLAGS = [  # of Chromium
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 90_000  # ms for a piece on a busy machine
WIDTHS = (1440, 390)  # px of a page that shuts nobody out
expect.set_options(timeout=PATIENCE)


def roll(page):
    return page.get_by_test_id("roll")


def data(page, name: str) -> float:
    return float(roll(page).get_attribute(f"data-{name}"))


def in_state(page, state: str):
    expect(roll(page)).to_have_attribute("data-state", state)


def generate(page):
    page.get_by_role("button", name="Generate").click()


def composed(page) -> int:
    generate(page)
    in_state(page, "done")
    return int(data(page, "notes"))


def seed_field(page):
    return page.get_by_label("Seed notes")


def write_seed(page, text: str):
    seed_field(page).fill(text)


def set_length(page, bars: int):
    page.locator("#bars input[type=number]").fill(str(bars))
    page.locator("#bars input[type=number]").blur()


def fix_random_seed(page, number: int):
    page.get_by_role("button", name=re.compile("^More")).click()
    page.get_by_label("New random seed each time").uncheck()
    page.get_by_label("Random seed", exact=True).fill(str(number))


def in_words(page) -> str:
    words = page.get_by_test_id("notes-text")
    if words.get_attribute("open") is None:
        words.locator("summary").click()
    written = words.locator("ol")
    expect(written).not_to_be_empty()  # the browser tells of the opening a little after the click
    return written.inner_text()


def problem(page, field: str):
    return page.locator(f".problem[data-field={field}]")


def download(page, title: str) -> bytes:
    with page.expect_download(timeout=PATIENCE) as waiting:
        page.get_by_role("button", name=title, exact=True).click()
    return Path(waiting.value.path()).read_bytes()


def upload(page, name: str, data: bytes):
    page.locator("input[type=file]").set_input_files({"name": name, "mimeType": "audio/midi", "buffer": data})


def playing(page):
    page.wait_for_function("document.documentElement.dataset.sound === 'playing'")


def shuts_nobody_out(page):
    """By axe-core's rules, as the page stands now, wide and narrow, light and dark; nothing lies beside its edge."""
    size = page.viewport_size
    page.emulate_media(reduced_motion="reduce")  # colours change at once
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 844})
        for _ in range(2):
            page.get_by_label("Dark page").evaluate("button => button.click()")  # a pointer would close the help
            found = Axe().run(page).response["violations"]
            assert not [(width, v["id"], [n["html"][:200] for n in v["nodes"]]) for v in found]
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.set_viewport_size(size)
