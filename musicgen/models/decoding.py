"""How the models that move forward in time compose: step after step, in the rhythm of the seed, and to a close."""

import math
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from musicgen.models.base import (
    BAR_STEPS,
    BEAT_STEPS,
    DEFAULTS,
    REST_TOKEN,
    STYLE_NAMES,
    Batch,
    MusicModel,
    collate,
    features_of,
    to_cells,
)
from musicgen.models.draw import Rng, uniforms
from musicgen.models.engine import disabled, fault, made, prepare, runner
from musicgen.models.frames import History, histories
from musicgen.models.head import STANDARD_RANK
from musicgen.models.step import HISTORY_TENSORS, Now, State
from musicgen.sampling import SamplingConfig
from musicgen.score import METERS, STEPS_PER_QUARTER, STYLES, VOICES, Canvas, Patch, Score

FOR_EVER = 10**6  # steps
AHEAD, ROWS = 4, 16  # most steps that are composed at once, and most frames of all pieces together
EXAMPLE_SIZES = (2, 2, 3, 2, 2), (3, 3, 5, 3, 3)  # see `example`: two sizes of all that varies


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
        return replace(self, batch=self.batch.pieces(repeated(len(self.batch.tokens), candidates)))


@dataclass(frozen=True)
class Moment:
    """Where the composing of N pieces stands."""

    step: int  # the one that comes next
    past: list[Tensor]  # see `History.packed`
    state: State

    @property
    def history(self) -> History:
        return History.by(self.past)

    def rows(self, rows: Tensor) -> "Moment":
        return Moment(self.step, [x[rows] for x in self.past], self.state.rows(rows))


class Stride(NamedTuple):
    """Some steps of N pieces, taken at once."""

    frames: Tensor  # (N, n, 4) tokens
    begun: Tensor  # (N, n, 2) log-probability of the pitches that begin, knowing that something does; their number
    moment: Moment  # after them


class FrameByFrame(MusicModel):
    """Writes frame after frame, of one piece or of several side by side."""

    # What the functions of this module call; a model that leaves the steps to another one has none of it.
    looks_ahead: bool
    first_state: Callable[[Batch, Tensor], State]
    backbone: Any  # see `NextFrame`
    hidden: Callable[[History, Batch, State], tuple[Tensor, State]]
    logits: Callable[..., Tensor]
    voice_logits: Callable[[Tensor, History, Batch, Tensor], Tensor]
    fit_hold_shift: Callable[[Batch, Tensor], Tensor]

    def frames(self, task: Task) -> Iterator[Tensor]:
        """The frames (B, 4), step by step; nobody asks for those after the last free cell."""
        raise NotImplementedError

    def _written(self, task: Task) -> Iterator[Tensor]:
        stop = task.free_until
        yield from islice(self.frames(task), stop)
        yield from task.batch.tokens[:, stop:].unbind(1)

    def accelerate(self) -> bool:
        return min(self._graph(self.forward_model(), style) for style in self.styles)

    @staticmethod
    def _graph(model: "FrameByFrame", style: str) -> bool:
        return prepare(model, style, lambda: [example(model, style, *sizes) for sizes in EXAMPLE_SIZES])

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


def task_of(canvases: list[Canvas], sampling: SamplingConfig, rng: Rng) -> Task:
    """Canvases that are alike but for their notes."""
    fixed = torch.from_numpy(canvases[0].fixed.copy())
    return Task(collate([features_of(c.score) for c in canvases]), fixed, sampling, rng)


def compose_frames(model: FrameByFrame, task: Task) -> Iterator[Tensor]:
    """The frames (B, 4) of a model that knows its state from the first step on."""
    yield from task.batch.tokens[:, : task.given].unbind(1)  # the seed, at once
    task, moment = begin(model, task)
    yield from compose_until(model, task, moment, task.end)


@torch.inference_mode()
def begin(model: FrameByFrame, task: Task) -> tuple[Task, Moment]:
    """The task in the rhythm of its seed, and the moment after what is given whole, read in one pass."""
    batch = task.batch
    state = model.first_state(batch, task.fixed.expand(len(batch.tokens), -1, -1))
    if not task.given:
        return task, Moment(0, History.empty(batch.meter).packed(), state)
    seed = slice_steps(batch, 0, task.given)
    history = histories(seed.tokens, seed.meter)
    read = history.each(lambda x: x[:, :-1])
    hidden, after = model.hidden(read, seed, state)
    logits = model.logits(seed) if model.looks_ahead else model.voice_logits(hidden, read, seed, STANDARD_RANK)
    moment = Moment(task.given, history.each(lambda x: x[:, -1]).packed(), after.cut(model.backbone.memory))
    return with_hold_shift(model, task, logits), moment


@torch.inference_mode()
def with_hold_shift(model: FrameByFrame, task: Task, logits: Tensor | None = None) -> Task:
    """The task with how much surer of a hold its seed asks the model to be, see `NextFrame.fit_hold_shift`.

    logits (B, T, n, V) are those of the seed, by a model that knows of nothing given later.
    """
    if not task.given or not task.sampling.follow_seed:
        return task
    seed = slice_steps(task.batch, 0, task.given)
    hold_shift = model.fit_hold_shift(seed, model.logits(seed) if logits is None else logits)
    return replace(task, batch=replace(task.batch, hold_shift=hold_shift))


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
    run, settings = runner(model, task.style, moment.state), settings_of(task)
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
    batch, state, count = task.batch, moment.state, chances.shape[1]
    steps = slice(moment.step, moment.step + count)
    breaths, *drawing = settings
    now = Now(
        torch.arange(count, device=breaths.device), batch.tokens[:, steps], task.fixed[steps], batch.meter,
        batch.position[:, steps], batch.to_end[:, steps], batch.hold_shift, breaths[:, steps], chances, *drawing,
    )  # fmt: skip
    return [*now, *moment.past, *state.carried, *state.context, *(x[:, :count] for x in state.timed)]


@torch.inference_mode()
def example(
    model: FrameByFrame, style: str, pieces: int, candidates: int, read: int, written: int, ahead: int
) -> tuple[list[Tensor], State]:
    """What a step is given while composing, and the state: an example by which a graph is made.

    Args:
        model: whose step it is.
        style: of the pieces.
        pieces: B, side by side.
        candidates: of each piece.
        read: steps taken before the pieces have candidates.
        written: steps taken after that.
        ahead: steps of the example, before which ten times as many are carried besides.
    """
    canvas = Canvas.blank(2 + written, style)
    task = task_of([canvas] * pieces, DEFAULTS, torch.Generator().manual_seed(0))
    batch = task.batch
    state = model.first_state(batch, task.fixed.expand(pieces, -1, -1))
    moment = Moment(0, History.empty(batch.meter).packed(), state)
    with disabled():
        moment = [stride.moment for stride in walk(model, task, moment, read)][-1]
        moment, many = branched(model, moment, candidates), task.with_candidates(candidates)
        moment = [stride.moment for stride in walk(model, many, moment, read + written)][-1]
    longer = tuple(F.pad(x, (0, 0, 10 * ahead, 0)) for x in moment.state.carried)
    moment = replace(moment, state=replace(moment.state, carried=longer))
    inputs = step_inputs(many, moment, settings_of(many), torch.rand(pieces * candidates, ahead, 4))
    return [x.clone() for x in inputs], moment.state


def branched(model: FrameByFrame, moment: Moment, candidates: int) -> Moment:
    """The moment with every piece so many times, as in `Task.with_candidates`."""
    rows = repeated(len(moment.past[0]), candidates)
    return Moment(moment.step, [x[rows] for x in moment.past], model.fan_out(moment.state, candidates))


def repeated(pieces: int, candidates: int) -> Tensor:
    """The number of each piece, so many times one after the other."""
    return torch.arange(pieces).repeat_interleave(candidates)


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


def slice_steps(batch: Batch, start: int, count: int = 1) -> Batch:
    return batch.timed(lambda x: x[:, start : start + count])


def nothing_fixed(batch: Batch) -> Tensor:
    """(B, T, 4)"""
    return torch.zeros_like(batch.tokens, dtype=torch.bool)
