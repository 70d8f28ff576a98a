"""Reading MusicXML, plain or compressed, that may come from anybody: bounded in size and depth, no entities."""

import io
import math
import zipfile
from dataclasses import dataclass, field
from itertools import accumulate
from xml.etree import ElementTree
from xml.parsers import expat

from .arrange import MAX_SEED_BARS, Music, Part, SeedError, Sound
from .score import STEPS_PER_QUARTER, STYLES

STYLE_FIELD = "musicgen-style"  # the miscellaneous field by which we know our own files
MAX_BYTES = 10 * 1024 * 1024  # of the XML itself, unpacked
MAX_ELEMENTS, MAX_DEPTH = 300_000, 50
MAX_MEASURES = 256  # that are looked at: enough for the longest seed in bars of an eighth or two
SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
BROKEN = "this MusicXML file is damaged and cannot be read: choose another one, or export it again"


def read(data: bytes) -> Music:
    """What a MusicXML file says. Raises SeedError if it is none, broken, too large, or built to do harm."""
    root = _tree(_unpacked(data))
    if root.tag not in ("score-partwise", "score-timewise"):
        raise SeedError("this is no MusicXML score: choose a .musicxml or .mxl file exported by a notation program")
    try:
        return _music(root)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise error if isinstance(error, SeedError) else SeedError(BROKEN) from error


def _unpacked(data: bytes) -> bytes:
    """The XML inside a .mxl, read no further than is allowed whatever its header claims; plain XML as it is."""
    if data.startswith(b"PK"):
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                container = _tree(_member(archive, "META-INF/container.xml"))
                data = _member(
                    archive, next(e.get("full-path") for e in container.iter() if e.tag.endswith("rootfile"))
                )
        except SeedError:
            raise
        except Exception as error:  # zipfile raises a dozen kinds, zlib's and struct's among them
            raise SeedError("this .mxl file is damaged and cannot be unpacked: export it again") from error
    if len(data) > MAX_BYTES:
        raise SeedError(f"this MusicXML file is larger than {MAX_BYTES >> 20} MB: choose a shorter piece")
    return data


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    info = archive.getinfo(name)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise SeedError("this .mxl file is packed in an unusual way: export it again, or as .musicxml")
    with archive.open(info) as member:
        return member.read(MAX_BYTES + 1)


def _tree(data: bytes) -> ElementTree.Element:
    """Parse XML into a tree; nothing outside the file is ever fetched, and no entity may be declared."""
    parser, builder = expat.ParserCreate(), ElementTree.TreeBuilder()
    depth = count = 0

    def start(tag, attributes):
        nonlocal depth, count
        depth, count = depth + 1, count + 1
        if depth > MAX_DEPTH or count > MAX_ELEMENTS:
            raise SeedError("this MusicXML file holds too much: choose a shorter piece")
        builder.start(tag, attributes)

    def end(tag):
        nonlocal depth
        depth -= 1
        builder.end(tag)

    def refuse(*_):
        raise SeedError("this MusicXML file declares entities, which no score needs, and was refused: export it again")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.EntityDeclHandler = builder.data, refuse
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError) as error:  # LookupError: an encoding nobody knows
        raise error if isinstance(error, SeedError) else SeedError(BROKEN) from error
    return builder.close()


@dataclass
class _Reader:
    """Reads the bars of one part, in order. Times are in steps from the start of their bar."""

    divisions: float = 1
    transpose: int = 0
    tempos: list = field(default_factory=list)
    meter: str | None = None
    unpitched: int = 0
    start: float = 0  # of the last note, for the other notes of its chord
    now: float = 0

    def bar(self, measure: ElementTree.Element) -> tuple[list, float, str | None]:
        """Its notes `(voice, pitch, start, end, tied on)`, how long it is, and its meter."""
        self.now, notes, length = 0.0, [], 0.0
        for element in measure:
            if element.tag == "attributes":
                self._attributes(element)
            elif element.tag == "backup":
                self.now = max(0.0, self.now - self._duration(element))
            elif element.tag == "forward":
                self.now += self._duration(element)
            elif element.tag == "note":
                notes += self._note(element)
            self.tempos += [_number(s.get("tempo")) for s in element.iter("sound") if s.get("tempo")]
            length = max(length, self.now)
        return notes, length, self.meter

    def _attributes(self, element: ElementTree.Element):
        if element.find("divisions") is not None:
            self.divisions = max(1e-3, _number(element.findtext("divisions")))
        time = element.find("time")
        if time is not None and time.find("beats") is not None:
            beats = sum(int(_number(b)) for b in time.findtext("beats").split("+"))
            self.meter = f"{beats}/{int(_number(time.findtext('beat-type')))}"
        moved = element.find("transpose")
        if moved is not None:
            octaves = _number(moved.findtext("octave-change", "0"))
            self.transpose = int(_number(moved.findtext("chromatic", "0")) + 12 * octaves)

    def _duration(self, element: ElementTree.Element) -> float:
        return max(0.0, _number(element.findtext("duration", "0"))) / self.divisions * STEPS_PER_QUARTER

    def _note(self, element: ElementTree.Element) -> list[tuple]:
        if element.find("grace") is not None:
            return []
        if element.find("chord") is None:
            self.start = self.now
            self.now += self._duration(element)
        end = self.start + self._duration(element)
        self.unpitched += element.find("unpitched") is not None
        pitch = element.find("pitch")
        if pitch is None or element.find("cue") is not None or end <= self.start:
            return []
        midi = SEMITONES[pitch.findtext("step").strip()] + 12 * (int(pitch.findtext("octave")) + 1) + self.transpose
        midi += round(_number(pitch.findtext("alter", "0")))
        ties = {t.get("type") for t in element.findall("tie") + element.findall("notations/tied")}
        voice = element.findtext("staff", "1") + "." + element.findtext("voice", "1")
        return [(voice, min(127, max(0, midi)), self.start, end, "stop" in ties)]


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value) or abs(value) > 1e6:
        raise SeedError(BROKEN)
    return value


def _music(root: ElementTree.Element) -> Music:
    names = {p.get("id"): (p.findtext("part-name") or "").strip() for p in root.findall("part-list/score-part")}
    drums = {
        p.get("id") for p in root.findall("part-list/score-part") if p.findtext("midi-instrument/midi-channel") == "10"
    }
    readers, parts = {}, {}
    for name, measures in _measures(root).items():
        readers[name] = _Reader()
        parts[name] = [readers[name].bar(measure) for measure in measures]
    count = max(map(len, parts.values()), default=0)
    lengths = [max(bars[i][1] for bars in parts.values() if i < len(bars)) for i in range(count)]
    starts = [0.0, *accumulate(lengths)]
    meters = [
        next((bars[i][2] for bars in parts.values() if i < len(bars) and bars[i][2]), "4/4") for i in range(count)
    ]
    meters = meters[: MAX_SEED_BARS + 1]  # those of the bars that are kept
    meter = max(sorted(set(meters)), key=meters.count) if meters else "4/4"
    remarks = ["percussion was left out"] if drums or any(r.unpitched for r in readers.values()) else []
    if len(set(meters)) > 1:
        remarks.append(f"its changes of meter were left out, all is {meter}")
    tempos = [t for r in readers.values() for t in r.tempos] or _metronome(root)
    return Music(
        [p for name, bars in parts.items() if name not in drums for p in _voices(names.get(name, ""), bars, starts)],
        meter=meter,
        tempo=round(tempos[0], 2) if tempos else None,
        length=starts[-1],
        barline=_first_barline(starts, meters, meter),
        style=_own_style(root),
        remarks=tuple(remarks),
    )


def _measures(root: ElementTree.Element) -> dict[str, list]:
    """The bars of each part, from either way to nest them."""
    parts: dict[str, list] = {}
    for outer in root.findall("part" if root.tag == "score-partwise" else "measure"):
        for inner in outer.findall("measure" if outer.tag == "part" else "part"):
            parts.setdefault((outer if outer.tag == "part" else inner).get("id"), []).append(inner)
    return {name: measures[:MAX_MEASURES] for name, measures in parts.items()}


def _voices(name: str, bars: list, starts: list[float]) -> list[Part]:
    """One part -> a `Part` for each voice written in it, tied notes joined."""
    voices: dict[str, list[Sound]] = {}
    sounding: dict[tuple, int] = {}  # (pitch, end) -> (voice, index) of a note that a tied one may lengthen
    for (notes, _, _), bar_start in zip(bars, starts):
        for voice, pitch, start, end, tied in sorted(notes, key=lambda n: n[2]):
            sounds = voices.setdefault(voice, [])
            begun = sounding.pop((voice, pitch, round(bar_start + start, 3)), None) if tied else None
            if begun is None:
                sounds.append(Sound(pitch, bar_start + start, bar_start + end))
                begun = len(sounds) - 1
            sounds[begun] = Sound(pitch, sounds[begun].start, bar_start + end)
            sounding[voice, pitch, round(bar_start + end, 3)] = begun
    return [Part(name if len(voices) == 1 else "", sounds) for _, sounds in sorted(voices.items())]


def _first_barline(starts: list[float], meters: list[str], meter: str) -> float:
    """The step of the first bar line of the meter: after an upbeat, if the first bar is a short one."""
    first = meters.index(meter) if meter in meters else 0
    beats, unit = map(int, meter.split("/"))
    size = beats * 4 * STEPS_PER_QUARTER / max(1, unit)
    short = len(starts) > first + 1 and starts[first + 1] - starts[first] < size - 0.5
    return starts[first + 1] if short else starts[first] if starts else 0.0


def _metronome(root: ElementTree.Element) -> list[float]:
    """The tempo of the first metronome mark, in quarter notes a minute."""
    quarters = {"whole": 4, "half": 2, "quarter": 1, "eighth": 0.5, "16th": 0.25}
    for mark in root.iter("metronome"):
        number, unit = mark.findtext("per-minute", ""), mark.findtext("beat-unit", "quarter")
        if number.strip().replace(".", "", 1).isdecimal() and unit in quarters:
            return [_number(number) * quarters[unit] * (1.5 if mark.find("beat-unit-dot") is not None else 1)]
    return []


def _own_style(root: ElementTree.Element) -> str | None:
    for field_ in root.findall("identification/miscellaneous/miscellaneous-field"):
        if field_.get("name") == STYLE_FIELD and field_.text in STYLES:
            return field_.text
    return None
