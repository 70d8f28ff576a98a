"""A piece as the page holds it: there and back, and whatever else a stranger may send."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import scores

from musicgen import piece
from musicgen.io.seeds import from_text
from musicgen.score import Canvas, Score, ScoreError, from_notes

SEED = from_text("C5 D5 E5", "chorale", "3/4", 90).canvas
SENT = piece.write(SEED.score, SEED.fixed)


@given(scores("chorale", "4/4") | scores("dance", "6/8"))
@settings(max_examples=40, deadline=None)
def test_a_piece_comes_back_as_it_went(score):
    fixed = np.zeros(score.cells.shape, bool)
    fixed[: score.steps // 2, 0] = True
    again, given_cells = piece.read(json.loads(json.dumps(piece.write(score, fixed))))
    assert again == score and np.array_equal(given_cells, fixed)


def test_a_canvas_keeps_only_what_is_fixed():
    canvas = piece.canvas({**SENT, "fixed": [[0, 0, 4]]})
    assert [n.pitch for n in canvas.score.notes()] == [72] and canvas.fixed[:, 0].sum() == 4


def test_another_style_reads_the_given_notes_anew():
    seed = piece.restyled(SEED, "dance", "6/8", 110)
    assert [n.pitch for n in seed.canvas.score.notes()] == [72, 74, 76]
    assert (seed.canvas.score.style, seed.canvas.score.meter, seed.canvas.score.tempo) == ("dance", "6/8", 110)


@pytest.mark.parametrize(
    "changes",
    [
        {"style": "polka"}, {"style": []}, {"meter": "7/8"}, {"tempo": "80"}, {"tempo": float("nan")}, {"tempo": True},
        {"steps": 13}, {"steps": 0}, {"steps": 10**12}, {"steps": 12.0}, {"notes": None}, {"notes": [[0, 72, 0]]},
        {"notes": [[0, 72, 0, 2**70]]}, {"notes": [[0, 72, 12, 4]]}, {"notes": [[4, 72, 0, 4]]},
        {"notes": [["0", 72, 0, 4]]}, {"notes": [[0, 200, 0, 4]]}, {"notes": [[0, 30, 0, 4]]},
        {"notes": [[0, 72, 0, 4]] * 10**6}, {"fixed": [[0, 0, 13]]}, {"fixed": [[-1, 0, 4]]}, {"fixed": "all"},
    ],
)  # fmt: skip
def test_what_is_no_piece_is_refused(changes):
    with pytest.raises(ScoreError):
        piece.read({**SENT, **changes})


ANYTHING = st.recursive(
    st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@given(ANYTHING)
@settings(max_examples=60, deadline=None)
def test_nothing_else_gets_through(data):
    with pytest.raises(ScoreError):
        piece.read(data)


def test_runs_leave_out_voices_that_are_not_in_use():
    score = Score(from_notes([], 16), "dance")
    assert piece.runs(Canvas.blank(1, "dance").fixed, 1) == []
    assert piece.write(score, np.ones((16, 4), bool))["fixed"] == [[0, 0, 16]]
