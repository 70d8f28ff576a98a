"""Takes, undo, links, and work on the piece, in Chromium with the trained models that are shipped."""

import json
import re
from itertools import pairwise

import pytest
from playwright.sync_api import expect
from visitor import (
    composed,
    data,
    download,
    fix_random_seed,
    generate,
    in_state,
    in_words,
    playing,
    problem,
    roll,
    seed_field,
    set_length,
    shuts_nobody_out,
    write_seed,
)

from musicgen import checkpoint
from musicgen.io import midi
from musicgen.score import Note, Score, from_notes

CHORD = (72, 67, 64, 48)


@pytest.fixture
def arrive(visit):
    """Opens the page with a short seed, two bars and a random seed that stays."""

    def opened(**options):
        page = visit(**options)
        write_seed(page, "C5 D5")
        set_length(page, 2)
        expect(roll(page)).to_have_attribute("data-notes", "2")
        fix_random_seed(page, 3)
        return page

    return opened


def takes(page):
    return page.get_by_test_id("take")


def reseeded(page, number: int) -> str:
    page.get_by_label("Random seed", exact=True).fill(str(number))
    composed(page)
    return in_words(page)


def settled(page):
    """What the page keeps is written a little after it has changed."""
    page.evaluate("nonet.work.keep()")


def given_file(page, bars: int = 2, voices=range(4)):
    notes = [Note(voice, CHORD[voice], 4 * beat, 4) for beat in range(4 * bars) for voice in voices]
    data = midi.write(Score(from_notes(notes, 16 * bars)))
    page.locator("input[type=file]").set_input_files({"name": "tune.mid", "mimeType": "audio/midi", "buffer": data})
    expect(page.get_by_test_id("seed-message")).to_contain_text("Seed from tune.mid")
    expect(roll(page)).to_have_attribute("data-notes", str(4 * bars * len(list(voices))))


def cells(page) -> set[tuple]:
    return {tuple(row[:4]) for row in page.evaluate("nonet.views.compose.sheet.rows")}


# ---- takes -------------------------------------------------------------------------------------------------------


def test_every_result_is_kept_and_can_be_shown_again(arrive):
    page = arrive()
    first, second = reseeded(page, 1), reseeded(page, 2)
    assert first != second
    expect(takes(page)).to_have_count(2)
    expect(takes(page).nth(1)).to_have_attribute("data-notes", str(int(data(page, "notes"))))
    takes(page).first.click()
    expect(takes(page).first).to_have_attribute("data-current", "true")
    assert in_words(page) == first
    takes(page).nth(1).click()
    assert in_words(page) == second


def test_another_take_goes_on_at_the_same_instant(arrive):
    page = arrive()
    for number in (1, 2):
        reseeded(page, number)
    page.get_by_label("Tempo").fill("40")
    page.evaluate("nonet.player.pause()")  # a take that plays is paused by its own button
    page.get_by_role("button", name="Back to the start").click()
    page.get_by_role("button", name="Play take 2").click()
    playing(page)
    page.wait_for_function("nonet.player.position > 1")
    before = page.evaluate("[nonet.player.position, nonet.player.context.currentTime]")
    takes(page).first.click()
    after = page.evaluate("[nonet.player.position, nonet.player.context.currentTime, nonet.player.state]")
    assert after[2] == "playing" and before[0] <= after[0] < before[0] + 12 * (after[1] - before[1]) + 0.5


def test_a_take_is_starred_deleted_and_restored(arrive):
    page = arrive()
    composed(page)
    page.get_by_role("button", name="Star take 1").click()
    expect(page.get_by_role("button", name="Star take 1")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Delete take 1").click()
    expect(takes(page)).to_have_count(0)
    expect(page.get_by_role("button", name="Restore it")).to_be_focused()
    page.get_by_role("button", name="Restore it").click()
    expect(takes(page)).to_have_count(1)
    expect(page.get_by_role("button", name="Star take 1")).to_have_attribute("aria-pressed", "true")


# ---- there and back ----------------------------------------------------------------------------------------------


def test_undo_and_redo_of_text_and_pieces(arrive):
    page = arrive()
    undo, redo = page.get_by_test_id("undo"), page.get_by_test_id("redo")
    composed(page)
    piece = in_words(page)
    page.get_by_role("button", name="Clear").click()
    expect(seed_field(page)).to_have_value("")
    undo.click()
    expect(seed_field(page)).to_have_value("C5 D5")
    assert in_words(page) == piece
    undo.click()
    in_state(page, "idle")
    expect(roll(page)).to_have_attribute("data-notes", "2")
    redo.click()
    in_state(page, "done")
    assert in_words(page) == piece
    redo.click()
    expect(seed_field(page)).to_have_value("")
    expect(redo).to_be_disabled()
    page.keyboard.press("Control+z")
    expect(seed_field(page)).to_have_value("C5 D5")


def test_the_work_is_there_again_after_a_reload(arrive):
    page = arrive()
    composed(page)
    piece = in_words(page)
    page.reload()
    in_state(page, "done")
    assert in_words(page) == piece
    expect(seed_field(page)).to_have_value("C5 D5")
    expect(page.locator("#bars input[type=number]")).to_have_value("2")
    expect(takes(page)).to_have_count(1)
    page.get_by_test_id("start-anew").click()
    in_state(page, "idle")
    expect(seed_field(page)).not_to_have_value("C5 D5")
    expect(takes(page)).to_have_count(1)


# ---- a link is the piece -----------------------------------------------------------------------------------------


def test_a_link_shows_and_plays_the_same_notes_elsewhere(arrive, visit):
    page = arrive()
    page.get_by_label("Tempo").fill("150")
    composed(page)
    piece = in_words(page)
    copy = page.get_by_test_id("copy-link")
    expect(copy).to_have_attribute("data-link", re.compile("#piece="))
    link = copy.get_attribute("data-link")
    assert len(link) < 4000
    other = visit(path="#" + link.split("#")[1])
    in_state(other, "done")
    assert in_words(other) == piece
    expect(other.get_by_test_id("status")).to_contain_text("Composed by")
    expect(other.get_by_label("Tempo")).to_have_value("150")
    expect(seed_field(other)).to_have_value("C5 D5")
    expect(other.locator("#bars input[type=number]")).to_have_value("2")
    if other.evaluate("document.documentElement.dataset.sound") != "playing":
        other.get_by_role("button", name="Play", exact=True).click()
    other.wait_for_function("handed.length > 0")
    assert download(other, "MIDI").startswith(b"MThd")
    other.get_by_label("Tempo").fill("300")
    composed(other)


def test_a_broken_link_is_told_and_ignored(visit):
    page = visit(path="#piece=1abc")
    expect(page.get_by_test_id("problem")).to_contain_text("cannot be read")
    in_state(page, "idle")
    assert data(page, "notes") > 0


def test_the_address_sets_the_page(visit):
    name = checkpoint.available()[-1]
    page = visit(path=f"?model={name}&style=dance&notes=A4%20B4&bars=3&meter=7/8")
    expect(seed_field(page)).to_have_value("A4 B4")
    expect(page.locator("#style input[value=dance]")).to_be_checked()
    expect(page.locator(f"input[name=architecture][value={name}]")).to_be_checked()
    expect(roll(page)).to_have_attribute("data-steps", "48")
    page.reload(wait_until="commit")
    page.wait_for_function("document.documentElement?.dataset.ready !== undefined")
    page.get_by_test_id("edit").click()  # before the server has told of the seed
    expect(page.get_by_test_id("edit")).to_have_attribute("aria-pressed", "true")
    expect(roll(page)).to_have_attribute("data-steps", "48")
    expect(page.get_by_test_id("edit")).to_have_attribute("aria-pressed", "true")


# ---- work on the piece -------------------------------------------------------------------------------------------


def test_a_bar_of_two_voices_is_composed_again_and_all_else_stays(arrive):
    page = arrive()
    composed(page)
    before = cells(page)
    roll(page).focus()
    page.keyboard.press("Home")
    page.keyboard.press("PageUp")
    page.keyboard.press("Shift+PageUp")
    for voice in ("soprano", "bass"):
        page.get_by_role("button", name=f"Select {voice}").click()
    expect(page.get_by_test_id("selection")).to_have_text("Bar 2, alto and tenor")
    page.get_by_test_id("again").click()
    expect(takes(page)).to_have_count(2)
    in_state(page, "done")
    kept = {note for note in before if note[0] in (0, 3) or note[2] + note[3] <= 16}
    assert kept <= cells(page)


def test_bars_are_selected_on_the_ruler_and_looped(arrive):
    page = arrive()
    composed(page)
    page.get_by_role("button", name="Pause").click()
    roll(page).scroll_into_view_if_needed()
    box = roll(page).bounding_box()
    middle = box["x"] + 38 + (box["width"] - 48) / 2
    page.mouse.move(middle + 30, box["y"] + 8)
    page.mouse.down()
    page.mouse.move(middle + 90, box["y"] + 12, steps=3)
    page.mouse.up()
    expect(page.get_by_test_id("selection")).to_have_text("Bar 2, all voices")
    page.get_by_label("Tempo").fill("300")
    page.get_by_role("button", name="Loop").click()
    playing(page)
    places = page.evaluate("""async () => {
        const found = [];
        for (let i = 0; i < 60; i++) {
          await new Promise(done => setTimeout(done, 40));
          found.push(nonet.player.position);
        }
        return found;
    }""")
    assert min(places) >= 16 and any(b < a for a, b in pairwise(places))


def test_harmonise_keeps_the_tune_over_its_own_length(arrive):
    page = arrive()
    write_seed(page, "C5 D5 E5 F5 G5:4")
    set_length(page, 5)
    expect(roll(page)).to_have_attribute("data-steps", "80")
    page.get_by_test_id("harmonise").click()
    in_state(page, "done")
    assert data(page, "steps") == 32
    tune = sorted(note for note in cells(page) if note[0] == 0)
    assert [note[1] for note in tune] == [72, 74, 76, 77, 79]
    assert {note[0] for note in cells(page)} == {0, 1, 2, 3}


def test_continue_keeps_the_piece_and_adds_bars(arrive):
    page = arrive()
    composed(page)
    before = cells(page)
    page.get_by_test_id("continue").click()
    expect(takes(page)).to_have_count(2)
    in_state(page, "done")
    assert data(page, "steps") == 96
    cut = {(voice, pitch, start, min(length, 32 - start)) for voice, pitch, start, length in cells(page) if start < 32}
    assert cut == before  # what sounds at its end may be held over the bar line


def test_what_is_kept_and_freed_holds_for_generate(arrive):
    page = arrive()
    composed(page)
    before = cells(page)
    page.get_by_role("button", name="Select bass").click()
    page.get_by_role("button", name="Free", exact=True).click()
    expect(page.get_by_test_id("seed-message")).to_contain_text("Seed from the roll")
    assert composed(page) > 0
    expect(takes(page)).to_have_count(2)
    assert {note for note in before if note[0] < 3} <= cells(page)
    page.get_by_role("button", name="Remove the roll").click()
    expect(page.get_by_test_id("seed-message")).not_to_contain_text("Seed from")


def test_a_file_keeps_its_length_and_is_continued_or_harmonised(arrive):
    page = arrive()
    given_file(page)
    assert data(page, "steps") == 32
    expect(page.get_by_test_id("seed-message")).to_contain_text("Harmonise")
    page.get_by_test_id("harmonise").click()
    in_state(page, "done")
    assert data(page, "steps") == 32 and sum(note[0] == 0 for note in cells(page)) == 8


def test_a_dance_has_nothing_to_harmonise_and_says_so(visit):
    page = visit(path="?style=dance&notes=A4%20B4&bars=2")
    page.get_by_test_id("harmonise").click()
    expect(problem(page, "style")).to_contain_text("one voice")


def test_music_that_is_none_is_refused_by_the_server(arrive):
    page = arrive()
    page.evaluate("""() => {
        nonet.work.given = {style: "chorale", meter: "4/4", tempo: 80, steps: 16, notes: [[0, 200, 0, 4]], fixed: []};
    }""")
    generate(page)
    expect(problem(page, "upload")).to_contain_text("a note lies outside")


def test_choosing_an_example_leaves_the_finished_piece_alone(arrive):
    page = arrive()
    page.get_by_label("Tempo").fill("133")
    composed(page)
    page.get_by_label("Example").select_option("Greensleeves")
    expect(page.locator("#style input[value=dance]")).to_be_checked()
    expect(page.get_by_label("Tempo")).to_have_value("133")
    assert page.evaluate("nonet.player.tempo") == 133
    assert midi.read(download(page, "MIDI")).tempo == pytest.approx(133, abs=0.5)


# ---- for everybody -----------------------------------------------------------------------------------------------


def test_nobody_is_shut_out(arrive):
    page = arrive()
    for _ in range(3):
        composed(page)
    page.get_by_role("button", name="Select alto").click()
    page.get_by_role("button", name="Star take 1").click()
    page.get_by_role("button", name="Delete take 2").click()
    page.get_by_role("button", name="Mute bass").click()
    page.get_by_test_id("edit").click()
    given_file(page)
    expect(page.get_by_test_id("question")).to_be_visible()
    shuts_nobody_out(page)


def test_what_the_browser_has_kept_is_not_trusted(visit):
    page = visit()
    page.evaluate("nonet.work.keep = () => {}")
    page.evaluate(
        "kept => localStorage.setItem('nonet-work', kept)", json.dumps({"takes": [{"id": 1}, None], "shown": 1})
    )
    page.reload()
    expect(page.get_by_test_id("seed-message")).not_to_be_empty()
    assert data(page, "notes") > 0
