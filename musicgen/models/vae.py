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
from musicgen.models.decoding import Moment, Task, compose_until, nothing_fixed, slice_steps, walk, with_hold_shift
from musicgen.models.frames import History, histories, sounding_tokens
from musicgen.models.head import STANDARD_RANK
from musicgen.models.latent import (
    LATENT_BARS,
    STANDARD,
    Conductor,
    Gaussian,
    Grid,
    PlannedHead,
    WindowReader,
    slerp,
    trust_at,
)
from musicgen.models.next_frame import NextFrame, NextFrameConfig, Recurrent, nll
from musicgen.models.step import State
from musicgen.sampling import SamplingConfig
from musicgen.score import Score

ASTRAY = 6  # semitones that the past goes astray at most, all voices together; half of it each alone
SURE = SamplingConfig(temperature=0, top_p=1.0)
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
    level: float = 0.993  # of the noise in the latent when composing
    clear: float = 0.5  # share of the windows that train with a latent free of noise
    blind: float = 0.4  # ... and of those that train without one
    mistakes: float = 0.3  # most cells that the past has wrong in training, a share, where there is no noise
    astray: float = 0.4  # ... and share of the windows that it has in a wrong key and register


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
    head: PlannedHead

    def __init__(self, config: VAEConfig):
        super().__init__(config)
        latent, width = 2 * config.latent, config.width
        self.posterior = WindowReader(config.reader, latent, config.dropout / 3, config.styles)
        self.posterior.out.bias.data[config.latent :] = FIRST_LOG_VARIANCE
        self.glimpse = WindowReader(config.glimpse, 2 * config.glimpse, config.dropout / 3, config.styles)
        self.conductor = Conductor(config.latent, config.conductor, width)
        inputs = 2 * width + 4 * config.glimpse
        self.prior = nn.Sequential(
            nn.Linear(inputs, width), nn.GELU(), nn.Dropout(config.dropout), nn.Linear(width, latent)
        )

    def make_backbone(self, config: VAEConfig) -> nn.Module:
        return Recurrent(nn.GRU, config)

    def make_head(self, config: VAEConfig) -> PlannedHead:
        return PlannedHead(config.width, config.inner, config.dropout, config.forget, config.styles)

    # --- the decoder

    def first_state(self, batch: Batch, fixed: Tensor) -> State:
        """A plan that knows of no latent: the decoder alone is a forward model, and `logits` are that model's."""
        windows, device = Grid.of(batch).windows.shape, batch.tokens.device
        z = torch.zeros(*windows, self.config.latent, device=device)
        return self.planned(z, torch.ones(windows, device=device), batch, self.backbone.empty(batch.tokens))

    def planned(self, z: Tensor, level: Tensor, batch: Batch, carried: tuple[Tensor, ...]) -> State:
        """The state with plans, the trust in them, and what they say of what sounds, for all steps.

        Args:
            z: (B, W, Z) a latent a window.
            level: (B, W) of the noise in each, 0 to 1.
            batch: where windows lie is read from it.
            carried: the backbone's state.
        """
        grid = Grid.of(batch)
        plan = self.conductor(z, level, batch, grid)
        return State(carried, (), (plan, grid.spread(trust_at(level))[..., None], self.head.sketch_of(plan)))

    def hidden(self, history: History, batch: Batch, state: State) -> tuple[Tensor, State]:
        hidden, _, state = self._follow(self.sum_up(history, batch), state)
        return hidden, state

    def _follow(self, features: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        """Features of the past (N, T, C) -> what the head takes (N, T, C + 1 + 4V), the backbone's output, state."""
        steps = features.shape[1]
        plan, trust, sketch = (rest[:, :steps] for rest in state.timed)
        x = features + plan  # (N, T, C)
        seen, carried = self.backbone(self.dropout(x), state.carried)
        hidden = self.dropout(self.norm_out(x + seen))
        hidden = torch.cat([hidden, trust, sketch.flatten(-2)], -1)  # (N, T, C + 1 + 4V)
        return hidden, seen, State(carried, (), tuple(rest[:, steps:] for rest in state.timed))

    # --- the latent

    def encode(self, batch: Batch) -> Gaussian:
        """q(z | window) of all windows, (B, W, Z)."""
        return Gaussian.by(self.posterior(batch, torch.ones_like(batch.tokens, dtype=torch.bool), Grid.of(batch)))

    def given(self, batch: Batch, fixed: Tensor, grid: Grid) -> Tensor:
        """What the fixed cells (B, T, 4) of each window and of the one after it say, (B, W, G)."""
        seen = self.glimpse(batch, fixed, grid)
        return torch.cat([seen, F.pad(seen, (0, 0, 0, 1))[:, 1:]], -1)

    def expect(self, features: Tensor, memory: Tensor, given: Tensor) -> Gaussian:
        """p(z | all before the window, fixed cells): features and memory (..., C) at its first step, given (..., G)."""
        return Gaussian.by(self.prior(torch.cat([features, memory, given], -1)))

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
        device = batch.tokens.device
        level = self._levels(shape, device) if self.training else torch.full(shape, self.config.level, device=device)
        posterior = self.encode(batch)
        noisy = posterior.noisy(level)
        tokens = self._mistaken(batch.tokens, 1 - level, grid) if self.training else batch.tokens
        history = histories(tokens, batch.meter).each(lambda x: x[:, :-1])
        features = self.sum_up(history, batch)  # (B, T, C)
        state = self.planned(noisy.draw(), level, batch, self.backbone.empty(tokens))
        hidden, seen, _ = self._follow(features, state)
        rank = self._ranks(batch)[:, None] if self.training else STANDARD_RANK
        missed = (nll(self.voice_logits(hidden, history, batch, rank), batch.tokens) * counted).sum() / cells
        prior = self._prior_at(batch, features, seen, grid)
        if not self.training:
            bound = (noisy.kl(prior.noisy(level)) * grid.windows).sum() / cells
            return {"loss": missed + bound, "nll": missed, "prior": bound}
        kl = (posterior.kl(STANDARD) * grid.windows).sum() / cells
        foreseen = (posterior.detach().kl(prior) * grid.windows).sum() / cells
        sounding = sounding_tokens(batch.tokens)[..., : counted.shape[2], None]  # (B, T, n, 1)
        heard = state.timed[2][:, :, : counted.shape[2]].gather(-1, sounding)[..., 0]
        sketch = -(heard * counted).sum() / cells
        loss = missed + self.config.beta * kl + foreseen + self.config.sketch * sketch
        return {"loss": loss, "nll": missed, "kl": kl, "prior": foreseen, "sketch": sketch}

    def _levels(self, shape: torch.Size, device: torch.device) -> Tensor:
        """A level of noise for each window: none for some, all for some, any for the others."""
        kind, level = torch.rand(2, *shape, device=device)
        level = torch.where(kind < self.config.clear, 0.0, level)
        return torch.where(kind > 1 - self.config.blind, 1.0, level)

    def _mistaken(self, tokens: Tensor, trust: Tensor, grid: Grid) -> Tensor:
        """Tokens (B, T, 4) as the past would be had the decoder played them by itself, a `trust` (B, W) in its latents.

        Some cells are taken from other steps, and some windows are played in a wrong key and register: without that
        the past is so good a guide that z would not say where in the pitches the music is. Rests stay where they are,
        so that nothing is held that was never begun.
        """
        trusted = grid.spread(trust)[..., None]  # (B, T, 1)
        device = tokens.device
        share = self.config.mistakes * torch.rand(len(tokens), 1, 1, device=device) * trusted
        wrong = torch.rand(tokens.shape, device=device) < share
        other = tokens.gather(1, torch.randint(tokens.shape[1], tokens.shape, device=device))
        silent = F.pad(tokens, (0, 0, 1, 0), value=REST_TOKEN)[:, :-1] == REST_TOKEN
        legal = (tokens != REST_TOKEN) & (other != REST_TOKEN) & ~(silent & (other == HOLD_TOKEN))
        tokens = torch.where(wrong & legal, other, tokens)
        together = torch.randint(-ASTRAY, ASTRAY + 1, (*trust.shape, 1), device=device)
        alone = torch.randint(-ASTRAY // 2, ASTRAY // 2 + 1, (*trust.shape, 4), device=device)
        astray = torch.rand(trust.shape, device=device) < self.config.astray * trust
        shift = (together + alone) * astray[..., None]  # (B, W, 4)
        moved = (tokens + grid.spread(shift)).clamp(FIRST_PITCH, VOCABULARY - 1)
        return torch.where(tokens >= FIRST_PITCH, moved, tokens)

    def _prior_at(self, batch: Batch, features: Tensor, seen: Tensor, grid: Grid) -> Gaussian:
        """What the prior makes of each window (B, W, Z); in training with some cells fixed at random."""
        fixed = self._fixed(batch) if self.training else nothing_fixed(batch)
        rows, first = torch.arange(len(features), device=features.device)[:, None], grid.first()
        memory = F.pad(seen, (0, 0, 1, 0))  # (B, 1 + T, C): at t what the backbone knew before the frame t
        at_first = (x.detach()[rows, first] for x in (features, memory))
        return self.expect(*at_first, given=self.given(batch, fixed, grid))

    @staticmethod
    def _fixed(batch: Batch) -> Tensor:
        """Cells as a canvas may fix them, (B, T, 4): mostly none, else some voices, some bars, or both."""
        (pieces, steps, _), device = batch.tokens.shape, batch.tokens.device
        kind = torch.rand(pieces, 1, 1, device=device)
        voices = torch.rand(pieces, 1, 4, device=device) < 0.5
        bars = (batch.position == 0).cumsum(1)  # (B, T)
        chosen = (torch.rand(pieces, steps + 1, device=device) < 0.5).gather(1, bars)[..., None]
        return (voices & (kind > 0.55) & (kind < 0.8)) | (chosen & (kind > 0.75))

    def calibrate(self, pieces: list[Batch]):
        """Not here: the plan's say in the pitches goes with the logits as they were trained."""

    # --- composing

    def frames(self, task: Task) -> Iterator[Tensor]:
        """At temperature 0 each latent is the likeliest, and so is each cell."""
        yield from task.batch.tokens[:, : task.given].unbind(1)  # the seed, at once
        task = with_hold_shift(self, task)
        batch = task.batch
        history = histories(batch.tokens[:, : task.given], batch.meter)
        with torch.inference_mode():
            given = self.given(batch, task.fixed.expand(len(batch.tokens), -1, -1), Grid.of(batch))  # (B, W, G)
        moment = Moment(0, History.empty(batch.meter).packed(), State(self.backbone.empty(batch.tokens)))
        for number, steps in enumerate(windows(batch)):
            moment = replace(moment, state=self._outline(task, steps, moment, given[:, number]))
            moment = self._read(task, history, moment, min(steps.stop, task.given))
            moment = yield from compose_until(self, task, moment, steps.stop)

    @torch.inference_mode()
    def _read(self, task: Task, history: History, moment: Moment, stop: int) -> Moment:
        """The moment after given steps up to `stop`, read in one pass; histories are those of all given steps."""
        if stop <= moment.step:
            return moment
        seed, read = slice_steps(task.batch, moment.step, stop - moment.step), slice(moment.step, stop)
        _, state = self.hidden(history.each(lambda x: x[:, read]), seed, moment.state)
        return Moment(stop, history.each(lambda x: x[:, stop]).packed(), state.cut(self.backbone.memory))

    @torch.inference_mode()
    def _outline(self, task: Task, steps: range, moment: Moment, given: Tensor) -> State:
        """The state with a plan of the window of these steps, by a latent drawn from the prior."""
        history, window = moment.history.each(lambda x: x[:, None]), slice_steps(task.batch, steps.start, len(steps))
        features = self.sum_up(history, slice_steps(window, 0))[:, 0]
        level = torch.full((len(features),), self.config.level)
        prior = self.expect(features, moment.state.carried[0][:, -1], given).noisy(level)
        z = prior.draw(task.rng, CALM * task.sampling.temperature)  # (B, Z)
        return self.planned(z[:, None], level[:, None], window, moment.state.carried)

    @torch.inference_mode()
    def decode(
        self, batch: Batch, z: Tensor, sampling: SamplingConfig, level: float = 0.0, random_seed: int = 0
    ) -> Tensor:
        """Play out latents, pieces of one style and meter side by side.

        Returns tokens (B, T, 4), the unused voices at rest.

        Args:
            batch: nothing but time, style and meter is taken from it.
            z: (B, W, Z) a latent a window.
            sampling: of the notes.
            level: of the noise in the latents, 0 to 1.
            random_seed: of the notes.
        """
        state = self.planned(z, torch.full(z.shape[:2], level), batch, self.backbone.empty(batch.tokens))
        fixed = (torch.arange(4) >= batch.voices()).expand(batch.tokens.shape[1:])
        rng = torch.Generator().manual_seed(random_seed)
        task = Task(replace(batch, tokens=torch.zeros_like(batch.tokens)), fixed, sampling, rng, may_rest=True)
        moment = Moment(0, History.empty(batch.meter).packed(), state)
        return torch.cat([stride.frames for stride in walk(self, task, moment, task.end)], 1)

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
        return [a, *(a.replace(cells=to_cells(tokens.numpy())) for tokens in self.decode(between, z, SURE)), b]

    def vary(self, score: Score, amount: float, random_seed: int = 0) -> Score:
        """The piece as its latents remember it, with noise of `amount` in them: 0 none, 1 all, so that nothing is left.

        The cells are drawn at the temperature `amount`. Raises ValueError where it is outside 0 to 1.
        """
        if not 0 <= amount <= 1:
            raise ValueError(f"the amount of variation is between 0 and 1, not {amount:g}")
        batch = collate([features_of(score)])
        with torch.inference_mode():
            mean = self.encode(batch).mean
            level = torch.full(mean.shape[:2], float(amount))
            rng = torch.Generator().manual_seed(random_seed)
            z = Gaussian(mean, torch.full_like(mean, -30.0)).noisy(level).draw(rng)
        tokens = self.decode(batch, z, SamplingConfig(temperature=amount, top_p=1.0), amount, random_seed)
        return score.replace(cells=to_cells(tokens[0].numpy()))


def windows(batch: Batch) -> list[range]:
    """The steps of each window of pieces of one meter; the last one may be shorter."""
    span, steps = LATENT_BARS * int(BAR_STEPS[batch.meter[0]]), batch.tokens.shape[1]
    return [range(start, min(start + span, steps)) for start in range(0, steps, span)]


def _about(score: Score) -> str:
    return f"a {score.style} of {score.bars} bars of {score.meter}"
