"""Originality: the longest stretch of melody that a piece shares with the music a model was trained on.

A melody is its top voice's pairs of (interval to the next note in semitones, duration in steps), so a copy in another
key is found too. The pairs are written as characters, one a pair, which makes the search that of a substring.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from musicgen.score import HOLD, METERS, Score

BETWEEN = "\0"  # stands between two pieces, so that no run crosses
NOT_INDEXED = "\1"  # a pair that no indexed piece has
FIRST = 2  # character of the first pair


@dataclass(frozen=True)
class SharedRun:
    pairs: int  # notes of the run but the last, whose duration may differ
    bars: float  # from the run's first onset to its last
    start: int  # step in the piece where it begins
    name: str  # the indexed piece it is shared with, "" if it has no pair

    @property
    def notes(self) -> int:
        return self.pairs + 1 if self.pairs else 0


class Originality:
    """An index of named pieces, built once."""

    def __init__(self, pieces: Iterable[tuple[str, Score]]):
        self.names: list[str] = []
        self.starts: list[int] = []  # where in the text each piece begins
        self.letters: dict[tuple[int, int], str] = {}
        texts, length = [], 0
        for name, score in pieces:
            text = "".join(self.letters.setdefault(p, chr(FIRST + len(self.letters))) for p in _pairs(score)) + BETWEEN
            self.names.append(name)
            self.starts.append(length)
            texts.append(text)
            length += len(text)
        self.text = "".join(texts)

    def longest(self, score: Score) -> SharedRun:
        """The longest run that the score shares with any indexed piece; of equals the first in both."""
        melody = "".join(self.letters.get(pair, NOT_INDEXED) for pair in _pairs(score))
        begin, length, place = 0, 0, -1
        for start in range(len(melody)):
            while start + length < len(melody):
                found = self.text.find(melody[start : start + length + 1])
                if found < 0:
                    break
                begin, length, place = start, length + 1, found
        if not length:
            return SharedRun(0, 0.0, 0, "")
        onsets = np.flatnonzero(score.cells[:, 0] >= 0)
        bars = (onsets[begin + length] - onsets[begin]) / METERS[score.meter].steps
        return SharedRun(length, float(bars), int(onsets[begin]), self.names[bisect_right(self.starts, place) - 1])


def _pairs(score: Score) -> list[tuple[int, int]]:
    column = score.cells[:, 0]
    onsets = np.flatnonzero(column >= 0)
    ends = np.append(np.flatnonzero(column != HOLD), len(column))  # of notes and of rests
    durations = ends[np.searchsorted(ends, onsets, side="right")] - onsets
    return list(zip(np.diff(column[onsets]).tolist(), durations.tolist()))
