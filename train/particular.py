"""Figures that only one architecture has; they stand under "particular_<split>" in its metrics.json."""

from collections.abc import Callable

from musicgen.models import MusicModel
from train.data import Piece

# name of an architecture -> (the trained model, all pieces, the split to measure on) -> figures by their names
PARTICULAR: dict[str, Callable[[MusicModel, list[Piece], str], dict]] = {}
