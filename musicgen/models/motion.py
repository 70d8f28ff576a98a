"""How voices move against each other: logits by the interval to each other voice before, or after, and now."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from musicgen.models.frames import PITCH_CLASSES, nearest
from musicgen.models.head import OTHERS
from musicgen.models.roll import REST_CLASS, WINDOW_PITCHES

SHAPE = (4, 3, 2, 2, 2, 12, 12)  # voice, other, after, next to it, other moved, interval then, now
PERFECT = (0, 7)  # unison or octave, fifth
KEEN = 16  # times what is learned: each case is met seldom, and has to be learned faster than other things


def moves(classes: Tensor, known: Tensor, table: Tensor) -> Tensor:
    """Logits of pitches (B, T, 4, P) by a table of `SHAPE`, given classes (B, T, 4) where known (B, T, 4).

    The nearest known cells of a voice, before and after, stood at some interval from each other voice. By this
    interval, and by whether the other has moved since, each interval to where the other is now has its weight. 0 at
    what is known, and for voices of which nothing is.
    """
    pitch = torch.where(known & (classes != REST_CLASS), (classes - 1) % WINDOW_PITCHES, -1)  # (B, T, 4)
    piece, step, voice, nth, every = (torch.arange(n, device=pitch.device) for n in (*pitch.shape, 3, PITCH_CLASSES))
    piece, step, others = piece[:, None, None], step[:, None], OTHERS.to(pitch.device)
    now, total = pitch[:, :, others], 0  # (B, T, 4, 3)
    for side, index in enumerate(nearest(known)):  # (B, T, 4)
        there = (index >= 0) & (index < pitch.shape[1])
        index = index.clamp(0, pitch.shape[1] - 1)
        own = pitch[piece, index, voice][..., None]  # (B, T, 4, 1)
        other = pitch[piece[..., None], index[..., None], others]  # (B, T, 4, 3)
        sounds = (there & ~known)[..., None] & (own >= 0) & (other >= 0) & (now >= 0)
        row = (voice[:, None] * 3 + nth) * 2 + side
        row = (row * 2 + ((index - step).abs() == 1)[..., None]) * 2 + (now != other)
        weights = F.embedding(row * PITCH_CLASSES + (own - other) % PITCH_CLASSES, table.view(-1, PITCH_CLASSES))
        turn = (every - now[..., None]) % PITCH_CLASSES
        total = total + (weights.gather(-1, turn) * sounds[..., None]).sum(-2)  # (B, T, 4, 12)
    return total.repeat(1, 1, 1, WINDOW_PITCHES // PITCH_CLASSES)


def parallels(cost: float) -> Tensor:
    """The textbook's table: `cost` nats against following another voice in a fifth, octave or unison."""
    table = torch.zeros(SHAPE)
    for interval in PERFECT:
        table[:, :, 0, 1, 1, interval, interval] = -cost
    return table


class Motion(nn.Module):
    """The table that is learned."""

    def __init__(self):
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(SHAPE).view(-1, PITCH_CLASSES))

    def forward(self, classes: Tensor, known: Tensor) -> Tensor:
        return moves(classes, known, self.weights) * KEEN
