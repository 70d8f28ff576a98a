"""The grammar, the two views of the cells, and what a canvas fixes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import scores

from musicgen.score import (
    HOLD,
    METERS,
    REST,
    STYLES,
    Canvas,
    Note,
    Score,
    ScoreError,
    from_notes,
    sounding,
    voice_ranges,
)

KINDS = st.tuples(st.sampled_from(list(STYLES)), st.sampled_from(list(METERS)))
ANY_SCORE = KINDS.flatmap(lambda kind: scores(*kind))


def blank_cells(bars: int = 1, meter: str = "4/4") -> np.ndarray:
    return np.full((bars * METERS[meter].steps, 4), REST)


@settings(deadline=None)
@given(ANY_SCORE)
def test_notes_and_cells_are_two_views_of_one_thing(score):
    assert np.array_equal(from_notes(score.notes(), score.steps), score.cells)


@settings(deadline=None)
@given(ANY_SCORE)
def test_sounding_replaces_every_hold_by_its_note(score):
    roll = sounding(score.cells)
    assert (roll != HOLD).all()
    for note in score.notes():
        assert (roll[note.start : note.start + note.duration, note.voice] == note.pitch).all()
    assert (roll >= 0).sum() == sum(n.duration for n in score.notes())


@pytest.mark.parametrize(
    ("step", "voice", "cell", "words"),
    [
        (0, 1, HOLD, "bar 1, alto: the voice holds a note that was never begun"),
        (20, 2, HOLD, "bar 2, tenor"),
        (3, 0, 82, "leaves its range in a chorale"),
        (3, 3, 34, "bar 1, bass"),
        (3, 3, -7, "neither a pitch, REST nor HOLD"),
    ],
)
def test_broken_grammar_names_bar_and_voice(step, voice, cell, words):
    cells = blank_cells(2)
    cells[step, voice] = cell
    with pytest.raises(ScoreError, match=words):
        Score(cells)


def test_a_dance_uses_the_top_voice_alone():
    cells = blank_cells()
    cells[0, 1] = 67
    with pytest.raises(ScoreError, match="alto"):
        Score(cells, "dance")


@pytest.mark.parametrize(
    "changes", [{"style": "polka"}, {"meter": "7/8"}, {"tempo": 10}, {"tempo": float("nan")}, {"meter": "3/4"}]
)
def test_settings_outside_the_known_are_refused(changes):
    with pytest.raises(ScoreError):
        Score(blank_cells(), **changes)


def test_a_score_cannot_be_changed_from_outside():
    cells = blank_cells()
    score = Score(cells)
    cells[0, 0] = 60
    assert score.cells[0, 0] == REST
    with pytest.raises(ValueError):
        score.cells[0, 0] = 60


def test_a_later_note_cuts_an_earlier_one_short():
    cells = from_notes([Note(0, 60, 0, 8), Note(0, 62, 4, 2)], 16)
    assert cells[:7, 0].tolist() == [60, HOLD, HOLD, HOLD, 62, HOLD, REST]


def test_empty_voices_have_an_empty_range():
    low, high = voice_ranges("dance")
    assert (low <= high).tolist() == [True, False, False, False]


@settings(deadline=None)
@given(ANY_SCORE, st.integers(0, 2**32 - 1))
def test_a_canvas_keeps_the_pitch_that_sounds_in_every_fixed_cell(score, seed):
    fixed = np.random.default_rng(seed).random(score.cells.shape) < 0.5
    canvas = Canvas(score, fixed)
    assert np.array_equal(canvas.score.sounding()[fixed], score.sounding()[fixed])
    assert (canvas.score.cells[~canvas.fixed] == REST).all()
    assert canvas.fixed[:, len(STYLES[score.style].ranges) :].all()


@settings(deadline=None)
@given(ANY_SCORE, st.integers(0, 3))
def test_extending_adds_free_bars_and_keeps_what_is_fixed(score, more):
    canvas = Canvas(score, np.ones(score.cells.shape, bool))
    longer = canvas.extended(score.bars + more)
    used = len(STYLES[score.style].ranges)
    assert longer.score.bars == score.bars + more
    assert np.array_equal(longer.score.cells[: score.steps], score.cells)
    assert not longer.fixed[score.steps :, :used].any()
    assert longer.extended(score.bars).score == score
    assert canvas.seed_steps == score.steps


def test_freeing_bars_fixes_all_others():
    cells = blank_cells(3)
    cells[0], cells[1:, :] = [70, 60, 55, 50], HOLD
    canvas = Canvas.free_bars(Score(cells), 2, 2)
    assert canvas.fixed[:16].all() and not canvas.fixed[16:32].any() and canvas.fixed[32:].all()
    assert canvas.score.cells[32].tolist() == [70, 60, 55, 50]
    with pytest.raises(ScoreError, match="3 bars"):
        Canvas.free_bars(Score(cells), 2, 4)


def test_keeping_a_voice_frees_the_others():
    cells = blank_cells()
    cells[0], cells[1:, :] = [70, 60, 55, 50], HOLD
    canvas = Canvas.keep_voices(Score(cells), [0, 3])
    assert canvas.fixed.all(axis=0).tolist() == [True, False, False, True]
    assert (canvas.score.cells[:, 1:3] == REST).all()


def test_a_blank_canvas_has_no_seed():
    canvas = Canvas.blank(4, "dance", "6/8")
    assert (canvas.score.steps, canvas.seed_steps, canvas.score.tempo) == (48, 0, STYLES["dance"].tempo_in("6/8"))


@pytest.mark.parametrize(("meter", "quarters"), [("4/4", 110), ("3/4", 110), ("6/8", 165), ("9/8", 165)])
def test_a_style_has_as_many_beats_a_minute_in_every_meter(meter, quarters):
    assert STYLES["dance"].tempo_in(meter) == Canvas.blank(1, "dance", meter).score.tempo == quarters
