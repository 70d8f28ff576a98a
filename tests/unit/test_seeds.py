"""Typed notes: what is understood, where it goes, and what is said about it."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musicgen.io.seeds import EXAMPLES, SeedError, from_file, from_text
from musicgen.io.voicing import pitch_name, place
from musicgen.score import METERS, STYLES, VOICES, Note


def notes(text: str, **how) -> list[tuple[int, int, int, int]]:
    return [(n.voice, n.pitch, n.start, n.duration) for n in from_text(text, **how).canvas.score.notes()]


def problem(text: str, **how) -> SeedError:
    with pytest.raises(SeedError) as caught:
        from_text(text, **how)
    return caught.value


def test_the_grammar():
    seed = from_text("C5:1 D5:0.5 E5:0.5 R:1 [C4 E4 G4]:2 | F5")
    assert [(n.voice, n.pitch, n.start, n.duration) for n in seed.canvas.score.notes()] == [
        (0, 72, 0, 4),
        (0, 74, 4, 2),
        (0, 76, 6, 2),
        (0, 67, 12, 8),
        (1, 64, 12, 8),
        (2, 60, 12, 8),
        (0, 77, 20, 4),
    ]
    assert seed.message == ""
    assert seed.canvas.score.bars == 2


@pytest.mark.parametrize(
    ("typed", "pitch"),
    [("C5", 72), ("c5", 72), ("72", 72), ("f#4", 66), ("F♯4", 66), ("Bb4", 70), ("bb4", 70), ("B4", 71), ("b4", 71)]
    + [("BB4", 70), ("bbb4", 69), ("Ab4", 68), ("ab4", 68), ("E♭5", 75), ("C##5", 74), ("Cb5", 71), ("B#4", 72)],
)
def test_pitches(typed, pitch):
    assert notes(typed) == [(0, pitch, 0, 4)]


@pytest.mark.parametrize(
    ("typed", "steps"),
    [("1", 4), ("0.5", 2), (".25", 1), ("1/2", 2), ("3/4", 3), ("1.5", 6), ("4/4", 4), ("0.5/2", 1), ("2.750", 11)],
)
def test_lengths(typed, steps):
    assert notes(f"C5:{typed}") == [(0, 72, 0, steps)]


@pytest.mark.parametrize("typed", ["C5, D5; E5", "C5 | D5 || E5 |", "\nC5\tD5\n\nE5", "|C5|D5|E5|", "C5,D5,E5"])
def test_bar_lines_commas_and_spaces_do_not_matter(typed):
    assert notes(typed) == [(0, 72, 0, 4), (0, 74, 4, 4), (0, 76, 8, 4)]


@pytest.mark.parametrize(
    ("typed", "token", "advice"),
    [
        ("C5 X5 D5", '"X5" (number 2', "write a note such as C5"),
        ("C5 H4", '"H4" (number 2', "write B4"),
        ("C5 D", '"D" (number 2', "Write D4 or D5"),
        ("C5:0.3", '"C5:0.3"', "nearest length is 0.25 or 0.5"),
        ("C5:0.1", '"C5:0.1"', "nearest length is 0.25"),
        ("C5:0", '"C5:0"', "nearest length is 0.25"),
        ("C5:1/3", '"C5:1/3"', "0.25 or 0.5"),
        ("C5:1/0", '"C5:1/0"', "write beats"),
        ("C5:0,5", '"C5:0,5"', "write a point: 0.5"),
        ("C5:", '"C5:"', "write C5:1"),
        ("C5 :1", '":1"', "no space"),
        ("C5:-1", '"C5:-1"', "write beats"),
        ("C5:1e9", '"C5:1e9"', "write beats"),
        ("[C4 E4", '"["', "bracket at either end"),
        ("C4 E4]:2", '"]:2"'[:2], "bracket"),
        ("[C4:1 E4:1]", '"[C4:1 E4:1]"', "one length"),
        ("[]:2", '"[]:2"', "one to four notes"),
        ("[C4 D4 E4 F4 G4]", '"[C4 D4 E4 F4 G4]"', "this one has 5"),
        ("[C4 Q4]", '"[C4 Q4]"', "write a note"),
        ("128", '"128"', "0 to 127"),
        ("606264", '"606264"', "60 62 64"),
        ("C12", '"C12"', "octaves"),
        ("C5.5", '"C5.5"', "colon"),
        ("C5-1", '"C5-1"', "colon"),
        ("²", '"²"', "write a note"),
    ],
)
def test_errors_name_the_token_and_say_what_to_type(typed, token, advice):
    error = problem(typed)
    assert token in str(error) and advice in str(error)
    start, end = error.span
    assert typed[start:end]


@pytest.mark.parametrize("typed", ["", "   \n", "|", "R:4 R"])
def test_no_note_is_told(typed):
    assert "no note" in str(problem(typed))


def test_a_huge_paste_is_refused_at_once():
    began = time.process_time()
    for paste in ("C5 " * 350_000, "[" * 1_000_000, "C5:1" + "0" * 1_000_000, "a" * 1_000_000):
        problem(paste)
    assert time.process_time() - began < 5  # no more than a guard against quadratic time


def test_too_many_bars_name_the_note_where_they_end():
    assert "(number 129 of the notes)" in str(problem("C5 " * 200))
    assert "9999" in str(problem("C5:9999"))
    assert from_text("C5 " * 128).canvas.score.bars == 32


@settings(deadline=None)
@given(st.text(max_size=60) | st.text(alphabet="abcgr#♭:[]|0123456789./ ,-", max_size=60))
def test_any_text_is_a_seed_or_a_seed_error(text):
    try:
        seed = from_text(text)
    except SeedError as error:
        assert str(error) and "\n" not in str(error).replace(text, "")
    else:
        assert seed.canvas.score.notes()


def test_a_melody_fixes_the_top_voice_and_nothing_else():
    canvas = from_text("C5 R D5 E5 | F5").canvas
    assert canvas.fixed[:20, 0].all() and not canvas.fixed[20:, 0].any()
    assert not canvas.fixed[:, 1:].any()
    assert canvas.seed_steps == 20


def test_a_chord_fixes_the_voices_it_uses():
    canvas = from_text("C5 [C3 C5]").canvas
    assert canvas.fixed[:4].any(axis=0).tolist() == [True, False, False, False]
    assert canvas.fixed[4:8].all(axis=0).tolist() == [True, False, False, True]


@pytest.mark.parametrize(
    ("chord", "voices"),
    [
        ((67, 64, 60), (0, 1, 2)),
        ((72, 48), (0, 3)),
        ((55, 52, 48), (1, 2, 3)),
        ((72, 64, 55, 48), (0, 1, 2, 3)),
        ((72, 64), (0, 1)),
        ((76, 60, 45), (0, 2, 3)),
    ],
)
def test_chord_notes_go_to_the_voices_that_suit_them(chord, voices):
    assert place(chord, "chorale") == voices


@settings(deadline=None)
@given(st.lists(st.integers(30, 90), min_size=1, max_size=4))
def test_chords_stay_in_order_from_high_to_low(pitches):
    found = from_text(f"[{' '.join(map(str, pitches))}]").canvas.score.notes()
    assert len(found) == len(pitches)
    assert sorted(n.pitch % 12 for n in found) == sorted(p % 12 for p in pitches)


@settings(deadline=None)
@given(st.lists(st.integers(0, 127), min_size=1, max_size=20), st.sampled_from(list(STYLES)))
def test_notes_out_of_range_move_by_octaves_and_it_is_told(pitches, style):
    seed = from_text(" ".join(map(str, pitches)), style)
    found = [n.pitch for n in seed.canvas.score.notes()]
    assert [p % 12 for p in found] == [p % 12 for p in pitches]
    assert bool(seed.message) == (found != pitches)


def test_a_tune_out_of_range_moves_as_a_whole():
    seed = from_text("C3 G3 C4")
    assert [n.pitch for n in seed.canvas.score.notes()] == [60, 67, 72]
    assert seed.message == "The tune was moved up an octave."


def test_a_single_note_out_of_range_is_named():
    seed = from_text("C4 C6 A3")
    assert [n.pitch for n in seed.canvas.score.notes()] == [60, 72, 57]
    assert "1 note was moved by octaves into the soprano's range A3-A5 (C6 became C5)" in seed.message


def test_a_dance_keeps_a_chords_top_note():
    seed = from_text("[C4 E4 G4] D5", style="dance")
    assert notes("[C4 E4 G4] D5", style="dance") == [(0, 67, 0, 4), (0, 74, 4, 4)]
    assert "top note" in seed.message


def test_tempo_is_the_styles_unless_given():
    assert from_text("C5", "dance").canvas.score.tempo == STYLES["dance"].tempo
    assert from_text("C5", "dance", "6/8", 90).canvas.score.tempo == 90
    assert "tempo" in str(problem("C5", tempo=1000))


@pytest.mark.parametrize("how", [{"style": "polka"}, {"meter": "5/4"}])
def test_unknown_settings_list_the_known(how):
    assert "choose one of" in str(problem("C5", **how))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e.name)
def test_examples_need_no_correction(example):
    seed = from_text(example.text, example.style, example.meter, example.tempo)
    assert seed.message == ""
    assert 2 <= seed.canvas.score.bars <= 5
    bar = METERS[example.meter].steps
    lengths = [
        from_text(part, example.style, example.meter).canvas.seed_steps for part in example.text.split("|")[1:-1]
    ]
    assert all(length == bar for length in lengths)


def test_examples_cover_styles_and_meters():
    assert len(EXAMPLES) >= 12
    assert {e.style for e in EXAMPLES} == set(STYLES)
    assert {e.meter for e in EXAMPLES} == set(METERS)
    assert len({e.name for e in EXAMPLES}) == len(EXAMPLES)


def test_the_first_bars_of_a_seed():
    seed = from_text("C5 " * 7)
    assert seed.first(1).canvas.seed_steps == seed.first(1).canvas.score.steps == 16
    assert seed.first(2) is seed and seed.canvas.seed_steps == 28


def test_a_file_of_neither_kind_is_named():
    with pytest.raises(SeedError, match=r"song\.doc is neither MIDI nor MusicXML nor ABC"):
        from_file("song.doc", b"\xd0\xcf\x11\xe0")
    with pytest.raises(SeedError):
        from_file("", b"")


def test_pitch_names():
    assert [pitch_name(p) for p in (60, 61, 70, 93)] == ["C4", "C#4", "Bb4", "A6"]


def test_voices_of_a_full_chord_are_the_score():
    canvas = from_text("[C5 E4 G3 C3]:4").canvas
    assert canvas.fixed[:16].all() and len(VOICES) == 4
    assert canvas.score.notes() == [Note(0, 72, 0, 16), Note(1, 64, 0, 16), Note(2, 55, 0, 16), Note(3, 48, 0, 16)]
    assert np.array_equal(canvas.score.sounding()[15], [72, 64, 55, 48])
