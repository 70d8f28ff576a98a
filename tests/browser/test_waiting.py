"""A full queue, and leaving it, in Chromium."""

import time
import uuid

import httpx
import pytest
from playwright.sync_api import expect
from served import ROOT, Visitor, serve
from visitor import generate, in_state

PLACES = 2


@pytest.fixture(scope="module")
def crowded():
    with serve(ROOT / "tests" / "slowly.py", WAITING=str(PLACES)) as server:
        yield server


@pytest.fixture
def at(browser):
    """Opens the page as a new visitor."""
    contexts = []

    def opened(url: str):
        contexts.append(browser.new_context(viewport={"width": 1280, "height": 800}))
        page = contexts[-1].new_page()
        page.goto(url)
        expect(page.get_by_test_id("seed-message")).not_to_be_empty()
        return page

    yield opened
    for context in contexts:
        context.close()


def status(page):
    return page.locator("#stage .status")


def others(server, count: int):
    """So many who ask for a long piece; nobody listens to it."""
    config = httpx.get(server.url + "config", timeout=60).json()
    visitor = Visitor(None, config)
    for _ in range(count):
        body = visitor.body("generate", call={"run": "other"}, bars=12, anew=False) | {"session_hash": uuid.uuid4().hex}
        httpx.post(server.url + "gradio_api/queue/join", json=body, timeout=60).raise_for_status()


def until_free(server):
    while httpx.get(server.url + "gradio_api/queue/status", timeout=60).json()["queue_size"]:
        time.sleep(0.2)


def test_a_full_queue_is_told_in_words_and_asked_again_by_itself(at, crowded):
    page = at(crowded.url)
    others(crowded, 2 + PLACES)
    generate(page)
    expect(status(page)).to_contain_text(f"All {PLACES} places in the queue are taken")
    in_state(page, "generating")
    in_state(page, "done")
    until_free(crowded)


def test_stop_leaves_the_queue_at_once_and_one_may_ask_again(at, crowded):
    page = at(crowded.url)
    others(crowded, 2)
    generate(page)
    expect(status(page)).to_contain_text("You are next")
    page.get_by_role("button", name="Stop").click()
    expect(status(page)).to_have_text("Stopped before anything was composed.", timeout=3000)
    assert httpx.get(crowded.url + "gradio_api/queue/status").json()["queue_size"] == 0
    generate(page)
    expect(status(page)).to_contain_text("You are next")
    in_state(page, "done")
