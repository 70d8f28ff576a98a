"""Seq2Seq: an encoder reads all that is given, ahead as well as behind; a decoder with attention writes the frames.

Sutskever et al. 2014, arXiv 1409.3215; Bahdanau et al. 2014, arXiv 1409.0473. Attention follows the recurrence, as in
Luong et al. 2015, arXiv 1508.04025, so that all frames of a piece are trained at once.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from musicgen.models.base import END_CASES, FIRST_PITCH, HOLD_TOKEN, REST_TOKEN, VOCABULARY, Batch
from musicgen.models.frames import (
    AGES,
    LEAP,
    LEAPS,
    OLD,
    PITCH_CLASSES,
    PLACES,
    SPAN,
    SPAN_PAIRS,
    SPANS,
    History,
    class_counts,
    interval,
    nearest,
    place,
    sounding_tokens,
    sum_of_features,
)
from musicgen.models.head import OTHER_VOICES, STANDARD_RANK, VoiceHead
from musicgen.models.next_frame import NextFrame, NextFrameConfig, head_settings
from musicgen.models.step import State
from musicgen.models.task import nothing_fixed

FREE = VOCABULARY  # stands for a cell that is not given
NOTE_KINDS = 3  # of a cell: not given or a rest, held, begun
READER_SIZES = (  # and as many cases as there are styles
    *[VOCABULARY + 1] * 4, *[NOTE_KINDS] * 4, *[LEAPS] * 8, *[AGES] * 4, *[SPANS] * len(SPAN_PAIRS),
    PLACES, END_CASES,
)  # fmt: skip
AHEAD_SIZES = (*[SPANS] * 4, *[AGES] * 4)
WHOSE = torch.cat([torch.arange(4)[:, None], OTHER_VOICES], dim=1)  # (4, 4) each voice before the others
SHORTEST_GAP, LONGEST_GAP = 8, 48  # frames of a gap that training asks to be repaired


@dataclass(frozen=True)
class Seq2SeqConfig(NextFrameConfig):
    reader: int = 128  # channels a direction of the encoder
    heads: int = 4  # of the attention
    dropout: float = 0.35


class CanvasReader(nn.Module):
    """The encoder: two GRUs, one from either end, over what is given of every frame."""

    offsets: Tensor

    def __init__(self, config: Seq2SeqConfig):
        super().__init__()
        width = config.width
        self.forget = config.forget
        self.register_buffer("offsets", torch.tensor([0, *READER_SIZES]).cumsum(0), persistent=False)
        self.features = nn.Parameter(torch.randn(sum(READER_SIZES) + config.styles, width) * 0.02)
        self.key = nn.Linear(2 * PITCH_CLASSES, width)
        self.norm_in, self.norm_out = nn.LayerNorm(width), nn.LayerNorm(width)
        self.dropout = nn.Dropout(config.dropout)
        self.from_start, self.from_end = (nn.GRU(width, config.reader, batch_first=True) for _ in range(2))
        self.out = nn.Linear(2 * config.reader, width)

    def forward(self, batch: Batch, fixed: Tensor, ahead: tuple[Tensor, Tensor]) -> Tensor:
        """The memory (B, T, C), of the cells that are `fixed` (B, T, 4) and nothing else; ahead as by `next_note`."""
        sounds = torch.where(fixed, sounding_tokens(batch.tokens), FREE)  # (B, T, 4)
        index = reader_indices(batch, sounds, ahead) + self.offsets  # (B, T, n)
        features = sum_of_features(index, self.features, self.forget if self.training else 0)  # (B, T, C)
        x = self.norm_in(features + self.key(given_classes(sounds)))  # (B, T, C)
        x = self.dropout(x)
        turned = backwards(self.from_end(backwards(x, batch.weight))[0], batch.weight)
        read = torch.cat([self.from_start(x)[0], turned], -1)  # (B, T, 2 R)
        return self.norm_out(x + self.out(self.dropout(read)))


def backwards(x: Tensor, weight: Tensor) -> Tensor:
    """Each piece of x (B, T, C) from its own last frame to its first; padding, of weight (B, T) 0, stays behind it."""
    steps = torch.arange(x.shape[1], device=x.device)
    index = (weight.sum(1, keepdim=True).long() - 1 - steps) % x.shape[1]  # (B, T)
    return x.gather(1, index[:, :, None].expand_as(x))


def reader_indices(batch: Batch, sounds: Tensor, ahead: tuple[Tensor, Tensor]) -> Tensor:
    """What the encoder reads at each step, (B, T, n): one index for each of `READER_SIZES`, then the style."""
    pitch = torch.where(sounds == FREE, REST_TOKEN, sounds)
    kind = torch.where(batch.tokens == HOLD_TOKEN, 1, 2)
    kind = torch.where(pitch == REST_TOKEN, 0, kind)
    before = F.pad(pitch[:, :-1], (0, 0, 1, 0))  # a rest before the begin
    coming, wait = ahead  # (B, T, 4) each
    spans = [interval(pitch[..., u], pitch[..., v], SPAN) for u, v in SPAN_PAIRS]
    time = [place(batch), batch.to_end, batch.style[:, None].expand_as(batch.to_end)]
    melody = [interval(pitch, before, LEAP), interval(coming, pitch, LEAP)]
    return torch.cat([sounds, kind, *melody, wait, torch.stack(spans + time, -1)], dim=-1)


def next_note(tokens: Tensor, fixed: Tensor) -> tuple[Tensor, Tensor]:
    """Of each voice the next given note after each step: its token, a rest where there is none, and the steps to it.

    Both (B, T, 4), of tokens (B, T, 4) where `fixed` (B, T, 4).
    """
    begins, steps = fixed & (tokens >= FIRST_PITCH), tokens.shape[1]
    after = F.pad(nearest(begins)[1][:, 1:], (0, 0, 0, 1), value=steps)
    coming = tokens.gather(1, after.clamp(max=steps - 1))
    wait = (after - torch.arange(steps, device=after.device)[:, None]).clamp(max=OLD)
    return torch.where(after < steps, coming, REST_TOKEN), torch.where(after < steps, wait, OLD)


def given_classes(sounds: Tensor) -> Tensor:
    """Shares of the given pitch classes (B, T, 24): in the whole piece, and from a step to the end."""
    counts = class_counts(torch.where(sounds == FREE, REST_TOKEN, sounds))  # (B, T, 12)
    ahead = counts.flip(1).cumsum(1).flip(1)
    both = torch.stack([ahead[:, :1].expand_as(ahead), ahead], dim=2)  # (B, T, 2, 12)
    return (both / (both.sum(-1, keepdim=True) + 1)).flatten(2)


class AttentionalDecoder(nn.Module):
    """A GRU that sees the memory at its own step, then looks about in all of it.

    Its state carries the recurrence; the context is keys, values and which frames are there; timed is the memory.
    """

    def __init__(self, config: Seq2SeqConfig):
        super().__init__()
        width = config.width
        self.heads, self.memory = config.heads, (1,)
        self.gru = nn.GRU(2 * width, width, batch_first=True)
        self.query, self.keys, self.values = (nn.Linear(width, width) for _ in range(3))
        self.out = nn.Linear(2 * width, width)
        self.dropout = nn.Dropout(config.dropout)

    def open(self, memory: Tensor, ahead: Tensor, weight: Tensor) -> State:
        """The state before the first frame of a memory (B, T, C), of which padding has the weight (B, T) 0."""
        recurrent = torch.zeros(len(memory), 1, self.gru.hidden_size, device=memory.device)
        keys, values = (self._split(x, len(memory)) for x in (self.keys(memory), self.values(memory)))  # (B, H, T, C/H)
        return State((recurrent,), (keys, values, weight > 0), (memory, ahead))

    def forward(self, x: Tensor, here: Tensor, state: State) -> tuple[Tensor, State]:
        """x (N, T, C) and the memory `here` (N, T, C) -> hidden vectors (N, T, C), and the state after them."""
        keys, values, there = state.context
        hidden, _ = self.gru(torch.cat([x, here], -1), state.carried[0][:, -1:].transpose(0, 1).contiguous())
        query = self._split(self.query(hidden), keys.shape[0])  # (B, H, N / B * T, C/H)
        scores = query @ keys.transpose(-1, -2) * query.shape[-1] ** -0.5
        weights = scores.masked_fill(~there[:, None, None], -torch.inf).softmax(-1)
        seen = (weights @ values).transpose(1, 2).reshape(hidden.shape)  # (N, T, C)
        out = hidden + self.out(self.dropout(torch.cat([seen, here], -1)))
        timed = tuple(rest[:, x.shape[1] :] for rest in state.timed)
        return out, State((hidden,), state.context, timed)

    def _split(self, x: Tensor, pieces: int) -> Tensor:
        """x (N, T, C) of so many pieces, B -> (B, H, N / B * T, C/H), all that is of a piece together."""
        return x.reshape(pieces, -1, self.heads, x.shape[-1] // self.heads).transpose(1, 2)


class AheadHead(VoiceHead):
    """A voice head that is told which way it is, and how long, from its own last pitch to what is given next.

    The arguments are those of `VoiceHead`.
    """

    ahead_offsets: Tensor

    def __init__(self, width: int, inner: int, dropout: float, forget: float, styles: int, sonority: int):
        super().__init__(width, inner, dropout, forget, styles, sonority)
        rows = sum(AHEAD_SIZES)
        first = torch.tensor([0, *AHEAD_SIZES[:-1]]).cumsum(0) + torch.arange(4)[:, None] * rows
        self.register_buffer("ahead_offsets", first, persistent=False)  # (4, 8)
        self.ahead = nn.Parameter(torch.randn(4 * rows, inner) * 0.02)

    def _mixed(self, hidden: Tensor, history: History, voices: slice) -> Tensor:
        """Of hidden vectors and the next given notes, (N, C + 8), see `Seq2Seq.hidden`."""
        hidden, coming, wait = hidden.split((hidden.shape[1] - 8, 4, 4), dim=1)
        coming, wait = (x.long()[:, WHOSE.to(x.device)[voices]] for x in (coming, wait))  # (N, n, 4)
        spans = interval(coming, history.pitch[:, voices, None], SPAN)
        index = torch.cat([spans, wait], -1) + self.ahead_offsets[voices]  # (N, n, 8)
        features = sum_of_features(index, self.ahead, self.forget if self.training else 0)
        return super()._mixed(hidden, history, voices) + features


class Seq2Seq(NextFrame):
    """Trained to fill canvases of all kinds: to go on, to harmonise, to repair a gap, to begin from nothing.

    With nothing given its likelihood is that of any model that moves forward in time.
    """

    name, title = "seq2seq", "Seq2Seq"
    summary = "It reads all that is given before it writes: harmonising a tune, it knows the tune's end from the start."
    source = "Sutskever et al. 2014, arXiv 1409.3215; Bahdanau et al. 2014, arXiv 1409.0473"
    Config = Seq2SeqConfig
    looks_ahead = True

    def __init__(self, config: Seq2SeqConfig):
        super().__init__(config)
        self.reader = CanvasReader(config)

    def make_backbone(self, config: Seq2SeqConfig) -> nn.Module:
        return AttentionalDecoder(config)

    def make_head(self, config: Seq2SeqConfig) -> AheadHead:
        return AheadHead(**head_settings(config))

    def first_state(self, batch: Batch, fixed: Tensor) -> State:
        """The memory, opened. A voice that the style does not use counts as given just where the soprano is."""
        used = torch.arange(4, device=fixed.device) < batch.voices()
        fixed = torch.where(used, fixed, fixed[..., :1])
        ahead = next_note(batch.tokens, fixed)
        return self.backbone.open(self.reader(batch, fixed, ahead), torch.cat(ahead, dim=-1), batch.weight)

    def hidden(self, history: History, batch: Batch, state: State) -> tuple[Tensor, State]:
        """Hidden vectors with the next given notes behind them, (N, T, C + 8), and the state after them."""
        x, steps = self.sum_up(history, batch), batch.tokens.shape[1]
        memory, ahead = (rest[:, :steps] for rest in state.timed)
        seen, after = self.backbone(self.dropout(x), memory, state)
        hidden = self.dropout(self.norm_out(x + seen))
        return torch.cat([hidden, ahead], -1), after

    def loss(self, batch: Batch, part: str = "model") -> dict[str, Tensor]:
        """{"loss"}: nats a free cell; in training of canvases drawn at random, else of pieces from nothing."""
        fixed = draw_fixed(batch, self.config.any_order) if self.training else nothing_fixed(batch)
        return {"loss": self.free_nll(batch, fixed)}

    def free_nll(self, batch: Batch, fixed: Tensor) -> Tensor:
        """Mean -ln p of the cells that are not `fixed` (B, T, 4), given those that are."""
        rank = STANDARD_RANK.to(fixed.device) - 4 * fixed
        nll = self.cell_nll(batch, rank, self.first_state(batch, fixed))  # (B, T, n)
        free = batch.counted() * ~fixed[..., : nll.shape[2]]
        return (nll * free).sum() / free.sum().clamp(min=1)


def draw_fixed(batch: Batch, voices_given: float) -> Tensor:
    """Which cells are given, (B, T, 4) bool, drawn anew for each piece: as canvases come, and more mixed than they do.

    Along time a piece is given up to some step, outside a gap, in every other stretch, or nowhere; besides, some voices
    are given all along in a share `voices_given` of the pieces that have more than one, half the time just the soprano.
    """
    (size, steps, _), device = batch.tokens.shape, batch.tokens.device
    step = torch.arange(steps, device=device)
    first = torch.randint(steps, (size, 1), device=device)
    gap = torch.randint(SHORTEST_GAP, LONGEST_GAP + 1, (size, 1), device=device)
    kinds = torch.stack(
        [
            step < first // 2,  # going on
            (step < first) | (step >= first + gap),  # a gap to repair
            (step + first) // gap % 2 == 0,  # stretches
            torch.zeros(size, steps, dtype=torch.bool, device=device),
        ],
        dim=1,
    )  # (B, 4, T)
    kind = torch.multinomial(torch.tensor([4.0, 2.0, 1.0, 3.0], device=device), size, replacement=True)
    along = kinds[torch.arange(size, device=device), kind]  # (B, T)
    chance = torch.rand(size, 6, device=device)
    voices = torch.where(chance[:, :1] < 0.5, torch.arange(4, device=device) == 0, chance[:, 1:5] < 0.4)
    voices = voices & (chance[:, 5:] < voices_given) & (batch.voices() > 1)
    return along[:, :, None] | (voices & ~voices.all(1, keepdim=True))[:, None]
