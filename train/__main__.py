"""Train one architecture, or all, on both styles, and write its checkpoint.

python -m train gru [--minutes 10] [--resume]
python -m train all
"""

import argparse
import sys

import numpy as np
import torch

from musicgen import checkpoint
from musicgen.models import MODELS, MusicModel
from musicgen.models.base import features_of
from train import data
from train.loop import batches, held_out, kept_state, train, whole_pieces
from train.recipes import RECIPES, Recipe


def train_one(name: str, pieces: list[data.Piece], minutes: float | None, resume: bool, seed: int):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    recipe, model_class = RECIPES[name], MODELS[name]
    model = model_class(model_class.Config(**recipe.config))
    before = begin(model, recipe)
    items = {split: [features_of(p.score) for p in pieces if p.split == split] for split in ("train", "valid")}
    valid = whole_pieces(items["valid"])
    state = kept_state(name, resume)
    feed = batches(items["train"], recipe, np.random.default_rng(seed))
    result = train(
        model, feed, lambda m: held_out(m, valid), recipe, minutes=minutes or recipe.minutes, resume=state, label=name
    )
    model.load_state_dict(result.weights)
    model.calibrate(valid)
    minutes = round(before + result.minutes, 1)  # all in all
    facts = {"minutes": minutes, "steps": result.steps, "seed": seed, "valid": round(result.valid, 4)}
    checkpoint.save(name, model, facts | {"dataset_sha256": data.digest(pieces)})
    print(f"{name}: held out {result.valid:.4f}, {result.minutes:.1f} minutes")
    print(f"now: python -m train.evaluate {name}")


def begin(model: MusicModel, recipe: Recipe) -> float:
    """Give players the trained weights that the recipe has them start with; how many minutes those were trained."""
    for player, name in recipe.start.items():
        model.players()[player].load_state_dict(checkpoint.load(name).state_dict())
    return sum(checkpoint.config(name)["training"]["minutes"] for name in recipe.start.values())


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m train", description=__doc__)
    parser.add_argument("model", choices=[*MODELS, "all"])
    parser.add_argument("--minutes", type=float, help="of one core; the recipe's own, unless told otherwise")
    parser.add_argument("--resume", action="store_true", help="go on from where the last run of this model was")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    pieces = data.load()
    names = sorted(MODELS, key=lambda name: bool(RECIPES[name].start)) if args.model == "all" else [args.model]
    for name in names:  # those that begin with another's weights come last
        train_one(name, pieces, args.minutes, args.resume, args.seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
