"""MusicXML: a score comes back exactly and reads well; anybody's file comes in sensibly, hostile ones are refused."""

import io
import subprocess
import sys
import time
import zipfile
from itertools import product
from xml.etree import ElementTree

import mido
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sheets import bar, mxl, note, xml
from strategies import scores

from musicgen.io import midi, notation
from musicgen.io.key import key_of
from musicgen.io.seeds import SeedError, from_file, from_musicxml
from musicgen.io.soundfont import INSTRUMENTS
from musicgen.score import METERS, STYLES, Note, Score, from_notes

KINDS = [(style, meter) for style in STYLES for meter in METERS]


def found(data: bytes, **how) -> list[tuple[int, int, int, int]]:
    return [(n.voice, n.pitch, n.start, n.duration) for n in from_musicxml(data, **how).canvas.score.notes()]


ONE_BAR = [bar(*(note(p, 2) for p in ("C5", "D5", "E5", "F5")), time="4/4")]


@pytest.mark.parametrize(("style", "meter"), KINDS)
def test_round_trip(style, meter):
    @settings(deadline=None, max_examples=8)
    @given(scores(style, meter, most_bars=3))
    def check(score):
        assert from_musicxml(notation.write(score)).canvas.score == score

    check()


@settings(deadline=None, max_examples=5)
@given(scores("chorale", "3/4", most_bars=3))
def test_music21_reads_the_same_notes(score):
    from music21 import converter

    sheet = converter.parseData(notation.write(score), format="musicxml")
    theirs = sorted(
        (voice, n.pitch.midi, int(n.offset * 4) + score.begins, int(n.quarterLength * 4))
        for voice, part in enumerate(sheet.parts)
        for n in part.stripTies(matchByPitch=False).flatten().notes  # it takes A and A natural for two
    )
    assert theirs == sorted((n.voice, n.pitch, n.start, n.duration) for n in score.notes())


@pytest.mark.parametrize("meter", METERS)
def test_note_heads_fill_the_bar_and_show_the_beats(meter):
    size, beat = METERS[meter].steps, METERS[meter].beat
    for begin, end, rest in product(range(size), range(size + 1), (False, True)):
        if begin >= end:
            continue
        heads = notation.pieces(begin, end, METERS[meter], rest)
        assert [h[0] for h in heads] == [begin, *(a + b for a, b in heads[:-1])]
        assert sum(length for _, length in heads) == end - begin
        assert all(length in notation.PLAIN or (rest and length == size) for _, length in heads)
        crossing = [(a, b) for a, b in heads if a // beat != (a + b - 1) // beat]
        assert all(a % 2 == 0 and not (rest and a % beat) for a, _ in crossing)


def test_common_rhythms_are_written_as_people_do():
    four, six = METERS["4/4"], METERS["6/8"]
    assert notation.pieces(0, 16, four) == [(0, 16)]
    assert notation.pieces(2, 6, four) == [(2, 4)]  # a syncopated quarter
    assert notation.pieces(6, 10, four) == [(6, 2), (8, 2)]  # the middle of the bar is seen
    assert notation.pieces(0, 5, four) == [(0, 4), (4, 1)]
    assert notation.pieces(4, 16, four, rest=True) == [(4, 4), (8, 8)]
    assert notation.pieces(0, 12, METERS["3/4"]) == [(0, 12)]
    assert notation.pieces(2, 12, six) == [(2, 4), (6, 6)]
    assert notation.pieces(0, 18, METERS["9/8"]) == [(0, 12), (12, 6)]


def test_a_note_across_a_bar_line_is_tied():
    root = ElementTree.fromstring(notation.write(Score(from_notes([Note(0, 72, 12, 8)], 32))))
    soprano = root.find("part")
    ties = [[t.get("type") for t in n.findall("tie")] for n in soprano.iter("note") if n.find("pitch") is not None]
    assert ties == [["start"], ["stop"]]
    assert len(soprano.findall("measure")) == 2


def test_four_staves_with_their_clefs():
    root = ElementTree.fromstring(notation.write(Score(from_notes([Note(0, 72, 0, 8)], 16))))
    clefs = [(c.findtext("sign"), c.findtext("clef-octave-change")) for c in root.iter("clef")]
    assert clefs == [("G", None), ("G", None), ("G", "-1"), ("F", None)]
    assert [p.findtext("part-name") for p in root.iter("score-part")] == ["Soprano", "Alto", "Tenor", "Bass"]


@pytest.mark.parametrize(
    ("pitches", "sharps", "spelled"),
    [
        ((60, 64, 67, 72, 65, 71, 60), 0, "C4 E4 G4 C5 F4 B4 C4"),
        ((62, 66, 69, 61, 67, 71, 62), 2, "D4 F#4 A4 C#4 G4 B4 D4"),
        ((63, 67, 70, 68, 72, 74, 63), -3, "Eb4 G4 Bb4 Ab4 C5 D5 Eb4"),
        ((69, 60, 64, 68, 69, 62, 69), 0, "A4 C4 E4 G#4 A4 D4 A4"),  # a minor: its leading note is no flat
    ],
)
def test_keys_and_spelling(pitches, sharps, spelled):
    notes = [Note(0, p, i * 4, 4) for i, p in enumerate(pitches)]
    score = Score(from_notes(notes, 32))
    assert key_of(score).sharps == sharps
    root = ElementTree.fromstring(notation.write(score))
    signs = {"1": "#", "-1": "b", None: ""}
    names = [p.findtext("step") + signs[p.findtext("alter")] + p.findtext("octave") for p in root.iter("pitch")]
    assert " ".join(names) == spelled


def test_music21_is_imported_only_when_asked_for():
    code = "import sys, musicgen.io.seeds, musicgen.io.notation; sys.exit('music21' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_melody_is_the_top_voice():
    seed = from_musicxml(xml(ONE_BAR))
    assert [(n.voice, n.pitch, n.start) for n in seed.canvas.score.notes()] == [
        (0, 72, 0),
        (0, 74, 4),
        (0, 76, 8),
        (0, 77, 12),
    ]
    assert not seed.canvas.fixed[:, 1:].any()


def test_two_voices_on_one_staff_chords_and_backup():
    one = note("C5", 4) + note("G5", 4) + "<backup><duration>8</duration></backup>" + note("E4", 8, voice=2)
    assert found(xml([bar(one, time="4/4")])) == [(0, 72, 0, 8), (1, 64, 0, 16), (0, 79, 8, 8)]
    chord = note("C5", 8) + note("E4", 8, chord=True) + note("C3", 8, chord=True)
    assert [n[1] for n in found(xml([bar(chord, time="4/4")]))] == [72, 64, 48]


def test_ties_join_and_repeated_notes_do_not():
    bars = [
        bar(note("C5", 4), note("C5", 4, tie="start"), time="4/4"),
        bar(note("C5", 8, tie="stop start")),
        bar(note("C5", 2, tie="stop"), note("", 6)),
    ]
    assert found(xml(bars)) == [(0, 72, 0, 8), (0, 72, 8, 28)]


def test_an_upbeat_stays_one():
    bars = [bar(note("C5", 2), time="4/4"), bar(note("D5", 8)), bar(note("E5", 6))]
    seed = from_musicxml(xml(bars))
    assert [n.start for n in seed.canvas.score.notes()] == [12, 16, 32]
    assert seed.canvas.fixed[:12].all() and seed.canvas.score.upbeat == 4
    again = ElementTree.fromstring(notation.write(seed.canvas.score))
    bars = again.find("part").findall("measure")
    assert [(b.get("number"), b.get("implicit")) for b in bars] == [("0", "yes"), ("1", "no"), ("2", "no")]
    lengths = [sum(int(d.text) for d in b.iter("duration")) for b in bars]
    assert lengths[0] * 4 == lengths[1] == lengths[2]


@pytest.mark.parametrize(
    ("head", "title", "author"),
    [
        ("<work><work-title>Ode &amp; Joy</work-title></work>", "Ode & Joy", ""),
        ("<work><work-title>Winterreise</work-title></work><movement-title>Gute Nacht</movement-title>"
         '<identification><creator type="lyricist">M</creator><creator type="composer">F. Schubert</creator>'
         "</identification>", "Gute Nacht", "F. Schubert"),
        ("<credit><credit-type>title</credit-type><credit-words>Amazing</credit-words><credit-words>Grace"
         "</credit-words></credit><credit><credit-type>composer</credit-type><credit-words> J. N. </credit-words>"
         "</credit>",
         "Amazing Grace", "J. N."),
        ("<work><work-title>Untitled score</work-title></work><identification><creator>Composer</creator>"
         "</identification>", "", ""),
        (f"<movement-title>&lt;b&gt;x\u202e&lt;/b&gt;\n{'y' * 300}</movement-title>", f"<b>x</b> {'y' * 90}…", ""),
    ],
)  # fmt: skip
def test_title_and_author_are_kept(head, title, author):
    data = xml(ONE_BAR).decode().replace("<part-list>", head + "<part-list>", 1).encode()
    score = from_musicxml(data).canvas.score
    assert (score.title, score.author) == (title, author)
    assert from_musicxml(notation.write(score, maker="Nonet (GRU)")).canvas.score == score


def test_who_completed_it_stands_beside_its_author():
    def creators(score):
        root = ElementTree.fromstring(notation.write(score, maker="Nonet (GRU)"))
        return root.findtext("work/work-title"), {c.get("type"): c.text for c in root.iter("creator")}

    score = Score(from_notes([Note(0, 72, 0, 16)], 16))
    assert creators(score) == ("Chorale", {"composer": "Nonet (GRU)"})
    by = {"composer": "J. S. Bach", "arranger": "completed with Nonet (GRU)"}
    assert creators(score.replace(title="Jesu", author="J. S. Bach")) == ("Jesu", by)


@pytest.mark.parametrize("style", STYLES)
def test_the_same_score_gives_the_same_bytes_and_names_what_midi_plays(style):
    score = Score(from_notes([Note(0, 72, 0, 16)], 16), style)
    chosen = [INSTRUMENTS[key] for key in ("flute", "piano", "organ", "fiddle")]
    for played in (None, chosen):
        data = notation.write(score, played=played)
        assert data == notation.write(score, played=played) and b"encoding-date" not in data
        programs = played and [instrument.program for instrument in played]
        file = mido.MidiFile(file=io.BytesIO(midi.write(score, programs)))
        heard = [m.program + 1 for track in file.tracks for m in track if m.type == "program_change"]
        assert [int(e.text) for e in ElementTree.fromstring(data).iter("midi-program")] == heard
        (key,) = [m.key for m in file.tracks[0] if m.type == "key_signature"]
        assert key == key_of(score).tonic + "m" * key_of(score).minor
    assert data.count(b'<direction placement="above">') == 1


def test_grace_and_cue_notes_do_not_count():
    bars = [bar(note("B4", 0, extra="<grace/>"), note("G4", 2, extra="<cue/>"), note("C5", 6), time="4/4")]
    assert found(xml(bars)) == [(0, 72, 4, 12)]


def test_transposing_instruments_sound_as_they_do():
    clarinet = "<transpose><chromatic>-2</chromatic></transpose>"
    assert found(xml([bar(note("D5", 8), time="4/4", head=clarinet)])) == [(0, 72, 0, 16)]


@pytest.mark.parametrize(
    ("direction", "tempo"),
    [
        ('<sound tempo="96"/>', 96),
        ('<direction><direction-type/><sound tempo="72.5"/></direction>', 72.5),
        ("<direction><metronome><beat-unit>half</beat-unit><per-minute>60</per-minute></metronome></direction>", 120),
        (
            "<direction><metronome><beat-unit>quarter</beat-unit><beat-unit-dot/>"
            "<per-minute>100</per-minute></metronome></direction>",
            150,
        ),
        ("<direction><metronome><per-minute>c. 100</per-minute></metronome></direction>", 100),
        ("<direction><metronome><per-minute>108-112</per-minute></metronome></direction>", 108),
        ("<direction><metronome><per-minute>96,5</per-minute></metronome></direction>", 96.5),
        ('<direction><metronome><per-minute>120</per-minute></metronome><sound tempo="0"/></direction>', 120),
        ('<sound tempo="0"/>', STYLES["chorale"].tempo),
        ('<sound tempo="-60"/>', STYLES["chorale"].tempo),
        ('<sound tempo="NaN"/>', STYLES["chorale"].tempo),
        ("<direction><metronome><per-minute>fast</per-minute></metronome></direction>", STYLES["chorale"].tempo),
        ('<sound tempo="96"/><sound tempo="50"/>', 96),
    ],
)
def test_tempo_is_read(direction, tempo):
    assert from_musicxml(xml([bar(direction, note("C5", 8), time="4/4")])).canvas.score.tempo == tempo


def test_percussion_is_left_out():
    hit = "<note><unpitched/><duration>8</duration></note>"
    seed = from_musicxml(xml([bar(hit, time="4/4")], ONE_BAR))
    assert len(seed.canvas.score.notes()) == 4 and "ercussion was left out" in seed.message


def test_four_named_voices_are_taken_from_a_larger_score():
    names = ("Soprano", "Horn", "Alto", "Tenor", "Bass", "Flute")
    parts = [[bar(note(p, 8), time="4/4")] for p in ("C5", "C4", "E4", "G3", "C3", "C6")]
    seed = from_musicxml(xml(*parts, names=names))
    assert [n.pitch for n in seed.canvas.score.notes()] == [72, 64, 55, 48]
    assert "2 parts besides the four voices left out" in seed.message


def test_a_score_nested_by_bars_is_read_too():
    parts = "".join(f'<part id="P{i}">{note(p, 8)}</part>' for i, p in enumerate(("C5", "E4")))
    attributes = "<attributes><divisions>2</divisions></attributes>"
    measure = f"<measure>{parts.replace('<note>', attributes + '<note>')}</measure>"
    data = f"<score-timewise><part-list/>{measure}</score-timewise>"
    assert [n[:2] for n in found(data.encode())] == [(0, 72), (1, 64)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "latin-1"])
def test_encodings(encoding):
    text = xml(ONE_BAR, names=("Flöte",)).decode().replace('"1.0"', f'"1.0" encoding="{encoding}"')
    assert len(from_file("a.xml", text.encode(encoding)).canvas.score.notes()) == 4


def test_compressed_files_and_doctypes_are_read():
    doctype = b'<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" "http://x.invalid/p.dtd">'
    data = xml(ONE_BAR).replace(b"<score-partwise>", doctype + b"<score-partwise>", 1)
    assert len(found(data)) == 4
    assert from_file("a.mxl", mxl(data)).canvas.score == from_musicxml(data).canvas.score


def refused(data: bytes, words: str):
    began = time.process_time()
    with pytest.raises(SeedError, match=words):
        from_musicxml(data)
    assert time.process_time() - began < 10  # a guard against files built to keep us busy


def test_entity_bombs_are_refused():
    entities = "".join(f'<!ENTITY l{i + 1} "{f"&l{i};" * 10}">' for i in range(9))
    refused(f'<!DOCTYPE x [<!ENTITY l0 "lol">{entities}]><score-partwise>&l9;</score-partwise>'.encode(), "entities")


def test_files_outside_are_never_read():
    refused(b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><score-partwise>&e;</score-partwise>', "entities")


def test_zip_bombs_are_refused():
    refused(mxl(b"<score-partwise>" + b" " * 30_000_000), "larger than")
    refused(mxl(b"<score-partwise>" + b"<a/>" * 2_000_000), "too much")
    assert len(found(mxl(xml(ONE_BAR), container=" " * 20_000_000))) == 4


def test_deep_and_endless_files_are_refused():
    refused(b"<score-partwise>" * 100_000, "too much")
    refused(b"<score-partwise>" + b"<a/>" * 500_000, "too much")
    refused(b"<score-partwise>" + b" " * 11_000_000, "larger than")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\3\4 and so on",
        b"<html/>",
        b"<score-partwise>",
        b"<score-partwise/>",
        b'<?xml version="1.0" encoding="klingon"?><score-partwise/>',
        mxl(b""),
        mxl(xml(ONE_BAR), method=zipfile.ZIP_BZIP2),
        mxl(xml(ONE_BAR))[:-30],
        xml(ONE_BAR).replace(b"<step>C", b"<step>?"),
        xml(ONE_BAR).replace(b"<duration>2", b"<duration>1e99"),
        xml(ONE_BAR).replace(b"<duration>2", b"<duration>nan"),
        xml(ONE_BAR).replace(b"<divisions>2", b"<divisions>many"),
        xml(ONE_BAR).replace(b"<beats>4", b"<beats>"),
        xml(ONE_BAR).replace(b"<octave>5", b"<octave>"),
        xml([bar(note("", 8), time="4/4")]),
    ],
)
def test_what_is_broken_is_refused_in_a_sentence(data):
    refused(data, r"choose|export")


@settings(deadline=None, max_examples=200)
@given(st.integers(0, 10_000), st.binary(max_size=6), st.integers(0, 40))
def test_a_damaged_file_is_read_or_refused_but_never_crashes(place, inserted, removed):
    data = xml(ONE_BAR)
    place %= len(data)
    try:
        seed = from_file("a.musicxml", data[:place] + inserted + data[place + removed :])
        assert seed.canvas.score.notes()
    except SeedError as error:
        assert str(error)
