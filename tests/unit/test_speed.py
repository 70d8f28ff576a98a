"""What is timed, in a process of its own, and what is said of it."""

import pytest

from musicgen import checkpoint
from musicgen.io.seeds import from_text
from musicgen.score import VOICES, Canvas
from train import speed, speed_worker
from train.report.tables import SPEED_MEANING
from train.speed import LONG, ROOT, SHORT, Setting, Worker
from train.speed_worker import TASKS


def turn(seconds: float, **more: float) -> dict[str, float]:
    return {"seconds": seconds, "first": 0.01, "processor": seconds, "memory_mb": 300.0} | more


@pytest.mark.parametrize("task", TASKS)
def test_every_task_is_a_canvas_with_something_given_and_something_to_compose(task):
    canvas: Canvas = TASKS[task]()
    assert canvas.score.meter == "4/4" and canvas.score.bars == (LONG if task == "32 bars" else SHORT)
    assert canvas.fixed[:, 0].any() and not canvas.fixed.all()


def test_the_seed_is_what_its_text_says():
    given = from_text(speed_worker.SEED_TEXT).canvas.score
    assert (TASKS["8 bars"]().score.cells[:16, 0] == given.cells[:16, 0]).all()
    assert len(speed_worker.SEED_CHORDS[0]) == len(VOICES)


@pytest.mark.parametrize("model", ["rnn", speed_worker.LAB])
def test_a_process_of_its_own_composes_when_told_to(model):
    with Worker(Setting(model, 1, speed.SHIPPED, ROOT)) as worker:
        first, second = worker.measure("8 bars"), worker.measure("8 bars")
    assert 0 < first["first"] < first["seconds"] and second["seconds"] > 0
    assert 50 < first["memory_mb"] <= second["memory_mb"] < 4000


def test_a_process_that_fails_is_no_figure():
    with Worker(Setting("nobody", 1, speed.SHIPPED, ROOT)) as worker, pytest.raises(RuntimeError, match="nobody"):
        worker.measure("8 bars")


def test_the_settings_of_a_model_take_turns_and_the_median_counts(monkeypatch):
    asked, times = [], {speed.SHIPPED: iter([9.0, 1.0, 5.0, 2.0]), speed.THERE: iter([9.0, 8.0, 8.0, 9.0])}

    class Told:
        def __init__(self, setting):
            self.setting = setting

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def measure(self, task):
            asked.append((self.setting.way, task))
            return turn(next(times[self.setting.way]))

    monkeypatch.setattr(speed, "Worker", Told)
    settings = [Setting(speed_worker.ALL, 1, way, ROOT) for way in (speed.SHIPPED, speed.THERE)]
    found = speed.medians(settings, repeats=3)
    assert asked == [(speed.SHIPPED, "8 bars"), (speed.THERE, "8 bars")] * 4
    assert found[speed.SHIPPED, "8 bars"]["seconds"] == 2  # of 1, 5 and 2
    said, other = speed.lines(speed_worker.ALL, 1, found)
    assert "4.00 x as fast as the other checkout" in said and "checkout" not in other


def test_a_card_says_what_was_timed(monkeypatch, tmp_path):
    one = {
        (speed.SHIPPED, "8 bars"): turn(0.16),
        (speed.SHIPPED, "32 bars"): turn(0.64, memory_mb=400.0),
        (speed.EAGER, "8 bars"): turn(0.8),
    }
    two, lab = {(speed.SHIPPED, "8 bars"): turn(0.12)}, {(speed.SHIPPED, "8 bars"): turn(2.5)}
    found = speed.summary(one, two, lab)
    assert set(found) == set(SPEED_MEANING)
    assert found == {
        "ms_per_bar": 20,
        "ms_per_bar_2_threads": 15,
        "eager_ms_per_bar": 100,
        "times_real_time": 150,
        "first_patch_ms": 10,
        "bars_32_over_8": 4,
        "memory_mb": 400,
        "lab_seconds": 2.5,
    }
    shown = []
    monkeypatch.setattr(checkpoint, "available", lambda directory: ["gru"])
    monkeypatch.setattr(speed, "medians", lambda settings, repeats: one | two if settings[0].threads == 2 else one)
    monkeypatch.setattr(speed, "show", shown.append)
    assert speed.main(["gru", "--repeats", "1", "--print-only"], tmp_path) == 0 and not shown
    assert speed.main(["gru", "--repeats", "1"], tmp_path) == 0 and shown == [tmp_path]
    assert checkpoint.metrics("gru", tmp_path)["speed"]["ms_per_bar"] == 20
    with pytest.raises(SystemExit):
        speed.main(["nobody"], tmp_path)
