"""The roll view of a score: what each cell sounds and whether a note begins there, some cells unknown.

HOLD means nothing while the cell to its left is unknown, so a model that fills in any order reads and writes classes:
0 rests, then a pitch that goes on, then a pitch that begins. Pitches are counted from the lowest of the style's window.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from musicgen.models.base import FIRST_PITCH, HOLD_TOKEN, REST_TOKEN
from musicgen.models.frames import PITCH_CLASSES, sounding_tokens
from musicgen.score import LOW, STYLES

WINDOW_PITCHES = 48  # P, four octaves: each style has a window that ends at its highest pitch
CLASSES = 1 + 2 * WINDOW_PITCHES  # of a cell: a rest, P pitches that go on, P that begin
REST_CLASS = 0
DISTANCES = 17  # steps to the nearest known cell: 1 to 16, then "farther or none"
AROUND = (8, 32)  # steps either way in which the key is looked for, besides in all
PLANES = 4 * 4 + len(AROUND) + 1
MAJOR = torch.tensor([1.3, 0, 1, 0, 1.1, 1, 0, 1.2, 0, 1.1, 0, 1])  # the scale; its two keys' notes count a little more
SCALES = torch.stack([MAJOR.roll(tonic) for tonic in range(PITCH_CLASSES)], 1)  # (classes, tonics)
SIDE_FEATURES = 2 + 2 * DISTANCES  # known, known rest; by distance to a pitch, by distance to a rest


@dataclass(frozen=True)
class Roll:
    """B pieces of T steps."""

    sound: Tensor  # (B, T, 4) token of the pitch that sounds, REST_TOKEN where none does
    onset: Tensor  # (B, T, 4) whether a note begins

    @classmethod
    def of(cls, tokens: Tensor) -> "Roll":
        """From tokens (B, T, 4) of the vocabulary."""
        return cls(sounding_tokens(tokens), tokens >= FIRST_PITCH)

    def tokens(self) -> Tensor:
        """Back to tokens (B, T, 4); a pitch that goes on where no such note was begins one."""
        before = F.pad(self.sound, (0, 0, 1, 0), value=REST_TOKEN)[:, :-1]
        held = ~self.onset & (self.sound == before) & (self.sound != REST_TOKEN)
        return torch.where(held, HOLD_TOKEN, self.sound)

    def classes(self, lowest: Tensor) -> Tensor:
        """The class of every cell, (B, T, 4), by the lowest pitch of each piece's window, (B,)."""
        pitch = self.sound - FIRST_PITCH + LOW - lowest[:, None, None]
        return torch.where(self.sound == REST_TOKEN, REST_CLASS, 1 + pitch + WINDOW_PITCHES * self.onset)


def window_floors() -> Tensor:
    """The lowest MIDI pitch of each style's window, (styles,). Raises `ValueError` if a style's voices do not fit."""
    floors = []
    for name, style in STYLES.items():
        low, high = min(low for low, _ in style.ranges), max(high for _, high in style.ranges)
        floors.append(high + 1 - WINDOW_PITCHES)
        if low < floors[-1]:
            span = high + 1 - low
            raise ValueError(f"the voices of a {name} span {span} semitones; the CNN's window holds {WINDOW_PITCHES}")
    return torch.tensor(floors)


def class_mask() -> Tensor:
    """Which classes a voice may take in a style, (styles, 4, CLASSES); an unused voice only rests."""
    mask = torch.zeros(len(STYLES), 4, CLASSES, dtype=torch.bool)
    mask[..., REST_CLASS] = True
    for s, (style, floor) in enumerate(zip(STYLES.values(), window_floors().tolist(), strict=True)):
        for v, (low, high) in enumerate(style.ranges):
            for first in (1, 1 + WINDOW_PITCHES):
                mask[s, v, first + low - floor : first + high + 1 - floor] = True
    return mask


def seen(classes: Tensor, known: Tensor, near: Tensor) -> tuple[Tensor, Tensor]:
    """What the network reads of classes (B, T, 4) where known (B, T, 4), the `nearest` known cells being (2, B, T, 4).

    Planes (B, T, P, PLANES). For each voice four: a known pitch that goes on, one that begins; and at unknown cells the
    nearest known pitches before and after, the weaker the farther. Then the key, see `keys`. Features (B, T, 8): for
    each voice, on either side, an index below `SIDE_FEATURES` of how far the nearest known cell is.
    """
    steps = classes.shape[1]
    pitch = torch.where(classes == REST_CLASS, -1, (classes - 1) % WINDOW_PITCHES)  # (B, T, 4)
    begins = classes > WINDOW_PITCHES
    there = (near >= 0) & (near < steps)  # (2, B, T, 4)
    distance = (near - torch.arange(steps, device=near.device)[:, None]).abs()
    found = pitch.expand(near.shape).gather(2, near.clamp(0, steps - 1))
    far = torch.where(there, distance, DISTANCES).clamp(1, DISTANCES) - 1
    rests = (found < 0) & there
    features = torch.where(known, rests.long(), 2 + far + DISTANCES * rests)
    weights = (there & ~known) / distance.clamp(min=1)
    heights = torch.cat([pitch, pitch, *found], -1)[:, :, None]  # (B, T, 1, 16)
    weights = torch.cat([known & ~begins, known & begins, *weights], -1)[:, :, None]
    planes = (heights == torch.arange(WINDOW_PITCHES, device=near.device)[:, None]) * weights  # (B, T, P, 16)
    return torch.cat([planes, keys(pitch, known)], -1), torch.cat([*features], -1)


def tonics(classes: Tensor, known: Tensor) -> Tensor:
    """Tonic (B,) of the major scale that fits best what is known: 0 to 11 semitones above the window's lowest pitch."""
    sounds = known & (classes != REST_CLASS)
    index = ((classes - 1) % WINDOW_PITCHES % PITCH_CLASSES).flatten(1)
    counts = torch.zeros(len(classes), PITCH_CLASSES, device=index.device)
    counts = counts.scatter_add(1, index, sounds.flatten(1).float())
    return (counts[..., None] * SCALES.to(counts.device)).sum(1).argmax(1)  # not a product of matrices: exact


def keys(pitch: Tensor, known: Tensor) -> Tensor:
    """What share of all that is known around each step has a pitch's class, less an even share: (B, T, P, ranges)."""
    sounds = (known & (pitch >= 0)).float()
    shape = (*pitch.shape[:2], PITCH_CLASSES)
    index = pitch.clamp(min=0) % PITCH_CLASSES
    counts = torch.zeros(shape, device=pitch.device).scatter_add(-1, index, sounds)  # (B, T, 12)
    around = [F.avg_pool1d(counts.mT, 2 * r + 1, 1, r).mT for r in AROUND] + [counts.mean(1, True).expand(shape)]
    shares = [(c - c.mean(-1, True)) / c.sum(-1, True).clamp(min=1e-6) for c in around]
    return torch.stack(shares, -1).repeat(1, 1, WINDOW_PITCHES // PITCH_CLASSES, 1)
