"""RNN: the plain recurrent network with a tanh (Elman 1990)."""

from torch import nn

from musicgen.models.next_frame import NextFrame, NextFrameConfig


class RNN(NextFrame):
    name, title = "rnn", "RNN"
    summary = "The simplest memory, overwritten whole at every step: good from beat to beat, forgetful across phrases."
    source = "Elman 1990, doi 10.1207/s15516709cog1402_1"

    def make_backbone(self, config: NextFrameConfig) -> nn.Module:
        dropout = config.dropout if config.layers > 1 else 0
        return nn.RNN(config.width, config.width, config.layers, batch_first=True, dropout=dropout)
