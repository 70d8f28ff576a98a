"""Frames that are given are read in one pass: what they leave behind, and in which rhythm they ask to go on."""

from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from musicgen.models.base import HOLD_TOKEN, STYLE_NAMES, Batch
from musicgen.models.draw import ILLEGAL, parted
from musicgen.models.engine import PartExample, runner
from musicgen.models.frames import History, histories
from musicgen.models.head import STANDARD_RANK
from musicgen.models.step import HISTORY_TENSORS, State
from musicgen.models.task import Moment, Task, blank_task, nothing_fixed, slice_steps
from musicgen.score import STYLES

HOLD_SHIFTS = torch.linspace(-2, 2, 41)  # what a seed may add to the log-odds of a hold


class Opening(NamedTuple):
    """Frames that are given whole, of B pieces of one style and meter."""

    batch: Batch  # (B, T)
    history: History  # before each of the frames and after the last, (B, T + 1)

    @classmethod
    def of(cls, task: Task) -> "Opening":
        """Those that a task begins with."""
        batch = slice_steps(task.batch, 0, task.given)
        return cls(batch, histories(batch.tokens, batch.meter))

    @property
    def steps(self) -> int:
        return self.batch.tokens.shape[1]

    @property
    def past(self) -> list[Tensor]:
        """The history after it, see `History.packed`."""
        return self.history.each(lambda x: x[:, -1]).packed()

    def between(self, start: int, stop: int) -> "Opening":
        return Opening(
            slice_steps(self.batch, start, stop - start), self.history.each(lambda x: x[:, start : stop + 1])
        )

    def inputs(self, state: State) -> list[Tensor]:
        """The tensors that `Reading` takes."""
        batch, past = self.batch, self.history.each(lambda x: x[:, :-1]).packed()
        return [batch.tokens, batch.meter, batch.position, batch.to_end, *past, *state.packed(self.steps)]


class Reading(nn.Module):
    """The tensors of `Opening.inputs` -> how well each of `HOLD_SHIFTS` would do, and what is carried then.

    That is -ln p of the holds, and of where none stands, were the shift added to the log-odds of a hold, (shifts, B).

    Args:
        model: the forward model that reads, a `FrameByFrame`, whose module imports this one.
        style: of the pieces, a name in `STYLES`.
        state: any state of this model, which says how many tensors are carried, context and timed.
    """

    style: Tensor

    def __init__(self, model: Any, style: str, state: State):
        super().__init__()
        self.model = model
        index = torch.tensor([STYLE_NAMES.index(style)], device=state.carried[0].device)
        self.register_buffer("style", index, persistent=False)
        self.counts = state.counts

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        tokens, meter, position, to_end, *more = tensors
        history, state = History.by(more[:HISTORY_TENSORS]), State.by(more[HISTORY_TENSORS:], self.counts)
        ones = torch.ones_like(to_end)
        batch = Batch(tokens, self.style, meter, position, to_end, weight=ones, hold_shift=0.0 * ones[:, 0])
        hidden, state = self.model.hidden(history, batch, state)
        logits = self.model.voice_logits(hidden, history, batch, STANDARD_RANK)
        odds, held, could = holds(logits, batch)
        shift = HOLD_SHIFTS[:, None, None, None]
        miss = F.softplus((1 - 2 * held) * (odds + shift)) * could  # -ln p, (shifts, B, T, n)
        return miss.sum((2, 3)), *state.carried


@torch.inference_mode()
def read(model: Any, opening: Opening, state: State) -> tuple[Tensor, State]:
    """How well each of `HOLD_SHIFTS` would do, (shifts, B), and the state after the frames."""
    style = STYLE_NAMES[int(opening.batch.style[0])]
    run = runner(model, f"{style} reading", lambda: Reading(model, style, state))
    misses, *carried = run(opening.inputs(state))
    after = replace(state, carried=tuple(carried))
    return misses, after.cut(model.backbone.memory, steps=opening.steps)


@torch.inference_mode()
def begin(model: Any, task: Task) -> tuple[Task, Moment]:
    """The task in the rhythm of its opening, and the moment after what is given whole."""
    batch = task.batch
    state = model.first_state(batch, task.fixed.expand(len(batch.tokens), -1, -1))
    if not task.given:
        return task, Moment.first(batch, state)
    opening = Opening.of(task)
    misses, after = read(model, opening, state)
    if model.looks_ahead:
        misses, _ = read(model, opening, model.first_state(opening.batch, nothing_fixed(opening.batch)))
    return in_rhythm(task, misses), Moment(opening.steps, opening.past, after)


def in_rhythm(task: Task, misses: Tensor) -> Task:
    """The task with how much surer of a hold its opening asks the model to be, if it is to be followed.

    Dynamic evaluation (Krause et al. 2018, arXiv 1709.07432) of one number a piece, believed to be 0 give or take the
    style's spread. Without it a slow seed is soon hurried and a lively one slowed: what a model has just written tells
    it more than what was given before.

    Args:
        task: B pieces.
        misses: (shifts, B) see `Reading`, by a model that knows of nothing given later.
    """
    if not task.sampling.follow_seed:
        return task
    belief = 0.5 * (HOLD_SHIFTS[:, None] / STYLES[task.style].hold_shift_spread) ** 2
    return replace(task, batch=replace(task.batch, hold_shift=HOLD_SHIFTS[(misses + belief).argmin(0)]))


def holds(logits: Tensor, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    """By logits (B, T, n, V) the log-odds of a hold; 1 where one stands, else 0; and whether one could: (B, T, n)."""
    odds = parted(logits, HOLD_TOKEN)[0]
    held = batch.tokens[..., : logits.shape[2]] == HOLD_TOKEN
    return odds, held.float(), (odds > ILLEGAL / 2) & (batch.counted() > 0)


@torch.inference_mode()
def reading_example(model: Any, style: str) -> PartExample:
    """By which a graph is made: pieces and bars of two numbers, after states in which steps are carried already."""
    examples = []
    for pieces, bars in ((2, 2), (3, 3)):
        task = blank_task(pieces, bars, style)
        state = model.first_state(task.batch, task.fixed.expand(pieces, -1, -1))
        opening = Opening(task.batch, histories(task.batch.tokens, task.batch.meter))
        examples.append(opening.inputs(state.longer(10 * bars)))
    return Reading(model, style, state), examples
