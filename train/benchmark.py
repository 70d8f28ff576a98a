"""The published measure: train an architecture afresh on the JSB chorales of the literature, nats a cell.

    python -m train.benchmark --jsb16 FILE --model gru --minutes 20

FILE is `Jsb16thSeparated.json`: splits of pieces of frames of four MIDI pitches a sixteenth, -1 for silence, held notes
repeated. The loss of a cell is -ln p(cell | all frames before, the voices before it in this frame); the sum over all
cells of a split is divided by their number, the first frame counts, and nothing is told of where a piece ends. An
orderless model is measured by its own loss: nats an unknown cell of crops of 64 frames, any number of cells known; for
the figure that is told, every piece at many places.
"""

import argparse
import json
import math
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from musicgen import checkpoint
from musicgen.models import MODELS
from musicgen.models.base import crop, features_of
from musicgen.score import METERS, REST, Score
from train import device
from train.evaluation.evaluate import record
from train.loop import Item, batches, held_out, kept_state, train, whole_pieces
from train.recipes import BENCHMARK

BENCHMARK_DRAWS = 16  # times `musicgen.models.cnn.DRAWS`


def read(path: Path) -> dict[str, list[Item]]:
    return {split: [_item(frames) for frames in pieces] for split, pieces in json.loads(path.read_text()).items()}


def _item(frames: list[list[int]]) -> Item:
    """A piece; its last bar may be a part of one, so it is filled up for the score and cut off again."""
    cells = np.pad(np.array(frames), ((0, -len(frames) % METERS["4/4"].steps), (0, 0)), constant_values=REST)
    return crop(features_of(Score(cells), end_known=False), 0, len(frames))


def main():
    parser = argparse.ArgumentParser(prog="python -m train.benchmark", description=__doc__)
    parser.add_argument("--jsb16", type=Path, required=True, metavar="FILE")
    parser.add_argument("--model", choices=sorted(BENCHMARK), required=True)
    parser.add_argument("--minutes", type=float, default=60, help="of one core or a GPU, at most")
    parser.add_argument("--steps", type=float, default=math.inf, help="of training, at most")
    parser.add_argument("--device", choices=device.CHOICES, default="auto")
    parser.add_argument("--random-seed", type=int, default=0)
    parser.add_argument("--resume", action="store_true", help="continue where the last run of this model was")
    parser.add_argument("--record", action="store_true", help="write the figure into the model's metrics.json")
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.random_seed)
    recipe = replace(BENCHMARK[args.model], minutes=args.minutes, steps=args.steps)
    model_class, rng, where = MODELS[args.model], np.random.default_rng(args.random_seed), device.choose(args.device)
    model = model_class(model_class.Config(**recipe.config)).to(where)
    splits = read(args.jsb16)
    valid = whole_pieces(splits["valid"])
    result = train(
        model, batches(splits["train"], recipe, rng), lambda m: held_out(m, valid), recipe, rng,
        resume=kept_state(f"{args.model}-jsb16", args.resume), label=args.model,
    )  # fmt: skip
    model.load_state_dict(result.weights)
    times = BENCHMARK_DRAWS if model.likelihood == "orderless" else 1
    figures = {s: held_out(model, whole_pieces(p * times)) for s, p in splits.items() if s in ("valid", "test")}
    report = {
        "model": args.model,
        "nats_a_cell": {split: round(figure, 4) for split, figure in figures.items()},
        "minutes": round(result.minutes, 1),
        "steps": result.steps,
        "device": device.described(where),
        "parameters": checkpoint.parameters(model),
        "command": f"python -m train.benchmark --jsb16 FILE --model {args.model} --minutes {args.minutes:g}"
        + f" --steps {args.steps:g}" * math.isfinite(args.steps)
        + f" --random-seed {args.random_seed}" * bool(args.random_seed),
    }
    print(json.dumps(report))
    if args.record:
        record(args.model, {"jsb16": report})
    return 0


if __name__ == "__main__":
    sys.exit(main())
