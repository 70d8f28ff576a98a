"""Files as scores: what they carry, what they are called, where they begin; in Chromium."""

from xml.etree import ElementTree

import pytest
from playwright.sync_api import expect
from visitor import composed, data, download, in_state, in_words, roll, upload, write_seed

from musicgen.io import midi, notation, pngtext
from musicgen.io.seeds import from_file
from musicgen.score import REST, Note, Score, from_notes


@pytest.fixture
def arrive(visit):
    """Opens the page with two notes in two bars."""

    def opened(**options):
        page = visit(path="?notes=C5%20D5&bars=2", **options)
        expect(roll(page)).to_have_attribute("data-notes", "2")
        return page

    return opened


def test_a_damaged_picture_is_told_at_the_upload_and_nothing_is_lost(arrive):
    page = arrive()
    composed(page)
    piece, file = in_words(page), download(page, "PNG")
    at = file.index(b"#piece=1") + 60
    upload(page, "a.png", file[:at] + b"AAAA" + file[at + 4 :])
    problem = page.get_by_test_id("problem")
    expect(problem).to_contain_text("The piece in this file cannot be read")
    expect(problem).to_have_attribute("data-field", "upload")
    assert in_words(page) == piece
    upload(page, "a.png", file)
    in_state(page, "done")
    expect(problem).to_have_count(0)


# ---- an upbeat, a title, an author; a voice that is missing --------------------------------------------------------

LINES = {0: (67, 72, 71, 72), 2: (55, 60, 62, 60), 3: (48, 48, 43, 48)}  # by voice


def hymn() -> Score:
    """An upbeat, two bars, and no alto."""
    times = ((12, 4), (16, 8), (24, 8), (32, 16))
    notes = [Note(v, pitch, *time) for v, line in LINES.items() for pitch, time in zip(line, times)]
    return Score(from_notes(notes, 48), tempo=90, upbeat=4, title="Ode <b>&</b> Joy", author="B. Künneke")


def strangers(score: Score) -> bytes:
    """As another program writes it, with one part less."""
    data = notation.write(score).replace(b"nonet-style", b"other")
    root = ElementTree.fromstring(data)
    root.remove(root.findall("part")[1])
    listed = root.find("part-list")
    listed.remove(listed.findall("score-part")[1])
    return ElementTree.tostring(root)


def test_a_hymn_without_its_alto_keeps_upbeat_title_and_author_everywhere(arrive, visit):
    page, score = arrive(), hymn()
    upload(page, "hymn.musicxml", strangers(score))
    question = page.get_by_test_id("question")
    expect(question).to_have_text("hymn.musicxml fills 3 bars; its alto is empty. What do you want to do with it?")
    offered = page.get_by_role("group", name="What to do with the file").get_by_role("button")
    asked = [name for name in offered.all_inner_texts() if name]
    assert asked[:3] == ["Compose the missing alto", "Keep its top voice: harmonise", "Keep all: continue"]
    title = page.locator("#stage .title")
    expect(title).to_have_text(f"{score.called} · Seed · chorale · 3 bars of 4/4 with the upbeat to fill")
    page.get_by_test_id("ask-fill").click()
    in_state(page, "done")
    expect(question).to_be_hidden()
    expect(title).to_contain_text(f"{score.called} · ")
    assert title.locator("b").count() == 0

    # The files hold what was given, the alto and all that is known of it.
    made = from_file("a.mid", download(page, "MIDI")).canvas.score
    assert (made.upbeat, made.title, made.author, made.bars) == (4, score.title, score.author, 3)
    assert (made.cells[:, [0, 2, 3]] == score.cells[:, [0, 2, 3]]).all() and (made.cells[12:, 1] >= 0).any()
    sheet = download(page, "MusicXML")
    assert from_file("a.musicxml", sheet).canvas.score == made
    creators = {c.get("type"): c.text for c in ElementTree.fromstring(sheet).iter("creator")}
    assert creators["composer"] == score.author and creators["arranger"].startswith("completed with Nonet (")
    picture = download(page, "PNG")
    assert {score.title, score.author} <= {*pngtext.texts(picture)}

    # The bars are numbered as on paper, and the silence before the upbeat is not played.
    piece = in_words(page)
    values = "items => items.map(item => item.value)"
    assert page.locator(".note-list li").evaluate_all(values) == [0, 1, 2]
    page.get_by_role("button", name="Back to the start").click()
    assert data(page, "position") == 12
    expect(page.get_by_test_id("clock")).to_contain_text("0:06")  # nine beats, at 90 a minute

    # A link, a picture and the text show the same.
    fragment = page.get_by_test_id("copy-link").get_attribute("data-link").split("#")[1]
    other = visit(path="#" + fragment)
    in_state(other, "done")
    assert in_words(other) == piece
    expect(other.locator("#stage .title")).to_have_text(title.inner_text())
    fresh = visit()
    upload(fresh, "a.png", picture)
    in_state(fresh, "done")
    assert in_words(fresh) == piece
    typed = visit(path="?bars=4")  # one bar is left to compose
    write_seed(typed, piece)
    expect(roll(typed)).to_have_attribute("data-notes", str(len(made.notes())))
    same = piece.replace("(given) ", "").replace("(composed) ", "")
    assert in_words(typed).replace("(given) ", "").startswith(same)


def test_the_first_bar_is_composed_again_without_what_is_not_there(arrive):
    page = arrive()
    upload(page, "hymn.musicxml", strangers(hymn()))
    page.get_by_test_id("ask-continue").click()
    in_state(page, "done")
    page.get_by_role("button", name="Pause").click()
    roll(page).focus()
    page.keyboard.press("Home")
    page.keyboard.press("Shift+PageUp")
    expect(page.get_by_test_id("selection")).to_have_text("Bar 0, all voices")
    page.get_by_test_id("again").click()
    in_state(page, "done")
    made = from_file("a.mid", download(page, "MIDI")).canvas.score
    assert made.upbeat == 4 and made.bars == 7 and (made.cells[:12] == REST).all()


def test_a_tune_alone_is_harmonised_and_a_dance_continued(arrive):
    page = arrive()
    upload(page, "tune.mid", midi.write(hymn().only(0)))
    page.wait_for_function("document.querySelector('[data-testid=question]').textContent.includes('tune.mid')")
    expect(page.get_by_test_id("ask-fill")).to_be_hidden()
    expect(page.get_by_test_id("ask-harmonise")).to_have_text("Harmonise its tune")
    jig = Score(from_notes([Note(0, 74, 0, 6), Note(0, 76, 6, 6)], 12), "dance", "6/8", 165)
    upload(page, "jig.mid", midi.write(jig))
    expect(page.get_by_test_id("question")).to_contain_text("jig.mid fills 1 bar.")
    expect(page.get_by_test_id("ask-harmonise")).to_be_hidden()
    expect(page.get_by_test_id("ask-continue")).to_be_visible()
