"""LSTM: a memory cell guarded by three gates (Hochreiter & Schmidhuber 1997)."""

from torch import nn

from musicgen.models.next_frame import NextFrame, NextFrameConfig, Recurrent


class LSTM(NextFrame):
    name, title = "lstm", "LSTM"
    summary = "A separate memory cell behind three gates carries the key and the phrase across many bars."
    source = "Hochreiter & Schmidhuber 1997, doi 10.1162/neco.1997.9.8.1735"

    def make_backbone(self, config: NextFrameConfig) -> nn.Module:
        return Recurrent(nn.LSTM, config)
