"""Chorales that trained models compose, for others to learn from beside people's.

There are few chorales, and a long training learns them by heart; those of models add what such music could be as well
(He et al. 2022, "Generate, annotate, and learn", arXiv 2106.06168).
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from musicgen import checkpoint
from musicgen.models import DEFAULTS
from musicgen.models.base import STYLE_NAMES, Batch
from musicgen.score import Canvas, Score
from train import data

STYLE = "chorale"
# as the model's odds are
PLAINLY = replace(DEFAULTS, temperature=1, top_p=1, candidates=1, close_temperature=1, follow_seed=False)
ABREAST = 40  # pieces composed side by side
PHRASE, LONGEST = 4, 24  # bars


def chorales_by(names: tuple[str, ...], count: int, pieces: list[data.Piece], random_seed: int) -> list[Score]:
    """Chorales of the meters, and about the lengths, that people's have.

    Args:
        names: of the trained architectures that compose.
        count: chorales of each.
        pieces: of all splits.
        random_seed: of lengths and notes.
    """
    shapes = [shape(piece.score) for piece in data.of(pieces, STYLE, "train")]
    rng, scores = np.random.default_rng(random_seed), []
    for name in names:
        model = checkpoint.load(name)
        model.accelerate()
        for (meter, bars), times in Counter(shapes[i] for i in rng.integers(len(shapes), size=count)).items():
            seeds = rng.integers(2**31, size=times).tolist()
            for few in (seeds[i : i + ABREAST] for i in range(0, times, ABREAST)):
                canvases = [Canvas.blank(bars, STYLE, meter)] * len(few)
                scores += model.compose_all(canvases, PLAINLY, random_seeds=few)
    return scores


def shape(score: Score) -> tuple[str, int]:
    """Meter, and bars up to the end of a phrase."""
    return score.meter, -(-min(LONGEST, score.bars) // PHRASE) * PHRASE


def mixed(people: Iterator[Batch], models: Iterator[Batch], share: float, rng: np.random.Generator) -> Iterator[Batch]:
    """People's batches, but of chorales only some; in place of the others come those of models.

    Args:
        people, models: batches without end, those of models of chorales alone.
        share: of the batches of chorales that are people's.
        rng: what is drawn by.
    """
    for batch in people:
        ours = STYLE_NAMES[int(batch.style[0])] == STYLE and rng.random() >= share
        yield next(models) if ours else batch
