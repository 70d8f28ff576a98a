"""Scores of every kind for property tests."""

import numpy as np
from hypothesis import strategies as st

from musicgen.score import HOLD, METERS, REST, STYLES, Score, plain

LENGTHS = st.sampled_from((1, 1, 2, 2, 3, 4, 4, 5, 6, 7, 8, 12, 16, 23, 40))  # steps; the long ones cross bar lines


@st.composite
def columns(draw, low: int, high: int, steps: int) -> np.ndarray:
    """A voice `(steps,)`: rests and notes in any order, the same note again more often than chance has it."""
    column, now, pitch = np.full(steps, REST), 0, draw(st.integers(low, high))
    if draw(st.integers(0, 5)) == 0:
        return column
    while now < steps:
        length, kind = draw(LENGTHS), draw(st.sampled_from(["rest", "again", "new", "new", "new"]))
        if kind == "new":
            pitch = draw(st.integers(low, high))
        if kind != "rest":
            column[now : now + length] = HOLD
            column[now] = pitch
        now += length
    return column


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), max_size=20).map(lambda text: f"A {text}")
CALLED = st.sampled_from(("", "Ode & <b>Joy</b>", "Śpiew $x$ 歌")) | NAMES.map(str.strip)


@st.composite
def scores(draw, style: str, meter: str, most_bars: int = 4) -> Score:
    """With an upbeat and with names now and then."""
    bars, bar = draw(st.integers(1, most_bars)), METERS[meter].steps
    steps, upbeat = bars * bar, draw(st.sampled_from((0, 0, draw(st.integers(1, bar - 1)))))
    cells = np.full((steps, 4), REST)
    for voice, (low, high) in enumerate(STYLES[style].ranges):
        cells[:, voice] = draw(columns(low, high, steps))
    silent = bar - upbeat if upbeat else 0
    cells[:silent] = REST
    held = np.cumprod(cells[silent:] == HOLD, axis=0).astype(bool)
    cells[silent:][held] = REST  # what would be held from before
    tempo = draw(st.integers(2000, 30000)) / 100
    return Score(cells, style, meter, tempo, upbeat, plain(draw(CALLED)), plain(draw(CALLED)))


@st.composite
def lines(draw, low: int = 60, high: int = 80) -> list[tuple[int, int, int]]:
    """A line of 6 notes or more, `(pitch, start, length)` in steps; half of them and more are of 4 steps at most and
    directly followed by another.
    """
    pitches = st.integers(low, high)
    lengths, rests = st.sampled_from((1, 2, 3, 4, 6, 8, 12, 16, 23)), st.sampled_from((0, 1, 2, 4))
    short = draw(st.lists(st.tuples(pitches, st.sampled_from((1, 2, 2, 3, 4, 4)), st.just(0)), min_size=6, max_size=30))
    others = draw(st.lists(st.tuples(pitches, lengths, rests), max_size=len(short) - 2))
    drawn = draw(st.permutations(short + others))
    line, now = [], 0
    for pitch, length, rest in drawn:
        line.append((pitch, now, length))
        now += length + rest
    return line
