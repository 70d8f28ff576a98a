"""Form: how often composed pieces say something again, beside held-out music.

A sample is a piece of 16 bars that begins with the first 2 of a held-out piece; the 14 composed bars are judged, and
beside them the same bars of the held-out pieces themselves.
"""

from musicgen.score import METERS, Score
from train.data import Piece, of
from train.evaluation.metrics import clip, form
from train.evaluation.sampled import SEED_BARS, SampleTask

FORM_BARS = 16


class Form:
    """The held-out pieces of one style that are long enough, and what is composed laid beside them."""

    def __init__(self, pieces: list[Piece], style: str, split: str):
        self.pieces = [clip(p.score, 0, FORM_BARS) for p in of(pieces, style, split) if p.score.bars >= FORM_BARS]
        self.reference = form(self.pieces, SEED_BARS)

    def tasks(self, count: int) -> list[SampleTask]:
        """Every piece in turn, each time round with another random seed; those of one meter stand together."""
        rounds = [(piece, turn) for turn in range(count) for piece in self.pieces][:count]
        return sorted(rounds, key=lambda task: list(METERS).index(task[0].meter))

    def judge(self, samples: list[Score]) -> dict[str, dict[str, float]]:
        """`metrics.form` of samples and of the held-out pieces; nothing where no piece was long enough."""
        found = form(samples, SEED_BARS)
        return {name: {"value": found[name], "reference": value} for name, value in self.reference.items()}
