"""A visitor's request -> a stream of updates for the page, and the files made from what came of it.

Nothing here outlives a request: whoever calls keeps the score, the upload and the `Control` of their own visitor.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from musicgen import checkpoint, piece
from musicgen.models import MODELS
from musicgen.request import Problem, Request
from musicgen.score import METERS, STYLES, Canvas, Score, voice_ranges

INTERVAL = 0.1  # seconds between two updates at least
DEADLINE = 90  # seconds of composing, then what is there is kept


@dataclass(frozen=True)
class Composition:
    """What a run has made so far, and which of its cells were given `(T, 4)`."""

    score: Score
    fixed: np.ndarray
    model: str
    random_seed: int
    recipe: str = ""  # see `musicgen.recipe`

    @property
    def name(self) -> str:
        """A file's name without its ending."""
        return f"{self.model}-{self.score.style}-{self.score.bars}bars-seed{self.random_seed}"

    @property
    def title(self) -> str:
        score = self.score
        model = MODELS[self.model].title if self.model in MODELS else "Unknown model"
        made = f"{model}, {score.style}, {score.length}, random seed {self.random_seed}"
        return f"{score.called} · {made}" if score.called else made

    @property
    def maker(self) -> str:
        return f"Nonet ({MODELS[self.model].title})" if self.model in MODELS else "Nonet"

    def at(self, tempo: float) -> "Composition":
        return replace(self, score=self.score.replace(tempo=tempo))


class Control:
    """Through which a visitor's Stop reaches the visitor's own run, and nobody else's; how long a model may take."""

    def __init__(self, deadline: float = DEADLINE):
        self.stopped: set[str] = set()
        self.deadline = deadline  # seconds

    def stop(self, run: str):
        self.stopped.add(run)


def check_model(request: Request):
    """Raises `Problem` if there is no such model, or none that knows the style."""
    if request.model not in (names := checkpoint.available()):
        if request.model in list(MODELS):
            raise Problem("model", f"{MODELS[request.model].title} cannot compose: {checkpoint.fault(request.model)}.")
        known = f"choose one of {', '.join(names)}" if names else "run: python -m train gru"
        raise Problem("model", f"There is no trained {str(request.model)[:30] or 'model'} here: {known}.")

    if request.style not in checkpoint.styles(request.model):
        able = [name for name in names if request.style in checkpoint.styles(name)]
        known = f"choose one of {', '.join(able)}" if able else "choose another style"
        raise Problem("model", f"{request.model} was not trained for a {request.style}: {known}.")


def weights(model: str) -> str:
    """Tells the weights of one training from those of another."""
    return checkpoint.config(model)["weights_sha256"][:8]


def preview(request: Request) -> dict:
    """The update that shows a request's seed on the empty stage, or the problem with it."""
    try:
        seed = request.seed()
        canvas = seed.canvas if request.is_filled() else request.canvas()
    except Problem as problem:
        return trouble(problem)
    return {"kind": "seed", "said": _about_seed(request, seed.message, canvas), **frame(canvas)}


def _about_seed(request: Request, message: str, canvas: Canvas) -> str:
    if request.given:
        source = f"Seed from {request.given.name}." if request.given.name else ""
        left = "Generate continues it; Harmonise keeps its top voice." if canvas.fixed.all() else ""
        return " ".join(filter(None, (source, message, left)))
    given = sum(fixed for *_, fixed in _notes(canvas.score, canvas.fixed))
    what = "1 note of seed. What it leaves" if given == 1 else f"{given} notes of seed. What they leave"
    others = "later bars and other voices" if len(STYLES[request.style].voices) > 1 else "later bars"
    return message or f"{what} free, {others}, will be composed."


def frame(canvas: Canvas) -> dict:
    """What the page shows before anything is composed."""
    return {"piece": _piece(canvas), "notes": _notes(canvas.score, canvas.fixed)}


def trouble(problem: Problem, run: str = "") -> dict:
    return {"kind": "problem", "run": run, "field": problem.field, "message": str(problem)}


def unbegun(run: str) -> dict:
    """The update for a visitor who pressed Stop while others were still composing."""
    return {"kind": "failed", "run": run, "message": "Stopped before anything was composed."}


def compose(request: Request, run: str, control: Control) -> Iterator[tuple[dict, Composition | None]]:
    """Updates of one run, each with what there is so far; the last one is whole.

    Kinds, in order: `begin` (the piece's frame), `notes` (what changed since the last update), `end` (everything, with
    the state `done` or `stopped`, and `until`, the step that was reached); or one `problem` alone, or `failed` where a
    run was stopped while it waited. `seq` counts them, so that the page can tell if one is lost.
    """
    try:
        check_model(request)
        canvas, model = request.canvas(), checkpoint.load(request.model)
    except Problem as problem:
        yield trouble(problem, run), None
        return
    except checkpoint.CheckpointError as error:
        yield trouble(Problem("model", str(error)), run), None
        return
    if run in control.stopped:
        yield unbegun(run), None
        return
    about: dict[str, Any] = {"model": request.model, "title": model.title, "weights": weights(request.model)}
    about["random_seed"] = request.random_seed
    yield {"kind": "begin", "run": run, "seq": 0, "piece": _piece(canvas), **about}, None
    yield from _stream(model, canvas, request, run, control)


def _stream(model, canvas: Canvas, request: Request, run: str, control: Control) -> Iterator[tuple[dict, Composition]]:
    def made(score: Score) -> Composition:
        return Composition(score, canvas.fixed[: score.steps], request.model, request.random_seed)

    growing, seq, known, state = Growing(canvas), 0, 0, "done"
    began, spent, sent = time.monotonic(), 0.0, -INTERVAL
    patches = model.stream(canvas, request.sampling, random_seed=request.random_seed)
    while True:
        if run in control.stopped or time.monotonic() - began > control.deadline:
            state = "stopped"
            break
        since = time.monotonic()
        patch = next(patches, None)
        spent += time.monotonic() - since
        if patch is None:
            break
        known = growing.apply(patch)
        if time.monotonic() - sent < INTERVAL:
            continue
        sent, seq = time.monotonic(), seq + 1
        yield {"kind": "notes", "run": run, "seq": seq, "until": known, **growing.changes()}, made(growing.score())
    score = growing.score() if state == "done" else growing.cut()
    yield {**_end(score, canvas, state, run, seq + 1, spent), "until": known}, made(score)


def _end(score: Score, canvas: Canvas, state: str, run: str, seq: int, seconds: float) -> dict:
    return {
        "kind": "end",
        "run": run,
        "seq": seq,
        "state": state,
        "steps": score.steps,
        "notes": _notes(score, canvas.fixed),
        "seconds": round(seconds, 3),  # spent by the model, not by the way to the page
        "music": round(score.seconds, 2),
    }


class Growing:
    """Cells that patches are written into, and what the page has not been told of them yet."""

    def __init__(self, canvas: Canvas):
        self.canvas = canvas
        self.cells = canvas.score.cells.copy()
        self.known = 0
        self.sent: dict[tuple[int, int], list[int]] = {}

    def apply(self, patch) -> int:
        end = patch.start + len(patch.cells)
        self.cells[patch.start : end] = patch.cells
        self.known = max(self.known, end)
        return self.known

    def score(self) -> Score:
        return self.canvas.score.replace(cells=self.cells)

    def cut(self) -> Score:
        """What is there when a run is stopped, in whole bars; the seed at least."""
        known = max(self.known, self.canvas.seed_steps)
        bar = METERS[self.canvas.score.meter].steps
        cells = self.cells[: max(1, -(-known // bar)) * bar]
        return self.canvas.score.replace(cells=cells)

    def changes(self) -> dict:
        """Notes that are new or different, and `[voice, start]` of those that are gone."""
        now = {(n[0], n[2]): n for n in _notes(self.score(), self.canvas.fixed) if n[2] < self.known}
        changed = [note for key, note in now.items() if self.sent.get(key) != note]
        gone = [list(key) for key in self.sent if key not in now]
        self.sent = now
        return {"notes": changed, "gone": gone}


def _notes(score: Score, fixed: np.ndarray) -> list[list[int]]:
    """`[voice, pitch, start, duration, given]` a note."""
    return [[n.voice, n.pitch, n.start, n.duration, int(fixed[n.start, n.voice])] for n in score.notes()]


def roll_of(style: str) -> dict:
    """How high and low a style's roll reaches, and what its voices are called."""
    low, high = voice_ranges(style)
    voices = STYLES[style].voices
    return {"low": int(low[: len(voices)].min()), "high": int(high[: len(voices)].max()), "voices": list(voices)}


def _piece(canvas: Canvas) -> dict:
    """What the page has to know of a piece before its notes: the frame of the roll."""
    score, meter = canvas.score, METERS[canvas.score.meter]
    return {
        "steps": score.steps,
        "bar": meter.steps,
        "beat": meter.beat,
        "meter": score.meter,
        "style": score.style,
        "tempo": score.tempo,
        "upbeat": score.upbeat,
        "title": score.title,
        "author": score.author,
        "seedSteps": canvas.seed_steps,
        "fixed": piece.runs(canvas.fixed, len(STYLES[score.style].ranges)),
        **roll_of(score.style),
    }
