"""Measure the trained models and write what was measured where it is shown from.

    python -m train.evaluation gru
    python -m train.evaluation all [--test]

Writes `checkpoints/<name>/metrics.json` (figures, command, hashes of data and weights) and all that shows what stands
there: the models' cards, the README's table and its picture of all models.
"""

import argparse
import sys
from pathlib import Path

import torch

from musicgen import checkpoint
from musicgen.models import MODELS
from train.evaluation.evaluate import SAMPLES, Evaluation, measured, record
from train.report import cards, tables
from train.report.show import show


def main(
    arguments: list[str] | None = None, directory: Path = checkpoint.DIRECTORY, readme: Path = tables.README
) -> int:
    parser = argparse.ArgumentParser(prog="python -m train.evaluation", description=__doc__)
    parser.add_argument("model", choices=[*MODELS, "all"])
    parser.add_argument("--test", action="store_true", help="measure on the test split, which nothing is chosen by")
    parser.add_argument("--samples", type=int, default=SAMPLES, help="a model and style; even, at least 4")
    args = parser.parse_args(arguments)
    if args.samples < 4 or args.samples % 2:
        parser.error("--samples must be even and at least 4")
    torch.set_num_threads(1)
    names = checkpoint.available(directory) if args.model == "all" else [args.model]
    options = " --test" * args.test + f" --samples {args.samples}" * (args.samples != SAMPLES)
    evaluation = Evaluation("test" if args.test else "valid", args.samples, directory)
    for name, figures in measured(names, evaluation):
        command = {f"command_{evaluation.split}": f"python -m train.evaluation {name}{options}"}
        record(name, command | figures, directory)
        cards.write_sample(name, directory)
    show(directory, readme)
    return 0


if __name__ == "__main__":
    sys.exit(main())
