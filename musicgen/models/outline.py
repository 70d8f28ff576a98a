"""What a VAE makes up before it writes a window: what is given there, and the outline drawn accordingly."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from musicgen.models.base import STYLE_NAMES, Batch
from musicgen.models.draw import normals
from musicgen.models.engine import PartExample, runner
from musicgen.models.frames import History
from musicgen.models.latent import Grid
from musicgen.models.step import State
from musicgen.models.task import Moment, Task, blank_task, nothing_fixed

CALM = 0.7  # of the temperature is that of the latents


class Outline(nn.Module):
    """What composing knows at a window's begin -> a latent drawn from the prior, as a plan of the window's steps."""

    style: Tensor

    def __init__(self, model: Any, style: str):
        super().__init__()
        self.model = model
        self.register_buffer("style", torch.tensor([STYLE_NAMES.index(style)]), persistent=False)

    def forward(
        self, noise: Tensor, temperature: Tensor, level: Tensor, given: Tensor, memory: Tensor, steps: Tensor,
        meter: Tensor, position: Tensor, to_end: Tensor, *past: Tensor,
    ) -> Tensor:  # fmt: skip
        """Plans, see `VAE.plan`.

        Args:
            noise: (B, Z) standard normal numbers.
            temperature: () times the noise of the latent.
            level: (B,) of the noise that the latent is trusted with.
            given: (B, G) what the fixed cells of the window say.
            memory: (B, C) what the backbone carries.
            steps: (T,) 0, 1 ... of the plan.
            meter: (B,)
            position: (B, 1) of the first step in its bar.
            to_end: (B, 1) how far the end is from there, see `ending`.
            past: the history before it, packed.
        """
        history = History.by(past).each(lambda x: x[:, None])
        first = Batch(history.pitch, self.style, meter, position, to_end, torch.ones_like(to_end), level)
        features = self.model.sum_up(history, first)[:, 0]
        prior = self.model.expect(features, memory, given).noisy(level)
        z = prior.draw(noise, temperature)  # (B, Z)
        return self.model.plan(z[:, None], level[:, None], meter, Grid.of_one(meter, steps))


@torch.inference_mode()
def outlined(model: Any, task: Task, steps: range, moment: Moment, given: Tensor, levels: Tensor) -> State:
    """The state with a plan of some steps, by a latent drawn from the prior.

    Args:
        model: the VAE.
        task: the B pieces.
        steps: those of a window.
        moment: before the first of them.
        given: (B, G) what the cells that are fixed in the window say.
        levels: (B,) of the noise in the latents; where all is noise, none is drawn.
    """
    run = runner(model, f"{task.style} outline", lambda: Outline(model, task.style))
    return State(moment.state.carried, timed=tuple(run(_inputs(model, task, steps, moment, given, levels))))


def _inputs(model: Any, task: Task, steps: range, moment: Moment, given: Tensor, levels: Tensor) -> list[Tensor]:
    """The tensors that `Outline` takes; the arguments are those of `outlined`."""
    batch, at = task.batch, slice(steps.start, steps.start + 1)
    noise, drawn = torch.zeros(len(levels), model.config.latent), levels < 1
    noise[drawn] = normals((int(drawn.sum()), model.config.latent), task.rng)
    memory, temperature = moment.state.carried[0][:, -1], torch.tensor(CALM * task.sampling.temperature)
    where = [torch.arange(len(steps)), batch.meter, batch.position[:, at], batch.to_end[:, at]]
    return [noise, temperature, levels, given, memory, *where, *moment.past]


@torch.inference_mode()
def outline_example(model: Any, style: str) -> PartExample:
    """By which a graph is made: pieces and steps of two numbers."""
    inputs = []
    for pieces in (2, 3):
        task = blank_task(pieces, pieces, style)
        batch = task.batch
        moment = Moment.first(batch, State(model.backbone.empty(batch.tokens)))
        given = torch.zeros(pieces, 4 * model.config.glimpse)
        inputs.append(_inputs(model, task, range(8 * pieces), moment, given, torch.zeros(pieces)))
    return Outline(model, style), inputs


def given_cells(model: Any, task: Task) -> Tensor:
    """What the fixed cells of each window and of the one after it say, (B, W, G)."""
    fixed = task.fixed.expand(len(task.batch.tokens), -1, -1)
    run = runner(model, "glimpse", lambda: model.glimpse)
    return with_next(*run(model.glimpse.inputs(task.batch, fixed, Grid.of(task.batch))))


def with_next(seen: Tensor) -> Tensor:
    """What the fixed cells of each window and of the one after it say, (B, W, G), by what those of each do."""
    return torch.cat([seen, F.pad(seen, (0, 0, 0, 1))[:, 1:]], -1)


def glimpse_example(model: Any) -> PartExample:
    """By which a graph is made: pieces, windows, steps of two numbers, and windows of two lengths."""
    inputs = []
    for pieces, meter in ((2, "4/4"), (3, "3/4")):
        batch = blank_task(pieces, 2 * pieces, meter=meter).batch
        inputs.append(model.glimpse.inputs(batch, nothing_fixed(batch), Grid.of(batch)))
    return model.glimpse, inputs
