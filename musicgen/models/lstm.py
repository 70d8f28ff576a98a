"""LSTM: a memory cell guarded by three gates (Hochreiter & Schmidhuber 1997)."""

from typing import Any

import torch
from torch import Tensor, nn

from musicgen.models.decoding import AHEAD
from musicgen.models.next_frame import NextFrame, NextFrameConfig, Recurrent


class LSTMCells(Recurrent):
    """Carries hidden vectors and cells (N, t, C), of more steps than `AHEAD` just the last cells."""

    memory = (1, 1)

    def __init__(self, config: NextFrameConfig):
        super().__init__(nn.LSTM, config)

    def forward(self, x: Tensor, carried: tuple[Tensor, ...], context: tuple = ()) -> tuple[Tensor, tuple[Tensor, ...]]:
        hidden, cell = (s[:, -1] for s in carried)
        own: Any = self.cells  # whose parameters have names that are made as it is
        if x.shape[1] > AHEAD:
            out, (_, cell) = own(x, (hidden[None], cell[None]))
            return out, (out, cell.transpose(0, 1))
        gates = own.bias_ih_l0 + own.bias_hh_l0 + torch.matmul(x, own.weight_ih_l0.T)  # (N, T, 4C)
        out, cells = one_by_one(gates, hidden, cell, own.weight_hh_l0.T)
        return out, (out, cells)


@torch.jit.script_if_tracing
def one_by_one(gates: Tensor, hidden: Tensor, cell: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Hidden vectors and cells after each of T steps, (N, T, C).

    Args:
        gates: (N, T, 4C) what the inputs add to them.
        hidden: (N, C) the vectors before.
        cell: (N, C) ... and the cells.
        weight: (C, 4C) by which the hidden vectors come into the gates.
    """
    out, cells = [hidden], [cell]
    for step in range(gates.shape[1]):
        let_in, forget, new, let_out = (gates[:, step] + torch.matmul(hidden, weight)).chunk(4, -1)
        cell = forget.sigmoid() * cell + let_in.sigmoid() * new.tanh()
        hidden = let_out.sigmoid() * cell.tanh()
        out.append(hidden)
        cells.append(cell)
    return torch.stack(out, 1)[:, 1:], torch.stack(cells, 1)[:, 1:]


class LSTM(NextFrame):
    name, title = "lstm", "LSTM"
    summary = "A separate memory cell behind three gates carries the key and the phrase across many bars."
    source = "Hochreiter & Schmidhuber 1997, doi 10.1162/neco.1997.9.8.1735"

    def make_backbone(self, config: NextFrameConfig) -> nn.Module:
        return LSTMCells(config)
