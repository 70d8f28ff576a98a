"""Voices as a file numbers them -> lines as one hears them: ties joined, renumbered and wandering voices made one."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import mean
from typing import NamedTuple

from musicgen.io.grid import Sound

SAME_TIME = 0.02  # steps that two times may differ and still be one
MAX_LINES = 16  # voices of a part; in what has more, lines cannot be told apart by their numbers


class Heard(NamedTuple):
    """A written note; times in steps from the start of its bar."""

    staff: str
    voice: str
    pitch: int
    start: float
    end: float
    tied: bool  # to the one before


@dataclass
class Line:
    """The notes of one voice on one staff, and the bars in which it has some."""

    staff: str
    voice: str
    sounds: list[Sound] = field(default_factory=list)
    bars: set[int] = field(default_factory=set)

    @property
    def height(self) -> float:
        return mean(sound.pitch for sound in self.sounds)

    def take(self, other: "Line"):
        self.sounds = sorted(self.sounds + other.sounds, key=lambda s: s.start)
        self.bars |= other.bars

    def follows(self, other: "Line") -> bool:
        common = len(self.bars & other.bars)
        return not common or (common == 1 and not self.overlaps(other))

    def overlaps(self, other: "Line") -> bool:
        sounds = sorted(self.sounds + other.sounds, key=lambda s: s.start)
        mine, until, owner = {id(s) for s in self.sounds}, float("-inf"), None
        for sound in sounds:
            own = id(sound) in mine
            if own != owner and sound.start < until - SAME_TIME:
                return True
            if sound.end >= until or own != owner:
                until, owner = sound.end, own
        return False


class Lines:
    """The lines of one part, filled bar by bar in the order of playing."""

    def __init__(self):
        self.lines: dict[tuple[str, str], Line] = {}
        self.open = defaultdict(dict)  # (pitch, end) -> the notes that a tie would lengthen, by staff and voice
        self.bars = 0

    def add(self, notes: Sequence[Heard], start: float, length: float, filled: float):
        """Add a bar; a note that is held to the end of one with too little in it is held to the bar line.

        Args:
            notes: of the bar, in steps from its start.
            start: the step at which it is played.
            length: steps that it is played.
            filled: steps up to which it is written.
        """
        self.bars += 1
        for note in sorted(notes, key=lambda n: n.start):
            end = start + (length if abs(note.end - filled) < SAME_TIME else note.end)
            line, index = (note.tied and self._tied(note, start)) or self._begun(note, start)
            line.sounds[index] = Sound(note.pitch, line.sounds[index].start, start + note.end)
            line.bars.add(self.bars)
            self.open[note.pitch, round(end, 2)][note.staff, note.voice] = line, index

    def _tied(self, note: Heard, start: float) -> tuple[Line, int] | None:
        """The note that this one lengthens: its own voice's, else any."""
        waiting = self.open.get((note.pitch, round(start + note.start, 2)))
        if not waiting:
            return None
        own = (note.staff, note.voice)
        return waiting.pop(own if own in waiting else next(iter(waiting)))

    def _begun(self, note: Heard, start: float) -> tuple[Line, int]:
        key = (note.staff, note.voice) if len(self.lines) < MAX_LINES else next(iter(self.lines))
        line = self.lines.setdefault(key, Line(*key))
        line.sounds.append(Sound(note.pitch, start + note.start, start + note.end))
        return line, len(line.sounds) - 1

    def joined(self) -> list[list[Sound]]:
        """A voice that crosses staves is one line, and so are voices of a staff that are never in the same bar.

        In one bar they may be, in which the one takes over from the other.
        """
        lines: list[Line] = []
        for line in sorted(self.lines.values(), key=lambda n: (min(n.bars), n.staff, n.voice)):
            same = [o for o in lines if o.voice == line.voice and o.staff != line.staff and not o.overlaps(line)]
            same = same or [o for o in lines if o.staff == line.staff and o.follows(line)]
            if same:
                min(same, key=lambda o: abs(o.height - line.height)).take(line)
            else:
                lines.append(line)
        return [line.sounds for line in sorted(lines, key=lambda n: (n.staff, n.voice))]
