"""The piece on paper: what is printed, and how it looks there, in Chromium."""

import io
import re
import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect
from visitor import composed, set_length, write_seed

PAPERS = {"A4": (794, 1123), "Letter": (816, 1056)}  # px at 96 a inch
MARGIN = 45  # px, 12 mm


def on_paper(page):
    page.emulate_media(media="print", color_scheme="dark", reduced_motion="reduce")
    expect(page.locator("#print h1")).to_be_visible()
    return page.locator("#print")


def picture_of(line) -> np.ndarray:
    """(height, width, 3)"""
    return np.asarray(Image.open(io.BytesIO(line.screenshot())).convert("RGB"))


@pytest.mark.parametrize("bars", [8, 32])
def test_the_piece_is_printed_and_nothing_else(visit, bars):
    page = visit()
    set_length(page, bars)
    composed(page)
    page.get_by_label("Dark page").click()
    sheet = on_paper(page)
    for other in ("button", "input", "select", "textarea", ".gradio-container"):
        expect(page.locator(f"{other}:visible")).to_have_count(0)
    words = sheet.inner_text()
    assert re.search(rf"^Nonet · chorale · {bars} bars of 4/4\s+Composed by .+ with Nonet, random seed \d+\s", words)
    link = page.get_by_test_id("copy-link").get_attribute("data-link")
    assert sheet.locator("a").get_attribute("href") == link
    assert link in words

    lines = sheet.locator(".line")
    expect(lines).to_have_count(bars // 8)
    for line in lines.all():  # each is drawn, and as high as it takes to read it
        assert line.bounding_box()["height"] > 150
        assert len(np.unique(picture_of(line).reshape(-1, 3), axis=0)) > 4
    for paper, (width, height) in PAPERS.items():  # all of it on one sheet
        page.set_viewport_size({"width": width - 2 * MARGIN, "height": height - 2 * MARGIN})
        box = sheet.bounding_box()
        assert box["x"] >= 0 and box["width"] <= width - 2 * MARGIN, paper
        assert box["y"] + box["height"] <= height - 2 * MARGIN, paper


def test_a_dark_page_is_printed_dark_on_light_and_sharp(visit):
    page = visit()
    composed(page)
    page.get_by_label("Dark page").click()
    page.set_viewport_size({"width": PAPERS["A4"][0] - 2 * MARGIN, "height": 1000})
    sheet = on_paper(page)
    line = sheet.locator(".line").first
    assert line.evaluate("line => line.width / line.getBoundingClientRect().width") >= 2.5  # dots a px
    shown = picture_of(line)
    assert np.median(shown) > 230
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    used = {tuple(pixel) for pixel in shown.reshape(-1, 3).tolist()}
    assert {(0xCA, 0x59, 0x00), (0x00, 0x55, 0x85)} <= used  # soprano and bass as in the light


def test_a_seed_alone_is_printed_as_one(visit):
    page = visit()
    assert "Seed notes, to be completed with Nonet" in on_paper(page).inner_text()
    expect(page.locator("#print a")).to_have_count(0)


def test_the_other_views_print_the_answer_that_is_chosen(visit):
    page = visit()
    write_seed(page, "C5 D5")
    set_length(page, 2)
    page.get_by_role("tab", name="Compare").click()
    page.get_by_role("button", name="Compare all").click()
    expect(page.get_by_test_id("rows")).to_have_attribute("data-state", "done")
    row = page.locator("[data-testid=row][data-state=done]").nth(1)
    row.get_by_role("button", name=re.compile("^Play")).click()
    name = row.locator(".name").inner_text()
    assert f"Composed by {name} with Nonet" in on_paper(page).inner_text()


@pytest.mark.skipif(not shutil.which("pdftotext"), reason="there is no pdftotext here")
@pytest.mark.parametrize("paper", PAPERS)
def test_as_a_document_it_is_one_page_of_text_that_can_be_searched(visit, paper):
    page = visit()
    set_length(page, 32)
    composed(page)
    data = page.pdf(format=paper)
    told = subprocess.run(["pdftotext", "-layout", "-", "-"], input=data, capture_output=True, check=True)
    text = told.stdout.decode()
    pages = text.rstrip("\f").split("\f")
    assert len(pages) == 1, text
    assert "32 bars of 4/4" in pages[0] and "Composed by" in pages[0] and "#piece=" in pages[0]
    assert "Generate" not in text
