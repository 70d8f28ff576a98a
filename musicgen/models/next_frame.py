"""What the models that move forward in time share: all but the backbone."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from musicgen.models.base import HOLD_TOKEN, STYLE_NAMES, Batch
from musicgen.models.decoding import FrameByFrame, compose_frames
from musicgen.models.draw import parted
from musicgen.models.frames import (
    HALF_LIVES,
    PITCH_CLASSES,
    History,
    backbone_indices,
    backbone_sizes,
    histories,
    place,
    sum_of_features,
)
from musicgen.models.head import STANDARD_RANK, VoiceHead, known_before
from musicgen.models.reading import holds
from musicgen.models.step import State
from musicgen.models.task import Task, nothing_fixed

PITCH_TEMPERATURES = [t / 100 for t in range(70, 131, 2)]  # tried in calibration
HOLD_TEMPERATURES = [t / 100 for t in range(80, 161, 2)]
HOLD_BIASES = [b / 100 for b in range(-40, 41, 2)]  # tried with each temperature


@dataclass(frozen=True)
class NextFrameConfig:
    width: int = 256  # C, channels a frame
    inner: int = 160  # D, channels of the voice head
    dropout: float = 0.45
    forget: float = 0.2  # share of the features of the history left out at random in training
    any_order: float = 0.5  # share of training pieces with the voices in an order that fixed cells could ask for
    sonority: int = (
        16  # R, numbers that a chord is known by; 0 in models that were trained to know pairs of voices alone
    )
    styles: int = len(STYLE_NAMES)  # how many of `STYLES`, the first ones, it is trained for


def head_settings(config: NextFrameConfig) -> dict[str, Any]:
    """The arguments of `VoiceHead`."""
    return {f: getattr(config, f) for f in ("width", "inner", "dropout", "forget", "styles", "sonority")}


class Recurrent(nn.Module):
    """A layer of one of PyTorch's recurrent networks as a backbone; carries its hidden vectors (N, t, C)."""

    memory: tuple[int, ...] = (1,)

    def __init__(self, kind: type[nn.RNN] | type[nn.GRU] | type[nn.LSTM], config: NextFrameConfig):
        super().__init__()
        self.cells = kind(config.width, config.width, batch_first=True)

    def empty(self, like: Tensor) -> tuple[Tensor, ...]:
        """What is carried before the first frame of as many pieces as `like` (N, ...) has."""
        return (torch.zeros(len(like), 1, self.cells.hidden_size, device=like.device),) * len(self.memory)

    def forward(self, x: Tensor, carried: tuple[Tensor, ...], context: tuple = ()) -> tuple[Tensor, tuple[Tensor, ...]]:
        """x (N, T, C) after what is carried -> hidden vectors (N, T, C), and what is carried then."""
        hidden, _ = self.cells(x, carried[0][:, -1:].transpose(0, 1).contiguous())
        return hidden, (hidden,)


class NextFrame(FrameByFrame):
    """Predicts each frame from those before it: p(score) = prod over frames and voices, an exact likelihood.

    A subclass builds the backbone, a causal module `(x (N, T, C), carried, context) -> (hidden (N, T, C), carried)`
    with a method `empty`, see `Recurrent`. It gives the same hidden vectors whether it reads T frames at once or one at
    a time with the state handed on. Of each tensor that is carried, (N, ..., t, C), the last steps matter, as many as
    its `memory` says; what is carried after T frames, less the newest n, is what is carried after T - n.
    """

    Config = NextFrameConfig
    offsets: Tensor
    backbone: Any  # a module of the subclass's, see above
    head: VoiceHead
    temperature_note = (
        "Divides the logits of each choice, whether a note begins (there dances are cooler) and which: low plays safe,"
        " high surprises."
    )
    looks_ahead = False  # whether it knows of given cells before their time
    teachers: tuple["NextFrame", ...] = ()  # trained models whose predictions are learned from, too

    def __init__(self, config: NextFrameConfig):
        super().__init__()
        self.config = config
        sizes = backbone_sizes(config.styles)
        self.register_buffer("offsets", torch.tensor([0, *sizes[:-1]]).cumsum(0), persistent=False)
        self.features = nn.Parameter(torch.randn(sum(sizes), config.width) * 0.02)
        self.key = nn.Linear(len(HALF_LIVES) * PITCH_CLASSES, config.width)
        self.norm_in, self.norm_out = nn.LayerNorm(config.width), nn.LayerNorm(config.width)
        self.dropout = nn.Dropout(config.dropout)
        self.backbone = self.make_backbone(config)
        self.head = self.make_head(config)

    def make_backbone(self, config: NextFrameConfig) -> nn.Module:
        raise NotImplementedError

    def make_head(self, config: NextFrameConfig) -> VoiceHead:
        return VoiceHead(**head_settings(config))

    def hidden(self, history: History, batch: Batch, state: State) -> tuple[Tensor, State]:
        """Histories (N, T, ...) -> hidden vectors (N, T, C) and the state after them."""
        x = self.sum_up(history, batch)
        seen, carried = self.backbone(self.dropout(x), state.carried, state.context)
        return self.dropout(self.norm_out(x + seen)), replace(state, carried=carried)

    def sum_up(self, history: History, batch: Batch) -> Tensor:
        """Histories (N, T, ...) -> the sum of the embeddings of all features of each, (N, T, C)."""
        index = backbone_indices(history, batch)  # (N, T, n)
        index = index + self.offsets[: int(index.shape[-1])]
        features = sum_of_features(index, self.features, self.config.forget if self.training else 0)  # (N, T, C)
        return self.norm_in(features + self.key(history.histogram.flatten(-2)))  # (N, T, C)

    def first_state(self, batch: Batch, fixed: Tensor) -> State:
        """The state before the first frame, knowing which cells (B, T, 4) are fixed, where the model looks ahead."""
        return State(self.backbone.empty(batch.tokens))

    def logits(self, batch: Batch, rank: Tensor = STANDARD_RANK, state: State | None = None) -> Tensor:
        """Logits (B, T, n, V) of every cell given all frames before it and the voices that `rank` puts before it.

        rank is (..., 4), up to one order a piece and step, (B, T, 4); state that before the first frame, by default one
        that knows of no fixed cell; n is 4, or fewer where no piece of the batch uses the lower voices.
        """
        state = state or self.first_state(batch, nothing_fixed(batch))
        history = histories(batch.tokens, batch.meter).each(lambda x: x[:, :-1])
        hidden, _ = self.hidden(history, batch, state)
        return self.voice_logits(hidden, history, batch, rank)

    def voice_logits(self, hidden: Tensor, history: History, batch: Batch, rank: Tensor) -> Tensor:
        """Logits (B, T, n, V) of every cell, as `logits` does.

        Args:
            hidden: (B, T, C) what the backbone makes of the frames before each.
            history: before each frame, (B, T).
            batch: the B pieces, T steps.
            rank: (..., 4) the place of each voice in the order.
        """
        steps, voices = batch.tokens.shape[1], slice(batch.voices())
        known = known_before(rank.to(hidden.device).expand_as(batch.tokens))
        logits = self.head(
            hidden.flatten(0, 1),
            history.each(lambda x: x.flatten(0, 1)),
            batch.tokens.flatten(0, 1),
            known[:, :, voices].flatten(0, 1),
            place(batch).flatten(),
            batch.to_end.flatten(),
            batch.style if len(batch.style) == 1 else batch.style.repeat_interleave(steps),
            voices,
        )
        return logits.unflatten(0, batch.tokens.shape[:2])

    def loss(self, batch: Batch, part: str = "model") -> dict[str, Tensor]:
        """{"loss"}: nats a cell; in training some pieces take another order of the voices.

        Teachers have half a say in what is to be predicted (Hinton et al. 2015, arXiv 1503.02531).
        """
        rank = self._ranks(batch)[:, None] if self.training else STANDARD_RANK
        counted, logits = batch.counted(), self.logits(batch, rank)
        cell = nll(logits, batch.tokens)
        if self.training and self.teachers:
            cell = (cell + nll(logits, self._taught(batch, rank))) / 2
        return {"loss": (cell * counted).sum() / counted.sum()}

    @torch.no_grad()
    def _taught(self, batch: Batch, rank: Tensor) -> Tensor:
        """What the teachers predict on average, (B, T, n, V)."""
        return torch.stack([model.logits(batch, rank).float().softmax(-1) for model in self.teachers]).mean(0)

    def cell_nll(self, batch: Batch, rank: Tensor = STANDARD_RANK, state: State | None = None) -> Tensor:
        """-ln p of every cell, (B, T, n); the arguments are those of `logits`."""
        return nll(self.logits(batch, rank, state), batch.tokens)

    @torch.inference_mode()
    def calibrate(self, pieces: list[Batch]):
        """Fit temperature and bias of the log-odds of a hold, and the temperature of pitches, to each style's pieces.

        Platt 1999; Guo et al. 2017, arXiv 1706.04599. Without it the little music there is of a style leaves the model
        too sure that a note is held, and of which one begins. The temperature of pitches is for the likelihood alone:
        pieces composed with it wander, since there one far note leads to the next.
        """
        self.eval()
        head = self.head
        head.hold_temperature.fill_(1)
        head.hold_bias.fill_(0)
        head.pitch_temperature.fill_(1)
        for style in {int(batch.style[0]) for batch in pieces}:
            alike = [(self.logits(batch), batch) for batch in pieces if batch.style[0] == style]
            odds, held, could = (torch.cat([x.flatten() for x in parts]) for parts in zip(*(holds(*x) for x in alike)))
            miss = {
                (temperature, bias): F.binary_cross_entropy_with_logits(odds[could] / temperature + bias, held[could])
                for temperature, bias in product(HOLD_TEMPERATURES, HOLD_BIASES)
            }
            head.hold_temperature[style], head.hold_bias[style] = min(miss, key=lambda fit: float(miss[fit]))
            others, found = (torch.cat(parts) for parts in zip(*(begun(*x) for x in alike)))
            surprise = {t: F.cross_entropy(others / t, found) for t in PITCH_TEMPERATURES}
            head.pitch_temperature[style] = min(surprise, key=lambda t: float(surprise[t]))

    def _ranks(self, batch: Batch) -> Tensor:
        """Orders of the voices, (B, 4): some voices come first, as if given, each group in the usual order."""
        size, device = len(batch.tokens), batch.tokens.device
        given = torch.rand(size, 4, device=device) < 0.5
        given = given & (torch.rand(size, 1, device=device) < self.config.any_order)
        return STANDARD_RANK.to(device) - 4 * given

    def frames(self, task: Task) -> Iterator[Tensor]:
        return compose_frames(self, task)


def begun(logits: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
    """Of the counted cells that are not held the logits of all but a hold, (cells, V), and the tokens there."""
    tokens = batch.tokens[..., : logits.shape[2]]
    begins = (tokens != HOLD_TOKEN) & (batch.counted() > 0)
    return parted(logits, HOLD_TOKEN)[1][begins], tokens[begins]


def nll(logits: Tensor, tokens: Tensor) -> Tensor:
    """-ln p of every cell, (B, T, n), by logits (B, T, n, V) of the first n voices of tokens (B, T, 4).

    Instead of tokens there may be probabilities, (B, T, n, V).
    """
    voices = logits.shape[2]
    target = tokens[:, :, :voices].flatten(0, 2)
    return F.cross_entropy(logits.float().flatten(0, 2), target, reduction="none").unflatten(0, logits.shape[:3])
