"""The roll enlarged: by buttons, wheel, keys and two fingers; a click means the note it meets, in Chromium."""

import pytest
from playwright.sync_api import expect
from visitor import data, playing, roll

PHONE = {"has_touch": True, "is_mobile": True, "viewport": {"width": 390, "height": 844}}
MUSIC = "Soprano: C5 D5 Alto: A4 B4 Tenor: E4 F4 Bass: C3 D3".replace(" ", "%20")
SPOT = """([step, pitch]) => {  // where a step and a pitch stand in the window
    const {geometry, canvas} = nonet.views.compose.sheet.roll, box = canvas.getBoundingClientRect();
    const {system, x} = geometry.spot(step);
    return [box.left + x, box.top + geometry.row(pitch, system)];
}"""
MET = """([x, y]) => {  // the music at a place of the window
    const {geometry, canvas} = nonet.views.compose.sheet.roll, box = canvas.getBoundingClientRect();
    return geometry.musicAt(x - box.left, y - box.top);
}"""
SHOW = """([step, pitch]) => {  // scrolls until a step and a pitch are in the middle of the roll
    const {geometry, element} = nonet.views.compose.sheet.roll;
    element.scrollTop = geometry.heightOf({step, pitch}) - element.clientHeight / 2;
}"""
ROW = "nonet.views.compose.sheet.roll.geometry.rowHeight"
STEP = "nonet.views.compose.sheet.roll.geometry.stepWidth"


def zoom(page) -> float:
    return data(page, "zoom")


def seed(visit, bars: int = 8, **options):
    page = visit(path=f"?notes={MUSIC}&bars={bars}", **options)
    expect(roll(page)).to_have_attribute("data-steps", str(16 * bars))
    expect(roll(page)).to_have_attribute("data-notes", "8")
    return page


def nothing_lies_beside_the_roll(page):
    assert roll(page).evaluate("roll => roll.scrollWidth <= roll.clientWidth")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def fingers(page, ways: list):
    """Two fingers' ways: a list of their places."""
    session = page.context.new_cdp_session(page)
    for index, places in enumerate(ways):
        points = [{"x": x, "y": y, "id": finger} for finger, (x, y) in enumerate(places)]
        kind = "touchMove" if index else "touchStart"
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        page.wait_for_timeout(30)
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def apart(x: float, y: float, distances) -> list:
    return [[(x, y - distance / 2), (x, y + distance / 2)] for distance in distances]


def test_buttons_enlarge_the_roll_and_this_browser_keeps_it(visit):
    page = visit()
    larger, smaller = page.get_by_test_id("zoom-in"), page.get_by_test_id("zoom-out")
    expect(smaller).to_have_attribute("aria-disabled", "true")
    row, step, link = page.evaluate(ROW), page.evaluate(STEP), page.evaluate("nonet.address()")
    for level in (1.5, 2, 3, 4):
        larger.click()
        assert zoom(page) == level
        assert page.evaluate(ROW) == pytest.approx(level * row)
        assert page.evaluate(STEP) >= level * step - 1e-6
        nothing_lies_beside_the_roll(page)
    expect(larger).to_have_attribute("aria-disabled", "true")
    larger.click(force=True)
    assert zoom(page) == 4
    expect(page.get_by_test_id("undo")).to_be_disabled()  # it is nothing that one undoes or shares
    assert page.evaluate("nonet.address()") == link
    page.reload()
    expect(roll(page)).to_have_attribute("data-zoom", "4")
    for _ in range(4):
        smaller.click()
    assert zoom(page) == 1
    assert roll(page).evaluate("roll => roll.scrollHeight <= roll.clientHeight")


def test_the_playhead_stays_in_sight_where_it_stood(visit):
    page = seed(visit)
    page.mouse.click(*page.evaluate(SPOT, [100, 60]))
    for _ in range(3):
        page.get_by_test_id("zoom-in").click()
    assert data(page, "position") == pytest.approx(100, abs=1)
    head, box = page.locator("#stage .playhead").bounding_box(), roll(page).bounding_box()
    assert head["y"] < box["y"] + box["height"] and head["y"] + head["height"] > box["y"]


def test_the_enlarged_roll_follows_what_sounds_at_the_pitches_in_sight(visit):
    page = seed(visit, bars=4)
    for _ in range(3):
        page.get_by_test_id("zoom-in").click()
    page.evaluate(SHOW, [0, 48])
    seen = roll(page).bounding_box()
    before = page.evaluate(SPOT, [0, 48])
    page.get_by_role("button", name="Play", exact=True).click()
    playing(page)
    page.evaluate("nonet.player.seek(40)")
    page.wait_for_function("nonet.views.compose.sheet.roll.cursor >= 40")
    after = page.evaluate(SPOT, [40, 48])
    assert after[1] == pytest.approx(before[1], abs=2)
    assert seen["y"] < after[1] < seen["y"] + seen["height"]


def test_ctrl_and_the_wheel_enlarge_what_the_pointer_shows(visit):
    page = seed(visit)
    x, y = page.evaluate(SPOT, [70, 60])
    page.mouse.move(x, y)
    page.keyboard.down("Control")
    for _ in range(5):
        page.mouse.wheel(0, -120)
    page.wait_for_function("Number(document.querySelector('[data-testid=roll]').dataset.zoom) > 3")
    _, now = page.evaluate(SPOT, [70, 60])
    assert now == pytest.approx(y, abs=2)
    assert page.evaluate("[scrollY, visualViewport.scale]") == [0, 1]  # the page is as it was
    for _ in range(8):
        page.mouse.wheel(0, 120)
    page.keyboard.up("Control")
    expect(roll(page)).to_have_attribute("data-zoom", "1")


def test_a_wheel_alone_scrolls_the_enlarged_roll(visit):
    page = seed(visit)
    for _ in range(3):
        page.get_by_test_id("zoom-in").click()
    page.evaluate(SHOW, [0, 60])
    before = roll(page).evaluate("roll => roll.scrollTop")
    box = roll(page).bounding_box()
    page.mouse.move(box["x"] + 200, box["y"] + 100)
    page.mouse.wheel(0, 120)
    page.wait_for_function(f"document.querySelector('[data-testid=roll]').scrollTop > {before + 50}")
    assert zoom(page) == 3


def test_plus_and_minus_enlarge_the_roll_that_has_the_focus(visit):
    page = seed(visit)
    roll(page).focus()
    for key, level in (("+", 1.5), ("=", 2), ("-", 1.5), ("-", 1), ("-", 1)):
        page.keyboard.press(key)
        assert zoom(page) == level
    page.get_by_label("Seed notes").press("+")
    assert zoom(page) == 1
    assert "+" in page.get_by_label("Seed notes").input_value()


def test_two_fingers_enlarge_what_is_between_them(visit):
    page = seed(visit, **PHONE)
    assert page.evaluate(ROW) < 3
    x, y = page.evaluate(SPOT, [20, 60])
    met = page.evaluate(MET, [x, y])
    fingers(page, apart(x, y, [60, 70, 80, 120, 180, 240]))
    assert zoom(page) == pytest.approx(3, abs=0.05)
    assert page.evaluate(ROW) > 7
    _, now = page.evaluate(SPOT, [met["step"], met["pitch"]])
    assert now == pytest.approx(y, abs=2)
    assert page.evaluate("[scrollY, visualViewport.scale]") == [0, 1]
    nothing_lies_beside_the_roll(page)
    fingers(page, apart(x, y, [240, 200, 100, 60, 40]))
    assert zoom(page) == 1
    expect(roll(page)).to_have_attribute("data-notes", "8")
    expect(page.get_by_test_id("selection")).to_be_hidden()


def test_two_fingers_side_by_side_still_scroll(visit):
    page = seed(visit, **PHONE)
    x, y = page.evaluate(SPOT, [20, 60])
    for _ in range(3):
        page.get_by_test_id("zoom-in").tap()
    before = roll(page).evaluate("roll => roll.scrollTop")
    fingers(page, [[(x, y + by), (x + 80, y + by)] for by in (0, -20, -45, -70)])
    assert roll(page).evaluate("roll => roll.scrollTop") - before == pytest.approx(70, abs=2)
    assert zoom(page) == 3


@pytest.mark.parametrize("level", [1, 3])
@pytest.mark.parametrize("screen", [{"viewport": {"width": 1366, "height": 650}}, PHONE], ids=["desk", "phone"])
def test_a_click_means_the_note_it_meets(visit, level, screen):
    page = seed(visit, bars=29, **screen)
    while zoom(page) < level:
        page.get_by_test_id("zoom-in").click()
    page.get_by_test_id("edit").click()
    for voice, pitch in enumerate((72, 69, 64, 48)):
        roll(page).scroll_into_view_if_needed()
        page.evaluate(SHOW, [2, pitch])
        page.mouse.click(*page.evaluate(SPOT, [2, pitch]))
        held = page.evaluate("nonet.views.compose.sheet.roll.inHand.map(n => [n.voice, n.pitch, n.start])")
        assert held == [[voice, pitch, 0]]


def test_an_enlarged_roll_is_edited_and_selected_from(visit):
    page = seed(visit)
    for _ in range(3):
        page.get_by_test_id("zoom-in").click()
    page.evaluate(SHOW, [0, 72])
    (x, y), (end, _) = page.evaluate(SPOT, [1, 72]), page.evaluate(SPOT, [15, 72])
    ruler = y - page.evaluate(SPOT, [1, 72])[1] + roll(page).bounding_box()["y"] + 8
    page.evaluate("document.querySelector('[data-testid=roll]').scrollTop = 0")
    page.mouse.move(x, ruler)
    page.mouse.down()
    page.mouse.move(end, ruler, steps=3)
    page.mouse.up()
    expect(page.get_by_test_id("selection")).to_have_text("Bar 1, all voices")
    page.get_by_test_id("edit").click()
    page.evaluate(SHOW, [0, 72])
    page.mouse.move(*page.evaluate(SPOT, [1, 72]))
    page.mouse.down()
    page.mouse.move(*page.evaluate(SPOT, [1, 74]), steps=3)
    page.mouse.up()
    assert [0, 74, 0, 4] in page.evaluate("nonet.views.compose.sheet.rows.map(row => row.slice(0, 4))")


def test_bar_numbers_stay_in_sight_and_select(visit):
    page = seed(visit)
    for _ in range(4):
        page.get_by_test_id("zoom-in").click()
    page.evaluate(SHOW, [40, 50])
    scrolled, box = roll(page).evaluate("roll => roll.scrollTop"), roll(page).bounding_box()
    assert scrolled > page.evaluate("(r => r.geometry.top(r.geometry.spot(40).system))(nonet.views.compose.sheet.roll)")
    page.wait_for_timeout(100)
    ink = """([x, y, width, height]) => {
        const {canvas, scale} = nonet.views.compose.sheet.roll, pen = canvas.getContext("2d");
        const {data} = pen.getImageData(...[x, y, width, height].map(at => Math.round(at * scale)));
        return data.filter((byte, at) => at % 4 === 3 && byte > 100).length;
    }"""
    at, _ = page.evaluate(SPOT, [32, 60])
    assert page.evaluate(ink, [at - box["x"], scrolled + 3, 20, 16]) > 10  # the number
    assert page.evaluate(ink, [at - box["x"] + 22, scrolled + 1, 20, 18]) == 0  # and nothing else
    page.mouse.move(at + 5, box["y"] + 8)
    page.mouse.down()
    page.mouse.move(at + 40, box["y"] + 8, steps=3)
    page.mouse.up()
    expect(page.get_by_test_id("selection")).to_have_text("Bar 3, all voices")


def test_by_keys_the_note_in_hand_comes_into_sight(visit):
    page = seed(visit)
    for _ in range(4):
        page.get_by_test_id("zoom-in").click()
    page.get_by_test_id("edit").click()
    roll(page).focus()
    seen = """() => {
        const {geometry, inHand, element} = nonet.views.compose.sheet.roll, [{y, height}] = geometry.boxes(inHand[0]);
        return y >= element.scrollTop && y + height <= element.scrollTop + element.clientHeight;
    }"""
    for _ in range(8):
        page.keyboard.press(".")
        assert page.evaluate(seen)
    held = "nonet.views.compose.sheet.roll.inHand[0].pitch"
    first = page.evaluate(held)
    page.keyboard.press("ArrowUp")
    assert page.evaluate(held) == first + 1 and page.evaluate(seen)


@pytest.mark.parametrize("width", [1440, 390])
def test_the_longest_piece_is_drawn_at_its_largest(visit, width):
    page = seed(visit, bars=32, viewport={"width": width, "height": 844}, device_scale_factor=3)
    for _ in range(4):
        page.get_by_test_id("zoom-in").click()
    width, height = page.evaluate("(({width, height}) => [width, height])(nonet.views.compose.sheet.roll.canvas)")
    assert height <= 16_384 and width * height <= 16_777_216 * 1.001
    ink = page.evaluate("""() => {
        const {canvas, geometry, scale} = nonet.views.compose.sheet.roll, pen = canvas.getContext("2d");
        const [x, y] = [60, geometry.top(geometry.systems - 1) + 40].map(at => Math.round(at * scale));
        return pen.getImageData(x, y, 1, 1).data[3];
    }""")
    assert ink == 255  # a canvas that is too large would be empty
