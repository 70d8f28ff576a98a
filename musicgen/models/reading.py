"""Frames that are given are read in one pass: what they leave behind, and in which rhythm they ask to go on."""

from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from musicgen.models.base import DEFAULTS, STYLE_NAMES, Batch
from musicgen.models.engine import PartExample, runner
from musicgen.models.frames import History, histories
from musicgen.models.head import STANDARD_RANK
from musicgen.models.step import HISTORY_TENSORS, State
from musicgen.models.task import Moment, Task, nothing_fixed, slice_steps, task_of
from musicgen.score import Canvas


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
        timed = (x[:, : self.steps] for x in state.timed)
        return [batch.tokens, batch.meter, batch.position, batch.to_end, *past, *state.carried, *state.context, *timed]


class Reading(nn.Module):
    """The tensors of `Opening.inputs` -> what the seed adds to the log-odds of a hold, (B,), and what is carried then.

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
        self.counts = len(state.carried), len(state.context)

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        tokens, meter, position, to_end, *more = tensors
        history, more = History.by(more[:HISTORY_TENSORS]), tuple(more[HISTORY_TENSORS:])
        carried, context = self.counts
        state = State(more[:carried], more[carried : carried + context], more[carried + context :])
        ones = torch.ones_like(to_end)
        batch = Batch(tokens, self.style, meter, position, to_end, weight=ones, hold_shift=0.0 * ones[:, 0])
        hidden, state = self.model.hidden(history, batch, state)
        logits = self.model.voice_logits(hidden, history, batch, STANDARD_RANK)
        return self.model.fit_hold_shift(batch, logits), *state.carried


@torch.inference_mode()
def read(model: Any, opening: Opening, state: State) -> tuple[Tensor, State]:
    """What a seed adds to the log-odds of a hold, see `NextFrame.fit_hold_shift`, and the state after it."""
    style = STYLE_NAMES[int(opening.batch.style[0])]
    run = runner(model, f"{style} reading", lambda: Reading(model, style, state))
    hold_shift, *carried = run(opening.inputs(state))
    after = replace(state, carried=tuple(carried))
    return hold_shift, after.cut(model.backbone.memory, steps=opening.steps)


@torch.inference_mode()
def begin(model: Any, task: Task) -> tuple[Task, Moment]:
    """The task in the rhythm of its opening, and the moment after what is given whole."""
    batch = task.batch
    state = model.first_state(batch, task.fixed.expand(len(batch.tokens), -1, -1))
    if not task.given:
        return task, Moment(0, History.empty(batch.meter).packed(), state)
    opening = Opening.of(task)
    hold_shift, after = read(model, opening, state)
    if model.looks_ahead:
        hold_shift, _ = read(model, opening, model.first_state(opening.batch, nothing_fixed(opening.batch)))
    return in_rhythm(task, hold_shift), Moment(opening.steps, opening.past, after)


def in_rhythm(task: Task, hold_shift: Tensor) -> Task:
    """The task with how much surer of a hold its seed asks the model to be, if it is to follow it.

    A model that knows of what is given later has to tell (B,) as if it did not.
    """
    return replace(task, batch=replace(task.batch, hold_shift=hold_shift)) if task.sampling.follow_seed else task


@torch.inference_mode()
def reading_example(model: Any, style: str) -> PartExample:
    """By which a graph is made: pieces and bars of two numbers, after states in which steps are carried already."""
    examples = []
    for pieces, bars in ((2, 2), (3, 3)):
        task = task_of([Canvas.blank(bars, style)] * pieces, DEFAULTS, torch.Generator())
        state = model.first_state(task.batch, task.fixed.expand(pieces, -1, -1))
        carried = tuple(F.pad(x, (0, 0, 10 * bars, 0)) for x in state.carried)
        opening = Opening(task.batch, histories(task.batch.tokens, task.batch.meter))
        examples.append(opening.inputs(replace(state, carried=carried)))
    return Reading(model, style, state), examples
