"""The view in which every architecture answers the same seed, in Chromium, with the trained models that are shipped."""

import io
import re

import mido
import pytest
from playwright.sync_api import expect
from visitor import (
    composed,
    download,
    fix_random_seed,
    generate,
    in_words,
    playing,
    problem,
    seed_field,
    set_length,
    shuts_nobody_out,
    write_seed,
)

from musicgen import checkpoint
from musicgen.models import MODELS

NAMES = checkpoint.available()
FIRST, SECOND, LAST = NAMES[0], NAMES[1], NAMES[-1]


@pytest.fixture
def arrive(visit):
    """Opens the page at its second view, with a short dance for a seed."""

    def opened(bars=2, **options):
        page = visit(**options)
        page.get_by_role("tab", name="Compare").click()
        page.locator("#style input[value=dance]").check(force=True)
        write_seed(page, "A4 B4 C5 D5")
        set_length(page, bars)
        expect(answers(page)).to_have_attribute("data-steps", str(16 * bars))
        expect(row(page, FIRST)).to_have_attribute("data-notes", "4")
        return page

    return opened


def answers(page):
    return page.get_by_test_id("rows")


def row(page, name: str):
    return page.locator(f"[data-testid=row][data-model={name}]")


def hear(page, name: str):
    return page.get_by_role("button", name=f"Play {MODELS[name].title}", exact=True)


def compare(page):
    page.get_by_role("button", name="Compare all").click()


def compared(page):
    compare(page)
    expect(answers(page)).to_have_attribute("data-state", "done")


def position(page) -> float:
    return float(answers(page).get_attribute("data-position"))


def notes(page) -> list[int]:
    return [int(row(page, name).get_attribute("data-notes")) for name in NAMES]


# ---- composing ---------------------------------------------------------------------------------------------------


def test_every_architecture_answers_in_its_row_one_after_another(arrive):
    page = arrive()
    shown = page.get_by_test_id("row").evaluate_all("rows => rows.map(row => row.dataset.model)")
    assert shown == NAMES
    page.evaluate("""() => {
        window.seen = [];
        new MutationObserver(changes => changes.forEach(({target}) => {
          if (target.dataset.model) seen.push([target.dataset.model, target.dataset.state]);
        })).observe(document.querySelector("[data-testid=rows]"), {attributes: true, subtree: true});
    }""")
    compared(page)
    begun = [name for name, state in page.evaluate("seen") if state == "composing"]
    ended = [name for name, state in page.evaluate("seen") if state == "done"]
    assert list(dict.fromkeys(begun)) == list(dict.fromkeys(ended)) == NAMES
    for name in NAMES:
        expect(row(page, name)).to_contain_text(re.compile(r"done in \d+\.\d s"))
        expect(row(page, name)).to_contain_text(checkpoint.nats(name))
        expect(row(page, name)).to_contain_text(f"{checkpoint.figures(name)['ms_per_bar']:.0f} ms a bar")
    assert min(notes(page)) > 4
    expect(page.get_by_test_id("rows-status")).to_contain_text(f"{len(NAMES)} answers")


def test_the_rows_share_one_pitch_and_one_time_axis(arrive):
    page = arrive()
    compared(page)
    boxes = page.locator("#rows .strip canvas").evaluate_all(
        "all => all.map(c => [c.getBoundingClientRect().left, c.width, c.height])"
    )
    ruler = page.locator("#rows .ruler canvas").bounding_box()
    assert len(boxes) == len(NAMES) and all(box == boxes[0] for box in boxes)
    assert (boxes[0][0], boxes[0][1]) == pytest.approx((ruler["x"], ruler["width"]), abs=1)


def test_what_is_set_is_the_same_for_both_views(arrive):
    page = arrive()
    fix_random_seed(page, 11)
    compared(page)
    hear(page, SECOND).click()
    page.get_by_role("button", name="Pause").click()
    here = in_words(page)
    page.get_by_role("tab", name="Compose").click()
    assert seed_field(page).input_value() == "A4 B4 C5 D5"
    page.locator(f"input[name=architecture][value={SECOND}]").check(force=True)
    composed(page)
    assert in_words(page) == here
    page.get_by_role("tab", name="Compare").click()
    assert in_words(page) == here and answers(page).get_attribute("data-state") == "done"


def test_a_lost_update_is_made_good_at_the_end(arrive):
    page = arrive()
    page.evaluate("""() => {
        const {compare} = nonet.views, on = compare.on_end;
        compare.on_end = function (update) {
          if (this.lost) on.call(this, update);
          this.lost = true;
        };
    }""")
    compared(page)
    expect(row(page, FIRST)).to_have_attribute("data-state", "done")
    assert min(notes(page)) > 4


def test_an_architecture_that_fails_says_why_and_leaves_the_others(arrive):
    page = arrive()
    compared(page)
    page.get_by_label("Tempo").fill("300")
    page.evaluate("""() => {
        const {views} = nonet, {run, seed} = views.compare;
        window.tell = (kind, more) => views.receive("compare", {kind, run, ...more});  // as the server tells it
        tell("rows", {...seed, rows: views.compare.rows.map(row => row.name)});
    }""")
    page.evaluate("row => tell('begin', {row})", FIRST)
    page.evaluate("row => tell('notes', {row, seq: 1, until: 16, notes: [], gone: []})", FIRST)
    hear(page, FIRST).click()
    playing(page)
    page.evaluate("row => tell('failed', {row, message: '<b>its weights</b> have changed'})", FIRST)
    page.wait_for_function("document.documentElement.dataset.sound === 'ended'")  # nothing is waited for any more
    page.evaluate("tell('over', {state: 'done', ended: []})")
    expect(row(page, FIRST)).to_contain_text("<b>its weights</b> have changed")
    expect(row(page, FIRST)).to_have_attribute("data-state", "failed")
    expect(hear(page, FIRST)).to_be_disabled()


def test_stop_keeps_the_answers_that_are_there(arrive, slow_address):
    page = arrive(bars=8, at=slow_address)
    compare(page)
    expect(row(page, SECOND)).to_have_attribute("data-state", "composing")
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(answers(page)).to_have_attribute("data-state", "stopped")
    expect(row(page, FIRST)).to_have_attribute("data-state", "done")
    expect(row(page, SECOND)).to_contain_text("stopped, not finished")
    expect(row(page, LAST)).to_contain_text("not composed")
    expect(hear(page, LAST)).to_be_disabled()
    set_length(page, 2)
    compared(page)
    expect(row(page, "gan")).to_contain_text("not trained for a dance")
    expect(page.get_by_test_id("rows-status")).to_contain_text(f"{len(NAMES) - 1} answers")
    page.get_by_role("tab", name="Compose").click()
    gan = page.locator("input[name=architecture][value=gan]")
    expect(gan).to_be_disabled()
    page.locator("#style input[value=chorale]").check(force=True)
    expect(gan).to_be_enabled()
    gan.check(force=True)
    page.locator("#style input[value=dance]").check(force=True)
    expect(page.locator("input[name=architecture]:checked")).to_be_enabled()  # another took its place


def test_two_visitors_at_once_never_see_each_others_answers(arrive):
    pages = [arrive(), arrive()]
    write_seed(pages[1], "F#4 G#4 A#4 F#4")
    for page in pages:
        fix_random_seed(page, 5)
        compared(page)
    alone = [in_words(page) for page in pages]
    for page in pages:
        compare(page)
    for page in pages:
        expect(answers(page)).to_have_attribute("data-state", "done")
    assert [in_words(page) for page in pages] == alone and alone[0] != alone[1]


def test_wrong_notes_are_told_at_their_field(arrive):
    page = arrive()
    write_seed(page, "C5 X5 E5")
    compare(page)
    expect(answers(page)).to_have_attribute("data-state", "error")
    expect(problem(page, "notes")).to_contain_text("X5")
    write_seed(page, "C5 D5 E5")
    expect(problem(page, "notes")).to_have_count(0)
    expect(row(page, FIRST)).to_have_attribute("data-notes", "3")
    compared(page)


# ---- listening ---------------------------------------------------------------------------------------------------


def test_another_answer_goes_on_where_the_last_one_was(arrive):
    page = arrive(bars=4)
    compared(page)
    page.get_by_label("Tempo").fill("60")
    hear(page, FIRST).click()
    playing(page)
    expect(hear(page, FIRST)).to_have_attribute("aria-pressed", "true")
    page.wait_for_function("+document.querySelector('[data-testid=rows]').dataset.position > 4")
    page.evaluate("""() => {
        window.states = [];
        new MutationObserver(() => states.push(document.documentElement.dataset.sound))
          .observe(document.documentElement, {attributes: true, attributeFilter: ["data-sound"]});
    }""")
    clock = "[nonet.player.context.currentTime, nonet.player.position]"
    time, step = page.evaluate(clock)
    hear(page, SECOND).click()
    expect(hear(page, SECOND)).to_have_attribute("aria-pressed", "true")
    expect(hear(page, FIRST)).to_have_attribute("aria-pressed", "false")
    later, there = page.evaluate(clock)
    assert there - step == pytest.approx(4 * (later - time), abs=0.5) and page.evaluate("states") == []
    heads = page.locator("#rows .answer .playhead").evaluate_all("all => all.map(head => head.style.transform)")
    assert len(set(heads)) == 1
    hear(page, SECOND).click()
    page.wait_for_function("document.documentElement.dataset.sound === 'paused'")
    expect(hear(page, SECOND)).to_have_attribute("aria-pressed", "false")
    page.get_by_role("button", name="Play", exact=True).click()
    playing(page)
    expect(hear(page, SECOND)).to_have_attribute("aria-pressed", "true")


def test_a_click_into_a_row_jumps_there_and_chooses_it(arrive):
    page = arrive()
    compared(page)
    row(page, LAST).locator(".strip").click(position={"x": 300, "y": 40})
    expect(answers(page)).to_have_attribute("data-row", LAST)
    assert 4 < position(page) < 32


def test_only_the_view_that_is_shown_is_heard(arrive):
    page = arrive()
    compared(page)
    hear(page, FIRST).click()
    playing(page)
    page.get_by_role("tab", name="Compose").click()
    page.wait_for_function("document.documentElement.dataset.sound === 'paused'")
    generate(page)
    page.get_by_role("tab", name="Compare").click()
    expect(page.get_by_test_id("roll")).to_have_attribute("data-state", "done")
    assert page.evaluate("document.documentElement.dataset.sound") != "playing"


def test_the_chosen_answer_can_be_taken_home(arrive):
    page = arrive()
    page.get_by_role("button", name="MIDI", exact=True).click()
    expect(page.get_by_text("nothing to download yet").first).to_be_visible()
    compared(page)
    for name in (FIRST, LAST):
        hear(page, name).click()
        file = mido.MidiFile(file=io.BytesIO(download(page, "MIDI")))
        written = sum(m.type == "note_on" and m.velocity > 0 for track in file.tracks for m in track)
        assert written == int(row(page, name).get_attribute("data-notes"))
    write_seed(page, "C5 X5")
    compare(page)
    expect(answers(page)).to_have_attribute("data-state", "error")
    assert download(page, "MIDI")  # the answers there are stay


# ---- for everybody -----------------------------------------------------------------------------------------------


def test_nobody_is_shut_out(arrive):
    page = arrive()
    compared(page)
    in_words(page)
    shuts_nobody_out(page)
    page.get_by_role("tab", name="Compose").click()
    page.get_by_test_id("three").click()
    expect(page.get_by_test_id("trio")).to_have_attribute("data-state", "done")
    shuts_nobody_out(page)


def test_everything_can_be_done_from_the_computer_keyboard(visit):
    page = visit()
    page.get_by_role("tab", name="Compose").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Compare")).to_be_focused()
    expect(answers(page)).to_be_visible()
    set_length(page, 5)
    page.locator("#compare-all").focus()
    page.keyboard.press("Enter")
    expect(answers(page)).to_have_attribute("data-state", "done")
    page.get_by_role("slider", name="Position in all answers").focus()
    page.keyboard.press("PageUp")
    page.keyboard.press("ArrowRight")
    assert position(page) == 20
    assert page.locator("#rows .ruler").get_attribute("aria-valuetext") == "bar 2, beat 2"
    page.keyboard.press("Tab")
    expect(hear(page, FIRST)).to_be_focused()
    page.keyboard.press("Enter")
    playing(page)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    expect(answers(page)).to_have_attribute("data-row", SECOND)
    assert position(page) >= 20
    page.keyboard.press("ArrowUp")
    expect(hear(page, FIRST)).to_be_focused()
    page.keyboard.press(str(len(NAMES)))
    expect(answers(page)).to_have_attribute("data-row", LAST)


def test_the_address_leads_to_the_view(visit):
    page = visit()
    page.get_by_role("tab", name="Compare").click()
    page.reload()
    expect(answers(page)).to_be_visible()
    expect(page.get_by_role("tab", name="Compare")).to_have_attribute("aria-selected", "true")


def test_with_reduced_motion_the_playheads_step(arrive):
    page = arrive(reduced_motion="reduce")
    compared(page)
    hear(page, FIRST).click()
    playing(page)
    moved = page.evaluate("""async () => {
        const head = document.querySelector("#rows .answer .playhead"), seen = new Set();
        for (let i = 0; i < 40; i++) { await new Promise(requestAnimationFrame); seen.add(head.style.transform); }
        return seen.size;
    }""")
    assert moved < 14
