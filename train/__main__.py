"""Train one architecture, or all, on both styles, and write its checkpoint.

python -m train gru [--device cuda] [--steps 6000] [--minutes 10] [--resume]
python -m train all
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from graphlib import TopologicalSorter
from typing import cast

import numpy as np
import torch

from musicgen import checkpoint
from musicgen.models import MODELS, MusicModel
from musicgen.models.base import Batch, features_of
from musicgen.models.next_frame import NextFrame
from train import data, device
from train.composed import chorales_by, mixed
from train.loop import Item, batches, held_out, kept_state, train, whole_pieces
from train.recipes import Recipe, recipe_of

COMPOSED = 1200  # chorales of each composer


def train_one(name: str, pieces: list[data.Piece], recipe: Recipe, where: torch.device, resume: bool):
    """Train an architecture by a recipe and save what came of it.

    Args:
        name: of the architecture.
        pieces: of all splits.
        recipe: how it is trained.
        where: a core or a GPU.
        resume: whether the run's state is kept, and gone on from.

    Raises `ValueError` where the recipe has teachers and the architecture no way to learn from them.
    """
    torch.set_num_threads(1)
    torch.manual_seed(recipe.random_seed)
    model_class, rng = MODELS[name], np.random.default_rng(recipe.random_seed)
    if recipe.teachers and model_class.loss is not NextFrame.loss:
        raise ValueError(f"{name} cannot learn from teachers: its loss is its own")
    model = model_class(model_class.Config(**recipe.config))
    before = begin(model, recipe)
    if recipe.teachers:
        teachers = [checkpoint.load(teacher).to(where).eval() for teacher in recipe.teachers]
        cast(NextFrame, model).teachers = tuple(cast(list[NextFrame], teachers))
    valid = whole_pieces(items_of(pieces, "valid"))
    result = train(
        model.to(where), feed(pieces, recipe, rng), lambda m: held_out(m, valid), recipe, rng,
        resume=kept_state(name, resume), label=name,
    )  # fmt: skip
    model = model.cpu()
    model.load_state_dict(result.weights)
    model.calibrate(valid)
    training = {
        "device": device.described(where),
        "minutes": round(before + result.minutes, 1),  # all in all
        "steps": result.steps,
        "random_seed": recipe.random_seed,
        "valid": round(result.valid, 4),
        "dataset_sha256": data.digest(pieces),
    }
    if recipe.start:
        training["start"] = f"what fits of the trained {', '.join(recipe.start.values())}"
    if recipe.teachers:
        training["teachers"] = ", ".join(recipe.teachers)
    if recipe.composers:
        training["composers"] = (
            f"{', '.join(recipe.composers)}: {1 - recipe.people:.0%} of the chorales it learned from"
        )
    checkpoint.save(name, model, training)
    print(f"{name}: held out {result.valid:.4f}, {result.minutes:.1f} minutes on {training['device']}")
    print(f"now: python -m train.evaluation {name}")


def items_of(pieces: list[data.Piece], split: str) -> list[Item]:
    return [features_of(piece.score) for piece in pieces if piece.split == split]


def feed(pieces: list[data.Piece], recipe: Recipe, rng: np.random.Generator) -> Iterator[Batch]:
    """What is learned from: the pieces of the training split, and what the recipe's composers write."""
    people = batches(items_of(pieces, "train"), recipe, rng)
    if not recipe.composers:
        return people
    scores = chorales_by(recipe.composers, COMPOSED, pieces, recipe.random_seed)
    return mixed(people, batches([features_of(s) for s in scores], recipe, rng), recipe.people, rng)


def begin(model: MusicModel, recipe: Recipe) -> float:
    """Give modules the trained weights that the recipe has them start with; how many minutes those were trained.

    They take what has the same name and shape in both; "" is the whole model.
    """
    for module, name in recipe.start.items():
        own = model.get_submodule(module)
        shapes = {key: tensor.shape for key, tensor in own.state_dict().items()}
        theirs = checkpoint.load(name).state_dict()
        own.load_state_dict({k: t for k, t in theirs.items() if shapes.get(k) == t.shape}, strict=False)
    return sum(checkpoint.config(name)["training"]["minutes"] for name in recipe.start.values())


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m train", description=__doc__)
    parser.add_argument("model", choices=[*MODELS, "all"])
    parser.add_argument("--steps", type=float, help="of training, at most; the recipe's own, unless told otherwise")
    parser.add_argument("--minutes", type=float, help="of one core or a GPU, at most; the recipe's own, unless told")
    parser.add_argument("--device", choices=device.CHOICES, default="auto")
    parser.add_argument("--resume", action="store_true", help="continue where the last run of this model was")
    parser.add_argument(
        "--random-seed", type=int, help="of weights, batches and dropout; the recipe's own, unless told"
    )
    args = parser.parse_args()
    pieces = data.load()
    needs = {name: recipe_of(name).needs for name in MODELS}
    told = {k: v for k in ("steps", "minutes", "random_seed") if (v := getattr(args, k)) is not None}
    for name in TopologicalSorter(needs).static_order() if args.model == "all" else [args.model]:
        train_one(name, pieces, replace(recipe_of(name), **told), device.choose(args.device), args.resume)
    return 0


if __name__ == "__main__":
    sys.exit(main())
