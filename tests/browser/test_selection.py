"""What is selected, composed again, harmonised or stopped, and what is said of it, in Chromium."""

import re

import pytest
from playwright.sync_api import expect
from visitor import (
    composed,
    data,
    fix_random_seed,
    generate,
    in_state,
    playing,
    problem,
    roll,
    set_length,
    write_seed,
)

PHONE = {"has_touch": True, "is_mobile": True, "viewport": {"width": 390, "height": 844}}


@pytest.fixture
def finished(visit):
    """Opens the page with a piece that was just composed, as still as it was before."""

    def opened(bars: int = 4, **options):
        page = visit(**options)
        write_seed(page, "C5 D5")
        set_length(page, bars)
        expect(roll(page)).to_have_attribute("data-notes", "2")
        fix_random_seed(page, 3)
        composed(page)
        page.get_by_role("button", name="Pause").click()
        roll(page).scroll_into_view_if_needed()
        return page

    return opened


def selection(page):
    return page.get_by_test_id("selection")


def status(page):
    return page.get_by_test_id("status")


def bar_at(page, bar: int) -> tuple[float, float]:
    """A point in the middle of a bar, counted from 1, of a roll that has one system, among the bar numbers."""
    box = roll(page).bounding_box()
    bars = data(page, "steps") / 16
    return box["x"] + 38 + (box["width"] - 48) * (bar - 0.5) / bars, box["y"] + 8


def select_bars(page, first: int, last: int):
    page.mouse.move(*bar_at(page, first))
    page.mouse.down()
    x, y = bar_at(page, last)
    page.mouse.move(x + 12, y, steps=4)
    page.mouse.up()


def rest_a_finger(page, x: float, y: float):
    touch = page.context.new_cdp_session(page)
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    expect(selection(page)).to_be_visible()
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def nothing_is_selected(page):
    expect(selection(page)).to_be_hidden()
    assert page.evaluate("[nonet.player.loop, nonet.views.compose.sheet.roll.region]") == [None, None]


# ---- selected, and no longer -------------------------------------------------------------------------------------


def test_a_selection_on_the_ruler_is_undone_by_its_own_button(finished):
    page = finished()
    select_bars(page, 2, 3)
    expect(selection(page)).to_have_text("Bars 2–3, all voices")
    page.get_by_role("button", name="Loop").click()
    playing(page)
    assert page.evaluate("nonet.player.loop.from") == 16
    page.get_by_test_id("select-nothing").click()
    nothing_is_selected(page)
    expect(roll(page)).to_be_focused()
    select_bars(page, 1, 1)
    page.get_by_role("button", name="Keep", exact=True).focus()
    page.keyboard.press("Escape")
    nothing_is_selected(page)


def test_a_finger_that_rests_selects_and_a_tap_selects_nothing(finished):
    page = finished(**PHONE)
    box = roll(page).bounding_box()
    rest_a_finger(page, box["x"] + 120, box["y"] + 60)
    expect(selection(page)).to_have_text(re.compile("^Bar [12], all voices"))
    button = page.get_by_test_id("select-nothing")
    x, y = button.evaluate(
        "b => { const r = b.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; }"
    )
    assert page.evaluate("([x, y]) => document.elementFromPoint(x, y).closest('button')?.dataset.testid", [x, y]) == (
        "select-nothing"
    )  # above the bar at the bottom edge, as it stands now
    page.touchscreen.tap(x, y)
    nothing_is_selected(page)


# ---- what is said of a run ---------------------------------------------------------------------------------------


def test_two_bars_composed_again_are_told_as_two(finished):
    page = finished(bars=6)
    expect(status(page)).to_contain_text("Composed 6 bars in")
    select_bars(page, 2, 3)
    page.get_by_test_id("again").click()
    expect(page.get_by_test_id("take")).to_have_count(2)
    in_state(page, "done")
    expect(status(page)).to_contain_text("Composed 2 bars in")
    page.get_by_test_id("continue").click()
    expect(page.get_by_test_id("take")).to_have_count(3)
    in_state(page, "done")
    expect(status(page)).to_contain_text("Composed 4 bars in")


@pytest.mark.parametrize(
    ("name", "words"), [("cnn", "Stopped after .* s: 32 bars not finished"), ("gru", "Stopped after [2-9] bars? in")]
)
def test_a_run_that_is_stopped_says_how_far_it_came(visit, slow_address, name, words):
    page = visit(path=f"?model={name}&notes=C5&bars=32", at=slow_address)
    generate(page)
    page.wait_for_function(
        "nonet.views.compose.sheet.until > 16 && +document.querySelector('[data-testid=roll]').dataset.notes > 12"
    )
    page.get_by_role("button", name="Stop", exact=True).click()
    in_state(page, "stopped")
    expect(status(page)).to_have_text(re.compile(words))
    expect(page.locator("#bars input[type=number]")).to_have_value("32")  # to be asked for again


# ---- a dance's tune ----------------------------------------------------------------------------------------------


def test_a_dance_is_harmonised_as_a_chorale_once_that_is_chosen(visit):
    page = visit(path="?style=dance&meter=6/8&notes=D4:0.5%20F4:0.5%20A4:0.5%20D5:0.5%20F5:0.5%20A5:0.5&bars=4")
    composed(page)
    page.get_by_test_id("harmonise").click()
    expect(problem(page, "style")).to_contain_text("Choose Chorale to harmonise its tune")
    tune = page.evaluate("nonet.views.compose.sheet.rows.map(([voice, pitch, start]) => [start, pitch])")
    page.locator("#style input[value=chorale]").check(force=True)
    page.get_by_test_id("harmonise").click()
    expect(page.get_by_test_id("take")).to_have_count(2)
    in_state(page, "done")
    rows = page.evaluate("nonet.views.compose.sheet.rows")
    kept = [[start, pitch] for voice, pitch, start, _, _ in rows if voice == 0]
    assert [start for start, _ in kept] == [start for start, _ in tune]
    assert all((now - before) % 12 == 0 and 57 <= now <= 81 for (_, now), (_, before) in zip(kept, tune))
    assert {row[0] for row in rows} == {0, 1, 2, 3}
    assert page.evaluate("nonet.views.compose.sheet.piece.meter") == "6/8"
    if kept != tune:
        expect(status(page)).to_contain_text("moved")
    assert composed(page) > 0
