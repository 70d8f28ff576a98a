"""The page served by a real process, and visitors who open it in Chromium."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright
from visitor import FLAGS, PATIENCE

ROOT = Path(__file__).parents[2]
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


@pytest.fixture(scope="session")
def address(tmp_path_factory):
    yield from served(ROOT / "app.py", tmp_path_factory)


@pytest.fixture(scope="session")
def slow_address(tmp_path_factory):
    """The page with models that take their time."""
    yield from served(ROOT / "tests" / "slowly.py", tmp_path_factory)


def served(script: Path, tmp_path_factory):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("server") / "log"
    environment = {**os.environ, "GRADIO_SERVER_PORT": str(port), "GRADIO_SERVER_NAME": "127.0.0.1"}
    with log.open("w") as out:
        server = subprocess.Popen([sys.executable, script], env=environment, stdout=out, stderr=out)
    url = f"http://127.0.0.1:{port}/"
    for _ in range(240):
        assert server.poll() is None, log.read_text()
        try:
            urllib.request.urlopen(url, timeout=5).close()
            break
        except OSError:
            time.sleep(0.5)
    yield url
    server.terminate()
    server.wait(20)
    assert "Traceback" not in log.read_text(), log.read_text()


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
