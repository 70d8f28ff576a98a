"""What only the VAE does: windows, latents, their noise and their prior, morphing and varying; small and untrained."""

import numpy as np
import pytest
import torch
from tiny import chorale, small, tune
from torch.distributions import Normal, kl_divergence

from musicgen import checkpoint
from musicgen.models import vae
from musicgen.models.base import FIRST_PITCH, HOLD_TOKEN, REST_TOKEN, Batch, collate, crop, features_of, to_cells
from musicgen.models.draw import normals
from musicgen.models.frames import History, histories
from musicgen.models.latent import STANDARD, Gaussian, Grid, slerp
from musicgen.models.next_frame import NextFrame
from musicgen.models.step import State
from musicgen.models.task import nothing_fixed
from musicgen.models.vae import SURE, windows
from musicgen.score import METERS, Canvas, Score
from train.data import Piece
from train.evaluation.particular import MORPH_STEPS, _right, of_vae


def batch_of(*scores: Score) -> Batch:
    return collate([features_of(s) for s in scores])


def before_each(tokens: torch.Tensor, batch: Batch) -> History:
    """What is known before every frame, (B, T, ...)."""
    return histories(tokens, batch.meter).each(lambda x: x[:, :-1])


def test_every_step_has_one_place_in_one_window():
    """Pieces of several meters and lengths, one of which begins within a bar."""
    items = [features_of(chorale(5)), crop(features_of(chorale(4)), 21, 30)]
    items.append(features_of(Score(tune(4).cells[:54], "dance", "9/8")))
    batch = collate(items)
    grid = Grid.of(batch)
    for piece, item in enumerate(items):
        steps = grid.step[piece][grid.there[piece]].tolist()
        assert steps == list(range(len(item["tokens"])))
        for step in steps:
            window, place = grid.window[piece, step], grid.place[piece, step]
            assert grid.step[piece, window, place] == step
    assert grid.windows.tolist() == [[True] * 3, [True, True, False], [True, True, False]]
    assert grid.first().tolist()[1][:2] == [0, 27] and grid.first().tolist()[2][:2] == [0, 36]
    assert grid.beat[1, :12].tolist() == [1] * 3 + [2] * 4 + [3] * 4 + [4]


@pytest.mark.parametrize(("bars", "expected"), [(4, [32, 32]), (3, [32, 16]), (1, [16])])
def test_an_odd_bar_has_a_window_of_its_own(bars, expected):
    assert [len(steps) for steps in windows(collate([features_of(Canvas.blank(bars).score)]))] == expected


def test_a_latent_knows_its_window_alone():
    model, score = small("vae"), chorale(6)
    changed = score.cells.copy()
    changed[40, 0] = 70
    with torch.inference_mode():
        one, two = (model.encode(batch_of(s)).mean[0] for s in (score, score.replace(cells=changed)))
    assert [torch.allclose(a, b, atol=1e-6) for a, b in zip(one, two)] == [True, False, True]


@pytest.mark.parametrize(("level", "obeyed"), [(0.0, True), (0.7, True), (1.0, False)])
def test_a_latent_of_nothing_but_noise_is_not_listened_to(level, obeyed):
    model, batch = small("vae"), batch_of(chorale())
    grid = Grid.of(batch)
    with torch.inference_mode():
        plans = [
            model.conductor(torch.randn(1, 2, model.config.latent), torch.full((1, 2), level), batch.meter, grid)
            for _ in range(2)
        ]
    assert (not torch.equal(*plans)) == obeyed


def test_the_prior_knows_what_is_before_and_what_is_fixed_and_nothing_else(monkeypatch):
    model, score = small("vae"), chorale(6)
    before, own = score.cells.copy(), score.cells.copy()
    before[20, 0], own[40, 1] = 70, 64

    def prior(cells: np.ndarray) -> torch.Tensor:
        batch = batch_of(score.replace(cells=cells))
        grid = Grid.of(batch)
        with torch.inference_mode():
            features = model.sum_up(before_each(batch.tokens, batch), batch)
            _, seen, _ = model._follow(features, model.first_state(batch, nothing_fixed(batch)))
            return model._prior_at(batch, features, seen, grid).mean[0]

    base = prior(score.cells)
    assert [torch.equal(a, b) for a, b in zip(base, prior(before))] == [True, False, False]
    assert [torch.equal(a, b) for a, b in zip(base, prior(own))] == [True, True, False]
    monkeypatch.setattr(model, "training", True)
    monkeypatch.setattr(model, "_fixed", lambda batch: torch.arange(4).expand(batch.tokens.shape) == 1)
    fixed = prior(score.cells), prior(own)
    assert not torch.equal(fixed[0][0], base[0])
    assert not torch.equal(*(f[0] for f in fixed)), "what is given in the next window matters too"


@pytest.mark.parametrize("kind", ["nothing", "one voice"])
def test_the_stream_is_the_parallel_pass_with_the_same_latents(monkeypatch, kind):
    """Priors and plans, window by window, are those that the finished piece has as a whole."""
    model = small("vae")
    given = Canvas.blank(5) if kind == "nothing" else Canvas.keep_voices(chorale(5), [0])
    plans, priors = [], []
    plan, expect = vae.outlined, model.expect

    def spy_outline(*args):
        plans.append(plan(*args))
        return plans[-1]

    def spy_expect(*args, **named):
        priors.append(expect(*args, **named))
        return priors[-1]

    monkeypatch.setattr(vae, "outlined", spy_outline)
    monkeypatch.setattr(model, "expect", spy_expect)
    score = model.compose(given, random_seed=4)
    streamed = list(priors)
    batch = batch_of(score)
    timed = tuple(torch.cat(parts, 1) for parts in zip(*(state.timed for state in plans)))  # plan and trust
    with torch.inference_mode():
        features = model.sum_up(before_each(batch.tokens, batch), batch)
        _, seen, _ = model._follow(features, State(model.backbone.empty(batch.tokens), timed=timed))
        monkeypatch.setattr(model, "training", True)
        monkeypatch.setattr(model, "_fixed", lambda batch: torch.from_numpy(given.fixed.copy())[None])
        whole = model._prior_at(batch, features, seen, Grid.of(batch))
    assert len(streamed) == 3
    assert torch.allclose(torch.cat([p.mean for p in streamed]), whole.mean[0], atol=1e-4)
    assert torch.allclose(torch.cat([p.log_variance for p in streamed]), whole.log_variance[0], atol=1e-4)


def test_without_a_latent_the_bound_is_exact():
    model, batch = small("vae", level=1.0), batch_of(chorale(), chorale(seed=1))
    with torch.inference_mode():
        assert torch.allclose(model.loss(batch)["loss"], NextFrame.loss(model, batch)["loss"], atol=1e-5)
        listening = small("vae", level=0.5).loss(batch)
    assert listening["prior"] > 0
    assert torch.allclose(listening["loss"], listening["nll"] + listening["prior"])


def test_a_mistaken_past_never_silences_what_is_held():
    torch.manual_seed(0)
    model, batch = small("vae", mistakes=0.5, astray=0.5), batch_of(*(chorale(seed=s) for s in range(8)))
    grid = Grid.of(batch)
    wrong = model._mistaken(batch.tokens, torch.ones(grid.windows.shape), grid)
    assert torch.equal(wrong == REST_TOKEN, batch.tokens == REST_TOKEN)
    assert (before_each(wrong, batch).pitch[batch.tokens == HOLD_TOKEN] != REST_TOKEN).all()
    assert ((wrong == HOLD_TOKEN) != (batch.tokens == HOLD_TOKEN)).float().mean() > 0.02
    onsets = (wrong >= FIRST_PITCH) & (batch.tokens >= FIRST_PITCH)
    assert 0.3 < (wrong != batch.tokens)[onsets].float().mean() < 0.9
    assert torch.equal(model._mistaken(batch.tokens, torch.zeros(grid.windows.shape), grid), batch.tokens)


def test_gaussians_agree_with_torchs():
    torch.manual_seed(0)
    a, b = (Gaussian(torch.randn(3, 5), torch.randn(3, 5)) for _ in range(2))
    theirs = kl_divergence(*(Normal(g.mean, (g.log_variance / 2).exp()) for g in (a, b))).sum(-1)
    assert torch.allclose(a.kl(b), theirs, atol=1e-5)
    assert torch.allclose(STANDARD.kl(STANDARD), torch.zeros(()))
    level = torch.tensor([0.0, 0.6, 1.0])
    noisy = a.noisy(level)
    assert torch.allclose(noisy.mean, a.mean * torch.tensor([1.0, 0.8, 0.0])[:, None])
    assert torch.allclose(noisy.log_variance[0], a.log_variance[0], atol=1e-5)
    assert torch.allclose(noisy.log_variance[2], torch.zeros(5))
    noise = normals((4000, 1), torch.Generator().manual_seed(1))
    many = Gaussian(torch.full((4000, 1), 2.0), torch.full((4000, 1), -1.0)).draw(noise, 0.5)
    assert many.mean() == pytest.approx(2, abs=0.03) and many.std() == pytest.approx(0.5 * np.exp(-0.5), abs=0.02)


def test_slerp_keeps_to_the_sphere():
    a, b = torch.eye(6)[:2] * torch.tensor([[1.0], [3.0]])
    assert torch.allclose(slerp(a, b, 0.0), a, atol=1e-5) and torch.allclose(slerp(a, b, 1.0), b, atol=1e-5)
    middle = slerp(a, b, 0.5)
    assert middle.norm() == pytest.approx(2, abs=1e-5)
    assert torch.allclose(middle[:2], torch.full((2,), 2**0.5), atol=1e-4)
    assert torch.allclose(slerp(a, a, 0.3), a, atol=1e-4)


@pytest.mark.parametrize("style", [chorale, tune])
def test_a_morph_goes_from_one_seed_to_the_other(style):
    model, a, b = small("vae"), style(3, seed=1), style(3, seed=2)
    morph = model.morph(a, b, 5)
    assert len(morph) == 5 and morph[0] == a and morph[-1] == b
    assert all((s.style, s.meter, s.tempo, s.bars) == (a.style, a.meter, a.tempo, 3) for s in morph)
    assert morph == model.morph(a, b, 5)
    assert model.morph(a, b, 2) == [a, b]
    z = slerp(*(model.encode(batch_of(s)).mean.detach() for s in (a, b)), 0.25)
    alone = model.decode(batch_of(a), z, SURE)
    assert np.array_equal(to_cells(alone[0].numpy()), morph[1].cells), "side by side as each alone"


@pytest.mark.parametrize(
    ("a", "b", "steps", "said"),
    [
        (chorale(2), chorale(3), 4, "2 bars of 4/4.* 3 bars of 4/4"),
        (chorale(2), tune(2), 4, "a chorale of 2 bars.* a dance of 2 bars"),
        (chorale(1), Score(chorale(2).cells[:16], meter="2/4"), 4, "4/4.*2/4"),
        (chorale(2), chorale(2), 1, "at least 2 steps, not 1"),
    ],
)
def test_what_cannot_be_morphed_is_said(a, b, steps, said):
    with pytest.raises(ValueError, match=said):
        small("vae").morph(a, b, steps)


@pytest.mark.parametrize("meter", METERS)
def test_varies_a_tune_in_any_meter(meter):
    model, steps = small("vae"), METERS[meter].steps
    score = Score(tune(8).cells[: 3 * steps], "dance", meter, 90)
    found = model.vary(score, 0.5, random_seed=3)
    assert (found.style, found.meter, found.tempo, found.bars) == ("dance", meter, 90, 3)
    assert found == model.vary(score, 0.5, random_seed=3) != model.vary(score, 0.5, random_seed=4)


def test_no_variation_draws_nothing_and_too_much_is_refused():
    model, score = small("vae"), chorale(2)
    assert model.vary(score, 0, random_seed=1) == model.vary(score, 0, random_seed=2)
    for amount in (-0.1, 1.5):
        with pytest.raises(ValueError, match="between 0 and 1"):
            model.vary(score, amount)


def test_a_cell_is_rebuilt_where_pitch_and_onset_are_right():
    score = chorale(10)
    cells, onsets = _right(score, score.cells)
    assert cells.all() and onsets.all() and len(cells) == 8 * 16 * 4
    assert len(onsets) == (score.cells[: 8 * 16] >= 0).sum()
    silent = np.full_like(score.cells, -1)
    cells, onsets = _right(score, silent)
    assert not onsets.any() and cells.sum() == (score.sounding()[: 8 * 16] == -1).sum()


def test_its_own_figures_are_measured():
    pieces = [
        Piece(f"{style.__name__} {seed}", "valid", style(3, seed)) for style in (chorale, tune) for seed in range(4)
    ]
    found = of_vae(small("vae"), pieces, "valid", checkpoint.DIRECTORY)
    assert found["active latent units"].endswith(" of 80")
    morphs = found.pop("cells unlike a, step by step on a way from a to b")
    for morph in morphs.values():
        assert morph[0] == 0 and len(morph) == MORPH_STEPS and 0 < morph[-1] <= 1
    assert all(len(v) == 2 for k, v in found.items() if k != "active latent units")
