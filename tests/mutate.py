"""Damaged and hostile inputs, by a seed: `python tests/mutate.py 20000` reads each and prints what came of them.

Every input must be read or refused in a sentence, in at most a second of processor time and 150 MB of memory.
`--only N` repeats one input and prints it.
"""

import argparse
import io
import random
import re
import resource
import sys
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from midis import file_of, time_signature, tune
from sheets import back, bar, mxl, note, xml

from musicgen.io import midi, seeds
from musicgen.score import METERS, Note, Score, from_notes

SECONDS, MEGABYTES = 1.0, 150
NUMBERS = (
    "99999999999999999999999", "-1", "0", "00", "1e-320", "1e308", "1e999", "NaN", "inf", "-0.0", "", " ", "[1, 2]",
    "{}", "²", "٣", "1_000", "0x10", "1/0", "4294967296", "0.1", "10" * 2500,
)  # fmt: skip


def sheet() -> bytes:
    """A small score with something of everything that the reader looks at."""
    head = (
        "<transpose><chromatic>-2</chromatic><octave-change>0</octave-change></transpose>"
        '<clef number="1"><sign>G</sign></clef><clef number="2"><sign>F</sign></clef>'
    )
    mark = (
        "<direction><direction-type><words>D.C. al Fine</words><metronome><beat-unit>quarter</beat-unit>"
        '<beat-unit-dot/><per-minute>c. 72</per-minute></metronome></direction-type><sound tempo="100"/></direction>'
    )
    third = "<type>eighth</type><time-modification><actual-notes>3</actual-notes><normal-notes>2</normal-notes>"
    first = mark + note("C#5", 4, tie="start", staff=1) + note("E5", 4, chord=True) + note("", 4) + back(8)
    second = note("C#5", 2, tie="stop", staff=1) + note("B4", 0, extra="<grace/>") + note("A4", 6, extra="<cue/>")
    third = note("A4", 1, extra=third + "</time-modification>") * 3 + "<forward><duration>2</duration></forward>"
    bars = [
        bar(note("D5", 2), time="4/4", head=head, kind='implicit="yes" number="0"'),
        bar(first + note("C3", 8, voice=5, staff=2), left='<repeat direction="forward"/>'),
        bar(second, left='<ending number="1-2" type="start"/>', right='<repeat direction="backward" times="2"/>'),
        bar(third, time="3+2/8", left='<ending number="3" type="start"/>', right='<ending number="3" type="stop"/>'),
        bar("<note><unpitched/><duration>8</duration></note>", '<sound dacapo="yes"/>'),
    ]
    return xml(
        bars,
        bars[::-1],
        names=("Soprano", "Piano"),
        info="<midi-instrument><midi-channel>1</midi-channel></midi-instrument>",
    )


def bases() -> list[tuple[str, bytes]]:
    """What is damaged, each with its kind."""
    pitches = ((72, 64, 57, 48), (74, 65, 57, 50), (71, 62, 55, 43), (72, 64, 55, 48))
    notes = [Note(voice, pitch, i * 4, 4) for i, chord in enumerate(pitches) for voice, pitch in enumerate(chord)]
    own = midi.write(Score(from_notes(notes, METERS["4/4"].steps)))
    theirs = file_of(
        ("Piano", 0, tune((60, 62, 64), length=0.75)), ("Kit", 9, tune((36, 38))), head=[time_signature("3/4")]
    )
    text = "C5:1 D5:0.5 E5:0.5 R:1 [C4 E4 G4]:2 | F#4:3/4 Bb4:.25 60 72:1.5, A4"
    return [
        ("MIDI", own), ("MIDI", theirs), ("MusicXML", sheet()), ("MusicXML", sheet()), ("MXL", mxl(sheet())),
        ("text", text.encode()),
    ]  # fmt: skip


def mutated(rng: random.Random, data: bytes) -> bytes:
    """One to eight small harms; half of what is text is harmed by whole words and elements only, so that it is read."""
    least = 6 if not data.startswith((b"MThd", b"PK")) and rng.random() < 0.5 else 0
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        at, length = rng.randrange(len(data) + 1), rng.choice((1, 1, 2, 4, 30))
        harm = rng.randrange(least, 10)
        if harm == 0:
            data = (
                data[:at]
                + bytes(rng.choice((0, 0x7F, 0x80, 0xFF, rng.randrange(256))) for _ in range(length))
                + data[at:]
            )
        elif harm == 1:
            data = data[:at] + data[at + length :]
        elif harm in (2, 3):
            data = data[:at] + rng.randbytes(length) + data[at + length :]
        elif harm == 4:
            data = data[:at] + data[at : at + length * 9] * rng.choice((2, 5, 60)) + data[at:]
        elif harm == 5:
            data = data[:at] if rng.random() < 0.2 else data[:at] + data[at : at + length][::-1] + data[at + length :]
        else:
            data = _renumbered(rng, data) if harm < 8 else _rearranged(rng, data)
    return data


def _renumbered(rng: random.Random, data: bytes) -> bytes:
    """A number, or a tag, made another one."""
    places = list(re.finditer(rb"(?<=[>\":])[\w.+/]+(?=[<\" ])", data)) or [re.match(b"", data)]
    place = rng.choice(places)
    other = rng.choice((rng.choice(NUMBERS).encode(), rng.choice(places)[0]))
    return data[: place.start()] + other + data[place.end() :]


def _rearranged(rng: random.Random, data: bytes) -> bytes:
    """An element left out, or put where another one stands."""
    places = list(re.finditer(rb"<([\w-]+)[^<>]*>(?:[^<]|<(?!/?\1\b))*?</\1>|<[\w-]+[^<>]*/>", data)) or [
        re.match(b"", data)
    ]
    place, other = rng.choice(places), rng.choice(places)
    return data[: place.start()] + other[0] * rng.choice((0, 1, 2, 9)) + data[place.end() :]


def hostile(number: int, seed: int) -> tuple[str, bytes]:
    """The `number`th input of a seed, and its kind."""
    rng = random.Random(f"{seed} {number}")
    kind, data = rng.choice(BASES)
    if kind == "MXL" and rng.random() < 0.5:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return kind, mxl(mutated(rng, archive.read("score.xml")))
    return kind, mutated(rng, data)


def reader(kind: str) -> Callable[[bytes], seeds.Seed]:
    if kind == "text":
        return lambda data: seeds.from_text(data.decode("utf-8", "replace"))
    return lambda data: seeds.from_file("file", data)


def outcome(kind: str, data: bytes) -> tuple[str, str]:
    """What came of an input, in a word and in more."""
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    try:
        word, more = "read", reader(kind)(data).message
    except seeds.SeedError as error:
        word, more = "refused", str(error)
        if not more or len(more) > 300:
            word = "BADLY TOLD"
    except Exception as error:
        word, more = "CRASHES", repr(error)
    seconds = time.process_time() - began
    megabytes = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    if seconds > SECONDS or megabytes > MEGABYTES:
        word, more = "TOO MUCH", f"{seconds:.1f} s, {megabytes:.0f} MB"
    return word, more


BASES = bases()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, metavar="N")
    options = parser.parse_args()
    if options.only is not None:
        kind, data = hostile(options.only, options.seed)
        print(kind, data, *outcome(kind, data), sep="\n")
        return
    counts, faults, slowest = Counter(), 0, 0.0
    for number in range(options.count):
        kind, data = hostile(number, options.seed)
        began = time.process_time()
        word, more = outcome(kind, data)
        slowest = max(slowest, time.process_time() - began)
        counts[kind, word] += 1
        if word.isupper():
            faults += 1
            print(f"{word} {kind} --seed {options.seed} --only {number}: {more[:200]}", flush=True)
    for (kind, word), count in sorted(counts.items()):
        print(f"{kind:10}{word:12}{count}")
    print(f"{faults} faults in {options.count}; the slowest took {slowest:.2f} s")
    sys.exit(faults > 0)


if __name__ == "__main__":
    main()
