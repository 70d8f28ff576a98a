"""The page in a real browser, served by a real process with the trained models that are shipped."""

import io
import re
import zipfile

import mido
import pytest
from playwright.sync_api import expect
from visitor import (
    composed,
    data,
    download,
    fix_random_seed,
    generate,
    in_state,
    in_words,
    playing,
    problem,
    roll,
    seed_field,
    set_length,
    shuts_nobody_out,
    write_seed,
)

from musicgen import checkpoint
from musicgen.io import midi
from musicgen.io.seeds import EXAMPLES, from_text
from musicgen.score import STYLES

# ---- composing ---------------------------------------------------------------------------------------------------


def test_one_click_gives_music_that_sounds(visit):
    page = visit()
    given = data(page, "notes")
    assert given > 0
    generate(page)
    playing(page)
    in_state(page, "done")
    assert data(page, "notes") > given
    page.wait_for_function("handed.length > 0")
    expect(page.get_by_test_id("status")).to_contain_text("Composed 8 bars in")


def test_sound_begins_while_notes_still_arrive(visit):
    page = visit()
    set_length(page, 32)
    expect(roll(page)).to_have_attribute("data-steps", "512")
    page.evaluate("""() => {
        const element = document.querySelector("[data-testid=roll]");
        window.seen = [];
        new MutationObserver(() => seen.push([element.dataset.state, +element.dataset.notes, handed.length]))
          .observe(element, {attributes: true});
    }""")
    generate(page)
    in_state(page, "done")
    growing = page.evaluate("seen.filter(([state]) => state === 'generating')")
    counts = [notes for _, notes, _ in growing]
    assert len(set(counts)) > 3
    assert any(sounds > 0 for _, _, sounds in growing)


@pytest.mark.parametrize("name", checkpoint.available())
def test_every_architecture_composes_in_every_style(visit, name):
    page = visit()
    page.locator(f"input[name=architecture][value={name}]").check(force=True)
    fix_random_seed(page, 4)  # by chance the seed's last note may be held to the end of a dance
    for style in STYLES:
        page.locator(f"#style input[value={style}]").check(force=True)
        set_length(page, 6)
        assert composed(page) > len(from_text(EXAMPLES[0].text, style=style).canvas.score.notes())
        assert data(page, "steps") == 96


def test_stop_keeps_what_there_is(visit, slow_address):
    page = visit(at=slow_address)
    set_length(page, 32)
    expect(roll(page)).to_have_attribute("data-steps", "512")
    seed = data(page, "notes")
    generate(page)
    page.wait_for_function(f"+document.querySelector('[data-testid=roll]').dataset.notes > {seed}")
    page.get_by_role("button", name="Stop", exact=True).click()
    in_state(page, "stopped")
    assert data(page, "notes") > 0
    assert "Stopped after" in page.get_by_test_id("status").inner_text()
    kept = mido.MidiFile(file=io.BytesIO(download(page, "MIDI")))
    assert sum(m.type == "note_on" and m.velocity > 0 for t in kept.tracks for m in t) == data(page, "notes")
    assert composed(page) > 0


def test_the_same_random_seed_gives_the_same_notes(visit):
    page = visit()
    fix_random_seed(page, 11)
    composed(page)
    first = in_words(page)
    composed(page)
    assert in_words(page) == first
    page.get_by_label("Random seed", exact=True).fill("12")
    composed(page)
    assert in_words(page) != first


def test_two_visitors_at_once_never_see_each_others_notes(visit):
    pages = [visit(), visit()]
    seeds = ["C5:4", "F#4 G#4 A#4 F#4"]
    alone = []
    for page, seed in zip(pages, seeds, strict=True):
        write_seed(page, seed)
        fix_random_seed(page, 5)
        set_length(page, 12)
        composed(page)
        alone.append(in_words(page))
    for page in pages:
        generate(page)
    for page in pages:
        in_state(page, "done")
    together = [in_words(page) for page in pages]
    assert together == alone and together[0] != together[1]
    for page, seed in zip(pages, seeds, strict=True):
        music = midi.read(download(page, "MIDI"))
        assert music is not None and seed_field(page).input_value() == seed
    assert download(pages[0], "MIDI") != download(pages[1], "MIDI")


# ---- listening ---------------------------------------------------------------------------------------------------


def test_the_playhead_follows_the_sound(visit):
    page = visit()
    write_seed(page, "C5 D5 E5 F5 G5 A5 G5 F5")
    expect(roll(page)).to_have_attribute("data-notes", "8")
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function("handed.length > 3")
    off = page.evaluate("""async () => {
        const element = document.querySelector("[data-testid=roll]"), context = handed[0].context;
        const perStep = 15 / document.querySelector("#tempo").value, found = [];
        for (let i = 0; i < 30; i++) {
          await new Promise(requestAnimationFrame);
          const sound = context.currentTime - (context.outputLatency || context.baseLatency || 0) - handed[0].when;
          found.push(element.dataset.position * perStep - sound);
        }
        return found;
    }""")
    assert max(map(abs, off)) < 0.05
    starts = page.evaluate("handed.map(h => h.when - handed[0].when)")
    beat = 60 / float(page.get_by_label("Tempo").input_value())
    assert starts == pytest.approx([i * beat for i in range(len(starts))], abs=0.01)


def test_play_pause_rewind_and_jump(visit):
    page = visit()
    composed(page)
    page.get_by_role("button", name="Pause").click()
    here = data(page, "position")
    page.wait_for_timeout(300)
    assert data(page, "position") == here
    page.get_by_role("button", name="Back to the start").click()
    assert data(page, "position") == 0
    box = roll(page).bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.7, box["y"] + box["height"] / 2)
    assert data(page, "position") == pytest.approx(0.68 * data(page, "steps"), abs=6)
    page.get_by_role("button", name="Play", exact=True).click()
    playing(page)
    page.wait_for_function("document.documentElement.dataset.sound === 'ended'")
    assert data(page, "position") == data(page, "steps")


def test_tempo_volume_and_instruments_change_while_it_plays(visit):
    page = visit()
    composed(page)
    page.get_by_role("button", name="Back to the start").click()
    playing(page)
    page.get_by_label("Tempo").fill("240")
    page.get_by_label("Volume").fill("20")
    page.get_by_label("Soprano").select_option("flute")
    assert page.evaluate("nonet.player.tempo") == 240
    assert page.evaluate("nonet.player.volume") == 0.2
    before = data(page, "position")
    page.wait_for_timeout(1000)
    assert data(page, "position") - before > 6
    messages = mido.MidiFile(file=io.BytesIO(download(page, "MIDI"))).merged_track
    assert [m.tempo for m in messages if m.type == "set_tempo"] == [250_000]


# ---- taking home -------------------------------------------------------------------------------------------------


def test_every_file_can_be_taken_home(visit):
    page = visit()
    notes = composed(page)
    midi_file = mido.MidiFile(file=io.BytesIO(download(page, "MIDI")))
    assert sum(m.type == "note_on" and m.velocity > 0 for t in midi_file.tracks for m in t) == notes
    assert b"<score-partwise" in download(page, "MusicXML")
    assert download(page, "WAV")[:4] == b"RIFF"
    assert len(download(page, "MP3")) > 50_000
    assert download(page, "PNG").startswith(b"\x89PNG")
    stems = zipfile.ZipFile(io.BytesIO(download(page, "Stems"))).namelist()
    assert len(stems) == 8 and sum(name.endswith(".wav") for name in stems) == 4


def test_nothing_to_take_home_before_anything_is_composed(visit):
    page = visit()
    page.get_by_role("button", name="MIDI", exact=True).click()
    expect(page.get_by_text("nothing to download yet").first).to_be_visible()


# ---- giving a seed -----------------------------------------------------------------------------------------------


def test_wrong_notes_are_told_at_their_field_and_keep_everything_else(visit):
    page = visit()
    notes = composed(page)
    words = in_words(page)
    page.get_by_label("Tempo").fill("111")
    write_seed(page, "C5 X5 E5")
    generate(page)
    in_state(page, "error")
    expect(problem(page, "notes")).to_contain_text("X5")
    assert seed_field(page).get_attribute("aria-invalid") == "true"
    assert seed_field(page).input_value() == "C5 X5 E5"
    assert data(page, "notes") == notes and in_words(page) == words
    assert page.get_by_label("Tempo").input_value() == "111"
    write_seed(page, "C5 D5 E5")
    expect(problem(page, "notes")).to_have_count(0)
    in_state(page, "done")  # the piece before is as good as ever
    assert composed(page) > 3


def test_a_wrong_number_is_told_at_its_field_too(visit):
    page = visit()
    fix_random_seed(page, -3)
    page.get_by_role("button", name=re.compile("^More")).click()
    generate(page)
    expect(problem(page, "random_seed")).to_contain_text("whole number")
    expect(problem(page, "random_seed")).to_be_visible()


def test_a_seed_longer_than_the_piece_says_what_to_do(visit):
    page = visit()
    set_length(page, 2)
    expect(problem(page, "bars")).to_contain_text("raise the length to 5")
    set_length(page, 3)
    expect(problem(page, "bars")).to_contain_text("raise the length to 5")
    page.locator("#bars input[type=number]").fill("")
    set_length(page, 12)
    expect(problem(page, "bars")).to_have_count(0)
    expect(roll(page)).to_have_attribute("data-steps", "192")


def test_what_a_visitor_types_is_never_run(visit):
    page = visit()
    write_seed(page, "<img/src=x/onerror=hacked=1>")
    generate(page)
    expect(problem(page, "notes")).to_contain_text("<img")
    assert page.evaluate("window.hacked") is None


def test_an_example_brings_its_style_and_meter(visit):
    page = visit()
    page.get_by_label("Example").select_option("Greensleeves")
    tune = next(e for e in EXAMPLES if e.name == "Greensleeves")
    expect(seed_field(page)).to_have_value(tune.text)
    expect(page.locator("#style input[value=dance]")).to_be_checked()
    expect(page.get_by_label("Tempo")).to_have_value(str(round(tune.tempo * 4 / 6)))  # in dotted quarters
    composed(page)
    assert data(page, "steps") % 12 == 0


def test_a_file_becomes_the_seed_and_can_be_taken_away(visit):
    page = visit()
    score = from_text("E5 D5 C5 D5 E5 E5 E5:2", "chorale", "2/4").canvas.score
    file = {"name": "<b>tune</b>.mid", "mimeType": "audio/midi", "buffer": midi.write(score)}
    page.locator("input[type=file]").set_input_files(file)
    expect(page.get_by_test_id("seed-message")).to_contain_text("Seed from")
    expect(roll(page)).to_have_attribute("data-notes", "7")
    composed(page)
    assert data(page, "steps") == 32  # its own length stays
    page.get_by_role("button", name="Remove b.mid").click()
    expect(page.get_by_test_id("seed-message")).not_to_contain_text("Seed from")


def test_a_file_that_is_no_music_is_told_at_the_upload(visit):
    page = visit()
    before = seed_field(page).input_value()
    page.locator("input[type=file]").set_input_files({"name": "a.mid", "mimeType": "audio/midi", "buffer": b"MThd??"})
    expect(problem(page, "upload")).to_be_visible()
    assert seed_field(page).input_value() == before


def test_the_keyboard_writes_what_is_played(visit):
    page = visit()
    page.get_by_role("button", name="Clear").click()
    expect(seed_field(page)).to_have_value("")
    page.get_by_role("button", name="E4", exact=True).click()
    expect(seed_field(page)).to_have_value("E4:1")
    page.keyboard.press("g")
    page.get_by_text("½", exact=True).click()
    page.keyboard.press("k")
    page.get_by_role("button", name="Rest").click()
    page.get_by_role("button", name="C5", exact=True).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(seed_field(page)).to_have_value("E4:1 G4:1 C5:0.5 R:0.5 C#5:0.5")
    page.get_by_role("button", name="Remove the last note").click()
    expect(seed_field(page)).to_have_value("E4:1 G4:1 C5:0.5 R:0.5")
    page.wait_for_function("handed.length >= 4")
    expect(roll(page)).to_have_attribute("data-notes", "3")


def test_the_keyboard_answers_a_click_without_a_pointer(visit):
    page = visit()
    write_seed(page, "")
    page.get_by_role("button", name="C5", exact=True).evaluate("key => key.click()")
    expect(seed_field(page)).to_have_value("C5:1")
    page.get_by_role("button", name="C5", exact=True).press("Space")
    expect(seed_field(page)).to_have_value("C5:1 C5:1")


def test_letters_typed_into_a_field_play_nothing(visit):
    page = visit()
    seed_field(page).fill("")
    seed_field(page).press_sequentially("A4 G4")
    expect(seed_field(page)).to_have_value("A4 G4")


def test_the_keyboard_answers_a_finger(visit):
    page = visit(has_touch=True, is_mobile=True, viewport={"width": 390, "height": 844})
    page.get_by_role("button", name="Clear").tap()
    page.get_by_role("button", name="D4", exact=True).tap()
    expect(seed_field(page)).to_have_value("D4:1")


# ---- for everybody -----------------------------------------------------------------------------------------------


def test_nobody_is_shut_out(visit):
    page = visit()
    page.get_by_role("button", name=re.compile("^More")).click()
    composed(page)
    in_words(page)
    write_seed(page, "C5 X5")
    generate(page)
    expect(problem(page, "notes")).to_be_visible()
    shuts_nobody_out(page)
    page.get_by_label("Help: keys and notation").click()
    expect(page.locator("details.help")).to_have_attribute("open", "")
    shuts_nobody_out(page)


def test_on_a_phone_the_roll_follows_the_playhead(visit):
    page = visit(viewport={"width": 390, "height": 844})
    set_length(page, 16)
    expect(roll(page)).to_have_attribute("data-steps", "256")
    for key, scrolled in (("End", True), ("Home", False)):
        roll(page).press(key)
        page.wait_for_function("s => (document.querySelector('[data-testid=roll]').scrollTop > 0) === s", arg=scrolled)


def test_on_a_phone_the_transport_stays_at_the_bottom_edge(visit):
    page = visit(viewport={"width": 390, "height": 844})
    for depth in (0, 900):
        page.mouse.wheel(0, depth)
        for name in ("Play", "Generate"):
            box = page.get_by_role("button", name=name, exact=True).bounding_box()
            assert box["y"] + box["height"] <= 844 and box["y"] > 740
    assert page.locator("#cards").bounding_box()["y"] < roll(page).bounding_box()["y"]


def test_everything_can_be_done_from_the_computer_keyboard(visit):
    page = visit()
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate("""() => {
            const at = document.activeElement;
            return at.dataset.testid || at.name || at.id || at.className.split(" ")[0];
        }""")
        )
    assert {"roll", "architecture", "generate", "stop", "play", "rewind", "tempo", "volume", "textbox"} <= reached
    page.locator("#generate").focus()
    page.keyboard.press("Enter")
    in_state(page, "done")
    roll(page).focus()
    page.keyboard.press("Home")
    page.keyboard.press("Space")
    page.wait_for_function("document.documentElement.dataset.sound === 'paused'")
    page.keyboard.press("Home")
    page.keyboard.press("PageUp")
    page.keyboard.press("ArrowRight")
    assert data(page, "position") == 20
    assert roll(page).get_attribute("aria-valuetext") == "bar 2, beat 2"


def test_light_and_dark_can_be_chosen_and_are_kept(visit):
    page = visit(color_scheme="light")
    button = page.get_by_role("button", name="Dark page")
    assert button.get_attribute("aria-pressed") == "false"
    button.click()
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert max(map(int, re.findall(r"\d+", ground)[:3])) < 60
    page.reload()
    expect(page.get_by_role("button", name="Dark page")).to_have_attribute("aria-pressed", "true")


def test_with_reduced_motion_the_playhead_steps(visit):
    page = visit(reduced_motion="reduce")
    composed(page)
    playing(page)
    moved = page.evaluate("""async () => {
        const head = document.querySelector(".playhead"), seen = new Set();
        for (let i = 0; i < 40; i++) { await new Promise(requestAnimationFrame); seen.add(head.style.transform); }
        return seen.size;
    }""")
    assert moved < 14
