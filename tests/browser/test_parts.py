"""A file of several parts: what was kept is told, and another part can be the tune, in Chromium."""

from midis import file_of, tune
from playwright.sync_api import expect


def test_the_visitor_is_told_what_was_kept_and_can_choose_another_tune(visit):
    page = visit()
    chords = [(pitch, beat, beat + 2) for beat in (0, 2, 4, 6) for pitch in (55, 59, 62)]
    data = file_of(("Voice", 0, tune([74, 71, 67, 62, 64, 67, 72, 71])), ("<b>Organ</b>", 1, chords))
    page.locator("input[type=file]").set_input_files({"name": "song.mid", "mimeType": "audio/midi", "buffer": data})
    expect(page.get_by_test_id("kept")).to_contain_text("he tune is Voice, below it <b>Organ</b>")
    top = "nonet.views.compose.sheet.rows.filter(row => row[0] === 0).map(row => row[1])"
    assert page.evaluate(top) == [74, 71, 67, 62, 64, 67, 72, 71]
    expect(page.get_by_test_id("tune").locator("option:checked")).to_have_text("Voice")
    page.get_by_test_id("tune").select_option("<b>Organ</b>")
    expect(page.get_by_test_id("kept")).to_contain_text("he tune is <b>Organ</b>")
    assert page.evaluate(top) == [62] * 4
    page.get_by_test_id("tune").select_option("Voice")
    expect(page.get_by_test_id("kept")).to_contain_text("he tune is Voice")
    assert len(page.evaluate(top)) == 8
