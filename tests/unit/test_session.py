"""From a request to updates, with a model that composes by rote."""

import math
import re

import numpy as np
import pytest
from rote import Rote, applied

from musicgen import checkpoint, session
from musicgen.io.seeds import from_text
from musicgen.models import MODELS
from musicgen.request import LIMITS, Given, Problem, Request, length_for
from musicgen.score import METERS, Canvas, Patch, Score

NAME = next(iter(MODELS))


@pytest.fixture
def model(monkeypatch):
    rote = Rote()
    monkeypatch.setattr(checkpoint, "available", lambda: [NAME])
    monkeypatch.setattr(checkpoint, "load", lambda name: rote)
    monkeypatch.setattr(session, "INTERVAL", 0)
    return rote


def request_for(**changes) -> Request:
    return Request(**{"model": NAME, "notes": "C5 D5", "bars": 2, **changes})


def run(control=None, **changes) -> list:
    return list(session.compose(request_for(**changes), "run", control or session.Control()))


def test_updates_come_in_order_and_the_last_is_whole(model):
    updates = [update for update, _ in run()]
    assert [u["kind"] for u in updates] == ["begin"] + ["notes"] * 8 + ["end"]
    assert [u["seq"] for u in updates] == list(range(10))
    assert all(u["run"] == "run" for u in updates)
    assert applied(updates[1:-1]) == {tuple(n) for n in updates[-1]["notes"]}
    assert updates[-1]["state"] == "done" and updates[-1]["steps"] == 32


def test_only_what_changed_is_sent(model):
    deltas = [update["notes"] for update, _ in run(bars=8)[1:-1]]
    assert max(map(len, deltas)) == 1


def test_what_was_given_is_told_from_what_was_composed(model):
    (end, _), frame = run()[-1], run()[0][0]["piece"]
    assert end["notes"] == [[0, 72, 0, 4, 1], [0, 74, 4, 28, 1]]
    assert frame["seedSteps"] == 8 and frame["steps"] == 32 and frame["voices"][0] == "Soprano"


def test_the_last_score_is_what_the_files_are_made_of(model):
    work = run(random_seed=5, notes="")[-1][1]
    assert work.score.cells[0, 0] == 65 and not work.fixed.any()
    assert work.name == f"{NAME}-chorale-2bars-seed5"
    assert work.at(120).score.tempo == 120


def test_stop_keeps_whole_bars_of_what_is_there(model):
    control = session.Control()
    model.after = lambda start: control.stop("run") if start == 20 else None
    update, work = run(control, bars=8)[-1]
    assert update["state"] == "stopped" and update["steps"] == work.score.steps == 32
    assert update["notes"] == [[0, 72, 0, 4, 1], [0, 74, 4, 24, 1]]


def test_a_run_stopped_before_it_begins_leaves_what_is_there(model):
    control = session.Control()
    control.stop("run")
    ((update, work),) = run(control, bars=8)
    assert update["kind"] == "failed" and "Stopped" in update["message"] and work is None


def test_one_visitor_cannot_stop_another(model):
    mine, yours = session.Control(), session.Control()
    yours.stop("run")
    assert run(mine)[-1][0]["state"] == "done"


def test_a_run_ends_at_the_deadline(model):
    assert run(session.Control(deadline=-1), bars=8)[-1][0]["state"] == "stopped"


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"notes": "C5 H4"}, "notes", "H4"),
        ({"notes": "C5 " * 9000}, "notes", "24000"),
        ({"notes": "C5 D5 E5 F5 G5", "bars": 1}, "bars", "raise the length to 3"),
        ({"notes": "C5:4", "style": "dance", "bars": 1}, "bars", "raise the length to 2"),
        ({"model": "oracle"}, "model", f"oracle here: choose one of {NAME}"),
    ],
)
def test_a_seed_or_model_that_cannot_be_had_is_told_at_its_field(model, changes, field, message):
    ((update, work),) = run(**changes)
    assert update["kind"] == "problem" and update["field"] == field and message in update["message"] and work is None


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        *[({name: beyond}, name, f"{limit.high}") for name, limit in LIMITS.items() for beyond in (limit.high * 2, -1)],
        *[({name: wrong}, name, f"{limit.low}") for name, limit in LIMITS.items() for wrong in ("2", True, math.nan)],
        ({"bars": 4.0}, "bars", "from 1 to 32 bars"),
        ({"style": "polka"}, "style", "chorale"),
        ({"style": ["dance"]}, "style", "chorale"),
        ({"meter": "5/4"}, "meter", "3/4"),
        ({"notes": 60}, "notes", "C5"),
    ],
)
def test_no_request_is_made_beyond_a_limit(changes, field, message):
    with pytest.raises(Problem, match=re.escape(message)) as problem:
        request_for(**changes)
    assert problem.value.field == field


def test_a_damaged_checkpoint_is_told(model, monkeypatch):
    def broken(name):
        raise checkpoint.CheckpointError("train it anew")

    monkeypatch.setattr(checkpoint, "load", broken)
    assert run()[-1][0] == {"kind": "problem", "run": "run", "field": "model", "message": "train it anew"}


def test_a_tune_as_long_as_the_piece_is_harmonised(model):
    assert run(notes="C5:4 D5:4")[-1][0]["state"] == "done"


def test_given_music_is_a_seed_in_the_style_and_meter_requested(model):
    given = Given(from_text("C5 D5 E5", "chorale", "3/4").canvas, "tune.mid")
    canvas = request_for(given=given, meter="3/4", bars=4).canvas()
    assert canvas.score.bars == 4 and canvas.score.meter == "3/4"
    assert np.array_equal(canvas.score.cells[:12, 0], given.canvas.score.cells[:, 0])
    assert request_for(given=given, style="dance", bars=4).canvas().score.style == "dance"


def test_given_music_that_fills_its_length_is_continued(model):
    given = Given(Canvas(Score(np.full((32, 4), (72, 67, 64, 48))), np.ones((32, 4), bool)), "tune.mid")
    assert request_for(given=given, bars=2).is_filled() and not request_for(given=given, bars=3).is_filled()
    assert request_for(given=given, bars=2).with_room().canvas().score.bars == 6
    shown = session.preview(request_for(given=given, bars=2))
    assert shown["piece"]["steps"] == 32 and "tune.mid" in shown["said"] and "Harmonise" in shown["said"]


def test_music_that_is_none_is_refused():
    with pytest.raises(Problem):
        Given.from_page({"style": "chorale"})


def test_the_preview_shows_the_seed_on_its_canvas(model):
    update = session.preview(request_for(bars=4))
    assert update["kind"] == "seed" and update["piece"]["steps"] == 64 and len(update["notes"]) == 2 and update["said"]
    assert session.preview(request_for(notes=""))["notes"] == []
    assert session.preview(request_for(notes="?"))["field"] == "notes"


@pytest.mark.parametrize(("seed", "asked", "bars"), [(4, 8, 8), (4, 4, 8), (2, 1, 6), (20, 8, 32), (32, 8, 32)])
def test_a_seed_finds_room(seed, asked, bars):
    assert length_for(Canvas.blank(seed), asked) == bars


def test_a_later_patch_may_take_notes_back():
    growing = session.Growing(Canvas.blank(1))
    cells = np.full((16, 4), -1)
    cells[4, 0] = 70
    growing.apply(Patch(0, cells))
    assert growing.changes() == {"notes": [[0, 70, 4, 1, 0]], "gone": []}
    growing.apply(Patch(4, np.full((1, 4), -1)))
    assert growing.changes() == {"notes": [], "gone": [[0, 4]]}
    assert growing.score() == Score(np.full((METERS["4/4"].steps, 4), -1))


@pytest.mark.parametrize(
    ("style", "left"), [("chorale", "later bars and other voices"), ("dance", "free, later bars,")]
)
def test_what_the_seed_leaves_free_is_told_of_the_voices_that_the_style_has(style, left):
    said = session.preview(Request(style=style, notes="C5 D5"))["said"]
    assert left in said and ("voices" in said) == (style == "chorale")
