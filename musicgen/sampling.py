"""How a piece is drawn: what is asked of a model beside the canvas."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SamplingConfig:
    """How a piece is drawn; the defaults are the page's."""

    temperature: float = 1  # divides the logits; 0 takes the likeliest
    top_p: float = 0.95  # the smallest set of choices that holds this much of the probability is kept
    candidates: int = 32  # closes that are composed, of which one is taken, where four voices are free; else fewer
    close_bars: float = 1.5  # length of a close
    close_temperature: float = 0.55  # times the temperature is that of a close
    follow_seed: bool = True  # whether the seed sets how readily notes are held
