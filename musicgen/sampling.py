"""From logits to a choice: temperature, top-p, and a generator that is always an argument."""

import torch
from torch import Tensor

TEMPERATURE_LIMITS = (0.0, 2.0)


def draw(logits: Tensor, temperature: float, top_p: float, rng: torch.Generator) -> Tensor:
    """Draw an index from the last dimension of `logits` (..., V) -> (...).

    `temperature` divides the logits; 0 takes the likeliest. `top_p` keeps the smallest set of choices that holds this
    much of the probability (Holtzman 2019, arXiv 1904.09751); the likeliest is always kept.
    """
    if temperature == 0:
        return logits.argmax(-1)
    probabilities = (logits / temperature).softmax(-1)  # (..., V)
    if top_p < 1:
        ordered, index = probabilities.sort(-1, descending=True)
        ordered = ordered * (ordered.cumsum(-1) - ordered < top_p)
        probabilities = torch.zeros_like(probabilities).scatter(-1, index, ordered)
    flat = probabilities.reshape(-1, probabilities.shape[-1])
    return torch.multinomial(flat, 1, generator=rng).reshape(probabilities.shape[:-1])
