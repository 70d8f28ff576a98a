"""Generator and critic: what each sees, what each learns, and that the critic chooses."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny import chorale, small, tune

from musicgen import checkpoint
from musicgen.models.base import HOLD_TOKEN, collate, features_of
from musicgen.models.critic import CRITIC_BARS
from musicgen.models.frames import History, histories
from musicgen.models.gan import each_step, fresh, scene, some_given, stacked
from musicgen.models.head import STANDARD_RANK
from musicgen.sampling import SamplingConfig
from musicgen.score import Canvas
from train.__main__ import begin
from train.data import Piece
from train.evaluation.particular import of_gan
from train.loop import batches, train
from train.recipes import RECIPES, Recipe

BAR = 16
BATCH = collate([features_of(chorale(6, seed)) for seed in range(4)])
NONE = torch.zeros(4, dtype=torch.bool)


def before_each(tokens: torch.Tensor, start: int) -> History:
    """What is known before every frame from `start` on, (B * n, 1, ...), piece by piece."""
    return histories(tokens, BATCH.meter).each(lambda x: x[:, start:-1].flatten(0, 1)[:, None])


@pytest.fixture
def model():
    return small("gan", critic=32)


def test_the_parts_share_nothing_and_are_all_there_is(model):
    parts = [{id(p) for p in part.parameters()} for part in model.optimized_parts().values()]
    assert len(parts) == 2 and not parts[0] & parts[1]
    assert parts[0] | parts[1] == {id(p) for p in model.parameters()}


def test_what_a_frame_adds_depends_on_nothing_after_it(model):
    changed = BATCH.tokens.clone()
    changed[:, 70:] = BATCH.tokens.flip(0)[:, 70:]
    with torch.inference_mode():
        both = (replace(BATCH, tokens=t) for t in (BATCH.tokens, changed))
        (before, logit), (after, other) = (model.critic.scores(batch, 64) for batch in both)
    assert torch.equal(before[:, :6], after[:, :6]) and not torch.equal(before[:, 6:], after[:, 6:])
    assert not torch.equal(logit, other)


def test_frames_judged_in_others_places_are_judged_as_if_they_stood_there(model):
    other = BATCH.tokens.clone()
    other[:, 80] = torch.tensor([40, 30, 25, 10])
    history = before_each(BATCH.tokens, 64)
    steps = each_step(replace(BATCH, tokens=other), 64)
    with torch.inference_mode():
        there, _ = model.critic.scores(replace(BATCH, tokens=other), 64)
        (instead,) = model.critic.instead(BATCH, 64, history, steps.tokens, steps)
    assert torch.allclose(there[:, :17], instead[:, :17], atol=1e-5)
    assert not torch.allclose(there[:, 16], model.critic.scores(BATCH, 64)[0][:, 16])


def test_a_rollout_keeps_what_was_given_and_hands_on_the_states(model):
    given = torch.tensor([True, False, False, False])
    made, states = model.roll(BATCH, 32, 64, given, fresh())
    assert torch.equal(made.tokens[:, :32], BATCH.tokens[:, :32])
    assert torch.equal(made.tokens[..., 0], BATCH.tokens[..., 0])
    assert not torch.equal(made.tokens[:, 32:], BATCH.tokens[:, 32:])
    history = before_each(made.tokens, 64)
    steps = each_step(made, 64)
    with torch.inference_mode():
        hidden, _ = model.generator.hidden(history, steps, states)
        by_step = model.generator.voice_logits(hidden, history, steps, STANDARD_RANK)[:, 0]
        at_once = model.generator.logits(made)[:, 64:].flatten(0, 1)
    assert torch.allclose(by_step, at_once, atol=1e-4)


def test_noise_matters(model):
    one, two, again = (model.roll(BATCH, 32, 32, NONE, torch.Generator().manual_seed(s))[0] for s in (1, 2, 1))
    assert torch.equal(one.tokens, again.tokens)
    assert (one.tokens[:, 32:] != two.tokens[:, 32:]).float().mean() > 0.3


def test_scenes_are_of_one_meter_and_windows_of_two_bars():
    jig = tune(6).replace(meter="6/8")  # 96 steps are 8 bars of it
    mixed = collate([features_of(s) for s in (tune(6), jig, tune(6, 1))])
    closes = 0
    for _ in range(40):
        part, begun, start = scene(mixed)
        assert len(part.tokens) == 2 and part.tokens.shape[1] - start == CRITIC_BARS * BAR
        assert begun == BAR or (begun >= BAR and (start - begun) // BAR in range(CRITIC_BARS + 1))
        closes += int(part.to_end[0, -1] == 0)
    assert 5 < closes < 35


def test_given_voices_are_never_all():
    drawn = torch.stack([some_given(BATCH) for _ in range(200)])
    assert (~drawn).any(1).all() and drawn.any(0).all()
    assert some_given(collate([features_of(tune())])).tolist() == [False, True, True, True]


def test_the_critic_learns_to_tell_music_from_what_is_composed(model):
    torch.manual_seed(0)
    optimizer = torch.optim.AdamW(model.critic.parameters(), 5e-3)
    for _ in range(12):
        optimizer.zero_grad()
        model.loss(BATCH, "critic")["loss"].backward()
        optimizer.step()
    made, _ = model.roll(BATCH, 32, 64, NONE, fresh())
    real, composed = model.critic.scores(stacked(BATCH, made), 64)[1].chunk(2)
    assert real.min() > composed.max()


def test_the_generator_learns_what_the_critic_likes(model, monkeypatch):
    """A critic in love with held notes; the likelihood, which says otherwise, has no say here."""
    monkeypatch.setattr(
        model.critic, "instead",
        lambda batch, start, history, frames, steps: (frames == HOLD_TOKEN).float().sum((1, 2)).unflatten(
            0, (-1, len(batch.tokens), batch.tokens.shape[1] - start)
        ),
    )  # fmt: skip

    def held() -> float:
        made, _ = model.roll(BATCH, 32, 32, NONE, torch.Generator().manual_seed(1))
        return (made.tokens[:, 32:] == HOLD_TOKEN).float().mean().item()

    torch.manual_seed(0)
    before, optimizer = held(), torch.optim.AdamW(model.generator.parameters(), 5e-3)
    for _ in range(8):
        optimizer.zero_grad()
        model.loss(BATCH, "generator")["reward"].backward()
        optimizer.step()
    assert held() > 1.5 * before


def test_the_critic_chooses_among_the_proposals(model, monkeypatch):
    seen, belief = [], model._belief

    def spy(batch, start):
        seen.append((start, batch.tokens, belief(batch, start)))
        return seen[-1][-1]

    monkeypatch.setattr(model, "_belief", spy)
    given = Canvas.free_bars(chorale(7), 3, 7)
    tokens = collate([features_of(model.compose(given, SamplingConfig(1.0, 1.0), random_seed=1))]).tokens[0]
    assert [start for start, *_ in seen] == [32, 64]  # the seed's bars leave nothing to choose, nor does the close
    for start, proposals, logit in seen:
        windows = proposals[:, start:]
        assert len({w.numpy().tobytes() for w in windows}) == model.config.candidates
        assert torch.equal(tokens[start : proposals.shape[1]], windows[logit.argmax()])


def test_what_watches_over_a_run_is_no_matter_of_chance_or_of_the_critic(model, monkeypatch):
    with torch.inference_mode():
        found = model.loss(BATCH)["loss"]
        torch.nn.init.normal_(model.critic.features)
        assert model.loss(BATCH)["loss"] == found
        monkeypatch.setattr(model, "roll", lambda batch, *_: (batch, None))
        assert found > 0.1 > model.loss(BATCH)["loss"] == 0


def test_it_begins_with_what_likelihood_taught(monkeypatch):
    start = small("gru")
    monkeypatch.setattr(checkpoint, "load", lambda name: {"gru": start}[name])
    monkeypatch.setattr(checkpoint, "config", lambda name: {"training": {"minutes": 12.5}})
    model = small("gan")
    assert begin(model, RECIPES["gan"]) == 12.5
    assert all(torch.equal(p, q) for p, q in zip(model.generator.parameters(), start.parameters(), strict=True))
    assert begin(small("gru"), RECIPES["gru"]) == 0


def test_its_own_figures_are_measured(model, tmp_path):
    pieces = [
        Piece(f"{style.__name__} {seed}", "valid", style(9, seed)) for style in (chorale, tune) for seed in range(3)
    ]
    auc, distance, parallels = of_gan(model, pieces, "valid", tmp_path).values()  # no other weights to compare with
    assert len(auc) == len(distance) == 2 and all(0 <= x <= 1 for x in auc + distance)
    assert parallels >= 0


def test_each_part_meets_every_style(monkeypatch):
    model, met = small("gan", critic=32), set()
    items = [features_of(chorale(seed=s)) for s in range(2)] + [features_of(tune())]
    recipe, rng = Recipe(batch=2, crop=64, steps=12), np.random.default_rng(0)
    loss = model.loss
    monkeypatch.setattr(model, "loss", lambda b, part: met.add((part, int(b.style[0]))) or loss(b, part))
    train(model, batches(items, recipe, rng), lambda m: 0.0, recipe, rng)
    assert met == {(part, style) for part in ("critic", "generator") for style in (0, 1)}
