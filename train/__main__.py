"""Train one architecture, or all, on both styles, and write its checkpoint.

python -m train gru [--device cuda] [--steps 6000] [--minutes 10] [--resume]
python -m train all
"""

import argparse
import sys
from dataclasses import replace
from typing import cast

import numpy as np
import torch

from musicgen import checkpoint
from musicgen.models import MODELS, MusicModel
from musicgen.models.base import features_of
from musicgen.models.next_frame import NextFrame
from train import data, device
from train.loop import batches, held_out, kept_state, train, whole_pieces
from train.recipes import Recipe, recipe_of


def train_one(name: str, pieces: list[data.Piece], recipe: Recipe, where: torch.device, resume: bool, random_seed: int):
    """Train an architecture by a recipe and save what came of it.

    Args:
        name: of the architecture.
        pieces: of all splits.
        recipe: how it is trained.
        where: a core or a GPU.
        resume: whether the run's state is kept, and gone on from.
        random_seed: of weights, batches and dropout.
    """
    torch.set_num_threads(1)
    torch.manual_seed(random_seed)
    model_class, rng = MODELS[name], np.random.default_rng(random_seed)
    model = model_class(model_class.Config(**recipe.config))
    before = begin(model, recipe)
    if recipe.teachers:
        teachers = [checkpoint.load(teacher).to(where).eval() for teacher in recipe.teachers]
        cast(NextFrame, model).teachers = tuple(cast(list[NextFrame], teachers))
    items = {split: [features_of(p.score) for p in pieces if p.split == split] for split in ("train", "valid")}
    valid = whole_pieces(items["valid"])
    result = train(
        model.to(where), batches(items["train"], recipe, rng), lambda m: held_out(m, valid), recipe, rng,
        resume=kept_state(name, resume), label=name,
    )  # fmt: skip
    model = model.cpu()
    model.load_state_dict(result.weights)
    model.calibrate(valid)
    training = {
        "device": device.described(where),
        "minutes": round(before + result.minutes, 1),  # all in all
        "steps": result.steps,
        "random_seed": random_seed,
        "valid": round(result.valid, 4),
        "dataset_sha256": data.digest(pieces),
    }
    if recipe.start:
        training["start"] = f"what fits of the trained {', '.join(recipe.start.values())}"
    if recipe.teachers:
        training["teachers"] = ", ".join(recipe.teachers)
    checkpoint.save(name, model, training)
    print(f"{name}: held out {result.valid:.4f}, {result.minutes:.1f} minutes on {training['device']}")
    print(f"now: python -m train.evaluation {name}")


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
    parser.add_argument("--random-seed", type=int, default=0)
    args = parser.parse_args()
    pieces = data.load()
    names = sorted(MODELS, key=lambda name: len(recipe_of(name).needs)) if args.model == "all" else [args.model]
    for name in names:
        own = recipe_of(name)
        recipe = replace(own, steps=args.steps or own.steps, minutes=args.minutes or own.minutes)
        train_one(name, pieces, recipe, device.choose(args.device), args.resume, args.random_seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
