"""How voices move against each other: logits by the interval to each other voice before, or after, and now."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from musicgen.models.frames import PITCH_CLASSES
from musicgen.models.head import OTHER_VOICES
from musicgen.models.roll import REST_CLASS, WINDOW_PITCHES

SHAPE = (4, 3, 2, 2, 2, 12, 12)  # voice, other, after, next to it, other moved, interval then, now
MOTION_GAIN = 16  # times what is learned: each case is met seldom, and has to be learned faster than other things


def moves(classes: Tensor, known: Tensor, near: Tensor, table: Tensor, steps: Tensor | None = None) -> Tensor:
    """Logits of pitches (B, T, 4, P) by how the voices would move against each other.

    They are 0 at what is known, and for voices of which nothing is. The nearest known cells of a voice stood at some
    interval from each other voice. By this interval, and by whether the other has moved since, each interval to where
    the other is now has its weight.

    Args:
        classes: (B, T, 4), see `Roll`; read where they are known.
        known: (B, T, 4) whether each is.
        near: (2, B, T, 4) steps of the nearest known cells of the voice, before and after, see `nearest`.
        table: of `SHAPE`, the weights.
        steps: the steps (n,) that are looked for, else all: (B, n, 4, P).
    """
    pitch = torch.where(known & (classes != REST_CLASS), (classes - 1) % WINDOW_PITCHES, -1)  # (B, T, 4)
    piece, step, voice, nth, every = (torch.arange(n, device=pitch.device) for n in (*pitch.shape, 3, PITCH_CLASSES))
    now, others = pitch, OTHER_VOICES.to(pitch.device)
    if steps is not None:
        now, known, near, step = pitch[:, steps], known[:, steps], near[:, :, steps], steps
    now = now[..., others]  # (B, T, 4, 3)
    there, next_to = (near >= 0) & (near < pitch.shape[1]), (near - step[:, None]).abs() == 1  # (2, B, T, 4)
    near, piece = near.clamp(0, pitch.shape[1] - 1), piece[:, None, None]
    own = pitch[piece, near, voice][..., None]  # (2, B, T, 4, 1)
    other = pitch[piece[..., None], near[..., None], others]  # (2, B, T, 4, 3)
    sounds = (there & ~known)[..., None] & (own >= 0) & (other >= 0) & (now >= 0)
    row = (voice[:, None] * 3 + nth) * 2 + torch.arange(2, device=pitch.device).view(2, 1, 1, 1, 1)
    row = (row * 2 + next_to[..., None]) * 2 + (now != other)
    weights = F.embedding(row * PITCH_CLASSES + (own - other) % PITCH_CLASSES, table.view(-1, PITCH_CLASSES))
    turn = (every - now[..., None]) % PITCH_CLASSES  # (B, T, 4, 3, 12)
    total = (weights.gather(-1, turn.expand(weights.shape)) * sounds[..., None]).sum((0, 4))  # (B, T, 4, 12)
    return total.repeat(1, 1, 1, WINDOW_PITCHES // PITCH_CLASSES)


class Motion(nn.Module):
    """The table that is learned. The other arguments are those of `moves`."""

    def __init__(self):
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(SHAPE).view(-1, PITCH_CLASSES))

    def forward(self, classes: Tensor, known: Tensor, near: Tensor, steps: Tensor | None = None) -> Tensor:
        return moves(classes, known, near, self.weights, steps) * MOTION_GAIN
