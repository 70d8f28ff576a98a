"""Form: what each voice did 1, 2, 4 and 8 bars ago, and how readily it does so again.

Lookback features are those of Magenta's Lookback RNN (Waite 2016); copy logits follow the pointer-generator (See et al.
2017, arXiv 1704.04368): what stood at the same place of an earlier bar gets a logit of its own. Both are exact in the
two ways of running, all frames at once and one at a time.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from musicgen.models.base import FIRST_PITCH, REST_TOKEN, VOCABULARY
from musicgen.score import LONGEST_BAR

LAGS = (1, 2, 4, 8)  # bars
TRAIL = max(LAGS) * LONGEST_BAR + 1  # R, steps that are kept
LONGEST_RUN = 24  # steps; how long a voice has repeated itself is told apart up to here
RUNS = LONGEST_RUN + 1
COPY_GAIN = 4  # times what is learned of copying: each case is met seldom
COPIES = 2  # what can be copied: the token itself, or the same motion from today's pitch


class Echo(NamedTuple):
    """What stood at the same place of earlier bars, (..., K, 4): K lags, four voices."""

    token: Tensor
    sound: Tensor  # token that sounded
    before: Tensor  # ... a step earlier
    next_token: Tensor
    next_sound: Tensor  # ... a step later

    def of(self, voices: slice) -> "Echo":
        return Echo(*(x[..., voices] for x in self))


@dataclass(frozen=True)
class Trail:
    """The last frames, and how long each voice has repeated what it did; leading dimensions (B,) or (B, T)."""

    frames: Tensor  # (..., R, 8) uint8: four tokens, then the four that sounded; the newest last
    repeats: Tensor  # (..., K, 4) for how many steps a voice's tokens have been those of a lag before
    rhythm: Tensor  # (..., K, 4) ... for how many its onsets, holds and rests have been
    bar: Tensor  # (...) steps a bar

    @classmethod
    def empty(cls, bar: Tensor) -> "Trail":
        """Before the first frame of pieces with bars of so many steps, (B,): as after a long silence."""
        frames = torch.full((len(bar), TRAIL, 8), REST_TOKEN, dtype=torch.uint8, device=bar.device)
        none = torch.zeros(len(bar), len(LAGS), 4, dtype=torch.long, device=bar.device)
        return cls(frames, none, none, bar)

    @classmethod
    def along(cls, tokens: Tensor, sounds: Tensor, bar: Tensor) -> "Trail":
        """Tokens and sounding tokens (B, T, 4) -> the trail before every step and after the last, (B, T + 1, ...)."""
        steps = tokens.shape[1]
        padded = F.pad(torch.cat([tokens, sounds], -1).to(torch.uint8), (0, 0, TRAIL, 0), value=REST_TOKEN)
        frames = padded.unfold(1, TRAIL, 1).transpose(-1, -2)  # (B, T + 1, R, 8) a view
        at = torch.arange(steps, device=bar.device)[:, None] - bar[:, None, None] * lags(bar)  # (B, T, K)
        there = padded[..., :4].long()[torch.arange(len(bar), device=bar.device)[:, None, None], at + TRAIL]
        now = tokens[:, :, None]  # (B, T, 1, 4) against (B, T, K, 4)
        runs = (run_lengths(same) for same in (now == there, kind(now) == kind(there)))
        return cls(frames, *runs, bar=bar[:, None].expand(-1, steps + 1))

    def each(self, change: Callable[[Tensor], Tensor]) -> "Trail":
        changed = Trail(*(change(getattr(self, f.name)) for f in fields(Trail)))
        if "echo" in vars(self):  # known already
            vars(changed)["echo"] = Echo(*map(change, self.echo))
        return changed

    @cached_property
    def echo(self) -> Echo:
        """What stood a lag before the coming step, a step before that and a step after it."""
        count = len(LAGS)
        index = TRAIL - self.bar[..., None] * lags(self.bar)  # (..., K)
        index = torch.cat([index, index - 1, index + 1], -1)[..., None].expand(*self.frames.shape[:-2], 3 * count, 8)
        found = self.frames.gather(-2, index).long()  # (..., 3K, 8)
        now, before, after = (found[..., i * count : (i + 1) * count, :] for i in range(3))  # (..., K, 8) each
        return Echo(now[..., :4], now[..., 4:], before[..., 4:], after[..., :4], after[..., 4:])

    def after(self, frame: Tensor, sounds: Tensor) -> "Trail":
        """The trail one frame (..., 4), and what sounds in it, later."""
        there, now = self.echo.token, frame[..., None, :]
        newest = torch.cat([frame, sounds], -1).to(torch.uint8)[..., None, :]
        return Trail(
            torch.cat([self.frames[..., 1:, :], newest], -2),
            torch.where(now == there, self.repeats + 1, 0).clamp(max=LONGEST_RUN),
            torch.where(kind(now) == kind(there), self.rhythm + 1, 0).clamp(max=LONGEST_RUN),
            self.bar,
        )


def lags(like: Tensor) -> Tensor:
    return torch.tensor(LAGS, device=like.device)


def kind(token: Tensor) -> Tensor:
    """Whether a token is a rest, a hold or an onset: 0, 1, 2."""
    return token.clamp(max=FIRST_PITCH)


def run_lengths(same: Tensor) -> Tensor:
    """Whether each step agrees, (B, T, ...) -> for how many steps all did, before each and after the last."""
    steps = torch.arange(same.shape[1], device=same.device).view(-1, *[1] * (same.dim() - 2))
    broken = torch.where(same, -1, steps).cummax(1).values  # (B, T, ...) the last step that did not
    return F.pad((steps - broken).clamp(max=LONGEST_RUN), (0, 0) * (same.dim() - 2) + (1, 0))


class Copied(NamedTuple):
    """2K tokens that could be copied."""

    token: Tensor  # (N, n, 2K)
    there: Tensor  # (N, n, 2K) whether there is one
    logit: Tensor  # (N, n, 2K)

    def of(self, voices: slice) -> "Copied":
        return Copied(*(x[:, voices] for x in self))

    def added(self, logits: Tensor, more: Tensor) -> Tensor:
        """Logits (N, n, V) with those of the copies added, and `more` (N, n, 2K) that depends on this very frame."""
        return logits.scatter_add(-1, self.token, ((self.logit + more) * self.there).to(logits.dtype))


class Copy(nn.Module):
    """Logits of what a voice did before: learned by style, voice, lag and how long it has repeated itself already."""

    def __init__(self, styles: int):
        super().__init__()
        shape = (2, styles, 4, COPIES, len(LAGS), RUNS)  # by repeats, and by rhythm
        self.strength = nn.Parameter(torch.zeros(shape))

    def forward(self, trail: Trail, echo: Echo, own: Tensor, style: Tensor, voices: slice) -> "Copied":
        """What could be copied, and the logit of each.

        Args:
            trail: of N frames.
            echo: the same frames', of the n voices alone.
            own: (N, n, 1) the voices' last pitches, as tokens.
            style: (N,) index into STYLE_NAMES.
            voices: which of the four the n are.
        """
        token, sound, before = (x.transpose(-1, -2) for x in echo[:3])  # (N, n, K)
        moved = own + sound - before  # the same motion from today's pitch
        moves = (token >= FIRST_PITCH) & (before >= FIRST_PITCH) & (own >= FIRST_PITCH) & (moved != token)
        moves = moves & (moved >= FIRST_PITCH) & (moved < VOCABULARY)
        which = torch.stack([sound != REST_TOKEN, moves], 2)  # (N, n, 2, K)
        tokens = torch.stack([token, torch.where(moves, moved, token)], 2)
        strength = self._strength(0, trail.repeats, style, voices) + self._strength(1, trail.rhythm, style, voices)
        return Copied(tokens.flatten(2), which.flatten(2), (strength * COPY_GAIN).flatten(2))

    def _strength(self, which: int, runs: Tensor, style: Tensor, voices: slice) -> Tensor:
        """(N, n, 2, K) by runs (N, K, 4)."""
        table = self.strength[which][:, voices].flatten()[:, None]
        count = len(range(4)[voices])
        device = runs.device
        row = style[:, None, None, None] * count + torch.arange(count, device=device)[:, None, None]
        row = (row * COPIES + torch.arange(COPIES, device=device)[:, None]) * len(LAGS)
        row = row + torch.arange(len(LAGS), device=device)  # (N, n, 2, K)
        return F.embedding(row * RUNS + runs[..., voices].transpose(-1, -2)[:, :, None], table)[..., 0]
