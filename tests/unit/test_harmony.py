"""Chords of music made by hand: which are strange, and how varied they are."""

import numpy as np
import pytest
from tiny import chorale

from musicgen.score import HOLD, REST, Note, Score, from_notes
from train.data import Piece
from train.evaluation import harmony
from train.evaluation.harmony import Harmony, common_sonorities, sonorities
from train.report.tables import HARMONY_MEANING

MAJOR, SIXTH, SUSPENDED = (72, 67, 64, 48), (72, 67, 60, 52), (72, 67, 65, 48)  # soprano to bass
COMMON = {0b10010001, 0b100001001}  # the first two


def chords(*pitches: tuple[int, ...], steps: int = 4) -> Score:
    """One chord after another, `steps` each; where a pitch is `HOLD` the voice's note goes on."""
    cells = np.repeat(pitches, steps, axis=0)
    follows = np.arange(len(cells)) % steps > 0
    return Score(np.where(follows[:, None] & (cells != REST), HOLD, cells))


def figures(*scores: Score) -> dict[str, float]:
    return harmony.harmony(scores, COMMON)


def test_a_sonority_is_what_sounds_above_the_lowest_note_whatever_the_key_and_the_spacing():
    found = sonorities(chords(MAJOR, tuple(p + 2 for p in MAJOR), (76, 72, 67, 48), SIXTH)).tolist()
    assert found == [0b10010001] * 12 + [0b100001001] * 4
    crossed = sonorities(chords((72, 67, 48, 52), steps=16))  # the tenor below the bass
    assert set(crossed.tolist()) == {0b10010001}


def test_a_chord_with_a_silent_voice_is_none():
    silent = chords(MAJOR, (72, 67, 64, REST), MAJOR, SUSPENDED)
    assert set(sonorities(silent)[4:8].tolist()) == {harmony.NO_SONORITY}
    assert figures(silent)["strange_on_beat"] == pytest.approx(1 / 3)
    assert figures(chords((72, 67, 64, REST), steps=16))["strange_on_beat"] == 0


def test_the_commonest_sonorities_are_counted_step_by_step(monkeypatch):
    monkeypatch.setattr(harmony, "COMMON", 1)
    long, short = chords(SIXTH, steps=16), chords(MAJOR, SUSPENDED, MAJOR, SUSPENDED)
    assert common_sonorities([long, short]) == {0b100001001}
    assert common_sonorities([Score(np.full((16, 4), REST))]) == set()


def test_strange_chords_are_counted_on_the_beat():
    off_beat = [MAJOR, MAJOR, SUSPENDED, MAJOR] * 2  # eighths; the third begins a beat
    assert figures(chords(*off_beat, steps=2))["strange_on_beat"] == 1 / 2
    assert figures(chords(MAJOR, SUSPENDED, MAJOR, SUSPENDED, *[MAJOR] * 4, steps=2))["strange_on_beat"] == 0
    assert figures(chords(MAJOR, SIXTH, SUSPENDED, SIXTH), chords(MAJOR, steps=16))["strange_on_beat"] == 1 / 8


def test_strange_chords_are_counted_where_three_voices_begin():
    held = [MAJOR, (HOLD, 67, 65, 48), (72, 67, 64, 48), (72, HOLD, 64, 48)]  # the second is strange, one voice held
    assert figures(chords(*held))["strange_three_begin"] == 1 / 2
    two = [MAJOR, (HOLD, HOLD, 65, 48), MAJOR, MAJOR]
    assert figures(chords(*two))["strange_three_begin"] == 0 < figures(chords(*two))["strange_on_beat"]


def test_parallels_are_those_of_voice_leading():
    up = tuple(p + 2 for p in MAJOR)
    found = figures(chords(MAJOR, up, up, up))
    assert (found["parallel_fifths"], found["parallel_octaves"]) == (100, 100)


def test_variety_is_counted_by_hand():
    same, two = chords(*[MAJOR] * 16), chords(*[MAJOR, SIXTH] * 8)
    assert figures(same)["distinct_chords"] == 1 and figures(two)["distinct_chords"] == 2
    assert figures(same)["chord_entropy"] == figures(same)["bass_entropy"] == 0
    assert figures(two)["chord_entropy"] == pytest.approx(1)
    assert figures(two)["bass_entropy"] == pytest.approx(1, abs=0.01)  # up and down, once more up than down
    moved = chords(*[MAJOR] * 8, *[tuple(p + 2 for p in MAJOR)] * 8)  # one sonority, two roots, in four bars
    assert (figures(moved)["distinct_chords"], figures(moved)["chord_entropy"]) == (2, 0)
    longer = chords(*[MAJOR] * 16, *[SIXTH] * 4)  # bars 1-4 and bars 2-5
    assert figures(longer)["distinct_chords"] == 1.5


def test_samples_are_as_long_as_the_held_out_pieces_and_lie_beside_them():
    pieces = [
        Piece(f"{bars} {split}", split, chorale(bars, bars)) for bars in (9, 5, 2) for split in ("train", "valid")
    ]
    held_out = Harmony(pieces, "chorale", "valid")
    tasks = held_out.tasks(5)
    assert [(piece.bars, seed) for piece, seed in tasks] == [(5, 0), (5, 1), (9, 0), (9, 1), (9, 2)]
    found = held_out.judge(held_out.pieces)
    assert set(found) == set(HARMONY_MEANING)
    assert all(figure["value"] == figure["reference"] for figure in found.values())


def test_only_what_was_composed_is_judged():
    piece = Piece("a", "valid", chorale(6, 1))
    held_out = Harmony([piece], "chorale", "valid")
    other = piece.score.replace(cells=np.vstack([chorale(2, 2).cells, from_notes([Note(0, 72, 0, 64)], 64)]))
    found = held_out.judge([other])
    assert found["distinct_chords"] == {"value": 1, "reference": found["distinct_chords"]["reference"]}
    assert found["bass_entropy"]["value"] == 0 < found["bass_entropy"]["reference"]
