"""VAE: every two bars get a latent vector that outlines them, and a decoder that moves forward in time plays it out.

Roberts et al. 2018, MusicVAE, arXiv 1803.05428: windows, a bidirectional encoder, a decoder by way of the beats. Here
the decoder is the one of the forward models and keeps its memory from window to window, and each z reaches it with
noise of a known level: at level 0 it obeys z (`morph` and `vary` rest on that), at level 1 it composes without one.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from musicgen.models.base import (
    BAR_STEPS,
    FIRST_PITCH,
    HOLD_TOKEN,
    REST_TOKEN,
    VOCABULARY,
    Batch,
    collate,
    features_of,
    to_cells,
)
from musicgen.models.frames import Past, pasts, sounding_tokens
from musicgen.models.head import STANDARD_RANK
from musicgen.models.latent import STANDARD, WINDOW, Conductor, Gaussian, Grid, PlannedHead, Reader, slerp, trust_at
from musicgen.models.next_frame import NextFrame, NextFrameConfig, nll, selected, slice_steps
from musicgen.sampling import Rng
from musicgen.score import Score

ASTRAY = 6  # semitones that the past goes astray at most, all voices together; half of it each alone
CALM = 0.7  # of the temperature is that of the latents
FIRST_LOG_VARIANCE = -3.0  # of the posterior before training: with less noise to begin with, z is used from the start


@dataclass(frozen=True)
class VAEConfig(NextFrameConfig):
    latent: int = 80  # Z, numbers a window
    reader: int = 144  # channels each way of what reads a whole window
    glimpse: int = 64  # ... and of what reads its fixed cells
    conductor: int = 192  # channels a beat
    beta: float = 0.05  # what a nat of the latent costs in training, in nats of the cells
    sketch: float = 1.0  # weight of what the plan alone says of the pitches that sound
    level: float = 0.985  # of the noise in the latent when composing
    clear: float = 0.5  # share of the windows that train with a latent free of noise
    blind: float = 0.15  # ... and of those that train without one
    mistakes: float = 0.4  # most cells that the past has wrong in training, a share, where there is no noise
    astray: float = 0.6  # ... and share of the windows that it has in a wrong key and register


@dataclass(frozen=True)
class State:
    recurrent: Tensor | None  # of the backbone
    plan: Tensor  # (B, n, C) for the frames to come
    trust: Tensor  # (B, n) in it, from 0 to 1

    def split(self, steps: int) -> tuple["State", "State"]:
        """For the next `steps` frames, and for those after them."""
        now, later = slice(steps), slice(steps, None)
        return tuple(State(self.recurrent, self.plan[:, part], self.trust[:, part]) for part in (now, later))


class VAE(NextFrame):
    name, title = "vae", "VAE"
    summary = "Draws an outline of the next two bars, a point among all the bars it knows, and then plays it out."
    source = "Roberts et al. 2018, arXiv 1803.05428; Kingma & Welling 2013, arXiv 1312.6114"
    temperature_note = (
        "Scales the noise of the latent vectors and divides the logits of every choice: "
        "low keeps to likely outlines, high surprises twice."
    )
    likelihood = "bound"
    looks_ahead = True
    Config = VAEConfig

    def __init__(self, config: VAEConfig):
        super().__init__(config)
        latent, width = 2 * config.latent, config.width
        self.posterior = Reader(config.reader, latent, config.dropout / 3)
        self.posterior.out.bias.data[config.latent :] = FIRST_LOG_VARIANCE
        self.glimpse = Reader(config.glimpse, 2 * config.glimpse, config.dropout / 3)
        self.conductor = Conductor(config.latent, config.conductor, width)
        inputs = 2 * width + 4 * config.glimpse
        self.prior = nn.Sequential(
            nn.Linear(inputs, width), nn.GELU(), nn.Dropout(config.dropout), nn.Linear(width, latent)
        )

    def make_backbone(self, config: VAEConfig) -> nn.Module:
        dropout = config.dropout if config.layers > 1 else 0
        return nn.GRU(config.width, config.width, config.layers, batch_first=True, dropout=dropout)

    def make_head(self, config: VAEConfig) -> PlannedHead:
        return PlannedHead(config.width, config.inner, config.dropout, config.forget)

    # --- the decoder

    def first_state(self, batch: Batch, fixed: Tensor) -> State:
        """A plan that knows of no latent: the decoder alone is a forward model, and `logits` are that model's."""
        windows = Grid.of(batch).windows.shape
        return self.planned(torch.zeros(*windows, self.config.latent), torch.ones(windows), batch)

    def planned(self, z: Tensor, level: Tensor, batch: Batch, recurrent: Tensor | None = None) -> State:
        """The state with plans for all steps of a batch, by its latents (B, W, Z) with noise of a level (B, W)."""
        grid = Grid.of(batch)
        return State(recurrent, self.conductor(z, level, batch, grid), grid.spread(trust_at(level)))

    def hidden(self, past: Past, batch: Batch, state: State) -> tuple[Tensor, State]:
        hidden, _, state = self._follow(self.sum_up(past, batch), state)
        return hidden, state

    def _follow(self, facts: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        """Facts of the past (B, T, C) -> what the head takes (B, T, 2C + 1), the backbone's outputs, the next state."""
        now, later = state.split(facts.shape[1])
        x = facts + now.plan  # (B, T, C)
        seen, recurrent = self.backbone(self.dropout(x), state.recurrent)
        hidden = self.dropout(self.norm_out(x + seen))
        hidden = torch.cat([hidden, now.plan, now.trust[..., None]], -1)  # (B, T, 2C + 1)
        return hidden, seen, replace(later, recurrent=recurrent)

    def state_of(self, state: State, rows: Tensor) -> State:
        return State(selected(state.recurrent, rows, 1), state.plan[rows], state.trust[rows])

    # --- the latent

    def encode(self, batch: Batch) -> Gaussian:
        """q(z | window) of all windows, (B, W, Z)."""
        return Gaussian.by(self.posterior(batch, torch.ones_like(batch.tokens, dtype=torch.bool), Grid.of(batch)))

    def given(self, batch: Batch, fixed: Tensor, grid: Grid) -> Tensor:
        """What the fixed cells (B, T, 4) of each window and of the one after it say, (B, W, G)."""
        seen = self.glimpse(batch, fixed, grid)
        return torch.cat([seen, F.pad(seen, (0, 0, 0, 1))[:, 1:]], -1)

    def expect(self, facts: Tensor, memory: Tensor, given: Tensor) -> Gaussian:
        """p(z | all before the window, fixed cells): facts and memory (..., C) at its first step, given (..., G)."""
        return Gaussian.by(self.prior(torch.cat([facts, memory, given], -1)))

    # --- training

    def loss(self, batch: Batch, part: str = "model") -> dict[str, Tensor]:
        """{"loss", "nll", "kl", "prior", "sketch"}, all in nats a cell.

        In training nll + beta kl + prior + sketch: kl is that of q(z | window) and N(0, 1), prior that of q, held fast,
        and of p(z | what is before), so that the prior learns the latents but does not bend them to what is easily
        foreseen; sketch is -ln p of what sounds, by the plan alone.
        In eval mode nll + prior, both for latents with the noise of `config.level`: an upper bound on -ln p of music
        composed frame by frame at temperature 1, which has neither calmer latents nor a close chosen among several.
        """
        grid, counted = Grid.of(batch), batch.counted()
        shape, cells = grid.windows.shape, counted.sum()
        level = self._levels(shape) if self.training else torch.full(shape, self.config.level)
        posterior = self.encode(batch)
        noisy = posterior.noisy(level)
        tokens = self._mistaken(batch.tokens, 1 - level, grid) if self.training else batch.tokens
        past = pasts(tokens)
        facts = self.sum_up(past, batch)  # (B, T, C)
        state = self.planned(noisy.draw(), level, batch)
        hidden, seen, _ = self._follow(facts, state)
        rank = self._ranks(len(tokens))[:, None] if self.training else STANDARD_RANK
        missed = (nll(self.voice_logits(hidden, past, batch, rank), batch.tokens) * counted).sum() / cells
        prior = self._prior_at(batch, facts, seen, grid)
        if not self.training:
            bound = (noisy.kl(prior.noisy(level)) * grid.windows).sum() / cells
            return {"loss": missed + bound, "nll": missed, "prior": bound}
        kl = (posterior.kl(STANDARD) * grid.windows).sum() / cells
        foreseen = (posterior.detach().kl(prior) * grid.windows).sum() / cells
        sounding = sounding_tokens(batch.tokens)[..., : counted.shape[2], None]  # (B, T, n, 1)
        heard = self.head.sketch_of(state.plan)[:, :, : counted.shape[2]].gather(-1, sounding)[..., 0]
        sketch = -(heard * counted).sum() / cells
        loss = missed + self.config.beta * kl + foreseen + self.config.sketch * sketch
        return {"loss": loss, "nll": missed, "kl": kl, "prior": foreseen, "sketch": sketch}

    def _levels(self, shape: torch.Size) -> Tensor:
        """A level of noise for each window: none for some, all for some, any for the others."""
        kind, level = torch.rand(shape), torch.rand(shape)
        level = torch.where(kind < self.config.clear, 0.0, level)
        return torch.where(kind > 1 - self.config.blind, 1.0, level)

    def _mistaken(self, tokens: Tensor, trust: Tensor, grid: Grid) -> Tensor:
        """Tokens (B, T, 4) as the past would be had the decoder played them by itself, a `trust` (B, W) in its latents.

        Some cells are taken from other steps, and some windows are played in a wrong key and register: without that
        the past is so good a guide that z would not say where in the pitches the music is. Rests stay where they are,
        so that nothing is held that was never begun.
        """
        trusted = grid.spread(trust)[..., None]  # (B, T, 1)
        wrong = torch.rand(tokens.shape) < self.config.mistakes * torch.rand(len(tokens), 1, 1) * trusted
        other = tokens.gather(1, torch.randint(tokens.shape[1], tokens.shape))
        silent = F.pad(tokens, (0, 0, 1, 0), value=REST_TOKEN)[:, :-1] == REST_TOKEN
        legal = (tokens != REST_TOKEN) & (other != REST_TOKEN) & ~(silent & (other == HOLD_TOKEN))
        tokens = torch.where(wrong & legal, other, tokens)
        together = torch.randint(-ASTRAY, ASTRAY + 1, (*trust.shape, 1))
        alone = torch.randint(-ASTRAY // 2, ASTRAY // 2 + 1, (*trust.shape, 4))
        shift = (together + alone) * (torch.rand(trust.shape) < self.config.astray * trust)[..., None]  # (B, W, 4)
        moved = (tokens + grid.spread(shift)).clamp(FIRST_PITCH, VOCABULARY - 1)
        return torch.where(tokens >= FIRST_PITCH, moved, tokens)

    def _prior_at(self, batch: Batch, facts: Tensor, seen: Tensor, grid: Grid) -> Gaussian:
        """What the prior makes of each window (B, W, Z); in training with some cells fixed at random."""
        fixed = self._fixed(batch) if self.training else torch.zeros_like(batch.tokens, dtype=torch.bool)
        rows, first = torch.arange(len(facts))[:, None], grid.first()
        memory = F.pad(seen, (0, 0, 1, 0))  # (B, 1 + T, C): at t what the backbone knew before the frame t
        return self.expect(facts.detach()[rows, first], memory.detach()[rows, first], self.given(batch, fixed, grid))

    @staticmethod
    def _fixed(batch: Batch) -> Tensor:
        """Cells as a canvas may fix them, (B, T, 4): mostly none, else some voices, some bars, or both."""
        pieces, steps, _ = batch.tokens.shape
        kind = torch.rand(pieces, 1, 1)
        voices = torch.rand(pieces, 1, 4) < 0.5
        bars = (batch.position == 0).cumsum(1)[..., None]  # (B, T, 1)
        chosen = (torch.rand(pieces, steps + 1) < 0.5).gather(1, bars[..., 0])[..., None]
        return (voices & (kind > 0.55) & (kind < 0.8)) | (chosen & (kind > 0.75))

    def calibrate(self, pieces: list[Batch]):
        """Not here: the plan's say in the pitches goes with the logits as they were trained."""

    # --- composing

    def frames(self, batch: Batch, fixed: Tensor, temperature: float, top_p: float, rng: Rng) -> Iterator[Tensor]:
        """At temperature 0 each latent is the likeliest, and so is each cell."""
        pieces, batch = len(batch.tokens), self.paced(batch, fixed)
        with torch.inference_mode():
            given = self.given(batch, fixed.expand(pieces, -1, -1), Grid.of(batch))  # (B, W, G)
        past, recurrent = Past.empty(pieces), None
        for number, steps in enumerate(windows(batch)):
            state = self._outline(batch, steps, past, recurrent, given[:, number], temperature, rng)
            past, state = yield from self.to_the_close(batch, fixed, steps, past, state, temperature, top_p, rng)
            recurrent = state.recurrent

    @torch.inference_mode()
    def _outline(self, batch, steps: range, past, recurrent, given, temperature, rng) -> State:
        """The state with a plan of the window of these steps, by a latent drawn from the prior."""
        facts = self.sum_up(past.each(lambda x: x[:, None]), slice_steps(batch, steps.start))[:, 0]
        memory = torch.zeros_like(facts) if recurrent is None else recurrent[-1]
        level = torch.full((len(facts),), self.config.level)
        z = self.expect(facts, memory, given).noisy(level).draw(rng, CALM * temperature)  # (B, Z)
        window = slice_steps(batch, steps.start, len(steps))
        return self.planned(z[:, None], level[:, None], window, recurrent)

    @torch.inference_mode()
    def decode(
        self, batch: Batch, z: Tensor, level: float = 0.0, temperature: float = 0.0, top_p: float = 1.0, seed: int = 0
    ) -> Tensor:  # fmt: skip
        """Play out latents (B, W, Z) of a known level of noise, pieces of one style and meter side by side.

        Nothing but time is taken from the batch: returns tokens of its shape (B, T, 4), the unused voices at rest.
        """
        state = self.planned(z, torch.full(z.shape[:2], level), batch)
        fixed = (torch.arange(4) >= batch.voices()).expand(batch.tokens.shape[1:])
        rng, past = torch.Generator().manual_seed(seed), Past.empty(len(z))
        walk = self.walk(batch, fixed, range(len(fixed)), past, state, temperature, top_p, rng, may_rest=True)
        return torch.stack([stride.frame for stride in walk], 1)

    def morph(self, a: Score, b: Score, steps: int) -> list[Score]:
        """From a to b in `steps` scores: the ends are a and b themselves, between them latents on the great circle.

        Raises ValueError where a and b differ in style, meter or length, or there are fewer than two steps.
        """
        if (a.style, a.meter, a.bars) != (b.style, b.meter, b.bars):
            raise ValueError(f"morphing needs two pieces of one style, meter and length: {_about(a)}, {_about(b)}")
        if steps < 2:
            raise ValueError(f"morphing takes at least 2 steps, not {steps}")
        if steps == 2:
            return [a, b]
        between = collate([features_of(a)] * (steps - 2))
        with torch.inference_mode():
            start, end = self.encode(collate([features_of(a), features_of(b)])).mean  # (W, Z) each
        z = torch.stack([slerp(start, end, i / (steps - 1)) for i in range(1, steps - 1)])
        return [a, *(a.replace(cells=to_cells(tokens.numpy())) for tokens in self.decode(between, z)), b]

    def vary(self, score: Score, amount: float, seed: int = 0) -> Score:
        """The piece as its latents remember it, with noise of `amount` in them: 0 none, 1 all, so that nothing is left.

        The cells are drawn at the temperature `amount`. Raises ValueError where it is outside 0 to 1.
        """
        if not 0 <= amount <= 1:
            raise ValueError(f"the amount of variation is between 0 and 1, not {amount:g}")
        batch = collate([features_of(score)])
        with torch.inference_mode():
            mean = self.encode(batch).mean
            level = torch.full(mean.shape[:2], float(amount))
            z = Gaussian(mean, torch.full_like(mean, -30.0)).noisy(level).draw(torch.Generator().manual_seed(seed))
        return score.replace(cells=to_cells(self.decode(batch, z, amount, amount, seed=seed)[0].numpy()))


def windows(batch: Batch) -> list[range]:
    """The steps of each window of pieces of one meter; the last one may be shorter."""
    span, steps = WINDOW * int(BAR_STEPS[batch.meter[0]]), batch.tokens.shape[1]
    return [range(start, min(start + span, steps)) for start in range(0, steps, span)]


def _about(score: Score) -> str:
    return f"a {score.style} of {score.bars} bars of {score.meter}"
