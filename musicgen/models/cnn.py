"""CNN: every cell from any others, by convolutions over pitch x time.

Huang et al. 2017, Coconet, arXiv 1903.07227; orderless NADE: Uria et al. 2014, arXiv 1310.1757. The network sees the
known cells as piano rolls and says what may stand in each unknown one; how music comes of that is in gibbs.py.
"""

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from musicgen.models.base import BAR_STEPS, DEFAULTS, END_CASES, STYLE_NAMES, Batch, MusicModel
from musicgen.models.frames import PITCH_CLASSES, PLACES, nearest, place, sum_of_features
from musicgen.models.gibbs import Sampler
from musicgen.models.lags import Lagged, Lookback
from musicgen.models.masks import by_beats, evenly, in_gaps, some_unknown, window
from musicgen.models.motion import Motion
from musicgen.models.roll import (
    CLASSES,
    PLANES,
    SIDE_FEATURES,
    WINDOW_PITCHES,
    Roll,
    class_mask,
    seen,
    tonics,
    window_floors,
)
from musicgen.sampling import SamplingConfig
from musicgen.score import Canvas, Patch

NEVER = -1e9  # logit of what a voice may not take
TOGETHER = 2  # steps that the network sees as one column: an eighth note
STEM_REACH = 12  # semitones up and down that the first convolution sees
SQUEEZED = 16  # channels a pitch on the way to the trunk and back,
DEGREES = WINDOW_PITCHES + PITCH_CLASSES - 1  # which stand there by their degree: the tonic always in the same places
BEFORE = ((1, 1), (2, 12), (4, 7))  # dilations over columns and semitones of the blocks before the trunk
AFTER = ((1, 4), (2, 3), (1, 12))  # ... and after it: octaves, fifths and thirds are near
AFTER_REACH = sum(over for over, _ in AFTER)  # columns on either side
FEATURE_SIZES = (*[SIDE_FEATURES] * 8, PLACES, END_CASES)  # and `PLACES` a style
AGAIN = 1.7  # times the learned weight of repeating, while composing: else dances repeat less than held-out ones
DRAWS = 4  # places of a held-out piece that are judged, with other cells known each time


@dataclass(frozen=True)
class CNNConfig:
    inner: int = 48  # C, channels a pitch and column
    width: int = 192  # W, channels a column of the trunk
    layers: int = 6  # of the trunk, dilated 1, 2, 4 ... over the columns
    dropout: float = 0.0  # share of the channels
    gaps: float = 0.0  # share of training crops whose unknown cells lie in some voices and one stretch of time
    beats: float = 0.0  # share of those in which a voice's cells of one beat are known or unknown together
    styles: int = len(STYLE_NAMES)  # how many of `STYLES`, the first ones, it is trained for


class Near(nn.Module):
    """Adds to every cell what a dilated convolution over pitch x time makes of those around it."""

    def __init__(self, channels: int, dilation: tuple[int, int], dropout: float):
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.near = nn.Conv2d(channels, channels, 3, dilation=dilation, padding="same")
        self.dropout = dropout

    def forward(self, x: Tensor) -> Tensor:  # (B, S, P, C)
        y = F.gelu(self.norm(x)).permute(0, 3, 1, 2)
        y = self.near(F.dropout2d(y, self.dropout, self.training))  # whole channels
        return x + y.permute(0, 2, 3, 1)


class Along(nn.Module):
    """Adds to every column what a convolution makes of it and of those `dilation` before and after it.

    Written as a product of matrices, which with so many channels takes half the time of a convolution of PyTorch's.
    """

    def __init__(self, channels: int, dilation: int, dropout: float):
        super().__init__()
        self.dilation, self.dropout = dilation, dropout
        self.norm = nn.LayerNorm(channels)
        self.near = nn.Linear(3 * channels, channels)
        self.out = nn.Linear(channels, channels)

    def forward(self, x: Tensor) -> Tensor:  # (B, S, W)
        y = F.dropout1d(self.norm(x).mT, self.dropout, self.training).mT  # whole channels
        padded = F.pad(y, (0, 0, self.dilation, self.dilation))
        before, after = padded[:, : x.shape[1]], padded[:, 2 * self.dilation :]
        return x + self.out(F.gelu(self.near(torch.cat([before, y, after], -1))))


class Columns:
    """Where the T steps of each piece stand in S columns of `TOGETHER` steps, counted from the bar lines."""

    def __init__(self, position: Tensor):
        """From the steps since the bar line, (B, T)."""
        steps = torch.arange(position.shape[1], device=position.device)
        self.piece = torch.arange(len(position), device=position.device)[:, None]
        self.first = position[:, :1] % TOGETHER  # (B, 1) the place of the first step in its column
        self.column, self.place = (steps + self.first) // TOGETHER, (steps + self.first) % TOGETHER  # (B, T)

    def of(self, x: Tensor) -> Tensor:
        """Steps (B, T, ...) as columns (B, S, TOGETHER, ...), 0 where a piece has none."""
        count = x.shape[1]
        columns = (count + 2 * TOGETHER - 2) // TOGETHER
        step = torch.arange(columns * TOGETHER, device=x.device) - self.first
        there = ((step >= 0) & (step < count)).view(*step.shape, *[1] * (x.dim() - 2))
        return (x[self.piece, step.clamp(0, count - 1)] * there).unflatten(1, (columns, TOGETHER))

    def steps(self, x: Tensor) -> Tensor:
        """Back from columns (B, S, TOGETHER, ...) to steps (B, T, ...)."""
        return x[self.piece, self.column, self.place]

    def within(self, steps: Tensor) -> tuple["Columns", slice, slice]:
        """Steps (n,) of one piece among the columns from the first of them to the last.

        Returns their places, these columns, and those by which `AFTER` sees more, each counted in the one after it.
        """
        found, (first, last) = copy(self), self.column[0, steps[[0, -1]]].tolist()
        wide = max(0, first - AFTER_REACH)
        found.column, found.place = self.column[:, steps] - first, self.place[:, steps]
        return found, slice(first - wide, last + 1 - wide), slice(wide, last + 1 + AFTER_REACH)


def spread_over(degree: Tensor, x: Tensor) -> Tensor:
    """The degree of each pitch, (B, P), as an index of the shape of x, (B, S, P, n)."""
    return degree[:, None, :, None].expand(x.shape)


class CNN(MusicModel):
    """p(cell | any known cells) for all unknown cells at once."""

    name, title = "cnn", "CNN"
    summary = "Sees past and future at once: fills gaps in any order, revises what it wrote; a rule curbs parallels."
    source = "Huang et al. 2017, arXiv 1903.07227; Uria et al. 2014, arXiv 1310.1757"
    temperature_note = "Divides the logits of every choice; for which note begins it falls pass by pass, to end safely."
    likelihood = "orderless"
    Config = CNNConfig
    floors: Tensor
    allowed: Tensor
    offsets: Tensor

    def __init__(self, config: CNNConfig):
        super().__init__()
        self.config = config
        channels, width = config.inner, config.width
        self.register_buffer("floors", window_floors(), persistent=False)  # (styles,) MIDI
        self.register_buffer("allowed", class_mask(), persistent=False)  # (styles, 4, CLASSES)
        self.register_buffer("offsets", torch.tensor([0, *FEATURE_SIZES]).cumsum(0), persistent=False)
        self.rows = sum(FEATURE_SIZES) + config.styles * PLACES
        self.features = nn.Parameter(torch.randn(TOGETHER * self.rows, width) * 0.05)
        self.tell = nn.Linear(width, channels)
        self.stem = nn.Conv2d(TOGETHER * PLANES, channels, (1, 2 * STEM_REACH + 1), padding="same", bias=False)
        self.height = nn.Parameter(torch.randn(WINDOW_PITCHES, channels) * 0.05)
        self.before = nn.Sequential(*(Near(channels, d, config.dropout) for d in BEFORE))
        self.squeeze = nn.Linear(channels, SQUEEZED)
        self.gather = nn.Linear(SQUEEZED * DEGREES, width)
        self.trunk = nn.Sequential(*(Along(width, 2**i, config.dropout) for i in range(config.layers)))
        self.spread = nn.Linear(width, SQUEEZED * DEGREES)
        self.widen = nn.Linear(SQUEEZED, channels)
        self.after = nn.Sequential(*(Near(channels, d, config.dropout) for d in AFTER))
        self.norm = nn.LayerNorm(channels)
        self.out = nn.Linear(channels, TOGETHER * 8)
        self.rest = nn.Linear(width, TOGETHER * 4)
        self.bias = nn.Parameter(torch.zeros(4, CLASSES - 1))
        self.motion = Motion()
        self.lookback = Lookback(config.styles, TOGETHER, channels, width)

    def logits(
        self, batch: Batch, classes: Tensor, known: Tensor, steps: Tensor | None = None, again: float = 1.0
    ) -> Tensor:
        """Logits of every cell given some of the others, (B, T, 4, CLASSES).

        Args:
            batch: of B pieces; style, meter and place in the piece are read.
            classes: (B, T, 4), see `Roll`; read where they are known, and nowhere else.
            known: (B, T, 4), whether each is.
            steps: of one piece, in order and each once, (n,): their cells alone are looked for, (1, n, 4, CLASSES).
            again: times the weight of doing what was done at the lags.
        """
        known = known & (batch.weight > 0)[..., None]
        lagged = Lagged.of(classes, known, batch.weight > 0, BAR_STEPS.to(known.device)[batch.meter])
        columns = Columns(batch.position)
        near = torch.stack(nearest(known))  # (2, B, T, 4)
        planes, sides = seen(classes, known, near)  # (B, T, P, PLANES), (B, T, 8)
        features = self._features(batch, sides) + self.lookback.summary(lagged, columns.place)
        features = columns.of(features * batch.weight[..., None]).sum(2)  # (B, S, W)
        pixels = columns.of(planes).transpose(2, 3).flatten(3)  # (B, S, P, TOGETHER * PLANES)
        x = self.stem(pixels.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)  # (B, S, P, C)
        x = self.lookback.mark(x, lagged, columns.column, columns.place)
        x = self.before(x + self.tell(features)[:, :, None] + self.height)
        degree = (-tonics(classes, known) % PITCH_CLASSES)[:, None] + torch.arange(WINDOW_PITCHES, device=x.device)
        y = self.squeeze(x)
        y = y.new_zeros(*y.shape[:2], DEGREES, SQUEEZED).scatter(2, spread_over(degree, y), y)
        trunk = self.trunk(self.gather(y.flatten(2)) + features)  # (B, S, W)
        if steps is None:
            x = self.after(self._back(x, trunk, degree))
        else:
            columns, inner, wide = columns.within(steps)
            x, trunk, lagged = x[:, wide], trunk[:, wide], lagged.at(steps)
            x, trunk = self.after(self._back(x, trunk, degree))[:, inner], trunk[:, inner]
        pitches = self.out(self.norm(x)).unflatten(-1, (TOGETHER, 4, 2))  # (B, S, P, steps, voices, 2)
        pitches = columns.steps(pitches.permute(0, 1, 3, 4, 5, 2).flatten(4))  # (B, T, 4, 2 * P)
        pitches = pitches + self.bias + self.motion(classes, known, near, steps).repeat(1, 1, 1, 2)
        rests = columns.steps(self.rest(trunk).unflatten(-1, (TOGETHER, 4, 1)))  # (B, T, 4, 1)
        weights = columns.steps(self.lookback.weigh(trunk).unflatten(-1, (TOGETHER, -1)))  # (B, T, 4 K)
        logits = self.lookback.again(torch.cat([rests, pitches], -1), lagged, batch.style, weights, again)
        return logits.masked_fill(~self.allowed[batch.style][:, None], NEVER)

    def _back(self, x: Tensor, trunk: Tensor, degree: Tensor) -> Tensor:
        """Cells (B, S, P, C) and what the trunk (B, S, W) has for each of them, by its degree (B, P)."""
        spread = self.spread(trunk).unflatten(-1, (DEGREES, SQUEEZED))
        return x + self.widen(spread.gather(2, spread_over(degree, x[..., :SQUEEZED])))

    def _features(self, batch: Batch, sides: Tensor) -> Tensor:
        """What each step is told by tables, (B, T, W): how far the known cells are, the place in bar and piece."""
        time = [place(batch), batch.to_end, batch.style[:, None] * PLACES + place(batch)]
        index = torch.cat([sides, torch.stack(time, -1)], -1) + self.offsets
        index = index + (batch.position % TOGETHER * self.rows)[..., None]
        return sum_of_features(index, self.features, 0)

    def loss(self, batch: Batch, part: str = "model") -> dict[str, Tensor]:
        """{"loss"}: nats an unknown cell, the mean over how many cells are known, 0 to all but one, and which.

        That is the loss under a random order of the cells divided by their number (Uria et al. 2014). Held-out pieces
        are judged in crops of 64 steps; a piece counts by its cells.
        """
        if self.training:
            counted = in_gaps(batch.counted(), self.config.gaps)
            order = by_beats(torch.rand(counted.shape, device=counted.device), batch, self.config.beats)
            share = evenly(len(counted)).to(counted.device)
            return {"loss": self.nll(batch, some_unknown(counted, share, order)).mean()}
        rng, total = torch.Generator().manual_seed(0), 0
        for draw in range(DRAWS):
            piece = window(batch, rng)
            share = (draw + evenly(len(batch.tokens), rng)) / DRAWS
            counted = piece.counted()
            order = torch.rand(counted.shape, generator=rng).to(counted.device)
            total += self.nll(piece, some_unknown(counted, share.to(counted.device), order))
        cells = batch.counted().sum((1, 2))
        return {"loss": (total / DRAWS * cells).sum() / cells.sum()}

    def nll(self, batch: Batch, unknown: Tensor) -> Tensor:
        """Mean -ln p of the unknown cells (B, T, n) of each piece given all others, (B,)."""
        classes = Roll.of(batch.tokens).classes(self.floors[batch.style])
        voices = unknown.shape[2]
        logits = self.logits(batch, classes, F.pad(~unknown, (0, 4 - voices), value=True))[:, :, :voices]
        cell = F.cross_entropy(logits.flatten(0, 2), classes[..., :voices].flatten(), reduction="none")
        return (cell.view(unknown.shape) * unknown).sum((1, 2)) / unknown.sum((1, 2))

    def stream(self, canvas: Canvas, sampling: SamplingConfig = DEFAULTS, *, random_seed: int = 0) -> Iterator[Patch]:
        """The whole canvas after every pass. See `temperature_note`."""
        rng = torch.Generator().manual_seed(random_seed if sampling.temperature else 0)
        sampler = Sampler(partial(self.logits, again=AGAIN), canvas, sampling.top_p, rng)
        yield Patch(0, sampler.cells())
        for _ in sampler.passes(sampling.temperature):
            yield Patch(0, sampler.cells())
