"""What is measured of a model, on scores whose figures are known, and the command that measures it."""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from tiny import chorale, small, tune

from musicgen import checkpoint
from musicgen.models import MODELS
from musicgen.score import STYLES, Score
from train import data
from train.data import Piece
from train.evaluation import __main__ as command
from train.evaluation import evaluate, form
from train.evaluation.originality import Originality
from train.evaluation.sampled import PIECE_BARS, SEED_BARS, Yardstick, canvas_of, composed, paired, windows
from train.report import cards, chart, tables
from train.report.tables import FORM_MEANING, HARMONY_MEANING, MEANING

SPLITS = {"train": range(8), "valid": range(8, 16), "test": range(16, 24)}
PIECES = [
    Piece(f"{style} {seed}", split, score.replace(meter="2/4"))  # 16 bars, every other dance 14
    for split, seeds in SPLITS.items()
    for seed in seeds
    for style, score in (("chorale", chorale(8, seed)), ("dance", tune(8 - seed % 2, seed)))
]
COUNT = 8  # samples
STEPS, SEED_STEPS = PIECE_BARS * 8, SEED_BARS * 8


def score(style: str, split: str, number: int = 0) -> Score:
    return [p.score for p in PIECES if p.split == split and p.score.style == style][number]


@pytest.fixture(scope="module", params=STYLES)
def yardstick(request) -> Yardstick:
    index = Originality((p.name, p.score) for p in PIECES if p.split == "train")
    return Yardstick(PIECES, request.param, "valid", index)


def judged(yardstick: Yardstick, samples: list[Score], name: str) -> tuple[float, float]:
    found = yardstick.judge(samples)["figures"][name]
    return found["value"], found["reference"]


def test_windows_are_counted_from_the_ends():
    long, short = chorale(14, 1), chorale(7, 2)
    found = windows([long, short])
    assert [w.bars for w in found] == [6, 6, 6]
    for window, piece, stop in zip(found, (long, short, long), (14, 7, 8)):
        assert np.array_equal(window.sounding(), piece.sounding()[(stop - 6) * 16 : stop * 16])


def test_pairs_are_of_one_meter_and_no_piece_comes_twice():
    pieces = [chorale(9, s) for s in range(5)] + [Score(chorale(9, s).cells, meter="2/4") for s in range(5, 8)]
    found = paired([*pieces, chorale(7)])
    assert sorted(a.meter for a, b in found if a.meter == b.meter) == ["2/4", "4/4", "4/4"]
    assert len({id(s) for pair in found for s in pair}) == 6
    assert found == paired([*pieces, chorale(7)]) != paired([*pieces, chorale(7)], random_seed=1)


def test_neighbours_share_the_random_seed_and_later_tasks_a_melody(yardstick):
    tasks = yardstick.tasks(COUNT)
    assert len(tasks) == COUNT
    assert [seed for _, seed in tasks] == [0, 0, 1, 1, 2, 2, 3, 3]
    melodies = [piece.cells.tobytes() for piece, _ in tasks]
    assert len(set(melodies)) == 4 and melodies[:4] == melodies[4:]


def test_a_canvas_holds_the_first_bars_and_room_for_the_rest():
    piece = chorale(10, 3)
    canvas = canvas_of(piece)
    assert canvas.score.bars == PIECE_BARS and canvas.seed_steps == SEED_BARS * 16
    assert np.array_equal(canvas.score.cells[:32], piece.cells[:32])


def test_held_out_music_is_like_held_out_music(yardstick):
    """Pieces whose composed bars are the reference itself."""
    samples = [p.replace(cells=p.cells[:SEED_STEPS]) for p in yardstick.pieces]
    samples = [s.replace(cells=np.vstack([s.cells, w.cells])) for s, w in zip(samples, yardstick.windows)]
    found = yardstick.judge(samples)
    for name, feature in found["features"].items():
        assert feature["overlap"] == pytest.approx(1) and 0 < feature["human"] < 1, name
    value, reference = judged(yardstick, samples, "other_seed")
    assert value == pytest.approx(reference)


def test_a_model_that_ignores_its_seed_and_its_noise_is_found_out(yardstick):
    samples = [score(yardstick.pieces[0].style, "valid").replace(cells=yardstick.pieces[0].cells[:STEPS])] * COUNT
    assert judged(yardstick, samples, "other_seed")[0] == judged(yardstick, samples, "other_noise")[0] == 0
    assert judged(yardstick, samples, "distinct") == (1 / COUNT, 1)


def test_a_model_that_copies_is_found_out(yardstick):
    style = yardstick.pieces[0].style
    copies = [score(style, "train", i).replace(cells=score(style, "train", i).cells[:STEPS]) for i in range(COUNT)]
    for unit in ("notes", "bars"):
        share, human = judged(yardstick, copies, f"shared_{unit}_above")
        assert share == 1 > human
        median, human = judged(yardstick, copies, f"shared_{unit}_median")
        assert median > human


def test_form_is_asked_of_the_pieces_that_are_long_enough_in_turn_with_new_random_seeds():
    held_out = form.Form(PIECES, "dance", "valid")
    assert len(held_out.pieces) == 4  # of eight
    tasks = held_out.tasks(10)
    assert [seed for _, seed in tasks] == [0] * 4 + [1] * 4 + [2] * 2
    assert all(piece.bars == form.FORM_BARS for piece, _ in tasks)
    mixed = [Piece(m, "valid", tune(16, i).replace(meter=m)) for i, m in enumerate(["2/4", "4/4", "2/4"])]
    assert [piece.meter for piece, _ in form.Form(mixed, "dance", "valid").tasks(6)] == ["4/4"] * 2 + ["2/4"] * 4


def test_pieces_that_say_nothing_twice_are_told_from_those_that_do():
    held_out = form.Form(PIECES, "chorale", "valid")
    again = [s.replace(cells=np.vstack([s.cells[:32]] * 4)) for s in held_out.pieces]  # the first four bars, four times
    found = held_out.judge(again)
    assert set(found) == set(FORM_MEANING)
    assert found["equal_4"] == {"value": 1, "reference": 0} and found["equal_1"]["value"] == 0
    assert all(figure["value"] == figure["reference"] for figure in held_out.judge(held_out.pieces).values())
    assert form.Form(PIECES[:1], "chorale", "valid").judge([]) == {}  # none is long enough


def test_only_the_composed_bars_are_judged():
    piece = chorale(8, 5)
    other = piece.replace(cells=np.vstack([chorale(2, 6).cells, composed(piece).cells]))
    assert composed(other) == composed(piece)


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """Two small untrained models as checkpoints, a README with marks, and the corpus replaced by a few pieces."""
    monkeypatch.setattr(data, "load", lambda: PIECES)
    monkeypatch.setattr(evaluate, "ProcessPoolExecutor", ThreadPoolExecutor)
    monkeypatch.setattr(cards, "SAMPLE_BARS", 3)
    for name in ("gru", "rnn"):
        checkpoint.save(name, small(name), {"minutes": 1.0}, tmp_path)
    (tmp_path / "README.md").write_text("before\n<!-- models -->\nold\n<!-- /models -->\nafter\n")
    return tmp_path


def run(folder, *arguments: str):
    assert command.main([*arguments, "--samples", "4"], folder, folder / "README.md") == 0


def test_the_command_measures_all_models_and_writes_what_it_found(shipped, monkeypatch):
    monkeypatch.setattr(MODELS["rnn"], "likelihood", "none")
    monkeypatch.setitem(evaluate.PARTICULAR, "gru", lambda model, pieces, *_: {"all_of": [len(pieces), 1 / 3]})
    evaluate.record("gru", {"weights_sha256": "other", "stale": 1, "jsb16": {"nats_a_cell": {"valid": 0.25}}}, shipped)
    run(shipped, "all")
    gru, rnn = (checkpoint.metrics(name, shipped) for name in ("gru", "rnn"))
    assert gru["command_valid"] == "python -m train.evaluation gru --samples 4"
    assert gru["weights_sha256"] == checkpoint.config("gru", shipped)["weights_sha256"]
    assert gru["parameters"] == checkpoint.parameters(small("gru"))
    assert gru["particular_valid"] == {"all_of": [len(PIECES), 0.3333]}
    assert f"| all of | {len(PIECES)} · 0.3333 |" in (shipped / "gru" / "README.md").read_text()
    assert "stale" not in gru and gru["jsb16"]["nats_a_cell"]["valid"] == 0.25
    share = gru["nll_valid"]["dance"] / gru["markov_nll_valid"]["dance"]
    assert gru["nll_valid_to_markov"]["dance"] == pytest.approx(share, abs=1e-3)
    assert "nll_valid" not in rnn
    assert rnn["samples_valid"]["chorale"]["samples"] == 4
    assert set(rnn["form_valid"]["dance"]) == set(rnn["form_valid"]["chorale"]) == set(FORM_MEANING)
    assert set(rnn["harmony_valid"]["chorale"]) == set(HARMONY_MEANING) and "dance" not in rnn["harmony_valid"]
    assert (
        set(rnn["samples_valid"]["dance"]["figures"]) < set(rnn["samples_valid"]["chorale"]["figures"]) == set(MEANING)
    )
    assert "polyphony" in rnn["samples_valid"]["chorale"]["features"]
    assert "polyphony" not in rnn["samples_valid"]["dance"]["features"]
    readme = (shipped / "README.md").read_text()
    assert readme.startswith("before\n") and readme.endswith("after\n") and tables.table(shipped) in readme
    assert (shipped / "rnn" / "README.md").read_text() == cards.card("rnn", shipped)
    assert (shipped / "gru" / "sample.mid").exists() and (shipped / chart.COMPARISON_PICTURE).exists()
    assert "| 0.250 |" in readme and "none: a GAN has no likelihood" in readme


def begin_like_the_piece(name, directory, tasks, bars) -> list[Score]:
    return [piece.replace(cells=piece.cells[: bars and bars * 8]) for piece, _ in tasks]


def test_the_test_split_stands_beside_the_other(shipped, monkeypatch):
    monkeypatch.setattr(evaluate, "compose", begin_like_the_piece)
    monkeypatch.setattr(cards, "write_sample", lambda name, directory: None)
    run(shipped, "gru")
    run(shipped, "gru", "--test")
    found = checkpoint.metrics("gru", shipped)
    assert found["command_test"].endswith("--test --samples 4")
    assert found["samples_test"]["dance"] != found["samples_valid"]["dance"]
    assert all(f["value"] == f["reference"] for f in found["form_test"]["chorale"].values())
    assert found["harmony_test"]["chorale"] != found["harmony_valid"]["chorale"]
    assert found["nll_test"] != found["nll_valid"]


def test_what_was_not_measured_is_a_dash_and_no_column_where_it_was_of_none(shipped):
    evaluate.record("gru", {"parameters": 1_500_000, "training_minutes": 12.0}, shipped)
    evaluate.record("rnn", {"parameters": 1_200_000, "nll_valid": {"chorale": 0.5}}, shipped)
    head, _, gru, rnn, *_ = tables.table(shipped).splitlines()
    assert head == "| model | parameters | nats | minutes |"
    assert gru.endswith("| 1.50 M | - · - | 12 |") and rnn.endswith("| 1.20 M | 0.500 · - | - |")
    assert json.loads((shipped / "gru" / "metrics.json").read_text())["parameters"] == 1_500_000
