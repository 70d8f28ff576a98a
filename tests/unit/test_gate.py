"""Notes that are played shorter than they are written come out as they are written; what is meant short stays short."""

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from midis import file_of
from sheets import bar, note, xml
from strategies import lines

from musicgen.io.gate import Spans, gates_of
from musicgen.io.seeds import from_midi, from_musicxml


def played(line: list[tuple[int, int, int]], gate: float) -> list[tuple[int, float, float]]:
    """A line `(pitch, start, length)` in steps -> notes `(pitch, start, end)` in quarters, each let go early."""
    return [(pitch, start / 4, (start + length * gate) / 4) for pitch, start, length in line]


def found(*tracks: tuple, **how) -> list[tuple[int, int, int]]:
    return [
        (n.voice, n.start, n.duration)
        for n in from_midi(file_of(*tracks, **how), "chorale", "4/4").canvas.score.notes()
    ]


def written(*lengths: int) -> list[tuple[int, int, int]]:
    """A line of notes of so many steps, one after the other; a rest is below 0."""
    line, now = [], 0
    for length in lengths:
        if length > 0:
            line.append((60 + len(line) % 12, now, length))
        now += abs(length)
    return line


@settings(deadline=None, max_examples=60)
@given(lines(), st.floats(0.75, 1), st.sampled_from((384, 480, 960)))
def test_any_gate_gives_the_written_lengths(line, gate, ticks):
    # Of long notes alone, and of notes before rests, nobody could tell.
    assert sum(a[2] <= 4 and a[1] + a[2] == b[1] for a, b in pairwise(line)) * 2 >= len(line)
    kept = [(0, start, min(length, 512 - start)) for _, start, length in line if start < 512]
    assert found(("Tune", 0, played(line, gate)), ticks=ticks) == kept


@pytest.mark.parametrize("gate", [0.75, 0.8, 0.85, 6 / 7, 0.9, 0.95, 0.99, 1])
def test_chords_and_the_last_note_have_their_written_length(gate):
    top, bass = written(8, 4, 4, 12, 4, 8, 8), written(16, 16, 16)
    tracks = [("Soprano", 0, played(top, gate)), ("Bass", 1, played([(p - 20, s, n) for p, s, n in bass], gate))]
    assert found(*tracks) == sorted(
        [(0, s, n) for _, s, n in top] + [(3, s, n) for _, s, n in bass], key=lambda n: n[1:2] + n[:1]
    )
    chords = [(pitch + up, start, length) for pitch, start, length in top for up in (0, -4, -9)]
    assert {n[1:] for n in found(("Organ", 0, played(chords, gate)))} == {(s, n) for _, s, n in top}


def test_a_part_may_have_a_gate_of_its_own():
    top, bass = written(4, 4, 8, 4, 4, 8), written(8, 8, 8, 8)
    low = [(pitch - 20, start, length) for pitch, start, length in bass]
    assert {n[1:] for n in found(("Flute", 0, played(top, 1)), ("Bass", 1, played(low, 0.8)))} == {
        (start, length) for _, start, length in top + bass
    }


def test_what_is_meant_short_stays_short():
    staccato = found(("Tune", 0, played(written(4, 4, 8, 4, 4, 8), 0.5)))
    assert [n[2] for n in staccato] == [2, 2, 4, 2, 2, 4]
    rests = written(4, -4, 4, 4, 4, -4, 6, -2, 8)
    assert [n[1:] for n in found(("Tune", 0, played(rests, 1)))] == [n[1:] for n in rests]
    dotted = written(3, 1, 3, 1, 12, -4, 12, -4)
    assert [n[1:] for n in found(("Tune", 0, played(dotted, 1)))] == [n[1:] for n in dotted]
    pump = [(48, start, 12) for start in range(0, 64, 16)]  # three beats of four, in every bar
    assert [n[2] for n in found(("Bass", 0, played(pump, 1)))] == [12] * 4


def test_what_is_written_has_no_gate():
    eighths = [note("C5", 1), note("", 1)] * 4
    seed = from_musicxml(xml([bar(*eighths, time="4/4"), bar(note("D5", 3), note("", 1), note("E5", 3), note("", 1))]))
    assert [n.duration for n in seed.canvas.score.notes()] == [2, 2, 2, 2, 6, 6]


@pytest.mark.parametrize("seed", range(5))
def test_a_performance_has_no_gate(seed):
    rng, now, sounds = random.Random(seed), 0.0, []
    for _ in range(60):
        length = rng.choice((1, 2, 2, 4, 4, 8))
        sounds.append((60, now + rng.gauss(0, 0.15), now + length * rng.uniform(0.5, 1.1)))
        now += length
    assert gates_of([Spans(sorted(sounds, key=lambda s: s[1]))]) == [None]
