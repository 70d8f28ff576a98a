"""The critic of the adversarial model: whether a window of music seems to be real, frame by frame and as a whole.

It reads features of the frames, as the other models read them of the past: what sounds, how each voice moved, what
stands between the voices now and stood there before, for how long each repeats what it did bars ago. On cells alone it
would have to find all that out from 232 chorales.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from musicgen.models.base import BAR_STEPS, END_CASES, VOCABULARY, Batch
from musicgen.models.form import LAGS, RUNS
from musicgen.models.frames import (
    AGES,
    HALF_LIVES,
    LEAP,
    LEAPS,
    PITCH_CLASSES,
    PLACES,
    SPAN,
    SPANS,
    History,
    at,
    histories,
    interval,
    place,
    sum_of_features,
)
from musicgen.models.head import INTERVAL_CLASS, turned
from musicgen.score import VOICE_PAIRS

CRITIC_BARS = 2  # bars that are composed and scored at a time, and bars before them that the critic reads
STEPS = 4 * (PITCH_CLASSES + 1) ** 2  # from one interval to the next, by who moved: a parallel is one of these
CRITIC_SIZES = (  # and `PLACES` a style
    *[VOCABULARY] * 4, *[LEAPS] * 8, *[SPANS] * 6, *[STEPS] * 6, *[AGES] * 4, *[AGES + 1] * 4,
    *[RUNS] * 2 * 4 * len(LAGS), PLACES, END_CASES,
)  # fmt: skip


def features_of(before: History, now: History, batch: Batch) -> Tensor:
    """What is read of each frame (B, T, n): one index for each of `CRITIC_SIZES`, then place and style as one.

    `now` is `before` one frame later.
    """
    upper, lower = torch.tensor(VOICE_PAIRS, device=now.pitch.device).T
    moved = (now.pitch != before.pitch).long()
    classes = [at(INTERVAL_CLASS, h.pitch[..., upper], h.pitch[..., lower]) for h in (before, now)]
    steps = (classes[0] * (PITCH_CLASSES + 1) + classes[1]) * 4 + moved[..., upper] * 2 + moved[..., lower]
    ended = torch.where(now.age == 0, before.age, AGES)  # how long the note was that ends here
    time = [place(batch), batch.to_end, batch.style[:, None] * PLACES + place(batch)]
    return torch.cat(
        [
            now.pitch,
            interval(now.pitch, before.pitch, LEAP),
            interval(now.pitch, now.before, LEAP),
            interval(now.pitch[..., upper], now.pitch[..., lower], SPAN),
            steps,
            now.age,
            ended,
            now.trail.repeats.flatten(-2),
            now.trail.rhythm.flatten(-2),
            torch.stack(time, -1),
        ],
        dim=-1,
    )


def before_and_after(batch: Batch) -> tuple[History, History]:
    """The histories before and after each frame, (B, T, ...) each."""
    history = histories(batch.tokens, batch.meter)
    return history.each(lambda x: x[:, :-1]), history.each(lambda x: x[:, 1:])


class Critic(nn.Module):
    """Logits that a window of music is real: a sum of what each frame adds and what all of them together add.

    What a frame adds depends on nothing after it, so that any frame that might stand there can be judged as well.

    Args:
        width: C, channels a frame.
        dropout: share of the channels left out in training.
        forget: share of the features left out in training.
        styles: how many of `STYLES`, the first ones, are told apart.
    """

    offsets: Tensor

    def __init__(self, width: int, dropout: float, forget: float, styles: int):
        super().__init__()
        self.forget = forget
        self.register_buffer("offsets", torch.tensor([0, *CRITIC_SIZES]).cumsum(0), persistent=False)
        self.features = nn.Parameter(torch.randn(sum(CRITIC_SIZES) + styles * PLACES, width) * 0.02)
        self.key = nn.Linear(4 * len(HALF_LIVES) * PITCH_CLASSES, width)
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)
        self.near = nn.Sequential(*(ConvBlock(width, 2**i, dropout, causal=True) for i in range(3)))
        self.far = nn.Sequential(*(ConvBlock(width, 2**i, dropout, causal=False) for i in range(1, 5)))
        inner, judged = nn.Linear(2 * width, width), nn.Linear(width, 1)
        self.judge = nn.Sequential(inner, nn.GELU(), nn.Dropout(dropout), judged)
        self.whole = nn.Linear(2 * width, 1)
        for last in (judged, self.whole):  # small, since as many are summed as there are frames
            nn.init.normal_(last.weight, std=0.01)

    def scores(self, batch: Batch, start: int) -> tuple[Tensor, Tensor]:
        """What each frame from step `start` on adds to the logit, (B, T - start), and the logit, (B,).

        The pieces are of one meter; the `CRITIC_BARS` before `start` are read too, as what the window must go with.
        """
        return self(*self.read(batch, start))

    def read(self, batch: Batch, start: int) -> tuple[Tensor, Tensor]:
        """Features of the frames from `CRITIC_BARS` before `start` on, (B, T', C); which of them are judged, (n,)."""
        first = max(0, start - CRITIC_BARS * int(BAR_STEPS[int(batch.meter[0])]))
        old, now = (h.each(lambda x: x[:, first:]) for h in before_and_after(batch))
        x = self._sum_up(old, now, batch.timed(lambda x: x[:, first:]))
        return x, torch.arange(start - first, x.shape[1], device=x.device)

    def forward(self, x: Tensor, window: Tensor) -> tuple[Tensor, Tensor]:
        """What `scores` returns, by what `read` does."""
        seen = self.near(x)  # (B, T', C)
        local = self._judge(one_later(seen)[:, window], x[:, window])
        far = self.far(seen)[:, window]
        whole = self.whole(torch.cat([far.mean(1), far.amax(1)], -1))[:, 0].float()
        return local, local.sum(1) + whole

    def instead(self, batch: Batch, start: int, history: History, frames: Tensor, steps: Batch) -> Tensor:
        """What K other frames would add in the place of each of the n = T - start last ones, (K, B, n).

        Args:
            batch: the B pieces, T steps.
            start: the first step that is judged.
            history: before each of the other frames, (K * B * n, 1).
            frames: (K * B * n, 1, 4) tokens.
            steps: each other frame's step, as a batch of one step.
        """
        x, window = self.read(batch, start)
        before = one_later(self.near(x))[:, window]  # (B, n, C)
        x = self._sum_up(history, history.after(frames), steps).unflatten(0, (-1, *before.shape[:2])).squeeze(-2)
        return self._judge(before.expand_as(x), x)

    def _sum_up(self, before: History, now: History, batch: Batch) -> Tensor:
        index = features_of(before, now, batch) + self.offsets  # (B, T, n)
        key = turned(before.histogram.flatten(0, 1), now.pitch.flatten(0, 1))  # (B * T, 4, 36)
        features = sum_of_features(index, self.features, self.forget if self.training else 0)
        return self.dropout(self.norm(features + self.key(key.view(*index.shape[:2], -1))))

    def _judge(self, before: Tensor, x: Tensor) -> Tensor:
        """What was known before frames, and the frames' features (..., C) -> what they add, (...)."""
        return self.judge(torch.cat([before, x], -1))[..., 0].float()


def one_later(x: Tensor) -> Tensor:
    """(B, T, C), at each frame what stood at the one before it."""
    return F.pad(x, (0, 0, 1, -1))


class ConvBlock(nn.Module):
    """A residual convolution over three frames.

    Args:
        width: C, channels a frame.
        stride: steps from one frame to the next.
        dropout: share of the channels left out in training.
        causal: whether the last of them is the frame itself, else the middle one.
    """

    def __init__(self, width: int, stride: int, dropout: float, causal: bool):
        super().__init__()
        self.around = (2 * stride, 0) if causal else (stride, stride)
        self.norm = nn.LayerNorm(width)
        self.wide = nn.Conv1d(width, width, 3, dilation=stride)
        self.mix = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        seen = self.wide(F.pad(self.norm(x).transpose(1, 2), self.around)).transpose(1, 2)  # (B, T, C)
        return x + self.dropout(self.mix(F.gelu(seen)))
