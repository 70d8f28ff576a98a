"""One name a voice, one word a thing; what cannot be heard, stopped or meant looks so, in Chromium."""

import re

import pytest
from playwright.sync_api import expect
from visitor import data, in_state, roll

PHONE = {"has_touch": True, "is_mobile": True, "viewport": {"width": 390, "height": 844}}
INK = """() => {  // how much of each voice's colour there is on the roll
    const {canvas, notes, geometry, scale} = nonet.views.compose.sheet.roll, pen = canvas.getContext("2d");
    const note = notes.find(note => note.voice === 0), [box] = geometry.boxes(note);
    return [...pen.getImageData((box.x + box.width / 2) * scale, (box.y + box.height / 2) * scale, 1, 1).data].join();
}"""


def test_a_voice_has_the_name_that_its_style_gives_it(visit):
    page = visit(path="?style=dance&notes=A4%20B4&bars=2")
    expect(page.get_by_role("button", name="Select Melody")).to_be_visible()
    expect(page.locator(".voice .called").first).to_have_text("Melody")
    expect(page.get_by_test_id("seed-message")).not_to_contain_text("voices")
    page.locator("#style input[value=chorale]").check(force=True)
    expect(page.locator(".voice .called").first).to_have_text("Soprano")
    for name in ("Select Soprano", "Mute soprano", "Hear only soprano"):
        expect(page.get_by_role("button", name=name)).to_be_visible()
    expect(page.get_by_test_id("seed-message")).to_contain_text("other voices")


def test_the_meters_stand_in_the_order_of_their_length(visit):
    page = visit()
    page.locator("#more button").first.click()
    expect(page.locator("#meter input")).to_have_count(5)
    assert page.locator("#meter input").evaluate_all("all => all.map(one => one.value)") == [
        *("2/4", "3/4", "4/4", "6/8", "9/8")
    ]


def test_an_answer_of_the_comparison_is_opened_and_comes_along(visit):
    page = visit(path="?style=dance&notes=A4%20B4%20C5%20D5&bars=2")
    page.get_by_role("tab", name="Compare").click()
    page.get_by_role("button", name="Compare all").click()
    expect(page.get_by_test_id("rows")).to_have_attribute("data-state", "done")
    page.get_by_role("tab", name="Compose").click()
    in_state(page, "done")
    assert page.evaluate("nonet.work.shown === nonet.views.compare.kept.id")
    page.get_by_role("tab", name="Compare").click()
    row = page.get_by_test_id("row").nth(2)
    row.get_by_role("button", name="Open this one").click()
    in_state(page, "done")
    assert page.evaluate("nonet.work.shown === nonet.views.compare.rows[2].kept.id")


def test_a_new_seed_is_not_hidden_by_an_answer_to_the_old_one(visit):
    page = visit(path="?style=dance&notes=A4%20B4%20C5%20D5&bars=2")
    page.get_by_role("tab", name="Compare").click()
    page.get_by_role("button", name="Compare all").click()
    expect(page.get_by_test_id("rows")).to_have_attribute("data-state", "done")
    page.get_by_label("Seed notes").fill("A4")
    expect(roll(page)).to_have_attribute("data-notes", "1")
    page.get_by_role("tab", name="Compose").click()
    in_state(page, "idle")


def test_stop_looks_as_if_it_did_something_only_where_it_does(visit, slow_address):
    page = visit(at=slow_address)
    stop = page.locator("#stop")
    expect(stop).to_have_attribute("aria-disabled", "true")
    page.get_by_role("button", name="Generate").click()
    expect(stop).to_have_attribute("aria-disabled", "false")
    stop.click()
    in_state(page, "stopped")
    expect(stop).to_have_attribute("aria-disabled", "true")


def test_a_voice_that_is_not_heard_is_faint_in_the_roll(visit):
    page = visit(path="?notes=C5:4&bars=1")
    heard = page.evaluate(INK)
    page.get_by_role("button", name="Mute soprano").click()
    assert page.evaluate(INK) != heard
    page.get_by_role("button", name="Mute soprano").click()
    assert page.evaluate(INK) == heard
    page.get_by_role("button", name="Hear only alto").click()
    assert page.evaluate(INK) != heard


def test_on_a_phone_architectures_have_names_and_the_settings_follow_the_piece(visit):
    page = visit(**PHONE)
    for name in page.locator(".card .name").all():
        box = name.bounding_box()
        assert box["width"] > 15 and box["x"] + box["width"] <= 390
    for field in ("#style", "#bars", "#temperature"):
        assert page.locator(field).bounding_box()["y"] < 1200
    assert page.locator("#style").bounding_box()["y"] > roll(page).bounding_box()["y"]


def test_on_a_phone_one_tap_draws_nothing_and_two_draw_a_note(visit):
    page = visit(path="?notes=C5&bars=2", **PHONE)
    expect(roll(page)).to_have_attribute("data-notes", "1")
    page.get_by_test_id("edit").tap()
    hint = page.get_by_text(re.compile("^Double-tap to draw"))
    expect(hint).to_be_visible()
    foot = page.evaluate("innerHeight - 74")
    assert hint.bounding_box()["y"] + hint.bounding_box()["height"] <= foot
    box = roll(page).bounding_box()
    spot = (box["x"] + 250, box["y"] + box["height"] / 2)
    page.touchscreen.tap(*spot)
    page.wait_for_timeout(600)
    assert data(page, "notes") == 1
    page.touchscreen.tap(*spot)
    page.touchscreen.tap(*spot)
    expect(roll(page)).to_have_attribute("data-notes", "2")


def test_a_voice_has_one_mark_beside_the_roll_and_in_the_mixer(visit):
    page = visit()
    marks = """() => [".chip", ".voice"].map(place =>
        [...document.querySelectorAll(`${place} canvas.swatch`)].map(canvas => canvas.toDataURL()))"""
    share = """() => [...document.querySelectorAll(".chip canvas.swatch")].map((canvas, voice) => {
        const colour = new OffscreenCanvas(1, 1).getContext("2d");
        colour.fillStyle = nonet.views.compose.sheet.roll.voices[voice];
        colour.fillRect(0, 0, 1, 1);
        const [wanted] = new Uint32Array(colour.getImageData(0, 0, 1, 1).data.buffer);
        const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        const dots = new Uint32Array(data.buffer);
        return dots.filter(dot => dot === wanted).length / dots.length;
    })"""
    seen = []
    for _ in ("light", "dark"):
        beside, mixer = page.evaluate(marks)
        assert beside == mixer and len(set(beside)) == 4
        assert min(page.evaluate(share)) > 0.3
        seen.append(beside)
        page.get_by_label("Dark page").click()
        page.wait_for_timeout(100)
    assert seen[0] != seen[1]
    assert page.evaluate(marks) == [seen[0], seen[0]]


def test_all_lists_and_what_stands_beside_them_look_alike(visit):
    page = visit(viewport={"width": 1440, "height": 900})
    look = """element => {
        const style = getComputedStyle(element), names = ["appearance", "backgroundImage", "minHeight", "color"];
        return Object.fromEntries([...names, "borderRadius", "borderColor", "backgroundColor"].map(n => [n, style[n]]));
    }"""
    for _ in ("light", "dark"):
        looks = page.locator("select").evaluate_all(f"all => all.map({look})")
        assert len(looks) == 6  # four instruments, the example, the tune of a file
        assert all(one == looks[0] for one in looks) and looks[0]["appearance"] == "none"
        page.get_by_label("Dark page").click()
    example, upload = (page.locator(name).bounding_box() for name in ("#example select", "#upload"))
    assert [example["height"], upload["height"]] == [40, 40]
    assert example["y"] == pytest.approx(upload["y"], abs=1)


def test_what_is_closed_points_to_the_right_and_what_is_open_down(visit):
    page = visit()
    way = """icon => {  // of what is drawn as pointing down
        const turn = new DOMMatrix(getComputedStyle(icon).transform), {x, y} = turn.transformPoint({x: 0, y: 1});
        return [icon.textContent.trim(), Math.round(x), Math.round(y)];
    }"""
    icon = page.locator("#more .icon")
    assert icon.evaluate(way) == ["▼", 1, 0]
    page.locator("#more button").first.click()
    expect(page.locator("#meter")).to_be_visible()
    page.wait_for_timeout(400)  # it turns
    assert icon.evaluate(way) == ["▼", 0, 1]
