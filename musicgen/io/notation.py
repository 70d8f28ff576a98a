"""MusicXML: a score as sheet music, and anybody's file read without trusting it (see `musicxml.py` for the reading).

music21 does the writing: beams, accidentals and clefs. It takes a second to import, so it is imported when first used.
"""

from functools import cache

import numpy as np

from musicgen.io.musicxml import RECIPE_FIELD, STYLE_FIELD, read
from musicgen.score import METERS, STEPS_PER_QUARTER, STYLES, Meter, Note, Score

__all__ = ["read", "write"]

SCALE = np.array([0, 2, 4, 5, 7, 9, 11])
STEPS_OF_FIFTHS = "FCGDAEB"  # natural notes along the line of fifths, C at 1
PLAIN = (1, 2, 3, 4, 6, 8, 12, 16)  # steps that one note head can last, with at most one dot


def write(score: Score, recipe: str = "") -> bytes:
    """The score as MusicXML: a staff for each voice of the style, whole bars, ties, a key signature that fits.

    A `recipe` is a miscellaneous field.
    """
    from music21 import layout, metadata, stream
    from music21.musicxml.m21ToXml import GeneralObjectExporter

    sheet = stream.Score()
    sheet.metadata = metadata.Metadata(title=STYLES[score.style].title, composer="Nonet")
    sheet.metadata.addCustom(STYLE_FIELD, score.style)
    if recipe:
        sheet.metadata.addCustom(RECIPE_FIELD, recipe)
    sharps = signature(score)
    notes = score.notes()
    for voice in range(len(STYLES[score.style].ranges)):
        sheet.insert(0, _part(score, [n for n in notes if n.voice == voice], voice, sharps))
    if len(sheet.parts) > 1:
        sheet.insert(0, layout.StaffGroup(list(sheet.parts), symbol="bracket", barTogether=True))
    exporter = GeneralObjectExporter(sheet)
    exporter.makeNotation = False  # it is made here, and music21 would change it
    return exporter.parse()


def _part(score: Score, notes: list[Note], voice: int, sharps: int):
    from music21 import bar, clef, key, meter, stream

    name = STYLES[score.style].voices[voice]
    part = stream.Part(id=name)
    part.partName, part.partAbbreviation = name, name[0] + "."
    size = METERS[score.meter].steps
    for index in range(score.bars):
        part.append(_measure(score, notes, index * size, size, sharps))
    clefs = (clef.TrebleClef, clef.TrebleClef, clef.Treble8vbClef, clef.BassClef)
    measures = part.getElementsByClass(stream.Measure)
    first, last = measures.first(), measures.last()
    if first is not None and last is not None:
        first.insert(0, clefs[voice]())
        first.insert(0, key.KeySignature(sharps))
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
    return mark


def _measure(score: Score, notes: list[Note], start: int, size: int, sharps: int):
    """One bar of one voice: its notes, cut where the meter wants them written as tied ones, and rests between."""
    from music21 import stream

    measure = stream.Measure(number=start // size + 1)
    meter, now = METERS[score.meter], 0
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

    for offset, length in pieces(begin, end, meter):
        written = m21note.Note(_spelled(note.pitch, sharps), quarterLength=length / STEPS_PER_QUARTER)
        onset = bar_start + offset == note.start
        last = bar_start + offset + length == note.start + note.duration
        if not (onset and last):
            written.tie = tie.Tie("start" if onset else "stop" if last else "continue")
        measure.insert(offset / STEPS_PER_QUARTER, written)


def _add_rests(measure, begin: int, end: int, meter: Meter):
    from music21 import note as m21note

    for offset, length in pieces(begin, end, meter, rest=True):
        silence = m21note.Rest(quarterLength=length / STEPS_PER_QUARTER)
        if length == meter.steps:
            silence.fullMeasure = True
        measure.insert(offset / STEPS_PER_QUARTER, silence)


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


def signature(score: Score) -> int:
    """The key signature, in sharps (flats are negative), that needs the fewest accidentals.

    Of equals, the one whose tonic chord, major or minor, sounds longest (with a bonus if its tonic ends the lowest
    voice), then the one with the fewest signs.
    """
    weight = np.zeros(12)
    notes = score.notes()
    for note in notes:
        weight[note.pitch % 12] += note.duration
    last = max(notes, key=lambda n: (n.start + n.duration, n.voice)).pitch if notes else 0

    def merit(sharps: int) -> tuple:
        major = sharps * 7 % 12
        triads = ((major, (0, 4, 7)), (major + 9, (0, 3, 7)))
        chord = max(
            sum(weight[(tonic + i) % 12] for i in triad) + STEPS_PER_QUARTER * ((last - tonic) % 12 == 0)
            for tonic, triad in triads
        )
        return weight[(SCALE + major) % 12].sum(), chord, -abs(sharps), sharps

    return max(range(-6, 7), key=merit)


@cache
def _spelled(pitch: int, sharps: int) -> str:
    """MIDI pitch -> music21's name of it, spelled as the key would: up to three fifths flatter, five sharper than C."""
    fifths = next(f for f in range(sharps - 3, sharps + 9) if f * 7 % 12 == pitch % 12)
    sign = (fifths + 1) // 7  # how many sharps
    octave = (pitch - sign) // 12 - 1
    return STEPS_OF_FIFTHS[(fifths + 1) % 7] + ("#" * sign if sign > 0 else "-" * -sign) + str(octave)
