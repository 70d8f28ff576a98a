"""Chords: how many nobody would expect, and how varied they are, in chorales and beside held-out ones.

A sonority is the set of pitch classes above the lowest of four voices that all sound. It is strange if it is not among
the commonest of the training music, counted step by step. A sample begins with the first 2 bars of a held-out chorale
and is as long as that one; what is composed is judged, and beside it the same bars of the held-out chorales themselves.
"""

from collections import Counter
from collections.abc import Iterable
from itertools import chain

import numpy as np

from musicgen.score import METERS, VOICES, Score
from train.data import Piece, of
from train.evaluation.metrics import clip, mean
from train.evaluation.sampled import SEED_BARS, SampleTask
from train.evaluation.voice_leading import OCTAVE, voice_leading

COMMON = 50  # sonorities that are not strange
SPAN_BARS = 4  # bars in which different chords are counted
NO_SONORITY = 0  # of a step in which a voice is silent


def sonorities(score: Score) -> np.ndarray:
    """The sonority of each step, (T,): bit i is set where a voice is i semitones, octaves aside, above the lowest."""
    sounds = score.sounding()
    above = (sounds - sounds.min(axis=1, keepdims=True)) % OCTAVE
    return np.where((sounds >= 0).all(axis=1), np.bitwise_or.reduce(1 << above, axis=1), NO_SONORITY)


def common_sonorities(scores: Iterable[Score]) -> set[int]:
    """The commonest ones, `COMMON` of them."""
    counts = Counter(chain.from_iterable(sonorities(score).tolist() for score in scores))
    del counts[NO_SONORITY]
    return {sonority for sonority, _ in counts.most_common(COMMON)}


def harmony(scores: Iterable[Score], common: set[int]) -> dict[str, float]:
    """Figures over all scores together.

    `strange_on_beat`, `strange_three_begin`: of the steps in which a beat begins, or three of the four voices do, the
    share whose sonority is not in `common`. `parallel_fifths`, `parallel_octaves`: see `voice_leading`.
    `chord_entropy`: bits of the sonorities on beats; `bass_entropy`: of the intervals from a bass note to the next.
    `distinct_chords`: on the beats of four bars, equal ones over another pitch class counted apart.
    """
    scores = list(scores)
    beats = [_on_beats(score, sonorities(score)) for score in scores]
    turns = [sonorities(score)[_beginning(score) == len(VOICES) - 1] for score in scores]
    moves, leading = [_bass_moves(score) for score in scores], voice_leading(scores)
    return {
        "strange_on_beat": strange(beats, common),
        "strange_three_begin": strange(turns, common),
        "parallel_fifths": leading["parallel_fifths"],
        "parallel_octaves": leading["parallel_octaves"],
        "distinct_chords": mean(chain.from_iterable(map(_distinct_chords, scores))),
        "chord_entropy": entropy(chain.from_iterable(beats)),
        "bass_entropy": entropy(chain.from_iterable(moves)),
    }


def strange(found: Iterable[np.ndarray], common: set[int]) -> float:
    """Share of the sonorities, of some pieces (n,) each, that are not common."""
    heard = [sonority for sonority in chain.from_iterable(found) if sonority != NO_SONORITY]
    return mean(sonority not in common for sonority in heard)


def entropy(values: Iterable) -> float:
    """Bits; 0 of nothing."""
    counts = np.array(list(Counter(values).values()))
    shares = counts / max(counts.sum(), 1)
    return float(-(shares * np.log2(shares)).sum() + 0.0)  # not -0


def _on_beats(score: Score, of_steps: np.ndarray) -> np.ndarray:
    """Of what there is at each step (T, ...) that at which a beat begins."""
    return of_steps[:: METERS[score.meter].beat]


def _beginning(score: Score) -> np.ndarray:
    """How many notes begin in each step, (T,)."""
    return (score.cells >= 0).sum(axis=1)


def _bass_moves(score: Score) -> np.ndarray:
    bass = score.cells[:, -1]
    return np.diff(bass[bass >= 0])


def _distinct_chords(score: Score) -> list[int]:
    """How many there are from each bar on."""
    roots = score.sounding().min(axis=1) % OCTAVE
    chords = _on_beats(score, sonorities(score) * OCTAVE + roots).reshape(score.bars, -1)  # (bars, beats)
    return [len(np.unique(chords[bar : bar + SPAN_BARS])) for bar in range(score.bars - SPAN_BARS + 1)]


class Harmony:
    """The held-out pieces of a style of four voices that go on after what they begin with, and what is composed."""

    def __init__(self, pieces: list[Piece], style: str, split: str):
        self.pieces = [p.score for p in of(pieces, style, split) if p.score.bars > SEED_BARS]
        self.common = common_sonorities(p.score for p in of(pieces, style, "train"))
        self.reference = self._figures(self.pieces)

    def tasks(self, count: int) -> list[SampleTask]:
        """Every piece in turn, each time round with another random seed; those of one meter and length together."""
        rounds = [(piece, turn) for turn in range(count) for piece in self.pieces][:count]
        return sorted(rounds, key=lambda task: (list(METERS).index(task[0].meter), task[0].bars))

    def judge(self, samples: list[Score]) -> dict[str, dict[str, float]]:
        """`harmony` of samples and of the held-out pieces."""
        found = self._figures(samples)
        return {name: {"value": value, "reference": self.reference[name]} for name, value in found.items()}

    def _figures(self, scores: list[Score]) -> dict[str, float]:
        return harmony([clip(s, SEED_BARS, s.bars - SEED_BARS) for s in scores], self.common)
