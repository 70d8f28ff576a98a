"""What is asked of a model that moves forward in time, and where it stands: tasks and moments."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from musicgen.models.base import BAR_STEPS, DEFAULTS, STYLE_NAMES, Batch, collate, features_of
from musicgen.models.draw import Rng
from musicgen.models.frames import History
from musicgen.models.step import State
from musicgen.sampling import SamplingConfig
from musicgen.score import Canvas


@dataclass(frozen=True)
class Task:
    """B pieces of one style and meter to be composed side by side."""

    batch: Batch  # what the fixed cells hold stands in its tokens
    fixed: Tensor  # (T, 4) which cells of each piece are given
    sampling: SamplingConfig
    rng: Rng
    may_rest: bool = False  # whether all voices may rest for longer than the style's breath

    @property
    def end(self) -> int:
        return self.batch.tokens.shape[1]

    @property
    def style(self) -> str:
        return STYLE_NAMES[int(self.batch.style[0])]

    @property
    def bar(self) -> int:
        return int(BAR_STEPS[int(self.batch.meter[0])])

    @property
    def given(self) -> int:
        """Steps from the start on of which every cell is fixed."""
        return int(self._whole().cumprod(0).sum())

    @property
    def free_until(self) -> int:
        """Steps up to the last one of which some cell is free."""
        return self.end - int(self._whole().flip(0).cumprod(0).sum())

    def _whole(self) -> Tensor:
        """Whether every cell of a step is fixed, (T,)."""
        return self.fixed[:, : self.batch.voices()].all(1)

    def closing(self) -> "Task":
        """The same at the temperature of a close."""
        cooler = self.sampling.temperature * self.sampling.close_temperature
        return replace(self, sampling=replace(self.sampling, temperature=cooler))

    def with_candidates(self, candidates: int) -> "Task":
        """The same with each piece so many times, one after the other."""
        return self.rows(repeated(len(self.batch.tokens), candidates))

    def rows(self, rows: Tensor) -> "Task":
        """That of these pieces; a piece may come again."""
        return replace(self, batch=self.batch.pieces(rows))


@dataclass(frozen=True)
class Moment:
    """Where the composing of N pieces stands."""

    step: int  # the one that comes next
    past: list[Tensor]  # see `History.packed`
    state: State

    @classmethod
    def first(cls, batch: Batch, state: State) -> "Moment":
        """Before the first step."""
        return cls(0, History.empty(batch.meter).packed(), state)

    @property
    def history(self) -> History:
        return History.by(self.past)

    def rows(self, rows: Tensor) -> "Moment":
        return Moment(self.step, [x[rows] for x in self.past], self.state.rows(rows))


def task_of(canvases: list[Canvas], sampling: SamplingConfig, rng: Rng) -> Task:
    """Canvases that are alike but for their notes."""
    fixed = torch.from_numpy(canvases[0].fixed.copy())
    return Task(collate([features_of(c.score) for c in canvases]), fixed, sampling, rng)


def blank_task(pieces: int, bars: int, style: str = "chorale", meter: str = "4/4") -> Task:
    """Pieces in which nothing is fixed, for examples: so many `pieces` of so many `bars`, of a `style` and `meter`."""
    return task_of([Canvas.blank(bars, style, meter)] * pieces, DEFAULTS, torch.Generator())


def repeated(pieces: int, candidates: int) -> Tensor:
    """The number of each piece, so many times one after the other."""
    return torch.arange(pieces).repeat_interleave(candidates)


def slice_steps(batch: Batch, start: int, count: int = 1) -> Batch:
    return batch.timed(lambda x: x[:, start : start + count])


def nothing_fixed(batch: Batch) -> Tensor:
    """(B, T, 4)"""
    return torch.zeros_like(batch.tokens, dtype=torch.bool)
