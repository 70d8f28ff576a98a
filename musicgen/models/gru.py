"""GRU: a gated recurrent unit reads the frames one by one (Cho et al. 2014, arXiv 1406.1078)."""

from torch import nn

from musicgen.models.next_frame import NextFrame, NextFrameConfig, Recurrent


class GRU(NextFrame):
    name, title = "gru", "GRU"
    summary = "A lean memory with two gates that decide, frame by frame, what to keep and what to overwrite."
    source = "Cho et al. 2014, arXiv 1406.1078"

    def make_backbone(self, config: NextFrameConfig) -> nn.Module:
        return Recurrent(nn.GRU, config)
