"""Music in every form in which programs hand it over, and what is refused."""

import base64
import json

import numpy as np
import pytest
import tiny

from musicgen import api, handed, link, piece
from musicgen.handles import HANDLE, HANDLE_KEPT, Handles
from musicgen.io import midi, notation, seeds, text
from musicgen.request import LARGEST_FILE, Problem
from musicgen.session import Composition

SCORE = tiny.chorale(4, seed=3)
FIXED = np.zeros(SCORE.cells.shape, bool)
FIXED[:16] = True
WORK = Composition(SCORE, FIXED, "gru", 7)
MIDI = midi.write(SCORE)
ABC = 'X:1\nM:6/8\nL:1/8\nK:G\n"G"GAB "D"ABc|d3 g3|'


def read(data) -> handed.Handed:
    return handed.read(data, api.HANDLES.find)


def answer() -> dict:
    return api._piece(WORK, 1.0, "")


@pytest.mark.parametrize("form", ["whole", "json", "handle", "link", "address", "short", "short json", "spaces"])
def test_a_piece_is_the_same_in_every_form(form):
    told = answer()
    short = {name: value for name, value in told.items() if name != "notes"}
    forms = {
        "whole": told, "json": json.dumps(told), "handle": told["handle"], "link": told["link"], "short": short,
        "address": f"https://nonet.example/{told['link']}", "short json": json.dumps(short),
        "spaces": f"\n {told['handle']} ",
    }  # fmt: skip
    found = read(forms[form])
    assert (found.score, found.model, found.random_seed) == (SCORE, "gru", 7)


@pytest.mark.parametrize("form", ["bytes", "base64", "of addresses", "data", "lines"])
def test_a_file_is_the_same_in_every_form(form):
    packed = base64.b64encode(MIDI).decode()
    forms = {
        "bytes": MIDI, "base64": packed, "of addresses": base64.urlsafe_b64encode(MIDI).decode().rstrip("="),
        "data": f"data:audio/midi;base64,{packed}", "lines": base64.encodebytes(MIDI).decode(),
    }  # fmt: skip
    found = read(forms[form])
    assert found.score.notes() == seeds.from_midi(MIDI).canvas.score.notes() and found.said.startswith("Kept")
    assert read(base64.b64encode(notation.write(SCORE)).decode()).score.notes() == SCORE.notes()


def test_abc_is_read_as_it_is_and_as_a_file():
    for data in (ABC, ABC.encode(), base64.b64encode(ABC.encode()).decode()):
        assert text.write(read(data).score) == ["G4:0.5 A4:0.5 B4:0.5 A4:0.5 B4:0.5 C5:0.5 | D5:1.5 G5:1.5"]


@pytest.mark.parametrize(
    "data",
    ["", "C5 D5", "{", "{}", "[" * 5000, '{"notes": ' * 5000, "nonet-AAAAAAAAAAAAAAAA",
     "#piece=1", "#piece=1" + "A" * 99,
     "data:audio/midi;base64,", "é", "X:1\nK:C\n", b"", b"MThd", "http://127.0.0.1/a.mid", "/etc/passwd",
     "A" * 10**6, None],
    ids=lambda data: str(data)[:20],
)  # fmt: skip
def test_what_is_no_piece_is_refused_in_a_sentence(data):
    with pytest.raises(Problem) as problem:
        read(data)
    assert problem.value.field == "piece" and 20 < len(str(problem.value)) < 300


def test_a_file_is_no_larger_than_an_upload():
    with pytest.raises(Problem, match="larger than 5 MB"):
        read(bytes(LARGEST_FILE + 1))


def test_what_is_there_is_the_seed_and_voices_without_notes_are_free():
    melody = read(MIDI).score.only(0)
    alone = read(midi.write(melody)).given
    assert alone.fixed[:, 0].any() and not alone.fixed[:, 1:].any()
    assert read(answer()).given.fixed[: SCORE.steps - 1].all()  # what was composed, too


def test_a_piece_is_continued_in_its_own_style_and_meter():
    made = api.compose(model="rnn", piece=ABC, bars=4, random_seed=1)
    assert (made["style"], made["meter"], made["bars"]) == ("dance", "6/8", 4)
    assert made["text"][0].startswith("G4:0.5 A4:0.5 B4:0.5 A4:0.5 B4:0.5 C5:0.5 | D5:1.5 G5:1.5 |")
    with pytest.raises(Problem, match="not both"):
        api.compose(notes="C5", piece=ABC)


def test_a_tune_from_a_file_is_harmonised_and_of_a_piece_the_top_voice():
    for given in (ABC, answer()["handle"]):
        top = read(given).score.only(0).notes()
        made = api.harmonise(piece=given, model="rnn", random_seed=1)
        assert made["style"] == "chorale" and [n["pitch"] for n in made["notes"] if n["given"]] == [
            n.pitch for n in top
        ]
        assert {n["voice"] for n in made["notes"]} == {0, 1, 2, 3}


def test_a_file_is_repaired():
    made = api.repair(base64.b64encode(MIDI).decode(), 2, 2, model="rnn", random_seed=1)
    # A note that is held into the third bar begins there.
    kept = [(n["voice"], n["pitch"], n["start"]) for n in made["notes"] if n["start"] > 32]
    assert kept == [(n.voice, n.pitch, n.start) for n in SCORE.notes() if n.start > 32]


def test_a_text_is_typed_back():
    for voice, line in enumerate(text.write(SCORE)):
        typed = seeds.from_text(line).canvas.score
        sung = [(n.pitch, n.start, n.duration) for n in SCORE.notes() if n.voice == voice]
        assert [(n.pitch % 12, n.start, n.duration) for n in typed.notes()] == [(p % 12, s, d) for p, s, d in sung]


def test_a_handle_lasts_an_hour_and_only_on_its_server():
    now = [0.0]
    one, other = Handles(clock=lambda: now[0]), Handles(clock=lambda: now[0])
    handle = one.keep("#a")
    assert HANDLE.fullmatch(handle) and one.find(handle) == "#a" and other.find(handle) is None
    now[0] = HANDLE_KEPT - 1
    assert one.find(handle) == "#a"
    now[0] = HANDLE_KEPT
    assert one.find(handle) is None


def test_handles_are_unlike_each_other_and_the_oldest_goes_first():
    kept = Handles(most=3)
    handles = [kept.keep(f"#{number}") for number in range(5)]
    assert len(set(handles)) == 5
    assert [kept.find(handle) for handle in handles] == [None, None, "#2", "#3", "#4"]


def test_an_old_handle_says_what_to_hand_over_instead():
    with pytest.raises(Problem, match=r"older than an hour.*link"):
        handed.read(answer()["handle"], Handles().find)


def test_a_link_is_read_without_a_handle():
    assert link.read(link.write(WORK)).score == SCORE
    assert piece.write(SCORE, WORK.fixed)["notes"]
