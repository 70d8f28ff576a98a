"""Reading ABC notation that may come from anybody: the first tune of a text -> music, in one pass over its signs.

Written here since music21's reader takes time with the square of the bars (22 s for a text of 8,000 characters) and
stops at lengths such as `C///`. The standard is ABC 2.1; chord symbols, words, grace notes and ornaments are left out.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from musicgen.io.arrange import MAX_SEED_BARS, Music, Part, SeedError
from musicgen.io.bars import Measure, Placed, first_barline, placed, played, size_of
from musicgen.io.lines import Heard, Lines
from musicgen.io.voicing import SEMITONES

MAX_TUNE = 100_000  # characters of one tune
MAX_ABC_BARS = 400  # written ones
MAX_ABC_VOICES = 16
MAX_TURN = 16  # of an ending
WHOLE_NOTE = 16.0  # steps of a whole note

ABC_BEGINS = re.compile(rb"(?:\s*%[^\n]*\n)*\s*[A-Za-z]:", re.ASCII)
KEY_FIELD = re.compile(rb"^K:", re.MULTILINE)
FIELD = re.compile(r"([A-Za-z]):(.*)")
BODY_FIELDS = "IKLMmNPQRrsTUVWwXZHS+"  # at the beginning of a line of music; other letters are notes there
ABC_SIGN = re.compile(
    r"""
    "[^"]*"? | ![^!\s]*! | \+[a-z<>().]{2,}\+ | \{[^}]*\}? | \\ | `            # what is left out
    | \[(?P<field>[A-Za-z]):(?P<value>[^\]]*)\]?
    | (?P<bar>[:.]{0,8}\[?\|+[\]|:]*|:{2,}|:\]|\|\])[ ]*(?P<turns>\[?\d[\d,-]*)?
    | \[(?P<ending>\d[\d,-]*)
    | (?P<accidental>\^{1,2}|_{1,2}|=)?(?P<letter>[A-Ga-g])(?P<octave>[,']*)(?P<length>\d{0,4}(?:/+\d{0,4})?)
    | (?P<rest>[zx])(?P<rested>\d{0,4}(?:/+\d{0,4})?)
    | (?P<empty>[ZX])(?P<bars>\d{0,3})
    | \((?P<tuplet>\d(?::\d*){0,2})
    | (?P<chord>\[) | \](?P<chorded>\d{0,4}(?:/+\d{0,4})?)
    | (?P<broken>>{1,3}|<{1,3}) | (?P<tie>-) | (?P<overlay>&)
    """,
    re.VERBOSE,
)
FIFTHS = {"F": -1, "C": 0, "G": 1, "D": 2, "A": 3, "E": 4, "B": 5}
MODE_STEPS = {
    "": 0,
    "maj": 0,
    "ion": 0,
    "mix": -1,
    "dor": -2,
    "m": -3,
    "min": -3,
    "aeo": -3,
    "phr": -4,
    "loc": -5,
    "lyd": 1,
}
SHIFT_OF = {"^^": 2, "^": 1, "=": 0, "_": -1, "__": -2}
TUPLETS = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}  # so many notes in the time of so many; others depend on the meter


@dataclass
class Written:
    """A bar of one voice as it is written; steps from its start."""

    notes: list[Heard] = field(default_factory=list)
    filled: float = 0.0


@dataclass
class WrittenVoice:
    """Where the reader stands in a voice, and what it has read."""

    name: str
    unit: float
    meter: str | None
    key: dict[str, int]
    bars: list[Written] = field(default_factory=lambda: [Written()])
    accidentals: dict[str, int] = field(default_factory=dict)  # of this bar, by letter
    chord: list[int] | None = None  # indices of the notes of the chord that is open
    last: list[int] = field(default_factory=list)  # indices of the newest notes in the bar
    before: tuple[float, float] = (0.0, 0.0)  # where the newest note or rest begins, and its length
    tied: set[int] = field(default_factory=set)  # pitches
    swing: float = 1.0  # the next note's length is multiplied by it: it follows > or <
    tuplet: list[float] = field(default_factory=lambda: [0, 1.0])  # notes left, and their factor
    ending: frozenset[int] = frozenset()

    @property
    def bar(self) -> Written:
        return self.bars[-1]


def begins(data: bytes) -> bool:
    """Whether a text is ABC: fields from its first line on, among them a key."""
    return bool(ABC_BEGINS.match(data[:4000].removeprefix(b"\xef\xbb\xbf")) and KEY_FIELD.search(data))


def read(data: bytes) -> Music:
    """What the first tune of a text says. Raises SeedError if there is none, or one too long."""
    tune = Tune()
    lines, several = _first_tune(data)
    for line in lines:
        tune.read(line)
    music = tune.music()
    return (
        music if not several else Music(**{**vars(music), "remarks": ("only the first tune was read", *music.remarks)})
    )


def _first_tune(data: bytes) -> tuple[list[str], bool]:
    """Its lines without remarks, and whether there are more tunes."""
    text = _decoded(data).replace("\r\n", "\n").replace("\r", "\n")
    starts = [match.start() for match in re.finditer(r"^X:", text, re.MULTILINE)]
    end = starts[1] if len(starts) > 1 else len(text)
    if end > MAX_TUNE:
        raise SeedError(f"this ABC tune has more than {MAX_TUNE} characters: give a shorter one")
    return [re.sub(r"(?<!\\)%.*", "", line).strip() for line in text[:end].split("\n")], len(starts) > 1


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


class Tune:
    """A tune as far as it is read. Measures are those of all voices together, voices by their names."""

    def __init__(self):
        self.measures: list[Measure] = []
        self.voices: dict[str, WrittenVoice] = {}
        self.meter: str | None = None
        self.unit: float | None = None  # steps
        self.key: dict[str, int] = {}
        self.tempo: float | None = None
        self.tempo_in_units: float | None = None
        self.voice: WrittenVoice | None = None  # none before the key, which ends the header
        self.title = ""
        self.author = ""
        self.stopped = False
        self.jumps = False

    def read(self, line: str):
        """One line: a field, or music."""
        found = FIELD.match(line)
        if found and (self.voice is None or found[1] in BODY_FIELDS):
            self._field(found[1], found[2])
        elif self.voice is not None and line:
            self.jumps |= bool(re.search(r"!(D\.C\.|D\.S\.|dacapo|dacoda)", line))
            self._signs(line)

    def _field(self, name: str, value: str):
        value = value.strip()
        if name == "M":
            self._set("meter", _meter(value))
            if self.voice:
                self._measure().meter = self.meter
        elif name == "L":
            self._set("unit", _fraction(value, 1 / 8) * WHOLE_NOTE)
        elif name == "Q":
            self._tempo(value)
        elif name == "K":
            self._set("key", _key(value))
            self.voice = self.voice or self._voice("1")
        elif name == "T":
            self.title = self.title or value  # further ones are other names of it
        elif name == "C":
            self.author = self.author or value
        elif name == "V" and value and self.voice:
            self.voice = self._voice(value.split()[0])

    def _set(self, name: str, value):
        """A field of the header is every voice's, one in the music the voice's."""
        setattr(self, name, value)
        if self.voice:
            setattr(self.voice, name, value)

    def _tempo(self, value: str):
        """Beats a minute, such as 1/4=120; a number alone counts units."""
        beat, equals, count = re.sub(r'"[^"]*"?', "", value).rpartition("=")
        found = re.search(r"\d{1,4}(\.\d{1,3})?", count)
        if not found or self.tempo or self.tempo_in_units:
            return
        fractions = [_fraction(word, 0) for word in beat.split()]
        if equals and sum(fractions):
            self.tempo = float(found[0]) * sum(fractions) * 4
        else:
            self.tempo_in_units = float(found[0])

    def _voice(self, name: str) -> WrittenVoice:
        if name not in self.voices and len(self.voices) >= MAX_ABC_VOICES:
            raise SeedError(f"this ABC tune has more than {MAX_ABC_VOICES} voices: give fewer")
        unit = self.unit or (
            WHOLE_NOTE / 16 if (size_of(self.meter) or WHOLE_NOTE) < 0.75 * WHOLE_NOTE else WHOLE_NOTE / 8
        )
        return self.voices.setdefault(name, WrittenVoice(name, unit, self.meter, self.key))

    def _measure(self) -> Measure:
        """The one that the voice stands in."""
        assert self.voice
        while len(self.measures) < len(self.voice.bars):
            self.measures.append(Measure(meter=self.meter))
        return self.measures[len(self.voice.bars) - 1]

    # ---- music -------------------------------------------------------------------------------------------------------

    def _signs(self, line: str):
        for sign in ABC_SIGN.finditer(line):
            voice, kind = self.voice, sign.lastgroup
            assert voice
            if len(voice.bars) > MAX_ABC_BARS:
                return
            if sign["field"]:
                self._field(sign["field"], sign["value"])
            elif sign["bar"]:
                self._barline(voice, sign["bar"], sign["turns"])
            elif sign["ending"]:
                voice.ending = _turns(sign["ending"])
            elif sign["letter"]:
                self._note(voice, sign)
            elif sign["rest"]:
                self._rest(voice, voice.unit * _length(sign["rested"]))
            elif sign["empty"]:
                self._empty(voice, int(sign["bars"] or 1))
            elif sign["tuplet"]:
                voice.tuplet = _tuplet(sign["tuplet"], voice.meter)
            elif sign["chord"]:
                voice.chord = []
            elif kind == "chorded" and voice.chord is not None:
                self._close_chord(voice, _length(sign["chorded"]))
            elif sign["broken"]:
                self._broken(voice, sign["broken"])
            elif sign["tie"]:
                voice.tied |= {voice.bar.notes[index].pitch for index in voice.last}
            elif sign["overlay"]:
                voice.bar.filled = 0.0

    def _note(self, voice: WrittenVoice, sign: re.Match):
        letter = sign["letter"].upper()
        if sign["accidental"]:
            voice.accidentals[letter] = SHIFT_OF[sign["accidental"]]
        shift = voice.accidentals.get(letter, voice.key.get(letter, 0))
        octave = sign["octave"].count("'") - sign["octave"].count(",") + sign["letter"].islower()
        pitch = 60 + SEMITONES[letter.lower()] + shift + 12 * octave
        if not 0 <= pitch <= 127:
            raise SeedError(f"the note {sign[0][:12]} of this ABC tune is out of range: use octaves 2 to 6")
        length = voice.unit * _length(sign["length"])
        if voice.chord is None:
            self._sound(voice, [pitch], self._timed(voice, length))
            return
        if not voice.chord:
            voice.last, voice.before = [], (voice.bar.filled, self._timed(voice, length))
        voice.chord.append(pitch)

    def _close_chord(self, voice: WrittenVoice, times: float):
        pitches, voice.chord = voice.chord, None
        if pitches:
            self._sound(voice, pitches, voice.before[1] * times)

    def _sound(self, voice: WrittenVoice, pitches: Sequence[int], length: float):
        bar, start = voice.bar, voice.bar.filled
        voice.last = list(range(len(bar.notes), len(bar.notes) + len(pitches)))
        bar.notes += [Heard("", voice.name, p, start, start + length, p in voice.tied) for p in pitches]
        voice.tied, voice.before = set(), (start, length)
        bar.filled = start + length

    def _rest(self, voice: WrittenVoice, length: float):
        length = self._timed(voice, length)
        voice.last, voice.tied, voice.before = [], set(), (voice.bar.filled, length)
        voice.bar.filled += length

    def _timed(self, voice: WrittenVoice, length: float) -> float:
        """The length as > and < and a tuplet change it."""
        left, factor = voice.tuplet
        voice.tuplet[0] = left - 1
        length *= voice.swing * (factor if left > 0 else 1)
        voice.swing = 1.0
        return length

    def _broken(self, voice: WrittenVoice, signs: str):
        """C>D: the one is lengthened by what the other is shortened by; >> and >>> do more of it."""
        less = 0.5 ** len(signs)
        own, voice.swing = (2 - less, less) if signs[0] == ">" else (less, 2 - less)
        start, length = voice.before
        for index in voice.last:
            voice.bar.notes[index] = voice.bar.notes[index]._replace(end=start + length * own)
        voice.bar.filled, voice.before = start + length * own, (start, length * own)

    def _empty(self, voice: WrittenVoice, count: int):
        """Z4: so many bars of rest."""
        for number in range(min(count, MAX_ABC_BARS)):
            if number:
                self._barline(voice, "|", None)
            voice.bar.filled += size_of(voice.meter) or WHOLE_NOTE

    def _barline(self, voice: WrittenVoice, sign: str, turns: str | None):
        """The bar ends, if anything is in it; what is written with its line is of it or of the next."""
        ends = re.search(r"(:+)[|\]]|::", sign)
        strong, times = len(sign.strip(".")) > 1, (len(ends[1] or ":") + 1 if ends else 0)
        if voice.bar.filled:
            self._measure().ending = voice.ending
            voice.bars.append(Written())
        if len(voice.bars) > 1:
            ended = self.measures[len(voice.bars) - 2]
            ended.closed, ended.times = ended.closed or strong, max(ended.times, times)
        voice.accidentals, voice.chord, voice.last = {}, None, []
        if strong:
            voice.ending = frozenset()
        following = self._measure()
        following.forward |= bool(re.search(r"[|\]]:+$|::", sign))
        following.opened |= strong
        if turns:
            voice.ending = _turns(turns)

    # ---- all of it ---------------------------------------------------------------------------------------------------

    def music(self) -> Music:
        voices = [voice for voice in self.voices.values() if any(bar.notes for bar in voice.bars)]
        if not voices:
            raise SeedError("this ABC tune has no notes: write some after the line with the key, such as K:C")
        measures = self._filled(voices)
        order = played(measures)
        bars = placed(measures, order)
        if not bars:
            raise SeedError("the notes of this ABC tune have no length: write C for a unit, C2 for two")
        meters = [measures[bar.index].meter or "4/4" for bar in bars][: MAX_SEED_BARS + 1]
        meter = max(sorted(set(meters)), key=meters.count)
        return Music(
            [Part("", line) for voice in voices for line in _lines(voice, measures, bars)],
            meter=meter,
            tempo=self.tempo or (self.tempo_in_units and self.tempo_in_units * voices[0].unit / 4),
            length=bars[-1].start + bars[-1].length,
            barline=first_barline(measures, bars, meter),
            remarks=tuple(self._remarks(set(meters), meter, order)),
            title=self.title,
            author=self.author,
        )

    def _filled(self, voices: Sequence[WrittenVoice]) -> list[Measure]:
        """The measures that hold something, with how far it reaches and the meter that holds on."""
        count = max(len(voice.bars) - (not voice.bar.filled) for voice in voices)
        measures = (self.measures + [Measure() for _ in range(count)])[:count]
        meters = accumulate((m.meter for m in measures), lambda held, own: own or held)
        for index, (measure, meter) in enumerate(zip(measures, meters)):
            bars = [voice.bars[index] for voice in voices if index < len(voice.bars)]
            notes = [bar.notes for bar in bars if bar.notes]
            measure.meter, measure.jumps = meter, self.jumps
            measure.filled = max((bar.filled for bar in bars), default=0.0)
            measure.reach = max((note.end for of_bar in notes for note in of_bar), default=0.0)
            measure.latest = min((max(note.start for note in of_bar) for of_bar in notes), default=0.0)
        return measures

    def _remarks(self, meters: set[str], meter: str, order: Sequence[int]) -> Iterator[str]:
        if len(meters) > 1:
            yield f"its meter changes were left out: everything is in {meter}"
        if list(order) != list(range(len(order))):
            yield "its repeats were played out"
        if self.jumps:
            yield "its D.C. or D.S. was not followed"


def _lines(voice: WrittenVoice, measures: Sequence[Measure], bars: Sequence[Placed]):
    lines = Lines()
    for bar in (bar for bar in bars if bar.index < len(voice.bars)):
        notes = [
            note._replace(start=note.start + bar.shift, end=min(note.end + bar.shift, bar.length))
            for note in voice.bars[bar.index].notes
            if note.start + bar.shift < bar.length
        ]
        lines.add(notes, bar.start, bar.length, measures[bar.index].filled + bar.shift)
    return lines.joined()


def _length(text: str) -> float:
    """A length in units: 2, 3/2, /, //, /4."""
    ((number, slashes, under),) = re.findall(r"^(\d*)(/*)(\d*)$", text)
    return int(number or 1) / (int(under or 0) or 2 ** min(len(slashes), 6) if slashes else 1)


def _fraction(text: str, otherwise: float) -> float:
    found = re.match(r"\s*(\d{1,3})/(\d{1,3})", text)
    return int(found[1]) / int(found[2]) if found and int(found[1]) and int(found[2]) else otherwise


def _meter(text: str) -> str | None:
    """A meter by its numbers; None if there is none."""
    text = {"C": "4/4", "C|": "2/2"}.get(text, text)
    found = re.fullmatch(r"\(?([\d+ ]{1,20})\)?/(\d{1,2})", text)
    beats = sum(int(number[:3]) for number in re.findall(r"\d+", found[1])) if found else 0
    return f"{beats}/{int(found[2])}" if found and 0 < beats < 100 and int(found[2]) in (1, 2, 4, 8, 16, 32) else None


def _key(text: str) -> dict[str, int]:
    """The letters that a key raises or lowers, and by how much."""
    found = re.match(r"([A-G])([#b]?)\s*([A-Za-z]*)", text)
    shifts: dict[str, int] = {}
    if text[:2] in ("HP", "Hp"):
        shifts = {"F": 1, "C": 1} if text[1] == "p" else {}
    elif found:
        mode = "m" if found[3] == "m" else found[3][:3].lower()
        fifths = FIFTHS[found[1]] + 7 * {"#": 1, "b": -1, "": 0}[found[2]] + MODE_STEPS.get(mode, 0)
        order = "FCGDAEB" if fifths > 0 else "BEADGCF"
        shifts = {} if re.search(r"\bexp\b", text) else dict.fromkeys(order[: abs(fifths)], (fifths > 0) * 2 - 1)
    for accidental, letter in re.findall(r"(?<=\s)(\^\^|\^|__|_|=)([A-Ga-g])(?![a-z])", text):
        shifts[letter.upper()] = SHIFT_OF[accidental]
    return shifts


def _tuplet(text: str, meter: str | None) -> list[float]:
    """(3 or (3:2:3 -> how many notes it holds, and the factor of their lengths."""
    count, time, notes = [int(number or 0) for number in (text + "::").split(":")[:3]]
    compound = meter is not None and meter.endswith("/8") and meter[: meter.index("/")] in ("3", "6", "9", "12")
    time = time or TUPLETS.get(count) or (3 if compound else 2)
    return [min(notes or count, 32), time / count if count else 1.0]


def _turns(text: str) -> frozenset[int]:
    """1,3 or 1-3 -> the turns in which an ending is played."""
    found: set[int] = set()
    for first, last in re.findall(r"(\d{1,2})(?:-(\d{1,2}))?", text):
        found |= set(range(int(first), min(int(last or first), MAX_TURN) + 1))
    return frozenset(turn for turn in found if 0 < turn <= MAX_TURN)
