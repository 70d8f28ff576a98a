"""RNN: the plain recurrent network with a tanh (Elman 1990)."""

from torch import nn

from musicgen.models.next_frame import NextFrame, NextFrameConfig, Recurrent


class RNN(NextFrame):
    name, title = "rnn", "RNN"
    summary = "The simplest memory, overwritten whole at every step: good from beat to beat, forgetful across phrases."
    source = "Elman 1990, doi 10.1207/s15516709cog1402_1"

    def make_backbone(self, config: NextFrameConfig) -> nn.Module:
        return Recurrent(nn.RNN, config)
