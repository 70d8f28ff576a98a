"""Seeds: typed notes, MIDI and MusicXML files, and the openings of tunes everybody knows, each made into a canvas.

Typed notes: `C5:1 D5:0.5 E5:0.5 R:1 [C4 E4 G4]:2 | ...`, pitches by name or MIDI number, lengths in quarter-note beats.
What follows `Alto:` is the alto's, from the beginning of the piece; what stands in round brackets is a remark.
"""

import math
import re
from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from musicgen.io import abctune, midi, midifile, notation, xmlfile
from musicgen.io.arrange import MAX_SEED_BARS, Music, Seed, SeedError, arrange
from musicgen.io.voicing import SEMITONES, into_range, place
from musicgen.score import METERS, STEPS_PER_QUARTER, STYLES, Canvas, Note, Score, ScoreError, from_notes

__all__ = [
    "EXAMPLES",
    "FILE_ENDINGS",
    "Example",
    "Seed",
    "SeedError",
    "from_every_part",
    "from_file",
    "from_midi",
    "from_musicxml",
    "from_text",
]

FILE_ENDINGS = (".mid", ".midi", ".kar", ".rmi", ".musicxml", ".xml", ".mxl", ".abc")  # of files that `from_file` reads

MAX_TEXT = 24_000  # characters; all that four voices can do in the longest seed
MAX_CHOICES = 16  # parts of a file, of which one can be the tune
REMARK = re.compile(r"\([^()]*\)")
VOICE_NAMES = {name.lower(): number for style in STYLES.values() for number, name in enumerate(style.voices)}
TOKEN = re.compile(r"\[[^\[\]|]*\][^\s|\[\]]*|[^\s|\[\]]+|[\[\]]")
PITCH_NAME = re.compile(r"([a-g])(##|bb|#|b)?(-?\d{1,2})?", re.IGNORECASE | re.ASCII)
LENGTH = re.compile(r"(\d{0,4}\.\d{1,6}|\d{1,4})(?:/(\d{1,4}))?", re.ASCII)
SHIFTS = {"##": 2, "#": 1, None: 0, "b": -1, "bb": -2}


SCAN = "a picture of notes cannot be read: open the piece in a notation program and export MusicXML"
SOUND = "a recording holds no notes that can be read: choose a .mid or .musicxml file of the piece"
OTHER_FORMATS = (  # how files of other formats begin, by regular expressions
    (rb"%PDF|\x89PNG|\xff\xd8\xff|GIF8|RIFF....WEBP|....ftyp(heic|avif)", SCAN),
    (rb"RIFF....(WAVE|AVI)|ID3|\xff[\xf2\xf3\xfa\xfb]|OggS|fLaC|FORM|....ftyp|\x1aE\xdf\xa3", SOUND),
    (rb"(%[^\n]*\n\s*)*[XTMLK]:", "this is ABC notation without a key: add a line such as K:C before the notes"),
    (rb".*<museScore", "open it in MuseScore and export MusicXML"),
    (rb".*<mei\b|\*\*kern|!!!|\\version|.?FICHIER GUITAR PRO", "open it in the program it is for and export MusicXML"),
)  # fmt: skip


@dataclass(frozen=True)
class Example:
    name: str
    style: str
    meter: str
    tempo: float  # quarter notes a minute
    text: str


EXAMPLES = (
    Example("Ode to Joy", "chorale", "4/4", 100, "B4 B4 C5 D5 | D5 C5 B4 A4 | G4 G4 A4 B4 | B4:1.5 A4:0.5 A4:2"),
    Example(
        "A Mighty Fortress", "chorale", "4/4", 76, "R:3 D5 | D5 D5 A4:0.5 B4:0.5 C#5 | D5:0.5 C#5:0.5 B4 A4"
    ),
    Example("O Sacred Head", "chorale", "4/4", 66, "R:3 A4 | D5 C5 Bb4 A4 | G4:2 A4"),
    Example("Wachet auf", "chorale", "4/4", 76, "Eb4 G4 Bb4:1.5 Bb4:0.5 | Bb4 Bb4 C5:2 | Bb4:2"),
    Example("Now Thank We All Our God", "chorale", "4/4", 80, "R:3 D5 | D5 D5 E5 E5 | D5:3"),
    Example("In dulci jubilo", "chorale", "3/4", 112, "R:2 F4 | F4:2 F4 | A4:2 Bb4 | C5:2 D5 | C5:3"),
    Example("Frère Jacques", "chorale", "4/4", 100, "F4 G4 A4 F4 | F4 G4 A4 F4 | A4 Bb4 C5:2"),
    Example("Twinkle, Twinkle", "chorale", "2/4", 88, "G4 G4 | D5 D5 | E5 E5 | D5:2"),
    Example(
        "Auld Lang Syne", "chorale", "4/4", 84,
        "R:3 C4 | F4:1.5 F4:0.5 F4 A4 | G4:1.5 F4:0.5 G4 A4 | F4:1.5 F4:0.5 A4 C5 | D5:3"
    ),
    Example(
        "Greensleeves", "dance", "6/8", 84,
        "R:2.5 A4:0.5 | C5:1 D5:0.5 E5:0.75 F#5:0.25 E5:0.5 | D5:1 B4:0.5 G4:0.75 A4:0.25 B4:0.5 "
        "| C5:1 A4:0.5 A4:0.75 G#4:0.25 A4:0.5 | B4:1 G#4:0.5 E4:1",
    ),
    Example(
        "The Irish Washerwoman", "dance", "6/8", 165,
        "R:2.5 D5:0.25 C5:0.25 | B4:0.5 G4:0.5 G4:0.5 D4:0.5 G4:0.5 G4:0.5 | B4:0.5 G4:0.5 B4:0.5 D5:0.5 C5:0.5 B4:0.5",
    ),
    Example(
        "Drowsy Maggie", "dance", "4/4", 190,
        "E4 B4:0.5 E4:0.5 D5:0.5 E4:0.5 B4:0.5 E4:0.5 | E4 B4:0.5 E4:0.5 A4:0.5 F#4:0.5 D4:0.5 F#4:0.5",
    ),
    Example(
        "Soldier's Joy", "dance", "4/4", 180,
        "R:3 F#4:0.5 G4:0.5 | A4:0.5 F#4:0.5 D4:0.5 F#4:0.5 A4:0.5 F#4:0.5 D4:0.5 F#4:0.5 | A4 D5 D5 C#5:0.5 B4:0.5",
    ),
    Example(
        "The Kid on the Mountain", "dance", "9/8", 165,
        "E4:0.5 F#4:0.5 E4:0.5 F#4:0.5 E4:0.5 D4:0.5 G4 F#4:0.5 "
        "| E4:0.5 F#4:0.5 E4:0.5 C5:0.5 B4:0.5 A4:0.5 B4:0.5 G4:0.5 E4:0.5",
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Token:
    """One typed thing, and where it stands."""

    text: str
    number: int  # from 1
    span: tuple[int, int]  # characters

    def error(self, what: str) -> SeedError:
        shown = self.text if len(self.text) <= 24 else self.text[:21] + "..."
        return SeedError(f'"{shown}" (number {self.number} of the notes): {what}', self.span)


def from_text(text: str, style: str = "chorale", meter: str = "4/4", tempo: float | None = None) -> Seed:
    """Typed notes -> a seed. Single notes and rests go to the top voice, a chord's notes to the voices that suit them,
    what follows a voice's name to that voice.

    Only what is typed is fixed: the other voices are free from the start. Raises SeedError naming what is wrong.

    Args:
        text: such as "C5:1 D5:0.5 [C4 E4]:2", lengths in quarter notes.
        style, meter: of the seed.
        tempo: quarter notes a minute; the style's usual one in this meter if None.
    """
    _check_settings(style, meter)
    if len(text) > MAX_TEXT:
        raise SeedError(
            f"{len(text)} characters are too many: type at most {MAX_TEXT}, or give the music as a MIDI file"
        )
    limit, most = MAX_SEED_BARS * METERS[meter].steps, len(STYLES[style].voices)
    notes, rests, thinned, lower = [], [], 0, False
    ends: dict[int | None, int] = defaultdict(int)  # of what is typed for each voice, or for none
    voice = None
    for token in _tokens(text):
        if (named := _named_voice(token)) is not None:
            if None in ends:
                raise token.error("name the voice of all notes or of none: write Soprano: before the first one")
            voice = named
            continue
        pitches, duration = _parse(token)
        now, ends[voice] = ends[voice], ends[voice] + duration
        if ends[voice] > limit:
            raise token.error(f"here the seed gets longer than {MAX_SEED_BARS} bars; end it before this")
        if voice is not None and len(pitches) > 1:
            raise token.error("a voice sings one note at a time: write its notes one after another, without brackets")
        if voice is not None and voice >= most:
            lower = True
            continue
        if len(pitches) > most:
            pitches, thinned = pitches[:most], thinned + 1
        voices = (voice or 0,) if len(pitches) < 2 else place(pitches, style)
        notes += [Note(each, pitch, now, duration) for each, pitch in zip(voices, pitches)]
        rests += [] if pitches else [(voice or 0, now, now + duration)]
    if not notes:
        raise SeedError("there is no note in the seed: type at least one, such as C5, or C5:0.5 for half a beat")
    notes, remarks = into_range(notes, style)
    if thinned:
        top = "note of each chord was" if most == 1 else f"{most} notes of each chord were"
        remarks.insert(0, f"only the top {top} kept, since {STYLES[style].voiced()}")
    if lower:
        top = "voice was" if most == 1 else f"{most} voices were"
        remarks.insert(0, f"only the top {top} kept, since {STYLES[style].voiced()}")
    return Seed(_typed_canvas(notes, rests, max(ends.values()), style, meter, tempo), _sentence(remarks))


def _named_voice(token: Token) -> int | None:
    """Whose notes follow, if this is the name of a voice."""
    return VOICE_NAMES.get(token.text[:-1].lower()) if token.text.endswith(":") else None


def _check_settings(style: str, meter: str):
    if style not in STYLES:
        raise SeedError(f"unknown style {style!r}: choose one of {', '.join(STYLES)}")
    if meter not in METERS:
        raise SeedError(f"unknown meter {meter!r}: choose one of {', '.join(METERS)}")


def _typed_canvas(notes, rests, steps: int, style: str, meter: str, tempo: float | None) -> Canvas:
    bar = METERS[meter].steps
    cells = from_notes(notes, math.ceil(steps / bar) * bar)
    fixed = np.zeros(cells.shape, bool)
    for note in notes:
        fixed[note.start : note.start + note.duration, note.voice] = True
    for voice, start, end in rests:
        fixed[start:end, voice] = True
    try:
        return Canvas(Score(cells, style, meter, STYLES[style].tempo_in(meter) if tempo is None else tempo), fixed)
    except ScoreError as error:
        raise SeedError(str(error)) from error


def _sentence(remarks: list[str]) -> str:
    text = "; ".join(remarks)
    return f"{text[0].upper()}{text[1:]}." if text else ""


def _tokens(text: str) -> list[Token]:
    """What was typed, without bar lines and remarks; a comma or semicolon after a note is only a space."""
    text = REMARK.sub(lambda found: " " * len(found[0]), text)
    plain = re.sub(r"[,;](?!\d)", " ", text.replace("♯", "#").replace("♭", "b"))
    return [Token(m.group(), i, m.span()) for i, m in enumerate(TOKEN.finditer(plain), 1)]


def _parse(token: Token) -> tuple[list[int], int]:
    """A token -> its pitches from the top down ([] is a rest) and its length in steps."""
    chord, bracket, rest = token.text.rpartition("]")
    what, colon, length = rest.partition(":")
    what = chord + bracket + what
    if not what:
        raise token.error("a length stands right after its note, with no space between: write C5:0.5")
    if colon and not length:
        raise token.error(f"the length after the colon is missing: write {what}:1 for one beat")
    return _pitches(what, token), _steps(length, token) if colon else STEPS_PER_QUARTER


def _pitches(what: str, token: Token) -> list[int]:
    if what in ("[", "]"):
        raise token.error("a chord needs a bracket at either end: write [C4 E4 G4]:2")
    if not what.startswith("["):
        return [] if what.lower() in ("r", "rest") else [_pitch(what, token)]
    inside = what[1 : what.index("]")].split()
    if not what.endswith("]") or any(":" in name for name in inside):
        raise token.error("a chord has one length, after its bracket: write [C4 E4 G4]:2")
    if not 1 <= len(inside) <= 4:
        raise token.error(f"a chord has one to four notes, this one has {len(inside)}: write [C4 E4 G4]:2")
    return sorted((_pitch(name, token) for name in inside), reverse=True)


def _pitch(name: str, token: Token) -> int:
    if name.isascii() and name.isdecimal():
        if len(name) > 3 or int(name) > 127:
            raise token.error(
                "a MIDI number goes from 0 to 127 (60 is C4, middle C), and notes stand apart: write 60 62 64"
            )
        return int(name)
    found = PITCH_NAME.fullmatch(name)
    if not found:
        raise token.error(_hint(name))
    letter, accidental, octave = found.groups()
    if octave is None:
        note = letter.upper() + (accidental or "")
        raise token.error(f"in which octave? Write {note}4 or {note}5 (C4 is middle C)")
    pitch = 12 * (int(octave) + 1) + SEMITONES[letter.lower()] + SHIFTS[accidental and accidental.lower()]
    if not 0 <= pitch <= 127:
        raise token.error("that is out of range: use octaves 2 to 6 (C4 is middle C)")
    return pitch


def _hint(name: str) -> str:
    if re.fullmatch(r"[a-gr].*[-_=~/*.].*|r\d.*", name, re.IGNORECASE):
        return "a length follows a colon: write C5:0.5 for half a beat, R:1 for a rest of one"
    if re.fullmatch(r"h-?\d+", name, re.IGNORECASE):
        return f"the note below C is called B here, the one below that Bb: write B{name[1:]}"
    return "write a note such as C5, F#4 or Bb4, a MIDI number such as 60, R for a rest, or a chord such as [C4 E4 G4]"


def _steps(length: str, token: Token) -> int:
    """A length in beats, decimal or a fraction -> sixteenth steps."""
    found = LENGTH.fullmatch(length)
    if not found or (found[2] and not int(found[2])):
        point = length.replace(",", ".", 1)
        hint = (
            f"write a point: {point}"
            if point != length and LENGTH.fullmatch(point)
            else "write beats, such as 1, 0.5, 1.5 or 3/4"
        )
        raise token.error(f'"{length[:12]}" is not a length: {hint}')
    steps = Fraction(found[1]) / int(found[2] or 1) * STEPS_PER_QUARTER
    if steps.denominator == 1 and steps > 0:
        return int(steps)
    below, above = math.floor(steps), math.floor(steps) + 1
    legal = " or ".join(f"{n / STEPS_PER_QUARTER:g}" for n in (below, above) if n)
    raise token.error(f"the shortest step is a sixteenth, 0.25 of a beat: the nearest length is {legal}")


def from_midi(
    data: bytes,
    style: str | None = None,
    meter: str | None = None,
    tempo: float | None = None,
    part: int | str | None = None,
) -> Seed:
    """A MIDI file -> a seed. Raises SeedError.

    Args:
        data: the file's bytes.
        style, meter: of the seed; the file's if None.
        tempo: quarter notes a minute; the file's if None.
        part: the name, or the number from 1, of the part that is the tune; found out if None.
    """
    return _fitted(midi.read(data), style, meter, tempo, part)


def from_musicxml(
    data: bytes,
    style: str | None = None,
    meter: str | None = None,
    tempo: float | None = None,
    part: int | str | None = None,
) -> Seed:
    """A MusicXML file, plain or compressed (.mxl) -> a seed; the arguments are those of `from_midi`."""
    return _fitted(notation.read(data), style, meter, tempo, part)


def from_file(
    name: str,
    data: bytes,
    style: str | None = None,
    meter: str | None = None,
    tempo: float | None = None,
    part: int | str | None = None,
) -> Seed:
    """A file of any kind, told by its content -> a seed; the other arguments are those of `from_midi`.

    `name` is only used to say what is wrong with it.
    """
    return _fitted(_music(name, data), style, meter, tempo, part)


def from_every_part(name: str, data: bytes) -> list[Seed]:
    """A file -> the seed that it is, and where it has several parts those with each of them as the tune."""
    music = _music(name, data)
    seed = arrange(music)
    count = len(seed.parts) if 1 < len(seed.parts) <= MAX_CHOICES else 0
    return [seed, *(arrange(music, part=seed.parts[index].number) for index in range(count))]


def _music(name: str, data: bytes) -> Music:
    if midifile.begins(data) >= 0:
        return midi.read(data)
    if xmlfile.holds_score(data):
        return notation.read(data)
    if abctune.begins(data):
        return abctune.read(data)
    raise SeedError(f"{name[-60:] or 'this file'} is neither MIDI nor MusicXML nor ABC: {_advice(data)}")


def _advice(data: bytes) -> str:
    """What to do with a file of another format, told by its first bytes."""
    if not data.strip():
        return "it is empty; choose a .mid, .musicxml, .mxl or .abc file"
    usual = "choose a .mid, .musicxml, .mxl or .abc file"
    begins = data[:400].lstrip(b"\xef\xbb\xbf \t\r\n")
    return next((advice for start, advice in OTHER_FORMATS if re.match(start, begins, re.DOTALL)), usual)


def _fitted(music: Music, style: str | None, meter: str | None, tempo: float | None, part: int | str | None) -> Seed:
    _check_settings(style or "chorale", meter or "4/4")
    return arrange(music, style, meter, tempo, part)
