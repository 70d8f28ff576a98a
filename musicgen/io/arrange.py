"""Music as a file gives it -> a seed: parts into voices, times onto the grid, and a message that tells what changed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import mean

import numpy as np

from musicgen.io.gate import Spans, gates_of
from musicgen.io.grid import OFF_GRID, Sound, quantised
from musicgen.io.voicing import into_range, is_line, most_at_once, place, separate
from musicgen.score import MAX_BARS, METERS, STYLES, VOICES, Canvas, Note, Score, ScoreError, from_notes

MAX_SEED_BARS = 32  # of a stranger's file; what we wrote ourselves is read back whole
MOST_COMPARED = 32  # parts; of an orchestra the notes are pooled anyway
ENOUGH = 8  # notes that tell a part in octaves from a chord
ALMOST = 0.9  # the part of so many notes that tells a part that doubles another

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

    def first(self, bars: int) -> "Seed":
        """Only the first bars of it."""
        return self if bars >= self.canvas.score.bars else replace(self, canvas=self.canvas.extended(bars))


@dataclass(frozen=True)
class Part:
    name: str
    sounds: Sequence[Sound]


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


def arrange(music: Music, style: str | None = None, meter: str | None = None, tempo: float | None = None) -> Seed:
    """Fit music to the canvas. Raises SeedError.

    Args:
        music: as a file gives it.
        style, meter: of the seed; guessed from the music if None.
        tempo: quarter notes a minute; the music's own, else the style's, if None.
    """
    if not music.style and not any(part.sounds for part in music.parts):
        raise SeedError("the file holds no notes that could be played: choose another one")
    remarks = list(music.remarks)
    meter = meter or _meter(music.meter, remarks)
    if meter not in METERS:
        raise SeedError(f"unknown meter {meter!r}: choose one of {', '.join(METERS)}")
    parts, pad = _on_grid(music, METERS[meter].steps, remarks)
    style = style or music.style or _guess_style(parts, meter)
    notes = _voices(parts, style, remarks)
    notes, moves = into_range(notes, style)
    end = max((n.start + n.duration for n in notes), default=0)
    if music.style:
        end = max(end, min(math.ceil(music.length) + pad, MAX_BARS * METERS[meter].steps))
    bars = math.ceil(end / METERS[meter].steps)
    tempo = tempo or _tempo(music.tempo, style, remarks)
    try:
        cells = from_notes(notes, bars * METERS[meter].steps)
        score = Score(cells, style, meter, tempo, pad and METERS[meter].steps - pad, music.title, music.author)
    except ScoreError as error:
        raise SeedError(str(error)) from error
    return Seed(Canvas(score, _fixed(score)), _message(score, remarks + moves), music.recipe)


def _meter(name: str, remarks: list[str]) -> str:
    if name in METERS:
        return name
    like = LIKE.get(name, "4/4")
    remarks.append(f"its {name} is written in {like}")
    return like


def _tempo(tempo: float | None, style: str, remarks: list[str]) -> float:
    if tempo is None:
        return STYLES[style].tempo
    held = min(300.0, max(20.0, tempo))
    if held != tempo:
        remarks.append(f"its tempo of {tempo:.0f} became {held:.0f}")
    return held


def _on_grid(music: Music, bar: int, remarks: list[str]) -> tuple[list[tuple[str, list[Note]]], int]:
    """The parts that sound, their notes on the grid, and how many steps of rest were put before an upbeat."""
    pad = round(-music.barline) % bar
    first = min((s.start for part in music.parts for s in part.sounds), default=0)
    empty = 0 if music.style else round(first + pad) // bar  # a stranger's empty bars before the music say nothing
    if empty:
        remarks.append(f"{_count(empty, 'empty bar')} before the music left out")
        pad -= empty * bar
    limit = (MAX_BARS if music.style else MAX_SEED_BARS) * bar
    last = max((round(s.start + pad) for part in music.parts for s in part.sounds), default=0)
    moved = [[Sound(s.pitch, s.start + pad, s.end + pad) for s in part.sounds] for part in music.parts]
    within = [[s for s in sounds if round(s.start) < limit] for sounds in moved]
    late = within != moved
    gates = gates_of([Spans(sounds) for sounds in within]) if music.played else [None] * len(within)
    parts, rounded, short = [], 0, 0
    for part, sounds, gate in zip(music.parts, within, gates):
        rounded += sum(abs(s.start - round(s.start)) > OFF_GRID for s in sounds)
        notes, left_out = quantised(sounds, bar, limit, last, gate)
        short += left_out
        if notes:
            parts.append((part.name, notes))
    if rounded:
        remarks.append(f"{_count(rounded, 'note')} moved onto the sixteenth grid")
    if short:
        remarks.append(f"{_count(short, 'note')} shorter than a sixteenth left out")
    if late:
        remarks.append(f"what comes after bar {limit // bar - (pad > 0)} was left out")
    return parts, max(pad, 0)


def _guess_style(parts: list[tuple[str, list[Note]]], meter: str) -> str:
    """A single line in a compound meter is a dance tune; everything else goes among the chorales."""
    return "dance" if len(parts) == 1 and is_line(parts[0][1]) and meter in ("6/8", "9/8") else "chorale"


def _voices(parts: list[tuple[str, list[Note]]], style: str, remarks: list[str]) -> list[Note]:
    """Give every note its voice: by the parts' names, else part by part, else by telling lines apart."""
    named = _named(parts, remarks)
    lines = [] if named else _lines(_distinct([notes for _, notes in parts], remarks), remarks)
    count = len(STYLES[style].voices)
    if (len({n.voice for n in named}) if named else len(lines)) > count:
        top = "line was" if count == 1 else f"{count} lines were"
        remarks.append(f"only the top {top} kept, since {STYLES[style].voiced()}")
    if named:
        kept = sorted({n.voice for n in named})[:count]
        where = {voice: min(i, voice) if kept[-1] >= count else voice for i, voice in enumerate(kept)}
        return [replace(n, voice=where[n.voice]) for n in named if n.voice in where]
    lines = lines[:count]
    voices = (0,) if len(lines) == 1 else place([mean(n.pitch for n in line) for line in lines], style)
    return [replace(n, voice=voice) for voice, line in zip(voices, lines) for n in line]


def _named(parts: list[tuple[str, list[Note]]], remarks: list[str]) -> list[Note]:
    """The notes with the voices their parts are named after; [] unless all parts, or four of them, have such names."""
    found: dict[int, list[Note]] = {}
    for name, notes in parts:
        voice = next((i for i, v in enumerate(VOICES) if name.strip().lower().startswith(v)), None)
        if voice is not None and is_line(notes):
            found.setdefault(voice, notes)
    others = len(parts) - len(found)
    if others and len(found) < len(VOICES):
        return []
    if others:
        remarks.append(f"{_count(others, 'part')} besides the four voices left out")
    return [replace(n, voice=voice) for voice, notes in found.items() for n in notes]


def _distinct(parts: list[list[Note]], remarks: list[str]) -> list[list[Note]]:
    """The parts without those that only double another, in unison or octaves, as tablatures and second players do."""
    if len(parts) > MOST_COMPARED:
        return parts
    kept: list[list[Note]] = []
    for notes in sorted(parts, key=len, reverse=True):
        if not any(_doubles(notes, other) for other in kept):
            kept.append(notes)
    if len(kept) < len(parts):
        remarks.append(f"{_count(len(parts) - len(kept), 'part')} that doubled another left out")
    return [notes for notes in parts if any(notes is other for other in kept)]


def _doubles(notes: list[Note], other: list[Note]) -> bool:
    """Whether another part has all the notes of this one; of many notes almost all, or all but octaves apart."""
    least = len(notes) * (ALMOST if len(notes) >= ENOUGH else 1)
    octaves = max(n.pitch for n in other) - max(n.pitch for n in notes)
    shifts = {0, octaves} if octaves % 12 == 0 and len(notes) >= ENOUGH else {0}
    has = {(n.start, n.pitch) for n in other}
    return any(sum((n.start, n.pitch + shift) in has for n in notes) >= least for shift in shifts)


def _lines(parts: list[list[Note]], remarks: list[str]) -> list[list[Note]]:
    """One to four lines, from the top down."""
    if len(parts) <= len(VOICES) and all(is_line(notes) for notes in parts):
        return sorted(parts, key=lambda line: -mean(n.pitch for n in line))
    together = {(n.start, n.pitch): n for notes in parts for n in sorted(notes, key=lambda n: n.duration)}
    notes = list(together.values())
    count = min(len(VOICES), most_at_once(notes))
    lines, dropped = separate(notes, count)
    if dropped:
        remarks.append(f"{_count(dropped, 'note')} beyond four at a time left out")
    return lines


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
    kept = f"Kept {_count(len(notes), 'note')} in {score.length}: {who}."
    text = "; ".join(remarks)
    return f"{kept} {text[0].upper()}{text[1:]}." if text else kept


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
