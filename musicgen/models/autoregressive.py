"""Autoregressive: gated dilated causal convolutions over the frames, with cached queues for streaming.

van den Oord et al. 2016, WaveNet, arXiv 1609.03499; Le Paine et al. 2016, Fast WaveNet, arXiv 1611.09482.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from musicgen.models.next_frame import NextFrame, NextFrameConfig


@dataclass(frozen=True)
class AutoregressiveConfig(NextFrameConfig):
    width: int = 160
    layers: int = 12
    cycle: int = 6  # dilations 1, 2, 4 ... 2 ** (cycle - 1), then again from 1


class GatedLayer(nn.Module):
    def __init__(self, width: int, dilation: int, dropout: float):
        super().__init__()
        self.dilation = dilation
        self.gates = nn.Linear(2 * width, 2 * width)  # a convolution of kernel 2, as one product
        self.out = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, queue: Tensor) -> tuple[Tensor, Tensor]:
        """x (N, T, C) and the `dilation` frames before it -> what the layer adds, and its queue with x behind it."""
        normed = self.norm(x)
        line = torch.cat([queue, normed], 1)  # (N, at least dilation + T, C)
        before = line[:, -self.dilation - x.shape[1] : -self.dilation]
        value, gate = self.gates(torch.cat([before, normed], -1)).chunk(2, -1)
        return self.out(self.dropout(value.tanh() * gate.sigmoid())), line


class GatedStack(nn.Module):
    def __init__(self, config: AutoregressiveConfig):
        super().__init__()
        self.memory = tuple(2 ** (i % config.cycle) for i in range(config.layers))  # of the queues
        self.layers = nn.ModuleList(GatedLayer(config.width, dilation, config.dropout / 2) for dilation in self.memory)

    def empty(self, like: Tensor) -> tuple[Tensor, ...]:
        """The queues before the first frame of as many pieces as `like` (N, ...) has, (N, dilation, C) a layer."""
        layers = cast(Iterable[GatedLayer], self.layers)
        return tuple(torch.zeros(len(like), x.dilation, x.out.in_features, device=like.device) for x in layers)

    def forward(self, x: Tensor, carried: tuple[Tensor, ...], context: tuple = ()) -> tuple[Tensor, tuple[Tensor, ...]]:
        after = []
        for layer, queue in zip(self.layers, carried, strict=True):
            added, queue = layer(x, queue)
            x = x + added
            after.append(queue)
        return x, tuple(after)


class Autoregressive(NextFrame):
    name, title = "autoregressive", "Autoregressive"
    summary = "A WaveNet: gated convolutions that look back in doubling strides over about eight bars."
    source = "van den Oord et al. 2016, arXiv 1609.03499; Le Paine et al. 2016, arXiv 1611.09482"
    Config = AutoregressiveConfig

    def make_backbone(self, config: AutoregressiveConfig) -> nn.Module:
        return GatedStack(config)
