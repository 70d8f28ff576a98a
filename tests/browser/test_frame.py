"""The page in a frame of another site, and on a Space, in Chromium."""

import contextlib
import http.server
import json
import re
import threading

import pytest
from playwright.sync_api import expect, sync_playwright
from served import serve
from visitor import FLAGS, PATIENCE, composed, in_state, seed_field, write_seed

SPACE = "me-nonet.hf.space"
HUB = "hub.example"  # as the Hub frames a Space
ALLOW = "accelerometer; autoplay; camera; clipboard-read; clipboard-write; microphone; midi"
SANDBOX = (
    "allow-downloads allow-forms allow-modals allow-pointer-lock allow-popups allow-popups-to-escape-sandbox "
    "allow-same-origin allow-scripts allow-storage-access-by-user-activation"
)
MODULE = """async () => {
    window.nonet = await import(document.querySelector("link[rel=modulepreload][href$='/page.js']").href);
}"""
NAMES = f"MAP {SPACE} 127.0.0.1, MAP {HUB} 127.0.0.1"


@contextlib.contextmanager
def framing(address: str, allow: str):
    """A site, by its port, whose only page frames the address."""
    frame = f'<iframe src="{address}" allow="{allow}" sandbox="{SANDBOX}" width="1300" height="820">'
    page = f"<!doctype html><title>Elsewhere</title>{frame}"

    class Site(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/" else 204)  # a browser asks for an icon, too
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(page.encode() if self.path == "/" else b"")

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site) as site:
        threading.Thread(target=site.serve_forever, daemon=True).start()
        yield site.server_address[1]
        site.shutdown()


@pytest.fixture(scope="module")
def port():
    with serve(NONET_FRAME_ANCESTORS="http://localhost:* http://hub.example:*", SPACE_ID="me/nonet") as server:
        yield int(server.url.rstrip("/").rpartition(":")[2])
        assert "Traceback" not in server.said, server.said


@pytest.fixture
def chromium(tmp_path):
    """A browser of its own, which may refuse storage to frames of other sites."""
    with contextlib.ExitStack() as stack:
        playwright = stack.enter_context(sync_playwright())

        def started(blocking: bool):
            folder = tmp_path / "profile" / "Default"
            folder.mkdir(parents=True)
            refused = {"profile": {"block_third_party_cookies": blocking, "cookie_controls_mode": int(blocking)}}
            (folder / "Preferences").write_text(json.dumps(refused))
            context = playwright.chromium.launch_persistent_context(
                folder.parent, executable_path="/usr/bin/chromium", args=[*FLAGS, f"--host-resolver-rules={NAMES}"],
                viewport={"width": 1400, "height": 900},
            )  # fmt: skip
            stack.callback(context.close)
            context.set_default_timeout(PATIENCE)
            return context

        yield started


def watched(context):
    """A new page, and what its console and its requests say that they should not."""
    page, wrong = context.new_page(), []
    page.on("console", lambda m: wrong.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda r: wrong.append(r.url) if "huggingface.co" in r.url else None)
    return page, wrong


def arrived(page):
    expect(page.get_by_test_id("seed-message")).not_to_be_empty()
    return page


def frame_of(page):
    page.wait_for_selector("iframe")
    return arrived(page.frame_locator("iframe"))


def test_where_storage_is_refused_it_is_said_and_the_piece_goes_along_into_a_tab(chromium, port):
    context = chromium(blocking=True)
    with framing(f"http://127.0.0.1:{port}/", ALLOW) as outside:
        page, wrong = watched(context)
        page.goto(f"http://localhost:{outside}/")
        frame = frame_of(page)
        inside = page.frames[1]
        with pytest.raises(Exception, match="denied"):
            inside.evaluate("localStorage.length")
        expect(frame.get_by_test_id("unkept")).to_contain_text("This browser keeps nothing here")
        tab = frame.get_by_role("link", name="Open in its own tab")

        write_seed(frame, "A4 B4 C5")  # what has yet to be composed goes along
        expect(tab).to_have_attribute("href", re.compile(r"\?.*notes=A4\+B4\+C5"))
        with context.expect_page() as opening:
            tab.click()
        assert seed_field(arrived(opening.value)).input_value() == "A4 B4 C5"
        expect(opening.value.get_by_test_id("unkept")).to_be_hidden()  # by itself it keeps all

        notes = composed(frame)  # and so does what has been
        expect(tab).to_have_attribute("href", re.compile("#piece="))
        with context.expect_page() as opening:
            tab.click()
        in_state(arrived(opening.value), "done")
        expect(opening.value.get_by_test_id("roll")).to_have_attribute("data-notes", str(notes))
        assert not wrong


def test_music_given_that_is_not_composed_yet_goes_along_as_a_seed(chromium, port):
    page, wrong = watched(chromium(blocking=False))
    page.goto(f"http://127.0.0.1:{port}/")
    arrived(page)
    given = {
        "style": "chorale", "meter": "3/4", "tempo": 90, "steps": 24, "name": "mine.mid",
        "notes": [[0, 72, 0, 4], [1, 64, 0, 4], [0, 74, 12, 4]], "fixed": [[0, 0, 24], [1, 0, 12]],
    }  # fmt: skip
    page.evaluate(MODULE)
    page.evaluate("given => nonet.work.give(given, {style: 'chorale', meter: '3/4', bars: 4})", given)
    expect(page.get_by_test_id("roll")).to_have_attribute("data-notes", "3")
    address = page.evaluate("nonet.address()")
    other = page.context.new_page()
    other.goto(address)
    arrived(other)
    expect(other.get_by_test_id("roll")).to_have_attribute("data-notes", "3")
    in_state(other, "idle")
    expect(other.get_by_role("button", name="Remove mine.mid")).to_be_visible()
    assert not wrong


def test_without_the_clipboard_a_link_is_offered_to_be_copied(chromium, port):
    with framing(f"http://127.0.0.1:{port}/", "autoplay") as outside:
        page, wrong = watched(chromium(blocking=False))
        page.goto(f"http://localhost:{outside}/")
        frame = frame_of(page)
        composed(frame)
        frame.get_by_test_id("copy-link").click()
        field = frame.get_by_test_id("link-field")
        expect(field).to_be_focused()
        assert field.input_value().startswith(f"http://127.0.0.1:{port}/#piece=")
        assert field.evaluate(
            "field => field.readOnly && field.selectionEnd - field.selectionStart === field.value.length"
        )
        field.press("Escape")
        expect(field).to_have_count(0)
        expect(frame.get_by_test_id("copy-link")).to_be_focused()
        frame.get_by_test_id("midi").click()
        expect(frame.get_by_test_id("playing")).to_contain_text("The page around this one does not let it use MIDI")
        assert all("Permissions policy violation" in words for words in wrong)  # Chromium's, of what was refused


def test_a_site_that_the_setting_does_not_name_may_not_frame_the_page(chromium, port):
    with framing(f"http://127.0.0.1:{port}/", ALLOW) as outside:
        page, wrong = watched(chromium(blocking=False))
        page.goto(f"http://127.0.0.1:{outside}/")
        page.wait_for_timeout(1500)
        assert any("frame-ancestors" in words for words in wrong)


@pytest.mark.parametrize("framed", [True, False])
def test_on_a_space_the_console_is_clean_and_the_hub_is_not_asked(chromium, port, framed):
    with framing(f"http://{SPACE}:{port}/", ALLOW) as outside:
        page, wrong = watched(chromium(blocking=False))
        page.goto(f"http://{HUB}:{outside}/" if framed else f"http://{SPACE}:{port}/")
        shown = frame_of(page) if framed else arrived(page)
        composed(shown)
        assert not wrong
        expect(shown.locator("#huggingface-space-header")).to_have_count(0)
