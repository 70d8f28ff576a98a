"""Figures of what a model composes, each beside the same figure of held-out music.

A sample is a piece of 8 bars that begins with the first 2 of a held-out piece; only the 6 composed bars are judged.
They close a piece, so the held-out windows of 6 bars they are laid beside are counted from the pieces' ends: every
piece's last one, then every last but one, and so on. An overlap depends on how many values there are, so it is taken
over as many windows as samples, and beside it stands that of training music in the samples' place.
"""

from collections.abc import Iterable
from itertools import chain
from pathlib import Path

import numpy as np

from musicgen import checkpoint
from musicgen.score import METERS, Canvas, Score
from train.data import Piece, of
from train.evaluation.metrics import clip, compare, defects, differing, features, in_scale, mean, scale_of
from train.evaluation.originality import Originality
from train.evaluation.voice_leading import ends_on_triad, voice_leading

SEED_BARS, COMPOSED_BARS = 2, 6
PIECE_BARS = SEED_BARS + COMPOSED_BARS
ANEW = 0.7  # share of the samples with a seed melody of their own; the others repeat one with another random seed
TRAINING_DRAWS = 5  # of training music, over which its overlap is averaged
HIGH_PERCENTILE = 95

SampleTask = tuple[Score, int]  # a held-out piece and a random seed


def compose(name: str, directory: Path, tasks: list[SampleTask], bars: int | None) -> list[Score]:
    """What a model makes of each task, at the page's defaults.

    Args:
        name: of the architecture.
        directory: where the checkpoints are.
        tasks: what each piece begins with, and its random seed.
        bars: of each piece; None for as many as the held-out one has.
    """
    model = checkpoint.load(name, directory)
    model.accelerate()
    pieces, random_seeds = zip(*tasks)
    canvases = [canvas_of(piece, bars or piece.bars) for piece in pieces]
    return model.compose_all(canvases, random_seeds=list(random_seeds))


def canvas_of(piece: Score, bars: int = PIECE_BARS) -> Canvas:
    """The piece's first two bars, fixed, and free ones up to `bars` in all."""
    seed_notes = clip(piece, 0, SEED_BARS)
    return Canvas(seed_notes, np.ones(seed_notes.cells.shape, bool)).extended(bars)


def composed(score: Score) -> Score:
    return clip(score, SEED_BARS, COMPOSED_BARS)


def paired(scores: list[Score], random_seed: int = 0) -> list[tuple[Score, Score]]:
    """Pieces that are long enough, in pairs of one meter, in an order drawn at random."""
    rng, found = np.random.default_rng(random_seed), []
    mixed = [scores[i] for i in rng.permutation(len(scores)) if scores[i].bars >= PIECE_BARS]
    for meter in METERS:
        same = [s for s in mixed if s.meter == meter]
        found += zip(same[::2], same[1::2])  # an odd one is left out
    return [found[i] for i in rng.permutation(len(found))]


def windows(scores: Iterable[Score]) -> list[Score]:
    """All windows of six bars, counted from the ends: every piece's last one, then every last but one, and so on."""
    found = [
        (nth, clip(score, score.bars - nth * COMPOSED_BARS, COMPOSED_BARS))
        for score in scores
        for nth in range(1, score.bars // COMPOSED_BARS + 1)
    ]
    return [window for _, window in sorted(found, key=lambda f: f[0])]


class Yardstick:
    """Held-out music of one style, measured once, and what is composed laid beside it.

    Args:
        pieces: of all styles and splits.
        style: whose they are to be.
        split: which are held out.
        index: of the training music.
    """

    def __init__(self, pieces: list[Piece], style: str, split: str, index: Originality):
        ours, train = ([p.score for p in of(pieces, style, s)] for s in (split, "train"))
        self.index = index  # of the training music
        self.pairs = paired(ours)
        self.pieces = list(chain(*self.pairs))
        self.windows = windows(self.pieces)
        self.features = [features(w) for w in self.windows]
        draws = (windows(chain(*paired(train, draw)))[: len(self.windows)] for draw in range(TRAINING_DRAWS))
        self.human = [[features(w) for w in draw] for draw in draws]
        self.runs = self._runs(self.windows)
        self.figures = self._figures(self.windows, self.runs) | self._of_pieces()

    def tasks(self, count: int) -> list[SampleTask]:
        """An even number of tasks: each two neighbours have two pieces of one meter and the same random seed.

        Where the pieces are used up, or `ANEW` of the tasks are made, they come again with other random seeds.
        """
        anew = self._anew(count)
        return [(piece, turn) for turn in range(count // 2) for piece in self.pairs[turn % anew]]

    def _anew(self, count: int) -> int:
        return min(len(self.pairs), int(ANEW * count / 2))

    def judge(self, samples: list[Score]) -> dict:
        """The figures of what was made of `tasks(len(samples))`; see `tables.MEANING` for what they mean."""
        ours = [composed(s) for s in samples]
        found = self._figures(ours, self._runs(ours)) | self._of_tasks(samples, ours)
        return {
            "samples": len(ours),
            "composed_bars": COMPOSED_BARS,
            "features": self._likeness(ours),
            "figures": {name: {"value": value, "reference": self.figures[name]} for name, value in found.items()},
        }

    def _likeness(self, ours: list[Score]) -> dict[str, dict[str, float]]:
        """`compare` of the features, and under "human" the overlap of training music with the same windows."""
        count = min(len(ours), len(self.windows), *map(len, self.human))
        theirs = self.features[:count]
        found = compare([features(s) for s in ours[:count]], theirs)
        draws = [compare(draw[:count], theirs) for draw in self.human]
        return {name: f | {"human": mean(d[name]["overlap"] for d in draws)} for name, f in found.items()}

    def _figures(self, scores: list[Score], runs: np.ndarray) -> dict[str, float]:
        """What can be said of any windows of six bars."""
        found = voice_leading(scores) if scores[0].style == "chorale" else {}
        flaws = [defects(s) for s in scores]
        found |= {name: mean(f[name] for f in flaws) for name in flaws[0]}
        found["distinct"] = len({s.cells.tobytes() for s in scores}) / len(scores)
        for unit, own, human in zip(("notes", "bars"), runs.T, self.runs.T):
            found[f"shared_{unit}_median"] = float(np.median(own))
            found[f"shared_{unit}_p{HIGH_PERCENTILE}"] = float(np.percentile(own, HIGH_PERCENTILE))
            found[f"shared_{unit}_above"] = mean(own > np.percentile(human, HIGH_PERCENTILE))
        return found

    def _of_tasks(self, samples: list[Score], ours: list[Score]) -> dict[str, float]:
        """What can be said of samples by what they were made from."""
        first = 2 * self._anew(len(samples))  # the first sample whose seed melody is not new
        ends = {"ends_on_triad": mean(map(ends_on_triad, ours))} if ours[0].style == "chorale" else {}
        return ends | {
            "other_seed": mean(differing(a, b) for a, b in zip(ours[::2], ours[1::2])),
            "other_noise": mean(differing(a, b) for a, b in zip(ours[first:], ours)),
            "in_seed_scale": mean(_in_seed_scale(s) for s in samples),
        }

    def _of_pieces(self) -> dict[str, float]:
        """The same of held-out pieces: how far unrelated ones differ, how they go on from their first bars."""
        unrelated = mean(differing(*(windows([p])[0] for p in pair)) for pair in self.pairs)
        return {
            "ends_on_triad": mean(map(ends_on_triad, self.pieces)),
            "other_seed": unrelated,
            "other_noise": unrelated,
            "in_seed_scale": mean(_in_seed_scale(p) for p in self.pieces),
        }

    def _runs(self, scores: list[Score]) -> np.ndarray:
        """The longest run shared with a training piece, `(n, 2)`: notes and bars."""
        found = [self.index.longest(s) for s in scores]
        return np.array([(run.notes, run.bars) for run in found])


def _in_seed_scale(score: Score) -> float:
    """Share of the notes of the composed bars in the scale of the first two."""
    return in_scale(composed(score), scale_of(clip(score, 0, SEED_BARS)))
