"""Reads the bars of one part of a MusicXML score, in order: its notes, how far they reach, and its signs."""

import math
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from musicgen.io.arrange import SeedError
from musicgen.io.bars import Measure
from musicgen.io.lines import Heard
from musicgen.io.voicing import SEMITONES
from musicgen.io.xmlfile import BROKEN
from musicgen.score import STEPS_PER_QUARTER

SIGNS = {"sharp": 1, "double-sharp": 2, "sharp-sharp": 2, "flat": -1, "flat-flat": -2}
QUARTERS = {
    "maxima": 32, "long": 16, "breve": 8, "whole": 4, "half": 2, "quarter": 1, "eighth": 1 / 2, "16th": 1 / 4,
    "32nd": 1 / 8, "64th": 1 / 16, "128th": 1 / 32, "256th": 1 / 64,
}  # fmt: skip
JUMPS = re.compile(r"\bD\. ?[CS]\.|\bd[ac] capo\b|\bdal segno\b", re.IGNORECASE)
PLAIN_LINES = (None, "regular", "none", "short", "tick", "dotted", "dashed")  # that part nothing from anything


def number(text: str | None, otherwise: float = 0.0) -> float:
    """A finite number of a sensible size. Raises SeedError if it is none."""
    if text is None:
        return otherwise
    value = float(text)
    if not math.isfinite(value) or abs(value) > 1e6:
        raise SeedError(BROKEN)
    return value


def divisions_of(measures: Sequence[Element]) -> float | None:
    """Divisions a quarter note at a part's beginning, even where it says so late, or only by its notes' shapes."""
    for measure in measures:
        for divisions in measure.iter("divisions"):
            if number(divisions.text) > 0:
                return number(divisions.text)
    for measure in measures:
        for note in measure.findall("note"):
            quarters, duration = written_length(note), note.findtext("duration")
            if quarters and duration and number(duration) > 0:
                return number(duration) / quarters
    return None


def written_length(note: Element) -> float:
    """Quarter notes that a note's shape lasts; 0 if it has none."""
    quarters = QUARTERS.get((note.findtext("type") or "").strip(), 0)
    dots = min(4, len(note.findall("dot")))
    normal, actual = (number(note.findtext(f"time-modification/{n}-notes"), 1) for n in ("normal", "actual"))
    return quarters * (2 - 0.5**dots) * (normal / actual if actual > 0 < normal else 1)


@dataclass
class Bar:
    """A bar of one part; times in steps from its start."""

    notes: list[Heard] = field(default_factory=list)
    reach: float = 0.0  # where the last note ends, cue notes and percussion too
    ends: list[float] = field(default_factory=list)  # where each voice that has notes ends, its rests included
    rests: float = 0.0  # where rests end, but those that stand for a whole bar of any length
    meter: str | None = None
    tempos: list[float] = field(default_factory=list)  # quarter notes a minute


@dataclass
class PartReader:
    """What goes on from bar to bar."""

    divisions: float = 1
    transpose: dict[str, int] = field(default_factory=dict)  # semitones by staff; "" is all of them
    meter: str | None = None
    unpitched: bool = False
    tablatures: set[str] = field(default_factory=set)  # staves
    clefs: set[str] = field(default_factory=set)
    repeated: int = 0  # bars that a repeat sign in the bar stands for
    bars: list[Bar] = field(default_factory=list)

    def read(self, measure: Element) -> Bar:
        self.bar, self.key = Bar(meter=self.meter), ("1", "1")
        self.now = self.start = self.length = 0.0
        self.reached: dict[tuple, list[float]] = defaultdict(lambda: [0.0, 0.0])  # where notes, and all, of a voice end
        for element in measure:
            if element.tag == "attributes":
                self._attributes(element)
            elif element.tag == "backup":
                self.now = max(0.0, self.now - self._length(element))
            elif element.tag == "forward":
                self.now += self._length(element)
            elif element.tag == "note":
                self._note(element)
            elif element.tag in ("sound", "direction"):
                self._tempo(element)
        bar = self.bar
        bar.reach = max((notes for notes, _ in self.reached.values()), default=0.0)
        bar.ends = [end for notes, end in self.reached.values() if notes]
        if self.repeated and not bar.notes and len(self.bars) >= self.repeated:
            meant = self.bars[-self.repeated]
            bar.notes, bar.reach, bar.ends = meant.notes, meant.reach, meant.ends
        self.bars.append(bar)
        return bar

    def _attributes(self, element: Element):
        if number(element.findtext("divisions")) > 0:
            self.divisions = number(element.findtext("divisions"))
        time = element.find("time")
        if time is not None:
            self.meter = _meter(time)
            if not self.now or not self.bar.meter:  # one at the end of a bar is meant for the next
                self.bar.meter = self.meter
        for moved in element.findall("transpose"):
            octaves = number(moved.findtext("octave-change"))
            self.transpose[moved.get("number", "")] = int(number(moved.findtext("chromatic")) + 12 * octaves)
        for clef in element.findall("clef"):
            sign = (clef.findtext("sign") or "").strip()
            self.clefs.add(sign)
            if sign == "TAB":
                self.tablatures.add(clef.get("number", "1"))
        for details in element.findall("staff-details"):
            if (details.findtext("staff-type") or "").strip() == "alternate":
                self.tablatures.add(details.get("number", "1"))
        for sign in element.findall("measure-style/measure-repeat"):
            self.repeated = int(number(sign.text or "1")) if sign.get("type") == "start" else 0

    def _tempo(self, element: Element):
        """A mark's tempo: what it says is played, if that is one, else what is printed."""
        heard = [_tempo_of(sound.get("tempo")) for sound in element.iter("sound")]
        printed = [_metronome(mark) for mark in element.iter("metronome")]
        self.bar.tempos += [tempo for tempo in heard + printed if tempo][:1]

    def _length(self, element: Element) -> float:
        """Steps that an element lasts: by its duration, else by its shape."""
        duration = element.findtext("duration")
        quarters = written_length(element) if duration is None else number(duration) / self.divisions
        return max(0.0, quarters) * STEPS_PER_QUARTER

    def _note(self, element: Element):
        parts = {child.tag: child for child in element}  # looked up many times, in many notes
        if "grace" in parts:
            return
        if "chord" not in parts:
            self.start, self.length = self.now, self._length(element)
            self.now += self.length
            self.key = (element.findtext("staff") or "1").strip(), (element.findtext("voice") or "1").strip()
        end = self.start + self.length  # the notes of a chord last as long as its first one
        if "rest" in parts:
            self._rest(end, parts["rest"].get("measure") == "yes")
            return
        self.reached[self.key] = [max(end, reached) for reached in self.reached[self.key]]
        self.unpitched |= "unpitched" in parts
        if "pitch" in parts and "cue" not in parts and self.length > 0:
            ties = element.findall("tie") + element.findall("notations/tied")
            tied = any(tie.get("type") == "stop" for tie in ties)
            self.bar.notes.append(Heard(*self.key, self._pitch(element, parts["pitch"]), self.start, end, tied))

    def _rest(self, end: float, whole: bool):
        if not whole:
            self.reached[self.key][1] = max(end, self.reached[self.key][1])
            self.bar.rests = max(end, self.bar.rests)

    def _pitch(self, note: Element, pitch: Element) -> int:
        """MIDI; by the sign before the note where the pitch itself says nothing of one."""
        alter = number(pitch.findtext("alter"), SIGNS.get((note.findtext("accidental") or "").strip(), 0))
        step, octave = (pitch.findtext(name, "") for name in ("step", "octave"))
        midi = SEMITONES[step.strip().lower()] + 12 * (int(number(octave)) + 1)
        midi += math.floor(alter + 0.5) + self.transpose.get(self.key[0], self.transpose.get("", 0))
        return min(127, max(0, midi))


def _meter(time: Element) -> str | None:
    """Such as "3/4", or "5/8" of 3+2 eighths; None where bars are free. Of two meters in turn, their sum."""
    beats = [sum(int(number(b)) for b in (e.text or "").split("+")) for e in time.findall("beats")]
    pairs = list(zip(beats, (int(number(e.text)) for e in time.findall("beat-type"))))
    if not pairs or any(beats <= 0 or unit <= 0 for beats, unit in pairs):
        return None
    unit = max(unit for _, unit in pairs)
    return f"{sum(beats * unit // own for beats, own in pairs)}/{unit}"


def _tempo_of(text: str | None) -> float | None:
    """Quarter notes a minute from the first number in a text such as "c. 108"; None if it is none, or 0."""
    text = text or ""
    found = re.search(r"\d{1,4}(?:[.,]\d{1,3})?", text)
    tempo = float(found[0].replace(",", ".")) if found and not re.search(r"-\s*\d|\de", text[: found.end() + 1]) else 0
    return tempo or None


def _metronome(mark: Element) -> float | None:
    printed = _tempo_of(mark.findtext("per-minute"))
    quarters = QUARTERS.get((mark.findtext("beat-unit") or "quarter").strip())
    dots = min(4, len(mark.findall("beat-unit-dot")))
    return printed * quarters * (2 - 0.5**dots) if printed and quarters else None


def signs(measure: Element, into: Measure):
    """Adds what a bar of any part says of repeats and lines to what is known of the bar."""
    into.implicit |= measure.get("implicit") == "yes"
    for barline in measure.findall("barline"):
        repeat, right = barline.find("repeat"), barline.get("location", "right") != "left"
        marked = repeat is not None or (barline.findtext("bar-style") or "regular").strip() not in PLAIN_LINES
        into.closed |= marked and right
        into.opened |= marked and not right
        if repeat is not None and repeat.get("direction") == "backward":
            times = repeat.get("times") or ""
            into.times = max(2, int(times) if re.fullmatch(r"\d{1,2}", times) else 2)
        into.forward |= repeat is not None and repeat.get("direction") == "forward"
    into.jumps |= any(sound.get(jump) for sound in measure.iter("sound") for jump in ("dacapo", "dalsegno"))
    into.jumps |= any(JUMPS.search(words.text or "") for words in measure.iter("words"))


def endings(measures: Sequence[Element]) -> list[frozenset[int]]:
    """For each bar of a part, in which turns it is played, by the brackets above it; all if empty."""
    found, since, begun = [frozenset()] * len(measures), None, frozenset()
    for index, measure in enumerate(measures):
        for mark in sorted(measure.findall("barline/ending"), key=lambda m: m.get("type") != "start"):
            kind = mark.get("type")
            if since is not None:
                drawn = since if kind == "start" else index
                last = drawn if kind == "stop" else _left_open(measures, since, drawn, found)
                found[since : last + 1] = [begun or _turns(mark)] * (last + 1 - since)
            since, begun = (index, _turns(mark)) if kind == "start" else (None, begun)
    if since is not None:
        last = _left_open(measures, since, since, found)
        found[since : last + 1] = [begun] * (last + 1 - since)
    return found


def _turns(mark: Element) -> frozenset[int]:
    """The turns that a bracket names, such as "1, 2" or "1.-3."."""
    ranges = re.findall(r"(\d{1,2})\.?(?: *[-–] *(\d{1,2}))?", mark.get("number", ""))
    return frozenset(n for a, b in ranges for n in range(int(a), int(b or a) + 1)) - {0}


def _left_open(measures: Sequence[Element], since: int, index: int, before: Sequence[frozenset[int]]) -> int:
    """The last bar of an ending that begins with bar `since` and whose bracket is left open at bar `index`.

    A first ending lasts until the repeat. Any other, and one without a repeat, is as long as it is drawn.
    """
    if since and before[since - 1]:
        return index
    for later in range(index, len(measures)):
        lines = measures[later].findall("barline")
        signs = {repeat.get("direction") for line in lines for repeat in line.findall("repeat")}
        begins = any(ending.get("type") == "start" for line in lines for ending in line.findall("ending"))
        if later > index and (begins or "forward" in signs):
            return index
        if "backward" in signs:
            return later
    return index
