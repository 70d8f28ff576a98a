"""Music as a file gives it -> a seed: parts into voices, times onto the grid, and a message that tells what changed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import mean

import numpy as np

from musicgen.io.gate import Spans, gates_of
from musicgen.io.grid import OFF_GRID, Sound, quantised
from musicgen.io.parts import Arrangement, FilePart, count, lines_of
from musicgen.io.voicing import into_range, is_line, place
from musicgen.score import MAX_BARS, METERS, STYLES, Canvas, Note, Score, ScoreError, from_notes

MAX_SEED_BARS = 32  # of a stranger's file; what we wrote ourselves is read back whole

# Meters we have no name for, and the one that shares their bar lines, or every other of them.
LIKE = {
    "2/2": "4/4", "4/2": "4/4", "8/8": "4/4", "16/16": "4/4", "8/4": "4/4", "1/1": "4/4",
    "3/2": "3/4", "6/4": "3/4", "6/16": "6/8", "3/8": "6/8", "12/8": "6/8", "12/16": "6/8", "24/16": "6/8",
    "4/8": "2/4", "2/8": "2/4", "1/4": "2/4", "1/2": "2/4", "9/4": "9/8", "9/16": "9/8",
}  # fmt: skip


class SeedError(ValueError):
    """Given music cannot be used; the message says where and what to change.

    `span` is where in a text it stands, as a pair of character positions, else None.
    """

    def __init__(self, message: str, span: tuple[int, int] | None = None):
        super().__init__(message)
        self.span = span


@dataclass(frozen=True)
class Seed:
    """Given music on a canvas of whole bars, and what the visitor should know about it ("" if nothing)."""

    canvas: Canvas
    message: str = ""
    recipe: str = ""  # that the file carries, see `musicgen.recipe`
    parts: tuple[FilePart, ...] = ()  # of the file, those that sound
    tune: FilePart | None = None  # the one that is kept on top, if it is told apart

    def first(self, bars: int) -> "Seed":
        """Only the first bars of it."""
        return self if bars >= self.canvas.score.bars else replace(self, canvas=self.canvas.extended(bars))


@dataclass(frozen=True)
class Part:
    """A line of a file, or notes that may be several."""

    name: str
    sounds: Sequence[Sound]
    number: int = 0  # that of the part in the file, from 1, to which several lines may belong; 0 if this is all of it


@dataclass(frozen=True)
class Music:
    """What a file says, before it is fitted to the canvas."""

    parts: Sequence[Part]
    meter: str = "4/4"  # any, "7/8" too
    tempo: float | None = None  # quarter notes a minute
    length: float = 0  # steps, as far as the file tells
    played: bool = False  # its notes may end before they would on paper
    barline: float = 0  # a step at which a bar of the meter begins: what stands before is an upbeat
    style: str | None = None  # written by ourselves, if not None
    remarks: tuple[str, ...] = ()
    recipe: str = ""  # see `musicgen.recipe`
    title: str = ""
    author: str = ""


def arrange(
    music: Music,
    style: str | None = None,
    meter: str | None = None,
    tempo: float | None = None,
    part: int | str | None = None,
) -> Seed:
    """Fit music to the canvas. Raises SeedError.

    Args:
        music: as a file gives it.
        style, meter: of the seed; guessed from the music if None.
        tempo: quarter notes a minute; the music's own, else the style's usual one, if None.
        part: the name, or the number from 1, of the part that is the tune; found out if None.
    """
    if not music.style and not any(part.sounds for part in music.parts):
        raise SeedError("the file holds no notes that could be played: choose another one")
    remarks = list(music.remarks)
    meter = meter or _meter(music.meter, remarks)
    if meter not in METERS:
        raise SeedError(f"unknown meter {meter!r}: choose one of {', '.join(METERS)}")
    parts, pad = _on_grid(music, METERS[meter].steps, remarks)
    style = style or music.style or _guess_style(parts, meter)
    lines = lines_of(parts, _chosen(parts, part))
    notes = _voices(lines, style, remarks)
    notes, moves = into_range(notes, style)
    end = max((n.start + n.duration for n in notes), default=0)
    if music.style:
        end = max(end, min(math.ceil(music.length) + pad, MAX_BARS * METERS[meter].steps))
    bars = math.ceil(end / METERS[meter].steps)
    tempo = tempo or _tempo(music.tempo, STYLES[style].tempo_in(meter), remarks)
    try:
        cells = from_notes(notes, bars * METERS[meter].steps)
        score = Score(cells, style, meter, tempo, pad and METERS[meter].steps - pad, music.title, music.author)
    except ScoreError as error:
        raise SeedError(str(error)) from error
    return Seed(Canvas(score, _fixed(score)), _message(score, remarks + moves), music.recipe, tuple(parts), lines.tune)


def _meter(name: str, remarks: list[str]) -> str:
    if name in METERS:
        return name
    like = LIKE.get(name, "4/4")
    remarks.append(f"its {name} is written in {like}")
    return like


def _tempo(tempo: float | None, usual: float, remarks: list[str]) -> float:
    if tempo is None:
        return usual
    held = min(300.0, max(20.0, tempo))
    if held != tempo:
        remarks.append(f"its tempo of {tempo:.0f} became {held:.0f}")
    return held


def _on_grid(music: Music, bar: int, remarks: list[str]) -> tuple[list[FilePart], int]:
    """The parts that sound, their notes on the grid, and how many steps of rest were put before an upbeat."""
    pad = round(-music.barline) % bar
    first = min((s.start for part in music.parts for s in part.sounds), default=0)
    empty = 0 if music.style else round(first + pad) // bar  # a stranger's empty bars before the music say nothing
    if empty:
        remarks.append(f"{count(empty, 'empty bar')} before the music left out")
        pad -= empty * bar
    limit = (MAX_BARS if music.style else MAX_SEED_BARS) * bar
    last = max((round(s.start + pad) for part in music.parts for s in part.sounds), default=0)
    moved = [[Sound(s.pitch, s.start + pad, s.end + pad) for s in part.sounds] for part in music.parts]
    within = [[s for s in sounds if round(s.start) < limit] for sounds in moved]
    late = within != moved
    gates = gates_of([Spans(sounds) for sounds in within]) if music.played else [None] * len(within)
    parts: dict[int, FilePart] = {}
    rounded = short = 0
    for index, (part, sounds, gate) in enumerate(zip(music.parts, within, gates), 1):
        rounded += sum(abs(s.start - round(s.start)) > OFF_GRID for s in sounds)
        notes, left_out = quantised(sounds, bar, limit, last, gate)
        short += left_out
        if notes:
            number = part.number or index
            parts.setdefault(number, FilePart(part.name, number, [])).lines.append(notes)
    if rounded:
        remarks.append(f"{count(rounded, 'note')} moved onto the sixteenth grid")
    if short:
        remarks.append(f"{count(short, 'note')} shorter than a sixteenth left out")
    if late:
        remarks.append(f"what comes after bar {limit // bar - (pad > 0)} was left out")
    return list(parts.values()), max(pad, 0)


def _guess_style(parts: list[FilePart], meter: str) -> str:
    """A single line in a compound meter is a dance tune; everything else goes among the chorales."""
    lines = [line for part in parts for line in part.lines]
    return "dance" if len(lines) == 1 and is_line(lines[0]) and meter in ("6/8", "9/8") else "chorale"


def _voices(lines: Arrangement, style: str, remarks: list[str]) -> list[Note]:
    """Give every note its voice: by the parts' names, else by how well each line sits in the voices' ranges."""
    most = len(STYLES[style].voices)
    if lines.tune:
        below = ", ".join(part.label for part in lines.below) if most > 1 else ""
        remarks.append(f"the tune is {lines.tune.label}{below and f', below it {below}'}")
    remarks += lines.remarks
    if len(lines.lines) > most:
        top = "line was" if most == 1 else f"{most} lines were"
        remarks.append(f"only the top {top} kept, since {STYLES[style].voiced()}")
    kept = lines.lines[:most]
    if lines.voices:
        named = lines.voices[:most]
        voices = [min(i, voice) for i, voice in enumerate(named)] if named[-1] >= most else named
    else:
        voices = (0,) if len(kept) == 1 else place([mean(n.pitch for n in line) for line in kept], style)
    return [replace(n, voice=voice) for voice, line in zip(voices, kept) for n in line]


def _chosen(instruments: Sequence[FilePart], part: int | str | None) -> FilePart | None:
    """The part that is named or numbered. Raises SeedError if there is none."""
    if part is None:
        return None
    wanted = str(part).strip().casefold()
    for known in (lambda i: str(i.number), lambda i: i.label.casefold(), lambda i: i.name.strip().casefold()):
        for instrument in instruments:
            if known(instrument) == wanted:
                return instrument
    names = ", ".join(f"{i.number} ({i.label})" if i.name.strip() else str(i.number) for i in instruments)
    raise SeedError(f"there is no part {str(part)[:60]!r}: choose one of {names}")


def _fixed(score: Score) -> np.ndarray:
    """Which cells are given `(T, 4)`: voices with notes up to the last note of all."""
    fixed = np.zeros(score.cells.shape, bool)
    notes = score.notes()
    end = max((n.start + n.duration for n in notes), default=0)
    fixed[:end, sorted({n.voice for n in notes})] = True
    return fixed


def _message(score: Score, remarks: list[str]) -> str:
    """One sentence for what was kept, a second for what was changed, if anything was."""
    notes = score.notes()
    names = [STYLES[score.style].voice(v) for v in sorted({n.voice for n in notes})]
    who = f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names) or "no voice"
    kept = f"Kept {count(len(notes), 'note')} in {score.length}: {who}."
    text = "; ".join(remarks)
    return f"{kept} {text[0].upper()}{text[1:]}." if text else kept
