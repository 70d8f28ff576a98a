"""What is set for a piece: its length, tempo, style and example, by hand and by what arrives, in Chromium."""

import pytest
from playwright.sync_api import expect
from visitor import (
    composed,
    data,
    download,
    fix_random_seed,
    in_state,
    problem,
    roll,
    seed_field,
    set_length,
    write_seed,
)

from musicgen.io import midi
from musicgen.score import STYLES, Note, Score, from_notes

FOCUSED = "document.activeElement.closest('fieldset')?.id"


def length(page):
    return page.locator("#bars input[type=number]")


def beats(page):
    return page.get_by_test_id("beats")


def takes(page):
    return page.get_by_test_id("take")


def tune_file(bars: int) -> dict:
    notes = [Note(0, 72 + beat % 5, 4 * beat, 4) for beat in range(4 * bars)]
    score = Score(from_notes(notes, 16 * bars))
    return {"name": "tune.mid", "mimeType": "audio/midi", "buffer": midi.write(score)}


def bring(page, file: dict):
    page.locator("input[type=file]").set_input_files(file)


def choose_meter(page, meter: str):
    more = page.locator("#more button").first
    if page.locator("#meter").count() == 0 or not page.locator("#meter").is_visible():
        more.click()
    page.locator(f"#meter input[value='{meter}']").check(force=True)


# ---- the length --------------------------------------------------------------------------------------------------


def test_the_length_follows_a_file_to_its_piece_its_link_and_its_picture(visit):
    page = visit()
    bring(page, tune_file(28))
    expect(length(page)).to_have_value("28")
    page.get_by_test_id("ask-continue").click()
    in_state(page, "done")
    assert data(page, "steps") == 32 * 16
    expect(length(page)).to_have_value("32")
    copy = page.get_by_test_id("copy-link")
    page.wait_for_function("document.querySelector('[data-testid=copy-link]').dataset.link")
    link, picture = copy.get_attribute("data-link"), download(page, "PNG")
    assert composed(page) > 0

    by_link = visit(path="#" + link.split("#")[1])
    in_state(by_link, "done")
    expect(length(by_link)).to_have_value("32")
    assert composed(by_link) > 0

    by_picture = visit()
    set_length(by_picture, 5)
    bring(by_picture, {"name": "tune.png", "mimeType": "image/png", "buffer": picture})
    in_state(by_picture, "done")
    expect(length(by_picture)).to_have_value("32")
    assert composed(by_picture) > 0


def test_the_length_follows_a_file_that_is_composed_on(visit):
    page = visit()
    bring(page, tune_file(28))
    expect(length(page)).to_have_value("28")
    page.get_by_label("Dance").check(force=True)  # of one voice, so that the file is all of it
    expect(page.get_by_test_id("seed-message")).to_contain_text("Generate continues it")
    expect(length(page)).to_have_value("28")
    assert composed(page) > 0  # a file as long as the length is given room
    assert data(page, "steps") == 32 * 16
    expect(length(page)).to_have_value("32")
    assert composed(page) > 0
    page.get_by_test_id("undo").click()
    page.get_by_test_id("undo").click()
    expect(length(page)).to_have_value("28")
    in_state(page, "idle")


def test_the_length_follows_continue_harmonise_takes_and_undo(visit):
    page = visit()
    write_seed(page, "C5 D5 E5 F5 G5:4")
    set_length(page, 6)
    expect(roll(page)).to_have_attribute("data-steps", "96")
    page.get_by_test_id("harmonise").click()
    in_state(page, "done")
    expect(length(page)).to_have_value("2")
    assert composed(page) > 0
    assert data(page, "steps") == 32
    page.get_by_test_id("continue").click()
    expect(takes(page)).to_have_count(3)
    in_state(page, "done")
    expect(length(page)).to_have_value("6")
    takes(page).first.click()
    expect(length(page)).to_have_value("2")
    page.get_by_test_id("undo").click()
    expect(length(page)).to_have_value("6")
    assert composed(page) > 0
    assert data(page, "steps") == 96
    write_seed(page, "C5:4 D5:4 E5:4 F5:4")  # which needs more than the first take has
    expect(takes(page)).to_have_count(4)
    takes(page).first.click()
    expect(length(page)).to_have_value("4")
    assert composed(page) > 0


# ---- the tempo ---------------------------------------------------------------------------------------------------


def test_a_meter_brings_its_usual_tempo_until_one_is_chosen(visit):
    page = visit(path="?notes=C5")
    page.locator("#style input[value=dance]").check(force=True)
    usual = STYLES["dance"].tempo
    expect(beats(page)).to_have_value(f"{usual:g}")
    choose_meter(page, "6/8")
    expect(beats(page)).to_have_attribute("aria-label", "Dotted quarter notes a minute")
    expect(beats(page)).to_have_value(f"{usual:g}")
    assert page.evaluate("nonet.player.tempo") == usual * 1.5
    page.get_by_test_id("undo").click()  # the meter and its tempo are one step
    expect(page.locator("#meter input[value='4/4']")).to_be_checked()
    expect(beats(page)).to_have_value(f"{usual:g}")
    assert page.evaluate("nonet.player.tempo") == usual
    choose_meter(page, "9/8")
    expect(beats(page)).to_have_attribute("aria-label", "Dotted quarter notes a minute")
    beats(page).fill("73")
    beats(page).press("Enter")
    assert page.evaluate("nonet.player.tempo") == 73 * 1.5
    expect(page.get_by_label("Tempo")).to_have_attribute("aria-valuetext", "73 dotted quarter notes a minute")
    choose_meter(page, "3/4")
    expect(beats(page)).to_have_attribute("aria-label", "Quarter notes a minute")
    expect(beats(page)).to_have_value("109.5")  # as fast as before
    page.locator("#style input[value=chorale]").check(force=True)
    expect(page.locator(".voices select").first).to_have_value("organ")
    expect(beats(page)).to_have_value("109.5")
    composed(page)
    assert midi.read(download(page, "MIDI")).tempo == pytest.approx(109.5, abs=0.1)


def test_a_tempo_that_cannot_be_is_told_where_it_was_typed(visit):
    page = visit()
    before = page.evaluate("nonet.player.tempo")
    for wrong in ("12", "301", ""):
        beats(page).fill(wrong)
        beats(page).blur()
        expect(problem(page, "tempo")).to_have_text("Choose a tempo from 20 to 300 quarter notes a minute.")
        expect(beats(page)).to_have_attribute("aria-invalid", "true")
        expect(beats(page)).to_have_value(wrong)
    assert page.evaluate("nonet.player.tempo") == before
    beats(page).fill("144")
    expect(problem(page, "tempo")).to_have_count(0)
    beats(page).press("Enter")
    assert page.evaluate("nonet.player.tempo") == 144


# ---- lists and groups --------------------------------------------------------------------------------------------


def test_the_examples_are_a_native_list_that_no_focus_opens(visit):
    page = visit()
    page.wait_for_function("document.documentElement.dataset.ready !== undefined")
    page.wait_for_timeout(1000)  # what the page sets at first is set
    seed_field(page).focus()
    page.keyboard.press("Tab")
    example = page.get_by_label("Example")
    expect(example).to_be_focused()
    assert example.evaluate("field => field.tagName") == "SELECT"
    expect(page.get_by_role("listbox")).to_have_count(0)
    page.keyboard.press("ArrowDown")
    expect(example).to_have_value("A Mighty Fortress")
    expect(seed_field(page)).to_have_value("R:3 D5 | D5 D5 A4:0.5 B4:0.5 C#5 | D5:0.5 C#5:0.5 B4 A4")
    page.wait_for_timeout(1100)  # what comes sooner is the same step of undo
    write_seed(page, "C5")
    expect(example).to_have_value("")  # the notes are one's own
    page.get_by_test_id("undo").click()
    expect(example).to_have_value("A Mighty Fortress")


def test_a_radio_group_is_one_stop_of_tab_and_arrows_switch_it(visit):
    page = visit()
    fix_random_seed(page, 1)
    for name, next_one in (("Style", "dance"), ("Meter", "6/8")):
        group = page.get_by_role("radiogroup", name=name)
        expect(group).to_have_count(1)
        names = group.locator("input").evaluate_all("inputs => inputs.map(input => input.name)")
        assert len(set(names)) == 1
        group.locator("input:checked").focus()
        page.keyboard.press("ArrowRight")
        expect(group.locator(f"input[value='{next_one}']")).to_be_checked()
        expect(group.locator(f"input[value='{next_one}']")).to_be_focused()
        expect(group.locator("label.selected")).to_have_count(1)
        here = page.evaluate(FOCUSED)
        page.keyboard.press("Tab")
        assert page.evaluate(FOCUSED) != here
        page.keyboard.press("Shift+Tab")
        expect(group.locator("input:checked")).to_be_focused()
        page.keyboard.press("Shift+Tab")
        assert page.evaluate(FOCUSED) != here
    expect(roll(page)).to_have_attribute("data-steps", str(8 * 12))
    assert page.evaluate("nonet.work.settings.style") == "dance"
