"""Standard MIDI files: a score written exactly, and anybody's file read without trusting it.

Times are counted in ticks, never in seconds, so that nothing is lost to rounding. `midifile.py` reads the bytes.
"""

import io
import math
import re
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

import mido
import pretty_midi

from musicgen.io.arrange import MAX_SEED_BARS, Music, Part, SeedError
from musicgen.io.grid import LEGATO, Sound
from musicgen.io.key import key_of
from musicgen.io.midifile import COPYRIGHT, DAMAGED, DRUMS, METER, TEMPO, TEXT, MidiFile, decoded, parse
from musicgen.score import METERS, STEPS_PER_QUARTER, STYLES, VOICES, Score

TICKS_A_QUARTER = 480  # a quarter note
STEP = TICKS_A_QUARTER // STEPS_PER_QUARTER
VELOCITIES = (84, 72, 72, 78)  # a velocity for each voice: the outer ones lead
BAR_ACCENT, BEAT_ACCENT = 12, 6
MARK = "Nonet style="  # the text event by which we know our own files
RECIPE = "#piece="  # what the text event with a recipe holds
AUTHOR = re.compile(r"(?:composer|author|composed by|music by|words and music by)\b[ :=]*(.+)", re.IGNORECASE)
NOTICE = re.compile(r"©|\(c\)|copyright", re.IGNORECASE)  # how a notice begins that names an owner
NO_TITLE = re.compile(  # names of a first track that are a program's own words, or those of a voice in it
    r"(?:(?:untitled|unnamed|no|name|new|song|track|tempo|map|conductor|control|master|main|midi|meta|time|signature|"
    r"sequence|seq|score|nonet|piano|organ|guitar|violin|flute|strings|choir|voice|melody|instrument|staff|part|"
    rf"right|left|hand|acoustic|grand|{'|'.join(VOICES)})s?[\W\d_]*)*|[\W\d_]*|.*\.(?:midi?|kar|mus|mscz)",
    re.IGNORECASE,
)
DEFAULT_TEMPO = 120  # quarter notes a minute where a file says nothing, by the MIDI standard
LONGEST_FILE = 100_000  # quarter notes


def write(
    score: Score,
    programs: Sequence[int] | None = None,
    recipe: str = "",
    voices: Sequence[int] | None = None,
    maker: str = "Nonet",
) -> bytes:
    """A type 1 file: a track for title, key, tempo and meter, then one for each voice of the style, named after it.

    Every track ends where the last bar does. An upbeat is a bar of a shorter meter.

    Args:
        score: what is written.
        programs: four General MIDI programs from 0; by default the style's.
        recipe: goes into the first track as a text event.
        voices: those that get a track; by default all of the style.
        maker: who has composed it, or completed what somebody else has begun.
    """
    song = pretty_midi.PrettyMIDI(resolution=TICKS_A_QUARTER, initial_tempo=score.tempo)
    style = STYLES[score.style]
    programs = programs or [style.program] * len(style.voices)
    for voice in range(len(style.voices)) if voices is None else voices:
        instrument = pretty_midi.Instrument(programs[voice], name=style.voices[voice])
        instrument.notes = [_sound(score, note, song) for note in score.notes() if note.voice == voice]
        song.instruments.append(instrument)
    data = io.BytesIO()
    song.write(data)
    return _whole(data.getvalue(), score, _about(score, recipe, maker))


def _sound(score: Score, note, song: pretty_midi.PrettyMIDI) -> pretty_midi.Note:
    steps = (note.start - score.begins, note.start + note.duration - score.begins)
    start, end = (song.tick_to_time(step * STEP) for step in steps)
    return pretty_midi.Note(_velocity(score, note), note.pitch, start, end)


def _velocity(score: Score, note) -> int:
    meter = METERS[score.meter]
    accent = BAR_ACCENT * (note.start % meter.steps == 0) or BEAT_ACCENT * (note.start % meter.steps % meter.beat == 0)
    return VELOCITIES[note.voice] + accent


def _about(score: Score, recipe: str, maker: str) -> list[mido.MetaMessage]:
    """The first track: what the music is called and who made it, how we know it again, its key, tempo and meter."""
    texts = [MARK + score.style, f"{'Completed with' if score.called else 'Composed by'} {maker}"]
    owned = NOTICE.match(score.author)
    if score.author and not owned:
        texts.append(f"Composer: {score.author}")
    key = key_of(score)
    return [
        mido.MetaMessage("track_name", name=score.title or "Nonet"),
        *(mido.MetaMessage("text", text=text) for text in [*texts, recipe] if text),
        *([mido.MetaMessage("copyright", text=score.author)] if owned else []),
        mido.MetaMessage("set_tempo", tempo=round(60_000_000 / score.tempo)),
        mido.MetaMessage("key_signature", key=key.tonic + "m" * key.minor),
        *_meters(score),
        mido.MetaMessage("end_of_track"),
    ]


def _meters(score: Score) -> list[mido.MetaMessage]:
    """The meter, from the first bar line on; before it that of an upbeat, which is as long as its bar."""
    found, beat = [], METERS[score.meter].beat
    if score.upbeat:
        unit = next(unit for unit in (4, 8, 16) if score.upbeat * unit % 16 == 0)
        found.append((f"{score.upbeat * unit // 16}/{unit}", min(beat, score.upbeat), 0))
    found.append((score.meter, beat, score.upbeat * STEP))
    return [
        mido.MetaMessage(
            "time_signature",
            numerator=int(name.split("/")[0]),
            denominator=int(name.split("/")[1]),
            clocks_per_click=24 * click // STEPS_PER_QUARTER,
            time=time,
        )
        for name, click, time in found
    ]


def _whole(data: bytes, score: Score, about: list[mido.MetaMessage]) -> bytes:
    """With our own first track in place of pretty_midi's, and tracks that last until the last bar line."""
    file = mido.MidiFile(file=io.BytesIO(data), charset="utf-8")
    file.tracks[0] = mido.MidiTrack(about)
    for track in file.tracks:
        track[-1].time = (score.steps - score.begins) * STEP - sum(message.time for message in track[:-1])
    out = io.BytesIO()
    file.save(file=out)
    return out.getvalue()


def read(data: bytes) -> Music:
    """What a MIDI file says. Raises SeedError if it is no MIDI file, broken, too large, or has nothing to play."""
    file = parse(data)
    metas = sorted((meta for track in file.tracks for meta in track.metas), key=lambda meta: meta[0])
    parts, drums = _parts(file)
    if not parts and file.damaged:
        raise SeedError(DAMAGED)
    if not parts and drums:
        raise SeedError("this file holds only percussion, which has no pitch: choose one with a melody")
    sounds = [sound for part in parts for sound in part.sounds]
    if max((sound.end for sound in sounds), default=0) > LONGEST_FILE * STEPS_PER_QUARTER:
        raise SeedError("this MIDI file lasts for hours: it is probably damaged; choose another one")
    steps_per_tick = STEPS_PER_QUARTER / file.quarter
    texts = [decoded(data) for _, kind, data in metas if kind == TEXT]
    end = max(track.end for track in file.tracks)
    style = _own_style(texts)
    meter, barline, changes = _meter(metas, math.inf if style else min(end, MAX_SEED_BARS * 4 * file.quarter))
    tempo, tempos = _tempo(metas, min((s.start for s in sounds), default=0) / steps_per_tick, file)
    remarks = ["percussion was left out"] if drums else []
    if file.damaged:
        remarks.append("the file is damaged, and what could not be read was left out")
    if tempos > 1:
        remarks.append("only its first tempo was kept")
    if changes:
        remarks.append(f"its meter changes were left out: everything is in {meter}")
    return Music(
        parts,
        meter=meter,
        tempo=tempo,
        length=end * steps_per_tick,
        played=not style,
        barline=barline * steps_per_tick,
        style=style,
        remarks=tuple(remarks),
        recipe=next((text for text in texts if RECIPE in text), ""),
        title=_title(file),
        author=_author(texts, [decoded(data) for _, kind, data in metas if kind == COPYRIGHT]),
    )


def _parts(file: MidiFile) -> tuple[list[Part], bool]:
    """A part for each channel of each track, whatever programs it plays; whether there is percussion.

    A track whose channels together are one line, as guitars and MPE keyboards write it, is one part.
    """
    steps, parts, drums = STEPS_PER_QUARTER / file.quarter, [], False
    songs = 0
    for track in file.tracks:
        channels = track.channels(file.quarter)
        drums |= channels.pop(DRUMS, None) is not None
        notes = sorted((note for notes in channels.values() for note in notes), key=lambda n: n[1])
        songs += bool(notes)
        line = all(off - after <= LEGATO * (off - on) for (_, on, off), (_, after, _) in pairwise(notes))
        if file.kind and len(channels) > 1 and line:
            channels = {0: notes}
        for _, notes in sorted(channels.items()):
            parts.append(Part(track.name, [Sound(pitch, on * steps, off * steps) for pitch, on, off in notes]))
    if file.kind == 2 and songs > 1:
        raise SeedError("this MIDI file holds several separate songs (type 2): export a single one")
    return parts, drums


def _tempo(metas: list, first: float, file: MidiFile) -> tuple[float, int]:
    """The tempo where the first note sounds, at tick `first`, and how many there are; a mark of 0 is none."""
    marks = [(tick, int.from_bytes(data[:3])) for tick, kind, data in metas if kind == TEMPO and len(data) >= 3]
    marks = [(tick, micros) for tick, micros in marks if micros] if not file.timed else []
    late = first + file.quarter / STEPS_PER_QUARTER  # the first mark, less than a step after the note, is meant for it
    begun = [micros for tick, micros in marks if tick <= first] or [m for tick, m in marks[:1] if tick < late]
    tempo = round(60_000_000 / begun[-1], 2) if begun else DEFAULT_TEMPO
    return tempo, len({micros for _, micros in marks} | ({500_000} if marks and not begun else set()))


def _meter(metas: list, end: float) -> tuple[str, float, bool]:
    """The meter that lasts longest up to tick `end`, the tick where it first begins, and whether it changes later."""
    marks = [
        (tick, f"{data[0]}/{1 << data[1]}")
        for tick, kind, data in metas
        if kind == METER and len(data) >= 2 and data[0] and data[1] < 7
    ]
    marks = list(dict(marks).items())  # of several at one tick, the last counts
    marks = [mark for mark in marks if mark[0] < end] or marks[:1]
    if not marks:
        return "4/4", 0, False
    lasts = defaultdict(int)
    for (tick, name), (until, _) in zip(marks, marks[1:] + [(max(end, marks[-1][0] + 1), "")]):
        lasts[name] += until - tick
    meter = max(lasts, key=lambda name: lasts[name])
    since = next(tick for tick, name in marks if name == meter)
    return meter, since, any(name != meter for tick, name in marks if tick > since)


def _own_style(texts: list[str]) -> str | None:
    return next((t[len(MARK) :] for t in texts if t.startswith(MARK) and t[len(MARK) :] in STYLES), None)


def _title(file: MidiFile) -> str:
    """What the first track is called, if that is the music and not a voice in it or a program's own word."""
    first = file.tracks[0]
    name = first.name
    return "" if NO_TITLE.fullmatch(name) or (file.kind and first.strikes) else name


def _author(texts: Sequence[str], notices: Sequence[str]) -> str:
    """By a text that says so, else by a notice that names an owner."""
    said = [found[1] for text in texts if (found := AUTHOR.match(text.strip())) and not found[1].startswith("Nonet")]
    return next(iter([*said, *notices]), "")
