"""The gate of played notes: which part of its written length each of them sounds.

Programs that play from notation let every note end early, by an eighth or a fifth of its length, so that a half note
sounds seven sixteenths. Where most notes of a part agree on one gate, that tells how long they were written.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

SHORTEST = 0.75  # what ends earlier is meant to be short
NEAR, NEARLY = 0.06, 0.01  # steps by which a note may miss its length, and the part of it besides
OVERLAP = 0.1  # steps that a note may sound into the next
LAST = 0.05  # steps by which the last notes of all may miss their length
DETACHED = 0.95  # below, the last notes are let go as early as the others; above, they may be early or late by chance
MOST = 0.5  # of the notes that end before the next one begins: so many have to agree
FEW = 0.2  # of all notes: what is alone less often is played legato, or held
GATES = np.arange(1, SHORTEST - 0.001, -0.0025)[:, None]  # (G, 1), the longest first


class Spans:
    """The notes of a part in steps: how long they sound, and until the next one begins, on the grid too."""

    def __init__(self, sounds: Sequence[tuple[int, float, float]]):
        """`sounds` are `(pitch, start, end)` in steps."""
        starts = np.array([start for _, start, _ in sounds])
        self.sounding = np.array([end for *_, end in sounds]) - starts  # (N,)
        places = {round(start): start for start in sorted(starts, reverse=True)}  # the first of those that are one
        following = dict(pairwise(sorted(places)))
        self.steps = np.array([following.get(round(start), np.inf) - round(start) for start in starts])  # (N,)
        self.until = np.array([places.get(following.get(round(start)), np.inf) for start in starts]) - starts  # (N,)
        self.near = NEAR + NEARLY * self.sounding  # (N,)
        self.alone = self.sounding <= self.until + OVERLAP  # it ends before the next begins
        self.heard = self.alone & np.isfinite(self.until)  # how long it was written is told by what follows

    def written(self, gate: float | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How many steps each note was written, by a gate `()` or by each of several `(G, 1)`, and which of them last
        until the next one `(G, N)`. 0 steps, where the gate does not tell.
        """
        fills = abs(self.sounding - gate * self.until) <= self.near
        steps = np.maximum(1, np.round(self.sounding / gate))
        near = np.where(np.isinf(self.until) & (gate > DETACHED), LAST, self.near)
        fits = (abs(self.sounding - gate * steps) <= near) & ~(self.alone & (steps > self.until + 2 * OVERLAP))
        return np.where(fills, self.steps, np.where(fits, steps, 0)), fills

    def told(self, gate: float | np.ndarray) -> np.ndarray:
        """Of how many notes that are followed by another a gate tells how long they were written."""
        return ((self.written(gate)[0] > 0) & self.heard).sum(-1)

    def weight(self, gate: np.ndarray) -> np.ndarray:
        """How well each gate `(G, 1)` suits the notes `(G,)`: those tell most that end within a step of the next one,
        since a longer rest may be meant as one.
        """
        steps, fills = self.written(gate)
        missed = abs(self.sounding - gate * np.where(fills, self.until, steps)) / self.near
        short = fills & (self.until - self.sounding <= 1 + OVERLAP)
        return np.where((steps > 0) & self.heard, (1 + short) * (1 - missed**2), 0).sum(1)


def gates_of(parts: Sequence[Spans]) -> list[float | None]:
    """The gate of each part: that of all notes together, unless its own agree on another; None if it has none."""
    common = _agreed(parts)
    return [common if common and part.told(common) >= _enough([part]) else _agreed([part]) or common for part in parts]


def _enough(parts: Sequence[Spans]) -> float:
    heard, notes = sum(part.heard.sum() for part in parts), sum(len(part.heard) for part in parts)
    return max(MOST * heard, FEW * notes)


def _agreed(parts: Sequence[Spans]) -> float | None:
    """The gate by which most notes last until the next, or a whole number of steps; None if they are too few."""
    if not parts:
        return None
    weight = np.sum([part.weight(GATES) for part in parts], 0)  # (G,)
    gate = float(GATES[weight.argmax(), 0])
    return gate if sum(part.told(gate) for part in parts) >= _enough(parts) else None
