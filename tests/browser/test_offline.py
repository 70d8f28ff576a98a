"""No network, and a server that goes and comes again, in Chromium."""

import pytest
from playwright.sync_api import expect
from served import ROOT, free_port, serve
from visitor import composed, fix_random_seed, generate, in_state, playing, seed_field, set_length, write_seed

SLOWLY = ROOT / "tests" / "slowly.py"
LOST = "There is no connection to the server."


@pytest.fixture
def at(browser):
    """Opens a page that must not be loaded anew, as a new visitor."""
    contexts, loads = [], []

    def opened(url: str):
        contexts.append(browser.new_context(viewport={"width": 1280, "height": 800}))
        page = contexts[-1].new_page()
        page.set_default_timeout(90_000)
        page.on("load", lambda _: loads.append(url))
        page.goto(url)
        expect(page.get_by_test_id("seed-message")).not_to_be_empty()
        return page

    yield opened
    for context in contexts:
        context.close()
    assert len(loads) == len(contexts)


def told(page):
    return page.get_by_test_id("connection")


def status(page):
    return page.locator("#stage .status")


def no_toast(page):
    expect(page.locator(".toast-body, .toast-wrap .error")).to_have_count(0)


def test_without_a_network_the_music_plays_on_and_all_goes_on_when_it_is_back(at, slow_address):
    page = at(slow_address)
    set_length(page, 4)
    notes = composed(page)
    playing(page)
    page.context.set_offline(True)
    expect(told(page)).to_contain_text(LOST, timeout=20_000)
    assert page.evaluate("document.documentElement.dataset.sound") == "playing"
    generate(page)
    expect(status(page)).to_contain_text("Press Generate when it is back", timeout=20_000)
    expect(page.get_by_test_id("roll")).to_have_attribute("data-notes", str(notes))  # the take is still there
    page.get_by_role("button", name="MIDI", exact=True).click()
    expect(page.get_by_test_id("making")).to_contain_text("MIDI was not made", timeout=20_000)
    write_seed(page, "A4 B4")
    no_toast(page)
    page.context.set_offline(False)
    expect(told(page)).to_have_text("The connection is back.", timeout=20_000)
    expect(page.get_by_test_id("seed-message")).to_contain_text("2 notes")  # the server has been told meanwhile
    composed(page)
    expect(page.get_by_test_id("take")).to_have_count(2)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="MIDI", exact=True).click()
    assert waiting.value.suggested_filename.endswith(".mid")


def test_what_was_composed_when_the_connection_broke_is_kept_and_plays_on(at, slow_address):
    page = at(slow_address)
    set_length(page, 24)
    generate(page)
    page.wait_for_function("document.querySelector('[data-testid=roll]').dataset.notes > 30")
    playing(page)
    page.context.set_offline(True)
    expect(status(page)).to_contain_text("The connection was lost:", timeout=20_000)
    in_state(page, "stopped")
    assert page.evaluate("document.documentElement.dataset.sound") == "playing"
    expect(page.get_by_test_id("take")).to_have_count(1)
    page.context.set_offline(False)
    expect(told(page)).to_have_text("The connection is back.", timeout=20_000)
    page.get_by_test_id("continue").click()
    in_state(page, "done")


def test_a_server_that_was_started_anew_goes_on_without_loading_the_page_anew(at):
    port = free_port()
    with serve(SLOWLY, port=port) as server:
        page = at(server.url)
        write_seed(page, "A4 B4 C5")
        fix_random_seed(page, 77)
        generate(page)
        page.wait_for_function("document.querySelector('[data-testid=roll]').dataset.notes > 3")
        server.process.kill()
        expect(told(page)).to_contain_text(LOST, timeout=20_000)
        no_toast(page)
    with serve(SLOWLY, port=port):
        expect(told(page)).to_have_text("The connection is back.", timeout=20_000)
        assert seed_field(page).input_value() == "A4 B4 C5"
        generate(page)
        in_state(page, "done")
        page.wait_for_function("JSON.parse(localStorage['nonet-work']).takes.at(-1)?.randomSeed === 77")
