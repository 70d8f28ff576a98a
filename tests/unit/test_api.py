"""What programs call: answers that hold what they promise, and a sentence at the argument that is wrong."""

import inspect
import io
import json
import math

import pytest
import soundfile
import tiny

from musicgen import api, checkpoint
from musicgen.export import FORMATS
from musicgen.fields import ARGUMENTS
from musicgen.io.seeds import from_midi, from_musicxml
from musicgen.request import Problem, Request

PIECE = (
    "model", "style", "meter", "tempo", "bars", "steps", "upbeat", "title", "author", "random_seed",
    "seconds_generating", "seconds_of_music", "said", "text", "handle", "link", "notes",
)  # fmt: skip
NOTE = ("voice", "pitch", "start", "duration", "given")
FUNCTIONS = (api.compose, api.harmonise, api.repair, api.compare, api.models, api.read, api.render)
ASKED = {
    "compose": {"notes": "C5"},
    "harmonise": {"notes": "C5"},
    "repair": {"first_bar": 1, "last_bar": 1},
    "compare": {"notes": "C5"},
    "read": {},
    "render": {},
}
NONSENSE = (10**24, -1, math.nan, math.inf, 1e-320, "x", [], {}, [[1]], True, None)
ALLOWED = {  # of the nonsense, what an argument takes nevertheless
    "tempo": [None], "random_seed": [None], "voices": [None], "instruments": [None], "temperature": [1e-320],
    "style": [None], "meter": [None], "bars": [None], "piece": [None],
}  # fmt: skip


@pytest.fixture(autouse=True)
def untrained(monkeypatch):
    """Small models that were never trained, in place of the shipped ones."""
    names = ("gru", "cnn")
    models = {name: tiny.small(name) for name in names}
    monkeypatch.setattr(checkpoint, "available", lambda *_: list(names))
    monkeypatch.setattr(checkpoint, "load", models.get)


def given(answer: dict) -> list[tuple]:
    return [tuple(note.values())[:4] for note in answer["notes"] if note["given"]]


def notes(answer: dict) -> list[tuple]:
    return [tuple(note[name] for name in NOTE[:4]) for note in answer["notes"]]


def test_a_piece_holds_what_it_promises_and_is_json():
    answer = api.compose(model="gru", style="dance", notes="A4 B4:0.5", bars=3, meter="6/8", tempo=90, random_seed=5)
    assert tuple(answer) == PIECE
    assert {tuple(note) for note in answer["notes"]} == {NOTE}
    known = {name: answer[name] for name in PIECE[:10]}
    assert known == {
        "model": "gru", "style": "dance", "meter": "6/8", "tempo": 90, "bars": 3, "steps": 36, "upbeat": 0,
        "title": "", "author": "", "random_seed": 5,
    }  # fmt: skip
    assert given(answer) == [(0, 69, 0, 4), (0, 71, 4, 2)]
    assert all(0 <= note["start"] < 36 for note in answer["notes"])
    assert answer["seconds_of_music"] == pytest.approx(36 * 60 / 90 / 4)
    assert json.loads(json.dumps(answer)) == answer


def test_the_same_seed_gives_the_same_notes_and_none_gives_a_new_one():
    answers = [api.compose(notes="C5", bars=2, random_seed=seed) for seed in (3, 3, None, None)]
    assert notes(answers[0]) == notes(answers[1])
    assert len({answer["random_seed"] for answer in answers}) == 3


def test_the_defaults_are_those_of_a_request():
    of_request = {name: getattr(Request, name) for name in Request.__dataclass_fields__} | {"random_seed": None}
    for function in FUNCTIONS:
        for name, parameter in inspect.signature(function).parameters.items():
            if name in of_request and parameter.default not in (parameter.empty, None):
                assert parameter.default == of_request[name], (function.__name__, name)


def test_what_is_left_out_is_as_the_page_has_it_at_first():
    answer = api.compose(model="gru", random_seed=1)
    assert (answer["style"], answer["meter"], answer["bars"]) == (Request.style, Request.meter, Request.bars)
    assert api.compose(model="gru", notes="C5:4 " * 10)["bars"] == 20  # with room to continue


def test_a_tune_is_kept_and_voices_are_put_below_it():
    answer = api.harmonise("C5:2 D5 E5 | F5:4", model="gru", random_seed=1)
    assert answer["style"] == "chorale" and answer["bars"] == 2
    assert given(answer) == [(0, 72, 0, 8), (0, 74, 8, 4), (0, 76, 12, 4), (0, 77, 16, 16)]
    assert given(answer) == [note for note in notes(answer) if note[0] == 0]


@pytest.mark.parametrize("notes", ["", "[C5 G4 E4 C3]:4"])
def test_without_a_tune_or_a_free_voice_there_is_nothing_to_harmonise(notes):
    with pytest.raises(Problem) as problem:
        api.harmonise(notes)
    assert problem.value.field == "notes"


def test_only_what_is_to_be_repaired_changes():
    piece = api.compose(model="gru", notes="C5", bars=4, random_seed=1)
    answer = api.repair(piece, 2, 3, voices=[1, 2], model="cnn", random_seed=2)
    touched = [note for note in notes(answer) if note[0] in (1, 2) and 16 <= note[2] < 48]
    kept = [note for note in notes(answer) if note not in touched]
    assert notes(answer) != notes(piece)
    assert [note for note in kept if note[0] in (0, 3)] == [note for note in notes(piece) if note[0] in (0, 3)]
    assert [n for n in kept if n[2] < 12] == [n for n in notes(piece) if n[2] < 12]
    assert answer["model"] == "cnn"


def test_every_model_answers_and_one_that_fails_says_so(monkeypatch):
    def stream(*_, **__):
        raise ArithmeticError("too hot")

    monkeypatch.setattr(checkpoint.load("cnn"), "stream", stream)
    answer = api.compare(notes="C5", bars=2, random_seed=4)
    assert [piece["model"] for piece in answer["answers"]] == ["gru"]
    assert answer["failed"] == [{"model": "cnn", "message": "ArithmeticError: too hot"}]
    assert notes(answer["answers"][0]) == notes(api.compose("gru", notes="C5", bars=2, random_seed=4))


def test_models_are_told_with_their_figures():
    assert [model["name"] for model in api.models()] == ["gru", "cnn"]
    assert set(api.models()[0]) == set(api.Model.__annotations__)
    assert api.models()[0]["parameters"] > 1e6


def test_every_format_is_rendered():
    piece = api.compose(model="gru", notes="C5 E5", bars=2, random_seed=1)
    files = {format: api.render(piece, format) for format in FORMATS}
    assert {name for name, _ in files.values()} == {f"gru-chorale-2bars-seed1.{f.ending}" for f in FORMATS.values()}
    for format, read in (("midi", from_midi), ("musicxml", from_musicxml)):
        written = read(files[format][1]).canvas.score.notes()
        assert [(n.voice, n.pitch, n.start, n.duration) for n in written] == notes(piece)
    sound, rate = soundfile.read(io.BytesIO(files["wav"][1]))
    assert len(sound) / rate >= piece["seconds_of_music"]
    assert files["png"][1].startswith(b"\x89PNG")


def test_another_instrument_sounds_otherwise():
    piece = api.compose(model="gru", notes="C5 E5", bars=1, random_seed=1)
    assert api.render(piece, "midi", ["piano"] * 4) != api.render(piece, "midi", ["strings"] * 4)


@pytest.mark.parametrize("function", [f for f in FUNCTIONS if f is not api.models], ids=lambda f: f.__name__)
def test_any_value_of_any_kind_is_answered_or_refused_at_its_argument(function):
    piece = api.compose(model="gru", notes="C5", bars=1, random_seed=1)
    for name in inspect.signature(function).parameters:
        for value in NONSENSE:
            asked = {"piece": piece, "bars": 1, "random_seed": 1, "model": "gru", **ASKED[function.__name__]}
            parameters = inspect.signature(function).parameters
            asked = {n: asked[n] for n in asked if n in parameters and (n != "piece" or "notes" not in parameters)}
            asked |= {name: value}
            if name == "piece" and "notes" in parameters:
                asked["notes"] = "C5" if value is None else ""
            required = parameters[name].default is inspect.Parameter.empty
            if not required and any(value is good or value == good for good in ALLOWED.get(name, [])):
                function(**asked)
                continue
            with pytest.raises(Problem) as problem:
                function(**asked)
            assert problem.value.field == name, value


@pytest.mark.parametrize(
    "change",
    [
        {"notes": [{"voice": 0}]}, {"notes": [[0, 60, 0, 4]]}, {"notes": 3}, {"steps": 10**24}, {"tempo": math.nan},
        {"notes": [{"voice": 0, "pitch": math.nan, "start": 0, "duration": 4}]}, {"style": []}, {"meter": "7/8"},
        {"notes": [{"voice": 0, "pitch": 72, "start": "0", "duration": 4, "given": True}]},
    ],
    ids=str,
)  # fmt: skip
def test_a_broken_piece_is_refused(change):
    piece = api.compose(model="gru", notes="C5", bars=1, random_seed=1)
    for call in (lambda p: api.render(p), lambda p: api.repair(p, 1, 1)):
        with pytest.raises(Problem) as problem:
            call({**piece, **change})
        assert problem.value.field == "piece"


def test_every_argument_is_explained_and_every_explanation_used():
    names = {name for function in FUNCTIONS for name in inspect.signature(function).parameters}
    assert names == set(ARGUMENTS)
    for function in FUNCTIONS:
        assert all(f"    {name}: " in function.__doc__ for name in inspect.signature(function).parameters)
