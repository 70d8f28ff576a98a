"""The one loop, the data it is fed, and the checkpoints it writes, with small models."""

import json
from dataclasses import replace
from itertools import islice, product

import numpy as np
import pytest
import torch
from tiny import chorale, small, tune

from musicgen import checkpoint
from musicgen.models import MODELS
from musicgen.models.base import STYLE_NAMES, collate, features_of, pitch_mask
from musicgen.models.next_frame import nll
from musicgen.score import METERS, STYLES, Note, Score, from_notes
from train import data, device, loop
from train.__main__ import begin, main, train_one
from train.benchmark import read
from train.composed import chorales_by, mixed
from train.evaluation.evaluate import markov_nll
from train.loop import batches, held_out, kept_state, train, transpositions, whole_pieces
from train.recipes import BENCHMARK, RECIPES, Recipe, recipe_of

ITEMS = [features_of(chorale(seed=s)) for s in range(6)] + [features_of(tune())] * 3
RECIPE = Recipe(batch=4, crop=32, warmup=5, average=0.9, steps=60)


def feed(seed: int = 0):
    return batches(ITEMS, RECIPE, np.random.default_rng(seed))


def run(model, check, recipe=RECIPE, **more):
    rng = np.random.default_rng(0)
    return train(model, batches(ITEMS, recipe, rng), check, recipe, rng, **more)


def test_a_recipe_is_of_an_architecture_and_one_without_is_trained_by_the_default():
    assert set(RECIPES) <= set(MODELS) and set(BENCHMARK) <= set(MODELS)
    assert recipe_of("gru") == RECIPES["gru"] and recipe_of("new") == Recipe()


def test_training_learns_and_keeps_the_best():
    model, pieces = small("gru"), whole_pieces(ITEMS)
    before = held_out(model, pieces)
    result = run(model, lambda m: held_out(m, pieces))
    assert result.valid < 0.7 * before and result.steps == RECIPE.steps
    model.load_state_dict(result.weights)
    assert held_out(model, pieces) == pytest.approx(result.valid, abs=1e-4)


def test_the_budget_that_is_used_up_first_ends_a_run_and_sets_the_rate(monkeypatch):
    seconds = iter(range(0, 1000, 10))
    monkeypatch.setattr(loop, "stopwatch", lambda device, begin: lambda: next(seconds))
    rates = []
    monkeypatch.setattr(loop, "rate_at", lambda step, progress, *_: rates.append(progress) or 1e-3)
    assert run(small("rnn"), lambda m: 0.0, replace(RECIPE, steps=4, minutes=1)).steps == 4
    assert rates == [0, 1 / 4, 2 / 4, 3 / 4]
    seconds, rates[:] = iter(range(0, 1000, 10)), []
    assert run(small("rnn"), lambda m: 0.0, replace(RECIPE, steps=60, minutes=0.5)).steps == 4
    assert rates == pytest.approx([0, 1 / 60, 1 / 3, 2 / 3])


def test_a_run_that_is_not_to_be_resumed_forgets_the_one_before(tmp_path, monkeypatch):
    monkeypatch.setattr("train.loop.CACHE", tmp_path / "dataset.npz")
    state = kept_state("gru", resume=True)
    state.parent.mkdir()
    state.touch()
    assert kept_state("gru", resume=True) == state and state.exists()
    assert kept_state("gru", resume=False) == state and not state.exists()


class Interrupted:
    """A check of the held-out loss at which Ctrl-C is pressed, the n-th time."""

    def __init__(self, nth: int):
        self.left, self.found, self.pieces = nth, [], whole_pieces(ITEMS)

    def __call__(self, model) -> float:
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt
        self.found.append(held_out(model, self.pieces))
        return self.found[-1]


def test_ctrl_c_keeps_the_best_so_far():
    check = Interrupted(4)
    stopped = run(small("gru"), check)
    assert stopped.valid == min(check.found) and stopped.steps < RECIPE.steps


def test_a_run_stopped_before_its_first_check_keeps_what_it_has(monkeypatch):
    def learn(self, batch):
        raise KeyboardInterrupt

    monkeypatch.setattr(loop.Run, "learn", learn)
    stopped = run(small("rnn"), lambda m: float("nan"))
    assert stopped.steps == 0 and set(stopped.weights) == set(small("rnn").state_dict())


@pytest.mark.parametrize("name", ["transformer", "gan"])
def test_a_run_that_was_broken_off_ends_as_if_it_had_not_been(name, tmp_path):
    """Six steps at once, or three, Ctrl-C, and the other three: the same batches, dropout, rates and weights."""
    recipe, state = replace(RECIPE, crop=64, steps=6, rate=1e-2, last=True), tmp_path / "state.pt"
    whole = run(small(name), lambda m: 0.0, recipe)
    run(small(name), Interrupted(4), recipe, resume=state)
    assert torch.load(state, weights_only=True)["step"] == 3
    torch.manual_seed(99)
    resumed = run(small(name), lambda m: 0.0, recipe, resume=state)
    assert resumed.steps == whole.steps == 6
    assert all(torch.equal(whole.weights[key], weight) for key, weight in resumed.weights.items())


@pytest.mark.parametrize("module, name", [("", "vae"), ("generator", "gan")])
def test_what_fits_of_a_trained_model_can_be_begun_with(module, name, tmp_path, monkeypatch):
    trained, model = small("gru"), small(name)
    torch.nn.init.normal_(trained.head.out)
    before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    monkeypatch.setattr(checkpoint, "load", {"gru": trained}.get)
    monkeypatch.setattr(checkpoint, "config", lambda name: {"training": {"minutes": 3}})
    assert begin(model, Recipe(start={module: "gru"})) == 3
    assert torch.equal(model.get_submodule(module).head.out, trained.head.out)
    own = "posterior.features" if name == "vae" else "critic.features"
    assert torch.equal(model.state_dict()[own], before[own])


def test_what_teachers_predict_is_learned_too():
    teacher, piece = small("gru"), collate([features_of(chorale(seed=9))])
    torch.nn.init.normal_(teacher.head.bias)  # of opinions that no music taught
    told = teacher.logits(piece).softmax(-1).detach()
    far = []
    for teachers in ((), (teacher,)):
        model = small("rnn")
        model.teachers = teachers
        model.load_state_dict(run(model, lambda m: 0.0, replace(RECIPE, rate=1e-2, last=True)).weights)
        far.append(nll(model.eval().logits(piece), told).mean())
    assert far[1] < 0.9 * far[0]
    assert all(parameter.grad is None for parameter in teacher.parameters())


def test_transpositions_stay_in_the_ranges():
    batch, allowed = next(feed()), pitch_mask()
    for piece, style in zip(batch.tokens, batch.style, strict=True):
        for voice in range(4):
            assert allowed[style, voice, piece[:, voice]].all()
    assert 0 in transpositions(ITEMS[0]) and len(transpositions(ITEMS[0])) > 3


def test_the_same_generator_gives_the_same_batches():
    one, two = next(feed(1)), next(feed(1))
    assert torch.equal(one.tokens, two.tokens)
    assert not torch.equal(one.tokens, next(feed(2)).tokens)


@pytest.mark.parametrize(("mix", "share"), [(0, 1 / 2), (0.5, 2 / 3), (1, 4 / 5)])
def test_the_styles_come_by_how_much_music_they_have(mix, share):
    items = [features_of(chorale(4, seed=s)) for s in range(4)] + [features_of(tune(4))]  # four times as many frames
    mixed = batches(items, replace(RECIPE, mix=mix), np.random.default_rng(0))
    chorales = [int(next(mixed).voices() == 4) for _ in range(600)]
    assert np.mean(chorales) == pytest.approx(share, abs=0.06)


def test_padding_and_unused_voices_do_not_count():
    long, short = features_of(chorale(4)), features_of(chorale(2))
    model = small("rnn")
    with torch.inference_mode():
        alone = [model.loss(collate([i]))["loss"].item() for i in (long, short)]
        together = model.loss(collate([long, short]))["loss"].item()
        one_voice = model.cell_nll(collate([features_of(tune())]))
    assert together == pytest.approx((2 * alone[0] + alone[1]) / 3, abs=1e-4)
    assert one_voice.shape[-1] == 1


def test_a_checkpoint_comes_back_as_it_was(tmp_path):
    model = small("lstm")
    checkpoint.save("lstm", model, {"minutes": 1}, tmp_path)
    assert checkpoint.available(tmp_path) == ["lstm"]
    loaded = checkpoint.load("lstm", tmp_path)
    assert not loaded.training
    batch = collate(ITEMS[:2])
    with torch.inference_mode():
        assert loaded.loss(batch)["loss"].item() == pytest.approx(model.loss(batch)["loss"].item(), abs=2e-3)


@pytest.mark.parametrize("harm", ["changed", "missing", "other config"])
def test_a_harmed_checkpoint_is_refused_with_the_remedy(tmp_path, harm):
    checkpoint.save("gru", small("gru"), {"minutes": 1}, tmp_path)
    weights, config = tmp_path / "gru" / "weights.safetensors", tmp_path / "gru" / "config.json"
    if harm == "changed":
        weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    elif harm == "missing":
        weights.unlink()
    else:
        about = json.loads(config.read_text())
        config.write_text(json.dumps(about | {"config": about["config"] | {"width": 32}}))
    with pytest.raises(checkpoint.CheckpointError, match="python -m train gru"):
        checkpoint.load("gru", tmp_path)


def swapped(things: dict, one: str, other: str) -> dict:
    """The same with two places exchanged."""
    order = {one: other, other: one}
    return {order.get(name, name): things[order.get(name, name)] for name in things}


DANCE = STYLES["dance"]


@pytest.mark.parametrize(
    ("what", "value", "said"),
    [
        ("METERS", swapped(METERS, "3/4", "6/8"), "meters 2 name was 3/4, is 6/8; meters 2 beat was 4, is 6; meters 3"),
        ("METERS", METERS | {"2/4": replace(METERS["2/4"], beat=8)}, "meters 4 beat was 4, is 8"),
        ("STYLES", swapped(STYLES, "chorale", "dance"), "styles 1 name was chorale, is dance"),
        ("STYLES", STYLES | {"dance": replace(DANCE, ranges=((54, 90),))}, "styles 2 ranges 1 was 54-93, is 54-90"),
        ("HIGH", 94, "vocabulary highest was 93, is 94"),
        ("FORMAT", 2, "format was 1, is 2"),
    ],
)
def test_a_checkpoint_that_was_trained_for_something_else_is_refused(what, value, said, tmp_path, monkeypatch):
    checkpoint.save("gru", small("gru"), {"minutes": 1}, tmp_path)
    monkeypatch.setattr(checkpoint, what, value)
    with pytest.raises(checkpoint.CheckpointError, match=r"trained for another version.*python -m train gru") as error:
        checkpoint.load("gru", tmp_path)
    assert said in str(error.value)


def test_a_checkpoint_that_does_not_say_what_it_was_trained_for_is_refused(tmp_path):
    checkpoint.save("gru", small("gru"), {"minutes": 1}, tmp_path)
    config = tmp_path / "gru" / "config.json"
    config.write_text(json.dumps({k: v for k, v in json.loads(config.read_text()).items() if k != "trained_for"}))
    with pytest.raises(checkpoint.CheckpointError, match="python -m train gru"):
        checkpoint.load("gru", tmp_path)


def test_the_published_format_is_read_frame_by_frame(tmp_path):
    path = tmp_path / "jsb.json"
    path.write_text(json.dumps({"valid": [[[67, 62, 59, 43]] * 20 + [[-1, 64, 60, 48]]]}))
    (item,) = read(path)["valid"]
    assert item["tokens"].shape == (21, 4) and item["tokens"][20, 0] == 0
    assert len(set(item["to_end"].tolist())) == 1  # nothing is told of the end


def test_the_markov_yardstick_knows_which_note_is_held():
    there_and_back = Score(from_notes([Note(0, 60 + 2 * (i % 2), 2 * i, 2) for i in range(256)], 512), "dance")
    pieces = [data.Piece("a", "train", there_and_back), data.Piece("b", "valid", there_and_back)]
    assert markov_nll(pieces, "dance", "valid") < 0.05


def test_the_markov_yardstick_is_a_likelihood():
    pieces = [data.Piece("a", "train", chorale()), data.Piece("b", "valid", chorale())]
    sure = [data.Piece("a", "train", tune()), data.Piece("b", "valid", tune())]
    assert 0 < markov_nll(pieces, "chorale", "valid") < np.log(40)
    assert 0 < markov_nll(sure, "dance", "valid") < np.log(40)


@pytest.mark.parametrize(("amx", "avx512"), list(product([False, True], repeat=2)))
def test_bf16_is_only_used_where_the_processor_computes_in_it(amx, avx512, monkeypatch):
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512)
    with device.precision(torch.device("cpu")):
        assert torch.is_autocast_enabled("cpu") == (amx or avx512)


@pytest.mark.parametrize("name", MODELS)
def test_every_model_learns_in_bf16(name):
    model, batch = small(name).train(), collate(ITEMS[:2])
    for part_name, part in model.optimized_parts().items():
        model.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            loss = model.loss(batch, part_name)["loss"]
        loss.backward()
        assert loss.isfinite()
        assert all(p.grad.isfinite().all() for p in part.parameters() if p.grad is not None)
        assert any(p.grad is not None and p.grad.any() for p in part.parameters())


def test_where_a_model_was_trained_is_said_in_words():
    torch.set_num_threads(1)
    assert device.described(device.choose("cpu")) == "cpu, 1 thread"
    assert device.choose("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert device.device_of(small("rnn")) == torch.device("cpu")


def test_a_stopwatch_continues_from_where_it_was():
    clock = device.stopwatch(torch.device("cpu"), 100.0)
    assert 100 <= clock() <= clock() < 101


def test_what_has_a_loss_of_its_own_refuses_teachers():
    with pytest.raises(ValueError, match="seq2seq cannot learn from teachers"):
        train_one("seq2seq", [], Recipe(teachers=("gru",)), torch.device("cpu"), resume=False)


def test_all_are_trained_after_what_they_need(monkeypatch):
    trained = []
    monkeypatch.setattr("train.__main__.train_one", lambda name, *_: trained.append(name))
    monkeypatch.setattr("train.data.load", list)
    monkeypatch.setattr("sys.argv", ["train", "all"])
    assert main() == 0 and sorted(trained) == sorted(MODELS)
    for name in MODELS:
        assert all(trained.index(other) < trained.index(name) for other in recipe_of(name).needs)


def test_models_compose_chorales_for_others_as_long_as_peoples(monkeypatch):
    model = small("gru")
    monkeypatch.setattr(checkpoint, "load", lambda name: model)
    pieces = [
        data.Piece("a", "train", chorale(3)),
        data.Piece("b", "valid", chorale(9)),
        data.Piece("c", "train", tune(9)),
    ]
    scores = chorales_by(("gru", "lstm"), 3, pieces, 0)
    assert [(s.style, s.meter, s.bars) for s in scores] == [("chorale", "4/4", 4)] * 6
    assert len({s.cells.tobytes() for s in scores}) == 6
    again = chorales_by(("gru", "lstm"), 3, pieces, 0)
    assert all(np.array_equal(a.cells, b.cells) for a, b in zip(scores, again, strict=True))


def test_of_chorales_alone_some_are_composed():
    items = [features_of(chorale(4, seed=1)), features_of(tune(4))]
    people, models = (batches(items[:n], RECIPE, np.random.default_rng(0)) for n in (2, 1))
    found = mixed(people, ("composed" for _ in models), 0.6, np.random.default_rng(0))
    drawn = [x if x == "composed" else STYLE_NAMES[int(x.style[0])] for x in islice(found, 600)]
    chorales = [kind for kind in drawn if kind != "dance"]
    assert chorales.count("composed") / len(chorales) == pytest.approx(0.4, abs=0.08) and "dance" in drawn
