"""MIDI as people have it: valid but rare, or nearly valid. What is there is read; the rest is told."""

import struct

import mido
import pytest
from midis import file_of, time_signature, tune

from musicgen.io import midi, midifile
from musicgen.io.seeds import SeedError, from_file, from_midi

TUNE = [67, 69, 71, 72, 74, 72, 71, 69]
QUARTERS = [(0, pitch, i * 4, 4) for i, pitch in enumerate(TUNE)]
END = b"\0\xff\x2f\0"
HEAD = b"\0\xff\x51\3\7\xa1\x20\0\xff\x58\4\4\2\x18\x08"  # 120 quarters a minute, 4/4


def number(value: int) -> bytes:
    """A number of a MIDI file: seven bits a byte, the last without its high bit."""
    digits = [value & 0x7F]
    while value := value >> 7:
        digits.insert(0, value & 0x7F | 0x80)
    return bytes(digits)


def events(*rows: tuple[int, int, int, int]) -> bytes:
    """Channel events `(tick, status, data, data)` as bytes."""
    found, now = b"", 0
    for tick, *event in sorted(rows, key=lambda row: row[0]):
        found += number(tick - now) + bytes(event)
        now = tick
    return found


def played(notes: list[tuple[int, int, int]]) -> bytes:
    """Notes `(pitch, on, off)` in ticks, 480 a quarter."""
    ons = [(on, 0x90, pitch, 80) for pitch, on, _ in notes]
    return events(*[(off, 0x80, pitch, 64) for pitch, _, off in notes if off], *ons)


def chunk(data: bytes, kind: bytes = b"MTrk", length: int | None = None) -> bytes:
    return kind + struct.pack(">I", len(data) if length is None else length) + data


def header(tracks: int = 2, form: int = 1, division: int = 480, more: bytes = b"") -> bytes:
    return chunk(struct.pack(">HHH", form, tracks, division) + more, b"MThd")


NOTES = played([(pitch, i * 480, i * 480 + 480) for i, pitch in enumerate(TUNE)])
CONDUCTOR, MELODY = chunk(HEAD + END), chunk(NOTES + END)
PLAIN = header() + CONDUCTOR + MELODY


def found(data: bytes) -> list[tuple[int, int, int, int]]:
    score = from_file("a.mid", data).canvas.score
    return [(n.voice, n.pitch, n.start, n.duration) for n in score.notes()]


def with_meta(kind: int, data: bytes) -> bytes:
    return header() + chunk(HEAD + b"\0\xff" + bytes([kind]) + number(len(data)) + data + END) + MELODY


@pytest.mark.parametrize(
    "data",
    {
        "plain": PLAIN,
        "RIFF": b"RIFF" + struct.pack("<I", len(PLAIN) + 12) + b"RMIDdata" + struct.pack("<I", len(PLAIN)) + PLAIN,
        "after a MacBinary header": bytes(128) + PLAIN,
        "an unknown chunk first": header() + chunk(b"\0\xff\x2f\0", b"XFIH") + CONDUCTOR + MELODY,
        "an unknown chunk between": header() + CONDUCTOR + chunk(b"MTrk?", b"XFKM") + MELODY,
        "an unknown chunk last": PLAIN + chunk(b"rest", b"junk"),
        "a longer header": header(more=b"\0\0\0\0") + CONDUCTOR + MELODY,
        "a header of the wrong length": PLAIN.replace(b"MThd\0\0\0\6", b"MThd\0\0\0\7"),
        "more tracks claimed": header(9) + CONDUCTOR + MELODY,
        "no tracks claimed": header(0) + CONDUCTOR + MELODY,
        "an unknown form": header(form=7) + CONDUCTOR + MELODY,
        "one song of form 2": header(form=2) + CONDUCTOR + MELODY,
        "nine sharps": with_meta(0x59, b"\x09\0"),
        "a key of mode 255": with_meta(0x59, b"\0\xff"),
        "a short key": with_meta(0x59, b"\0"),
        "a meter of no length": with_meta(0x58, b""),
        "a meter of 0/4": with_meta(0x58, b"\0\2\x18\x08"),
        "a meter over 2 ** 200": with_meta(0x58, b"\4\xc8\x18\x08"),
        "a tempo of no length": with_meta(0x51, b""),
        "a tempo of 0": header() + chunk(b"\0\xff\x51\3\0\0\0" + HEAD + END) + MELODY,
        "long Japanese lyrics": with_meta(0x05, "はるかなる" .encode() * 400),
        "lyrics in Shift JIS": with_meta(0x05, "はるかなる".encode("shift_jis") * 400),
        "no end of track": header() + CONDUCTOR + chunk(NOTES + b"\0"),
        "no end of any track": header() + chunk(HEAD) + chunk(NOTES),
        "a length too large": header() + CONDUCTOR + chunk(NOTES + END, length=9999),
        "a length too small": header() + CONDUCTOR + chunk(NOTES + END, length=7),
        "a length of 0": header() + chunk(HEAD + END, length=0) + chunk(NOTES + END, length=0),
        "a length over two tracks": header() + chunk(HEAD + END, length=len(HEAD + END + MELODY)) + MELODY,
        "padding between tracks": header() + CONDUCTOR + b"\0\0\0" + MELODY + b"\0\0",
        "text after the end": PLAIN + b"\r\nsent from my sequencer",
        "a stray F4": header() + chunk(b"\0\xf4" + HEAD + END) + MELODY,
        "a stray clock": header() + CONDUCTOR + chunk(b"\0\xf8\0\xfe" + NOTES + END),
        "a stray song position": header() + CONDUCTOR + chunk(b"\0\xf2\0\0" + NOTES + END),
        "data that belong to nothing": header() + CONDUCTOR + chunk(b"\0\x40\0\x40" + NOTES + END),
        "a long system message": header() + chunk(b"\0\xf0" + number(3000) + bytes(3000) + HEAD + END) + MELODY,
        "cut off in the last event": PLAIN[:-5],
    }.items(),
    ids=lambda item: item[0],
)  # fmt: skip
def test_a_file_that_is_nearly_right_is_read(data):
    score = from_file("a.mid", data[1]).canvas.score
    assert [(n.voice, n.pitch, n.start, n.duration) for n in score.notes()] == QUARTERS
    assert (score.meter, score.tempo, score.bars) == ("4/4", 120, 2)


def test_what_is_damaged_in_earnest_is_told():
    assert "damaged" not in from_midi(PLAIN).message
    assert "what could not be read was left out" in from_midi(PLAIN[:60]).message
    for data in (PLAIN[:30], header(), b"MThd\0\0\0\6\0\1", header(division=0) + MELODY):
        with pytest.raises(SeedError, match=r"damaged.*choose another"):
            from_midi(data)


def test_running_status_goes_on_after_what_is_no_note():
    data = b"\0\x90\x43\x50" + b"\0\xff\x01\1a" + b"\x83\x60\x43\0" + b"\0\xf0\1\xf7" + b"\0\x45\x50\x83\x60\x45\0"
    assert found(header() + CONDUCTOR + chunk(data + END)) == [(0, 67, 0, 4), (0, 69, 4, 4)]


def test_time_in_film_frames_is_read_at_120():
    ticks = 12  # a quarter of half a second in ticks of 24 frames by 1
    data = played([(pitch, i * ticks, i * ticks + ticks) for i, pitch in enumerate(TUNE)])
    slow = chunk(b"\0\xff\x51\3\x0f\x42\x40" + END)  # a tempo, which means nothing where ticks are parts of a second
    score = from_midi(header(division=(256 - 24) << 8 | 1) + slow + chunk(data + END)).canvas.score
    assert [(n.voice, n.pitch, n.start, n.duration) for n in score.notes()] == QUARTERS and score.tempo == 120


def test_fine_ticks_are_no_reason_to_call_a_piece_long():
    ticks = 32_000
    data = played([(pitch, i * ticks, i * ticks + ticks) for i, pitch in enumerate(TUNE * 16)])
    assert len(found(header(division=ticks) + CONDUCTOR + chunk(data + END))) == 128


def test_songs_of_form_2_are_not_mixed():
    with pytest.raises(SeedError, match="several separate songs"):
        from_midi(header(form=2) + MELODY + MELODY)


@pytest.mark.parametrize("late", [40, 1, 100, 120, 300, 470, 900])
def test_first_on_first_off(late):
    """Repeated notes that overlap a little, as sequencers and players let them."""
    notes = [(67, i * 480, i * 480 + 480 + late) for i in range(7)] + [(67, 3360, 3840)]
    assert found(header() + CONDUCTOR + chunk(played(notes) + END)) == [(0, 67, i * 4, 4) for i in range(8)]


def test_an_end_and_a_begin_at_one_tick_may_stand_in_any_order():
    rows = [(0, 0x90, 67, 80), (480, 0x90, 67, 80), (480, 0x80, 67, 0), (960, 0x80, 67, 0)]
    assert found(header() + CONDUCTOR + chunk(events(*rows) + END)) == [(0, 67, 0, 4), (0, 67, 4, 4)]


@pytest.mark.parametrize("lost", range(8))
def test_a_note_without_an_end_lasts_until_the_next(lost):
    notes = [(pitch, i * 480, i * 480 + 480 if i != lost else 0) for i, pitch in enumerate(TUNE)]
    assert found(header() + CONDUCTOR + chunk(played(notes) + b"\x83\x60\xff\x2f\0"))[lost] == QUARTERS[lost]


@pytest.mark.parametrize("lost", range(8))
def test_of_repeated_notes_one_may_have_no_end(lost):
    notes = [(67, i * 480, i * 480 + 440 if i != lost else 0) for i in range(8)]
    ended = chunk(played(notes) + (b"\x28" if lost < 7 else b"\x83\x60") + b"\xff\x2f\0")
    assert found(header() + CONDUCTOR + ended) == [(0, 67, i * 4, 4) for i in range(8)]


def test_the_last_note_without_an_end_lasts_as_long_as_its_track():
    notes = [(pitch, i * 480, i * 480 + 480 if i < 7 else 0) for i, pitch in enumerate(TUNE)]
    for silence in (480, 0):  # where the track ends with the note's begin, it is not heard
        data = header() + CONDUCTOR + chunk(played(notes) + number(silence) + b"\xff\x2f\0")
        assert found(data) == QUARTERS[: 8 if silence else 7]


def test_what_lasts_no_time_is_not_heard_and_moves_nothing():
    notes = [(60, 480, 480), *[(pitch, i * 480, i * 480 + 480) for i, pitch in enumerate(TUNE)]]
    rows = [(on, 0x90, pitch, 80) for pitch, on, _ in notes] + [(off, 0x80, pitch, 0) for pitch, _, off in notes]
    assert found(header() + CONDUCTOR + chunk(events(*rows) + END)) == QUARTERS


@pytest.mark.parametrize("late", [40, 55, 110, 130, 300])
def test_a_last_chord_let_go_late_opens_no_bar(late):
    chords = [(p, i * 4, i * 4 + 4) for i in range(2) for p in (72, 64, 55, 48)]
    late = [(p, on, off + late / 480 * (on == 4)) for p, on, off in chords]
    score = from_midi(file_of(("Piano", 0, late))).canvas.score
    assert score.bars == 2 and {n.duration for n in score.notes()} == {16}


@pytest.mark.parametrize("length", [1.02, 1.08, 1.3, 1.6])
def test_legato_keeps_the_line(length):
    assert found(file_of(("Flute", 0, [(p, i, i + length) for i, p in enumerate(TUNE)]))) == QUARTERS


def test_a_melody_that_changes_its_program_is_one_voice():
    programs = [(i * 480, 0xC0, 40 + i) for i in range(8)]
    notes = [(on, 0x90, pitch, 80) for on, pitch in zip(range(0, 3840, 480), TUNE)]
    ends = [(off, 0x80, pitch, 0) for off, pitch in zip(range(480, 4000, 480), TUNE)]
    assert found(header() + CONDUCTOR + chunk(events(*ends, *programs, *notes) + END)) == QUARTERS


@pytest.mark.parametrize("late", [0, 40, 150])
def test_a_track_that_spreads_a_line_over_channels_is_one_voice(late):
    rows = [(i * 480, 0x90 + i % 4, p, 80) for i, p in enumerate(TUNE)]
    rows += [(i * 480 + 480 + late * (i < 7), 0x80 + i % 4, p, 80) for i, p in enumerate(TUNE)]
    assert found(header() + CONDUCTOR + chunk(events(*sorted(rows, key=lambda r: (r[0], r[1]))) + END)) == QUARTERS


def test_a_track_with_two_lines_on_two_channels_is_two_voices():
    rows = [(i * 960 + 480 * low, 0x90 + low, 72 - 8 * low - i, 80) for i in range(4) for low in (0, 1)]
    rows += [(i * 960 + 480 * low + 960, 0x80 + low, 72 - 8 * low - i, 80) for i in range(4) for low in (0, 1)]
    notes = found(header() + CONDUCTOR + chunk(events(*sorted(rows)) + END))
    assert {voice for voice, *_ in notes} == {0, 1} and {n[3] for n in notes} == {8}


def test_a_part_that_doubles_another_is_no_second_voice():
    melody = [(p, i, i + 1) for i, p in enumerate(TUNE)]
    for shift, part in ((0, melody), (0, melody[:5]), (-12, melody), (12, melody)):
        other = [(p + shift, on, off) for p, on, off in part]
        seed = from_midi(file_of(("Violin", 0, melody), ("Flute", 1, other)))
        lines = {n.voice for n in seed.canvas.score.notes()}
        assert len(lines) == 1 and "1 part that doubled another left out" in seed.message
    octave = [(p - 12, on, off) for p, on, off in melody[:1]]
    assert len({n.voice for n in from_midi(file_of(("a", 0, melody[:1]), ("b", 1, octave))).canvas.score.notes()}) == 2


def test_named_voices_may_sing_in_unison():
    assert len(found(file_of(("Soprano", 0, tune(TUNE)), ("Alto", 1, tune(TUNE))))) == 16


def test_a_fast_run_is_no_chord():
    run = [(60 + i, i / 8, (i + 1) / 8) for i in range(16)]
    seed = from_midi(file_of(("Flute", 0, run)))
    assert {n.voice for n in seed.canvas.score.notes()} == {0}
    assert [n.start for n in seed.canvas.score.notes()] == list(range(9))
    assert "7 notes shorter than a sixteenth left out" in seed.message


def tempo(quarters: float, at: int = 0) -> mido.MetaMessage:
    return mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(quarters), time=at)


@pytest.mark.parametrize(
    ("head", "read"),
    [
        ([], 120),
        ([tempo(90)], 90),
        ([tempo(90, 960)], 120),  # it counts from where it stands
        ([tempo(90, 60)], 90),  # but one right after the first note is meant for it
        ([tempo(90), tempo(60, 480)], 90),
        ([tempo(90), tempo(60), tempo(99, 60)], 60),
        ([time_signature("4/4")], 120),
    ],
)
def test_the_tempo_is_that_of_the_first_note(head, read):
    assert from_midi(file_of(("Tune", 0, tune(TUNE)), head=head)).canvas.score.tempo == read


def test_a_tempo_before_the_first_note_counts():
    seed = from_midi(file_of(("Tune", 0, tune(TUNE, start=8)), head=[tempo(90), tempo(60, 960)]))
    assert seed.canvas.score.tempo == 60 and "nly its first tempo" in seed.message


def test_too_many_events_are_refused():
    data = chunk(b"\0\x90\x40\x40" + b"\1\x40\x40" * midifile.MAX_EVENTS + END)
    with pytest.raises(SeedError, match=r"too many events.*choose a shorter"):
        from_midi(header() + data)
    with pytest.raises(SeedError, match=r"too many tracks.*choose"):
        from_midi(header() + MELODY * (midifile.MAX_TRACKS + 1))
    with pytest.raises(SeedError, match="larger than 5 MB"):
        midi.read(PLAIN + bytes(midifile.MAX_MIDI_BYTES))
