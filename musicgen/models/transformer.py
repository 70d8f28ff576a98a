"""Transformer: causal self-attention with rotary positions and a key-value cache.

Huang et al. 2018, Music Transformer, arXiv 1809.04281; rotary positions: Su et al. 2021, RoFormer, arXiv 2104.09864.
"""

from dataclasses import dataclass
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from musicgen.models.base import Batch
from musicgen.models.next_frame import NextFrame, NextFrameConfig
from musicgen.models.step import State
from musicgen.models.task import repeated

Cache = tuple[Tensor, Tensor]  # keys and values


@dataclass(frozen=True)
class TransformerConfig(NextFrameConfig):
    width: int = 192
    layers: int = 4
    heads: int = 6
    window: int = 256  # frames that a layer looks back on, the present one included


class AttentionBlock(nn.Module):
    def __init__(self, config: TransformerConfig):
        super().__init__()
        width = config.width
        self.heads, self.window = config.heads, config.window
        self.norm_mix, self.norm_feed = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.feed = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        self.dropout = nn.Dropout(config.dropout / 2)

    def forward(self, x: Tensor, own: Cache, common: Cache, view: "View") -> tuple[Tensor, Cache]:
        """What becomes of the frames, (N, T, C), and their own cache; the arguments are those of `_attend`."""
        attended, own = self._attend(self.norm_mix(x), own, common, view)
        x = x + self.dropout(attended)
        return x + self.dropout(self.feed(self.norm_feed(x))), own

    def _attend(self, x: Tensor, own: Cache, common: Cache, view: "View") -> tuple[Tensor, Cache]:
        """Attention over the frames whose keys and values lie in two caches, the common ones first.

        Args:
            x: (N, T, C), the frames that are new.
            own: (N, H, n, C/H) each, of every piece.
            common: (B, H, m, C/H) each, shared by a piece's N / B candidates.
            view: what the new frames see.
        """
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)  # (N, H, T, C/H)
        q, k = view.turned(q), view.turned(k)
        k, v = torch.cat([own[0], k.to(own[0].dtype)], 2), torch.cat([own[1], v.to(own[1].dtype)], 2)
        count = common[0].shape[2]
        pieces, steps = common[0].shape[0], q.shape[2]
        before = together(q, pieces) @ common[0].transpose(-1, -2)
        before = apart(before.unflatten(2, (-1, steps)).masked_fill(view.far, -torch.inf))  # (N, H, T, m)
        after = (q @ k.transpose(-1, -2)).masked_fill(view.later, -torch.inf)  # (N, H, T, n)
        weights = (torch.cat([before, after], -1) * q.shape[-1] ** -0.5).softmax(-1)
        seen = together(weights[..., :count], pieces) @ common[1]  # (B, H, N / B * T, C/H)
        y = apart(seen.unflatten(2, (-1, steps))) + weights[..., count:] @ v  # (N, H, T, C/H)
        return self.out(y.transpose(1, 2).flatten(2)), (k, v)


def together(x: Tensor, pieces: int) -> Tensor:
    """x (N, H, T, C) of so many pieces, B -> (B, H, N / B * T, C): what is of a piece, as the rows of one product."""
    return x.unflatten(0, (pieces, -1)).transpose(1, 2).flatten(2, 3)


def apart(x: Tensor) -> Tensor:
    """(B, H, N / B, T, C) -> (N, H, T, C)"""
    return x.transpose(1, 2).flatten(0, 1)


class View(NamedTuple):
    """What the frames of a pass see, the same in all blocks."""

    cosine: Tensor  # (N, 1, T, C/2H) of the angle that each frame's channels are turned by
    sine: Tensor
    far: Tensor  # (B, 1, 1, T, m) which frames of the common cache are not there, or out of sight
    later: Tensor  # (T, n) which of the piece's own frames, these included, come later or are out of sight

    @classmethod
    def of(cls, steps: Tensor, seen: Tensor, own: Tensor, there: Tensor, half: int, window: int) -> "View":
        """That of T frames.

        Args:
            steps: (T,) their numbers, from 0.
            seen: (N, 1) how many frames came before the first of them.
            own: (N, H, n - T, C/H) keys in each piece's own cache.
            there: (B, m) which frames of the common cache are there.
            half: C/2H, pairs of channels of a head.
            window: frames that a layer looks back on.
        """
        rates = 512.0 ** (-torch.arange(half, device=seen.device) / half)  # RoFormer's, for pieces of this length
        angle = ((seen + steps)[..., None] * rates)[:, None]  # (N, 1, T, C/2H)
        common, before = there.shape[1], there.shape[1] + own.shape[2]
        back = before + steps[:, None] - torch.arange(before + steps.shape[0], device=seen.device)  # (T, m + n)
        unseen = (back < 0) | (back >= window)
        far = ~there[:, None, None, None] | unseen[:, :common]
        return cls(angle.cos(), angle.sin(), far, unseen[:, common:])

    def turned(self, x: Tensor) -> Tensor:
        """Rotary positions: each pair of channels of x (N, H, T, C/H) turned by its frame's angle."""
        a, b = x.chunk(2, -1)
        return torch.cat([a * self.cosine - b * self.sine, a * self.sine + b * self.cosine], -1)


class AttentionStack(nn.Module):
    """Carries keys and values of each block and the numbers of the frames; the context holds common keys and values."""

    def __init__(self, config: TransformerConfig):
        super().__init__()
        self.window = config.window
        self.memory = (config.window - 1,) * (2 * config.layers) + (1,)
        self.blocks = nn.ModuleList(AttentionBlock(config) for _ in range(config.layers))

    def empty(self, like: Tensor) -> tuple[Tensor, ...]:
        """Caches without a frame for as many pieces as `like` (N, ...) has, then what the first one counts from."""
        block = cast(AttentionBlock, self.blocks[0])
        none = torch.zeros(len(like), block.heads, 0, block.out.in_features // block.heads, device=like.device)
        start = torch.full((len(like), 1, 1), -1, device=like.device)
        return (none,) * (2 * len(self.blocks)) + (start,)

    def forward(self, x: Tensor, carried: tuple[Tensor, ...], context: tuple) -> tuple[Tensor, tuple[Tensor, ...]]:
        (*caches, numbers), (*commons, there) = carried, context
        steps, seen = torch.arange(x.shape[1], device=x.device), numbers[:, -1] + 1  # (T,), (N, 1)
        view = View.of(steps, seen, caches[0], there, caches[0].shape[-1] // 2, self.window)
        after = []
        for i, block in enumerate(self.blocks):
            pair = slice(2 * i, 2 * i + 2)
            x, own = block(x, tuple(caches[pair]), tuple(commons[pair]), view)
            after += own
        return x, (*after, (seen + steps)[..., None])


class Transformer(NextFrame):
    name, title = "transformer", "Transformer"
    summary = "Attention looks straight back at any frame of the last bars, so a motif can return after a long while."
    source = "Huang et al. 2018, arXiv 1809.04281; Su et al. 2021, arXiv 2104.09864"
    Config = TransformerConfig

    def make_backbone(self, config: TransformerConfig) -> nn.Module:
        return AttentionStack(config)

    def first_state(self, batch: Batch, fixed: Tensor) -> State:
        """With a common cache of one frame that is not there, since a graph takes no empty one."""
        *own, numbers = self.backbone.empty(batch.tokens)
        common = tuple(F.pad(x, (0, 0, 0, 1)) for x in own)
        nowhere = torch.zeros(len(numbers), 1, dtype=torch.bool, device=numbers.device)
        return State((*own, numbers), (*common, nowhere))

    def fan_out(self, state: State, candidates: int) -> State:
        """What has been read so far becomes common to all candidates of a piece, which would else have to copy it."""
        (*own, numbers), (*common, there) = state.carried, state.context
        keep, rows = self.config.window - 1, repeated(len(numbers), candidates)
        there = F.pad(there, (0, own[0].shape[2]), value=True)
        common = (torch.cat([c, o], 2)[:, :, -keep:] for c, o in zip(common, own))
        return State((*(o[rows, :, :0] for o in own), numbers[rows]), (*common, there[:, -keep:]))
