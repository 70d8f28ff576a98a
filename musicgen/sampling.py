"""From logits to a choice: temperature, top-p, and a generator that is always an argument."""

from collections.abc import Callable

import torch
from torch import Tensor

Rng = torch.Generator | list[torch.Generator]  # a list: pieces side by side, each with its own, and as many rows each


def draw(
    logits: Tensor, temperature: float, top_p: float, rng: Rng, apart: int | None = None, cool: float = 1.0
) -> Tensor:
    """Draw an index from the last dimension of `logits` (..., V) -> (...).

    `temperature` divides the logits; 0 takes the likeliest. `top_p` keeps the smallest set of choices that holds this
    much of the probability (Holtzman 2019, arXiv 1904.09751); the likeliest is always kept. Whether it is the index
    `apart` or another is a choice of its own, made first, by log-odds that the temperature divides: else the more the
    others are, the rarer would low temperatures make them. `cool` times the temperature is that of which other.
    """
    if apart is not None:
        odds, logits = parted(logits, apart)  # (...), (..., V)
    if temperature == 0:
        likeliest = logits.argmax(-1)
        return likeliest if apart is None else torch.where(odds > 0, apart, likeliest)
    probabilities = (logits / (temperature * cool)).softmax(-1)  # (..., V)
    if top_p < 1:
        probabilities = _nucleus(probabilities, top_p)
    if apart is not None:
        share = (odds / temperature).sigmoid()[..., None]  # (..., 1)
        others = probabilities.nan_to_num() * (1 - share)  # they are nan where none of them is possible
        probabilities = others.index_add(-1, torch.tensor([apart]), share)
    flat = probabilities.reshape(-1, probabilities.shape[-1])
    return by_rows(lambda rows, g: torch.multinomial(rows, 1, generator=g), flat, rng).reshape(probabilities.shape[:-1])


def parted(logits: Tensor, index: int) -> tuple[Tensor, Tensor]:
    """The log-odds of one choice (...), and logits (..., V) of the others, at -inf where that one stood."""
    others = logits.index_fill(-1, torch.tensor(index), -torch.inf)
    return logits[..., index] - others.logsumexp(-1), others


def by_rows(chance: Callable[[Tensor, torch.Generator], Tensor], x: Tensor, rng: Rng) -> Tensor:
    """What `chance` makes of the rows of x: of all of them, or of each generator's share of them."""
    if isinstance(rng, torch.Generator):
        return chance(x, rng)
    return torch.cat([chance(rows, g) for rows, g in zip(x.chunk(len(rng)), rng, strict=True)])


def _nucleus(probabilities: Tensor, top_p: float) -> Tensor:
    """Probabilities (..., V) with the unlikeliest at 0, the others in proportion."""
    ordered, index = probabilities.sort(-1, descending=True)
    kept = ordered * (ordered.cumsum(-1) - ordered < top_p)
    return torch.zeros_like(probabilities).scatter(-1, index, kept / kept.sum(-1, keepdim=True))
