"""Played in by every kind of keyboard, and seen on every screen, in Chromium."""

import base64
import re

import pytest
from playwright.sync_api import expect
from visitor import problem, roll, seed_field

from musicgen.io import midi
from musicgen.score import Note, Score, from_notes

CLICKS = """  // how many clicks of a metronome are handed over
window.clicks = 0;
const begin = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function () { clicks++; return begin.apply(this, arguments); };
"""
KEYBOARD = """  // a MIDI keyboard that plays what the test says, as navigator.requestMIDIAccess would tell of it
window.asked = 0;
const input = {name: "Test Keys", state: "connected"};
navigator.requestMIDIAccess = async () => { asked++; return {inputs: new Map([["1", input]])}; };
window.midi = (...strokes) => {
  for (const [status, pitch, value, later = 0] of strokes) {
    input.onmidimessage?.({data: new Uint8Array([status, pitch, value]), timeStamp: performance.now() + later});
  }
};
"""
SHIFTS = """  // how far the page's parts have jumped by themselves
window.shift = 0;
new PerformanceObserver(list => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) shift += entry.value;
}).observe({type: "layout-shift", buffered: true});
"""
CONTROLS = "button, select, summary, textarea, input, [role=slider]"
SMALL = """controls => [...document.querySelectorAll(controls)].filter(control => {
    if (!control.checkVisibility({visibilityProperty: true})) return false;
    const {width, height} = (control.closest("label, [role=listbox], #example") ?? control).getBoundingClientRect();
    return width > 1 && (width < 39.5 || height < 39.5);
}).map(control => control.outerHTML.slice(0, 120))"""
OUTSIDE = """() => [...document.querySelectorAll("button, select, input[type=range]")].filter(control => {
    if (!control.checkVisibility({visibilityProperty: true}) || control.closest(".take-list")) return false;
    const {right, width} = control.getBoundingClientRect();
    return right > innerWidth || (control.closest(".rework, .top") && control.scrollWidth > width + 1);
}).map(control => control.outerHTML.slice(0, 120))"""
PHONE = {"has_touch": True, "is_mobile": True, "viewport": {"width": 390, "height": 844}}
DROP = """([kind, name, bytes]) => {
    const files = new DataTransfer();
    files.items.add(new File([Uint8Array.from(atob(bytes), c => c.charCodeAt(0))], name));
    const event = new DragEvent(kind, {dataTransfer: files, bubbles: true, cancelable: true});
    document.querySelector("h1").dispatchEvent(event);
}"""


@pytest.fixture
def with_script(visit, browser, monkeypatch):
    """Opens the page where a script runs before the page's own."""

    def opened(script: str, **options):
        new = browser.new_context

        def context(**more):
            made = new(**more)
            made.add_init_script(script)
            return made

        monkeypatch.setattr(browser, "new_context", context)
        return visit(**options)

    return opened


def status(page):
    return page.get_by_test_id("playing")


# ---- played in ---------------------------------------------------------------------------------------------------


def test_a_midi_keyboard_plays_once_it_is_asked_for(with_script):
    page = with_script(KEYBOARD)
    page.evaluate("midi([0x90, 64, 80], [0x80, 64, 0])")
    assert page.evaluate("asked") == 0 and "E4" not in seed_field(page).input_value()
    page.get_by_test_id("midi").click()
    expect(status(page)).to_contain_text("Listening to Test Keys")
    page.evaluate("midi([0x90, 64, 80], [0x80, 64, 0], [0x90, 60, 80, 200], [0x90, 67, 80, 210], [0xb0, 123, 0])")
    expect(seed_field(page)).to_have_value("E4:1 [C4 G4]:1")  # the first key begins a tune
    expect(roll(page)).to_have_attribute("data-notes", "3")
    seed_field(page).focus()
    page.evaluate("midi([0x90, 64, 80], [0x80, 64, 0])")
    page.get_by_role("tab", name="Compare").click()
    page.evaluate("midi([0x90, 64, 80], [0x80, 64, 0])")
    page.keyboard.press("a")
    assert seed_field(page).input_value() == "E4:1 [C4 G4]:1"
    page.get_by_role("tab", name="Compose").click()
    page.get_by_test_id("midi").click()
    page.evaluate("midi([0x90, 64, 80], [0x80, 64, 0])")
    assert seed_field(page).input_value() == "E4:1 [C4 G4]:1"


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("navigator.requestMIDIAccess = undefined", "does not support MIDI keyboards"),
        ("navigator.requestMIDIAccess = async () => { throw new DOMException('no', 'NotAllowedError'); }", "allow it"),
        ("navigator.requestMIDIAccess = async () => ({inputs: new Map()})", "No MIDI keyboard is connected"),
    ],
)
def test_where_there_is_no_midi_keyboard_it_is_told(with_script, script, words):
    page = with_script(script)
    page.get_by_test_id("midi").click()
    expect(status(page)).to_contain_text(words)


def test_a_tune_is_recorded_with_its_rhythm(with_script):
    page = with_script(CLICKS + KEYBOARD)
    page.get_by_test_id("midi").click()
    page.get_by_label("Tempo").fill("240")  # 62.5 ms a sixteenth
    record = page.get_by_test_id("record")
    record.click()
    expect(status(page)).to_contain_text("Recording")
    assert page.evaluate("clicks") >= 4  # a bar of them came first
    page.evaluate("""midi([0x90, 60, 80, 0], [0x80, 60, 0, 125], [0x90, 64, 80, 250], [0x90, 67, 80, 250],
        [0x80, 64, 0, 500], [0x80, 67, 0, 500])""")
    expect(record).to_have_attribute("aria-pressed", "true")
    record.click()
    expect(seed_field(page)).to_have_value(re.compile(r"^(R:\S+ )?C4:0\.5 R:0\.5 \[E4 G4\]:1$"))
    expect(roll(page)).to_have_attribute("data-notes", "3")


def test_the_piece_grows_with_what_is_played(visit):
    page = visit(path="?notes=C5&bars=2")
    page.get_by_text("4", exact=True).click()
    for _ in range(2):
        page.get_by_role("button", name="E4", exact=True).click()
    expect(roll(page)).to_have_attribute("data-steps", str(6 * 16))
    expect(roll(page)).to_have_attribute("data-notes", "3")


def test_a_file_dropped_anywhere_is_an_upload(visit):
    page = visit()
    tune = midi.write(Score(from_notes([Note(0, 72, 4 * beat, 4) for beat in range(4)], 16)))
    tune = base64.b64encode(tune).decode()
    page.evaluate(DROP, ["dragover", "tune.mid", tune])
    expect(page.get_by_text("Drop a MIDI or MusicXML file")).to_be_visible()
    page.evaluate(DROP, ["drop", "song.mp3", tune])
    expect(problem(page, "upload")).to_contain_text("song.mp3 is not a music file")
    page.evaluate(DROP, ["drop", "tune.mid", tune])
    expect(page.get_by_test_id("seed-message")).to_contain_text("Seed from tune.mid")
    expect(page.get_by_text("Drop a MIDI or MusicXML file")).to_be_hidden()


def test_space_plays_after_a_click_and_presses_what_keys_reach(visit):
    page = visit()
    page.get_by_test_id("edit").click()
    page.keyboard.press("Space")
    page.wait_for_function("document.documentElement.dataset.sound !== 'idle'")
    expect(page.get_by_test_id("edit")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Space")
    expect(page.get_by_test_id("edit")).to_have_attribute("aria-pressed", "false")
    before = seed_field(page).input_value()
    page.keyboard.press("a")  # a control to which keys have led is not the keyboard
    assert seed_field(page).input_value() == before
    page.get_by_test_id("edit").click()
    page.keyboard.press("a")
    expect(seed_field(page)).to_have_value("C4:1")
    page.keyboard.press("?")
    expect(page.get_by_text("opens and closes this list")).to_be_visible()


# ---- every screen ------------------------------------------------------------------------------------------------


def test_nothing_jumps_while_the_page_comes(with_script):
    page = with_script(SHIFTS)
    page.wait_for_timeout(1000)
    assert page.evaluate("shift") <= 0.05


@pytest.mark.parametrize("width", [360, 390])
def test_on_a_phone_everything_is_as_large_as_a_finger(visit, width):
    page = visit(**{**PHONE, "viewport": {"width": width, "height": 740}})
    assert page.evaluate(SMALL, CONTROLS) == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.locator("#cards").bounding_box()["y"] < roll(page).bounding_box()["y"] < 740 - 74
    page.get_by_role("button", name=re.compile("^More")).tap()
    page.get_by_test_id("edit").tap()
    page.get_by_role("button", name="Select alto").tap()
    expect(page.get_by_label("Random seed", exact=True)).to_be_visible()
    assert page.evaluate(SMALL, CONTROLS) == page.evaluate(OUTSIDE) == []
    page.get_by_role("tab", name="Compare").tap()
    assert page.evaluate(SMALL, CONTROLS) == page.evaluate(OUTSIDE) == []


def test_on_a_phone_the_piece_stays_in_sight_while_it_sounds(visit):
    page = visit(path="?notes=C5:4%20D5:4%20E5:4%20F5:4", **PHONE)
    small = page.get_by_test_id("mini")
    page.get_by_role("button", name="Play", exact=True).tap()
    page.wait_for_function("document.documentElement.dataset.sound === 'playing'")
    expect(small).to_be_hidden()
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    expect(small).to_be_visible()
    small.tap()
    expect(roll(page)).to_be_in_viewport()
    expect(small).to_be_hidden()


def test_a_page_enlarged_four_times_is_all_there(visit):
    page = visit(viewport={"width": 320, "height": 180})
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    assert page.evaluate(OUTSIDE) == []
    for name in ("Generate", "Play"):
        button = page.get_by_role("button", name=name, exact=True)
        assert button.evaluate("b => getComputedStyle(b.parentElement).position") == "static"
