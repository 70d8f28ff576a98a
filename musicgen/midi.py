"""Standard MIDI files: a score written exactly, and anybody's file read without trusting it.

Times are counted in ticks, never in seconds, so that nothing is lost to rounding.
"""

import io
import re
import warnings
from collections import Counter, defaultdict
from collections.abc import Sequence

import mido
import pretty_midi

from .arrange import MAX_SEED_BARS, Music, Part, SeedError, Sound
from .score import METERS, STEPS_PER_QUARTER, STYLES, VOICES, Score

TICKS = 480  # a quarter note
STEP = TICKS // STEPS_PER_QUARTER
PROGRAMS = {"chorale": (19, 19, 19, 19), "dance": (110, 110, 110, 110)}  # General MIDI from 0: church organ, fiddle
LOUDNESS = (84, 72, 72, 78)  # a velocity for each voice: the outer ones lead
BAR_ACCENT, BEAT_ACCENT = 12, 6
MARK = "musicgen style="  # the text event by which we know our own files
MAX_BYTES = 256 * 1024
MAX_TICKS = 4_000_000
DAMAGED = "this MIDI file is damaged and cannot be read: choose another one"


def write(score: Score, programs: Sequence[int] | None = None) -> bytes:
    """A type 1 file: a track for tempo and meter, then a track for each voice of the style, named after it.

    `programs` are four General MIDI programs from 0. Every track ends where the last bar does.
    """
    file = mido.MidiFile(type=1, ticks_per_beat=TICKS)
    beats, unit = map(int, score.meter.split("/"))
    clicks = 24 * METERS[score.meter].beat // STEPS_PER_QUARTER
    head = [
        mido.MetaMessage("track_name", name="musicgen"),
        mido.MetaMessage("text", text=MARK + score.style),
        mido.MetaMessage("set_tempo", tempo=round(60_000_000 / score.tempo)),
        mido.MetaMessage("time_signature", numerator=beats, denominator=unit, clocks_per_click=clicks),
    ]
    file.tracks.append(_track([(0, message) for message in head], score.steps))
    programs = programs or PROGRAMS[score.style]
    for voice in range(len(STYLES[score.style].ranges)):
        file.tracks.append(_voice_track(score, voice, programs[voice]))
    data = io.BytesIO()
    file.save(file=data)
    return data.getvalue()


def _voice_track(score: Score, voice: int, program: int) -> mido.MidiTrack:
    events = [
        (0, mido.MetaMessage("track_name", name=VOICES[voice])),
        (0, mido.Message("program_change", channel=voice, program=program)),
    ]
    for note in score.notes():
        if note.voice == voice:
            sound = {"channel": voice, "note": note.pitch}
            events.append((note.start, mido.Message("note_on", velocity=_velocity(score, note), **sound)))
            events.append((note.start + note.duration, mido.Message("note_off", velocity=64, **sound)))
    return _track(events, score.steps)


def _velocity(score: Score, note) -> int:
    meter = METERS[score.meter]
    accent = BAR_ACCENT * (note.start % meter.steps == 0) or BEAT_ACCENT * (note.start % meter.steps % meter.beat == 0)
    return LOUDNESS[note.voice] + accent


def _track(events: list[tuple[int, mido.Message]], steps: int) -> mido.MidiTrack:
    """Events at steps -> a track that ends at `steps`. A note ends before the next begins, or would end that one."""
    track, now = mido.MidiTrack(), 0
    for step, message in sorted(events, key=lambda event: (event[0], event[1].type == "note_on")):
        track.append(message.copy(time=(step - now) * STEP))
        now = step
    track.append(mido.MetaMessage("end_of_track", time=(steps - now) * STEP))
    return track


def read(data: bytes) -> Music:
    """What a MIDI file says. Raises SeedError if it is no MIDI file, broken, or too large."""
    file = _open(data)
    steps_per_tick = STEPS_PER_QUARTER / file.ticks_per_beat
    head, end = _head(file)
    if end > MAX_TICKS:
        raise SeedError("this MIDI file lasts for hours: it is probably damaged; choose another one")
    notes, drums = _notes(data)
    parts = [
        Part(name, [Sound(pitch, on * steps_per_tick, off * steps_per_tick) for pitch, on, off in sounds])
        for name, sounds in notes
    ]
    tempos = sorted((tick, m.tempo) for tick, m in head if m.type == "set_tempo" and m.tempo)
    meter, barline, changes = _meter(head, min(end, MAX_SEED_BARS * 4 * file.ticks_per_beat))
    remarks = ["percussion was left out"] if drums else []
    if len({tempo for _, tempo in tempos}) > 1:
        remarks.append("only its first tempo was kept")
    if changes:
        remarks.append(f"its changes of meter were left out, all is {meter}")
    return Music(
        parts,
        meter=meter,
        tempo=round(60_000_000 / tempos[0][1], 2) if tempos else None,
        length=end * steps_per_tick,
        barline=barline * steps_per_tick,
        style=_own_style(head),
        remarks=tuple(remarks),
    )


def _open(data: bytes) -> mido.MidiFile:
    if not data.startswith(b"MThd"):
        raise SeedError("this is no MIDI file: choose one that ends in .mid")
    if len(data) > MAX_BYTES:
        raise SeedError(f"this MIDI file is larger than {MAX_BYTES // 1024} KB: choose a shorter piece")
    # mido adds up a number of any length: without this, a file of nothing but 0xff would keep it busy for minutes.
    if re.search(rb"[\x80-\xff]{2000}", data):
        raise SeedError(DAMAGED)
    try:
        file = mido.MidiFile(file=io.BytesIO(data), clip=True)
    except Exception as error:  # mido raises whatever its tables run into: a dozen kinds of it
        raise SeedError(DAMAGED) from error
    if not 1 <= file.ticks_per_beat < 0x8000:
        raise SeedError("this MIDI file counts time in film frames, not in beats: export it again in beats")
    if file.type == 2:
        raise SeedError("this MIDI file holds several separate songs (type 2): export a single one")
    return file


def _head(file: mido.MidiFile) -> tuple[list[tuple[int, mido.MetaMessage]], int]:
    """The meta events with their ticks, and the last tick of all."""
    head, end = [], 0
    for track in file.tracks:
        now = 0
        for message in track:
            now += message.time
            if message.is_meta:
                head.append((now, message))
        end = max(end, now)
    return head, end


def _notes(data: bytes) -> tuple[list[tuple[str, list[tuple[int, int, int]]]], bool]:
    """Notes `(pitch, on, off)` in ticks by instrument, each with its name where it has one; whether there are drums."""
    try:
        with warnings.catch_warnings(
            action="ignore"
        ):  # of tempo marks outside the first track, which are read all the same
            song = pretty_midi.PrettyMIDI(io.BytesIO(data))
    except Exception as error:  # as above: whatever a table runs into
        raise SeedError(DAMAGED) from error
    names = Counter(instrument.name for instrument in song.instruments)
    parts = [
        (
            i.name if names[i.name] == 1 else "",
            [(n.pitch, song.time_to_tick(n.start), song.time_to_tick(n.end)) for n in i.notes],
        )
        for i in song.instruments
        if not i.is_drum
    ]
    return parts, any(i.is_drum for i in song.instruments)


def _meter(head: list, end: int) -> tuple[str, int, bool]:
    """The meter that lasts longest up to tick `end`, the tick where it first begins, and whether it changes later."""
    marks = sorted(
        ((t, f"{m.numerator}/{m.denominator}") for t, m in head if m.type == "time_signature"), key=lambda m: m[0]
    )
    marks = list(dict(marks).items())  # of several at one tick, the last counts
    marks = [mark for mark in marks if mark[0] < end] or marks[:1]
    if not marks:
        return "4/4", 0, False
    lasts = defaultdict(int)
    for (tick, name), (until, _) in zip(marks, marks[1:] + [(max(end, marks[-1][0] + 1), "")]):
        lasts[name] += until - tick
    meter = max(lasts, key=lasts.get)
    since = next(tick for tick, name in marks if name == meter)
    return meter, since, any(name != meter for tick, name in marks if tick > since)


def _own_style(head: list) -> str | None:
    for _, message in head:
        if message.type == "text" and message.text.startswith(MARK) and message.text[len(MARK) :] in STYLES:
            return message.text[len(MARK) :]
    return None
