"""GAN: a recurrent generator of windows and a critic, each trained against the other.

Convolutional generators of whole windows (MuseGAN, arXiv 1709.06298) collapse on so little music. This one composes
frame by frame (C-RNN-GAN, Mogren 2016, arXiv 1611.09904), begins with what likelihood taught it, and is then trained by
policy gradient on the critic's scores (SeqGAN, Yu 2017, arXiv 1609.05473). Its noise is that of its choices: the
likeliest of logits / temperature + Gumbel noise is a draw from the softmax (Maddison 2014, arXiv 1411.0030).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.backends import cudnn
from torch.nn import functional as F

from musicgen.models.base import BAR_STEPS, DEFAULTS, Batch
from musicgen.models.critic import CRITIC_BARS, Critic, before_and_after, features_of
from musicgen.models.decoding import FrameByFrame, best_of, compose_until, walk
from musicgen.models.engine import PartExample, runner
from musicgen.models.frames import histories
from musicgen.models.gru import GRU
from musicgen.models.head import STANDARD_RANK
from musicgen.models.next_frame import NextFrameConfig, nll
from musicgen.models.reading import begin
from musicgen.models.step import State
from musicgen.models.task import Moment, Task, blank_task, nothing_fixed, repeated, slice_steps

CLOSING = 0.25  # share of the windows of training that end where the shortest crop does, so where pieces end
GIVEN = 0.25  # share of the windows of training in which some voices are given
JUDGED = 4  # bars composed after the first `CRITIC_BARS` of held-out pieces, to see how unlike them they are


@dataclass(frozen=True)
class GANConfig(NextFrameConfig):
    critic: int = 128  # C, channels a frame of the critic
    doubt: float = 0.1  # dropout of the critic
    others: int = 6  # frames composed in one place in training, each held against the others
    reward_weight: float = 30.0  # of the critic's scores; that of the likelihood, which anchors the generator, is 1
    candidates: int = 2  # windows composed at a time in a stream; the critic chooses one


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
        self.critic = Critic(config.critic, config.doubt, config.forget, config.styles)

    def forward_model(self) -> GRU:
        return self.generator

    def optimized_parts(self) -> dict[str, nn.Module]:
        return {"critic": self.critic, "generator": self.generator}

    def loss(self, batch: Batch, part: str = "model") -> dict[str, Tensor]:
        """Each part's own; for neither, how unlike the batch's pieces those are that begin like them.

        That last one watches over a run, and no critic has a say in it. It is the mean squared Hellinger distance
        between the frequencies of all the critic's features (pitches, intervals, motions, durations) in composed and in
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
        _, logit = self.critic.scores(stacked(batch, fake), start)
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
        history = histories(made.tokens, made.meter).each(lambda x: x[:, start:-1].flatten(0, 1))
        steps = each_step(made, start)
        rows = torch.arange(len(steps.tokens)).repeat(self.config.others)
        history, steps, state = history.each(lambda x: x[rows]), steps.pieces(rows), states.rows(rows)
        with torch.no_grad(), evaluating(self), torch.autocast(batch.tokens.device.type, enabled=False):
            task = Task(steps, given[None], DEFAULTS, fresh())
            frames = next(walk(self.generator, task, Moment(0, history.packed(), state), 1)).frames.clone()
            history = history.each(lambda x: x[:, None])  # frames (K * B * n, 1, 4)
            score = self.critic.instead(made, start, history, frames, steps)  # (K, B, n)
        gains = (score - score.mean(0)).flatten()
        with evaluating(self.generator), cudnn.flags(enabled=False):  # which has no backward outside of training
            steps = replace(steps, tokens=frames)
            hidden, _ = self.generator.hidden(history, steps, state)
            logits = self.generator.voice_logits(hidden, history, steps, STANDARD_RANK.to(first.device) - 4 * first)
        surprise = nll(logits.float() / DEFAULTS.temperature, frames)[:, 0]  # (K * B * n, v)
        reward = (gains[:, None] * surprise)[:, ~given[: surprise.shape[1]]].mean()
        loss = anchor + self.config.reward_weight * reward
        return {"loss": loss, "anchor": anchor, "reward": reward, "spread": gains.std()}

    @torch.no_grad()
    def roll(self, batch: Batch, begin: int, start: int, given: Tensor, rng: torch.Generator) -> tuple[Batch, State]:
        """Compose pieces of one meter on from some step, at the page's defaults.

        With the music come the generator's states before each step from `start` on, piece by piece, step by step:
        B * (T - start) rows.

        Args:
            batch: the B pieces, T steps.
            begin: the first step that is composed.
            start: the first step whose state is kept.
            given: (4,) which voices stay as the pieces have them.
            rng: what is drawn by.
        """
        generator, steps = self.generator, batch.tokens.shape[1]
        with evaluating(generator), torch.autocast(batch.tokens.device.type, enabled=False):
            seed = slice_steps(batch, 0, begin)
            history = histories(seed.tokens, seed.meter)
            first = generator.first_state(seed, nothing_fixed(seed))
            _, state = generator.hidden(history.each(lambda x: x[:, :-1]), seed, first)
            moment = Moment(begin, history.each(lambda x: x[:, -1]).packed(), state.cut(generator.backbone.memory))
            task = Task(batch, given.expand(steps, 4), DEFAULTS, rng)
            strides = list(walk(generator, task, moment, steps, ahead=1))
        frames = torch.cat([stride.frames for stride in strides], 1)  # (B, n, 4)
        states = [moment.state, *(stride.moment.state for stride in strides[:-1])][start - begin :]
        carried = tuple(torch.stack(parts, 1).flatten(0, 1) for parts in zip(*(s.carried for s in states)))
        return replace(batch, tokens=torch.cat([batch.tokens[:, :begin], frames], 1)), State(carried)

    def _unlikeness(self, batch: Batch) -> Tensor:
        cases = len(self.critic.features)
        counts, rng = torch.zeros(2, cases, device=batch.tokens.device), torch.Generator().manual_seed(0)
        for meter in batch.meter.unique():
            rows = torch.nonzero(batch.meter == meter)[:, 0]
            bar = int(BAR_STEPS[int(meter)])
            end = min(int(batch.weight[rows].sum(1).min()), (CRITIC_BARS + JUDGED) * bar)
            real = slice_steps(batch.pieces(rows), 0, end)
            fake, _ = self.roll(real, CRITIC_BARS * bar, CRITIC_BARS * bar, unused(real), rng)
            for count, music in zip(counts, (real, fake)):
                index = features_of(*before_and_after(music), music) + self.critic.offsets
                count += index[:, CRITIC_BARS * bar :].flatten().bincount(minlength=cases)
        real, fake = counts / counts[0].sum()
        return 0.5 * (real.sqrt() - fake.sqrt()).square().sum()

    def parts(self) -> Iterator[tuple[str, Callable[[], PartExample]]]:
        yield from super().parts()
        yield "critic", self._critic_example

    def frames(self, task: Task) -> Iterator[Tensor]:
        """Those of a window at once. At temperature 0 there is no choosing.

        As in other models the close is the likeliest of several candidates; the critic chooses up to there.
        """
        yield from task.batch.tokens[:, : task.given].unbind(1)
        task, moment = begin(self.generator, task)
        span, close = CRITIC_BARS * task.bar, task.end - int(task.sampling.close_bars * task.bar)
        while moment.step < close:
            start = moment.step
            stop = min((start // span + 1) * span, close)
            task, moment = self._window(task, moment, stop)
            yield from task.batch.tokens[:, start:stop].unbind(1)
        yield from compose_until(self.generator, task, moment, task.end)

    @torch.inference_mode()
    def _window(self, task: Task, moment: Moment, stop: int) -> tuple[Task, Moment]:
        """The task with its steps up to `stop` composed, the way the critic believes most, and the moment then."""
        start, pieces = moment.step, len(task.batch.tokens)
        alone = task.sampling.temperature == 0 or bool(task.fixed[start:stop].all())
        candidates = 1 if alone else self.config.candidates
        many, rows = task.with_candidates(candidates), repeated(pieces, candidates)
        strides = list(walk(self.generator, many, moment.rows(rows), stop))
        tokens = many.batch.tokens.clone()
        tokens[:, start:stop] = torch.cat([stride.frames for stride in strides], 1)
        batch, best = replace(many.batch, tokens=tokens), torch.arange(pieces)
        if not alone:
            best = best_of(self._belief(slice_steps(batch, 0, stop), start).view(pieces, candidates))
        return replace(task, batch=batch.pieces(best)), strides[-1].moment.rows(best)

    def _belief(self, batch: Batch, start: int) -> Tensor:
        """The critic's logits of the windows from `start` on, (B,)."""
        return runner(self.generator, "critic", lambda: self.critic)([*self.critic.read(batch, start)])[1]

    @torch.inference_mode()
    def _critic_example(self) -> PartExample:
        """By which a graph is made: pieces, steps and windows of two numbers."""
        inputs = []
        for size in (2, 3):
            inputs.append([*self.critic.read(blank_task(size, size).batch, size)])
        return self.critic, inputs


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

    With them the step where their composing begins and the one where the window does, up to `CRITIC_BARS` later: most
    windows of a piece follow what was composed, and not what was given.
    """
    one = batch.pieces(torch.nonzero(batch.meter == batch.meter[0])[:, 0])
    bar = int(BAR_STEPS[int(batch.meter[0])])
    last = int(one.weight.sum(1).min()) - CRITIC_BARS * bar
    start = last if torch.rand(()) < CLOSING else int(torch.randint(bar, last + 1, ()))
    lead = int(torch.randint(CRITIC_BARS + 1, ())) * bar
    return slice_steps(one, 0, start + CRITIC_BARS * bar), max(bar, start - lead), start


def each_step(batch: Batch, start: int) -> Batch:
    """Every step from `start` on as a batch of its own length 1: (B * n, 1), piece by piece."""
    window = slice_steps(batch, start, batch.tokens.shape[1] - start)
    count = window.tokens.shape[1]
    whole = {k: getattr(batch, k).repeat_interleave(count) for k in ("style", "meter", "hold_shift")}
    return replace(window.timed(lambda x: x.flatten(0, 1)[:, None]), **whole)


def stacked(a: Batch, b: Batch) -> Batch:
    """Two batches that differ in their tokens alone, one after the other."""
    twice = a.pieces(torch.arange(len(a.tokens)).repeat(2))
    return replace(twice, tokens=torch.cat([a.tokens, b.tokens]))


def unused(batch: Batch) -> Tensor:
    """The voices that no style of the batch uses, (4,)."""
    return torch.arange(4, device=batch.tokens.device) >= batch.voices()


def some_given(batch: Batch) -> Tensor:
    """Voices to be given in training, (4,): mostly none but the unused ones, never all."""
    given = (torch.rand(4) < 0.5) & (torch.rand(()) < GIVEN)
    given[torch.randint(batch.voices(), ())] = False
    return given.to(batch.tokens.device) | unused(batch)


def fresh() -> torch.Generator:
    """A generator for one step of training, seeded by the run's own."""
    return torch.Generator().manual_seed(int(torch.randint(2**62, ())))
