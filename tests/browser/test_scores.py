"""Files as scores: what they carry, what they are called, where they begin; in Chromium."""

import pytest
from playwright.sync_api import expect
from visitor import composed, download, in_state, in_words, roll, upload


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
