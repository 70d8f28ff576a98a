"""Measure the trained models and write what was measured where it is shown from.

    python -m train.evaluate gru
    python -m train.evaluate all [--test]

Writes `checkpoints/<name>/metrics.json` (figures, command, hashes of data and weights) and the table in README.md.
"""

import argparse
import json
import sys
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from musicgen import checkpoint
from musicgen.models import DEFAULTS, MODELS, MusicModel
from musicgen.models.base import features_of
from musicgen.score import STYLES, Canvas
from train import data
from train.loop import held_out, whole_pieces

README = Path(__file__).parents[1] / "README.md"
MARKS = "<!-- models -->", "<!-- /models -->"
TIMED_BARS = 8


def evaluate(name: str, pieces: list[data.Piece], split: str) -> dict:
    """The figures of one model on one split."""
    model, about = checkpoint.load(name), checkpoint.config(name)
    return {
        "command": f"python -m train.evaluate {name}" + (" --test" if split == "test" else ""),
        "parameters": checkpoint.parameters(model),
        "weights_sha256": about["weights_sha256"],
        "dataset_sha256": data.digest(pieces),
        "training_minutes": about["training"]["minutes"],
        f"nll_{split}": {style: round(nll(model, pieces, style, split), 4) for style in STYLES},
        f"markov_nll_{split}": {style: round(markov_nll(pieces, style, split), 4) for style in STYLES},
        "ms_per_bar": round(ms_per_bar(model), 1),
    }


def nll(model: MusicModel, pieces: list[data.Piece], style: str, split: str) -> float:
    """Nats a cell on the pieces of a style and split, voices in the usual order, the piece's end known."""
    return held_out(model, whole_pieces([features_of(p.score) for p in _of(pieces, style, split)]))


def markov_nll(pieces: list[data.Piece], style: str, split: str) -> float:
    """The yardstick: each voice a first-order Markov chain over cells, counted on train and smoothed by add-0.1."""
    voices, loss, cells = len(STYLES[style].ranges), 0.0, 0
    for voice in range(voices):
        pairs, singles, vocabulary = Counter(), Counter(), set()
        for piece in _of(pieces, style, "train"):
            line = [None, *piece.score.cells[:, voice].tolist()]
            pairs.update(pairwise(line))
            singles.update(line[:-1])
            vocabulary.update(line[1:])
        for piece in _of(pieces, style, split):
            line = [None, *piece.score.cells[:, voice].tolist()]
            for before, cell in pairwise(line):
                loss -= np.log((pairs[before, cell] + 0.1) / (singles[before] + 0.1 * len(vocabulary)))
                cells += 1
    return loss / cells


def ms_per_bar(model: MusicModel, rounds: int = 3) -> float:
    """Median processor time a bar in milliseconds when composing from nothing, which takes one core."""
    times = []
    for seed in range(rounds):
        began = time.process_time()
        model.compose(Canvas.blank(TIMED_BARS), temperature=DEFAULTS.temperature, top_p=DEFAULTS.top_p, seed=seed)
        times.append((time.process_time() - began) * 1000 / TIMED_BARS)
    return float(np.median(times))


def _of(pieces: list[data.Piece], style: str, split: str) -> list[data.Piece]:
    return [p for p in pieces if p.score.style == style and p.split == split]


def table(names: list[str]) -> str:
    """The README's table, from the metrics files alone."""
    lines = [
        "| model | parameters | chorales, nats a cell | dances, nats a cell | JSB 16th, nats | ms a bar | minutes |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name in names:
        m = checkpoint.metrics(name)
        jsb = m.get("jsb16", {}).get("nats_a_cell", {}).get("valid")
        lines.append(
            f"| {MODELS[name].title} | {m['parameters'] / 1e6:.2f} M | {m['nll_valid']['chorale']:.3f} | "
            f"{m['nll_valid']['dance']:.3f} | {'-' if jsb is None else f'{jsb:.3f}'} | {m['ms_per_bar']:.0f} | "
            f"{m['training_minutes']:.0f} |"
        )
    first = checkpoint.metrics(names[0])["markov_nll_valid"]
    lines.append(f"| *Markov chain a voice* | | {first['chorale']:.3f} | {first['dance']:.3f} | | | |")
    return "\n".join(lines)


def write_table(readme: Path = README):
    names = [n for n in checkpoint.available() if checkpoint.metrics(n)]
    before, _, rest = readme.read_text().partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    readme.write_text(f"{before}{MARKS[0]}\n{table(names)}\n{MARKS[1]}{after}")


def record(name: str, figures: dict):
    """Add figures to a model's metrics.json, over those of the same names."""
    path = checkpoint.DIRECTORY / name / "metrics.json"
    path.write_text(json.dumps(checkpoint.metrics(name) | figures, indent=2) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m train.evaluate", description=__doc__)
    parser.add_argument("model", choices=[*MODELS, "all"])
    parser.add_argument("--test", action="store_true", help="measure on the test split, which nothing is chosen by")
    args = parser.parse_args()
    torch.set_num_threads(1)
    pieces = data.load()
    names = checkpoint.available() if args.model == "all" else [args.model]
    for name in tqdm(names, unit="model"):
        record(name, evaluate(name, pieces, "test" if args.test else "valid"))
    write_table()
    return 0


if __name__ == "__main__":
    sys.exit(main())
