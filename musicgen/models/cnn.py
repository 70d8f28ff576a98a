"""CNN: every cell from any others, by convolutions over pitch x time.

Huang et al. 2017, Coconet, arXiv 1903.07227; orderless NADE: Uria et al. 2014, arXiv 1310.1757. The network sees the
known cells as piano rolls and says what may stand in each unknown one; how music comes of that is in gibbs.py.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from musicgen.models.base import BEAT_STEPS, ENDINGS, STYLE_NAMES, Batch, MusicModel
from musicgen.models.frames import PITCH_CLASSES, PLACES, place, sum_of_facts
from musicgen.models.gibbs import Sampler
from musicgen.models.motion import Motion
from musicgen.models.roll import CLASSES, PITCHES, PLANES, SIDE_FACTS, Roll, class_mask, seen, tonics
from musicgen.score import Canvas, Patch

ILLEGAL = -1e9
TOGETHER = 2  # steps that the network sees as one column: an eighth note
REACH = 12  # semitones up and down that the first convolution sees
SQUEEZED = 16  # channels a pitch on the way to the trunk and back,
DEGREES = PITCHES + PITCH_CLASSES - 1  # which stand there by their degree: the tonic always in the same places
BEFORE = ((1, 1), (2, 12), (4, 7))  # dilations over columns and semitones of the blocks before the trunk
AFTER = ((1, 4), (2, 3), (1, 12))  # ... and after it: octaves, fifths and thirds are near
FACT_SIZES = (*[SIDE_FACTS] * 8, PLACES, ENDINGS, len(STYLE_NAMES) * PLACES)
CROP = 64  # steps of a held-out piece that are judged at a time,
DRAWS = 4  # at so many places with other cells known


@dataclass(frozen=True)
class Config:
    inner: int = 48  # C, channels a pitch and column
    width: int = 192  # W, channels a column of the trunk
    layers: int = 6  # of the trunk, dilated 1, 2, 4 ... over the columns
    dropout: float = 0.0  # share of the channels
    gaps: float = 0.0  # share of training crops whose unknown cells lie in some voices and one stretch of time
    beats: float = 0.0  # share of those in which a voice's cells of one beat are known or unknown together


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
        self.count = position.shape[1]
        self.first = position[:, :1] % TOGETHER  # (B, 1) the place of the first step in its column
        self.piece = torch.arange(len(position))[:, None]

    def of(self, x: Tensor) -> Tensor:
        """Steps (B, T, ...) as columns (B, S, TOGETHER, ...), 0 where a piece has none."""
        columns = (self.count + 2 * TOGETHER - 2) // TOGETHER
        step = torch.arange(columns * TOGETHER) - self.first
        there = ((step >= 0) & (step < self.count)).view(*step.shape, *[1] * (x.dim() - 2))
        return (x[self.piece, step.clamp(0, self.count - 1)] * there).unflatten(1, (columns, TOGETHER))

    def steps(self, x: Tensor) -> Tensor:
        """Back from columns (B, S, TOGETHER, ...) to steps (B, T, ...)."""
        return x.flatten(1, 2)[self.piece, torch.arange(self.count) + self.first]


class CNN(MusicModel):
    """p(cell | any known cells) for all unknown cells at once."""

    name, title = "cnn", "CNN"
    summary = "Sees past and future at once: fills gaps in any order, revises what it wrote; a rule curbs parallels."
    source = "Huang et al. 2017, arXiv 1903.07227; Uria et al. 2014, arXiv 1310.1757"
    temperature_note = "Divides the logits of every choice; for which note begins it falls pass by pass, to end safely."
    likelihood = "orderless"
    Config = Config

    def __init__(self, config: Config):
        super().__init__()
        self.config = config
        channels, width = config.inner, config.width
        self.register_buffer("allowed", class_mask(), persistent=False)  # (styles, 4, CLASSES)
        self.register_buffer("offsets", torch.tensor([0, *FACT_SIZES[:-1]]).cumsum(0), persistent=False)
        self.facts = nn.Parameter(torch.randn(TOGETHER * sum(FACT_SIZES), width) * 0.05)
        self.tell = nn.Linear(width, channels)
        self.stem = nn.Conv2d(TOGETHER * PLANES, channels, (1, 2 * REACH + 1), padding="same", bias=False)
        self.height = nn.Parameter(torch.randn(PITCHES, channels) * 0.05)
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

    def logits(self, batch: Batch, classes: Tensor, known: Tensor) -> Tensor:
        """Logits (B, T, 4, CLASSES) of every cell given classes (B, T, 4) where known (B, T, 4), and nowhere else."""
        planes, sides = seen(classes, known)  # (B, T, P, PLANES), (B, T, 8)
        time = [place(batch), batch.to_end, batch.style[:, None] * PLACES + place(batch)]
        index = torch.cat([sides, torch.stack(time, -1)], -1) + self.offsets
        index = index + (batch.position % TOGETHER * sum(FACT_SIZES))[..., None]
        facts = sum_of_facts(index, self.facts, 0) * batch.weight[..., None]  # (B, T, W)
        columns = Columns(batch.position)
        facts = columns.of(facts).sum(2)  # (B, S, W)
        x = self.stem(columns.of(planes).permute(0, 2, 4, 1, 3).flatten(1, 2)).permute(0, 2, 3, 1)  # (B, S, P, C)
        x = self.before(x + self.tell(facts)[:, :, None] + self.height)
        degree = (-tonics(classes, known) % PITCH_CLASSES)[:, None] + torch.arange(PITCHES)  # (B, P)
        degree = degree[:, None, :, None].expand(*x.shape[:3], SQUEEZED)
        y = self.squeeze(x)
        y = y.new_zeros(*x.shape[:2], DEGREES, SQUEEZED).scatter(2, degree, y)
        trunk = self.trunk(self.gather(y.flatten(2)) + facts)  # (B, S, W)
        x = x + self.widen(self.spread(trunk).unflatten(-1, (DEGREES, SQUEEZED)).gather(2, degree))
        pitches = self.out(self.norm(self.after(x))).unflatten(-1, (TOGETHER, 4, 2))  # (B, S, P, steps, voices, 2)
        pitches = columns.steps(pitches.permute(0, 1, 3, 4, 5, 2).flatten(4))  # (B, T, 4, 2 * P)
        pitches = pitches + self.bias + self.motion(classes, known).repeat(1, 1, 1, 2)
        rests = columns.steps(self.rest(trunk).unflatten(-1, (TOGETHER, 4, 1)))  # (B, T, 4, 1)
        logits = torch.cat([rests, pitches], -1)
        return logits.masked_fill(~self.allowed[batch.style][:, None], ILLEGAL)

    def loss(self, batch: Batch, part: str = "model") -> dict[str, Tensor]:
        """{"loss"}: nats an unknown cell, the mean over how many cells are known, 0 to all but one, and which.

        That is the loss under a random order of the cells divided by their number (Uria et al. 2014). Held-out pieces
        are judged in crops of 64 steps; a piece counts by its cells.
        """
        if self.training:
            counted = in_gaps(batch.counted(), self.config.gaps)
            order = by_beats(torch.rand(counted.shape), batch, self.config.beats)
            return {"loss": self.nll(batch, some_unknown(counted, evenly(len(counted)), order)).mean()}
        rng, total = torch.Generator().manual_seed(0), 0
        for draw in range(DRAWS):
            piece = window(batch, rng)
            share = (draw + evenly(len(batch.tokens), rng)) / DRAWS
            counted = piece.counted()
            total += self.nll(piece, some_unknown(counted, share, torch.rand(counted.shape, generator=rng)))
        cells = batch.counted().sum((1, 2))
        return {"loss": (total / DRAWS * cells).sum() / cells.sum()}

    def nll(self, batch: Batch, unknown: Tensor) -> Tensor:
        """Mean -ln p of the unknown cells (B, T, n) of each piece given all others, (B,)."""
        classes = Roll.of(batch.tokens).classes(batch.style)
        voices = unknown.shape[2]
        logits = self.logits(batch, classes, F.pad(~unknown, (0, 4 - voices), value=True))[:, :, :voices]
        cell = F.cross_entropy(logits.flatten(0, 2), classes[..., :voices].flatten(), reduction="none")
        return (cell.view(unknown.shape) * unknown).sum((1, 2)) / unknown.sum((1, 2))

    def stream(self, canvas: Canvas, *, temperature: float = 1.0, top_p: float = 1.0, seed: int = 0) -> Iterator[Patch]:
        """The whole canvas after every pass. See `temperature_note`."""
        rng = torch.Generator().manual_seed(seed if temperature else 0)
        sampler = Sampler(self.logits, canvas, top_p, rng)
        yield Patch(0, sampler.cells())
        for _ in sampler.passes(temperature):
            yield Patch(0, sampler.cells())


def in_gaps(counted: Tensor, share: float) -> Tensor:
    """Of the counted cells (B, T, n), in a share of the pieces, those in one stretch of time and some voices alone."""
    batch, steps, voices = counted.shape
    ends = torch.rand(batch, 2, 1).sort(1).values * (steps + 1)
    step = torch.arange(steps)
    inside = (step >= ends[:, 0].floor()) & (step < ends[:, 1].ceil())  # (B, T)
    chosen = torch.rand(batch, voices) < torch.rand(batch, 1).clamp(min=0.25)
    gap = inside[..., None] & chosen[:, None] & (counted > 0)
    holds = (torch.rand(batch) < share) & gap.any(2).any(1)
    return torch.where(holds[:, None, None], gap, counted > 0)


def by_beats(order: Tensor, batch: Batch, share: float) -> Tensor:
    """An order (B, T, n) of cells in which, in a share of the pieces, a voice's cells of one beat come together.

    So the cells are asked for that `Sampler` draws anew: without this, nearly always some cell next to one is known.
    """
    step = torch.arange(order.shape[1])
    begins = batch.position % BEAT_STEPS[batch.meter][:, None] == 0
    first = torch.where(begins, step, 0).cummax(1).values  # (B, T) the step at which its beat begins
    together = order.gather(1, first[..., None].expand_as(order))
    return torch.where(torch.rand(len(order), 1, 1) < share, together, order)


def evenly(count: int, rng: torch.Generator | None = None) -> Tensor:
    """Numbers drawn from 0 to 1, (count,): one from each of as many equal parts, in any order."""
    return (torch.randperm(count, generator=rng) + torch.rand(count, generator=rng)) / count


def some_unknown(counted: Tensor, share: Tensor, order: Tensor) -> Tensor:
    """Which of the counted cells (B, T, n) are unknown: all but a `share` (B,), the first in an order; at least one."""
    counted = counted > 0
    order = order.masked_fill(~counted, 2).flatten(1)  # the others come last
    rank = order.argsort(dim=1, stable=True).argsort(1).view(counted.shape)
    cells = counted.sum((1, 2))
    known = torch.minimum((share * cells).floor(), cells - 1)
    return counted & (rank >= known[:, None, None])


def window(batch: Batch, rng: torch.Generator) -> Batch:
    """At most `CROP` steps from anywhere in each piece; a note that began earlier begins with them."""
    lengths = batch.weight.sum(1).long()  # (B,)
    size = min(CROP, batch.tokens.shape[1])
    first = (torch.rand(len(lengths), generator=rng) * ((lengths - size).clamp(min=0) + 1)).long()
    step = first[:, None] + torch.arange(size)  # (B, size)
    row = torch.arange(len(lengths))[:, None]
    cut = batch.timed(lambda x: x[row, step])
    cut.tokens[:, 0] = Roll.of(batch.tokens).sound[row[:, 0], first]
    return cut
