"""VAE: every two bars get a latent vector that outlines them, and a decoder that moves forward in time plays it out.

Roberts et al. 2018, MusicVAE, arXiv 1803.05428: windows, a bidirectional encoder, a decoder by way of the beats. Here
the decoder is the one of the forward models and keeps its memory from window to window, and each z reaches it with
noise of a known level: at level 0 it obeys z (`morph` and `vary` rest on that), at level 1 it composes without one.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

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
from musicgen.models.decoding import compose_until, walk
from musicgen.models.draw import normals
from musicgen.models.engine import PartExample
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
from musicgen.models.next_frame import NextFrame, NextFrameConfig, Recurrent, head_settings, nll
from musicgen.models.outline import given_cells, glimpse_example, outline_example, outlined, with_next
from musicgen.models.reading import Opening, in_rhythm, read
from musicgen.models.step import State
from musicgen.models.task import Moment, Task, nothing_fixed
from musicgen.sampling import SamplingConfig
from musicgen.score import Score

ASTRAY = 6  # semitones that the past goes astray at most, all voices together; half of it each alone
SURE = SamplingConfig(temperature=0, top_p=1.0)
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
        return PlannedHead(**head_settings(config))

    # --- the decoder

    def first_state(self, batch: Batch, fixed: Tensor) -> State:
        """A plan that knows of no latent: the decoder alone is a forward model, and `logits` are that model's."""
        grid, device = Grid.of(batch), batch.tokens.device
        z = torch.zeros(*grid.windows.shape, self.config.latent, device=device)
        plan = self.plan(z, torch.ones(grid.windows.shape, device=device), batch.meter, grid)
        return State(self.backbone.empty(batch.tokens), timed=(plan,))

    def plan(self, z: Tensor, level: Tensor, meter: Tensor, grid: Grid) -> Tensor:
        """The plans of all steps, the trust in them, and what they say of what sounds, (B, T, C + 1 + 4V).

        Args:
            z: (B, W, Z) a latent a window.
            level: (B, W) of the noise in each, 0 to 1.
            meter: (B,) index into METER_NAMES.
            grid: where the pieces' windows lie.
        """
        plan = self.conductor(z, level, meter, grid)
        return torch.cat([plan, grid.spread(trust_at(level))[..., None], self.head.sketch_of(plan)], -1)

    def hidden(self, history: History, batch: Batch, state: State) -> tuple[Tensor, State]:
        hidden, _, state = self._follow(self.sum_up(history, batch), state)
        return hidden, state

    def _follow(self, features: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        """Features of the past (N, T, C) -> what the head takes (N, T, C + 1 + 4V), the backbone's output, state."""
        (timed,), (steps, width) = state.timed, features.shape[1:]
        plan, heard = timed[:, :steps, :width], timed[:, :steps, width:]
        x = features + plan  # (N, T, C)
        seen, carried = self.backbone(self.dropout(x), state.carried)
        hidden = torch.cat([self.dropout(self.norm_out(x + seen)), heard], -1)
        return hidden, seen, State(carried, timed=(timed[:, steps:],))

    # --- the latent

    def encode(self, batch: Batch) -> Gaussian:
        """q(z | window) of all windows, (B, W, Z)."""
        return Gaussian.by(self.posterior.read(batch, torch.ones_like(batch.tokens, dtype=torch.bool), Grid.of(batch)))

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
        z = noisy.draw(torch.randn_like(noisy.mean))
        plan = self.plan(z, level, batch.meter, grid)
        state = State(self.backbone.empty(tokens), timed=(plan,))
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
        heard = plan[..., -4 * VOCABULARY :].unflatten(-1, (4, VOCABULARY))[:, :, : counted.shape[2]]
        heard = heard.gather(-1, sounding)[..., 0]
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
        return self.expect(*at_first, given=with_next(self.glimpse.read(batch, fixed, grid)))

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

    def parts(self) -> Iterator[tuple[str, Callable[[], PartExample]]]:
        yield from super().parts()
        yield "glimpse", partial(glimpse_example, self)
        for style in self.styles:
            yield f"{style} outline", partial(outline_example, self, style)

    def frames(self, task: Task) -> Iterator[Tensor]:
        """At temperature 0 each latent is the likeliest, and so is each cell."""
        yield from task.batch.tokens[:, : task.given].unbind(1)  # the seed, at once
        given = given_cells(self, task)  # (B, W, G)
        levels = torch.full(given.shape[:1], self.config.level)
        task, moment = self._begin(task, given)
        for number, steps in enumerate(windows(task.batch)):
            if steps.start == moment.step:
                moment = replace(moment, state=outlined(self, task, steps, moment, given[:, number], levels))
            if moment.step < steps.stop:
                moment = yield from compose_until(self, task, moment, steps.stop)

    @torch.inference_mode()
    def _begin(self, task: Task, given: Tensor) -> tuple[Task, Moment]:
        """The task in the rhythm of its opening, and the moment after that; `given` (B, W, G) as by `given_cells`.

        The opening is read twice, side by side: with latents, and without any, as it tells the rhythm.
        """
        pieces = len(given)
        if not task.given:
            return task, Moment.first(task.batch, State(self.backbone.empty(given)))
        twice = torch.arange(pieces).repeat(2)
        both, given, misses = task.rows(twice), given[twice], torch.zeros(())
        levels = torch.tensor([self.config.level, 1.0]).repeat_interleave(pieces)
        moment, opening = Moment.first(both.batch, State(self.backbone.empty(given))), Opening.of(both)
        for number, (window, steps) in enumerate(zip(windows(both.batch), windows(opening.batch))):
            state = outlined(self, both, window, moment, given[:, number], levels)
            part = opening.between(steps.start, steps.stop)
            more, state = read(self, part, state)
            moment, misses = Moment(steps.stop, part.past, state), misses + more
        return in_rhythm(task, misses[:, pieces:]), moment.rows(torch.arange(pieces))

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
        plan = self.plan(z, torch.full(z.shape[:2], level), batch.meter, Grid.of(batch))
        fixed = (torch.arange(4) >= batch.voices()).expand(batch.tokens.shape[1:])
        rng = torch.Generator().manual_seed(random_seed)
        task = Task(replace(batch, tokens=torch.zeros_like(batch.tokens)), fixed, sampling, rng, may_rest=True)
        moment = Moment.first(batch, State(self.backbone.empty(batch.tokens), timed=(plan,)))
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
            z = Gaussian(mean, torch.full_like(mean, -30.0)).noisy(level).draw(normals(mean.shape, rng))
        tokens = self.decode(batch, z, SamplingConfig(temperature=amount, top_p=1.0), amount, random_seed)
        return score.replace(cells=to_cells(tokens[0].numpy()))


def windows(batch: Batch) -> list[range]:
    """The steps of each window of pieces of one meter; the last one may be shorter."""
    span, steps = LATENT_BARS * int(BAR_STEPS[batch.meter[0]]), batch.tokens.shape[1]
    return [range(start, min(start + span, steps)) for start in range(0, steps, span)]


def _about(score: Score) -> str:
    return f"a {score.style} of {score.bars} bars of {score.meter}"
