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

    @classmethod
    def among(cls, frames: Tensor) -> "Echo":
        """Frames (..., 3K, 8) in the order of `echo_index`."""
        now, before, after = frames.long().split(len(LAGS), -2)
        return cls(now[..., :4], now[..., 4:], before[..., 4:], after[..., :4], after[..., 4:])

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
        at = torch.arange(steps, device=bar.device)[:, None] - lag_steps(bar)[:, None]  # (B, T, K)
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
        index = echo_index(self.bar)[..., None]
        return Echo.among(self.frames.gather(-2, index.expand(*index.shape[:-1], self.frames.shape[-1])))

    def ahead(self, steps: Tensor, frame: Tensor, sounds: Tensor) -> "Trail":
        """Of N pieces the trail before each of `steps` (S,), 0, 1 ..., to come, (N, S, ...), should a frame fill them.

        The pieces are of one meter; frame is (N, 4), sounds what sounds in it.
        """
        step = steps[:, None]
        found = Echo.among(self.frames[:, echo_index(self.bar[:1]) + step])  # (N, S, K, 4)
        now, late = frame[:, None, None], step[..., None, None]
        same = torch.stack([now == found.token, kind(now) == kind(found.token)], 2)  # (N, S, 2, K, 4)
        broken, later = torch.where(same, -1, late)[:, None], (steps >= step)[..., None, None, None]
        broken = torch.where(later, -1, broken).amax(2)  # the last step before each that did not agree
        runs = torch.stack([self.repeats, self.rhythm], 1)[:, None] + late
        repeats, rhythm = torch.where(broken < 0, runs, late - 1 - broken).clamp(max=LONGEST_RUN).unbind(2)
        newest = torch.cat([frame, sounds], -1).to(torch.uint8)[:, None]
        line = torch.cat([self.frames, newest], 1)[:, (step + torch.arange(TRAIL, device=step.device)).clamp(max=TRAIL)]
        trail = Trail(line, repeats, rhythm, self.bar[:, None] + 0 * steps)
        vars(trail)["echo"] = found
        return trail

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


def lag_steps(bar: Tensor) -> Tensor:
    """The steps of each lag, (..., K), by steps a bar (...)."""
    return bar[..., None] * torch.tensor(LAGS, device=bar.device)


def echo_index(bar: Tensor) -> Tensor:
    """Where in a trail that stands which echoes: at each lag, then a step before, then a step after, (..., 3K)."""
    index = TRAIL - lag_steps(bar)
    return torch.cat([index, index - 1, index + 1], -1)


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
        return logits.scatter_add(-1, self.token, torch.where(self.there, self.logit + more, 0.0).to(logits.dtype))


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
        lowest = torch.minimum(torch.minimum(token, before), torch.minimum(own, moved))
        moves = (lowest >= FIRST_PITCH) & (moved < VOCABULARY) & (moved != token)
        which = torch.cat([sound != REST_TOKEN, moves], 2)  # (N, n, 2K)
        tokens = torch.cat([token, torch.where(moves, moved, token)], 2)
        strength = self._strength(0, trail.repeats, style, voices) + self._strength(1, trail.rhythm, style, voices)
        return Copied(tokens, which, strength * COPY_GAIN)

    def _strength(self, which: int, runs: Tensor, style: Tensor, voices: slice) -> Tensor:
        """(N, n, 2K) by runs (N, K, 4)."""
        table = self.strength[which][:, voices].flatten()[:, None]
        count = len(range(4)[voices])
        device = runs.device
        row = style[:, None, None] * count + torch.arange(count, device=device)[:, None]
        row = row * COPIES * len(LAGS) + torch.arange(COPIES * len(LAGS), device=device)  # (N, n, 2K)
        runs = runs[..., voices].transpose(-1, -2)  # (N, n, K)
        return F.embedding(row * RUNS + torch.cat([runs] * COPIES, -1), table)[..., 0]
