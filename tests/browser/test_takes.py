"""Three takes side by side, Back and Forward, recipes in files, what is to become of a file; in Chromium."""

import io
import zipfile

import pytest
from playwright.sync_api import expect
from visitor import composed, data, download, in_state, in_words, playing, roll, seed_field, upload

from musicgen import checkpoint
from musicgen.io import midi
from musicgen.score import Note, Score, from_notes

MODELS = len(checkpoint.available())


@pytest.fixture
def arrive(visit):
    """Opens the page with two notes in two bars."""

    def opened(**options):
        page = visit(path="?notes=C5%20D5&bars=2", **options)
        expect(roll(page)).to_have_attribute("data-notes", "2")
        return page

    return opened


def takes(page):
    return page.get_by_test_id("take")


def rows(page) -> list:
    read = "rows => rows.map(row => [row.dataset.model, row.dataset.state, row.dataset.notes])"
    return page.get_by_test_id("row").evaluate_all(read)


def returned(page):
    page.reload()
    expect(page.get_by_test_id("seed-message")).not_to_be_empty()


# ---- three takes -------------------------------------------------------------------------------------------------


def test_three_takes_stand_side_by_side_and_one_is_gone_on_from(arrive):
    page = arrive()
    page.get_by_test_id("three").click()
    playing(page)  # the first sounds while the others are composed
    trio, three = page.get_by_test_id("trio"), page.get_by_test_id("candidate")
    expect(trio).to_have_attribute("data-state", "done")
    expect(takes(page)).to_have_count(3)
    seeds = three.locator(".cost").all_inner_texts()
    assert len(set(seeds)) == 3
    page.get_by_role("button", name="Play Take 2", exact=True).click()
    expect(three.nth(1)).to_have_attribute("data-chosen", "true")
    page.get_by_role("button", name="Open this one: Take 2").click()
    expect(trio).to_be_hidden()
    expect(takes(page).nth(1)).to_have_attribute("data-current", "true")
    expect(page.get_by_test_id("status")).to_contain_text(seeds[1].rsplit(" ", 1)[1])
    page.go_back()
    expect(trio).to_be_visible()
    page.go_back()
    expect(roll(page)).to_have_attribute("data-notes", "2")


# ---- Back, Forward and Reload ------------------------------------------------------------------------------------


def test_back_and_forward_move_between_takes_and_views(arrive):
    page = arrive()
    composed(page)
    first = in_words(page)
    composed(page)
    second = in_words(page)
    page.get_by_role("tab", name="Compare").click()
    page.go_back()
    expect(page.get_by_role("tab", name="Compose")).to_have_attribute("aria-selected", "true")
    assert in_words(page) == second
    page.go_back()
    expect(takes(page).first).to_have_attribute("data-current", "true")
    assert in_words(page) == first
    page.go_back()
    in_state(page, "idle")
    page.go_forward()
    in_state(page, "done")
    assert in_words(page) == first
    returned(page)
    in_state(page, "done")
    assert in_words(page) == first and seed_field(page).input_value() == "C5 D5"


def test_a_reload_restores_the_answers_of_the_comparison(arrive):
    page = arrive()
    page.get_by_role("tab", name="Compare").click()
    page.get_by_role("button", name="Compare all").click()
    expect(page.get_by_test_id("rows")).to_have_attribute("data-state", "done")
    before = rows(page)
    returned(page)
    expect(page.get_by_test_id("rows-status")).to_contain_text(f"{MODELS} answers")
    assert rows(page) == before
    page.get_by_test_id("row").nth(1).get_by_role("button").first.click()
    playing(page)
    page.get_by_test_id("start-anew").click()
    expect(page.get_by_test_id("row").first).to_have_attribute("data-state", "idle")


def test_a_link_stays_in_the_address_until_one_goes_on(arrive, visit):
    page = arrive()
    composed(page)
    piece, fragment = in_words(page), page.get_by_test_id("copy-link").get_attribute("data-link").split("#")[1]
    other = visit(path="#" + fragment)
    in_state(other, "done")
    other.get_by_role("tab", name="Compare").click()
    other.go_back()
    assert other.url.endswith(fragment) and in_words(other) == piece
    other.evaluate("location.hash = '#piece=1broken'")
    expect(other.get_by_test_id("problem")).to_contain_text("cannot be read")
    assert in_words(other) == piece


# ---- files -------------------------------------------------------------------------------------------------------


def packed(score: bytes) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("score.musicxml", score)
    return data.getvalue()


@pytest.mark.parametrize(("title", "name"), [("MIDI", "a.mid"), ("MusicXML", "a.mxl"), ("PNG", "a.png")])
def test_a_file_offers_the_recipe_it_carries(arrive, visit, title, name):
    page = arrive()
    page.get_by_label("Tempo").fill("150")
    composed(page)
    piece, file = in_words(page), download(page, title)
    other = visit()
    upload(other, name, packed(file) if title == "MusicXML" else file)
    if title != "PNG":
        other.get_by_test_id("ask-recipe").click()
    in_state(other, "done")
    assert in_words(other) == piece
    expect(other.get_by_label("Tempo")).to_have_value("150")
    expect(seed_field(other)).to_have_value("C5 D5")
    expect(other.get_by_test_id("question")).to_be_hidden()


def test_who_brings_a_file_is_asked_what_is_to_become_of_it(arrive):
    page = arrive()
    notes = [Note(voice, (72, 48)[voice // 3], 4 * beat, 4) for beat in range(8) for voice in (0, 3)]
    upload(page, "tune.mid", midi.write(Score(from_notes(notes, 32))))
    expect(page.get_by_test_id("question")).to_contain_text("tune.mid fills 2 bars")
    expect(page.get_by_test_id("ask-recipe")).to_be_hidden()
    page.get_by_test_id("ask-harmonise").click()
    in_state(page, "done")
    expect(page.get_by_test_id("question")).to_be_hidden()
    assert data(page, "steps") == 32
    given = page.evaluate("nonet.views.compose.sheet.rows.filter(row => row[4]).map(row => row[0])")
    assert given == 8 * [0]


# ---- downloads ---------------------------------------------------------------------------------------------------


def test_while_more_is_composed_what_is_there_can_be_taken_and_what_is_opened_waits(visit, slow_address):
    page = visit(at=slow_address)
    page.get_by_role("button", name="Generate").click()
    page.wait_for_function("nonet.views.compose.sheet.until >= 16")
    assert midi.read(download(page, "MIDI")).parts
    upload(page, "tune.mid", midi.write(Score(from_notes([Note(0, 72, 0, 32)], 32))))
    expect(page.get_by_test_id("seed-message")).to_contain_text("as soon as this piece is composed")
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_test_id("question")).to_contain_text("tune.mid")
    expect(takes(page)).to_have_count(1)
    takes(page).first.locator(".face").click()
    piece, link = in_words(page), page.get_by_test_id("copy-link")
    expect(link).to_be_enabled()
    fragment = link.get_attribute("data-link").split("#")[1]
    page.get_by_role("button", name="Generate").click()
    page.wait_for_function("nonet.views.compose.sheet.until >= 16")
    page.evaluate("fragment => { location.hash = fragment; }", fragment)
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_test_id("status")).to_contain_text("Composed by")
    assert in_words(page) == piece
    expect(takes(page)).to_have_count(3)
