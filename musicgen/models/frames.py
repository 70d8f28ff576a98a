"""What a model that moves forward in time is told of the frames behind it, each fact as an index or a histogram."""

from collections.abc import Callable
from dataclasses import dataclass, fields

import torch
from torch import Tensor
from torch.nn import functional as F

from musicgen.models.base import (
    ENDINGS,
    FIRST_PITCH,
    HOLD_TOKEN,
    LONGEST_BAR,
    METER_NAMES,
    REST_TOKEN,
    STYLE_NAMES,
    VOCABULARY,
    Batch,
)
from musicgen.score import LOW

OLD = 24  # steps; an age is told apart up to here
HALF_LIVES = (8.0, 32.0, 128.0)  # steps, of the three pitch-class histograms: this beat, this phrase, this key
LEAP, SPAN = 13, 30  # semitones: melodic and harmonic intervals are told apart up to here
LEAPS, SPANS, AGES = 2 * LEAP + 2, 2 * SPAN + 2, OLD + 1  # ... and one index for "none"
PITCH_CLASSES = 12
PLACES = len(METER_NAMES) * LONGEST_BAR  # positions in the bar, meter by meter
PAIRS = ((0, 1), (1, 2), (2, 3), (0, 3))  # voices whose interval the backbone is told


@dataclass(frozen=True)
class Past:
    """The frames so far, summed up; leading dimensions (B,) or, stacked over time, (B, T)."""

    pitch: Tensor  # (..., 4) token that sounds, REST_TOKEN where none does
    before: Tensor  # (..., 4) the pitch the voice had before that one
    age: Tensor  # (..., 4) steps since the onset
    still: Tensor  # (..., 4) steps since the pitch changed
    classes: Tensor  # (..., 3, 12) decaying counts of pitch classes

    @classmethod
    def empty(cls, batch: int) -> "Past":
        none, old = torch.full((batch, 4), REST_TOKEN), torch.full((batch, 4), OLD)
        return cls(none, none, old, old, torch.zeros(batch, len(HALF_LIVES), PITCH_CLASSES))

    def each(self, change: Callable[[Tensor], Tensor]) -> "Past":
        """The same with every tensor changed alike, as when dimensions are added or flattened."""
        return Past(*(change(getattr(self, f.name)) for f in fields(Past)))

    def after(self, frame: Tensor) -> "Past":
        """The past one frame (..., 4) later."""
        hold, rest = frame == HOLD_TOKEN, frame == REST_TOKEN
        pitch = torch.where(hold, self.pitch, frame)
        changed = pitch != self.pitch
        goes_on = hold | (rest & ~changed)
        return Past(
            pitch,
            torch.where(changed & (self.pitch >= FIRST_PITCH), self.pitch, self.before),
            torch.where(goes_on, self.age + 1, 0).clamp(max=OLD),
            torch.where(changed, 0, self.still + 1).clamp(max=OLD),
            self.classes * DECAYS + class_counts(pitch)[..., None, :],
        )

    def histogram(self) -> Tensor:
        """Shares of the pitch classes at three ranges, (..., 3, 12)."""
        return self.classes / (self.classes.sum(-1, keepdim=True) + 1)


DECAYS = 0.5 ** (1 / torch.tensor(HALF_LIVES))[:, None]  # (3, 1)


def class_counts(pitch: Tensor) -> Tensor:
    """Tokens (..., 4) -> how many voices sound each pitch class, (..., 12)."""
    sounds = (pitch >= FIRST_PITCH).float()
    counts = torch.zeros(*pitch.shape[:-1], PITCH_CLASSES)
    return counts.scatter_add(-1, pitch_class(pitch), sounds)


def pitch_class(token: Tensor) -> Tensor:
    return (token - FIRST_PITCH + LOW) % PITCH_CLASSES


def pasts(tokens: Tensor) -> Past:
    """Tokens (B, T, 4) -> the past of every step, (B, T, ...): step t knows the frames before t."""
    past, found = Past.empty(len(tokens)), []
    for frame in tokens.unbind(1):
        found.append(past)
        past = past.after(frame)
    return Past(*(torch.stack([getattr(p, f.name) for p in found], dim=1) for f in fields(Past)))


def sounding_tokens(tokens: Tensor) -> Tensor:
    """Tokens (B, T, 4) -> the token that sounds in each cell: every HOLD replaced by its note."""
    steps = torch.arange(tokens.shape[1])[:, None]
    row = torch.where(tokens == HOLD_TOKEN, 0, steps).cummax(dim=1).values  # (B, T, 4) where a cell's note stands
    return tokens.gather(1, row)


def nearest(known: Tensor) -> tuple[Tensor, Tensor]:
    """The steps (B, T, 4) of the nearest known cell up to each cell and from it on; -1 and T where there is none."""
    steps = known.shape[1]
    step = torch.arange(steps)[:, None]
    before = torch.where(known, step, -1).cummax(1).values
    after = torch.where(known, step, steps).flip(1).cummin(1).values.flip(1)
    return before, after


def interval(upper: Tensor, lower: Tensor, limit: int) -> Tensor:
    """Semitones between two tokens, clipped to +-limit, as an index; the last index where either does not sound."""
    sounds = (upper >= FIRST_PITCH) & (lower >= FIRST_PITCH)
    return torch.where(sounds, (upper - lower).clamp(-limit, limit) + limit, 2 * limit + 1)


def place(batch: Batch) -> Tensor:
    """Meter and position in the bar as one index, (B, T)."""
    return batch.meter[:, None] * LONGEST_BAR + batch.position


def sum_of_facts(index: Tensor, table: Tensor, forget: float) -> Tensor:
    """Rows of `table` (R, C) named by `index` (N, n, k), summed to (N, n, C); a share `forget` left out at random."""
    flat = index.flatten(0, 1)
    keep = torch.full(flat.shape, 1 - forget).bernoulli() / (1 - forget) if forget else None
    return F.embedding_bag(flat, table, mode="sum", per_sample_weights=keep).unflatten(0, index.shape[:2])


BACKBONE_SIZES = (
    *[VOCABULARY] * 4, *[LEAPS] * 4, *[SPANS] * len(PAIRS), *[AGES] * 8, PLACES, ENDINGS, len(STYLE_NAMES) * PLACES,
)  # fmt: skip


def backbone_indices(past: Past, batch: Batch) -> Tensor:
    """What the backbone reads at each step, (B, T, n): one index for each table of `BACKBONE_SIZES`."""
    spans = [interval(past.pitch[..., u], past.pitch[..., v], SPAN) for u, v in PAIRS]
    time = [place(batch), batch.to_end, batch.style[:, None] * PLACES + place(batch)]
    return torch.cat(
        [
            past.pitch,
            interval(past.pitch, past.before, LEAP),
            torch.stack(spans, -1),
            past.age,
            past.still,
            torch.stack(time, -1),
        ],
        dim=-1,
    )
