"""Transformer: causal self-attention with rotary positions and a key-value cache.

Huang et al. 2018, Music Transformer, arXiv 1809.04281; rotary positions: Su et al. 2021, RoFormer, arXiv 2104.09864.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from musicgen.models.next_frame import NextFrame, NextFrameConfig


@dataclass(frozen=True)
class TransformerConfig(NextFrameConfig):
    width: int = 192
    layers: int = 4
    heads: int = 6
    window: int = 256  # frames that a layer looks back on, the present one included


class Block(nn.Module):
    def __init__(self, config: TransformerConfig):
        super().__init__()
        width = config.width
        self.heads, self.window = config.heads, config.window
        self.norm_mix, self.norm_feed = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.feed = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        self.dropout = nn.Dropout(config.dropout / 2)

    def forward(self, x: Tensor, cache: tuple | None) -> tuple[Tensor, tuple]:
        attended, cache = self._attend(self.norm_mix(x), cache)
        x = x + self.dropout(attended)
        return x + self.dropout(self.feed(self.norm_feed(x))), cache

    def _attend(self, x: Tensor, cache: tuple | None) -> tuple[Tensor, tuple]:
        """x (B, T, C) after the frames in the cache: keys, values (B, H, n, C/H) and how many frames there were."""
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)  # (B, H, T, C/H)
        seen = cache[2] if cache else 0
        q, k = rotary(q, seen), rotary(k, seen)
        if cache:
            k, v = torch.cat([cache[0], k], 2), torch.cat([cache[1], v], 2)
        mask = band(q.shape[2], k.shape[2], self.window)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)  # (B, H, T, C/H)
        keep = self.window - 1
        return self.out(y.transpose(1, 2).flatten(2)), (k[:, :, -keep:], v[:, :, -keep:], seen + x.shape[1])


def band(queries: int, keys: int, window: int) -> Tensor:
    """Which keys each query sees, (queries, keys): itself and the `window` - 1 before it; queries are the last keys."""
    back = torch.arange(keys - queries, keys)[:, None] - torch.arange(keys)
    return (back >= 0) & (back < window)


def rotary(x: Tensor, start: int) -> Tensor:
    """Turn each pair of channels of x (B, H, T, C) by an angle that grows with the frame's number."""
    half = x.shape[-1] // 2
    rates = 512.0 ** (-torch.arange(half) / half)
    angle = torch.arange(start, start + x.shape[2])[:, None] * rates  # (T, C/2)
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * angle.cos() - b * angle.sin(), a * angle.sin() + b * angle.cos()], -1)


class Stack(nn.Module):
    def __init__(self, config: TransformerConfig):
        super().__init__()
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))

    def forward(self, x: Tensor, state: list | None) -> tuple[Tensor, list]:
        after = []
        for block, cache in zip(self.blocks, state or [None] * len(self.blocks), strict=True):
            x, cache = block(x, cache)
            after.append(cache)
        return x, after


class Transformer(NextFrame):
    name, title = "transformer", "Transformer"
    summary = "Attention looks straight back at any frame of the last bars, so a motif can return after a long while."
    source = "Huang et al. 2018, arXiv 1809.04281; Su et al. 2021, arXiv 2104.09864"
    Config = TransformerConfig
    pieces_dim = 0

    def make_backbone(self, config: TransformerConfig) -> nn.Module:
        return Stack(config)
