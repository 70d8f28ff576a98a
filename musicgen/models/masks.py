"""Which cells are known while the CNN is trained and judged."""

import torch
from torch import Tensor

from musicgen.models.base import BEAT_STEPS, Batch
from musicgen.models.roll import Roll

CROP = 64  # steps of a held-out piece that are judged at a time


def in_gaps(counted: Tensor, share: float) -> Tensor:
    """Of the counted cells (B, T, n), in a share of the pieces, those in one stretch of time and some voices alone."""
    batch, steps, voices = counted.shape
    device = counted.device
    ends = torch.rand(batch, 2, 1, device=device).sort(1).values * (steps + 1)
    step = torch.arange(steps, device=device)
    inside = (step >= ends[:, 0].floor()) & (step < ends[:, 1].ceil())  # (B, T)
    chosen = torch.rand(batch, voices, device=device) < torch.rand(batch, 1, device=device).clamp(min=0.25)
    gap = inside[..., None] & chosen[:, None] & (counted > 0)
    holds = (torch.rand(batch, device=device) < share) & gap.any(2).any(1)
    return torch.where(holds[:, None, None], gap, counted > 0)


def by_beats(order: Tensor, batch: Batch, share: float) -> Tensor:
    """An order (B, T, n) of cells in which, in a share of the pieces, a voice's cells of one beat come together.

    So the cells are asked for that `Sampler` draws anew: without this, nearly always some cell next to one is known.
    """
    step = torch.arange(order.shape[1], device=order.device)
    begins = batch.position % BEAT_STEPS.to(order.device)[batch.meter][:, None] == 0
    first = torch.where(begins, step, 0).cummax(1).values  # (B, T) the step at which its beat begins
    together = order.gather(1, first[..., None].expand_as(order))
    return torch.where(torch.rand(len(order), 1, 1, device=order.device) < share, together, order)


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
    drawn = torch.rand(len(lengths), generator=rng).to(lengths.device)
    first = (drawn * ((lengths - size).clamp(min=0) + 1)).long()
    step = first[:, None] + torch.arange(size, device=lengths.device)  # (B, size)
    row = torch.arange(len(lengths), device=lengths.device)[:, None]
    cut = batch.timed(lambda x: x[row, step])
    cut.tokens[:, 0] = Roll.of(batch.tokens).sound[row[:, 0], first]
    return cut
