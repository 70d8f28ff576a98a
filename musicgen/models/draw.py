"""From logits to a choice: temperature, top-p, and a uniform number that is always an argument."""

import torch
from torch import Tensor

Rng = torch.Generator | list[torch.Generator]  # a list: pieces side by side, each with its own, and as many rows each
COLD = 1e-4  # temperature 0, as a divisor
ILLEGAL = -1e9  # logit of what cannot be chosen
TINY = 1e-9


def draw(
    logits: Tensor, temperature: Tensor | float, top_p: Tensor | float, uniforms: Tensor,
    apart: tuple[int, Tensor] | None = None, cool: float = 1.0,
) -> Tensor:  # fmt: skip
    """Draw an index from the last dimension of `logits` by the inverse of its distribution function.

    Args:
        logits: (..., V).
        temperature: divides the logits; at 0 the likeliest is taken, whatever the uniforms.
        top_p: keeps the smallest set of choices that holds this much (Holtzman 2019, arXiv 1904.09751), never none.
        uniforms: (...) numbers from 0 to 1.
        apart: an index and its log-odds (...), that temperature divides, see `parted`: it is chosen or not before the
            others. Else the more the others are, the rarer would low temperatures make them.
        cool: times the temperature is that of which other.

    Returns: (...) indices.
    """
    temperature = torch.as_tensor(temperature, device=logits.device)
    uniforms = torch.where(temperature > 0, uniforms, 0.5)
    temperature = temperature.clamp(min=COLD)
    p, order = (logits / (temperature * cool)).softmax(-1).topk(int(logits.shape[-1]))
    mass = p.cumsum(-1)
    last = (mass - p < top_p).sum(-1, keepdim=True) - 1  # that is kept
    share = 0.0 if apart is None else (apart[1] / temperature).sigmoid()  # of the choice that is made first
    at = ((uniforms - share) / (1 - share + TINY))[..., None] * mass.gather(-1, last)
    rank = torch.minimum((mass <= at).sum(-1, keepdim=True), last)
    found = order.gather(-1, rank)[..., 0]
    return found if apart is None else torch.where(uniforms < share, apart[0], found)


def parted(logits: Tensor, index: int) -> tuple[Tensor, Tensor]:
    """The log-odds of one choice (...), and logits (..., V) of the others, impossible where that one stood."""
    others = logits.masked_fill(torch.arange(logits.shape[-1], device=logits.device) == index, ILLEGAL)
    return logits[..., index] - others.logsumexp(-1), others


def uniforms(shape: tuple[int, ...], rng: Rng, dim: int = 0) -> Tensor:
    """Uniform numbers of a shape; of several generators each draws its equal share of the dimension `dim`."""
    if isinstance(rng, torch.Generator):
        return torch.rand(shape, generator=rng)
    part = (*shape[:dim], shape[dim] // len(rng), *shape[dim + 1 :])
    return torch.cat([torch.rand(part, generator=g) for g in rng], dim)


def normals(shape: tuple[int, ...], rng: Rng) -> Tensor:
    """Standard normal numbers of a shape (N, ...), each generator drawing its equal share of the rows."""
    if isinstance(rng, torch.Generator):
        return torch.randn(shape, generator=rng)
    return torch.cat([torch.randn(shape[0] // len(rng), *shape[1:], generator=g) for g in rng])
