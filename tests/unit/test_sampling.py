import pytest
import torch

from musicgen.models.draw import draw, normals, parted, uniforms

LOGITS = torch.tensor([2.0, 1.0, 0.0, -1.0])


def chances(count: int, random_seed: int = 0) -> torch.Tensor:
    return torch.rand(count, generator=torch.Generator().manual_seed(random_seed))


def shares(temperature: float, top_p: float = 1.0, draws: int = 4000) -> torch.Tensor:
    found = draw(LOGITS.expand(draws, 4), temperature, top_p, chances(draws))
    return torch.bincount(found, minlength=4) / draws


def shares_apart(logits: torch.Tensor, index: int, temperature: float, top_p: float = 1.0, cool: float = 1.0):
    """Shares of 8000 draws in which one choice is made before the others."""
    odds, others = parted(logits.expand(8000, -1), index)
    found = draw(others, temperature, top_p, chances(8000), (index, odds), cool)
    return torch.bincount(found, minlength=len(logits)) / 8000


def test_temperature_zero_takes_the_likeliest_whatever_the_uniforms():
    assert (draw(LOGITS.expand(50, 4), 0, 1.0, chances(50)) == 0).all()
    odds, others = parted(LOGITS.expand(50, 4), 0)
    for more, expected in ((0.0, 0), (-10.0, 1)):  # the choice apart, or else the likeliest of the others
        assert (draw(others, 0, 1.0, chances(50), (0, odds + more)) == expected).all()


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_draws_follow_the_tempered_softmax(temperature):
    assert torch.allclose(shares(temperature), (LOGITS / temperature).softmax(0), atol=0.03)


def test_entropy_grows_with_temperature():
    entropies = [torch.special.entr(shares(t)).sum().item() for t in (0.3, 0.6, 1.0, 1.5)]
    assert entropies == sorted(entropies)


def test_top_p_keeps_the_smallest_set_that_holds_it():
    assert torch.equal(shares(1.0, 0.1), torch.tensor([1.0, 0, 0, 0]))
    kept = shares(1.0, 0.8)
    assert (kept > 0).tolist() == [True, True, False, False]
    assert kept[0].item() == pytest.approx(LOGITS[:2].softmax(0)[0].item(), abs=0.03)


def test_temperature_and_top_p_may_be_tensors():
    """As a graph is given them."""
    numbers = [torch.tensor(x) for x in (0.7, 0.9)]
    logits = LOGITS.expand(50, 4)
    assert torch.equal(draw(logits, *numbers, chances(50)), draw(logits, 0.7, 0.9, chances(50)))


def test_the_least_and_the_greatest_uniforms_draw_what_is_kept():
    extremes = torch.tensor([0.0, 1 - 2**-24])  # of torch.rand
    logits = torch.tensor([2.0, 1.0, 0.0, -torch.inf]).expand(2, 4)
    assert draw(logits, 1.0, 1.0, extremes).tolist() == [0, 2]
    assert draw(logits, 1.0, 0.8, extremes).tolist() == [0, 1]
    for odds in torch.linspace(-12, 12, 2001):
        assert draw(logits, 1.0, 0.8, extremes, (3, odds.expand(2))).tolist() in ([3, 1], [3, 3])


def test_a_choice_apart_keeps_its_probability():
    kept, plain = shares_apart(LOGITS, 2, 1.0, 0.5), LOGITS.softmax(0)
    assert kept[2].item() == pytest.approx(plain[2].item(), abs=0.02)
    assert kept[0].item() == pytest.approx(1 - plain[2].item(), abs=0.02)
    assert kept[1] == kept[3] == 0


def test_parted_logits_are_the_same_distribution():
    odds, others = parted(LOGITS, 1)
    assert odds.sigmoid().item() == pytest.approx(LOGITS.softmax(0)[1].item(), abs=1e-6)
    p = others.softmax(0) * (1 - odds.sigmoid())
    assert p[1] == 0 and torch.allclose(p[[0, 2, 3]], LOGITS.softmax(0)[[0, 2, 3]], atol=1e-6)


def test_to_cool_the_others_leaves_the_odds_of_the_choice_apart():
    shares = shares_apart(LOGITS, 0, 2.0, cool=0.25)
    odds = (LOGITS[0] - LOGITS[1:].logsumexp(0)) / 2
    assert torch.allclose(shares[0], odds.sigmoid(), atol=0.02)
    assert torch.allclose(shares[1:] / shares[1:].sum(), (LOGITS[1:] / 0.5).softmax(0), atol=0.02)


@pytest.mark.parametrize("temperature", [0, 0.3])
def test_many_others_are_not_rarer_than_one_for_being_many(temperature):
    """The choice apart has a probability of 0.4, the others one of 0.6 that they share."""
    for others in (1, 20):
        logits = torch.tensor([0.4] + [0.6 / others] * others).log()
        odds = (0.4 / 0.6) ** (1 / temperature) if temperature else 0
        assert shares_apart(logits, 0, temperature)[0].item() == pytest.approx(odds / (1 + odds), abs=0.03)


@pytest.mark.parametrize("temperature", [0, 0.5, 1.0])
def test_a_choice_apart_may_be_the_only_one(temperature):
    logits = torch.tensor([[0.0, -torch.inf, -torch.inf], [-torch.inf, 0.0, -torch.inf]])
    for uniform in (0.0, 0.3, 1 - 2**-24):
        odds, others = parted(logits, 0)
        assert draw(others, temperature, 0.9, torch.full((2,), uniform), (0, odds)).tolist() == [0, 1]


def test_the_uniforms_alone_decide():
    one, two, other = (draw(LOGITS.expand(50, 4), 1.0, 1.0, chances(50, seed)) for seed in (4, 4, 5))
    assert torch.equal(one, two) and not torch.equal(one, other)
    assert (draw(LOGITS.expand(100, 4), 1.0, 1.0, torch.linspace(0, 0.999, 100)).diff() >= 0).all()  # likeliest first


@pytest.mark.parametrize("dim", [0, 1])
def test_several_generators_draw_what_each_does_alone(dim):
    rngs = [[torch.Generator().manual_seed(s) for s in (1, 2)] for _ in range(2)]
    shape = [5, 5]
    shape[dim] = 6
    both, alone = uniforms(tuple(shape), rngs[0], dim), []
    shape[dim] = 3
    alone = [uniforms(tuple(shape), rng, dim) for rng in rngs[1]]
    assert torch.equal(both, torch.cat(alone, dim))
    assert both.min() >= 0 and both.max() < 1
    both, alone = normals((6, 3), rngs[0]), [normals((3, 3), rng) for rng in rngs[1]]
    assert torch.equal(both, torch.cat(alone))
