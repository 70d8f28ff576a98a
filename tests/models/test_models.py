"""The contract, held against every architecture in the registry, with small untrained models."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny import CANVASES, canvas, chorale, small, tune

from musicgen.models import MODELS
from musicgen.models.base import (
    END_CASES,
    FAR_END,
    HOLD_TOKEN,
    REST_TOKEN,
    VOCABULARY,
    collate,
    crop,
    ending,
    features_of,
    to_cells,
    to_tokens,
)
from musicgen.models.decoding import ends_as_most, taken_of, walk
from musicgen.models.draw import ILLEGAL, parted
from musicgen.models.engine import Eager
from musicgen.models.frames import History, held, histories
from musicgen.models.next_frame import NextFrame
from musicgen.models.reading import begin
from musicgen.models.task import Moment, nothing_fixed, slice_steps, task_of
from musicgen.sampling import SamplingConfig
from musicgen.score import HIGH, HOLD, LOW, REST, Canvas, Score

FORWARD = [name for name, model in MODELS.items() if issubclass(model, NextFrame)]


@pytest.mark.parametrize("kind", CANVASES)
@pytest.mark.parametrize("name", MODELS)
def test_completes_a_canvas_and_leaves_fixed_cells_alone(name, kind):
    given = canvas(kind)
    found = small(name).compose(given, SamplingConfig(1.3, 1.0), random_seed=5)  # a broken grammar would raise
    assert found.steps == given.score.steps
    assert np.array_equal(found.cells[given.fixed], given.score.cells[given.fixed])


@pytest.mark.parametrize("name", MODELS)
def test_patches_cover_every_step_and_never_touch_fixed_cells(name):
    given = canvas("repair")
    covered = np.zeros(given.score.steps, bool)
    for patch in small(name).stream(given, random_seed=1):
        span = slice(patch.start, patch.start + len(patch.cells))
        covered[span] = True
        fixed = given.fixed[span]
        assert np.array_equal(patch.cells[fixed], given.score.cells[span][fixed])
    assert covered.all()


@pytest.mark.parametrize("name", MODELS)
def test_same_seed_same_notes_whatever_else_is_drawn(name):
    model, given = small(name), canvas("continue")
    alone = model.compose(given, random_seed=11)
    first, second = model.stream(given, random_seed=11), model.stream(given, random_seed=12)
    cells = {1: given.score.cells.copy(), 2: given.score.cells.copy()}
    for one, two in zip(first, second, strict=True):  # two visitors at once
        torch.rand(3)
        for which, patch in ((1, one), (2, two)):
            cells[which][patch.start : patch.start + len(patch.cells)] = patch.cells
    assert np.array_equal(cells[1], alone.cells)
    assert not np.array_equal(cells[2], alone.cells)


@pytest.mark.parametrize("name", MODELS)
def test_many_at_once_are_what_each_is_alone(name):
    model, canvases = small(name), [canvas("continue"), canvas("dance"), canvas("continue"), canvas("harmonise")]
    lively, random_seeds = SamplingConfig(1.2, 0.9), [3, 4, 5, 6]
    found = model.compose_all(canvases, lively, random_seeds=random_seeds)
    assert found == [model.compose(c, lively, random_seed=s) for c, s in zip(canvases, random_seeds)]
    assert found[0] != found[2]


@pytest.mark.parametrize("name", MODELS)
def test_temperature_zero_is_deterministic(name):
    model, given = small(name), canvas("continue")
    sure = SamplingConfig(temperature=0)
    assert model.compose(given, sure, random_seed=1) == model.compose(given, sure, random_seed=2)


@pytest.mark.parametrize("name", MODELS)
def test_a_stream_changes_nothing_in_the_model_or_its_caller(name):
    model, given = small(name), canvas("continue")
    before = {k: v.clone() for k, v in model.state_dict().items()}
    next(model.stream(given, random_seed=1))
    assert torch.is_grad_enabled() and not torch.is_inference_mode_enabled()
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items())


@pytest.mark.parametrize("name", MODELS)
def test_every_parameter_gets_a_gradient(name):
    model = small(name).train()
    batch = collate([features_of(chorale(seed=s)) for s in range(4)])
    for part_name, part in model.optimized_parts().items():
        model.zero_grad()
        model.loss(batch, part_name)["loss"].backward()
        assert [n for n, p in part.named_parameters() if p.grad is None or not p.grad.abs().sum()] == []


@pytest.mark.parametrize("name", MODELS)
def test_says_what_it_is(name):
    model = MODELS[name]
    assert model.name == name
    assert all(getattr(model, word) for word in ("title", "summary", "source", "temperature_note"))


def test_the_history_of_each_step_is_the_same_read_at_once_or_frame_by_frame():
    blank = Canvas.blank(12, "dance", "9/8").score
    items = [features_of(score) for score in (chorale(9, seed=1), tune(9, seed=2), blank)]
    items.append(features_of(Score(np.roll(tune(9).cells[: 16 * 9], 3, 0).clip(REST), "dance", "2/4", 100)))
    batch = collate(items)
    at_once, history = histories(batch.tokens, batch.meter), History.empty(batch.meter)
    for step in range(batch.tokens.shape[1] + 1):
        for a, b in zip(history.packed(), at_once.each(lambda x, at=step: x[:, at]).packed()):
            assert torch.allclose(a.float(), b.float(), atol=1e-3)
        if step < batch.tokens.shape[1]:
            history = history.after(batch.tokens[:, step])


def test_the_histories_of_steps_to_come_are_those_after_steps_in_which_nothing_begins():
    batch = collate([features_of(chorale(9, seed=seed)) for seed in (1, 2)])
    batch.tokens[:, 30:40, 2] = REST_TOKEN  # one voice rests, which is to go on as well
    start = histories(batch.tokens, batch.meter).each(lambda x: x[:, 38])
    ahead, history = start.ahead(torch.arange(4)), start
    for step in range(4):
        at_step = ahead.each(lambda x, at=step: x[:, at])
        for a, b in zip(history.packed(), at_step.packed(), strict=True):
            assert torch.allclose(a.float(), b.float(), atol=1e-3)
        for a, b in zip(history.trail.echo, at_step.trail.echo, strict=True):
            assert torch.equal(a, b)
        history = history.after(held(history.pitch))


def test_a_repeated_bar_is_known_to_be_one():
    """Bars ABAB: from the third on, each voice has repeated for so long what it did two bars before."""
    score = chorale(2)
    twice = features_of(Score(np.vstack([score.cells, score.cells])))
    history = histories(torch.from_numpy(twice["tokens"])[None], torch.tensor([0]))
    assert (history.trail.repeats[0, 32 + 10, 1] >= 10).all()  # lags are 1, 2, 4, 8 bars
    assert (history.trail.repeats[0, 32 + 10, 0] < 10).all()
    echo = history.each(lambda x: x[:, 40]).trail.echo
    assert torch.equal(echo.token[0, 1], torch.from_numpy(twice["tokens"][8]))
    assert torch.equal(echo.next_token[0, 1], torch.from_numpy(twice["tokens"][9]))


@pytest.mark.parametrize("name", FORWARD)
def test_what_was_played_before_can_be_copied(name):
    """With a great strength for it, a free bar repeats the one four before: a freedom that training weighs."""
    model = small(name)
    model.head.copy.strength.data[:, :, :, 0, 2] = 50  # by either run length: the token of four bars ago
    given = Canvas.free_bars(tune(5), 5, 5)
    cells = model.compose(given, SamplingConfig(follow_seed=False)).cells[:, 0]
    sounding = cells[1:16] != REST  # what may be copied
    assert np.array_equal(cells[-15:][sounding], cells[1:16][sounding])


@pytest.mark.parametrize("name", FORWARD)
def test_frame_by_frame_equals_all_at_once(name):
    model = small(name)
    batch = collate([features_of(chorale(seed=s)) for s in range(2)])
    history, steps = histories(batch.tokens, batch.meter).each(lambda x: x[:, :-1]), []
    with torch.inference_mode():
        state = model.first_state(batch, nothing_fixed(batch))
        at_once, _ = model.hidden(history, batch, state)
        for step in range(batch.tokens.shape[1]):
            now = history.each(lambda x, at=step: x[:, at : at + 1])
            hidden, state = model.hidden(now, slice_steps(batch, step), state)
            steps.append(hidden)
    assert torch.allclose(torch.cat(steps, 1), at_once, atol=1e-4)


@pytest.mark.parametrize("name", FORWARD)
def test_streamed_choices_have_the_likelihood_of_the_parallel_pass(name, monkeypatch):
    """The logits each choice was drawn from are those of the parallel pass over the finished score, to 1e-4."""
    monkeypatch.setattr("musicgen.models.decoding.ROWS", 1)  # a step at a time, so that each choice is one that stands
    model, seen = small(name, **{"vae": {"level": 1.0}}.get(name, {})), []  # its logits alone know of no latent vector
    choice = model.head.choice
    monkeypatch.setattr(model.head, "choice", lambda *args: seen.append(choice(*args)) or seen[-1])
    score = model.compose(Canvas.blank(2), SamplingConfig(candidates=1), random_seed=2)
    odds, others = (torch.cat([getattr(made, part)[:, 0] for made in seen]) for part in ("odds", "others"))
    with torch.inference_mode():
        parallel = model.logits(collate([features_of(score)]))[0, :, [0, 3, 1, 2]]  # as drawn: S, B, A, T
    may_rest = others[:, REST_TOKEN] > ILLEGAL  # a chorale that is composed never rests, though the corpus does
    parallel = parallel.flatten(0, 1).clone()
    parallel[~may_rest, REST_TOKEN] = ILLEGAL
    expected_odds, expected = parted(parallel, HOLD_TOKEN)
    legal = others > ILLEGAL
    assert torch.allclose(others[legal], expected[legal], atol=1e-4)
    may_hold = odds > ILLEGAL
    assert torch.allclose(odds[may_hold], expected_odds[may_hold], atol=1e-4)


@pytest.mark.parametrize("name", [name for name in FORWARD if name != "vae"])
def test_after_training_each_style_gets_the_temperatures_and_bias_that_fit_its_held_out_pieces(name):
    model = small(name)
    model.head.out.data *= 20  # far too sure of itself
    batches = [collate([features_of(chorale())]), collate([features_of(tune())])]
    with torch.inference_mode():
        before = [model.loss(batch)["loss"] for batch in batches]
        model.calibrate(batches[:1])
        assert model.head.hold_temperature[0] > 1 == model.head.hold_temperature[1]
        assert model.head.hold_bias[0] != 0 == model.head.hold_bias[1]
        after = [model.loss(batch)["loss"] for batch in batches]
        assert after[0] < before[0] and after[1] == before[1]
        assert model.head.pitch_temperature[0] > 1 == model.head.pitch_temperature[1]
        model.calibrate(batches[:1])  # again, from where it began
        assert model.loss(batches[0])["loss"] == after[0]


@pytest.mark.parametrize("name", FORWARD)
def test_steps_at_once_write_what_a_step_at_a_time_does(name, monkeypatch):
    """Given cells, rests and short notes among the steps that are supposed to begin nothing; alone and side by side."""
    model, sampling, calls = small(name), SamplingConfig(candidates=4), []
    model.head.bias.data[:, HOLD_TOKEN] = 6  # so that often nothing begins
    repaired = (Canvas.free_bars(score, 2, 3) for score in (chorale(4), tune(4)))
    canvases = [Canvas.keep_voices(chorale(2), [1]), *repaired]
    run = Eager.__call__
    monkeypatch.setattr(Eager, "__call__", lambda *args: calls.append(1) or run(*args))

    def composed() -> list[Score]:
        calls.clear()
        return [score for c in canvases for score in model.compose_all([c, c], sampling, random_seeds=[1, 2])]

    at_once, few = composed(), len(calls)
    monkeypatch.setattr("musicgen.models.decoding.ROWS", 1)
    assert at_once == composed() and few < 0.9 * len(calls)


@pytest.mark.parametrize(("begins", "taken"), [("1", 1), ("100", 1), ("010", 2), ("000", 3), ("001", 3)])
def test_steps_stand_up_to_the_first_in_which_anything_begins_in_any_piece(begins, taken):
    assert taken_of(torch.tensor([[False] * len(begins), [b == "1" for b in begins]])) == taken


@pytest.mark.parametrize("name", FORWARD)
def test_the_slower_the_seed_the_surer_of_a_hold_is_what_follows(name):
    """The same pitches, in quarters and in halves; with nothing given before the first free cell nothing shifts."""
    model, seed = small(name), np.array([(72, 67, 60, 48), (74, 67, 59, 55)])
    model.head.bias.data[:, HOLD_TOKEN] = 4  # about as likely as a note
    hold_shifts, held = [], []
    for length in (4, 8):
        cells = np.full((16, 4), HOLD)
        cells[::length] = np.resize(seed, (16 // length, 4))
        given = Canvas(Score(cells), np.ones((16, 4), bool)).extended(3)
        task = task_of([given], SamplingConfig(), torch.Generator())
        hold_shifts.append(begin(model, task)[0].batch.hold_shift.item())
        made = model.compose_all([given, given], random_seeds=[0, 1])
        held.append(np.mean([score.cells[16:] == HOLD for score in made]))
        task.fixed[0, 2] = False
        assert begin(model, task)[0].batch.hold_shift == 0
    assert hold_shifts[0] < hold_shifts[1] and held[0] < held[1]


@pytest.mark.parametrize("name", FORWARD)
def test_of_the_candidates_to_close_that_end_as_most_do_the_likeliest_is_taken(name, monkeypatch):
    model = small(name, **{"vae": {"level": 1.0}}.get(name, {}))
    walks, sampling = [], SamplingConfig(candidates=12)

    def spy(*args):
        strides = list(walk(*args))
        walks.append(torch.cat([stride.frames for stride in strides], 1) if strides else None)  # (N, n, 4)
        return iter(strides)

    monkeypatch.setattr("musicgen.models.decoding.walk", spy)
    batch = collate([features_of(model.compose(Canvas.blank(2), sampling, random_seed=4))])
    *before, close = walks
    assert [len(w) for w in before] == [1] * len(before) and close.shape == (sampling.candidates, 24, 4)
    tokens = torch.cat([batch.tokens[:, :8].expand(len(close), -1, -1), close], 1)
    with torch.inference_mode():
        logits = model.logits(replace(batch.pieces(torch.zeros(len(close), dtype=torch.long)), tokens=tokens))
        logits = logits[:, 8:].clone()
        logits[..., [REST_TOKEN, HOLD_TOKEN]] = ILLEGAL  # what a voice begins, knowing that it begins something
    begins = close != HOLD_TOKEN
    log_p = logits.log_softmax(-1).gather(-1, close[..., None])[..., 0][begins]  # of all notes, way by way
    by_way = (log_p - log_p.mean()).split(begins.sum((1, 2)).tolist())
    above = torch.stack([way.sum() / len(way) ** 0.5 for way in by_way])
    assert len({way.numpy().tobytes() for way in close}) > 1
    scores = [Score(to_cells(way.numpy())) for way in tokens]
    endings = [(score.sounding()[-1].tobytes(), (score.cells[-3:] == HOLD).all(0).tobytes()) for score in scores]
    most = torch.tensor([endings.count(ending) for ending in endings])
    above[most < most.max()] = -torch.inf
    assert torch.equal(batch.tokens[0, 8:], close[above.argmax()])


def test_a_piece_ends_on_the_chord_on_which_most_candidates_end():
    history = History.empty(torch.zeros(8, dtype=torch.long))
    c, a = torch.tensor([60, 52, 48, 36]), torch.tensor([60, 52, 48, 33])
    pitch = torch.stack([c, a, a, c, c, c, c, a])
    age = torch.tensor([4, 4, 9, 4, 4, 1, 4, 4])[:, None].expand(-1, 4)  # one has only just come to its chord
    found = ends_as_most(replace(history, pitch=pitch, age=age), 2)
    assert found.tolist() == [[True, True, True, True], [True, False, True, False]]


@pytest.mark.parametrize("name", MODELS)
def test_a_piece_from_nothing_sounds_at_once_in_every_voice(name):
    for style, voices in (("chorale", 4), ("dance", 1)):
        score = small(name).compose(Canvas.blank(1, style), random_seed=1)
        assert (score.cells[0, :voices] >= 0).all()


@pytest.mark.parametrize(("style", "longest"), [("chorale", 0), ("dance", 4)])
@pytest.mark.parametrize("name", FORWARD)
def test_a_model_in_love_with_rests_takes_no_longer_than_a_breath(name, style, longest):
    model = small(name)
    model.head.bias.data[:, REST_TOKEN] += 50
    silent = (model.compose(Canvas.blank(4, style), random_seed=1).sounding() == REST).all(axis=1)
    runs = "".join("r" if s else " " for s in silent).split()
    assert max(map(len, runs), default=0) == longest


@pytest.mark.parametrize("name", FORWARD)
def test_no_cell_sees_itself_or_what_comes_after(name):
    """Changing a cell leaves the logits of all cells before it, and its own, as they were."""
    model, order = small(name), [0, 3, 1, 2]
    item = features_of(chorale())
    step = 21
    with torch.inference_mode():
        before = model.logits(collate([item]))[0]
        for place, voice in enumerate(order):
            changed = item | {"tokens": item["tokens"].copy()}
            changed["tokens"][step, voice] = (changed["tokens"][step, voice] + 5) % VOCABULARY
            after = model.logits(collate([changed]))[0]
            assert torch.equal(after[:step], before[:step])
            assert torch.equal(after[step, order[: place + 1]], before[step, order[: place + 1]])
            assert not torch.equal(after[step + 1 :], before[step + 1 :])


@pytest.mark.parametrize("name", FORWARD)
def test_probabilities_sum_to_one_over_legal_cells(name):
    batch = collate([features_of(chorale())])
    with torch.inference_mode():
        p = small(name).logits(batch).softmax(-1)
    assert torch.allclose(p.sum(-1), torch.ones(()), atol=1e-5)
    assert p[0, 0, :, HOLD_TOKEN].max() == 0  # nothing to hold at the start


@pytest.mark.parametrize("name", FORWARD)
def test_a_given_voice_is_seen_before_the_others_are_chosen(name):
    """With the alto fixed, the soprano's choice (usually made first) depends on it."""
    model, firsts = small(name), set()
    for pitch in (60, 64, 67):
        cells = np.full((16, 4), HOLD)
        cells[0] = (72, pitch, 55, 48)
        task = task_of([Canvas.keep_voices(Score(cells), [1])], SamplingConfig(temperature=0), torch.Generator())
        with torch.inference_mode():
            state = model.first_state(task.batch, task.fixed[None])
            stride = next(walk(model, task, Moment(0, History.empty(task.batch.meter).packed(), state), 1))
        firsts.add(tuple(stride.frames[0, 0].tolist()))
    assert len(firsts) == 3


def test_tokens_and_cells_are_two_names_of_one_thing():
    cells = np.array([REST, HOLD, LOW, HIGH])
    assert np.array_equal(to_cells(to_tokens(cells)), cells)
    assert to_tokens(cells).max() == VOCABULARY - 1


def test_a_crop_begins_what_it_would_hold():
    item = features_of(chorale())
    step = int(np.flatnonzero((item["tokens"] == HOLD_TOKEN).any(1))[3])
    cut = crop(item, step, 8)
    assert (cut["tokens"][0] != HOLD_TOKEN).all()
    assert np.array_equal(cut["tokens"][1:], item["tokens"][step + 1 : step + 8])
    assert np.array_equal(cut["position"], item["position"][step : step + 8])


def test_the_end_is_told_step_by_step_and_then_by_bars():
    found = ending(16 * 20, 16)
    assert found[-1] == 0 and found[-2] == 1
    assert found[0] == FAR_END == END_CASES - 1
    assert (np.diff(found) <= 0).all()
