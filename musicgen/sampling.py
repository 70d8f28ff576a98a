"""From logits to a choice: temperature, top-p, and a generator that is always an argument."""

from collections.abc import Callable

import torch
from torch import Tensor

Rng = torch.Generator | list[torch.Generator]  # a list: pieces side by side, each with its own, and as many rows each


def draw(logits: Tensor, temperature: float, top_p: float, rng: Rng, exempt: int | None = None) -> Tensor:
    """Draw an index from the last dimension of `logits` (..., V) -> (...).

    `temperature` divides the logits; 0 takes the likeliest. `top_p` keeps the smallest set of choices that holds this
    much of the probability (Holtzman 2019, arXiv 1904.09751); the likeliest is always kept. The index `exempt` keeps
    its probability, and top-p is taken among the others: it trims what is chosen, not how often a choice is made.
    """
    if temperature == 0:
        return logits.argmax(-1)
    probabilities = (logits / temperature).softmax(-1)  # (..., V)
    if top_p < 1:
        probabilities = _nucleus(probabilities, top_p, exempt)
    flat = probabilities.reshape(-1, probabilities.shape[-1])
    return by_rows(lambda rows, g: torch.multinomial(rows, 1, generator=g), flat, rng).reshape(probabilities.shape[:-1])


def by_rows(chance: Callable[[Tensor, torch.Generator], Tensor], x: Tensor, rng: Rng) -> Tensor:
    """What `chance` makes of the rows of x: of all of them, or of each generator's share of them."""
    if isinstance(rng, torch.Generator):
        return chance(x, rng)
    return torch.cat([chance(rows, g) for rows, g in zip(x.chunk(len(rng)), rng, strict=True)])


def _nucleus(probabilities: Tensor, top_p: float, exempt: int | None) -> Tensor:
    """Probabilities (..., V) with the unlikeliest at 0, the others in proportion."""
    rest = probabilities.clone()
    if exempt is not None:
        rest[..., exempt] = 0
    mass = rest.sum(-1, keepdim=True)
    ordered, index = rest.sort(-1, descending=True)
    kept = ordered * (ordered.cumsum(-1) - ordered < top_p * mass)
    kept = kept * (mass / kept.sum(-1, keepdim=True).clamp(min=1e-30))
    found = torch.zeros_like(rest).scatter(-1, index, kept)
    if exempt is not None:
        found[..., exempt] = probabilities[..., exempt]
    return found
