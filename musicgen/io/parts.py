"""The parts of a file -> lines: what is one line stays one, beside the chords of others too; the tune is on top."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from statistics import mean

from musicgen.io.voicing import is_line, most_at_once, separate
from musicgen.score import VOICES, Note

MOST_COMPARED = 32  # parts; of an orchestra the notes are pooled anyway
ENOUGH = 8  # notes that tell a part in octaves from a chord
ALMOST = 0.9  # the part of so many notes that tells a part that doubles another
DIVIDED = 0.25  # the part of a named voice's notes that may have a second one beside them
SELDOM = 0.1  # the same of any other line
LONGEST_LABEL = 30  # characters
SINGS = re.compile(
    r"\b(voi(ce|x)|vo[cz](als?|e)?|sing|solo|melod|tune|lead|cant[oui]|chant|sopran|mezzo|tenor|barit)|stimme|gesang",
    re.IGNORECASE,
)


@dataclass(frozen=True, eq=False)
class FilePart:
    """A part of a file, on the grid: one line, or several that may hold chords."""

    name: str
    number: int  # in the file, from 1
    lines: list[list[Note]]

    @property
    def label(self) -> str:
        return " ".join(self.name.split())[:LONGEST_LABEL] or f"part {self.number}"

    @cached_property
    def notes(self) -> list[Note]:
        """All of them, each once."""
        known = {(n.start, n.pitch): n for line in self.lines for n in sorted(line, key=lambda n: n.duration)}
        return sorted(known.values(), key=lambda n: (n.start, -n.pitch))

    def line(self, divided: float, lowest: bool = False) -> list[Note]:
        """Its one line, of chords the highest or the lowest note; [] if it is none.

        `divided` is the part of its notes that may have others beside or between them.
        """
        longest = sorted(max(self.lines, key=len), key=lambda n: (n.start, -n.pitch))
        chords = [list(chord) for _, chord in groupby(longest, key=lambda n: n.start)]
        line = [chord[-1 if lowest else 0] for chord in chords]
        return line if is_line(line) and len(self.notes) - len(line) <= divided * len(self.notes) else []


@dataclass(frozen=True)
class Arrangement:
    """One to four lines from the top down, and what the visitor should know of them."""

    lines: Sequence[Sequence[Note]]
    voices: Sequence[int] | None = None  # of each line, where their names tell
    tune: FilePart | None = None  # the part that is on top, if one is kept apart
    below: Sequence[FilePart] = ()  # those that the other lines are from
    remarks: tuple[str, ...] = ()


def lines_of(instruments: Sequence[FilePart], chosen: FilePart | None = None) -> Arrangement:
    """The lines of what a file holds; if a part is `chosen`, it is on top, else one that is the tune."""
    return (None if chosen else _named(instruments)) or _beside(instruments, chosen)


def _named(instruments: Sequence[FilePart]) -> Arrangement | None:
    """The voices that parts are named after; None unless all parts, or four of them, have such names."""
    found: dict[int, tuple[FilePart, list[Note]]] = {}
    names = [instrument.name.strip().lower() for instrument in instruments]
    for name, instrument in zip(names, instruments):
        voice = next((i for i, v in enumerate(VOICES) if name.startswith(v)), None)
        if voice is not None and names.count(name) == 1:
            line = instrument.line(DIVIDED, lowest=voice == len(VOICES) - 1)
            if line:
                found.setdefault(voice, (instrument, line))
    others = len(instruments) - len(found)
    if not found or (others and len(found) < len(VOICES)):
        return None
    voices = sorted(found)
    remarks = [f"{count(others, 'part')} besides the four voices left out"] if others else []
    remarks += [_second(*found[voice]) for voice in voices]
    return Arrangement([found[voice][1] for voice in voices], voices, remarks=tuple(filter(None, remarks)))


def _beside(instruments: Sequence[FilePart], chosen: FilePart | None) -> Arrangement:
    """Parts that are one line stay so where there is room; all others are pooled and divided into what room is left."""
    kept = _distinct(instruments, chosen)
    doubling = len(instruments) - len(kept)
    remarks = [f"{count(doubling, 'part')} that doubled another left out"] if doubling else []

    lines = [line for i in kept for line in i.lines]
    if not chosen and len(lines) <= len(VOICES) and all(is_line(line) for line in lines):
        return Arrangement(sorted(lines, key=lambda line: -_height(line)), remarks=tuple(remarks))

    # Which parts are lines, and which of them is the tune.
    single = {i.number: line for i in kept if (line := i.line(DIVIDED if SINGS.search(i.name) else SELDOM))}
    tune = chosen or _tune(kept, single)
    alone = [i for i in kept if i is not tune and i.number in single]
    if len(alone) >= len(VOICES):
        alone = []
    remarks += [_second(i, single[i.number]) for i in kept if i in alone or (i is tune and i.number in single)]

    # What is neither, without what doubles the tune.
    pooled = [i for i in kept if i not in alone and not (i is tune and i.number in single)]
    pool = FilePart("", 0, [i.notes for i in pooled]).notes
    room = len(VOICES) - len(alone) - (tune is not None)
    top = (single.get(tune.number) or separate(tune.notes, _most(tune.notes))[0][0]) if tune else []
    if top and (tune in pooled or _doubles(top, pool)):
        known = {(n.start, n.pitch) for n in top}
        pool = [n for n in pool if (n.start, n.pitch) not in known]
    more, dropped = separate(pool, min(room, _most(pool))) if pool and room else ([], len(pool))
    remarks += [f"{count(dropped, 'note')} beyond four at a time left out"] if dropped else []

    found = sorted([single[i.number] for i in alone] + more, key=lambda line: -_height(line))
    below = alone + [i for i in pooled if more and i is not tune]
    return Arrangement([top, *found] if tune else found, None, tune, below, tuple(filter(None, remarks)))


def _tune(instruments: Sequence[FilePart], single: dict[int, list[Note]]) -> FilePart | None:
    """The part that sings, else the highest line, unless most of what is beside it is higher."""
    lines = sorted((i for i in instruments if i.number in single), key=lambda i: -_height(i.notes))
    singing = [i for i in lines if SINGS.search(i.name)]
    if singing or not lines:
        return singing[0] if singing else None
    others = [n for i in instruments if i is not lines[0] for n in i.notes]
    return lines[0] if others and _height(lines[0].notes) >= _height(others) else None


def _second(instrument: FilePart, line: Sequence[Note]) -> str:
    """A phrase for what is left out of a divided part, if anything is."""
    left = len(instrument.notes) - len(line)
    return f"{count(left, 'second note')} of the divided {instrument.label} left out" if left else ""


def _distinct(instruments: Sequence[FilePart], chosen: FilePart | None) -> list[FilePart]:
    """The parts without those that only double another, in unison or octaves, as tablatures and second players do.

    A line that is a part of chords is none of these.
    """
    if len(instruments) > MOST_COMPARED:
        return list(instruments)
    kept: list[FilePart] = []
    for part in sorted(instruments, key=lambda i: (i is not chosen, -len(i.notes))):
        line = bool(part.line(SELDOM))
        if not any(_doubles(part.notes, other.notes) for other in kept if not line or other.line(SELDOM)):
            kept.append(part)
    return [part for part in instruments if part in kept]


def _doubles(notes: Sequence[Note], other: Sequence[Note]) -> bool:
    """Whether other notes have all of these among them; of many notes almost all, or all but octaves apart."""
    if not other:
        return False
    least = len(notes) * (ALMOST if len(notes) >= ENOUGH else 1)
    octaves = max(n.pitch for n in other) - max(n.pitch for n in notes)
    shifts = {0, octaves} if octaves % 12 == 0 and len(notes) >= ENOUGH else {0}
    has = {(n.start, n.pitch) for n in other}
    return any(sum((n.start, n.pitch + shift) in has for n in notes) >= least for shift in shifts)


def _height(notes: Sequence[Note]) -> float:
    return mean(n.pitch for n in notes)


def _most(notes: Sequence[Note]) -> int:
    return min(len(VOICES), most_at_once(notes))


def count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
