"""How the models that move forward in time compose: step after step, in the rhythm of the seed, and to a close."""

import math
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

import torch
from torch import Tensor

from musicgen.models.base import (
    BEAT_STEPS,
    DEFAULTS,
    REST_TOKEN,
    Batch,
    MusicModel,
    to_cells,
)
from musicgen.models.draw import uniforms
from musicgen.models.engine import PartExample, disabled, fault, made, prepare, runner
from musicgen.models.frames import History
from musicgen.models.reading import begin, reading_example
from musicgen.models.step import HISTORY_TENSORS, Now, State, Step
from musicgen.models.task import Moment, Task, blank_task, repeated, task_of
from musicgen.sampling import SamplingConfig
from musicgen.score import METERS, STEPS_PER_QUARTER, STYLES, VOICES, Canvas, Patch, Score

FOR_EVER = 10**6  # steps
AHEAD, ROWS = 4, 16  # most steps that are composed at once, and most frames of all pieces together
# Of the examples by which a graph is made: pieces, candidates of each, steps taken before they branch and after that,
# and steps composed at once, before which ten times as many are carried besides.
EXAMPLE_SIZES = (2, 2, 3, 2, 2), (3, 3, 5, 3, 3)


class Stride(NamedTuple):
    """Some steps of N pieces, taken at once."""

    frames: Tensor  # (N, n, 4) tokens
    begun: Tensor  # (N, n, 2) log-probability of the pitches that begin, knowing that something does; their number
    moment: Moment  # after them


class FrameByFrame(MusicModel):
    """Writes frame after frame, of one piece or of several side by side."""

    # What is called of it in composing; a model that leaves the steps to another one has none of it.
    looks_ahead: bool
    first_state: Callable[[Batch, Tensor], State]
    backbone: Any  # see `NextFrame`
    hidden: Callable[[History, Batch, State], tuple[Tensor, State]]
    voice_logits: Callable[[Tensor, History, Batch, Tensor], Tensor]

    def frames(self, task: Task) -> Iterator[Tensor]:
        """The frames (B, 4), step by step; nobody asks for those after the last free cell."""
        raise NotImplementedError

    def _written(self, task: Task) -> Iterator[Tensor]:
        stop = task.free_until
        yield from islice(self.frames(task), stop)
        yield from task.batch.tokens[:, stop:].unbind(1)

    def accelerate(self) -> bool:
        model = self.forward_model()
        return min([prepare(model, name, example) for name, example in self.parts()])

    def parts(self) -> Iterator[tuple[str, Callable[[], PartExample]]]:
        """What composing repeats, so that graphs are made of it: names, and what makes an example of each."""
        model = self.forward_model()
        for style in self.styles:
            yield f"{style} reading", partial(reading_example, model, style)
            for given in range(min(2, len(STYLES[style].ranges))):  # a soprano to harmonise
                yield f"{style} step, {given} given", partial(step_example, model, style, given)

    def engine(self) -> str:
        model = self.forward_model()
        running, wrong = "ONNX Runtime" if made(model) else "PyTorch", fault(model)
        return f"{running} ({wrong})" if wrong else running

    def forward_model(self) -> "FrameByFrame":
        """The model that takes the steps."""
        return self

    def fan_out(self, state: State, candidates: int) -> State:
        """The state with every piece so many times, one after the other."""
        return state.rows(repeated(len(state.carried[0]), candidates))

    def stream(self, canvas: Canvas, sampling: SamplingConfig = DEFAULTS, *, random_seed: int = 0) -> Iterator[Patch]:
        """A patch a beat; see `temperature_note`. 0 takes the likeliest."""
        task = task_of([canvas], sampling, torch.Generator().manual_seed(random_seed))
        yield from patches(self._written(task), METERS[canvas.score.meter].beat)

    def compose_all(
        self, canvases: list[Canvas], sampling: SamplingConfig = DEFAULTS, *, random_seeds: list[int]
    ) -> list[Score]:
        """As `MusicModel` does, canvases that are alike but for their notes side by side."""
        alike, scores = defaultdict(list), {}
        for i, c in enumerate(canvases):
            alike[c.score.style, c.score.meter, c.fixed.shape, c.fixed.tobytes()].append(i)
        for group in alike.values():
            rng = [torch.Generator().manual_seed(random_seeds[i]) for i in group]
            frames = self._written(task_of([canvases[i] for i in group], sampling, rng))
            tokens = torch.stack(list(frames), 1)  # (B, T, 4)
            scores |= {i: canvases[i].score.replace(cells=to_cells(t.numpy())) for i, t in zip(group, tokens)}
        return [scores[i] for i in range(len(canvases))]


def compose_frames(model: FrameByFrame, task: Task) -> Iterator[Tensor]:
    """The frames (B, 4) of a model that knows its state from the first step on."""
    yield from task.batch.tokens[:, : task.given].unbind(1)  # the seed, at once
    task, moment = begin(model, task)
    yield from compose_until(model, task, moment, task.end)


def compose_until(model: FrameByFrame, task: Task, moment: Moment, stop: int) -> Generator[Tensor, None, Moment]:
    """The frames of a `walk` up to the step `stop`; returns the moment after them.

    Those that lie in the pieces' close are composed several times. Of each piece those candidates are left that end on
    the chord on which most of them end, and of these the likeliest is kept. The arguments are those of `walk`.
    """
    pieces, sampling = len(task.batch.tokens), task.sampling
    close = task.end - int(sampling.close_bars * task.bar)
    close = min(max(close, moment.step), stop)
    for stride in walk(model, task, moment, close):
        moment = stride.moment
        yield from stride.frames.unbind(1)
    if close == stop:
        return moment
    free = 0 if sampling.temperature == 0 else int((~task.fixed[close:stop, : task.batch.voices()]).any(0).sum())
    candidates = max(1, sampling.candidates * free // len(VOICES))
    moment = branched(model, moment, candidates)
    strides = list(walk(model, task.closing().with_candidates(candidates), moment, stop))
    last = strides[-1].moment
    likelihood = likelihood_of(torch.cat([stride.begun for stride in strides], 1).sum(1), pieces)
    best = best_of(likelihood.masked_fill(~ends_as_most(last.history, pieces), -math.inf))
    for stride in strides:
        yield from stride.frames[best].unbind(1)
    return last.rows(best)


def walk(model: FrameByFrame, task: Task, moment: Moment, stop: int, ahead: int = AHEAD) -> Iterator[Stride]:
    """Compose, stride by stride: of a few pieces several steps at once while nothing begins, of many a step at a time.

    Args:
        model: takes the steps.
        task: the B pieces, or so many candidates of each, and what is fixed in them.
        moment: where composing begins.
        stop: the step before which it ends.
        ahead: most steps at once.
    """
    pieces, start = len(task.batch.tokens), moment.step
    chances = uniforms((pieces, stop - start, 4), task.rng).to(task.batch.tokens.device)
    settings, given = settings_of(task), int(task.batch.voices() > 1 and bool(task.fixed[start:stop, 0].all()))
    run = runner(model, f"{task.style} step, {given} given", lambda: Step(model, task.style, moment.state, given))
    ahead = max(1, min(ahead, ROWS // pieces))
    while moment.step < stop:
        count, first = min(ahead, stop - moment.step), moment.step - start
        frames, begun, begins, *after = run(step_inputs(task, moment, settings, chances[:, first : first + count]))
        taken = taken_of(begins.view(pieces, count))
        past = [x[taken - 1 :: count] for x in after[: HISTORY_TENSORS - 1]]
        state = replace(moment.state, carried=tuple(after[HISTORY_TENSORS - 1 :]))
        state = state.cut(model.backbone.memory, count - taken, taken)
        moment = Moment(moment.step + taken, [*past, moment.past[-1]], state)
        frames, begun = (x.view(pieces, count, -1)[:, :taken] for x in (frames, begun))
        yield Stride(frames, begun, moment)


def taken_of(begins: Tensor) -> int:
    """How many steps stand, by whether anything begins in each step of each piece, (N, n): up to the first, with it."""
    *guessed, _ = begins.any(0).tolist()
    return next((i for i, begin in enumerate(guessed) if begin), len(guessed)) + 1


def settings_of(task: Task) -> list[Tensor]:
    """What holds for a whole walk: breath at each step (N, T), temperature, top_p."""
    batch, sampling = task.batch, task.sampling
    breath = STYLES[task.style].breath * int(BEAT_STEPS[int(batch.meter[0])])
    given_rest = (task.fixed & (batch.tokens == REST_TOKEN))[..., : batch.voices()].any(-1)  # (N, T)
    breaths = torch.where(given_rest, FOR_EVER, FOR_EVER if task.may_rest else breath)
    numbers = sampling.temperature, sampling.top_p
    return [breaths, *(torch.tensor(float(x), device=breaths.device) for x in numbers)]


def step_inputs(task: Task, moment: Moment, settings: list[Tensor], chances: Tensor) -> list[Tensor]:
    """The tensors that `Step` takes for the S steps that come next.

    Args:
        task: the N pieces.
        moment: before the step.
        settings: see `settings_of`.
        chances: (N, S, 4) numbers from 0 to 1 that the voices are drawn by.
    """
    batch, count = task.batch, chances.shape[1]
    steps = slice(moment.step, moment.step + count)
    breaths, *drawing = settings
    now = Now(
        torch.arange(count, device=breaths.device), batch.tokens[:, steps], task.fixed[steps], batch.meter,
        batch.position[:, steps], batch.to_end[:, steps], batch.hold_shift, breaths[:, steps], chances, *drawing,
    )  # fmt: skip
    return [*now, *moment.past, *moment.state.packed(count)]


@torch.inference_mode()
def step_example(model: FrameByFrame, style: str, given: int) -> PartExample:
    """By which a graph is made: what a step is given while composing, in two sizes of all that varies."""
    examples = []
    for pieces, candidates, read, written, ahead in EXAMPLE_SIZES:
        task = blank_task(pieces, 2 + written, style)
        moment = begin(model, task)[1]
        with disabled():
            moment = [stride.moment for stride in walk(model, task, moment, read)][-1]
            moment, many = branched(model, moment, candidates), task.with_candidates(candidates)
            moment = [stride.moment for stride in walk(model, many, moment, read + written)][-1]
        moment = replace(moment, state=moment.state.longer(10 * ahead))
        inputs = step_inputs(many, moment, settings_of(many), torch.rand(pieces * candidates, ahead, 4))
        examples.append([x.clone() for x in inputs])
    return Step(model, style, moment.state, given), examples


def branched(model: FrameByFrame, moment: Moment, candidates: int) -> Moment:
    """The moment with every piece so many times, as in `Task.with_candidates`."""
    rows = repeated(len(moment.past[0]), candidates)
    return Moment(moment.step, [x[rows] for x in moment.past], model.fan_out(moment.state, candidates))


def ends_as_most(history: History, pieces: int) -> Tensor:
    """Whether a candidate ends on the chord, and holds it, as most of its piece do, (B, candidates); see `branched`."""
    held = (history.age >= STEPS_PER_QUARTER - 1).to(history.pitch)
    endings = torch.cat([history.pitch, held], -1).view(pieces, -1, 2 * len(VOICES))
    alike = (endings[:, :, None] == endings[:, None]).all(-1).sum(-1)
    return alike == alike.amax(1, keepdim=True)


def likelihood_of(begun: Tensor, pieces: int) -> Tensor:
    """How likely a candidate's pitches are for their number, (B, candidates), beside its piece's other ones.

    `begun` (B * candidates, 2) is the sum of the strides'. Rhythm has no say, or the slowest candidate would win; and a
    candidate's mean counts in standard errors, or one of few notes would, whose mean is far from the others' by chance.
    """
    log_p, notes = begun.view(pieces, -1, 2).unbind(-1)  # (B, candidates) each
    usual = log_p.sum(1, keepdim=True) / notes.sum(1, keepdim=True).clamp(min=1)  # (B, 1)
    return (log_p - usual * notes) / notes.clamp(min=1).sqrt()


def best_of(score: Tensor) -> Tensor:
    """The row of the highest score of each piece, (B,), of scores (B, n), those of a piece lying together."""
    pieces, candidates = score.shape
    return score.argmax(1) + candidates * torch.arange(pieces)


def patches(frames: Iterable[Tensor], beat: int, start: int = 0) -> Iterator[Patch]:
    """Frames (1, 4) from the step `start` on -> a patch a beat, and one of what is left."""
    waiting = []
    for frame in frames:
        waiting.append(frame)
        if len(waiting) == beat:
            yield Patch(start, to_cells(torch.cat(waiting).numpy()))
            start, waiting = start + beat, []
    if waiting:
        yield Patch(start, to_cells(torch.cat(waiting).numpy()))
