"""Inputs made to do harm: read or refused in a sentence, and never for long."""

import re
import time

import mutate
import pytest
from sheets import bar, note, xml
from test_midifile import CONDUCTOR, END, chunk, header

from musicgen import options
from musicgen.io import seeds

PATIENCE = 10  # seconds of the processor; a second is what is meant, on a machine that does nothing else
FULL = bar(*(note("C5", 2) for _ in range(4)), time="4/4")
REPEATED = bar(note("C5", 1), time="1/8", left='<repeat direction="forward"/>', right='<repeat times="16"/>')


def survived(data: bytes, name: str = "a.file"):
    began = time.process_time()
    try:
        assert seeds.from_file(name, data).canvas.score.bars <= 32
    except seeds.SeedError as error:
        assert 0 < len(str(error)) < 300
    assert time.process_time() - began < PATIENCE


@pytest.mark.parametrize("start", range(0, 400, 100))
def test_a_few_of_the_damaged_inputs(start):
    for number in range(start, start + 100):
        kind, data = mutate.hostile(number, seed=1)
        word, more = mutate.outcome(kind, data)
        assert word in ("read", "refused") or (word, more[-3:-2]) == ("TOO MUCH", "M"), (number, word, more)


def grid(count: int) -> bytes:
    """`count` chords of all pitches, each a few ticks after the one before."""
    found = b""
    for status, delta in ((0x90, 20), (0x80, 20)):
        found += bytes([delta, status, 0, 80]) + b"".join(bytes([0, pitch, 80]) for pitch in range(1, 128))
    return header() + CONDUCTOR + chunk(found * count + END)


@pytest.mark.parametrize(
    "data",
    {
        "every pitch at once": grid(100),
        "notes without ends": header() + chunk(b"\0\x90\x40\x40" + b"\1\x40\x40" * 20_000 + END),
        "many tracks": header() + chunk(b"\0\x90\x40\x40\x60\x80\x40\0" + END) * 1000,
        "tracks inside tracks": header() + b"".join(chunk(END, length=12 * (5000 - i)) for i in range(5000)),
        "numbers without an end": header() + chunk(b"\xff" * 200_000),
        "meters without an end": header() + chunk(b"\1\xff\x58\4\xff\6\x18\x08" * 40_000 + END),
        "a file of headers": b"MThd" * 100_000,
        "empty notes": xml([bar("<note/>" * 40_000, time="4/4")]),
        "empty bars": xml(["<measure/>" * 20_000 + FULL]),
        "a voice a note": xml([bar(*(note("C5", 2, voice=i) for i in range(5000)), time="4/4")]),
        "one chord": xml([bar(*(note("C5", 2, chord=True) for _ in range(5000)), time="4/4")]),
        "many parts": xml(*[[FULL]] * 200),
        "repeats": xml([REPEATED] * 2000),
        "bars of nothing": xml([bar(note("C5", 1), time="1/1048576")] + [bar(note("D5", 1))] * 5000),
        "long text": xml([FULL]).replace(b"Part<", b"&" * 1_000_000 + b"<"),
        "brackets": xml([FULL]).replace(b"Part<", b"<" * 1_000_000 + b"<"),
        "comments": b"<score-partwise><!--" + b"<!--" * 500_000,
        "attributes": xml([FULL]).replace(
            b"<measure ", b"<measure " + b" ".join(b'a%d=""' % i for i in range(50_000)), 1
        ),
    }.items(),
    ids=lambda item: item[0],
)
def test_what_is_made_to_keep_us_busy(data):
    survived(data[1])


def test_a_score_as_large_as_a_file_may_be_is_read():
    began = time.process_time()
    seed = seeds.from_file("a.musicxml", xml([FULL] * (options.LARGEST_FILE // len(FULL) - 1)))
    assert "Kept 128 notes in 32 bars" in seed.message and time.process_time() - began < PATIENCE


@pytest.mark.parametrize("typed", ["0" * 3990, "9" * 3990, "C5:" + "1" * 3990, "C" + "5" * 3990, "[" + "60 " * 1300])
def test_long_numbers_are_no_numbers(typed):
    with pytest.raises(seeds.SeedError, match=r"number \d"):
        seeds.from_text(typed)


@pytest.mark.parametrize("value", mutate.NUMBERS)
@pytest.mark.parametrize("field", ["divisions", "beats", "beat-type", "duration", "octave", "alter", "step", "tempo"])
def test_a_number_may_be_anything(field, value):
    sound = f'<sound tempo="{value}"/>' if field == "tempo" else ""
    data = xml([bar(sound, note("C5", 8), time="4/4")]).decode()
    survived(re.sub(rf"(?<=<{field}>)[^<]*", value, data).encode())
