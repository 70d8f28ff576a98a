"""What the voices do at the same place of other bars, before and after: so that the CNN can say things again.

The lookback of Magenta's Lookback RNN (2016) in both directions of time; copying as in pointer networks, See et al.
2017, arXiv 1704.04368.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from musicgen.models.roll import REST_CLASS, WINDOW_PITCHES

BOTH_WAYS = (-8, -4, -2, -1, 1, 2, 4, 8)  # K of them, in bars
STATES = 5  # of a cell looked up: outside the piece, unknown, a rest, a pitch that goes on, a pitch that begins
OUTSIDE, HIDDEN, SILENT, ON, BEGIN = range(STATES)
# Agreement: steps on either side in which it is counted; counts of the same, and of others, above which a case begins.
NEARBY = (8, (0, 2, 4, 8, 12), (0, 2, 5, 9))
WIDE = (32, (0, 4, 12, 24, 40), (0, 4, 12, 24))
CASES = 6 * 5
LAG_GAIN = 16  # times what the copy tables learn: they have to move farther than other weights


@dataclass(frozen=True)
class Lagged:
    """B pieces of T steps, each cell beside those of its voice K lags away."""

    classes: Tensor  # (B, T, K, 4) what stands there, whether known or not
    state: Tensor  # (B, T, K, 4) index below STATES
    agreement: tuple[Tensor, Tensor]  # nearby and wide, (B, T, K, 4), an index below CASES
    rhythm: Tensor  # (B, T, K, 4) the same of rests, holds and onsets nearby, whatever the pitch

    def at(self, steps: Tensor) -> "Lagged":
        """Of some steps alone."""
        found = (x[:, steps] for x in (self.classes, self.state, *self.agreement, self.rhythm))
        classes, state, nearby, wide, rhythm = found
        return Lagged(classes, state, (nearby, wide), rhythm)

    @classmethod
    def of(cls, classes: Tensor, known: Tensor, inside: Tensor, bar: Tensor) -> "Lagged":
        """Look up every cell of B pieces.

        Args:
            classes: (B, T, 4), see `Roll`.
            known: (B, T, 4) whether each is.
            inside: (B, T) whether a step is one of the piece, and no padding.
            bar: (B,) steps a bar.
        """
        steps = classes.shape[1]
        lags = torch.tensor(BOTH_WAYS, device=bar.device)
        index = torch.arange(steps, device=bar.device)[:, None] + (bar[:, None] * lags)[:, None]  # (B, T, K)
        within = (index >= 0) & (index < steps)
        piece, index = torch.arange(len(bar), device=bar.device)[:, None, None], index.clamp(0, steps - 1)
        within = (within & inside[piece, index])[..., None]  # (B, T, K, 1)
        there, seen = classes[piece, index], known[piece, index] & within  # (B, T, K, 4)
        kind = SILENT + (classes != REST_CLASS).long() + (classes > WINDOW_PITCHES)  # (B, T, 4)
        state = torch.where(seen, kind[piece, index], torch.where(within, HIDDEN, OUTSIDE))
        both = seen & known[:, :, None]
        same = both & (there == classes[:, :, None])
        alike = both & (state == kind[:, :, None])
        nearby, wide = (case_of(same, both, *bounds) for bounds in (NEARBY, WIDE))
        return cls(there, state, (nearby, wide), case_of(alike, both, *NEARBY))


def case_of(same: Tensor, both: Tensor, reach: int, some: tuple[int, ...], others: tuple[int, ...]) -> Tensor:
    """How many cells around are the same as at a lag, and how many are not, as one index below CASES.

    Args:
        same: (B, T, K, 4) whether a cell is the same as at the lag.
        both: (B, T, K, 4) whether it is known at both.
        reach: steps on either side that are counted.
        some: counts of the same above which another case begins.
        others: the same for those that are not.
    """
    count, total = around(torch.stack([same, both]), reach)  # (B, T, K, 4)
    case = torch.bucketize(count, torch.tensor(some, device=count.device)) * (len(others) + 1)
    return case + torch.bucketize(total - count, torch.tensor(others, device=count.device))


def around(cells: Tensor, reach: int) -> Tensor:
    """How many of (n, B, T, ...) are true from `reach` steps before each to as many after."""
    steps = cells.shape[2]
    total = F.pad(cells.flatten(3).cumsum(2), (0, 0, 1, 0))  # (n, B, T + 1, ...)
    step = torch.arange(steps, device=cells.device)
    first, stop = (step - reach).clamp(min=0), (step + reach + 1).clamp(max=steps)
    return (total[:, :, stop] - total[:, :, first]).view(cells.shape)


class Lookback(nn.Module):
    """What the network is told of the lags, and the logits of doing the same again. All weights begin at 0.

    Args:
        styles: how many of `STYLES`, the first ones, are told apart.
        together: steps a column of the network.
        channels: C, of a cell.
        width: W, channels of a column.
    """

    def __init__(self, styles: int, together: int, channels: int, width: int):
        super().__init__()
        self.together = together  # steps a column
        count = len(BOTH_WAYS) * 4
        self.pixels = nn.Parameter(torch.zeros(together * count * 2, channels))
        self.features = nn.Parameter(torch.zeros(together * count * (STATES + CASES), width))
        self.copy = nn.ParameterList(torch.zeros(styles * count * CASES, 1) for _ in range(2))
        self.pulse = nn.Parameter(torch.zeros(styles * count * STATES * CASES, 1))
        self.weigh = nn.Linear(width, together * count)
        nn.init.zeros_(self.weigh.weight)
        nn.init.zeros_(self.weigh.bias)

    def summary(self, lagged: Lagged, place: Tensor) -> Tensor:
        """What each step adds to its column of the trunk, (B, T, W), by its place in the column (B, T)."""
        lags = torch.arange(len(BOTH_WAYS) * 4, device=place.device)
        row = torch.cat([lagged.state.flatten(2), STATES + lagged.agreement[1].flatten(2)], -1)  # (B, T, 2 * 4 K)
        row = row + (lags * (STATES + CASES)).repeat(2) + place[..., None] * len(lags) * (STATES + CASES)
        return F.embedding_bag(row.flatten(0, 1), self.features, mode="sum").unflatten(0, place.shape)

    def mark(self, x: Tensor, lagged: Lagged, column: Tensor, place: Tensor) -> Tensor:
        """Add to cells what is known to sound there at the lags.

        Args:
            x: (B, S, P, C) cells of S columns and P pitches.
            lagged: what stands at the lags of all T steps.
            column: (B, T) the column of each step.
            place: (B, T) its place in the column.
        """
        piece, step, lag, voice = (lagged.state >= ON).nonzero(as_tuple=True)  # (n,)
        pitch = (lagged.classes[piece, step, lag, voice] - 1) % WINDOW_PITCHES
        begins = lagged.state[piece, step, lag, voice] == BEGIN
        kind = ((place[piece, step] * len(BOTH_WAYS) + lag) * 4 + voice) * 2 + begins
        pixel = (piece * x.shape[1] + column[piece, step]) * WINDOW_PITCHES + pitch
        marks = F.embedding(kind, self.pixels).to(x.dtype)
        return x.flatten(0, 2).index_add(0, pixel, marks).view(x.shape)

    def again(self, logits: Tensor, lagged: Lagged, style: Tensor, weights: Tensor, times: float = 1.0) -> Tensor:
        """Logits with those of the classes at the lags raised; those of pitches that begin, where one begins there.

        Args:
            logits: (B, T, 4, CLASSES).
            lagged: what stands at the lags.
            style: (B,) index into STYLE_NAMES.
            weights: (B, T, 4 K) what each lag counts besides what the tables say.
            times: how strongly the classes are raised, 1 as learned.
        """
        lags = torch.arange(len(BOTH_WAYS) * 4, device=style.device).view(len(BOTH_WAYS), 4)
        row = (style[:, None, None] * len(BOTH_WAYS) * 4 + lags)[:, None]  # (B, 1, K, 4)
        tables = [F.embedding(row * CASES + a, c)[..., 0] for a, c in zip(lagged.agreement, self.copy, strict=True)]
        strength = (sum(tables) * LAG_GAIN + weights.unflatten(-1, lags.shape)) * (
            lagged.state >= SILENT
        )  # (B, T, K, 4)
        logits = logits.scatter_add(-1, lagged.classes.mT, (times * strength).mT.to(logits.dtype))
        row = (row * STATES + lagged.state) * CASES + lagged.rhythm  # (B, T, K, 4)
        pulse = F.embedding(row, self.pulse)[..., 0].sum(2) * LAG_GAIN  # (B, T, 4)
        return logits + F.pad(pulse[..., None].expand(-1, -1, -1, WINDOW_PITCHES), (1 + WINDOW_PITCHES, 0))
