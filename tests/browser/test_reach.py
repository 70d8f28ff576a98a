"""What is in view and what keys reach, on screens of every size, in Chromium."""

import pytest
from playwright.sync_api import expect
from visitor import composed, data, fix_random_seed, roll, set_length

SIZES = [(1440, 900), (1366, 650), (1280, 720), (1024, 600), (768, 1024), (390, 844), (390, 500)]
MOST = 140  # stops of Tab
HERE = """() => {  // what has the focus, and what covers its middle
    const field = document.activeElement;
    if (!field || field === document.body) return null;
    const {x, y, width, height} = field.getBoundingClientRect();
    const middle = (from, size, most) => (Math.max(0, from) + Math.min(most, from + size)) / 2;
    const at = [middle(x, width, innerWidth), middle(y, height, innerHeight)];
    const top = document.elementFromPoint(...at), label = field.closest("label");
    const free = top && (field.contains(top) || top.contains(field) && top !== document.body || label?.contains(top));
    const seen = at[1] > 0 && at[1] < innerHeight && at[0] > 0 && at[0] < innerWidth;
    const name = (field.id || field.ariaLabel || field.textContent || field.tagName).trim().slice(0, 60);
    return {name, covered: !free || !seen, by: top?.outerHTML.slice(0, 100) ?? ""};
}"""
IN_VIEW = """selectors => selectors.filter(selector => {  // those not wholly in view and above Generate, or covered
    const field = document.querySelector(selector), actions = document.querySelector("#actions");
    const {left, right, top, bottom} = field.getBoundingClientRect(), y = (top + bottom) / 2;
    const edge = actions.contains(field) ? innerHeight : actions.getBoundingClientRect().top;
    if (top < 0 || bottom > edge) return true;
    return [left + 3, (left + right) / 2, right - 3].some(x => {
        const there = document.elementFromPoint(x, y);
        return !there || !(field.contains(there) || there.contains(field) && !there.matches("body, html, #desk"));
    });
})"""
MAIN = [
    "#cards .grid", "#style .wrap:not(.hide)", "#bars input[type=number]", "#bars input[type=range]", "#bars button",
    "#temperature input[type=number]", "#temperature input[type=range]", "#temperature button", "#generate", "#stop",
]  # fmt: skip


@pytest.mark.parametrize(("width", "height"), [(1366, 650), (1280, 720), (1440, 900)])
def test_the_main_settings_are_in_view_with_generate(visit, width, height):
    page = visit(viewport={"width": width, "height": height})
    for name in ("Chorale", "Dance"):
        page.get_by_label(name).check(force=True)
        for card in page.locator("#cards input").all():  # each with its own sentence
            card.check(force=True)
            page.evaluate("scrollTo(0, 0)")
            assert page.evaluate(IN_VIEW, MAIN) == []


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("view", ["Compose", "Compare"])
def test_nothing_that_has_the_focus_is_covered(visit, width, height, view):
    page = visit(viewport={"width": width, "height": height})
    fix_random_seed(page, 3)  # all drawers are open
    page.get_by_test_id("edit").click()
    page.get_by_role("button", name="Select alto").click()
    page.get_by_role("tab", name=view).click()
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    for key in ("Tab", "Shift+Tab"):
        covered, stops = [], []
        for _ in range(MOST):
            page.keyboard.press(key)
            here = page.evaluate(HERE)
            if here is None and stops:
                break
            if here:
                stops.append(here["name"])
                covered += [here] if here["covered"] else []
        assert len(stops) > 40
        assert covered == []


@pytest.mark.parametrize("size", [(1366, 650), (1280, 720), (1440, 900)])
def test_the_roll_of_a_long_piece_is_seen_as_a_whole(visit, size):
    page = visit(viewport={"width": size[0], "height": size[1]})
    for bars in (28, 29, 30, 31, 32):
        set_length(page, bars)
        expect(roll(page)).to_have_attribute("data-steps", str(16 * bars))
        assert roll(page).evaluate("roll => roll.scrollHeight - roll.clientHeight") <= 0, bars


def test_a_long_piece_is_composed_in_a_roll_of_two_systems(visit):
    page = visit(viewport={"width": 1366, "height": 650})
    set_length(page, 32)
    expect(roll(page)).to_have_attribute("data-steps", "512")
    assert composed(page) > 0 and data(page, "steps") == 512
    assert page.evaluate("nonet.views.compose.sheet.roll.geometry.systems") == 2
