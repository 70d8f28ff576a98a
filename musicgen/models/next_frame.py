"""What the models that move forward in time share: all but the backbone."""

from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from musicgen.models.base import (
    BAR_STEPS,
    BEAT_STEPS,
    HOLD_TOKEN,
    REST_TOKEN,
    STYLE_NAMES,
    Batch,
    MusicModel,
    collate,
    features_of,
    to_cells,
)
from musicgen.models.frames import (
    BACKBONE_SIZES,
    HALF_LIVES,
    PITCH_CLASSES,
    Past,
    backbone_indices,
    pasts,
    place,
    sum_of_facts,
)
from musicgen.models.head import ILLEGAL, ORDER, STANDARD_RANK, VoiceHead, known_before
from musicgen.sampling import Rng, draw, parted
from musicgen.score import METERS, STYLES, Canvas, Patch, Score

WAYS = 32  # to close a piece that are tried, of which the likeliest is taken
HEATS = [heat / 100 for heat in range(80, 161, 2)]  # that are tried,
SHIFTS = [shift / 100 for shift in range(-40, 41, 2)]  # with each of these
PACES = torch.linspace(-2, 2, 41)  # that a seed may ask for,
SPREAD = 0.45  # mostly no farther from 0 than this
CLOSE = 1.5  # bars that they begin before the end


@dataclass(frozen=True)
class NextFrameConfig:
    width: int = 256  # C, channels a frame
    layers: int = 1
    inner: int = 160  # D, channels of the voice head
    dropout: float = 0.45
    forget: float = 0.2  # share of the facts about the past left out at random in training
    any_order: float = 0.5  # share of training pieces with the voices in an order that fixed cells could ask for


class Stride(NamedTuple):
    """One step of B pieces."""

    frame: Tensor  # (B, 4) tokens
    past: Past  # after it
    state: object  # of the backbone after it
    begun: Tensor  # (B, 2) log-probability of the pitches that begin, knowing that something does; and their number


class FrameByFrame(MusicModel):
    """Writes frame after frame, of one piece or of several side by side."""

    def frames(self, batch: Batch, fixed: Tensor, temperature: float, top_p: float, rng: Rng) -> Iterator[Tensor]:
        """The frames (B, 4) of B pieces, step by step; style, meter and the `fixed` cells (T, 4) are those of all."""
        raise NotImplementedError

    def stream(self, canvas: Canvas, *, temperature: float = 1.0, top_p: float = 1.0, seed: int = 0) -> Iterator[Patch]:
        """A patch a beat; see `temperature_note`. 0 takes the likeliest."""
        batch, fixed = collate([features_of(canvas.score)]), torch.from_numpy(canvas.fixed.copy())
        frames = self.frames(batch, fixed, temperature, top_p, torch.Generator().manual_seed(seed))
        yield from patches(frames, METERS[canvas.score.meter].beat)

    def compose_all(
        self, canvases: list[Canvas], *, temperature: float = 1.0, top_p: float = 1.0, seeds: list[int]
    ) -> list[Score]:
        """As `MusicModel` does, canvases that are alike but for their notes side by side."""
        alike, scores = defaultdict(list), {}
        for i, c in enumerate(canvases):
            alike[c.score.style, c.score.meter, c.fixed.shape, c.fixed.tobytes()].append(i)
        for group in alike.values():
            batch = collate([features_of(canvases[i].score) for i in group])
            fixed = torch.from_numpy(canvases[group[0]].fixed.copy())
            rng = [torch.Generator().manual_seed(seeds[i]) for i in group]
            tokens = torch.stack(list(self.frames(batch, fixed, temperature, top_p, rng)), 1)  # (B, T, 4)
            scores |= {i: canvases[i].score.replace(cells=to_cells(t.numpy())) for i, t in zip(group, tokens)}
        return [scores[i] for i in range(len(canvases))]


class NextFrame(FrameByFrame):
    """Predicts each frame from those before it: p(score) = prod over frames and voices, an exact likelihood.

    A subclass builds the backbone, a causal module `(x (B, T, C), state | None) -> (hidden (B, T, C), state)` that
    gives the same hidden vectors whether it reads T frames at once or one at a time with the state handed on.
    """

    Config = NextFrameConfig
    temperature_note = (
        "Divides the logits of each choice, whether a note begins and which: low plays safe, high surprises."
    )
    looks_ahead = False  # whether it knows of given cells before their time
    pieces_dim = 1  # the dimension in which the tensors of the state count the pieces

    def __init__(self, config: NextFrameConfig):
        super().__init__()
        self.config = config
        self.register_buffer("offsets", torch.tensor([0, *BACKBONE_SIZES[:-1]]).cumsum(0), persistent=False)
        self.facts = nn.Parameter(torch.randn(sum(BACKBONE_SIZES), config.width) * 0.02)
        self.key = nn.Linear(len(HALF_LIVES) * PITCH_CLASSES, config.width)
        self.norm_in, self.norm_out = nn.LayerNorm(config.width), nn.LayerNorm(config.width)
        self.dropout = nn.Dropout(config.dropout)
        self.backbone = self.make_backbone(config)
        self.head = self.make_head(config)

    def make_backbone(self, config: NextFrameConfig) -> nn.Module:
        raise NotImplementedError

    def make_head(self, config: NextFrameConfig) -> VoiceHead:
        return VoiceHead(config.width, config.inner, config.dropout, config.forget)

    def hidden(self, past: Past, batch: Batch, state=None) -> tuple[Tensor, object]:
        """Pasts (B, T, ...) -> hidden vectors (B, T, C) and the backbone's state after them."""
        x = self.sum_up(past, batch)
        seen, state = self.backbone(self.dropout(x), state)
        return self.dropout(self.norm_out(x + seen)), state

    def sum_up(self, past: Past, batch: Batch) -> Tensor:
        """Pasts (B, T, ...) -> the sum of the embeddings of all facts about each, (B, T, C)."""
        index = backbone_indices(past, batch) + self.offsets  # (B, T, n)
        facts = sum_of_facts(index, self.facts, self.config.forget if self.training else 0)  # (B, T, C)
        return self.norm_in(facts + self.key(past.histogram().flatten(-2)))  # (B, T, C)

    def first_state(self, batch: Batch, fixed: Tensor) -> object:
        """The state before the first frame, knowing which cells (B, T, 4) are fixed; None: the past is all there is."""
        return None

    def logits(self, batch: Batch, rank: Tensor = STANDARD_RANK, state: object = None) -> Tensor:
        """Logits (B, T, n, V) of every cell given all frames before it and the voices that `rank` puts before it.

        rank is (..., 4), up to one order a piece and step, (B, T, 4); state that before the first frame, by default one
        that knows of no fixed cell; n is 4, or fewer where no piece of the batch uses the lower voices.
        """
        if state is None:
            state = self.first_state(batch, torch.zeros_like(batch.tokens, dtype=torch.bool))
        past = pasts(batch.tokens)
        hidden, _ = self.hidden(past, batch, state)
        return self.voice_logits(hidden, past, batch, rank)

    def voice_logits(self, hidden: Tensor, past: Past, batch: Batch, rank: Tensor) -> Tensor:
        """Hidden vectors (B, T, C) and the pasts they know -> logits (B, T, n, V), as `logits` does."""
        steps, voices = batch.tokens.shape[1], slice(batch.voices())
        logits = self.head(
            hidden.flatten(0, 1),
            past.each(lambda x: x.flatten(0, 1)),
            batch.tokens.flatten(0, 1),
            known_before(rank.expand_as(batch.tokens))[:, :, voices].flatten(0, 1),
            place(batch).flatten(),
            batch.to_end.flatten(),
            batch.style.repeat_interleave(steps),
            voices,
        )
        return logits.unflatten(0, batch.tokens.shape[:2])

    def loss(self, batch: Batch, part: str = "model") -> dict[str, Tensor]:
        """{"loss"}: nats a cell; in training some pieces take another order of the voices."""
        rank = self._ranks(len(batch.tokens))[:, None] if self.training else STANDARD_RANK
        counted = batch.counted()
        return {"loss": (self.cell_nll(batch, rank) * counted).sum() / counted.sum()}

    def cell_nll(self, batch: Batch, rank: Tensor = STANDARD_RANK, state: object = None) -> Tensor:
        """-ln p of every cell, (B, T, n); the arguments are those of `logits`."""
        return nll(self.logits(batch, rank, state), batch.tokens)

    @torch.inference_mode()
    def calibrate(self, pieces: list[Batch]):
        """Scale and shift the log-odds of a hold to fit each style's pieces best: `heat` and `shift` of the head.

        Platt 1999; Guo et al. 2017, arXiv 1706.04599. Without it the little music there is of a style leaves the model
        too sure that a note is held; to cool which note begins as well would make these pieces likelier still, but
        composed ones wander: there one far note leads to the next.
        """
        self.eval()
        self.head.heat.fill_(1)
        self.head.shift.fill_(0)
        for style in {int(batch.style[0]) for batch in pieces}:
            found = [holds(self.logits(batch), batch) for batch in pieces if batch.style[0] == style]
            odds, held, could = (torch.cat([x.flatten() for x in parts]) for parts in zip(*found))
            odds, held = odds[could], held[could]
            miss = {
                (heat, shift): F.binary_cross_entropy_with_logits(odds / heat + shift, held)
                for heat, shift in product(HEATS, SHIFTS)
            }
            self.head.heat[style], self.head.shift[style] = min(miss, key=miss.get)

    @torch.inference_mode()
    def paced(self, batch: Batch, fixed: Tensor) -> Batch:
        """The batch with the pace of its pieces: how much surer of a hold the seed asks the model to be.

        The seed is what the cells `fixed` (T, 4) give whole from the start on. Dynamic evaluation (Krause et al. 2018,
        arXiv 1709.07432) of one number a piece, believed to be 0 give or take `SPREAD`. Without it a slow seed is soon
        hurried and a lively one slowed: what a model has just written tells it more than what was given before.
        """
        steps = int(fixed[:, : batch.voices()].all(1).cumprod(0).sum())
        if not steps:
            return batch
        seed = slice_steps(batch, 0, steps)
        odds, held, could = holds(self.logits(seed), seed)
        pace = PACES[:, None, None, None]
        miss = F.softplus((1 - 2 * held) * (odds + pace)) * could  # -ln p, (paces, B, T, n)
        miss = miss.sum((2, 3)) + 0.5 * (PACES[:, None] / SPREAD) ** 2
        return replace(batch, pace=PACES[miss.argmin(0)])

    def _ranks(self, batch: int) -> Tensor:
        """Orders of the voices, (B, 4): some voices come first, as if given, each group in the usual order."""
        given = (torch.rand(batch, 4) < 0.5) & (torch.rand(batch, 1) < self.config.any_order)
        return STANDARD_RANK - 4 * given

    def frames(self, batch: Batch, fixed: Tensor, temperature: float, top_p: float, rng: Rng) -> Iterator[Tensor]:
        pieces, steps, _ = batch.tokens.shape
        batch = self.paced(batch, fixed)
        with torch.inference_mode():
            state = self.first_state(batch, fixed.expand(pieces, -1, -1))
        yield from self.to_the_close(batch, fixed, range(steps), Past.empty(pieces), state, temperature, top_p, rng)

    def to_the_close(
        self, batch: Batch, fixed: Tensor, steps: range, past: Past, state: object, temperature: float, top_p: float,
        rng: Rng,
    ) -> Generator[Tensor, None, tuple[Past, object]]:  # fmt: skip
        """The frames of a `walk`, which returns past and state after them.

        Those that lie in the pieces' close are composed in `WAYS` ways, and of each piece the likeliest is kept.
        """
        pieces, end = batch.tokens.shape[:2]
        close = end - int(CLOSE * int(BAR_STEPS[batch.meter[0]]))
        close = min(max(close, steps.start), steps.stop)
        for stride in self.walk(batch, fixed, range(steps.start, close), past, state, temperature, top_p, rng):
            past, state = stride.past, stride.state
            yield stride.frame
        if close == steps.stop:
            return past, state
        rows = torch.arange(pieces).repeat_interleave(WAYS if temperature > 0 else 1)
        many, past, state = batch.pieces(rows), past.each(lambda x: x[rows]), self.state_of(state, rows)
        frames, begun = [], torch.zeros(len(rows), 2)
        for stride in self.walk(many, fixed, range(close, steps.stop), past, state, temperature, top_p, rng):
            past, state, begun = stride.past, stride.state, begun + stride.begun
            frames.append(stride.frame)
        best = likeliest(begun, pieces)
        yield from (frame[best] for frame in frames)
        return past.each(lambda x: x[best]), self.state_of(state, best)

    def walk(
        self, batch: Batch, fixed: Tensor, steps: range, past: Past, state: object, temperature: float, top_p: float,
        rng: Rng, may_rest: bool = False,
    ) -> Iterator[Stride]:  # fmt: skip
        """Compose the given steps of B pieces side by side, a stride a step.

        `fixed` (T, 4), style and meter are the same for all of them; what the fixed cells hold stands in the batch.
        They keep sounding, see `_must_sound`, unless they `may_rest`.
        """
        for step in steps:
            frame, state, begun = self._next(past, state, batch, step, fixed[step], temperature, top_p, rng, may_rest)
            past = past.after(frame)
            yield Stride(frame, past, state, begun)

    @torch.inference_mode()
    def _next(
        self, past, state, batch, step, fixed, temperature, top_p, rng, may_rest=False
    ) -> tuple[Tensor, object, Tensor]:
        """The frame (B, 4) at `step`: fixed cells as they are, the other voices chosen knowing those before them.

        With it the state after it, and what `Stride.begun` tells of it, whatever the temperature.
        """
        now = slice_steps(batch, step)
        hidden, state = self.hidden(past.each(lambda x: x[:, None]), now, state)
        frame, begun = torch.where(fixed, now.tokens[:, 0], 0), torch.zeros(len(hidden), 2)  # (B, 4), (B, 2)
        chosen, used = fixed.clone(), torch.arange(4) < now.voices()
        must_sound = self._must_sound(past, frame, fixed, now) & (not may_rest)  # (B,)
        for voice in ORDER:
            if chosen[voice]:
                continue
            one = slice(voice, voice + 1)
            known = known_before((~(chosen & used)).long())[one].expand(len(frame), 1, 3)
            logits = self.head(
                hidden[:, 0], past, frame, known, place(now)[:, 0], now.to_end[:, 0], now.style, one
            )[:, 0]  # fmt: skip
            logits[must_sound, REST_TOKEN] = ILLEGAL
            logits[:, HOLD_TOKEN] += now.pace
            cell = draw(logits, temperature, top_p, rng, apart=HOLD_TOKEN)  # (B,)
            begun = begun + of_pitch(logits, cell)
            frame[:, voice], chosen[voice] = cell, True
        return frame, state, begun

    def state_of(self, state: object, rows: Tensor) -> object:
        """Of a state of several pieces that of the pieces `rows`, in this order; a piece may come again."""
        return selected(state, rows, self.pieces_dim)

    @staticmethod
    def _must_sound(past: Past, frame: Tensor, fixed: Tensor, now: Batch) -> Tensor:
        """Whether no free voice may rest, (B,): silence lasted the style's breath, and no given voice rests here.

        Some of the corpus rests while instruments play, or before an upbeat; nobody asks for that.
        """
        used = slice(now.voices())
        breath = STYLES[STYLE_NAMES[now.style[0]]].breath * int(BEAT_STEPS[now.meter[0]])
        silent = (past.pitch[:, used] == REST_TOKEN) & (past.age[:, used] >= breath - 1)  # (B, n)
        given_rest = (fixed & (frame == REST_TOKEN))[:, used].any(1)
        return (silent.all(1) | (breath == 0)) & ~given_rest


def holds(logits: Tensor, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    """By logits (B, T, n, V) the log-odds of a hold; 1 where one stands, else 0; and whether one could: (B, T, n)."""
    odds = parted(logits, HOLD_TOKEN)[0]
    held = batch.tokens[..., : logits.shape[2]] == HOLD_TOKEN
    return odds, held.float(), (odds > ILLEGAL / 2) & (batch.counted() > 0)


def nll(logits: Tensor, tokens: Tensor) -> Tensor:
    """-ln p of every cell, (B, T, n), by logits (B, T, n, V) of the first n voices of tokens (B, T, 4)."""
    target = tokens[..., : logits.shape[2]]
    return F.cross_entropy(logits.float().flatten(0, 2), target.flatten(), reduction="none").view(target.shape)


def of_pitch(logits: Tensor, cell: Tensor) -> Tensor:
    """What choices (B,) by logits (B, V) add to `Stride.begun`, (B, 2); a note that is held adds nothing."""
    logits = logits.clone()
    logits[:, HOLD_TOKEN] = ILLEGAL
    log_p = logits.log_softmax(-1).gather(-1, cell[:, None])  # (B, 1)
    return torch.cat([log_p, torch.ones_like(log_p)], -1) * (cell != HOLD_TOKEN)[:, None]


def likeliest(begun: Tensor, pieces: int) -> Tensor:
    """Of each piece the way whose pitches are the likeliest for their number, (B,), all ways of a piece lying together.

    `begun` (B * ways, 2) is the sum of the strides'. Rhythm has no say, or the slowest way would win; and a way's mean
    counts in standard errors, or one of few notes would, whose mean is far from the others' by chance.
    """
    log_p, notes = begun.view(pieces, -1, 2).unbind(-1)  # (B, ways) each
    usual = log_p.sum(1, keepdim=True) / notes.sum(1, keepdim=True).clamp(min=1)  # (B, 1)
    return best_of(((log_p - usual * notes) / notes.clamp(min=1).sqrt()).flatten(), pieces)


def best_of(score: Tensor, pieces: int) -> Tensor:
    """The row of the highest score of each piece, (B,), of scores (B * n,), those of a piece lying together."""
    return score.view(pieces, -1).argmax(1) + torch.arange(0, len(score), len(score) // pieces)


def selected(state: object, rows: Tensor, dim: int) -> object:
    """The pieces `rows` of a state whose tensors, in lists or tuples or alone, count the pieces in dimension `dim`."""
    if isinstance(state, Tensor):
        return state.index_select(dim, rows)
    if isinstance(state, list | tuple):
        return type(state)(selected(part, rows, dim) for part in state)
    return state


def patches(frames: Iterable[Tensor], beat: int, start: int = 0) -> Iterator[Patch]:
    """Frames (1, 4) from the step `start` on -> a patch a beat, and one of what is left."""
    waiting = []
    for frame in frames:
        waiting.append(frame)
        if len(waiting) == beat:
            yield Patch(start, to_cells(torch.cat(waiting).numpy()))
            start, waiting = start + beat, []
    if waiting:
        yield Patch(start, to_cells(torch.cat(waiting).numpy()))


def slice_steps(batch: Batch, start: int, count: int = 1) -> Batch:
    return batch.timed(lambda x: x[:, start : start + count])
