"""ABC notation from anybody: read as it is written, refused in a sentence, never slow."""

import time

import pytest

from musicgen.io import abctune, text
from musicgen.io.seeds import SeedError, from_file

HEAD = "X:1\nT:Tune\nM:4/4\nL:1/8\nQ:1/4=100\nK:G\n"


def line(body: str, head: str = HEAD) -> str:
    """The tune's top voice, as notes are typed."""
    return text.write(from_file("a.abc", (head + body).encode()).canvas.score)[0]


@pytest.mark.parametrize(
    ("body", "typed"),
    {
        "lengths": ("G2A/B/c3/2d/2e3|g8|", "G4 A4:0.25 B4:0.25 C5:0.75 D5:0.25 E5:1.5 | G5:4"),
        "two strokes": ("G2//A2//Bc2d2e2|", "G4:0.25 A4:0.25 B4:0.5 C5 D5 E5"),
        "the key": ("F2c2f2F2|", "F#4 C5 F#5 F#4"),
        "accidentals last a bar": ("=F2F2^c2c2|F2c2_B2B2|", "F4 F4 C#5 C#5 | F#4 C5 Bb4 Bb4"),
        "chord symbols": ('"G"G2"D7"A2"^slowly"B2"Am7/G"c2|', "G4 A4 B4 C5"),
        "broken rhythm": ("G>A B<c d2>>e2|", "G4:0.75 A4:0.25 B4:0.25 C5:0.75 D5:1.75 E5:0.25"),
        "a rest": ("G2z2x2A2|z8|G8|", "G4 R:2 A4 | R:4 | G4:4"),
        "bars of rest": ("G8|Z2|G8|", "G4:4 | R:4 | R:4 | G4:4"),
        "ties": ("G4A4-|A2G6|", "G4:2 A4:3 G4:3"),
        "slurs and grace notes": ("(G2{cB}A2) !trill!B2 ~c2|", "G4 A4 B4 C5"),
        "repeats": ("|:G8:|A8|", "G4:4 | G4:4 | A4:4"),
        "endings": ("|:G8|1A8:|2B8|]", "G4:4 | A4:4 | G4:4 | B4:4"),
        "endings in brackets": ("|:G8|[1A8:|[2B8||c8|]", "G4:4 | A4:4 | G4:4 | B4:4 | C5:4"),
        "two at once": ("|:G8::A8:|", "G4:4 | G4:4 | A4:4 | A4:4"),
        "a line goes on": ("G4\\\nA4|\nB8|", "G4:2 A4:2 | B4:4"),
        "fields in the line": ("G4[L:1/4]A2|[K:F]B4|", "G4:2 A4:2 | Bb4:4"),
        "words": ("G4A4|\nw:la la\nB8|\nW: more", "G4:2 A4:2 | B4:4"),
        "an upbeat": ("D2|G8|A6|", "R:3 D4 | G4:4 | A4:3 R"),
        "another tune": ("G8|\n\nX:2\nT:Other\nK:C\nC8|", "G4:4"),
        "signs of others": ("G4$`A4|*B8|", "G4:2 A4:2 | B4:4"),
    }.values(),
)  # fmt: skip
def test_a_tune_is_read_as_it_is_written(body, typed):
    found = line(body)
    top = [word for word in found.split() if word != "|"]
    assert top[: len(typed.replace(" |", "").split())] == typed.replace(" |", "").split()


def test_octaves():
    (part,) = abctune.read((HEAD + "G,2G2g2g'2|").encode()).parts
    assert [sound.pitch for sound in part.sounds] == [55, 67, 79, 91]


@pytest.mark.parametrize(
    ("key", "typed"),
    [("Am", "F4"), ("D", "F#4"), ("Ddor", "F4"), ("D Mixolydian", "F#4"), ("F#m", "F#4"),
     ("Bb", "F4"), ("E minor", "F#4"),
     ("C ^f", "F#4"), ("HP", "F4"), ("Hp", "F#4"), ("none", "F4"), ("G clef=bass", "F#4")],
)  # fmt: skip
def test_keys_and_modes(key, typed):
    assert line("F8|", f"X:1\nL:1/8\nK:{key}\n").split(":")[0] == typed


@pytest.mark.parametrize(
    ("fields", "meter", "tempo"),
    [("M:6/8\nQ:3/8=80", "6/8", 120), ("M:C\nQ:120\nL:1/8", "4/4", 60), ("M:C|", "4/4", None), ("M:9/8", "9/8", None),
     ('M:3/4\nQ:"Lively" 1/4=90', "3/4", 90), ("M:2/4\nQ:1/2=50", "2/4", 100)],
)  # fmt: skip
def test_meter_and_tempo(fields, meter, tempo):
    score = from_file("a.abc", f"X:1\n{fields}\nK:C\n|GABc|GABc|".encode()).canvas.score
    assert score.meter == meter and (tempo is None or score.tempo == tempo)


@pytest.mark.parametrize(
    ("fields", "title", "author"),
    [("T:Over the Hill % by ear\nT:The Other Name\nC:A. Piper\n", "Over the Hill", "A. Piper"), ("", "", ""),
     ("T:\nT: Le déserteur \nC: trad.\n", "Le déserteur", "trad."), ("T:\u202e<b>x</b>\n", "<b>x</b>", "")],
)  # fmt: skip
def test_title_and_author(fields, title, author):
    score = from_file("a.abc", f"X:1\n{fields}K:C\nC8|T:C8|\n".encode()).canvas.score
    assert (score.title, score.author) == (title, author)


def test_only_the_first_tune_names_the_music():
    score = from_file("a.abc", b"X:1\nK:C\nC8|\nX:2\nT:Second\nC:Other\nK:C\nC8|\n").canvas.score
    assert (score.title, score.author) == ("", "")


def test_tuplets_stay_in_time():
    music = abctune.read((HEAD + "(3GABc2d2e2|(3:2:2G2Af6|").encode())
    starts = [round(sound.start, 2) for sound in music.parts[0].sounds]
    assert starts == [0, 1.33, 2.67, 4, 8, 12, 16, 18.67, 20]


def test_voices_are_parts_and_overlays_too():
    four = HEAD + "V:1\nG8|\nV:2\nD8|\n[V:3] B,8|\n[V:4] G,,8|\n"
    score = from_file("a.abc", four.encode()).canvas.score
    assert text.write(score) == ["G4:4", "D4:4", "B3:4", "G2:4"]
    assert {s.pitch for p in abctune.read((HEAD + "[GBd]4[Gc]4|").encode()).parts for s in p.sounds} == {67, 71, 74, 72}
    assert len(abctune.read((HEAD + "g8&G4B4|").encode()).parts[0].sounds) == 3


def test_what_became_of_it_is_told():
    told = from_file("a.abc", (HEAD + "|:G8:|\nX:2\nK:C\nC8|").encode()).message
    assert "only the first tune was read" in told.lower() and "repeats were played out" in told


@pytest.mark.parametrize(
    ("tune", "advice"),
    [("X:1\nK:C\n", "no notes"), (HEAD + "C,,,,,,,,8", "out of range"),
     (HEAD + "".join(f"V:{n}\nC\n" for n in range(20)), "voices"),
     (HEAD + "C" * 100_001, "characters"), (HEAD + "%" * 9, "no notes"), (HEAD + "z8|Z4|", "no notes")],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_in_a_sentence(tune, advice):
    with pytest.raises(SeedError, match=advice):
        from_file("a.abc", tune.encode())


SIGNS = (
    "[CEG]2 ",
    "C",
    "C8|",
    "|:C8:|",
    "|1C8:|2C8|",
    "(3CDE",
    "(9:999:9CDEFGABcd",
    "C99999999 ",
    "C////",
    '"G"C',
    '"',
    "{CDE}C",
    "{",
    "[",
    "(",
    "C>D<E>>F",
    ".",
    "!trill!C",
    "!",
    "V:1\nC8|\nV:2\nC8|\n",
    "[K:D]C",
    "[M:3/4]CDE|",
    "K:D\n",
    "C-C-",
    "^^C__D=E",
    "C,,''",
    "-",
    "C&D|",
    "|:|:",
    ":",
    "|",
    "%\n",
    "w: la\n",
    "Z99|",
    "z99999|",
    "C\\\n",
    "((((C))))",
    "[|C|]",
    "9",
    "/",
    "_",
    "^",
    "[Q:1/4=9999999999]C",
    "C0",
    "C1/0 ",
    "}{",
    "+CEG+",
    "[1,2-9C|",
    "[V:1",
    "M:99999/9\nC",
    "L:0/0\nC",
    "::",
    "\0",
    "é",
    "Q:0=0\n",
)


@pytest.mark.parametrize("sign", SIGNS)
def test_nothing_keeps_us_busy(sign):
    began = time.process_time()
    for count in (1, 99_000 // len(sign)):
        try:
            assert from_file("a.abc", (HEAD + sign * count).encode()).canvas.score.bars <= 32
        except SeedError as error:
            assert 10 < len(str(error)) < 300
    assert time.process_time() - began < 10
