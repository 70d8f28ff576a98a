"""The page as an instrument, in Chromium: the roll as an editor, voices muted, fingers, small screens, waiting."""

import re

import pytest
from playwright.sync_api import expect
from visitor import composed, data, generate, in_state, problem, roll, seed_field, set_length, write_seed

SMALL = [(1366, 650), (1280, 720), (1024, 768)]
PHONE = {"has_touch": True, "is_mobile": True, "viewport": {"width": 390, "height": 844}}
SPOT = """([step, pitch]) => {  // where a step and a pitch stand in the window
    const {geometry, canvas} = nonet.views.compose.sheet.roll, box = canvas.getBoundingClientRect();
    const {system, x} = geometry.spot(step);
    return [box.left + x, box.top + geometry.row(pitch, system)];
}"""


@pytest.fixture
def editing(visit):
    """Opens the page with two notes in two bars, its roll an editor."""

    def opened():
        page = visit(path="?notes=C5%20D5&bars=2")
        expect(roll(page)).to_have_attribute("data-notes", "2")
        page.get_by_test_id("edit").click()
        return page

    return opened


def notes(page) -> list:
    return sorted(row[:4] for row in page.evaluate("nonet.views.compose.sheet.rows"))


def drag(page, start: tuple, end: tuple):
    page.mouse.move(*page.evaluate(SPOT, list(start)))
    page.mouse.down()
    page.mouse.move(*page.evaluate(SPOT, list(end)), steps=3)
    page.mouse.up()


def swipe(page, x: float, y: float, dx: float, dy: float):
    """A finger's way, as the browser itself would see it."""
    session = page.context.new_cdp_session(page)
    for part in range(6):
        kind = "touchStart" if part == 0 else "touchMove"
        point = {"x": x + dx * part / 5, "y": y + dy * part / 5}
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
        page.wait_for_timeout(30)
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


# ---- the roll as an editor ---------------------------------------------------------------------------------------


def test_notes_are_drawn_moved_lengthened_and_deleted(editing):
    page = editing()
    drag(page, (8.5, 76), (11.5, 76))
    assert notes(page) == [[0, 72, 0, 4], [0, 74, 4, 4], [0, 76, 8, 7]]
    expect(page.get_by_test_id("seed-message")).to_contain_text("Seed from the roll")
    drag(page, (9, 76), (13, 79))
    assert notes(page)[2] == [0, 79, 12, 7]
    drag(page, (18.95, 79), (20.95, 79))
    assert notes(page)[2] == [0, 79, 12, 9]
    page.mouse.dblclick(*page.evaluate(SPOT, [2, 72]))
    assert notes(page) == [[0, 74, 4, 4], [0, 79, 12, 9]]
    page.get_by_test_id("undo").click()
    expect(roll(page)).to_have_attribute("data-notes", "3")
    assert notes(page) == [[0, 72, 0, 4], [0, 74, 4, 4], [0, 79, 12, 9]]
    page.get_by_test_id("edit").click()
    composed(page)
    made = notes(page)
    assert [0, 72, 0, 4] in made
    lengths = {(note[1], note[2]): note[3] for note in made if note[0] == 0}
    assert lengths[74, 4] >= 4 and lengths[79, 12] >= 9  # what is free behind a note may be filled by holding it


def test_notes_are_edited_by_keys_alone(editing):
    page = editing()
    roll(page).focus()
    for key in (".", ".", "ArrowUp", "Shift+ArrowLeft", "Enter", "ArrowRight"):
        page.keyboard.press(key)
    assert notes(page) == [[0, 72, 0, 4], [0, 75, 4, 3], [0, 75, 8, 4]]
    expect(page.get_by_test_id("status")).to_contain_text("Soprano E♭5, bar 1, beat 3")
    expect(page.get_by_test_id("seed-message")).to_contain_text("Seed from the roll")
    page.wait_for_timeout(2000)  # for the server's answers to all these edits
    page.keyboard.press("Delete")
    assert notes(page) == [[0, 72, 0, 4], [0, 75, 4, 3]]


def test_an_edited_piece_is_a_take_of_its_own(editing):
    page = editing()
    page.get_by_test_id("edit").click()
    composed(page)
    before = notes(page)
    page.get_by_test_id("edit").click()
    roll(page).focus()
    for key in (".", "ArrowUp", "ArrowUp"):
        page.keyboard.press(key)
    expect(page.get_by_test_id("take")).to_have_count(2)
    page.get_by_test_id("take").first.click()
    assert notes(page) == before


def selected(page) -> list:
    read = "nonet.views.compose.sheet.roll.inHand.map(n => [n.voice, n.pitch, n.start, n.duration])"
    return sorted(page.evaluate(read))


def test_notes_are_selected_in_a_box_cut_and_pasted(editing):
    page = editing()
    page.keyboard.down("Shift")
    drag(page, (0.5, 70), (7, 76))
    page.keyboard.up("Shift")
    assert selected(page) == [[0, 72, 0, 4], [0, 74, 4, 4]]
    drag(page, (1, 72), (5, 74))
    assert notes(page) == selected(page) == [[0, 74, 4, 4], [0, 76, 8, 4]]
    page.keyboard.press("Control+x")
    assert notes(page) == []
    x, _ = page.evaluate(SPOT, [16, 60])
    page.mouse.click(x + 3, roll(page).bounding_box()["y"] + 8)
    page.keyboard.press("Control+v")
    assert notes(page) == selected(page) == [[0, 74, 16, 4], [0, 76, 20, 4]]
    page.get_by_role("button", name="Delete", exact=True).click()
    assert notes(page) == []
    page.get_by_test_id("undo").click()
    expect(roll(page)).to_have_attribute("data-notes", "2")


def test_notes_are_selected_and_copied_by_keys_alone(editing):
    page = editing()
    roll(page).focus()
    for key in (".", ">", "Control+c", "ArrowUp", "Shift+ArrowLeft", "Home", "Control+v"):
        page.keyboard.press(key)
    assert notes(page) == [[0, 72, 0, 4], [0, 74, 4, 4]]  # pasted where the changed ones were
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    assert notes(page) == []


def test_what_is_selected_is_deleted_and_pasted_elsewhere(editing):
    page = editing()
    page.get_by_test_id("edit").click()
    roll(page).focus()
    for key in ("Home", "Shift+PageUp", "Control+x", "PageUp", "Control+v"):
        page.keyboard.press(key)
    assert notes(page) == [[0, 72, 16, 4], [0, 74, 20, 4]]
    page.keyboard.press("End")
    page.keyboard.press("Control+v")
    expect(page.get_by_test_id("status")).to_contain_text("no room behind the playhead")
    assert len(notes(page)) == 2


def touch(page, points: list, rest: int = 30):
    "Fingers' ways: a list of places of all fingers; the first rests for `rest` ms."
    session = page.context.new_cdp_session(page)
    for index, fingers in enumerate(points):
        places = [{"x": x, "y": y, "id": finger} for finger, (x, y) in enumerate(fingers)]
        kind = "touchMove" if index else "touchStart"
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})
        page.wait_for_timeout(30 if index else rest)
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def test_on_a_phone_a_resting_finger_selects_and_two_scroll(visit):
    page = visit(path="?notes=C5%20D5&bars=8", **PHONE)
    expect(roll(page)).to_have_attribute("data-steps", "128")
    (x, y), (x2, _) = page.evaluate(SPOT, [20, 60]), page.evaluate(SPOT, [36, 60])
    touch(page, [[(x, y)], [(x + 30, y)], [(x2, y)]])
    expect(page.get_by_test_id("selection")).to_be_hidden()
    touch(page, [[(x, y)], [(x + 20, y + 9)], [(x2, y - 30)]], rest=700)
    selection = page.get_by_test_id("selection")
    expect(selection).to_have_text("Bars 2–3, all voices")
    page.wait_for_function(
        """words => {  // the finger has not moved the page; the page shows what was selected
        const {x, y, width, height} = words.getBoundingClientRect();
        return words.contains(document.elementFromPoint(x + width / 2, y + height / 2));
    }""",
        arg=selection.element_handle(),
    )
    page.get_by_test_id("edit").tap()
    page.evaluate("scrollTo(0, 0)")
    before = notes(page)
    touch(page, [[(x, y), (x + 60, y)], [(x, y - 40), (x + 60, y - 40)], [(x, y - 90), (x + 60, y - 90)]])
    assert page.evaluate("scrollY") > 40 and notes(page) == before


def test_on_a_phone_notes_are_moved_and_selected_in_a_box(visit):
    page = visit(path="?notes=C5%20D5&bars=2", **PHONE)
    expect(roll(page)).to_have_attribute("data-notes", "2")
    page.get_by_test_id("edit").tap()
    page.evaluate("scrollTo(0, 0)")
    spots = [page.evaluate(SPOT, place) for place in ([1, 72], [1, 76], [12, 80], [0.5, 71])]
    touch(page, [[spots[0]], [spots[1]]])
    assert notes(page) == [[0, 74, 4, 4], [0, 76, 0, 4]]
    touch(page, [[spots[2]], [spots[3]]], rest=700)
    assert selected(page) == notes(page)
    page.get_by_role("button", name="Delete", exact=True).tap()
    assert notes(page) == []


# ---- the mixer ---------------------------------------------------------------------------------------------------


def test_voices_are_muted_and_heard_alone(visit):
    page = visit()
    page.get_by_role("button", name="Mute bass").click()
    assert page.evaluate("nonet.player.audible") == [True, True, True, False]
    page.get_by_role("button", name="Hear only alto").click()
    assert page.evaluate("nonet.player.audible") == [False, True, False, False]
    page.get_by_role("button", name="Hear only alto").click()
    assert page.evaluate("nonet.player.audible") == [True, True, True, False]


# ---- keys --------------------------------------------------------------------------------------------------------


def test_the_first_key_of_a_fresh_visit_begins_a_tune(visit):
    page = visit()
    page.get_by_role("button", name="E4", exact=True).click()
    page.get_by_role("button", name="G4", exact=True).click()
    expect(seed_field(page)).to_have_value("E4:1 G4:1")
    page.wait_for_timeout(1100)
    page.get_by_test_id("undo").click()
    expect(seed_field(page)).to_have_value(re.compile("B4"))


def test_a_black_key_is_never_covered(visit):
    page = visit()
    for name in ("F4", "G4"):
        page.get_by_role("button", name=name, exact=True).press("Shift")
    box = page.get_by_role("button", name="F sharp 4", exact=True).bounding_box()
    for share in (0.1, 0.9):
        found = page.evaluate(
            "([x, y]) => document.elementFromPoint(x, y).closest('.key').getAttribute('aria-label')",
            [box["x"] + box["width"] * share, box["y"] + box["height"] / 2],
        )
        assert found == "F sharp 4"


def test_shortcuts_work_where_nothing_is_typed(visit):
    page = visit()
    page.locator("h1").click()
    page.keyboard.press("2")
    expect(page.locator("input[name=architecture]").nth(1)).to_be_checked()
    page.keyboard.press("Space")
    page.wait_for_function("document.documentElement.dataset.sound === 'playing'")
    page.get_by_label("Help: keys and notation").click()
    page.keyboard.press("Escape")
    expect(page.locator("details.help")).not_to_have_attribute("open", "")


# ---- every screen ------------------------------------------------------------------------------------------------


def test_generate_is_in_view_on_small_screens(visit):
    page = visit()
    for width, height in SMALL:
        page.set_viewport_size({"width": width, "height": height})
        box = page.locator("#generate").bounding_box()
        assert box["y"] + box["height"] <= height


def test_on_a_phone_only_sideways_swipes_set_a_slider(visit):
    page = visit(**PHONE)
    slider = page.get_by_label("Tempo")
    slider.scroll_into_view_if_needed()
    before, box = slider.input_value(), slider.bounding_box()
    swipe(page, box["x"] + box["width"] * 0.8, box["y"] + box["height"] / 2, 4, -200)
    assert slider.input_value() == before and page.evaluate("nonet.player.tempo") == float(before)
    box = slider.bounding_box()
    swipe(page, box["x"] + box["width"] * 0.3, box["y"] + box["height"] / 2, 120, 6)
    assert slider.input_value() != before and page.evaluate("nonet.player.tempo") == float(slider.input_value())


def test_on_a_phone_a_problem_comes_into_sight(visit):
    page = visit(**PHONE)
    write_seed(page, "C5 X5")
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    generate(page)
    expect(problem(page, "notes")).to_be_in_viewport()
    expect(page.locator(".problem-echo")).to_be_in_viewport()
    write_seed(page, "C5 D5")
    expect(page.locator(".problem-echo")).to_have_count(0)


def test_with_forced_colours_what_is_chosen_still_shows(visit):
    page = visit(forced_colors="active")
    chosen, other = page.get_by_role("tab", name="Compose"), page.get_by_role("tab", name="Compare")
    ground = "tab => getComputedStyle(tab).backgroundColor"
    assert chosen.evaluate(ground) != other.evaluate(ground)
    mute = page.get_by_role("button", name="Mute bass")
    before = mute.evaluate(ground)
    mute.click()
    assert mute.evaluate(ground) != before


# ---- waiting -----------------------------------------------------------------------------------------------------


def test_who_waits_is_told_the_place(visit):
    pages = [visit() for _ in range(3)]
    for page in pages:
        set_length(page, 32)
        expect(roll(page)).to_have_attribute("data-steps", "512")
    for page in pages[:2]:  # one model alone is too quick to be waited for
        page.get_by_role("tab", name="Compare").click()
        page.get_by_role("button", name="Compare all").click()
    for page in pages[:2]:
        page.wait_for_function("document.querySelector('[data-testid=row][data-state=composing]')")
    generate(pages[2])
    expect(pages[2].get_by_test_id("status")).to_contain_text("You are next")
    for page in pages[:2]:
        page.get_by_role("button", name="Stop", exact=True).click()
    in_state(pages[2], "done")
    assert data(pages[2], "steps") == 512
