"""The parts around a latent vector of two bars: where windows lie, what reads them, what plans them."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from musicgen.models.base import (
    BAR_STEPS,
    BEAT_STEPS,
    FIRST_PITCH,
    METER_NAMES,
    REST_TOKEN,
    VOCABULARY,
    Batch,
)
from musicgen.models.draw import ILLEGAL
from musicgen.models.frames import (
    LEAP,
    LEAPS,
    SPAN,
    SPAN_PAIRS,
    SPANS,
    History,
    interval,
    sounding_tokens,
    sum_of_features,
)
from musicgen.models.head import HOLDS, Ground, VoiceHead
from musicgen.score import LONGEST_BAR, METERS

LATENT_BARS = 2  # bars that one latent vector stands for
LONGEST_BEAT = max(m.beat for m in METERS.values())
BEATS = LATENT_BARS * max(m.beats for m in METERS.values())  # a window has at most
LEAST_HEED = 0.3  # weight of what a plan says of pitches where its latent is all noise; 1 more where there is none
CELL_KINDS = 4  # of cells: rest, hold, onset, not known
WINDOW_SIZES = (  # and as many cases as there are styles
    *[VOCABULARY + 1] * 4, *[CELL_KINDS] * 4, *[LEAPS] * 4, *[SPANS] * len(SPAN_PAIRS),
    len(METER_NAMES) * LATENT_BARS * LONGEST_BAR,
)  # fmt: skip


@dataclass(frozen=True)
class Grid:
    """Where the steps of a batch lie in W windows of L places, counted from the bar line its first bar began at.

    A piece's windows thus begin at its first, third ... bar; one that is cut short at either end has places without a
    step, and where pieces of several meters stand in a batch, the slower ones have windows without any.
    """

    window: Tensor  # (B, T) which window a step is in
    place: Tensor  # (B, T) steps since the window's begin
    beat: Tensor  # (B, T) beats since then
    step: Tensor  # (B, W, L) the step at each place, any where there is none
    there: Tensor  # (B, W, L) whether there is one

    @classmethod
    def of(cls, batch: Batch) -> "Grid":
        steps, phase, device = batch.tokens.shape[1], batch.position[:, :1], batch.tokens.device  # phase (B, 1)
        span = LATENT_BARS * BAR_STEPS.to(device)[batch.meter][:, None]  # (B, 1)
        count = torch.arange(steps, device=device) + phase  # (B, T)
        window, place = count // span, count % span
        at = torch.arange(int(span.max()), device=device)  # (L,)
        begin = torch.arange(int(window.max()) + 1, device=device) * span - phase  # (B, W)
        step = begin[..., None] + at  # (B, W, L)
        inside = (at < span)[:, None] & (step >= 0) & (step < steps)
        step = step.clamp(0, steps - 1)
        there = inside & (batch.weight.gather(1, step.flatten(1)).view(step.shape) > 0)
        return cls(window, place, place // BEAT_STEPS.to(device)[batch.meter][:, None], step, there)

    @classmethod
    def of_one(cls, meter: Tensor, steps: Tensor) -> "Grid":
        """Of `steps` (T,), 0, 1 ..., of a single window, in pieces of these meters (B,)."""
        place = steps + 0 * meter[:, None]
        beat = place // BEAT_STEPS.to(meter.device)[meter][:, None]
        return cls(0 * place, place, beat, place[:, None], torch.ones_like(place, dtype=torch.bool)[:, None])

    @property
    def windows(self) -> Tensor:
        """Which windows have a step, (B, W)."""
        return self.there.any(-1)

    def first(self) -> Tensor:
        """The first step of each window, (B, W)."""
        return self.step.gather(2, self.there.int().argmax(-1, keepdim=True))[..., 0]

    def spread(self, values: Tensor) -> Tensor:
        """A value a window (B, W, ...) -> the same for each of its steps, (B, T, ...)."""
        return values[torch.arange(values.shape[0], device=values.device)[:, None], self.window]


class WindowReader(nn.Module):
    """Reads windows of which some or all cells are known: a bidirectional GRU, averaged by beats, all beats at once.

    Args:
        width: C, channels a frame.
        out: channels of a window's vector.
        dropout: share of the channels left out in training.
        styles: how many of `STYLES`, the first ones, are told apart.
    """

    offsets: Tensor

    def __init__(self, width: int, out: int, dropout: float, styles: int):
        super().__init__()
        self.register_buffer("offsets", torch.tensor([0, *WINDOW_SIZES]).cumsum(0), persistent=False)
        self.features = nn.Parameter(torch.randn(sum(WINDOW_SIZES) + styles, width) * 0.3)
        self.norm = nn.LayerNorm(width)
        self.gru = nn.GRU(width, width, batch_first=True, bidirectional=True)
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Linear(BEATS * 2 * width, out)

    def read(self, batch: Batch, known: Tensor, grid: Grid) -> Tensor:
        """Known cells (B, T, 4) -> a vector a window, (B, W, out); 0 for windows without a step."""
        return self(*self.inputs(batch, known, grid))

    def inputs(self, batch: Batch, known: Tensor, grid: Grid) -> list[Tensor]:
        """The tensors that `forward` takes: what is seen of each step, (B, T, n), and where the steps lie."""
        return [features_of_cells(batch, known, grid) + self.offsets, grid.beat, grid.step, grid.there]

    def forward(self, index: Tensor, beat: Tensor, step: Tensor, there: Tensor) -> Tensor:
        """What `read` returns.

        Args:
            index: (B, T, n) what is seen of each step, as rows of the table of features.
            beat: (B, T) see `Grid`, as the two that follow.
            step: (B, W, L)
            there: (B, W, L)
        """
        x = self.norm(sum_of_features(index, self.features, 0))  # (B, T, C)
        rows = torch.arange(x.shape[0], device=x.device)[:, None, None]
        x, beat = (y[rows, step].flatten(0, 1) for y in (x, beat))  # (N, L, C) and (N, L) of all N = B * W windows
        within = there.flatten(0, 1)  # (N, L)
        seen, _ = self.gru(self.dropout(x * within[..., None]))  # (N, L, 2C)
        share = F.one_hot(beat, BEATS).transpose(1, 2) * within[:, None]  # (N, beats, L)
        share = share / share.sum(-1, keepdim=True).clamp(min=1)
        beats = share.to(seen.dtype) @ seen  # (N, beats, 2C)
        out = self.out(self.dropout(beats.flatten(1))) * within.any(-1, keepdim=True)  # (N, out)
        return out.unflatten(0, step.shape[:2])


def features_of_cells(batch: Batch, known: Tensor, grid: Grid) -> Tensor:
    """What is to be seen of the cells of each step, (B, T, n): one index for each of `WINDOW_SIZES`, then the style."""
    tokens = batch.tokens
    pitch = torch.where(known, sounding_tokens(tokens), REST_TOKEN)  # (B, T, 4) what sounds where it is known
    last = F.pad(pitch, (0, 0, 1, 0), value=REST_TOKEN)[:, :-1]
    spans = [interval(pitch[..., u], pitch[..., v], SPAN) for u, v in SPAN_PAIRS]
    time = [batch.meter[:, None] * LATENT_BARS * LONGEST_BAR + grid.place, batch.style[:, None].expand_as(grid.place)]
    return torch.cat(
        [
            torch.where(known, pitch, VOCABULARY),
            torch.where(known, tokens.clamp(max=FIRST_PITCH), CELL_KINDS - 1),
            interval(pitch, last, LEAP),
            torch.stack(spans, -1),
            torch.stack(time, -1),
        ],
        dim=-1,
    )


def trust_at(level: Tensor) -> Tensor:
    """How much of a latent is left under noise of a level."""
    return (1 - level**2).sqrt()


class Conductor(nn.Module):
    """Latent vectors -> a plan for every frame, by way of the beats (the hierarchical decoder of MusicVAE)."""

    def __init__(self, latent: int, width: int, out: int):
        super().__init__()
        self.width = width
        self.spread = nn.Linear(latent, BEATS * width)
        self.level = nn.Linear(2, width)
        self.beats = nn.Parameter(torch.randn(len(METER_NAMES), BEATS, width) * 0.3)
        self.gru = nn.GRU(width, width, batch_first=True)
        self.norm = nn.LayerNorm(width)
        self.frames = nn.Linear(width, LONGEST_BEAT * out)

    def forward(self, z: Tensor, level: Tensor, meter: Tensor, grid: Grid) -> Tensor:
        """Latents -> plans (B, T, C).

        What can be believed of a z is its part that is not noise, so that at level 1 a plan knows of no z.

        Args:
            z: (B, W, Z) a latent a window.
            level: (B, W) of the noise in each, 0 to 1.
            meter: (B,) index into METER_NAMES.
            grid: where the pieces' windows lie.
        """
        trust = trust_at(level)
        x = self.spread(z * trust[..., None]).unflatten(-1, (BEATS, self.width))  # (B, W, beats, H)
        x = x + self.level(torch.stack([level, trust], -1))[:, :, None] + self.beats[meter][:, None]
        seen, _ = self.gru(x.flatten(0, 1))  # (B * W, beats, H)
        beats = self.norm(x.flatten(0, 1) + seen)
        frames = self.frames(beats).view(z.shape[0], -1, self.frames.out_features // LONGEST_BEAT)  # (B, W*beats*6, C)
        in_beat = grid.place % BEAT_STEPS.to(z.device)[meter][:, None]
        index = (grid.window * BEATS + grid.beat) * LONGEST_BEAT + in_beat  # (B, T)
        return frames[torch.arange(z.shape[0], device=z.device)[:, None], index]  # (B, T, C)


class PlannedHead(VoiceHead):
    """A voice head that hears from the plan what is to sound, whatever pitches the past has led to.

    The plan has a say of its own on the absolute pitch of each voice. Without it the outline is played with the right
    motion in a neighbouring key, since all else that a head is told of pitches is relative to those of the past.
    The arguments are those of `VoiceHead`.
    """

    def __init__(self, width: int, inner: int, dropout: float, forget: float, styles: int, sonority: int):
        super().__init__(width, inner, dropout, forget, styles, sonority)
        self.sketch = nn.Linear(width, 4 * VOCABULARY)

    def sketch_of(self, plan: Tensor) -> Tensor:
        """ln p of what each voice sounds, by plans (..., C) alone: (..., 4V), a hold being no sound of its own."""
        logits = self.sketch(plan).float().unflatten(-1, (4, VOCABULARY))
        return logits.masked_fill(HOLDS.to(plan.device), ILLEGAL).log_softmax(-1).flatten(-2)

    def ground(
        self, hidden: Tensor, history: History, places: Tensor, endings: Tensor, style: Tensor, voices: slice
    ) -> Ground:
        """The arguments are those of `VoiceHead.forward`, hidden (N, C + 1 + 4V) the backbone's, trust and sketch.

        To hold a note is to sound it again.
        """
        hidden, trust, sketch = hidden.split((self.sketch.in_features, 1, 4 * VOCABULARY), -1)
        ground = super().ground(hidden, history, places, endings, style, voices)
        heard = sketch.reshape(-1, 4, VOCABULARY)[:, voices]  # (N, n, V)
        held = heard.gather(-1, ground.own)
        heard = torch.where(HOLDS.to(hidden.device), held, heard)
        return ground._replace(heard=(LEAST_HEED + trust)[..., None] * heard)


@dataclass(frozen=True)
class Gaussian:
    """Independent normal distributions."""

    mean: Tensor
    log_variance: Tensor

    @classmethod
    def by(cls, parameters: Tensor) -> "Gaussian":
        """From a network's output (..., 2Z)."""
        mean, log_variance = parameters.float().chunk(2, -1)
        return cls(mean, log_variance.clamp(-9, 3))

    def noisy(self, level: Tensor) -> "Gaussian":
        """Of sqrt(1 - level^2) z + level noise, for levels of the shape (...) of all but the last dimension."""
        level = level[..., None]
        variance = (1 - level**2) * self.log_variance.exp() + level**2
        return Gaussian(trust_at(level) * self.mean, variance.log())

    def draw(self, noise: Tensor, temperature: Tensor | float = 1.0) -> Tensor:
        """By standard normal numbers of the shape of the mean."""
        return self.mean + temperature * (self.log_variance / 2).exp() * noise

    def detach(self) -> "Gaussian":
        return Gaussian(self.mean.detach(), self.log_variance.detach())

    def kl(self, other: "Gaussian") -> Tensor:
        """KL(self || other) in nats, summed over the last dimension."""
        ratio = self.log_variance - other.log_variance
        distance = (self.mean - other.mean) ** 2 / other.log_variance.exp()
        return 0.5 * (ratio.exp() + distance - 1 - ratio).sum(-1)


STANDARD = Gaussian(torch.zeros(()), torch.zeros(()))


def slerp(a: Tensor, b: Tensor, share: float) -> Tensor:
    """`share` of the way from a to b (..., Z) along the great circle, their lengths mixed likewise."""
    cosine = F.cosine_similarity(a, b, dim=-1).clamp(-1 + 1e-6, 1 - 1e-6)[..., None]
    angle = cosine.arccos()
    way = ((1 - share) * angle).sin() * F.normalize(a, dim=-1) + (share * angle).sin() * F.normalize(b, dim=-1)
    return way / angle.sin() * torch.lerp(a.norm(dim=-1, keepdim=True), b.norm(dim=-1, keepdim=True), share)
