"""What comes of a third style, a trio, printed as JSON; `tests/models/test_styles.py` runs it where there is one."""

import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from tiny import small

from musicgen import checkpoint, comparison, session
from musicgen.export import FORMATS
from musicgen.io.seeds import from_midi, from_musicxml, from_text
from musicgen.models.base import features_of
from musicgen.request import Request
from train import data
from train.loop import batches, held_out, train, whole_pieces
from train.recipes import Recipe

FILES = 3  # of music that are read
STEPS = 4  # of training
NAMES = ("gru", "cnn", "gan", "seq2seq", "vae")  # of every kind of model


def shipped(name: str) -> dict:
    """How a model answers that was trained before there was a trio."""
    model, canvas = checkpoint.load(name), from_text("C5 D5 E5 F5").canvas.extended(2)
    updates = [u for u, _ in session.compose(Request(name, style="trio", notes="C5"), "", session.Control())]
    return {
        "styles": model.styles,
        "cells": model.compose(canvas, random_seed=5).cells.tolist(),
        "trio": [(u["kind"], u.get("field"), u.get("message")) for u in updates],
    }


def trained(name: str, pieces: list[data.Piece], directory: Path) -> dict:
    """How a tiny model does that is trained with the trio, by the only loop, saved and loaded."""
    model, rng = small(name), np.random.default_rng(0)
    items = [features_of(p.score) for p in pieces]
    recipe = Recipe(steps=STEPS, batch=2, crop=64)
    result = train(model, batches(items, recipe, rng), lambda m: held_out(m, whole_pieces(items)), recipe, rng)
    model.load_state_dict(result.weights)
    checkpoint.save(name, model, {}, directory)
    canvas = from_text("[C5 G4 E4] D5 E5", "trio").canvas.extended(3)
    score = checkpoint.load(name, directory).compose(canvas, random_seed=1)
    kept = np.array_equal(score.cells[canvas.fixed], canvas.score.cells[canvas.fixed])
    return {
        "valid": result.valid,
        "styles": checkpoint.styles(name, directory),
        "voices": sorted({n.voice for n in score.notes()}),
        "kept": kept,
    }


def files() -> dict:
    """A trio written to files and read back."""
    request = Request("gru", style="trio", notes="[C5 G4 E4]:2 [D5 G4 F4]:2")
    canvas = request.canvas()
    work = session.Composition(canvas.score, canvas.fixed, "gru", 0)
    made = {name: FORMATS[name].make(work, ["strings"] * 4) for name in ("midi", "musicxml", "png")}
    read = [from_midi(made["midi"]).canvas.score, from_musicxml(made["musicxml"]).canvas.score]
    return {
        "styles": [score.style for score in read],
        "notes": [score.notes() == canvas.score.notes() for score in read],
        "roll": session.roll_of("trio"),
        "too many": from_text("[C5 G4 E4 C4]", "trio").message,
    }


def main():
    torch.set_num_threads(1)
    found = [data._parse_file(("trio", split, file)) for split, file in data.SOURCES["trio"].files()[:FILES]]
    pieces = [piece for file in found for piece, _ in file if piece]
    chorales = [replace(p, score=from_text("C5 D5 E5 F5 " * 8).canvas.score) for p in pieces]
    compared = [u for u, _ in comparison.compare(Request(style="trio"), "", session.Control())]
    with tempfile.TemporaryDirectory() as folder:
        report = {
            "pieces": len(pieces),
            "shipped": {name: shipped(name) for name in NAMES},
            "compared": [(u["kind"], u.get("field")) for u in compared],
            "trained": {name: trained(name, pieces + chorales, Path(folder)) for name in NAMES},
            "files": files(),
        }
    print(json.dumps(report))


if __name__ == "__main__":
    sys.exit(main())
