"""The page served by a real process, and visitors who open it in Chromium."""

from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright
from served import serve
from visitor import FLAGS, PATIENCE

SLOWLY = Path(__file__).parents[1] / "slowly.py"
SOUNDS = """  // every sampled note that is handed over, by the audio clock
window.handed = [];
const start = AudioBufferSourceNode.prototype.start;
AudioBufferSourceNode.prototype.start = function (when) {
  if (this.context instanceof AudioContext) handed.push({when, context: this.context});
  return start.apply(this, arguments);
};
"""
MODULE = """async () => {  // page.js, as the page itself has imported it
    window.nonet = await import(document.querySelector("link[rel=modulepreload][href$='/page.js']").href);
}"""


def pytest_collection_modifyitems(items):
    """What a busy machine was too slow for is tried once more, and then has failed."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.flaky(reruns=1))


def without_a_fault(*script: Path):
    with serve(*script) as server:
        yield server.url
        assert "Traceback" not in server.said, server.said


@pytest.fixture(scope="session")
def address():
    yield from without_a_fault()


@pytest.fixture(scope="session")
def slow_address():
    """The page with models that take their time."""
    yield from without_a_fault(SLOWLY)


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, address):
    """Opens the page as a new visitor. No visit may ask another host for anything or leave an error in the console."""
    contexts, wrong = [], []

    def opened(path="", at=address, **options):
        options = {"viewport": {"width": 1280, "height": 800}, **options}
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.set_default_timeout(PATIENCE)
        page.on("request", lambda r: wrong.append(r.url) if not r.url.startswith((at, "data:", "blob:")) else None)
        page.on("console", lambda m: wrong.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.add_init_script(SOUNDS)
        page.goto(at + path)
        expect(page.get_by_test_id("seed-message")).not_to_be_empty()
        page.evaluate(MODULE)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not wrong
