"""What independent readers make of a MIDI or MusicXML file, in the words of `bulk.py`: mido, music21 and partitura."""

import io
import re
import tempfile
import warnings
import zipfile
from collections import defaultdict, deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

STEPS = 4  # a quarter note
DRUMS = 9


@dataclass
class Reading:
    """A file's pitched notes `(start, pitch, end)`, in sixteenth steps from the beginning of its first bar."""

    reader: str
    notes: set[tuple[float, int, float]] = field(default_factory=set)
    tempo: float | None = None  # quarter notes a minute where the music begins; None where it does not tell
    played: bool = True  # its repeats are played out, not left as written


class Unsure(Exception):
    """The reader cannot tell: it refuses the file, or what stands there can be understood in several ways."""


def by_mido(path: Path) -> list[Reading]:
    import mido

    data = re.sub(rb"\xff\x59\x02..", b"\xff\x59\x02\0\0", path.read_bytes(), flags=re.DOTALL)  # any key is read
    try:
        file = mido.MidiFile(file=io.BytesIO(data), clip=True)
    except Exception as error:
        raise Unsure(f"mido: {type(error).__name__}") from error
    if data.count(b"MTrk") != len(file.tracks):
        raise Unsure("mido: passes over tracks that are not counted")
    if file.type == 2 or not 0 < file.ticks_per_beat < 0x8000:
        raise Unsure("mido: no time in quarters")
    found, tempos, step = Reading("mido"), [], file.ticks_per_beat / STEPS
    for track in file.tracks:
        found.notes |= {(on / step, pitch, off / step) for on, pitch, off in _pairs(track)}
    for track in file.tracks:
        now = 0
        for message in track:
            now += message.time
            if message.type == "set_tempo" and message.tempo:
                tempos.append((now / step, round(60_000_000 / message.tempo, 2)))
    first = min((note[0] for note in found.notes), default=0)
    begun = [tempo for when, tempo in sorted(tempos, key=lambda t: t[0]) if when <= first]
    found.tempo = begun[-1] if begun else None if any(when < first + 1 for when, _ in tempos) else 120
    return [found]


def _pairs(track) -> list[tuple[int, int, int]]:
    """Notes `(on, pitch, off)` in ticks: first on, first off. Unsure where ends are missing."""
    now, open_, notes = 0, defaultdict(deque), []
    for message in track:
        now += message.time
        if message.type in ("note_on", "note_off") and message.channel != DRUMS:
            waiting = open_[message.channel, message.note]
            if message.type == "note_on" and message.velocity:
                waiting.append(now)
                if message.note == 127:
                    raise Unsure("mido: takes what is no pitch for the highest")
            elif waiting:
                notes.append((waiting.popleft(), message.note, now))
    if any(open_.values()):
        raise Unsure("mido: notes without an end")
    return [note for note in notes if note[0] < note[2]]


def by_music21(path: Path) -> list[Reading]:
    """Ties joined, as it sounds: its repeats played out and as written, bars as long as what is in them and by meter.

    music21 lets a bar be as long as what is in it. D.C. and D.S. are left out, as the visitor is told.
    """
    from music21 import converter, stream, tempo

    try:
        with warnings.catch_warnings(action="ignore"), spelled_out(path) as (copy, sounding):
            sheet = converter.parse(copy, format="musicxml", forceSource=True)
            if not isinstance(sheet, stream.Score):
                raise Unsure("music21: no score")
            sheet = sheet.toSoundingPitch()
            marks = [m for m in sheet.flatten().getElementsByClass(tempo.MetronomeMark) if m.offset == 0]
            marked = [(value, m.referent) for m in marks for value in (m.number, m.numberSounding) if value]
            quarters = {round(float(value * beat.quarterLength), 2) for value, beat in marked} | sounding
            tempo = quarters.pop() if len(quarters) == 1 else None  # printed and played alike
            written = [_without_jumps(part) for part in sheet.parts]
            expanded = [_expanded(part) for part in written]
            return [
                Reading(f"music21{name}", set().union(*(_sounding(p, places(p)) for p in parts)), tempo, played)
                for played, parts in ((True, expanded), (False, written))
                if None not in parts
                for name, places in (("", lambda part: {}), (" by meter", _by_meter))
            ]
    except Unsure:
        raise
    except Exception as error:
        raise Unsure(f"music21: {type(error).__name__}") from error


@contextmanager
def spelled_out(path: Path):
    """A copy in which stands what both readers pass over: cue notes are silent, ties that are drawn sound, and a first
    ending has a second one behind it.

    With it the tempos that the first bar says are played.
    """
    from lxml import etree

    data = path.read_bytes()
    try:
        if data.startswith(b"PK"):
            with zipfile.ZipFile(path) as archive:
                names = [n for n in archive.namelist() if n.endswith((".xml", ".musicxml")) and "META-INF" not in n]
                data = archive.read(names[0])
        root = etree.fromstring(data)
    except Exception:  # the readers say what is wrong with it
        yield path, set()
        return
    for note in list(root.iter("note")):
        for drawn in note.findall("notations/tied"):
            kind = drawn.get("type")
            if kind in ("start", "stop") and not any(tie.get("type") == kind for tie in note.findall("tie")):
                note.append(etree.Element("tie", type=kind))
        if note.find("cue") is not None:
            if note.find("chord") is None and note.find("duration") is not None:
                silent = etree.Element("forward")
                silent.append(note.find("duration"))
                note.addprevious(silent)
            note.getparent().remove(note)
    for ending in root.iterfind("part/measure/barline/ending[@type='stop'][@number='1']"):
        following = ending.getparent().getparent().getnext()
        if following is not None and following.find("barline/ending") is None:
            for at, kind, where in (("left", "start", 0), ("right", "discontinue", len(following) + 1)):
                line = etree.Element("barline", location=at)
                line.append(etree.Element("ending", number="2", type=kind))
                following.insert(where, line)
    sounds = root.findall("part[1]/measure[1]//sound[@tempo]")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy.musicxml"
        copy.write_bytes(etree.tostring(root))
        yield copy, {round(float(sound.get("tempo")), 2) for sound in sounds if float(sound.get("tempo"))}


def _by_meter(part) -> dict[float, tuple[float, float, float]]:
    """Where bars begin, in quarters -> where they would if all were as long as their meter says; that length, and where
    in it the notes begin: those of an upbeat at its end.

    Shorter are an upbeat at the beginning, and two bars of a meter that are one.
    """
    bars = list(part.getElementsByClass("Measure"))
    gaps = [float(b.offset - a.offset) for a, b in pairwise(bars)] + [float(bar.highestTime) for bar in bars[-1:]]
    sizes = [float(bar.barDuration.quarterLength) for bar in bars]
    found, start, halved = {}, 0.0, False
    for index, (bar, gap, size) in enumerate(zip(bars, gaps, sizes)):
        halves = index and gap < size and sizes[index : index + 2] == [size] * 2
        halves = halves and abs(gap + gaps[index + 1] - size) < 0.01
        whole = gap >= size or (index and not halves and not halved)
        upbeat = whole and gap < size and (bar.number == 0 or bar.showNumber == "never")
        found[float(bar.offset)] = start, size if whole else gap, size - gap if upbeat else 0.0
        halved = bool(halves) and not halved
        start += found[float(bar.offset)][1]
    return found


def _without_jumps(part):
    from music21 import repeat

    for jump in part.recurse().getElementsByClass(repeat.RepeatExpression):
        part.remove(jump, recurse=True)
    return part


def _expanded(part):
    """The part with its repeats played out; None if music21 cannot follow them."""
    from music21 import repeat

    if not part.recurse().getElementsByClass("Repeat") and not part.getElementsByClass("RepeatBracket"):
        return part
    try:
        return part.expandRepeats()
    except repeat.ExpanderException:
        return None


def _sounding(part, places: dict[float, tuple[float, float, float]]) -> set[tuple[float, int, float]]:
    """A part's notes, its bars moved to `places`.

    Ties are joined here, note by note: music21 joins chords only where all their notes are tied.
    """
    begun, notes = {}, set()  # by pitch and end: where a note began
    for sound in part.recurse().notes:
        if sound.duration.isGrace or sound.style.noteSize == "cue" or not sound.quarterLength:
            continue
        offset, bar = float(sound.getOffsetInHierarchy(part)), sound.getContextByClass("Measure")
        bar_start = float(bar.getOffsetInHierarchy(part)) if bar is not None else 0.0
        start, length, shift = places.get(bar_start, (bar_start, float("inf"), 0.0))
        within = offset - bar_start + shift
        if within >= length:
            continue
        at = round((start + within) * STEPS, 3)
        until = round((start + min(within + float(sound.quarterLength), length)) * STEPS, 3)
        for note in getattr(sound, "notes", (sound,)):
            if not hasattr(note, "pitch"):
                continue
            tied = note.tie is not None and note.tie.type in ("stop", "continue")
            begin = begun.pop((note.pitch.midi, at), at) if tied else at
            notes.discard((begin, note.pitch.midi, at))
            notes.add((begin, note.pitch.midi, until))
            begun[note.pitch.midi, until] = begin
    return notes


def by_partitura(path: Path) -> list[Reading]:
    import partitura
    from partitura.score import DaCapo, DalSegno, GraceNote, Note, Transposition, unfold_part_maximal

    try:
        with warnings.catch_warnings(action="ignore"), spelled_out(path) as (copy, _):
            score = partitura.load_musicxml(copy)
            found = Reading("partitura")
            for part in score.parts:
                if any(part.iter_all(Transposition)):
                    raise Unsure("partitura: transposes nothing")
                if any(part.iter_all(DaCapo)) or any(part.iter_all(DalSegno)):
                    raise Unsure("partitura: follows D.C. and D.S.")
                part = unfold_part_maximal(part)
                begins = float(part.quarter_map(part.first_point.t))
                for note in part.notes_tied:
                    if type(note) in (Note, GraceNote) and note.duration_tied:
                        ends = (note.start.t, note.start.t + note.duration_tied)
                        start, end = (round((float(part.quarter_map(t)) - begins) * STEPS, 3) for t in ends)
                        found.notes.add((start, note.midi_pitch, end))
    except Unsure:
        raise
    except Exception as error:
        raise Unsure(f"partitura: {type(error).__name__}") from error
    return [found]
