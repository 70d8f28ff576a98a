"""Times as a file has them -> whole sixteenth steps."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from musicgen.io.gate import Spans
from musicgen.score import Note

OFF_GRID = 0.1  # steps a time may lie off the grid before it counts as off it
EARLY = 0.15  # the part of a note's length by which it may end early, as played, without a rest being meant
LEGATO = 0.45  # the part of it by which a note of a line may sound into the next
LATE = 4  # steps, and half of its length, that a last note may be let go after the last bar line


class Sound(NamedTuple):
    """A note as a file has it; times in sixteenth steps, not yet on the grid."""

    pitch: int
    start: float
    end: float


def quantised(sounds: Sequence[Sound], bar: int, limit: int, last: int, gate: float | None) -> tuple[list[Note], int]:
    """Sounds of one part -> notes on the grid, and how many were too short for it.

    Args:
        sounds: of the part.
        bar: steps of a bar.
        limit: a step that no note lasts beyond.
        last: the step where the last note of all parts begins.
        gate: which part of their written length the notes sound; None if that differs.
    """
    run = _is_run(sounds)
    starts = sorted({round(s.start) for s in sounds})
    following = dict(pairwise(starts))
    notes = {}
    for sound, written in zip(sounds, _written(sounds, gate, run)):
        start = round(sound.start)
        after = following.get(start)
        end = start + written if written else _end(sound, bar, after, last, run)
        duration = min(max(1, end - start), limit - start)
        notes[start, -sound.pitch] = max(duration, notes.get((start, -sound.pitch), 0))
    again = {}  # pitch -> where it begins next
    for start, pitch in sorted(notes, reverse=True):
        notes[start, pitch] = min(notes[start, pitch], again.get(pitch, limit) - start)
        again[pitch] = start
    found = [Note(0, -pitch, start, duration) for (start, pitch), duration in sorted(notes.items())]
    kept = _thinned(found, sounds) if run else found
    return kept, len(found) - len(kept)


def _written(sounds: Sequence[Sound], gate: float | None, run: bool) -> list[int]:
    """Steps that the gate tells each note was written; 0 where it does not tell, as in a line played legato."""
    if gate is None or not sounds:
        return [0] * len(sounds)
    spans = Spans(sounds)
    return [int(n) for n in spans.written(gate)[0] * (spans.alone | (not run))]


def _end(sound: Sound, bar: int, after: int | None, last: int, run: bool) -> int:
    """The step where a note ends that the part has none of but from step `after` on.

    One that ends a little early or late, as played ones do, lasts until the next, or until the bar line. Later may be
    those of a line, a `run`, and one that sounds after step `last`.
    """
    if abs(sound.end - round(sound.end)) <= OFF_GRID / 5:
        return round(sound.end)
    late = sound.end % bar  # steps after the last bar line
    slack = (LEGATO if run and after is not None and sound.end > after else EARLY) * (sound.end - sound.start)
    if after is not None and abs(after - sound.end) <= max(1, slack):
        return after
    if late < 1 or (late < LATE and late * 2 < sound.end - sound.start and sound.end - late > last):
        return round(sound.end - late)
    return math.ceil(sound.end - OFF_GRID)


def _is_run(sounds: Sequence[Sound]) -> bool:
    """Whether the notes, before they are put on the grid, follow each other one by one."""
    pairs = list(pairwise(sorted(sounds, key=lambda s: s.start)))
    held = sum(a.end - b.start > (a.end - a.start) / 2 for a, b in pairs)  # through half of the next: a chord, spread
    return all(a.start < b.start - OFF_GRID / 2 for a, b in pairs) and held * 10 <= len(pairs)


def _thinned(notes: list[Note], sounds: Sequence[Sound]) -> list[Note]:
    """Of notes that came to begin at one step, the one that began nearest to it: a fast run is no chord."""
    away = {(round(s.start), s.pitch): abs(s.start - round(s.start)) for s in sorted(sounds, key=lambda s: -s.start)}
    nearest = sorted(notes, key=lambda n: (n.start, away[n.start, n.pitch]))
    return [note for before, note in zip([None, *nearest], nearest) if not before or before.start < note.start]
