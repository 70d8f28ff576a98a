"""Graphs write the notes that the eager step writes, and where there is none the eager step plays on."""

import gc
import os
import sys
from functools import cache

import numpy as np
import pytest
import torch
from tiny import chorale, small, tune

from musicgen.models import MODELS, decoding, engine
from musicgen.models.base import STYLE_NAMES
from musicgen.models.decoding import FrameByFrame
from musicgen.sampling import SamplingConfig
from musicgen.score import Canvas, Score

FORWARD = [name for name, model in MODELS.items() if issubclass(model, FrameByFrame)]
TEMPERATURES = (0.0, 0.5, 1.0, 1.5)
FEW = 6  # candidates to close, so that a step is also given several ways
CANVASES = {
    "continue": lambda: Canvas.free_bars(chorale(4), 3, 4),
    "harmonise": lambda: Canvas.keep_voices(chorale(2), [0]),
    "repair": lambda: Canvas.free_bars(chorale(4), 2, 2),
    "dance": lambda: Canvas.free_bars(tune(6), 3, 6),
}


@cache
def quick(name: str):
    """A model that graphs play from the first time it is asked for."""
    model = small(name)
    assert model.accelerate(), engine.fault(model.forward_model())
    return model


@pytest.fixture
def eager_steps(monkeypatch) -> list[int]:
    """One number for each step that runs eagerly."""
    steps, run = [], engine.Eager.__call__
    monkeypatch.setattr(engine.Eager, "__call__", lambda *args: steps.append(1) or run(*args))
    return steps


@pytest.fixture
def one_at_a_time(monkeypatch):
    """Steps are not composed several at once, so that they can be counted."""
    monkeypatch.setattr(decoding, "ROWS", 1)


def composed(model, kind: str, temperature: float) -> Score:
    return model.compose(CANVASES[kind](), SamplingConfig(temperature, candidates=FEW), random_seed=7)


@pytest.mark.parametrize("name", FORWARD)
def test_graphs_write_what_the_eager_step_writes(name, eager_steps):
    model, cells = quick(name), 0
    eager_steps.clear()  # those of the examples that its graph was made by
    for kind in CANVASES:
        for temperature in TEMPERATURES:
            fast = composed(model, kind, temperature)
            assert not eager_steps
            with engine.disabled():
                slow = composed(model, kind, temperature)
            assert eager_steps and fast == slow, (kind, temperature)
            eager_steps.clear()
            cells += int((~CANVASES[kind]().fixed).sum())
    assert cells > 1400
    assert engine.fault(model.forward_model()) is None


@pytest.mark.parametrize("name", FORWARD)
def test_graphs_write_side_by_side_what_each_does_alone(name, eager_steps):
    model, sampling = quick(name), SamplingConfig(candidates=FEW)
    eager_steps.clear()
    canvases = [CANVASES[kind]() for kind in ("continue", "dance", "continue")]
    found = model.compose_all(canvases, sampling, random_seeds=[1, 2, 3])
    assert found == [model.compose(c, sampling, random_seed=s) for c, s in zip(canvases, (1, 2, 3))]
    assert found[0] != found[2] and not eager_steps


def test_the_shortest_canvas_and_one_way_are_sizes_like_others(eager_steps):
    """Nothing read before, a single piece, a single candidate, and 9/8, of which no example was seen."""
    model = quick("transformer")
    eager_steps.clear()
    for canvas in (Canvas.blank(1), Canvas.blank(1, "dance", "9/8")):
        for candidates in (1, 40):
            sampling = SamplingConfig(candidates=candidates)
            fast = model.compose(canvas, sampling, random_seed=1)
            assert not eager_steps
            with engine.disabled():
                assert fast == model.compose(canvas, sampling, random_seed=1)
            eager_steps.clear()


def test_before_it_is_accelerated_a_model_plays_eagerly(eager_steps, one_at_a_time):
    small("rnn").compose(Canvas.blank(1), SamplingConfig(candidates=1))
    assert len(eager_steps) == 16


def test_a_graph_is_made_once_and_goes_with_its_model(monkeypatch):
    before = len(engine._graphs)
    model, of, made = small("rnn"), engine.Graph.of, []
    monkeypatch.setattr(engine.Graph, "of", lambda *args: made.append(type(args[0]).__name__) or of(*args))
    assert model.accelerate() and model.accelerate()
    assert sorted(made) == ["Reading", "Reading", "Step", "Step", "Step"]
    del model
    gc.collect()
    assert len(engine._graphs) == before


def test_nothing_is_written_to_disk(monkeypatch, tmp_path):
    """No file is opened for writing while graphs are made and run; nor is one left where programs leave some."""
    monkeypatch.chdir(tmp_path)
    for variable in ("TMPDIR", "HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(variable, str(tmp_path))
    watching, written = [True], []

    def hook(event: str, args: tuple):
        if watching and event == "open" and isinstance(args[0], (str, bytes, os.PathLike)):
            mode, flags = args[1:]
            if (mode and set(mode) & set("wax+")) or (isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR)):
                written.append(os.fsdecode(args[0]))

    sys.addaudithook(hook)  # for ever, so it is told when to stop
    model = small("gru")
    try:
        assert model.accelerate()
        model.compose(Canvas.blank(1), SamplingConfig(candidates=2))
    finally:
        watching.clear()
    assert [path for path in written if not path.endswith(".pyc") and "__pycache__" not in path] == []
    assert list(tmp_path.iterdir()) == []


def plays_eagerly(model, eager_steps: list[int]):
    expected = small("lstm").compose(Canvas.blank(1), SamplingConfig(candidates=2), random_seed=3)
    eager_steps.clear()
    assert model.compose(Canvas.blank(1), SamplingConfig(candidates=2), random_seed=3) == expected
    assert len(eager_steps) == 16


def test_an_export_that_fails_leaves_the_eager_step_and_is_told(monkeypatch, eager_steps, one_at_a_time, caplog):
    def broken(*_):
        raise RuntimeError("no such operator")

    model = small("lstm")
    monkeypatch.setattr(engine.Graph, "of", broken)
    assert not model.accelerate()
    assert str(engine.fault(model)) == "no such operator" and "LSTM runs without a graph: no such" in caplog.text
    plays_eagerly(model, eager_steps)


def test_a_graph_of_some_styles_alone_is_no_acceleration_but_is_used(monkeypatch, eager_steps):
    of, model = engine.Graph.of, small("lstm")

    def broken(part, examples):
        if STYLE_NAMES[part.style] == "dance":
            raise RuntimeError("no such operator")
        return of(part, examples)

    monkeypatch.setattr(engine.Graph, "of", broken)
    assert not model.accelerate() and engine.fault(model)
    eager_steps.clear()  # those of the examples
    model.compose(Canvas.blank(1), SamplingConfig(candidates=2))
    assert not eager_steps
    model.compose(Canvas.blank(1, "dance"), SamplingConfig(candidates=2))
    assert eager_steps


def test_without_onnxruntime_the_eager_step_plays(monkeypatch, eager_steps, one_at_a_time):
    model = small("lstm")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)  # as if it were not installed
    assert not model.accelerate()
    assert isinstance(engine.fault(model), ImportError) and "onnxruntime" in str(engine.fault(model))
    plays_eagerly(model, eager_steps)


def test_what_moves_not_forward_has_no_graph():
    assert not small("cnn").accelerate()


def test_disabled_is_over_when_it_is_over_even_by_an_error(eager_steps):
    model = quick("gru")
    eager_steps.clear()
    with pytest.raises(ArithmeticError), engine.disabled():
        raise ArithmeticError
    cells = model.compose(Canvas.blank(1), SamplingConfig(candidates=2)).cells
    assert not eager_steps and np.isin(cells, [-2, -1], invert=True).any()
    assert torch.is_grad_enabled()
