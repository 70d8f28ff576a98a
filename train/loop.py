"""The only training loop."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_
from torch.optim import AdamW
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from musicgen.models.base import FIRST_PITCH, STYLE_NAMES, Batch, MusicModel, collate, crop, to_cells
from musicgen.score import voice_ranges
from train.data import CACHE
from train.device import device_of, precision, stopwatch
from train.recipes import Recipe

CHECKS = 20  # times the held-out loss is measured in a run, the first sooner than the others follow
FARTHEST = 6  # semitones a piece is transposed at most


@dataclass
class Result:
    weights: dict[str, torch.Tensor]  # of the best model on the held-out pieces
    valid: float  # its loss there
    minutes: float  # all in all: of processor time, or by the clock on a GPU
    steps: int


Item = dict[str, np.ndarray]  # a piece, see musicgen.models.base.features_of


def transposed(tokens: np.ndarray, semitones: int) -> np.ndarray:
    return np.where(tokens >= FIRST_PITCH, tokens + semitones, tokens)


def transpositions(item: Item) -> list[int]:
    """The shifts in semitones, at most `FARTHEST`, that leave every voice inside its range."""
    low, high = voice_ranges(STYLE_NAMES[item["style"]])
    cells = np.ma.masked_less(to_cells(item["tokens"]), 0)  # (T, 4) onsets only
    down, up = (low - cells.min(0)).max(), (high - cells.max(0)).min()
    return list(range(max(-FARTHEST, down), min(FARTHEST, up) + 1))


def batches(items: list[Item], recipe: Recipe, rng: np.random.Generator) -> Iterator[Batch]:
    """Endless batches of transposed crops; each batch of one style, long pieces more often than short ones.

    A style that has more music comes more often, see `Recipe.mix`.
    """
    groups = by_style(items)
    shifts = {id(item): transpositions(item) for item in items}
    steps = [np.array([len(item["tokens"]) for item in group], float) for group in groups]
    turns = np.array([s.sum() for s in steps]) ** recipe.mix
    while True:
        style = rng.choice(len(groups), p=turns / turns.sum())
        group = groups[style]
        chosen = rng.choice(len(group), recipe.batch, p=steps[style] / steps[style].sum())
        yield collate([_sample(group[i], shifts[id(group[i])], recipe.crop, rng) for i in chosen])


def by_style(items: list[Item]) -> list[list[Item]]:
    styles = sorted({int(item["style"]) for item in items})
    return [[item for item in items if item["style"] == style] for style in styles]


def _sample(item: Item, shifts: list[int], length: int, rng: np.random.Generator) -> Item:
    """A crop that begins or ends with the piece more often than elsewhere, since those places are rare."""
    steps = len(item["tokens"])
    start = int(np.clip(rng.integers(-length // 2, steps - length // 2), 0, max(0, steps - length)))
    cut = crop(item, start, length)
    return cut | {"tokens": transposed(cut["tokens"], int(rng.choice(shifts)))}


def whole_pieces(items: list[Item], size: int = 16) -> list[Batch]:
    """Every piece once, whole, those of one style and like length together."""
    found = []
    for group in by_style(items):
        group = sorted(group, key=lambda item: len(item["tokens"]))
        found += [collate(group[i : i + size]) for i in range(0, len(group), size)]
    return found


@torch.inference_mode()
def held_out(model: MusicModel, pieces: list[Batch]) -> float:
    """Mean loss a counted cell; with several styles the mean of their means."""
    model.eval()
    sums: dict[int, list[float]] = {}
    for batch in pieces:
        cells = batch.counted().sum().item()
        total = sums.setdefault(int(batch.style[0]), [0.0, 0.0])
        total[0] += model.loss(batch.to(device_of(model)))["loss"].item() * cells
        total[1] += cells
    return sum(loss / cells for loss, cells in sums.values()) / len(sums)


def rate_at(step: int, progress: float, recipe: Recipe, part: str) -> float:
    """The learning rate: a warm-up, then half a cosine down to 0.

    Args:
        step: from 0.
        progress: share of the run that is done, 0 to 1.
        recipe: peak rate and steps of the warm-up.
        part: the optimized part, which may have a rate of its own.
    """
    peak = recipe.rates.get(part, recipe.rate)
    return peak * min(1, (step + 1) / recipe.warmup) * 0.5 * (1 + math.cos(math.pi * min(1, progress)))


class Run:
    """What changes in a run of training, and is kept for one that goes on from it."""

    def __init__(self, model: MusicModel, recipe: Recipe, rng: np.random.Generator):
        self.model, self.recipe, self.rng = model, recipe, rng
        self.device = device_of(model)
        self.optimizers = {
            name: AdamW(part.parameters(), weight_decay=recipe.decay, betas=(0.9, 0.98), fused=True)
            for name, part in model.optimized_parts().items()
        }
        self.dropouts = [(m, m.p) for m in model.modules() if isinstance(m, nn.Dropout)]
        self.average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(recipe.average))
        self.best = Result({}, math.inf, 0.0, 0)
        self.step, self.seconds = 0, 0.0
        self.next_check = 1 / CHECKS / 4  # of `progress`

    @property
    def progress(self) -> float:
        """The larger share of the two budgets, steps and minutes, that is used up."""
        return max(self.step / self.recipe.steps, self.seconds / 60 / self.recipe.minutes)

    def learn(self, batch: Batch) -> dict[str, torch.Tensor]:
        """A step of every optimized part in turn, all from the same batch; the named losses of the last."""
        self.model.train()
        for module, share in self.dropouts:
            module.p = share * self.recipe.drop.get(STYLE_NAMES[int(batch.style[0])], 1)
        for name, part in self.model.optimized_parts().items():
            with precision(self.device):
                losses = self.model.loss(batch, name)
            optimizer = self.optimizers[name]
            optimizer.param_groups[0]["lr"] = rate_at(self.step, self.progress, self.recipe, name)
            optimizer.zero_grad()
            losses["loss"].backward()
            clip_grad_norm_(part.parameters(), self.recipe.clip)
            optimizer.step()
        self.average.update_parameters(self.model)
        self.step += 1
        return losses

    def judge(self, valid: float):
        """Keep the averaged weights if they are the best so far, or just the last where the recipe says so."""
        self.next_check = self.progress + 1 / CHECKS
        if valid < self.best.valid or self.recipe.last:
            self.keep(valid)

    def keep(self, valid: float):
        weights = {k: v.detach().cpu().clone() for k, v in self.average.module.state_dict().items()}
        self.best = Result(weights, valid, self.seconds / 60, self.step)

    def save(self, path: Path):
        path.parent.mkdir(parents=True, exist_ok=True)
        state = {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizers": {name: o.state_dict() for name, o in self.optimizers.items()},
            "best": vars(self.best),
            "step": self.step,
            "seconds": self.seconds,
            "next_check": self.next_check,
            "batches": self.rng.bit_generator.state,
            "random": torch.get_rng_state(),
            "random_cuda": torch.cuda.get_rng_state(self.device) if self.device.type == "cuda" else None,
        }
        partial = path.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(path)

    def load(self, path: Path):
        state = torch.load(path, weights_only=True, map_location="cpu")
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        for name, optimizer in self.optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
        self.best = Result(**state["best"])
        self.step, self.seconds, self.next_check = (state[key] for key in ("step", "seconds", "next_check"))
        self.rng.bit_generator.state = state["batches"]
        torch.set_rng_state(state["random"])
        if self.device.type == "cuda" and state["random_cuda"] is not None:
            torch.cuda.set_rng_state(state["random_cuda"], self.device)


def train(
    model: MusicModel, data: Iterator[Batch], check: Callable[[MusicModel], float], recipe: Recipe,
    rng: np.random.Generator, *, resume: Path | None = None, label: str = "",
) -> Result:  # fmt: skip
    """Train on the model's device until the recipe's steps or minutes are used up, whichever is first.

    Returned are the averaged weights that were best on `check`, or the last. Ctrl-C ends the run and keeps the best so
    far.

    Args:
        model: its weights change.
        data: batches without end.
        check: nats a cell of a model on held-out music.
        recipe: how it is trained.
        rng: the generator that `data` is drawn with.
        resume: a file in which the run's state is kept, and from which it is read if it exists: a run that was broken
            off ends as if it had not been.
        label: what the progress bar is called.
    """
    run = Run(model, recipe, rng)
    if resume and resume.exists():
        run.load(resume)
    clock = stopwatch(run.device, run.seconds)
    bar = tqdm(total=100, initial=int(100 * run.progress), unit="%", desc=label, mininterval=5)
    try:
        while run.progress < 1:
            batch = next(data).to(run.device)
            losses = run.learn(batch)
            run.seconds = clock()
            if run.progress >= min(run.next_check, 1):
                valid = check(cast(MusicModel, run.average.module))
                run.judge(valid)
                if resume:
                    run.save(resume)
                said = f"{run.seconds / 60:5.1f} min, step {run.step}: held out {valid:.4f}, best {run.best.valid:.4f}"
                tqdm.write(f"{label} {said}")
            if (percent := int(100 * min(1, run.progress))) > bar.n:
                named = {k: f"{v.item():.3f}" for k, v in losses.items()}
                bar.set_postfix(named | {"steps/s": f"{run.step / max(run.seconds, 1e-9):.1f}"}, refresh=False)
                bar.update(percent - bar.n)
    except KeyboardInterrupt:
        tqdm.write(f"{label} stopped; the best so far is kept")
    bar.close()
    if not run.best.weights:
        run.keep(check(cast(MusicModel, run.average.module)))
    return Result(run.best.weights, run.best.valid, run.seconds / 60, run.step)


def kept_state(run: str, resume: bool) -> Path:
    """Where the state of a run is kept; what an earlier one left there is dropped, unless it is to be resumed."""
    path = CACHE.parent / "training" / f"{run}.pt"
    if not resume:
        path.unlink(missing_ok=True)
    return path
