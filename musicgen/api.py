"""What programs and agents call: functions of plain values that answer in plain values, ready for JSON.

Every one raises `Problem`, which names the argument to change. Pitches are MIDI numbers, starts and durations steps of
a sixteenth; voices count from 0, the soprano, to 3, the bass, and a dance has voice 0 alone.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, TypedDict

import numpy as np

from musicgen import checkpoint, comparison, handed, link, session
from musicgen.export import FORMATS
from musicgen.fields import documented
from musicgen.handles import Handles
from musicgen.io import text
from musicgen.io.audio import INSTRUMENTS, AudioError, default_instruments
from musicgen.models import MODELS
from musicgen.request import Given, Problem, Request, new_random_seed
from musicgen.score import METERS, STYLES, Canvas
from musicgen.session import Composition, Control

if TYPE_CHECKING:
    Style = str
    Meter = str
    Format = str
else:  # one of these, for those who read the types while the app runs
    Style, Meter, Format = Literal[tuple(STYLES)], Literal[tuple(METERS)], Literal[tuple(FORMATS)]

HandedOver = dict | str | bytes  # see `musicgen.handed`
HANDLES = Handles()


class PieceNote(TypedDict):
    voice: int
    pitch: int
    start: int
    duration: int
    given: bool  # not composed


class ShortAnswer(TypedDict):
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
    seconds_generating: float
    seconds_of_music: float
    said: str  # of the seed, as the page says it
    text: list[str]  # a voice each, as notes are typed
    handle: str
    link: str  # its fragment; the server puts the page's address before it


class PieceAnswer(ShortAnswer):
    notes: list[PieceNote]


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
    style: Style | None = None,
    notes: str = Request.notes,
    bars: int | None = None,
    meter: Meter | None = None,
    tempo: float | None = Request.tempo,
    temperature: float = Request.temperature,
    top_p: float = Request.top_p,
    random_seed: int | None = None,
    piece: HandedOver | None = None,
) -> PieceAnswer:
    """Continue a tune: compose all that the seed leaves free, the other voices too, up to a proper ending."""
    return _composed(*_request(**locals()))


@documented
def harmonise(
    notes: str = Request.notes,
    model: str = Request.model,
    meter: Meter | None = None,
    tempo: float | None = Request.tempo,
    temperature: float = Request.temperature,
    top_p: float = Request.top_p,
    random_seed: int | None = None,
    piece: HandedOver | None = None,
) -> PieceAnswer:
    """Keep a tune as the top voice of a chorale and compose the voices below it; the piece is as long as the tune."""
    request, said = _request(style="chorale", bars=None, **locals())
    canvas = request.seed().canvas
    if piece is not None and canvas.score.heard:
        canvas = Canvas.keep_voices(canvas.score, canvas.score.heard[:1])
    if not canvas.fixed.any():
        raise Problem("notes", "Give a tune to harmonise.")
    if canvas.fixed.all():
        raise Problem("notes", "Nothing is left to compose: all four voices are given.")
    return _composed(replace(request, given=Given(canvas, whole=True), bars=canvas.score.bars), said)


@documented
def repair(
    piece: HandedOver,
    first_bar: int,
    last_bar: int,
    voices: list[int] | None = None,
    model: str = Request.model,
    temperature: float = Request.temperature,
    top_p: float = Request.top_p,
    random_seed: int | None = None,
) -> PieceAnswer:
    """Compose some bars of a piece again, in all voices or some; every other note stays as it is."""
    score = handed.read(piece, HANDLES.find).score
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
    style: Style | None = None,
    notes: str = Request.notes,
    bars: int | None = None,
    meter: Meter | None = None,
    tempo: float | None = Request.tempo,
    temperature: float = Request.temperature,
    top_p: float = Request.top_p,
    random_seed: int | None = None,
    piece: HandedOver | None = None,
) -> Comparison:
    """Have every model continue one seed: a piece each, or why that model failed."""
    request, said = _request(**locals())
    answers, failed = [], []
    for update, works in comparison.compare(request, "", Control()):
        if update["kind"] == "problem":
            raise Problem(update["field"], update["message"])
        if update["kind"] == "failed":
            failed.append(Failure(model=update["row"], message=update["message"]))
        if update["kind"] == "end" and works:
            answers.append(_piece(works[update["row"]], update["seconds"], said, request))
    return Comparison(answers=answers, failed=failed)


@documented
def models() -> list[Model]:
    """The trained architectures: size, speed, and how surprised each is by each cell of music it has never heard."""
    return [
        Model(name=name, title=MODELS[name].title, summary=MODELS[name].summary, **checkpoint.figures(name))
        for name in checkpoint.available()
    ]


@documented
def read(piece: HandedOver) -> PieceAnswer:
    """Any piece with all its notes one by one, as no other tool tells them to agents."""
    work = handed.read(piece, HANDLES.find)
    return _piece(work, 0.0, work.said)


@documented
def render(piece: HandedOver, format: Format = "midi", instruments: list[str] | None = None) -> tuple[str, bytes]:
    """A piece as a file to play, print or look at."""
    work = handed.read(piece, HANDLES.find)
    if format not in list(FORMATS):
        raise Problem("format", f"Choose one of {', '.join(FORMATS)}.")
    chosen = default_instruments(work.score.style) if instruments is None else instruments
    if not _all_of(chosen, INSTRUMENTS) or len(chosen) != 4:
        raise Problem("instruments", f"Choose four, one a voice, from {', '.join(INSTRUMENTS)}.")
    try:
        return f"{work.name}.{FORMATS[format].ending}", FORMATS[format].make(work, chosen)
    except AudioError as error:
        raise Problem("format", str(error)) from error


def _all_of(chosen: Any, known: Iterable) -> bool:
    return isinstance(chosen, list | tuple | range) and len(chosen) > 0 and all(one in list(known) for one in chosen)


def _request(piece: HandedOver | None, bars: int | None, random_seed: int | None, **arguments) -> tuple[Request, str]:
    """The request for an endpoint's arguments, which bear the names of its fields, and what is said of its seed."""
    named = arguments.items()
    known: dict[str, Any] = {
        name: value for name, value in named if value is not None or name not in ("style", "meter")
    }
    known["random_seed"], remarks = _chosen(random_seed), []
    if piece is not None:
        if str(known.get("notes", "")).strip():
            raise Problem("piece", "Give a piece or notes, not both.")
        work = handed.read(piece, HANDLES.find)
        own = {"style": work.score.style, "meter": work.score.meter}
        known, remarks = {**own, **known, "given": Given(work.given)}, [work.said]
    request = Request(**known) if bars is None else Request(bars=bars, **known)
    if request.notes.strip() or request.given:
        remarks.append(request.seed().message)
    said = " ".join(dict.fromkeys(filter(None, remarks)))
    return (request.with_room() if bars is None else request), said


def _chosen(random_seed: int | None) -> int:
    return new_random_seed() if random_seed is None else random_seed


def _composed(request: Request, said: str = "") -> PieceAnswer:
    request = request if request.model != "" else replace(request, model=checkpoint.best())
    update, work = deque(session.compose(request, "", Control()), maxlen=1).pop()
    if update["kind"] == "problem":
        raise Problem("piece" if update["field"] == "upload" else update["field"], update["message"])
    if update["state"] != "done":
        raise Problem("bars", "It took too long: ask for fewer bars, or for another model.")
    assert work
    return _piece(work, update["seconds"], said, request)


def _piece(work: Composition, seconds: float, said: str, asked: Request | None = None) -> PieceAnswer:
    score, fragment = work.score, link.write(work, asked)
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
        seconds_generating=seconds,
        seconds_of_music=round(score.seconds, 2),
        said=said,
        text=text.write(score),
        handle=HANDLES.keep(fragment),
        link=fragment,
        notes=[
            PieceNote(**vars(note), given=bool(work.fixed[note.start, note.voice]))  # pyright: ignore
            for note in score.notes()
        ],
    )  # fmt: skip
