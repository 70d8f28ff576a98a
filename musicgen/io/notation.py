"""MusicXML: a score as sheet music, and anybody's file read without trusting it (see `musicxml.py` for the reading).

music21 does the writing: beams, accidentals and clefs. It takes a second to import, so it is imported when first used.
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from musicgen.io.key import Key, key_of, spelled
from musicgen.io.musicxml import RECIPE_FIELD, STYLE_FIELD, read
from musicgen.score import METERS, STEPS_PER_QUARTER, STYLES, Meter, Note, Score

if TYPE_CHECKING:  # it brings the reader of sound files
    from musicgen.io.soundfont import Instrument

__all__ = ["read", "write"]

PLAIN = (1, 2, 3, 4, 6, 8, 12, 16)  # steps that one note head can last, with at most one dot
TODAY = re.compile(rb"\s*<encoding-date>[^<]*</encoding-date>")  # which music21 writes: one score is one file, any day


def write(score: Score, recipe: str = "", played: "Sequence[Instrument] | None" = None, maker: str = "Nonet") -> bytes:
    """The score as MusicXML: a staff for each voice of the style, ties, a key signature that fits.

    Args:
        score: what is written. An upbeat is a short bar of number 0.
        recipe: goes into the file as a miscellaneous field.
        played: four instruments; by default the style's.
        maker: who has composed it, or completed what somebody else has begun.
    """
    from music21 import layout, metadata, stream
    from music21.musicxml.m21ToXml import GeneralObjectExporter

    sheet = stream.Score()
    style = STYLES[score.style]
    author = {"composer": score.author} if score.author else {}
    by = {**author, "arranger": f"completed with {maker}"} if score.called else {"composer": maker}
    sheet.metadata = metadata.Metadata(title=score.title or style.title, **by)
    sheet.metadata.addCustom(STYLE_FIELD, score.style)
    if recipe:
        sheet.metadata.addCustom(RECIPE_FIELD, recipe)
    key, notes = key_of(score), score.notes()
    for voice in range(len(style.voices)):
        part = _part(score, [n for n in notes if n.voice == voice], voice, key)
        title, program = (played[voice].title, played[voice].program) if played else (style.instrument, style.program)
        part.insert(0, _instrument(title.capitalize(), program, voice))
        sheet.insert(0, part)
    if len(sheet.parts) > 1:
        sheet.insert(0, layout.StaffGroup(list(sheet.parts), symbol="bracket", barTogether=True))
    exporter = GeneralObjectExporter(sheet)
    exporter.makeNotation = False  # it is made here, and music21 would change it
    return TODAY.sub(b"", exporter.parse())


def _instrument(title: str, program: int, voice: int):
    """As a part's first element, with names that music21 would draw by lot."""
    from music21 import instrument

    written = instrument.Instrument(title)
    written.partId, written.instrumentId = f"P{voice + 1}", f"P{voice + 1}-I1"
    written.midiChannel, written.midiProgram = voice, program
    return written


def _part(score: Score, notes: list[Note], voice: int, key: Key):
    from music21 import bar, clef, meter, stream
    from music21 import key as m21key

    name = STYLES[score.style].voices[voice]
    part = stream.Part(id=name)
    part.partName, part.partAbbreviation = name, name[0] + "."
    size = METERS[score.meter].steps
    for start in range(0, score.steps, size):
        part.append(_measure(score, notes, start, key.sharps))
    clefs = (clef.TrebleClef, clef.TrebleClef, clef.Treble8vbClef, clef.BassClef)
    measures = part.getElementsByClass(stream.Measure)
    first, last = measures.first(), measures.last()
    if first is not None and last is not None:
        first.insert(0, clefs[voice]())
        first.insert(0, m21key.KeySignature(key.sharps).asKey(key.mode))
        first.insert(0, meter.TimeSignature(score.meter))
        first.insert(0, _tempo_mark(score)) if voice == 0 else None
        last.rightBarline = bar.Barline("final")
    part.makeBeams(inPlace=True)
    part.makeAccidentals(inPlace=True)
    return part


def _tempo_mark(score: Score):
    """Beats a minute as the meter counts them; what sounds is the score's tempo exactly."""
    from music21 import duration, tempo

    beat = METERS[score.meter].beat / STEPS_PER_QUARTER
    mark = tempo.MetronomeMark(number=round(score.tempo / beat), referent=duration.Duration(beat))
    mark.numberSounding = score.tempo / beat  # in the same unit
    mark.placement = "above"  # pyright: ignore
    return mark


def _measure(score: Score, notes: list[Note], start: int, sharps: int):
    """One bar of one voice: its notes, cut where the meter wants them written as tied ones, and rests between.

    Of the bar of an upbeat only what is there.
    """
    from music21 import stream

    meter, size = METERS[score.meter], METERS[score.meter].steps
    now = first = max(score.begins - start, 0)
    measure = stream.Measure(number=score.bar_at(start))
    if first:
        measure.paddingLeft, measure.showNumber = first / STEPS_PER_QUARTER, stream.enums.ShowNumber.NEVER
    for note in notes:
        begin, end = max(note.start - start, 0), min(note.start + note.duration - start, size)
        if begin < end:
            _add_rests(measure, now, begin, meter)
            _add_note(measure, note, start, begin, end, meter, sharps)
            now = end
    _add_rests(measure, now, size, meter)
    return measure


def _add_note(measure, note: Note, bar_start: int, begin: int, end: int, meter: Meter, sharps: int):
    from music21 import note as m21note
    from music21 import tie

    letter, octave = spelled(note.pitch, sharps)
    for offset, length in pieces(begin, end, meter):
        name = f"{letter.replace('b', '-')}{octave}"  # as music21 writes flats
        written = m21note.Note(name, quarterLength=length / STEPS_PER_QUARTER)
        onset = bar_start + offset == note.start
        last = bar_start + offset + length == note.start + note.duration
        if not (onset and last):
            written.tie = tie.Tie("start" if onset else "stop" if last else "continue")
        measure.insert(offset / STEPS_PER_QUARTER - measure.paddingLeft, written)


def _add_rests(measure, begin: int, end: int, meter: Meter):
    from music21 import note as m21note

    for offset, length in pieces(begin, end, meter, rest=True):
        silence = m21note.Rest(quarterLength=length / STEPS_PER_QUARTER)
        if length == meter.steps:
            silence.fullMeasure = True
        measure.insert(offset / STEPS_PER_QUARTER - measure.paddingLeft, silence)


def pieces(begin: int, end: int, meter: Meter, rest: bool = False) -> list[tuple[int, int]]:
    """Steps `begin` to `end` of a bar -> `(offset, length)` of each note head, so that the beats stay visible.

    A `rest` is cut less than a note: one may fill the bar of this `meter`.
    """
    found = []
    while begin < end:
        length = end - begin
        while not _readable(begin, length, meter, rest):
            length = _cut(begin, begin + length, meter) - begin
        found.append((begin, length))
        begin += length
    return found


def _readable(begin: int, length: int, meter: Meter, rest: bool) -> bool:
    """Whether one note head (or rest) may stand here: inside a beat, or on a beat, or evenly across one."""
    end, beat = begin + length, meter.beat
    if length == meter.steps and (rest or length in PLAIN):
        return True
    if length not in PLAIN:
        return False
    if begin // beat == (end - 1) // beat:
        return not rest or (begin % beat) % min(length, 4) == 0 or length < 2
    half = meter.steps // 2
    if beat == 4 and meter.steps == 16 and begin < half < end and begin % half:
        return not rest and begin == 4 and length == 8
    if rest:
        return beat == 4 and meter.steps != 12 and begin % 8 == 0 and length == 8
    if beat == 6:
        return begin % 6 == 0 and length % 6 == 0
    return begin % 2 == 0 and (begin % 4 == 0 or length in (4, 6))


def _cut(begin: int, end: int, meter: Meter) -> int:
    """The strongest place strictly between two steps of a bar: the middle of 4/4, a beat, an eighth, a sixteenth."""
    grids = (8, 4, 2, 1) if meter.beat == 4 else (6, 2, 1)
    for grid in grids:
        inside = range((begin // grid + 1) * grid, end, grid)
        if inside:
            return inside[-1] if grid in (1, 2, 6) and begin % grid == 0 else inside[0]
    return end
