"""Tiny untrained models, and random music, to test with."""

from dataclasses import fields

import numpy as np
import torch

from musicgen.models import MODELS
from musicgen.score import REST, Canvas, Note, Score, from_notes

SMALL = {"width": 24, "inner": 16, "layers": 2}  # of a model that has them
CANVASES = ("continue", "harmonise", "repair", "nothing", "dance", "nothing fixed in 9/8")


def small(name: str, **more):
    torch.manual_seed(3)
    model_class = MODELS[name]
    known = {field.name for field in fields(model_class.Config)}
    return model_class(model_class.Config(**{k: v for k, v in SMALL.items() if k in known}, **more)).eval()


def chorale(bars: int = 4, seed: int = 0) -> Score:
    """A random but grammatical score: every voice wanders in its range, with holds, repeats and rests."""
    rng = np.random.default_rng(seed)
    notes = []
    for voice, middle in enumerate((70, 63, 57, 48)):
        start, pitch = 0, middle
        while start < bars * 16:
            duration = int(rng.choice([1, 2, 4, 6]))
            if rng.random() < 0.9:
                notes.append(Note(voice, pitch, start, duration))
            pitch = int(np.clip(pitch + rng.integers(-4, 5), middle - 5, middle + 5))
            start += duration
    return Score(from_notes(notes, bars * 16))


def tune(bars: int = 4, seed: int = 0) -> Score:
    cells = chorale(bars, seed).cells.copy()
    cells[:, 1:] = REST
    return Score(cells, "dance", "4/4", 110)


def canvas(kind: str) -> Canvas:
    score = chorale()
    return {
        "continue": lambda: Canvas.free_bars(score, 3, 4),
        "harmonise": lambda: Canvas.keep_voices(score, [0]),
        "repair": lambda: Canvas.free_bars(score, 2, 2),
        "nothing": lambda: Canvas.blank(2),
        "dance": lambda: Canvas.free_bars(tune(), 2, 4),
        "nothing fixed in 9/8": lambda: Canvas.blank(2, "dance", "9/8"),
    }[kind]()
