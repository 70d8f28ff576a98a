"""The only training loop."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn.utils import clip_grad_norm_
from torch.optim import AdamW
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from musicgen.models.base import FIRST_PITCH, STYLE_NAMES, Batch, MusicModel, collate, crop, to_cells
from musicgen.score import voice_ranges
from train.data import CACHE
from train.recipes import Recipe

CHECKS = 20  # times the held-out loss is measured in a run
FARTHEST = 6  # semitones a piece is transposed at most


@dataclass
class Result:
    weights: dict[str, torch.Tensor]  # of the best model on the held-out pieces
    valid: float  # its loss there
    minutes: float  # of one core, all in all
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
        total[0] += model.loss(batch)["loss"].item() * cells
        total[1] += cells
    return sum(loss / cells for loss, cells in sums.values()) / len(sums)


def precision():
    """bf16 autocast where the processor has tiles for it (AMX), else nothing: without, it is slower than fp32."""
    fast = torch.cpu._is_amx_tile_supported()
    return torch.autocast("cpu", torch.bfloat16) if fast else nullcontext()


def rate_at(step: int, progress: float, recipe: Recipe, player: str) -> float:
    peak = recipe.rates.get(player, recipe.rate)
    return peak * min(1, (step + 1) / recipe.warmup) * 0.5 * (1 + math.cos(math.pi * min(1, progress)))


def train(
    model: MusicModel, data: Iterator[Batch], check: Callable[[MusicModel], float], recipe: Recipe, *,
    minutes: float, resume: Path | None = None, label: str = "",
) -> Result:  # fmt: skip
    """Train for `minutes` of one core's time and return the averaged weights that were best on `check`, or the last.

    The players of the model take turns, one step each. Ctrl-C ends the run and keeps the best so far. Where `resume`
    names a file, the run's state is kept there, and read from there if it exists.
    """
    players = model.players()
    optimizers = {
        name: AdamW(part.parameters(), weight_decay=recipe.decay, betas=(0.9, 0.98), fused=True)
        for name, part in players.items()
    }
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(recipe.average))
    best, used, step = Result({}, math.inf, 0.0, 0), 0.0, 0
    if resume and resume.exists():
        state = torch.load(resume, weights_only=True)
        model.load_state_dict(state["model"])
        average.load_state_dict(state["average"])
        for name, optimizer in optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
        best, used, step = Result(**state["best"]), state["seconds"], state["step"]
    total, began = minutes * 60, time.process_time() - used
    next_check = used + total / CHECKS / 4
    bar = tqdm(total=round(total), initial=round(used), unit="s", desc=label, mininterval=5)
    try:
        while used < total:
            model.train()
            batch = next(data)  # the same for all players
            for name, part in players.items():
                with precision():
                    parts = model.loss(batch, name)
                optimizers[name].param_groups[0]["lr"] = rate_at(step, used / total, recipe, name)
                optimizers[name].zero_grad()
                parts["loss"].backward()
                clip_grad_norm_(part.parameters(), recipe.clip)
                optimizers[name].step()
            average.update_parameters(model)
            step += 1
            used = time.process_time() - began
            if used >= min(next_check, total):
                next_check = used + total / CHECKS
                valid = check(average.module)
                if valid < best.valid or recipe.last:
                    weights = {k: v.detach().clone() for k, v in average.module.state_dict().items()}
                    best = Result(weights, valid, used / 60, step)
                if resume:
                    _save(resume, model, average, optimizers, best, used, step)
                tqdm.write(f"{label} {used / 60:5.1f} min, step {step}: held out {valid:.4f}, best {best.valid:.4f}")
            named = {k: f"{v.item():.3f}" for k, v in parts.items()}
            frames = int(step * batch.tokens.shape[0] * batch.tokens.shape[1] / max(used, 1e-9))
            bar.set_postfix(named | {"frames/s": frames}, refresh=False)
            bar.update(round(min(used, total)) - bar.n)
    except KeyboardInterrupt:
        tqdm.write(f"{label} stopped; the best so far is kept")
    bar.close()
    if not best.weights:
        best = Result(average.module.state_dict(), check(average.module), used / 60, step)
    return Result(best.weights, best.valid, used / 60, step)


def kept_state(run: str, resume: bool) -> Path:
    """Where the state of a run is kept; what an earlier one left there is dropped, unless it is to be resumed."""
    path = CACHE.parent / "training" / f"{run}.pt"
    if not resume:
        path.unlink(missing_ok=True)
    return path


def _save(path: Path, model, average, optimizers, best: Result, used: float, step: int):
    path.parent.mkdir(parents=True, exist_ok=True)
    state = {
        "model": model.state_dict(),
        "average": average.state_dict(),
        "optimizers": {name: o.state_dict() for name, o in optimizers.items()},
        "best": vars(best),
        "seconds": used,
        "step": step,
    }
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)
