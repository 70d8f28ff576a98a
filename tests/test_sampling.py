import pytest
import torch

from musicgen.sampling import draw

LOGITS = torch.tensor([2.0, 1.0, 0.0, -1.0])


def shares(temperature: float, top_p: float = 1.0, draws: int = 4000) -> torch.Tensor:
    rng = torch.Generator().manual_seed(0)
    found = draw(LOGITS.expand(draws, 4), temperature, top_p, rng)
    return torch.bincount(found, minlength=4) / draws


def test_temperature_zero_takes_the_likeliest():
    assert draw(LOGITS, 0, 1.0, torch.Generator()).item() == 0


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


def test_a_choice_apart_keeps_its_probability():
    rng = torch.Generator().manual_seed(0)
    found = draw(LOGITS.expand(8000, 4), 1.0, 0.5, rng, apart=2)
    kept, plain = torch.bincount(found, minlength=4) / 8000, LOGITS.softmax(0)
    assert kept[2].item() == pytest.approx(plain[2].item(), abs=0.02)
    assert kept[0].item() == pytest.approx(1 - plain[2].item(), abs=0.02)
    assert kept[1] == kept[3] == 0


def test_to_cool_the_others_leaves_the_odds_of_the_choice_apart():
    found = draw(LOGITS.expand(8000, 4), 2.0, 1.0, torch.Generator().manual_seed(0), apart=0, cool=0.25)
    shares = torch.bincount(found, minlength=4) / 8000
    odds = (LOGITS[0] - LOGITS[1:].logsumexp(0)) / 2
    assert torch.allclose(shares[0], odds.sigmoid(), atol=0.02)
    assert torch.allclose(shares[1:] / shares[1:].sum(), (LOGITS[1:] / 0.5).softmax(0), atol=0.02)


@pytest.mark.parametrize("temperature", [0, 0.3])
def test_many_others_are_not_rarer_than_one_for_being_many(temperature):
    """The choice apart has a probability of 0.4, the others one of 0.6 that they share."""
    for others in (1, 20):
        logits = torch.tensor([0.4] + [0.6 / others] * others).log().expand(4000, -1)
        found = draw(logits, temperature, 1.0, torch.Generator().manual_seed(0), apart=0)
        odds = (0.4 / 0.6) ** (1 / temperature) if temperature else 0
        assert (found == 0).float().mean().item() == pytest.approx(odds / (1 + odds), abs=0.03)


@pytest.mark.parametrize("temperature", [0, 0.5, 1.0])
def test_a_choice_apart_may_be_the_only_one(temperature):
    logits = torch.tensor([[0.0, -torch.inf, -torch.inf], [-torch.inf, 0.0, -torch.inf]])
    assert draw(logits, temperature, 0.9, torch.Generator().manual_seed(0), apart=0).tolist() == [0, 1]


def test_a_generator_alone_decides():
    one, two = (draw(LOGITS.expand(50, 4), 1.0, 1.0, torch.Generator().manual_seed(4)) for _ in range(2))
    assert torch.equal(one, two)
