"""What independent readers make of a MIDI or MusicXML file, in the words of `bulk.py`: mido, music21 and partitura."""

import warnings
from collections import defaultdict, deque
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


class Unsure(Exception):
    """The reader cannot tell: it refuses the file, or what stands there can be understood in several ways."""


def by_mido(path: Path) -> list[Reading]:
    import mido

    try:
        file = mido.MidiFile(path, clip=True)
    except Exception as error:
        raise Unsure(f"mido: {type(error).__name__}") from error
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
            elif waiting:
                notes.append((waiting.popleft(), message.note, now))
    if any(open_.values()):
        raise Unsure("mido: notes without an end")
    return [note for note in notes if note[0] < note[2]]


def by_music21(path: Path) -> list[Reading]:
    """Repeats played out, ties joined, as it sounds. Two readings where bars are not as long as their meter says.

    music21 lets a bar be as long as what is in it; in the second reading the same bars are as long as their meter.
    """
    from music21 import converter, stream, tempo

    try:
        with warnings.catch_warnings(action="ignore"):
            sheet = converter.parse(path, format="musicxml", forceSource=True)
            if not isinstance(sheet, stream.Score):
                raise Unsure("music21: no score")
            sheet = sheet.toSoundingPitch()
            marks = [m for m in sheet.flatten().getElementsByClass(tempo.MetronomeMark) if m.offset == 0]
            parts = [_expanded(part) for part in sheet.parts]
            written, metered = Reading("music21"), Reading("music21 by meter")
            for part in parts:
                written.notes |= _sounding(part, {})
                metered.notes |= _sounding(part, _by_meter(part))
            told = [(value, m.referent) for m in marks for value in (m.number, m.numberSounding) if value]
            quarters = {round(float(value * beat.quarterLength), 2) for value, beat in told}  # printed and played
            written.tempo = metered.tempo = quarters.pop() if len(quarters) == 1 else None
    except Unsure:
        raise
    except Exception as error:
        raise Unsure(f"music21: {type(error).__name__}") from error
    return [written, metered][: 1 + (written.notes != metered.notes)]


def _by_meter(part) -> dict[float, tuple[float, float]]:
    """Where bars begin, in quarters -> where they would if all were as long as their meter says, and how long that is.

    But for an upbeat at the beginning and two bars that are one.
    """
    bars = list(part.getElementsByClass("Measure"))
    gaps = [float(b.offset - a.offset) for a, b in pairwise(bars)] + [float(bar.highestTime) for bar in bars[-1:]]
    found, start, halved = {}, 0.0, False
    for index, (bar, gap) in enumerate(zip(bars, gaps)):
        size = float(bar.barDuration.quarterLength)
        halves = index and gap < size and index + 1 < len(bars) and abs(gap + gaps[index + 1] - size) < 0.01
        length = gap if gap < size and (not index or halves or halved) else size
        found[float(bar.offset)] = start, length
        halved = bool(halves) and not halved
        start += length
    return found


def _expanded(part):
    from music21 import repeat

    if not part.recurse().getElementsByClass("Repeat") and not part.getElementsByClass("RepeatBracket"):
        return part
    if part.recurse().getElementsByClass(repeat.RepeatExpression):
        raise Unsure("music21: D.C. or D.S.")
    return part.expandRepeats()


def _sounding(part, places: dict[float, tuple[float, float]]) -> set[tuple[float, int, float]]:
    """A part's notes, its bars moved to `places`.

    Ties are joined here, note by note: music21 joins chords only where all their notes are tied.
    """
    begun, notes = {}, set()  # by pitch and end: where a note began
    for sound in part.recurse().notes:
        if sound.duration.isGrace or sound.style.noteSize == "cue" or not sound.quarterLength:
            continue
        offset, bar = float(sound.getOffsetInHierarchy(part)), sound.getContextByClass("Measure")
        bar_start = float(bar.getOffsetInHierarchy(part)) if bar is not None else 0.0
        start, length = places.get(bar_start, (bar_start, float("inf")))
        if offset - bar_start >= length:
            continue
        at = round((start + offset - bar_start) * STEPS, 3)
        until = round((start + min(offset - bar_start + float(sound.quarterLength), length)) * STEPS, 3)
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
    from partitura.score import GraceNote, Note, Transposition, unfold_part_maximal

    try:
        with warnings.catch_warnings(action="ignore"):
            score = partitura.load_musicxml(path)
            found = Reading("partitura")
            for part in score.parts:
                if any(part.iter_all(Transposition)):
                    raise Unsure("partitura: transposes nothing")
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
