"""GAN: a recurrent generator of windows and a critic, each trained against the other.

Convolutional generators of whole windows (MuseGAN, arXiv 1709.06298) collapse on so little music. This one composes
frame by frame (C-RNN-GAN, Mogren 2016, arXiv 1611.09904), begins with what likelihood taught it, and is then trained by
policy gradient on the critic's scores (SeqGAN, Yu 2017, arXiv 1609.05473). Its noise is that of its choices: the
likeliest of logits / temperature + Gumbel noise is a draw from the softmax (Maddison 2014, arXiv 1411.0030).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from musicgen.models.base import BAR_STEPS, DEFAULTS, Batch
from musicgen.models.critic import SIZES, WINDOW, Critic, facts_of
from musicgen.models.frames import Past, pasts
from musicgen.models.gru import GRU
from musicgen.models.head import STANDARD_RANK
from musicgen.models.next_frame import CLOSE, FrameByFrame, NextFrameConfig, best_of, nll, slice_steps
from musicgen.sampling import Rng

CLOSING = 0.25  # share of the windows of training that end where the shortest crop does, so where pieces end
GIVEN = 0.25  # share of the windows of training in which some voices are given
SETTINGS = DEFAULTS.temperature, DEFAULTS.top_p  # of the music that the critic is shown
JUDGED = 4  # bars composed after the first `WINDOW` of held-out pieces, to see how unlike them they are


@dataclass(frozen=True)
class GANConfig(NextFrameConfig):
    critic: int = 128  # C, channels a frame of the critic
    doubt: float = 0.1  # dropout of the critic
    others: int = 6  # frames composed in one place in training, each held against the others
    push: float = 30.0  # weight of the critic's scores; that of the likelihood, which anchors the generator, is 1
    candidates: int = 4  # windows composed at a time in a stream; the critic chooses one


class GAN(FrameByFrame):
    name, title = "gan", "GAN"
    summary = "A recurrent composer, taught by likelihood and then by a critic, which also chooses among its proposals."
    source = "C-RNN-GAN, Mogren 2016, arXiv 1611.09904; SeqGAN, Yu et al. 2017, arXiv 1609.05473"
    temperature_note = "Scales the noise that every choice is made with: low plays safe, high surprises."
    likelihood = "none"
    Config = GANConfig

    def __init__(self, config: GANConfig):
        super().__init__()
        self.config = config
        self.generator = GRU(config)
        self.critic = Critic(config.critic, config.doubt, config.forget)

    def optimized_parts(self) -> dict[str, nn.Module]:
        return {"critic": self.critic, "generator": self.generator}

    def loss(self, batch: Batch, part: str = "model") -> dict[str, Tensor]:
        """Each part's own; for neither, how unlike the batch's pieces those are that begin like them.

        That last one watches over a run, and no critic has a say in it. It is the mean squared Hellinger distance
        between the frequencies of all the critic's facts (pitches, intervals, motions, durations) in composed and in
        real bars, 0 to 1, with the same noise each time. It says nothing of the critic, nor of a single cell.
        """
        if part == "critic":
            return self._critic_loss(*scene(batch))
        if part == "generator":
            return self._generator_loss(batch)
        return {"loss": self._unlikeness(batch)}

    def _critic_loss(self, batch: Batch, begin: int, start: int) -> dict[str, Tensor]:
        """Cross-entropy of telling the pieces' own windows from those composed after the same contexts."""
        fake, _ = self.roll(batch, begin, start, some_given(batch), fresh())
        _, logit = self.critic(stacked(batch, fake), start)
        belief_real, belief_fake = logit.chunk(2)
        parts = {"real": F.softplus(-belief_real).mean(), "fake": F.softplus(belief_fake).mean()}
        return {"loss": (parts["real"] + parts["fake"]) / 2} | parts

    def _generator_loss(self, batch: Batch) -> dict[str, Tensor]:
        """Likelihood of the batch, and frames made likelier the more the critic likes them than others in their place.

        Windows are composed, and at each of their steps several frames that could stand there: a policy gradient whose
        baseline is the mean score of frames with the same past. Scores of whole windows tell too little of a choice.
        """
        anchor = self.generator.loss(batch)["loss"]
        context, begin, start = scene(batch)
        given = some_given(context)
        first = given & ~unused(context)  # what a frame's other voices may know of
        made, states = self.roll(context, begin, start, given, fresh())
        past, steps = pasts(made.tokens).each(lambda x: x[:, start:].flatten(0, 1)), each_step(made, start)
        rows = torch.arange(len(steps.tokens)).repeat(self.config.others)
        past, steps, state = past.each(lambda x: x[rows]), steps.pieces(rows), self.generator.state_of(states, rows)
        with torch.no_grad(), evaluating(self), torch.autocast("cpu", enabled=False):
            walk = self.generator.walk(steps, given[None], range(1), past, state, *SETTINGS, fresh())
            frames = next(walk).frame[:, None].clone()  # (K * B * n, 1, 4)
            past = past.each(lambda x: x[:, None])
            score = self.critic.instead(made, start, past, frames, steps)  # (K, B, n)
        gains = (score - score.mean(0)).flatten()
        with evaluating(self.generator):
            steps = replace(steps, tokens=frames)
            hidden, _ = self.generator.hidden(past, steps, state)
            logits = self.generator.voice_logits(hidden, past, steps, STANDARD_RANK - 4 * first)
        surprise = nll(logits.float() / DEFAULTS.temperature, frames)[:, 0]  # (K * B * n, v)
        push = (gains[:, None] * surprise)[:, ~given[: surprise.shape[1]]].mean()
        return {"loss": anchor + self.config.push * push, "anchor": anchor, "push": push, "spread": gains.std()}

    @torch.no_grad()
    def roll(self, batch: Batch, begin: int, start: int, given: Tensor, rng: torch.Generator) -> tuple[Batch, Tensor]:
        """Compose all steps from `begin` on at the page's defaults, for each piece of one meter.

        `given` (4,) are the voices that stay as the pieces have them. With the music come the generator's states
        before each step from `start` on, piece by piece, step by step: (layers, B * (T - start), C).
        """
        steps = batch.tokens.shape[1]
        before = pasts(batch.tokens[:, : begin + 1])
        with evaluating(self.generator), torch.autocast("cpu", enabled=False):
            _, state = self.generator.hidden(before.each(lambda x: x[:, :begin]), slice_steps(batch, 0, begin))
            past = before.each(lambda x: x[:, begin])
            walk = self.generator.walk(batch, given.expand(steps, 4), range(begin, steps), past, state, *SETTINGS, rng)
            strides = list(walk)
        frames = torch.stack([stride.frame for stride in strides], 1)  # (B, n, 4)
        states = torch.stack([state, *(stride.state for stride in strides[:-1])], 2)  # (layers, B, n, C)
        made = replace(batch, tokens=torch.cat([batch.tokens[:, :begin], frames], 1))
        return made, states[:, :, start - begin :].flatten(1, 2)

    def _unlikeness(self, batch: Batch) -> Tensor:
        counts, rng = torch.zeros(2, sum(SIZES)), torch.Generator().manual_seed(0)
        for meter in batch.meter.unique():
            rows = torch.nonzero(batch.meter == meter)[:, 0]
            bar = int(BAR_STEPS[meter])
            end = min(int(batch.weight[rows].sum(1).min()), (WINDOW + JUDGED) * bar)
            real = slice_steps(batch.pieces(rows), 0, end)
            fake, _ = self.roll(real, WINDOW * bar, WINDOW * bar, unused(real), rng)
            for count, music in zip(counts, (real, fake)):
                past = pasts(music.tokens)
                index = facts_of(past, past.after(music.tokens), music) + self.critic.offsets
                count += index[:, WINDOW * bar :].flatten().bincount(minlength=sum(SIZES))
        real, fake = counts / counts[0].sum()
        return 0.5 * (real.sqrt() - fake.sqrt()).square().sum()

    def frames(self, batch: Batch, fixed: Tensor, temperature: float, top_p: float, rng: Rng) -> Iterator[Tensor]:
        """Those of a window at once. At temperature 0 there is no choosing.

        As in other models the close is the likeliest of several ways; the critic chooses up to there.
        """
        pieces, steps, _ = batch.tokens.shape
        bar = int(BAR_STEPS[batch.meter[0]])
        batch = self.generator.paced(batch, fixed)
        past, state, close = Past.empty(pieces), None, max(0, steps - int(CLOSE * bar))
        for start in range(0, close, WINDOW * bar):
            window = range(start, min(start + WINDOW * bar, close))
            batch, past, state = self._window(batch, fixed, window, past, state, temperature, top_p, rng)
            yield from batch.tokens[:, window.start : window.stop].unbind(1)
        rest = range(close, steps)
        yield from self.generator.to_the_close(batch, fixed, rest, past, state, temperature, top_p, rng)

    @torch.inference_mode()
    def _window(self, batch, fixed, steps, past, state, temperature, top_p, rng) -> tuple[Batch, Past, Tensor]:
        """The batch with the steps composed, past and state after them: what the critic believes most of several."""
        alone = temperature == 0 or bool(fixed[steps.start : steps.stop].all())
        pieces = len(batch.tokens)
        rows = torch.arange(pieces).repeat_interleave(1 if alone else self.config.candidates)
        many, past, state = batch.pieces(rows), past.each(lambda x: x[rows]), self.generator.state_of(state, rows)
        *_, last = walk = list(self.generator.walk(many, fixed, steps, past, state, temperature, top_p, rng))
        many.tokens[:, steps.start : steps.stop] = torch.stack([stride.frame for stride in walk], 1)
        best = rows
        if not alone:
            _, logit = self.critic(slice_steps(many, 0, steps.stop), steps.start)
            best = best_of(logit, pieces)
        return many.pieces(best), last.past.each(lambda x: x[best]), self.generator.state_of(last.state, best)


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Without dropout, inside a step of training."""
    was = module.training
    module.eval()
    try:
        yield
    finally:
        module.train(was)


def scene(batch: Batch) -> tuple[Batch, int, int]:
    """Some pieces of the batch, of one meter, cut where a window drawn at random ends.

    With them the step where their composing begins and the one where the window does, up to `WINDOW` bars later: most
    windows of a piece follow what was composed, and not what was given.
    """
    one = batch.pieces(torch.nonzero(batch.meter == batch.meter[0])[:, 0])
    bar = int(BAR_STEPS[batch.meter[0]])
    last = int(one.weight.sum(1).min()) - WINDOW * bar
    start = last if torch.rand(()) < CLOSING else int(torch.randint(bar, last + 1, ()))
    lead = int(torch.randint(WINDOW + 1, ())) * bar
    return slice_steps(one, 0, start + WINDOW * bar), max(bar, start - lead), start


def each_step(batch: Batch, start: int) -> Batch:
    """Every step from `start` on as a batch of its own length 1: (B * n, 1), piece by piece."""
    window = slice_steps(batch, start, batch.tokens.shape[1] - start)
    count = window.tokens.shape[1]
    whole = {k: getattr(batch, k).repeat_interleave(count) for k in ("style", "meter", "pace")}
    return replace(window.timed(lambda x: x.flatten(0, 1)[:, None]), **whole)


def stacked(a: Batch, b: Batch) -> Batch:
    """Two batches that differ in their tokens alone, one after the other."""
    twice = a.pieces(torch.arange(len(a.tokens)).repeat(2))
    return replace(twice, tokens=torch.cat([a.tokens, b.tokens]))


def unused(batch: Batch) -> Tensor:
    """The voices that no style of the batch uses, (4,)."""
    return torch.arange(4) >= batch.voices()


def some_given(batch: Batch) -> Tensor:
    """Voices to be given in training, (4,): mostly none but the unused ones, never all."""
    given = (torch.rand(4) < 0.5) & (torch.rand(()) < GIVEN)
    given[torch.randint(batch.voices(), ())] = False
    return given | unused(batch)


def fresh() -> torch.Generator:
    """A generator for one step of training, seeded by the run's own."""
    return torch.Generator().manual_seed(int(torch.randint(2**62, ())))
