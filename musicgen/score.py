"""The canvas: a four-voice score on a sixteenth grid, some of whose cells are fixed.

A cell holds `REST`, `HOLD` (the voice's note goes on) or a MIDI pitch (a new onset). Everything a model reads or writes
is such a grid, and everything a visitor hears, sees or downloads is made from one.
"""

import unicodedata
from dataclasses import dataclass, replace
from itertools import combinations
from typing import ClassVar

import numpy as np

REST, HOLD = -1, -2
VOICES = ("soprano", "alto", "tenor", "bass")
VOICE_PAIRS = tuple(combinations(range(len(VOICES)), 2))  # upper and lower
LOW, HIGH = 33, 93  # the lowest and highest MIDI pitch any model knows
STEPS_PER_QUARTER = 4
MAX_BARS = 64  # of any score; a seed and what is composed from it
LONGEST_LINE = 100  # characters of a title or a name
SLOWEST, FASTEST = 20, 300  # quarter notes a minute


class ScoreError(ValueError):
    """A score breaks the grammar; the message names the bar and the voice."""


@dataclass(frozen=True)
class Meter:
    name: str
    steps: int  # sixteenths a bar
    beat: int  # sixteenths a beat

    @property
    def beats(self) -> int:
        return self.steps // self.beat


@dataclass(frozen=True)
class Style:
    """A kind of music, all of it: to add one is an entry in `STYLES`, after the others, and a source in `train.data`.

    Raises `ValueError` where its parts do not fit together.
    """

    name: str
    title: str  # of a sheet of it
    voices: tuple[str, ...]  # their names from the top down, one to four
    ranges: tuple[tuple[int, int], ...]  # lowest and highest MIDI pitch each of them may sound
    instrument: str  # a key of `musicgen.io.soundfont.INSTRUMENTS`
    program: int  # the same by its General MIDI number, from 0
    tempo: float  # beats a minute, where none is asked for
    breath: int  # beats that all voices may rest together in what is composed
    rhythm_temperature: float = 1  # times the temperature is that of whether a note begins: the cooler, the evener
    hold_shift_spread: float = 0.2  # standard deviation of what seeds are believed to add to the log-odds of a hold

    def __post_init__(self):
        count = len(self.voices)
        self._need(1 <= count <= len(VOICES), f"it has {count} voices: give it 1 to {len(VOICES)}")
        self._need(len(self.ranges) == count, f"it has {count} voices and {len(self.ranges)} ranges: give each its own")
        for voice, (low, high) in zip(self.voices, self.ranges):
            known = LOW <= low <= high <= HIGH
            self._need(known, f"{voice}: models know pitches {LOW}-{HIGH}, not all of {low}-{high}")
        self._need(SLOWEST <= self.tempo <= FASTEST, f"its tempo {self.tempo} is outside {SLOWEST}-{FASTEST}")
        self._need(0 <= self.program < 128, f"its program {self.program} is none of General MIDI's, 0-127")
        self._need(self.breath >= 0, f"its breath {self.breath} is less than none")
        self._need(self.rhythm_temperature > 0, f"its rhythm temperature {self.rhythm_temperature} is not above 0")
        self._need(self.hold_shift_spread > 0, f"its hold shift spread {self.hold_shift_spread} is not above 0")

    def _need(self, fits: bool, what: str):
        if not fits:
            raise ValueError(f"style {self.name!r}: {what}")

    def tempo_in(self, meter: str) -> float:
        """Its usual tempo in a meter, quarter notes a minute: as many beats, each as long as the meter's."""
        return self.tempo * METERS[meter].beat / STEPS_PER_QUARTER

    def voice(self, index: int) -> str:
        """A voice as sentences and files call it, from the top down; one that the style does not use as in a choir."""
        return (self.voices[index] if index < len(self.voices) else VOICES[index]).lower()

    def voiced(self) -> str:
        """How many voices it has, in words."""
        return f"a {self.name} has {'one voice' if len(self.voices) == 1 else f'{len(self.voices)} voices'}"


METERS = {  # models know a meter by its place
    m.name: m
    for m in (Meter("4/4", 16, 4), Meter("3/4", 12, 4), Meter("6/8", 12, 6), Meter("2/4", 8, 4), Meter("9/8", 18, 6))
}
METERS_BY_LENGTH = sorted(METERS, key=lambda name: [int(number) for number in name.split("/")][::-1])  # for people
LONGEST_BAR = max(meter.steps for meter in METERS.values())  # steps
STYLES = {
    s.name: s
    for s in (
        Style(
            name="chorale",
            title="Chorale",
            voices=("Soprano", "Alto", "Tenor", "Bass"),
            ranges=((57, 81), (52, 76), (45, 71), (35, 66)),
            instrument="organ",
            program=19,
            tempo=80,
            breath=0,
            hold_shift_spread=0.3,
        ),
        Style(
            name="dance",
            title="Dance tune",
            voices=("Melody",),
            ranges=((54, 93),),
            instrument="fiddle",
            program=110,
            tempo=110,
            breath=1,
            rhythm_temperature=0.83,
            hold_shift_spread=0.1,
        ),
    )
}


@dataclass(frozen=True)
class Note:
    voice: int
    pitch: int  # MIDI
    start: int  # steps
    duration: int  # steps


@dataclass(frozen=True)
class Score:
    """Cells `(T, 4)`, voices from the top, T = bars x steps a bar.

    A piece that begins with an upbeat has a first bar of `upbeat` steps on paper: on the grid it is a whole one whose
    other steps, up to `begins`, are not there for anybody who sees or hears the piece.

    Raises `ScoreError` where the cells break the grammar: no HOLD at the start or after a REST, every pitch inside its
    voice's range, only the upper voices that the style has, nothing before the upbeat.
    """

    cells: np.ndarray  # (T, 4) int
    style: str = "chorale"
    meter: str = "4/4"
    tempo: float = 80.0  # quarter notes a minute
    upbeat: int = 0  # steps of the first bar, less than a whole one; 0 if there is no upbeat
    title: str = ""  # what somebody has called the music, and who that was, as `plain` text
    author: str = ""

    def __post_init__(self):
        cells = np.array(self.cells, dtype=np.int64)
        cells.setflags(write=False)
        object.__setattr__(self, "cells", cells)
        for name in ("title", "author"):
            object.__setattr__(self, name, plain(getattr(self, name)))
        self._check()

    def _check(self):
        if self.style not in STYLES:
            raise ScoreError(f"unknown style {self.style!r}: choose one of {', '.join(STYLES)}")
        if self.meter not in METERS:
            raise ScoreError(f"unknown meter {self.meter!r}: choose one of {', '.join(METERS)}")
        if not SLOWEST <= self.tempo <= FASTEST:
            raise ScoreError(f"tempo {self.tempo:g} is outside {SLOWEST}-{FASTEST} quarter notes a minute")
        if self.cells.ndim != 2 or self.cells.shape[1] != 4 or len(self.cells) % METERS[self.meter].steps:
            raise ScoreError(f"cells of shape {self.cells.shape} are not whole bars of four voices in {self.meter}")
        if type(self.upbeat) is not int or not 0 <= self.upbeat < METERS[self.meter].steps:
            raise ScoreError(f"an upbeat of {self.upbeat} steps is not shorter than a bar of {self.meter}")
        early = (np.arange(self.steps) < self.begins)[:, None]
        self._refuse((self.cells != REST) & early, "sounds before the upbeat")
        silent = np.vstack([np.ones((1, 4), bool), self.cells[:-1] == REST])[: len(self.cells)]
        self._refuse((self.cells == HOLD) & silent, "holds a note that was never begun")
        self._refuse((self.cells < HOLD), "has a cell that is neither a pitch, REST nor HOLD")
        low, high = voice_ranges(self.style)
        outside = (self.cells >= 0) & ((self.cells < low) | (self.cells > high))
        self._refuse(outside, f"leaves its range in a {self.style}")

    def _refuse(self, wrong: np.ndarray, what: str):
        if wrong.any():
            step, voice = np.argwhere(wrong)[0]
            called = STYLES[self.style].voice(int(voice))
            raise ScoreError(f"bar {self.bar_at(step)}, {called}: the voice {what} (cell {self.cells[step, voice]})")

    def __eq__(self, other):
        if not isinstance(other, Score):
            return NotImplemented
        names = ("style", "meter", "tempo", "upbeat", "title", "author")
        return all(getattr(self, name) == getattr(other, name) for name in names) and np.array_equal(
            self.cells, other.cells
        )

    __hash__: ClassVar[None] = None

    @property
    def steps(self) -> int:
        return len(self.cells)

    @property
    def bars(self) -> int:
        return self.steps // METERS[self.meter].steps

    @property
    def begins(self) -> int:
        """The step at which the piece begins."""
        return METERS[self.meter].steps - self.upbeat if self.upbeat else 0

    @property
    def first_bar(self) -> int:
        """The first bar's number: an upbeat is bar 0."""
        return 0 if self.upbeat else 1

    def bar_at(self, step: int) -> int:
        """The number of the bar that a step is in."""
        return int(step) // METERS[self.meter].steps + self.first_bar

    @property
    def called(self) -> str:
        """Title and author, as far as they are known."""
        if self.author:
            return f"{self.title or 'Music'}, by {self.author}"
        return self.title

    @property
    def length(self) -> str:
        """How long it is, in words."""
        bars = f"{self.bars} bar{'' if self.bars == 1 else 's'} of {self.meter}"
        return f"{bars} with the upbeat" if self.upbeat else bars

    @property
    def seconds_per_step(self) -> float:
        return 60 / self.tempo / STEPS_PER_QUARTER

    @property
    def seconds(self) -> float:
        return (self.steps - self.begins) * self.seconds_per_step

    def replace(self, **changes) -> "Score":
        return replace(self, **changes)

    def sounding(self) -> np.ndarray:
        """The pitch each cell sounds, `(T, 4)`: every HOLD replaced by its note, silence is REST."""
        return sounding(self.cells)

    @property
    def heard(self) -> list[int]:
        """The voices that have notes."""
        return [int(voice) for voice in np.flatnonzero((self.cells >= 0).any(axis=0))]

    def only(self, voice: int) -> "Score":
        """The same with all other voices silent."""
        cells = np.full_like(self.cells, REST)
        cells[:, voice] = self.cells[:, voice]
        return self.replace(cells=cells)

    def notes(self) -> list[Note]:
        """Every note, by start and then from the top voice down."""
        found = []
        for voice in range(4):
            column = self.cells[:, voice]
            for start in np.flatnonzero(column >= 0):
                tail = column[start + 1 :] != HOLD
                duration = int(tail.argmax()) + 1 if tail.any() else len(column) - start
                found.append(Note(voice, int(column[start]), int(start), int(duration)))
        return sorted(found, key=lambda n: (n.start, n.voice))


def plain(text: str) -> str:
    """A title or a name from anybody as one short line, without characters that control how it is shown."""
    joins = "\u200c\u200d"  # within words of some scripts
    shown = (c for c in " ".join(text.split()) if c in joins or not unicodedata.category(c).startswith("C"))
    line = "".join(shown).strip()
    return line if len(line) <= LONGEST_LINE else f"{line[: LONGEST_LINE - 1].rstrip()}…"


def voice_ranges(style: str) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest pitch `(4,)` of each voice; an unused voice has an empty range (128, -1)."""
    ranges = STYLES[style].ranges
    ranges += ((128, -1),) * (4 - len(ranges))
    low, high = np.array(ranges).T
    return low, high


def sounding(cells: np.ndarray) -> np.ndarray:
    """Cells `(T, 4)` -> the pitch that sounds in each, REST where none does."""
    row = np.where(cells == HOLD, 0, np.arange(len(cells))[:, None])  # (T, 4) the row a cell's pitch stands in
    return np.take_along_axis(cells, np.maximum.accumulate(row, axis=0), axis=0)


def from_notes(notes: list[Note], steps: int) -> np.ndarray:
    """Notes -> cells `(steps, 4)`; a later note cuts an earlier one of its voice short."""
    cells = np.full((steps, 4), REST, dtype=np.int64)
    for note in sorted(notes, key=lambda n: n.start):
        end = min(note.start + note.duration, steps)
        cells[note.start : end, note.voice] = HOLD
        cells[note.start, note.voice] = note.pitch
        if end < steps and cells[end, note.voice] == HOLD:
            cells[end:, note.voice] = REST
    return cells


@dataclass(frozen=True)
class Canvas:
    """A score and which of its cells are fixed `(T, 4)`; a model composes the others.

    Free cells carry REST. A fixed HOLD whose left neighbour is free becomes an onset of the same pitch, since what it
    would hold is not known yet. The voices that its style does not use are fixed rests, and so is what would stand
    before an upbeat.
    """

    score: Score
    fixed: np.ndarray  # (T, 4) bool

    def __post_init__(self):
        score, fixed = self.score, np.array(self.fixed, dtype=bool)
        if fixed.shape != score.cells.shape:
            raise ScoreError(f"fixed has shape {fixed.shape}, the cells {score.cells.shape}")
        fixed[:, len(STYLES[score.style].ranges) :] = True
        fixed[: score.begins] = True
        cut = np.vstack([np.zeros((1, 4), bool), ~fixed[:-1]])[: len(fixed)]
        cells = np.where((score.cells == HOLD) & cut, score.sounding(), score.cells)
        fixed.setflags(write=False)
        object.__setattr__(self, "fixed", fixed)
        object.__setattr__(self, "score", score.replace(cells=np.where(fixed, cells, REST)))

    @classmethod
    def blank(cls, bars: int, style: str = "chorale", meter: str = "4/4", tempo: float | None = None) -> "Canvas":
        """So many `bars` of a `style` and `meter`, nothing fixed; `tempo` in quarter notes a minute, or the usual."""
        cells = np.full((bars * METERS[meter].steps, 4), REST)
        return cls(Score(cells, style, meter, tempo or STYLES[style].tempo_in(meter)), np.zeros(cells.shape, bool))

    def extended(self, bars: int) -> "Canvas":
        """The same canvas, `bars` bars long in all: free bars added at the end, or the surplus cut off."""
        steps = bars * METERS[self.score.meter].steps
        more = max(0, steps - self.score.steps)
        cells = np.pad(self.score.cells, ((0, more), (0, 0)), constant_values=REST)[:steps]
        fixed = np.pad(self.fixed, ((0, more), (0, 0)))[:steps]
        return Canvas(self.score.replace(cells=cells), fixed)

    @classmethod
    def keep_voices(cls, score: Score, voices: list[int]) -> "Canvas":
        """Fix the given voices over the whole piece (harmonise)."""
        fixed = np.zeros(score.cells.shape, bool)
        fixed[:, voices] = True
        return cls(score, fixed)

    @classmethod
    def free_bars(cls, score: Score, first: int, last: int) -> "Canvas":
        """Fix all but bars `first` to `last`, counted from 1, or from 0 where that is an upbeat (repair)."""
        steps, least = METERS[score.meter].steps, score.first_bar
        if not least <= first <= last < least + score.bars:
            raise ScoreError(f"bars {first}-{last} are not in this piece of {score.bars} bars")
        fixed = np.ones(score.cells.shape, bool)
        fixed[(first - least) * steps : (last + 1 - least) * steps] = False
        return cls(score, fixed)

    @property
    def seed_steps(self) -> int:
        """Steps up to the last one with a fixed cell of a voice in use: where the given part ends."""
        begins = self.score.begins
        used = self.fixed[begins:, : len(STYLES[self.score.style].ranges)].any(axis=1)
        return begins + int(np.flatnonzero(used)[-1]) + 1 if used.any() else 0


@dataclass(frozen=True)
class Patch:
    """Cells `(n, 4)` to write from step `start` on; a later patch may overwrite an earlier one."""

    start: int
    cells: np.ndarray
