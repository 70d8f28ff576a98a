"""What programs and agents call: functions of plain values that answer in plain values, ready for JSON.

Every one raises `Problem`, which names the argument to change. Pitches are MIDI numbers, starts and durations steps of
a sixteenth; voices count from 0, the soprano, to 3, the bass, and a dance has voice 0 alone.
"""

import inspect
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, TypedDict

import numpy as np

from musicgen import checkpoint, comparison, session
from musicgen.export import FORMATS
from musicgen.io.audio import INSTRUMENTS, AudioError, default_instruments
from musicgen.models import MODELS
from musicgen.piece import read
from musicgen.request import LIMITS, Given, Problem, Request, new_random_seed
from musicgen.score import METERS, STYLES, Canvas, Score, ScoreError
from musicgen.session import Composition, Control

if TYPE_CHECKING:
    Style = str
    Meter = str
    Format = str
else:  # one of these, for those who read the types while the app runs
    Style, Meter, Format = Literal[tuple(STYLES)], Literal[tuple(METERS)], Literal[tuple(FORMATS)]

ARGUMENTS = {
    "model": "an architecture, as `models` lists them; the best measured one if empty",
    "style": ", ".join(style.voiced() for style in STYLES.values()),
    "notes": 'the seed, such as "C5:1 D5:0.5 E5:0.5 R:1 [C4 E4 G4]:2", lengths in quarter notes, R a rest',
    "bars": f"length of the whole piece, seed included, {LIMITS['bars']}",
    "meter": "of the whole piece",
    "tempo": f"quarter notes a minute, {LIMITS['tempo']}; the usual one of style and meter if null",
    "temperature": f"{LIMITS['temperature']}: 0 takes the likeliest notes, above 1 surprises",
    "top_p": f"{LIMITS['top_p']}: below 1 the least likely notes are left out",
    "random_seed": f"{LIMITS['random_seed']}: the same one, the same notes; if null, a new one is drawn and returned",
    "piece": "what `compose`, `harmonise` or `repair` answered, or one of the answers of `compare`",
    "first_bar": "the first bar to compose again, counted from 1, or from 0 where that is an upbeat",
    "last_bar": "the last one, it included",
    "voices": "the voices to compose again: 0 soprano, 1 alto, 2 tenor, 3 bass; all if null",
    "format": "musicxml is sheet music, png a picture of the piano roll",
    "instruments": f"four, soprano first, from {', '.join(INSTRUMENTS)}; those of the page if null",
}


def documented(function: Callable) -> Callable:
    """Says in the docstring what each argument is, where Gradio and MCP read it."""
    names = inspect.signature(function).parameters
    explained = "\n".join(f"    {name}: {ARGUMENTS[name]}" for name in names)
    function.__doc__ = f"{function.__doc__}\n\nArgs:\n{explained}"
    return function


class PieceNote(TypedDict):
    voice: int
    pitch: int
    start: int
    duration: int
    given: bool  # not composed


class PieceAnswer(TypedDict):
    model: str
    style: str
    meter: str
    tempo: float  # quarter notes a minute
    bars: int
    steps: int
    upbeat: int  # steps of the first bar, which is bar 0; 0 if there is no upbeat
    title: str
    author: str
    random_seed: int
    notes: list[PieceNote]
    seconds_generating: float
    seconds_of_music: float


class Failure(TypedDict):
    model: str
    message: str


class Comparison(TypedDict):
    answers: list[PieceAnswer]
    failed: list[Failure]


class Model(TypedDict):
    name: str
    title: str
    summary: str
    parameters: int | None
    ms_per_bar: float | None
    nats: str


@documented
def compose(
    model: str = Request.model,
    style: Style = Request.style,
    notes: str = Request.notes,
    bars: int = Request.bars,
    meter: Meter = Request.meter,
    tempo: float | None = Request.tempo,
    temperature: float = Request.temperature,
    top_p: float = Request.top_p,
    random_seed: int | None = None,
) -> PieceAnswer:
    """Continue a tune: compose all that the seed notes leave free, the other voices too, up to a proper ending."""
    return _composed(_request(**locals()))


@documented
def harmonise(
    notes: str,
    model: str = Request.model,
    meter: Meter = Request.meter,
    tempo: float | None = Request.tempo,
    temperature: float = Request.temperature,
    top_p: float = Request.top_p,
    random_seed: int | None = None,
) -> PieceAnswer:
    """Keep a tune as the top voice of a chorale and compose the voices below it; the piece is as long as the tune."""
    request = _request(style="chorale", **locals())
    canvas = request.seed().canvas
    if not canvas.fixed.any():
        raise Problem("notes", "Give a tune to harmonise.")
    if canvas.fixed.all():
        raise Problem("notes", "Nothing is left to compose: all four voices are given.")
    return _composed(replace(request, given=Given(canvas, whole=True), bars=canvas.score.bars))


@documented
def repair(
    piece: dict,
    first_bar: int,
    last_bar: int,
    voices: list[int] | None = None,
    model: str = Request.model,
    temperature: float = Request.temperature,
    top_p: float = Request.top_p,
    random_seed: int | None = None,
) -> PieceAnswer:
    """Compose some bars of a piece again, in all voices or some; every other note stays as it is."""
    score = _read(piece)[0]
    used = range(len(STYLES[score.style].ranges))
    chosen = used if voices is None else voices
    if not _all_of(chosen, used):
        raise Problem("voices", f"Choose from {', '.join(f'{v} ({STYLES[score.style].voice(v)})' for v in used)}.")
    least, most = score.first_bar, score.bar_at(score.steps - 1)
    for name, bar in (("first_bar", first_bar), ("last_bar", last_bar)):
        if type(bar) is not int or not least <= bar <= most:
            raise Problem(name, f"Choose a bar from {least} to {most}.")
    if first_bar > last_bar:
        raise Problem("last_bar", f"Choose bar {first_bar} or a later one, up to {most}.")
    bar = METERS[score.meter].steps
    fixed = np.ones(score.cells.shape, bool)
    fixed[(first_bar - least) * bar : (last_bar + 1 - least) * bar, list(chosen)] = False
    return _composed(Request.filling(
        Canvas(score, fixed), model=model, temperature=temperature, top_p=top_p, random_seed=_chosen(random_seed)
    ))  # fmt: skip


@documented
def compare(
    style: Style = Request.style,
    notes: str = Request.notes,
    bars: int = Request.bars,
    meter: Meter = Request.meter,
    tempo: float | None = Request.tempo,
    temperature: float = Request.temperature,
    top_p: float = Request.top_p,
    random_seed: int | None = None,
) -> Comparison:
    """Have every model continue one seed: a piece each, or why that model failed."""
    request = _request(**locals())
    answers, failed = [], []
    for update, works in comparison.compare(request, "", Control()):
        if update["kind"] == "problem":
            raise Problem(update["field"], update["message"])
        if update["kind"] == "failed":
            failed.append(Failure(model=update["row"], message=update["message"]))
        if update["kind"] == "end" and works:
            answers.append(_piece(works[update["row"]], update))
    return Comparison(answers=answers, failed=failed)


@documented
def models() -> list[Model]:
    """The trained architectures: size, speed, and how surprised each is by each cell of music it has never heard."""
    return [
        Model(name=name, title=MODELS[name].title, summary=MODELS[name].summary, **checkpoint.figures(name))
        for name in checkpoint.available()
    ]


@documented
def render(piece: dict, format: Format = "midi", instruments: list[str] | None = None) -> tuple[str, bytes]:
    """A piece as a file to play, print or look at."""
    score, fixed = _read(piece)
    if format not in list(FORMATS):
        raise Problem("format", f"Choose one of {', '.join(FORMATS)}.")
    chosen = default_instruments(score.style) if instruments is None else instruments
    if not _all_of(chosen, INSTRUMENTS) or len(chosen) != 4:
        raise Problem("instruments", f"Choose four, one a voice, from {', '.join(INSTRUMENTS)}.")
    model = next((name for name in MODELS if name == piece.get("model")), "unknown")  # a part of the file's name
    seed = piece.get("random_seed")
    work = Composition(score, fixed, model, seed if type(seed) is int else 0)
    try:
        return f"{work.name}.{FORMATS[format].ending}", FORMATS[format].make(work, chosen)
    except AudioError as error:
        raise Problem("format", str(error)) from error


def _all_of(chosen: Any, known: Iterable) -> bool:
    return isinstance(chosen, list | tuple | range) and len(chosen) > 0 and all(one in list(known) for one in chosen)


def _request(**arguments) -> Request:
    """The request for an endpoint's arguments, which bear the names of its fields."""
    return Request(**{**arguments, "random_seed": _chosen(arguments["random_seed"])})


def _chosen(random_seed: int | None) -> int:
    return new_random_seed() if random_seed is None else random_seed


def _composed(request: Request) -> PieceAnswer:
    request = request if request.model != "" else replace(request, model=checkpoint.best())
    update, work = deque(session.compose(request, "", Control()), maxlen=1).pop()
    if update["kind"] == "problem":
        raise Problem(update["field"], update["message"])
    if update["state"] != "done":
        raise Problem("bars", "It took too long: ask for fewer bars, or for another model.")
    assert work
    return _piece(work, update)


def _piece(work: Composition, end: dict) -> PieceAnswer:
    score = work.score
    return PieceAnswer(
        model=work.model,
        style=score.style,
        meter=score.meter,
        tempo=score.tempo,
        bars=score.bars,
        steps=score.steps,
        upbeat=score.upbeat,
        title=score.title,
        author=score.author,
        random_seed=work.random_seed,
        notes=[
            PieceNote(**{**dict(zip(PieceNote.__annotations__, row)), "given": bool(row[-1])}) for row in end["notes"]
        ],
        seconds_generating=end["seconds"],
        seconds_of_music=end["music"],
    )


def _read(data: Any) -> tuple[Score, np.ndarray]:
    """The score of a piece as it was answered, and which cells are given `(T, 4)`. Raises `Problem`."""
    try:
        notes = [[note[name] for name in ("voice", "pitch", "start", "duration")] for note in data["notes"]]
        given = [note for note, kept in zip(notes, data["notes"]) if kept.get("given")]
        fixed = [[voice, start, start + duration] for voice, _, start, duration in given]
        return read({**data, "notes": notes, "fixed": fixed})
    except ScoreError as error:
        raise Problem("piece", f"It cannot be used: {error}.") from error
    except (AttributeError, KeyError, TypeError, IndexError) as error:
        raise Problem("piece", "It cannot be used: pass an answer unchanged, with its list of notes.") from error
