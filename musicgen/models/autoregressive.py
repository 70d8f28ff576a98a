"""Autoregressive: gated dilated causal convolutions over the frames, with cached queues for streaming.

van den Oord et al. 2016, WaveNet, arXiv 1609.03499; Le Paine et al. 2016, Fast WaveNet, arXiv 1611.09482.
"""

from dataclasses import dataclass

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

    def forward(self, x: Tensor, queue: Tensor | None) -> tuple[Tensor, Tensor]:
        """x (B, T, C) and the `dilation` frames before it -> what the layer adds, and its queue after x."""
        normed = self.norm(x)
        queue = torch.zeros(len(x), self.dilation, x.shape[-1]) if queue is None else queue
        line = torch.cat([queue, normed], 1)  # (B, dilation + T, C)
        value, gate = self.gates(torch.cat([line[:, : x.shape[1]], normed], -1)).chunk(2, -1)
        return self.out(self.dropout(value.tanh() * gate.sigmoid())), line[:, -self.dilation :]


class Stack(nn.Module):
    def __init__(self, config: AutoregressiveConfig):
        super().__init__()
        self.layers = nn.ModuleList(
            GatedLayer(config.width, 2 ** (i % config.cycle), config.dropout / 2) for i in range(config.layers)
        )

    def forward(self, x: Tensor, state: list | None) -> tuple[Tensor, list]:
        after = []
        for layer, queue in zip(self.layers, state or [None] * len(self.layers), strict=True):
            added, queue = layer(x, queue)
            x = x + added
            after.append(queue)
        return x, after


class Autoregressive(NextFrame):
    name, title = "autoregressive", "Autoregressive"
    summary = "A WaveNet: gated convolutions that look back in doubling strides over about eight bars."
    source = "van den Oord et al. 2016, arXiv 1609.03499; Le Paine et al. 2016, arXiv 1611.09482"
    Config = AutoregressiveConfig
    pieces_dim = 0

    def make_backbone(self, config: AutoregressiveConfig) -> nn.Module:
        return Stack(config)
