"""The key of a score and how its pitches are spelled, for all files that say so."""

from functools import cache
from typing import NamedTuple

import numpy as np

from musicgen.score import STEPS_PER_QUARTER, Score

SCALE = np.array([0, 2, 4, 5, 7, 9, 11])
NATURALS = "FCGDAEB"  # along the line of fifths, C at 1
RELATIVE = 3  # fifths from a major tonic up to that of its relative minor


class Key(NamedTuple):
    sharps: int  # of the signature; flats are negative
    minor: bool

    @property
    def mode(self) -> str:
        return "minor" if self.minor else "major"

    @property
    def tonic(self) -> str:
        """Such as "Eb"."""
        return _letter(self.sharps + RELATIVE * self.minor)


def key_of(score: Score) -> Key:
    """The key whose signature needs the fewest accidentals.

    Of equals, the one whose tonic chord, major or minor, sounds longest (with a bonus if its tonic ends the lowest
    voice), then the one with the fewest signs.
    """
    weight = np.zeros(12)
    notes = score.notes()
    for note in notes:
        weight[note.pitch % 12] += note.duration
    last = max(notes, key=lambda n: (n.start + n.duration, n.voice)).pitch if notes else 0

    def chord(key: Key) -> float:
        tonic, third = (key.sharps * 7 + 9 * key.minor) % 12, 3 if key.minor else 4
        bonus = STEPS_PER_QUARTER * ((last - tonic) % 12 == 0)
        return sum(weight[(tonic + i) % 12] for i in (0, third, 7)) + bonus

    def merit(key: Key) -> tuple:
        inside = weight[(SCALE + key.sharps * 7) % 12].sum()
        return inside, chord(key), -abs(key.sharps), key.sharps, not key.minor

    return max((Key(sharps, minor) for sharps in range(-6, 7) for minor in (False, True)), key=merit)


@cache
def spelled(pitch: int, sharps: int) -> tuple[str, int]:
    """MIDI pitch -> such as ("Eb", 4), as the key would: up to three fifths flatter, five sharper than its C."""
    fifths = next(f for f in range(sharps - 3, sharps + 9) if f * 7 % 12 == pitch % 12)
    sign = (fifths + 1) // 7  # how many sharps
    return _letter(fifths), (pitch - sign) // 12 - 1


def _letter(fifths: int) -> str:
    """A note so many fifths above C."""
    sign = (fifths + 1) // 7
    return NATURALS[(fifths + 1) % 7] + ("#" * sign if sign > 0 else "b" * -sign)
