"""MIDI files: our own come back exactly, anybody's come in sensibly, hostile ones are refused."""

import io
import time

import mido
import numpy as np
import pretty_midi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from midis import file_of, time_signature, tune
from strategies import scores

from musicgen.io import midi
from musicgen.io.key import key_of
from musicgen.io.seeds import SeedError, from_file, from_midi
from musicgen.score import HOLD, METERS, REST, STYLES, Note, Score, from_notes

KINDS = [(style, meter) for style in STYLES for meter in METERS]
C_MAJOR = [60, 62, 64, 65, 67, 69, 71, 72]


def found(data: bytes, **how) -> list[tuple[int, int, int, int]]:
    return [(n.voice, n.pitch, n.start, n.duration) for n in from_midi(data, **how).canvas.score.notes()]


@pytest.mark.parametrize(("style", "meter"), KINDS)
def test_round_trip(style, meter):
    @settings(deadline=None, max_examples=25)
    @given(scores(style, meter))
    def check(score):
        assert from_midi(midi.write(score)).canvas.score == score

    check()


@settings(deadline=None, max_examples=30)
@given(scores("chorale", "4/4"))
def test_another_program_hears_the_same_notes(score):
    heard = pretty_midi.PrettyMIDI(io.BytesIO(midi.write(score)))
    step = score.seconds_per_step
    notes = sorted(
        (STYLES["chorale"].voices.index(i.name), n.pitch, round(n.start / step), round((n.end - n.start) / step))
        for i in heard.instruments
        for n in i.notes
    )
    assert notes == sorted((n.voice, n.pitch, n.start - score.begins, n.duration) for n in score.notes())
    meters = [(s.numerator / s.denominator, round(s.time / step)) for s in heard.time_signature_changes]
    assert meters == [(score.upbeat / 16, 0)] * bool(score.upbeat) + [(1, score.upbeat)]
    key = key_of(score)
    assert [k.key_number for k in heard.key_signature_changes] == [
        pretty_midi.key_name_to_key_number(f"{key.tonic} {key.mode.capitalize()}")
    ]


@pytest.mark.parametrize(("style", "meter"), KINDS)
def test_every_track_ends_with_the_score_and_is_named(style, meter):
    cells = np.full((2 * METERS[meter].steps, 4), REST)
    cells[3, 0] = 72
    file = mido.MidiFile(file=io.BytesIO(midi.write(Score(cells, style, meter, 96))))
    assert {sum(m.time for m in track) for track in file.tracks} == {len(cells) * midi.STEP}
    assert [t.name for t in file.tracks[1:]] == list(STYLES[style].voices)
    assert file.length == pytest.approx(len(cells) * 60 / 96 / 4, rel=1e-5)


@pytest.mark.parametrize("tempo", [20, 66, 97.3, 133, 240, 300])
def test_the_tempo_is_written_exactly(tempo):
    messages = mido.MidiFile(file=io.BytesIO(midi.write(Score(np.full((16, 4), REST), tempo=tempo)))).merged_track
    assert [m.tempo for m in messages if m.type == "set_tempo"] == [round(60_000_000 / tempo)]


def test_programs_and_velocities():
    score = Score(from_notes([Note(v, p, 0, 8) for v, p in enumerate((72, 64, 57, 48))], 16))
    file = mido.MidiFile(file=io.BytesIO(midi.write(score, (52, 48, 0, 73))))
    messages = [m for track in file.tracks for m in track]
    assert [m.program for m in messages if m.type == "program_change"] == [52, 48, 0, 73]
    loud = [m.velocity for m in messages if m.type == "note_on" and m.velocity]
    assert all(40 < v < 120 for v in loud) and loud[0] > loud[1]


def test_a_repeated_note_ends_before_it_begins_again():
    score = Score(from_notes([Note(0, 72, 0, 4), Note(0, 72, 4, 4), Note(0, 72, 8, 8)], 16))
    track = mido.MidiFile(file=io.BytesIO(midi.write(score))).tracks[1]
    begins = [m.type == "note_on" and m.velocity > 0 for m in track if m.type.startswith("note")]
    assert begins == [True, False] * 3


def test_a_silent_score_comes_back_too():
    score = Score(np.full((32, 4), REST), tempo=90)
    seed = from_midi(midi.write(score))
    assert seed.canvas.score == score and seed.canvas.seed_steps == 0


def test_a_single_track_is_the_top_voice_and_leaves_the_others_free():
    seed = from_midi(file_of(("Piano", 0, tune(C_MAJOR))))
    assert found(file_of(("Piano", 0, tune(C_MAJOR)))) == [(0, p, i * 4, 4) for i, p in enumerate(C_MAJOR)]
    assert seed.canvas.fixed.all(axis=0).tolist() == [True, False, False, False]
    assert seed.message == "Kept 8 notes in 2 bars of 4/4: soprano."


def test_four_tracks_are_four_voices_whatever_their_order():
    parts = [[72, 74], [64, 65], [57, 57], [45, 41]]
    tracks = [(f"track {i}", i, tune(parts[i])) for i in (2, 0, 3, 1)]
    assert found(file_of(*tracks)) == [(v, parts[v][i], i * 4, 4) for i in range(2) for v in range(4)]


def test_named_tracks_keep_their_voices_where_they_cross():
    tracks = [("Alto", 0, tune([72])), ("Soprano", 1, tune([64])), ("Bass", 2, tune([48]))]
    assert found(file_of(*tracks)) == [(0, 64, 0, 4), (1, 72, 0, 4), (3, 48, 0, 4)]


def test_chords_in_one_track_are_split_from_the_top():
    chords = [(p, i, i + 1) for i, chord in enumerate([(72, 64, 55, 48), (74, 65, 57, 50)]) for p in chord]
    assert found(file_of(("Piano", 0, chords)))[:4] == [(0, 72, 0, 4), (1, 64, 0, 4), (2, 55, 0, 4), (3, 48, 0, 4)]


def test_a_held_bass_is_not_cut_by_the_tune_above_it():
    notes = [(48, 0, 4), *tune([72, 74, 76, 77])]
    assert (3, 48, 0, 16) in found(file_of(("Piano", 0, notes)))


def test_what_is_beyond_four_voices_is_dropped_and_told():
    chord = [(p, 0, 4) for p in (76, 72, 67, 64, 60, 48)]
    seed = from_midi(file_of(("Piano", 0, chord)))
    assert [n.pitch for n in seed.canvas.score.notes()] == [76, 72, 67, 48]
    assert "2 notes beyond four at a time left out" in seed.message


def test_drums_are_dropped_and_told():
    seed = from_midi(file_of(("Tune", 0, tune(C_MAJOR)), ("Kit", 9, tune([36, 38] * 4))))
    assert len(seed.canvas.score.notes()) == 8 and "ercussion was left out" in seed.message
    with pytest.raises(SeedError, match=r"only percussion.*choose one with a melody"):
        from_midi(file_of(("Kit", 9, tune([36, 38] * 4))))


def test_voices_out_of_range_move_by_octaves_and_it_is_told():
    seed = from_midi(file_of(("Cello", 0, tune([36, 38, 40]))))
    assert [n.pitch for n in seed.canvas.score.notes()] == [60, 62, 64]
    assert "The tune was moved up 2 octaves" in seed.message


def test_times_off_the_grid_are_moved_onto_it_and_told():
    played = [(60, 0.02, 0.9), (62, 1.06, 1.93), (64, 1.97, 3.1)]
    data = file_of(("Piano", 0, played))
    assert found(data) == [(0, 60, 0, 4), (0, 62, 4, 4), (0, 64, 8, 5)]
    assert "sixteenth grid" in from_midi(data).message


@pytest.mark.parametrize("gate", [0.5, 0.8, 0.9, 0.95, 1.02])
def test_detached_playing_keeps_onsets_and_short_gaps_close(gate):
    data = file_of(("Piano", 0, [(p, i, i + gate) for i, p in enumerate(C_MAJOR)]))
    assert [n[1:3] for n in found(data)] == [(p, i * 4) for i, p in enumerate(C_MAJOR)]
    assert all(n[3] == (2 if gate == 0.5 else 4) for n in found(data)[:-1])


def test_meter_and_tempo_are_read():
    head = [mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(132)), time_signature("3/4")]
    score = from_midi(file_of(("Tune", 0, tune(C_MAJOR)), head=head)).canvas.score
    assert (score.meter, score.tempo, score.bars) == ("3/4", 132, 3)


def test_style_meter_and_tempo_can_be_told():
    score = from_midi(file_of(("Tune", 0, tune(C_MAJOR))), "dance", "2/4", 99).canvas.score
    assert (score.style, score.meter, score.tempo, score.bars) == ("dance", "2/4", 99, 4)


@pytest.mark.parametrize(
    ("meter", "read"),
    [("2/2", "4/4"), ("12/8", "6/8"), ("3/2", "3/4"), ("4/8", "2/4"), ("3/8", "6/8"), ("5/4", "4/4"), ("7/8", "4/4")],
)
def test_other_meters_are_written_in_one_we_know(meter, read):
    seed = from_midi(file_of(("Tune", 0, tune(C_MAJOR)), head=[time_signature(meter)]))
    assert seed.canvas.score.meter == read
    assert f"Its {meter} is written in {read}" in seed.message


def test_an_upbeat_stays_one_and_bar_lines_fall_right():
    head = [time_signature("1/4"), time_signature("4/4", 480)]
    seed = from_midi(file_of(("Tune", 0, tune(C_MAJOR)), head=head))
    assert [n.start for n in seed.canvas.score.notes()][:2] == [12, 16]
    assert seed.canvas.fixed[:12].all() and not seed.canvas.fixed[12:, 1:].any()
    assert (seed.canvas.score.upbeat, seed.canvas.score.begins) == (4, 12)
    assert seed.message == "Kept 8 notes in 3 bars of 4/4 with the upbeat: soprano."
    again = mido.MidiFile(file=io.BytesIO(midi.write(seed.canvas.score)))
    assert next(m.time for m in again.tracks[1] if m.type == "note_on") == 0
    meters = [(m.numerator, m.denominator, m.time) for m in again.tracks[0] if m.type == "time_signature"]
    assert meters == [(1, 4, 0), (4, 4, 480)]


@pytest.mark.parametrize(("steps", "meter", "written"), [(2, "6/8", "1/8"), (6, "9/8", "3/8"), (3, "2/4", "3/16")])
def test_an_upbeat_of_any_length_is_a_bar_of_its_own_meter(steps, meter, written):
    size = METERS[meter].steps
    score = Score(from_notes([Note(0, 72, size - steps, steps), Note(0, 74, size, size)], 2 * size), "dance", meter)
    score = score.replace(upbeat=steps)
    marks = [m for m in mido.MidiFile(file=io.BytesIO(midi.write(score))).tracks[0] if m.type == "time_signature"]
    assert [f"{m.numerator}/{m.denominator}" for m in marks] == [written, meter]
    assert from_midi(midi.write(score)).canvas.score == score
    assert from_midi(midi.write(score), "chorale").canvas.score == score.replace(style="chorale")


def text(kind: str, said: str) -> mido.MetaMessage:
    return mido.MetaMessage(kind, **{"name" if kind == "track_name" else "text": said})


@pytest.mark.parametrize(
    ("head", "title", "author"),
    [
        ([text("track_name", "Down by the Salley Gardens"), text("text", "Composer: H. Hughes")],
         "Down by the Salley Gardens", "H. Hughes"),
        ([text("track_name", "Tempo Track"), text("copyright", "\xa9 1999 A. Smith")], "", "\xa9 1999 A. Smith"),
        ([text("track_name", "tune.mid"), text("text", "Music by \tA.\x07 Smith ")], "", "A. Smith"),
        ([text("track_name", "x" * 500)], "x" * 99 + "…", ""),
        ([], "", ""),
    ],
)  # fmt: skip
def test_title_and_author_are_kept(head, title, author):
    score = from_midi(file_of(("Tune", 0, tune(C_MAJOR)), head=head)).canvas.score
    assert (score.title, score.author) == (title, author)
    again = from_midi(midi.write(score, maker="Nonet (GRU)")).canvas.score
    assert again == score.replace(style=again.style)


def test_a_single_track_is_called_as_its_music_is_unless_it_is_a_voice():
    for name, title in (("The Kesh", "The Kesh"), ("Piano", ""), ("Soprano", ""), ("Track 1", ""), ("", "")):
        data = file_of((name, 0, tune(C_MAJOR)), type=1)
        single = mido.MidiFile(file=io.BytesIO(data))
        single.type, single.tracks = 0, single.tracks[1:]
        out = io.BytesIO()
        single.save(file=out)
        assert from_midi(out.getvalue()).canvas.score.title == title


def test_who_completed_it_stands_beside_its_author():
    score = Score(from_notes([Note(0, 72, 0, 16)], 16), title="Łódź", author="K. Wiłkomirski")
    first = mido.MidiFile(file=io.BytesIO(midi.write(score, maker="Nonet (GRU)")), charset="utf-8").tracks[0]
    assert first.name == "Łódź"
    texts = [m.text for m in first if m.type == "text"]
    assert {"Completed with Nonet (GRU)", "Composer: K. Wiłkomirski"} <= {*texts}


def test_empty_bars_before_the_music_are_left_out():
    seed = from_midi(file_of(("Tune", 0, tune(C_MAJOR, start=9))))
    assert seed.canvas.score.notes()[0].start == 4
    assert "2 empty bars" in seed.message


def test_rests_inside_the_music_are_given():
    canvas = from_midi(file_of(("a", 0, [(72, 0, 1), (72, 3, 4)]), ("b", 1, [(48, 0, 4)]))).canvas
    assert canvas.fixed.all(axis=0).tolist() == [True, False, False, True]
    assert (canvas.score.cells[4:12, 0] == REST).all()


def test_a_long_piece_is_cut_and_told():
    seed = from_midi(file_of(("Tune", 0, tune(C_MAJOR * 25))))
    assert seed.canvas.score.bars == 32
    assert "after bar 32 was left out" in seed.message


def test_a_jig_is_a_dance_and_a_dance_has_one_voice():
    jig = ("Fiddle", 0, tune([67, 69, 71] * 4, length=0.5))
    head = [time_signature("6/8")]
    assert from_midi(file_of(jig, head=head)).canvas.score.style == "dance"
    seed = from_midi(file_of(jig, ("Bass", 1, tune([43] * 4, length=1.5)), head=head), style="dance")
    assert [n.pitch for n in seed.canvas.score.notes()] == [67, 69, 71] * 4
    assert "nly the top line was kept" in seed.message


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"MThd",
        b"MThd\0\0\0\6\0\1\0\1\1\340",
        b"MThd\0\0\0\6\0\1\0\1\0\0MTrk\0\0\0\4\0\xff\x2f\0",
        b"MThd\0\0\0\6\0\1\0\1\xe7\x28MTrk\0\0\0\4\0\xff\x2f\0",
        b"RIFF" + bytes(100),
        b"MThd\0\0\0\6\0\0\0\1\1\340MTrk\0\0\0\4\0\xff\x2f\0",
        b"MThd" + bytes(600_000),
    ],
)
def test_what_is_broken_is_refused_in_a_sentence(data):
    with pytest.raises(SeedError, match=r"choose|export"):
        from_midi(data)


def test_an_endless_number_does_not_keep_us_busy():
    data = b"MThd\0\0\0\6\0\0\0\1\1\340MTrk\0\3\0\0" + b"\xff" * 196_608
    began = time.process_time()
    with pytest.raises(SeedError, match="damaged"):
        from_midi(data)
    assert time.process_time() - began < 5  # minutes, if nobody looked


def test_a_note_at_the_end_of_days_is_refused():
    with pytest.raises(SeedError, match="hours"):
        from_midi(file_of(("Tune", 0, [(60, 0, 1), (60, 500_000, 500_001)])))


@settings(deadline=None, max_examples=150)
@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=8))
def test_a_damaged_file_is_read_or_refused_but_never_crashes(changes):
    cells = np.full((16, 4), HOLD)
    cells[0], cells[8] = (72, 64, 57, 48), (74, 65, 57, 50)
    data = bytearray(midi.write(Score(cells)))
    for place, value in changes:
        data[place % len(data)] = value
    try:
        assert from_file("a.mid", bytes(data)).canvas.score.bars >= 0
    except SeedError as error:
        assert str(error)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.lists(
            st.tuples(st.integers(0, 127), st.floats(0, 12), st.floats(0.01, 3)).map(
                lambda n: (n[0], n[1], n[1] + n[2])
            ),
            max_size=12,
        ),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from([None, *STYLES]),
    st.sampled_from([None, *METERS]),
)
def test_any_notes_fit_the_canvas(tracks, style, meter):
    data = file_of(*[("", i % 9, notes) for i, notes in enumerate(tracks)])
    if not any(tracks):
        return
    seed = from_midi(data, style, meter)
    assert seed.canvas.score.notes() and seed.message
    assert seed.canvas.seed_steps == max(n.start + n.duration for n in seed.canvas.score.notes())
