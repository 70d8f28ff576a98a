"""All figures of the trained models, worked out by several processes."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from musicgen import checkpoint
from musicgen.models import MODELS, MusicModel
from musicgen.models.base import features_of
from musicgen.score import HOLD, STYLES, Score
from train import data
from train.evaluation import form, harmony, sampled
from train.evaluation.originality import Originality
from train.evaluation.particular import PARTICULAR
from train.evaluation.sampled import SampleTask, Yardstick, compose
from train.loop import held_out, whole_pieces

WORKERS = 2
SAMPLES = 100  # a model and style
CHUNK = 25  # of them side by side, and both workers end together
DIGITS = 4
Judge = Yardstick | form.Form | harmony.Harmony
Jobs = dict[tuple[str, str], list[Future]]  # of each kind and style
HARMONISED = ("chorale",)  # styles whose chords are judged
OF_NO_WEIGHTS = ("jsb16", "speed")  # figures of the architecture, not of the shipped weights


class Evaluation:
    """What is the same for all models, measured once."""

    def __init__(self, split: str, samples: int, directory: Path):
        self.split, self.samples, self.directory = split, samples, directory
        self.pieces = data.load()
        index = Originality((p.name, p.score) for p in self.pieces if p.split == "train")
        self.yardsticks = {style: Yardstick(self.pieces, style, split, index) for style in STYLES}
        self.forms = {style: form.Form(self.pieces, style, split) for style in STYLES}
        self.harmonies = {style: harmony.Harmony(self.pieces, style, split) for style in STYLES if style in HARMONISED}
        self.figures: dict[str, Any] = {
            "dataset_sha256": data.digest(self.pieces),
            "pieces": {style: {s: len(data.of(self.pieces, style, s)) for s in data.SPLITS} for style in STYLES},
            f"markov_nll_{split}": {style: markov_nll(self.pieces, style, split) for style in STYLES},
        }

    def begin(self, name: str, pool: Executor) -> Jobs:
        """Hand over to the pool all of a model's work that takes long."""

        def composing(tasks: list[SampleTask], bars: int | None) -> list[Future]:
            chunks = [tasks[i : i + CHUNK] for i in range(0, len(tasks), CHUNK)]
            return [pool.submit(compose, name, self.directory, chunk, bars) for chunk in chunks]

        jobs = {("static", ""): [pool.submit(static_figures, name, self.directory, self.pieces, self.split)]}
        for style in checkpoint.styles(name, self.directory):
            jobs["samples", style] = composing(self.yardsticks[style].tasks(self.samples), sampled.PIECE_BARS)
            jobs["form", style] = composing(self.forms[style].tasks(self.samples), form.FORM_BARS)
            if style in self.harmonies:
                jobs["harmony", style] = composing(self.harmonies[style].tasks(self.samples), None)
        return jobs

    def finish(self, name: str, jobs: Jobs) -> dict:
        """A model's figures."""
        found = jobs["static", ""][0].result()
        about, nll = checkpoint.config(name, self.directory), f"nll_{self.split}"
        styles = checkpoint.styles(name, self.directory)
        if MODELS[name].likelihood == "exact":
            markov = self.figures[f"markov_{nll}"]
            found[f"{nll}_to_markov"] = {style: value / markov[style] for style, value in found[nll].items()}

        def judged(kind: str, judges: Mapping[str, Judge]) -> dict:
            made = {style: chain(*(job.result() for job in jobs[kind, style])) for style in styles if style in judges}
            return {f"{kind}_{self.split}": {style: judges[style].judge(list(made[style])) for style in made}}

        found |= self.figures | {
            "weights_sha256": about["weights_sha256"],
            "training_minutes": about["training"]["minutes"],
        }
        found |= judged("samples", self.yardsticks) | judged("form", self.forms)
        return rounded(found | judged("harmony", self.harmonies))


def static_figures(name: str, directory: Path, pieces: list[data.Piece], split: str) -> dict:
    """What is measured of a model without composing: its size, its held-out nats a cell, what it alone has.

    Args:
        name: of the architecture.
        directory: where the checkpoints are.
        pieces: of all splits.
        split: which of them are held out.
    """
    model = checkpoint.load(name, directory)
    found: dict[str, Any] = {"parameters": checkpoint.parameters(model)}
    torch.manual_seed(0)  # some losses are means over random orders
    if model.likelihood != "none":
        found[f"nll_{split}"] = {style: nll(model, pieces, style, split) for style in model.styles}
    if name in PARTICULAR:
        found[f"particular_{split}"] = PARTICULAR[name](model, pieces, split, directory)
    return found


def nll(model: MusicModel, pieces: list[data.Piece], style: str, split: str) -> float:
    """Nats a cell of a `model` on those `pieces` that have the `style` and `split`, the piece's end known.

    The voices are in the usual order.
    """
    return held_out(model, whole_pieces([features_of(p.score) for p in data.of(pieces, style, split)]))


def markov_nll(pieces: list[data.Piece], style: str, split: str) -> float:
    """The yardstick: each voice a first-order Markov chain, counted on train and smoothed by add-0.1.

    Its state is the pitch that sounds and whether it began just now, so that a held note is not forgotten.
    """
    voices, loss, cells = len(STYLES[style].ranges), 0.0, 0
    for voice in range(voices):
        pairs, singles, vocabulary = Counter(), Counter(), set()
        for piece in data.of(pieces, style, "train"):
            steps = after_states(piece.score, voice)
            pairs.update(steps)
            singles.update(state for state, _ in steps)
            vocabulary.update(cell for _, cell in steps)
        for piece in data.of(pieces, style, split):
            for before, cell in after_states(piece.score, voice):
                loss -= np.log((pairs[before, cell] + 0.1) / (singles[before] + 0.1 * len(vocabulary)))
                cells += 1
    return loss / cells


def after_states(score: Score, voice: int) -> list[tuple[tuple[int, bool] | None, int]]:
    """Every cell of a voice after the state of the chain that it follows; before the first one there is none."""
    cells = score.cells[:, voice]
    states = zip(score.sounding()[:, voice].tolist(), (cells == HOLD).tolist())
    return list(zip([None, *states], cells.tolist()))


def rounded(value: Any) -> Any:
    """Figures, however deep in dicts and lists, to as many digits as are worth keeping."""
    if isinstance(value, dict):
        return {key: rounded(v) for key, v in value.items()}
    if isinstance(value, list):
        return [rounded(v) for v in value]
    return round(value, DIGITS) if isinstance(value, float) else value


def record(name: str, figures: dict, directory: Path = checkpoint.DIRECTORY):
    """Add figures to a model's metrics.json, over those of the same names; those of other weights are dropped."""
    known = checkpoint.metrics(name, directory)
    if figures.get("weights_sha256", known.get("weights_sha256")) != known.get("weights_sha256"):
        known = {key: value for key, value in known.items() if key in OF_NO_WEIGHTS}
    (directory / name).mkdir(exist_ok=True)
    (directory / name / "metrics.json").write_text(json.dumps(known | figures, indent=2) + "\n")


def measured(names: list[str], evaluation: Evaluation) -> Iterator[tuple[str, dict]]:
    """The models and their figures, worked out by several processes."""
    with ProcessPoolExecutor(WORKERS, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        jobs = {name: evaluation.begin(name, pool) for name in names}
        futures = [future for job in jobs.values() for future in chain(*job.values())]
        with tqdm(total=len(futures), desc="composing", unit="job") as bar:
            for future in futures:
                future.add_done_callback(lambda _: bar.update())
            try:
                for name in names:
                    yield name, evaluation.finish(name, jobs[name])
            finally:
                pool.shutdown(cancel_futures=True)
