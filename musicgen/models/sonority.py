"""Sonorities: the chord that a choice would make with what the other voices sound.

What a voice is told of the others one by one is a sum over pairs, in which it is not said that three notes together are
no chord. There are few sets of at most four pitch classes, so each has weights of its own, the same in all keys and for
all voices.
"""

from itertools import combinations
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from musicgen.models.frames import CLASSES_OF, PITCH_CLASSES

BASS = 3  # the voice
CHORD_SETS = [
    sum(1 << above for above in (0, *more))
    for count in range(4)
    for more in combinations(range(1, PITCH_CLASSES), count)
]  # of one pitch class, bit 0, and at most three above it
SMALL_SETS = 1 + 11 + 55  # of these the first ones, of at most three pitch classes
SET_OF = torch.zeros(1 << PITCH_CLASSES, dtype=torch.long)
SET_OF[CHORD_SETS] = torch.arange(len(CHORD_SETS))
UNKNOWNS = 4  # how many voices are not known yet: 0, 1, 2, 3
OVER_BASS, AS_BASS, OVER_ITSELF = range(3)  # what a set is counted from; oneself where the bass is not known
KINDS = 3 * UNKNOWNS
CHORDS = UNKNOWNS * (SMALL_SETS + 1)  # what the others sound, or that no chord of theirs has a lowest voice yet
FAST_SONORITY = 8  # times what is learned of a set: each is met seldom
BIT = torch.tensor([[1 << (c - base) % PITCH_CLASSES for c in range(PITCH_CLASSES)] for base in range(PITCH_CLASSES)])


class Others(NamedTuple):
    """What the three others of n voices sound."""

    unknown: Tensor  # (N, n) how many of them are not known yet
    present: Tensor  # (N, n, 12) 1 where some voice sounds the pitch class, else 0
    sets: Tensor  # (N, n, 12) all of it as bits, counted from each of the pitch classes
    base: Tensor  # (N, n, 1) the pitch class of the bass, or of the soprano where one is the bass
    based: Tensor  # (N, n, 1) whether it is known
    is_bass: Tensor  # (n, 1)

    @classmethod
    def of(cls, now: Tensor, unknown: Tensor, voices: slice) -> "Others":
        """By their pitches (N, n, 3), rests where none is known, and whether each is not known, (N, n, 3)."""
        device = now.device
        sounds = CLASSES_OF.to(device)[now]  # (N, n, 3, 12)
        present = sounds.amax(-2)
        sets = torch.matmul(present.float(), BIT.T.float().to(device)).long()
        is_bass = (torch.arange(4, device=device)[voices] == BASS)[:, None]
        base = torch.where(is_bass, sounds[..., 0, :], sounds[..., 2, :])  # (N, n, 12)
        return cls(
            unknown.sum(-1), present, sets, base.argmax(-1, keepdim=True), base.amax(-1, keepdim=True) > 0, is_bass
        )

    def chord(self) -> Tensor:
        """It as an index below `CHORDS`, (N, n)."""
        found = SET_OF.to(self.sets.device)[self.sets.gather(-1, self.base)]
        return self.unknown * (SMALL_SETS + 1) + torch.where(self.based, found, SMALL_SETS)[..., 0]

    def completed(self) -> Tensor:
        """The set that each pitch class would make of it, as a row of the tables of `Sonority`, (N, n, 12)."""
        new, device = 1 - self.present, self.sets.device
        over_bass = self.sets.gather(-1, self.base) + new * BIT.to(device)[self.base[..., 0]]
        above_bass = self.based & ~self.is_bass
        found = SET_OF.to(device)[torch.where(above_bass, over_bass, self.sets + new)]
        kind = torch.where(above_bass, OVER_BASS, torch.where(self.is_bass, AS_BASS, OVER_ITSELF))  # (N, n, 1)
        return (kind * UNKNOWNS + self.unknown[..., None]) * len(CHORD_SETS) + found


class Sonority(nn.Module):
    """Logits of pitch classes by the sets they would make: of each set a weight, and a vector that the head asks for.

    Args:
        inner: D, channels a voice of the head.
        rank: R, length of the vectors.
    """

    def __init__(self, inner: int, rank: int):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(KINDS * len(CHORD_SETS), 1))
        self.vectors = nn.Parameter(torch.randn(KINDS * len(CHORD_SETS), rank) * 0.1)
        self.ask = nn.Parameter(torch.randn(4, inner, rank) * 0.3 / inner**0.5)

    def table(self) -> Tensor:
        """The weight and the vector of each set, (rows, 1 + R), as `forward` takes them."""
        return torch.cat([self.weight * FAST_SONORITY, self.vectors], 1)

    def asks(self) -> tuple[Tensor, Tensor]:
        """Weights (4, D, 1 + R) and biases (4, 1, 1 + R) by which the inner channels ask for rows of the table."""
        always = F.pad(self.ask.new_ones(4, 1, 1), (0, self.ask.shape[-1]))  # the weight
        return F.pad(self.ask, (1, 0)), always

    def forward(self, heard: Others, asked: Tensor, table: Tensor) -> Tensor:
        """Logits of the pitch classes, (N, n, 12), by what the others sound and what is asked for, (N, n, 1 + R)."""
        found = F.embedding(heard.completed(), table)  # (N, n, 12, 1 + R)
        return torch.matmul(found, asked.to(found.dtype)[..., None])[..., 0]
