"""One request put to several models that compose by rote, some of which fail."""

import pytest
from rote import Rote, applied

from musicgen import checkpoint, comparison, session
from musicgen.models import MODELS
from musicgen.request import LIMITS, Request
from musicgen.score import REST, Canvas, Note, Patch, Score, from_notes

NAMES = list(MODELS)[:3]
LAST = int(LIMITS["random_seed"].high)


class Restless(Rote):
    """Empties its second bar when all is written, and writes it anew."""

    def stream(self, *asked, **more):
        patches = list(super().stream(*asked, **more))
        yield from patches
        for patch in reversed(patches[4:]):
            yield Patch(patch.start, patch.cells * 0 + REST)
        yield from patches[4:]


class Broken(Rote):
    def stream(self, *asked, **more):
        yield next(super().stream(*asked, **more))
        raise ArithmeticError("not a number")


@pytest.fixture
def models(monkeypatch):
    known = {name: Rote() for name in NAMES}
    monkeypatch.setattr(checkpoint, "available", lambda: list(known))
    monkeypatch.setattr(checkpoint, "load", lambda name: known[name])
    monkeypatch.setattr(session, "INTERVAL", 0)
    return known


def request_for(**changes) -> Request:
    return Request(**{"notes": "C5 D5", "bars": 2, **changes})


def run(control=None, canvas=None, **changes) -> list:
    request = Request.filling(canvas, **changes) if canvas else request_for(**changes)
    return list(comparison.compare(request, "run", control or session.Control()))


def of_row(updates, name: str) -> list[dict]:
    return [update for update, _ in updates if update.get("row") == name]


def test_one_model_after_another_answers_and_the_last_word_is_whole(models):
    updates = run()
    kinds = [update["kind"] for update, _ in updates]
    assert kinds == ["rows", *["begin", *["notes"] * 8, "end"] * 3, "over"]
    first, last = updates[0][0], updates[-1][0]
    assert first["rows"] == NAMES and first["piece"]["steps"] == 32 and len(first["notes"]) == 2
    assert all(update["run"] == "run" for update, _ in updates)
    assert last["state"] == "done" and last["ended"] == [of_row(updates, name)[-1] for name in NAMES]
    assert [list(answers) for update, answers in updates if update["kind"] == "end"] == [NAMES[:1], NAMES[:2], NAMES]
    for name, work in updates[-1][1].items():
        assert applied(of_row(updates, name)[1:-1]) == {tuple(n) for n in of_row(updates, name)[-1]["notes"]}
        assert (work.model, work.random_seed, work.score.bars) == (name, 0, 2)


def test_every_model_is_told_the_same(models):
    notes = [of_row(run(random_seed=5, notes=""), name)[-1]["notes"] for name in NAMES]
    assert notes == [[[0, 65, 0, 32, 0]]] * 3


def test_a_model_that_writes_over_what_it_wrote_is_followed(models):
    models[NAMES[1]] = Restless()
    updates = of_row(run(), NAMES[1])
    assert [[0, 74, 4, 12, 1]] in [update["notes"] for update in updates[5:-1]]
    assert applied(updates[1:-1]) == {tuple(n) for n in updates[-1]["notes"]}


def test_models_that_fail_leave_the_others(models, monkeypatch):
    def load(name):
        if name == NAMES[0]:
            raise checkpoint.CheckpointError("train it anew")
        return models[name]

    models[NAMES[1]] = Broken()
    monkeypatch.setattr(checkpoint, "load", load)
    updates = run()
    ended = updates[-1][0]["ended"]
    assert [update["kind"] for update in ended] == ["failed", "failed", "end"]
    assert ended[0]["message"] == "train it anew" and ended[1]["message"] == "ArithmeticError: not a number"
    assert updates[-1][0]["state"] == "done" and list(updates[-1][1]) == NAMES[2:]


def test_stop_keeps_what_there_is_and_begins_no_other(models):
    control = session.Control()
    models[NAMES[1]].after = lambda start: control.stop("run") if start == 20 else None
    updates = run(control, bars=8)
    assert [(u["row"], u["state"]) for u in updates[-1][0]["ended"]] == [(NAMES[0], "done"), (NAMES[1], "stopped")]
    assert updates[-1][0]["state"] == "stopped" and not of_row(updates, NAMES[2])
    assert [work.score.bars for work in updates[-1][1].values()] == [8, 2]


def test_two_visitors_at_once_do_not_see_each_other(models):
    requests = [request_for(notes="C5 D5", random_seed=1), request_for(notes="", random_seed=4, bars=3)]
    alone = [list(comparison.compare(r, "run", session.Control())) for r in requests]
    stopping = session.Control()
    streams = [comparison.compare(r, "run", control) for r, control in zip(requests, (session.Control(), stopping))]
    first = [update for pair in zip(*streams) for update in pair][::2]  # taking turns
    notes = [update.get("notes") for update, _ in first]
    assert notes == [update.get("notes") for update, _ in alone[0]][: len(first)] and len(first) == len(alone[0])
    stopping.stop("run")
    assert list(streams[1])[-1][0]["state"] == "stopped"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"notes": "C5 H4"}, "notes"),
        ({"notes": "C5:4 " * 3}, "bars"),
    ],
)
def test_a_wrong_request_is_told_once_at_its_field(models, changes, field):
    ((update, answers),) = run(**changes)
    assert update["kind"] == "problem" and update["field"] == field and update["run"] == "run"
    assert answers is None  # those that are there stay


def test_who_stops_while_others_compose_keeps_the_answers_there_are(models):
    control = session.Control()
    control.stop("run")
    ((update, answers),) = run(control)
    assert update["kind"] == "failed" and "Stopped" in update["message"] and answers is None


def test_without_a_trained_model_there_is_nothing_to_compare(models, monkeypatch):
    monkeypatch.setattr(checkpoint, "available", list)
    assert run()[0][0]["field"] == "model"


def test_any_canvas_can_be_given(models):
    score = Score(from_notes([Note(3, 48, 0, 16)], 16))
    answers = run(canvas=Canvas.keep_voices(score, [3]))[-1][1]
    assert all(work.score.cells[0, 3] == 48 and work.score.bars == 1 for work in answers.values())


def test_three_takes_have_one_model_and_other_random_seeds(models):
    updates = list(comparison.takes(request_for(model=NAMES[0], random_seed=LAST), "run", session.Control()))
    begun = [update for update, _ in updates if update["kind"] == "begin"]
    assert [update["row"] for update in begun] == list(comparison.TAKES)
    assert [update["random_seed"] for update in begun] == [LAST, 0, 1]
    assert len({update["model"] for update in begun}) == 1
    assert updates[-1][0]["kind"] == "over" and [*updates[-1][1]] == list(comparison.TAKES)
