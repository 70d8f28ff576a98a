"""The voice head: from a hidden vector and what is known of a frame to the next voice of that frame.

A frame's voices are chosen one after another, each knowing those before it, so that the product of the four choices is
an exact likelihood (NADE: Larochelle & Murray 2011). Logits are sums of an absolute part and of parts relative to the
voice's own last pitch, to the other voices' pitches and to the chord they make, so that what is learned in one key
holds in all; and of what may be copied from earlier bars. What depends on the history alone is worked out once a frame,
see `Ground`.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from musicgen.models.base import END_CASES, FIRST_PITCH, HOLD_TOKEN, REST_TOKEN, VOCABULARY, pitch_mask
from musicgen.models.draw import ILLEGAL
from musicgen.models.form import COPIES, LAGS, RUNS, Copied, Copy
from musicgen.models.frames import (
    AGES,
    CLASSES_OF,
    DEEDS,
    HALF_LIVES,
    LEAP,
    LEAP_OF,
    LEAPS,
    PITCH_CLASSES,
    PLACES,
    SPAN_OF,
    SPANS,
    TOKENS,
    History,
    at,
    deed,
    interval,
    looks_back,
    pitch_class,
    sum_of_features,
)
from musicgen.models.sonority import CHORDS, Others, Sonority

ORDER = (0, 3, 1, 2)  # soprano, bass, alto, tenor: the outer voices first
OTHER_VOICES = torch.tensor([[u for u in range(4) if u != v] for v in range(4)])  # (4, 3)
PITCHES = VOCABULARY - FIRST_PITCH  # P
REACH = 24  # semitones from the voice's own last pitch that have a relative logit
MOTIONS = LEAPS + 2  # melodic intervals, then "held", then "not known yet"
FRAME_SIZES = (*[VOCABULARY + 1] * 3, *[SPANS] * 3, *[MOTIONS] * 3)  # features of the frame, and of the history:
HISTORY_SIZES = (
    *[SPANS] * 3, AGES, AGES, LEAPS, VOCABULARY, PLACES, END_CASES, *[DEEDS] * len(LAGS), *[RUNS] * 2 * len(LAGS),
)  # fmt: skip
OUTPUTS = (VOCABULARY, 2 * REACH + 1, 6 * PITCH_CLASSES, len(HALF_LIVES), COPIES * len(LAGS))
DRAWN_PROGRESSION = 1.5  # times the learned weight of progressions, while composing: else octaves run in parallel
FAST_PROGRESSION, FAST_SPACING = 8, 4  # times what is learned of intervals: each case is met seldom
PADDED_OUTPUTS = (VOCABULARY, 2 * REACH + 2, 6 * (PITCH_CLASSES + 1), len(HALF_LIVES), COPIES * len(LAGS))
STANDARD_RANK = torch.tensor(ORDER).argsort()  # (4,)

HOLDS = TOKENS == HOLD_TOKEN
INTERVAL_CLASS = interval(TOKENS[:, None], TOKENS, VOCABULARY)
INTERVAL_CLASS = torch.where(  # (V, V) semitones modulo the octave, `PITCH_CLASSES` where either does not sound
    INTERVAL_CLASS > 2 * VOCABULARY, PITCH_CLASSES, (INTERVAL_CLASS - VOCABULARY) % PITCH_CLASSES
)
FROM_ANCHOR = (torch.arange(PITCH_CLASSES) + pitch_class(TOKENS)[:, None]) % PITCH_CLASSES  # (V, 12)
TURNED = (torch.arange(len(HALF_LIVES))[:, None] * PITCH_CLASSES + FROM_ANCHOR[:, None]).flatten(1)  # (V, 36)
TO_ANCHOR = (torch.arange(PITCH_CLASSES) - pitch_class(TOKENS)[:, None]) % PITCH_CLASSES
TO_ANCHOR = torch.where((TOKENS >= FIRST_PITCH)[:, None], TO_ANCHOR, PITCH_CLASSES)  # one past the end: no anchor
OF_CLASS = CLASSES_OF.T.float()  # (12, V) which pitches are of each class
DISTANCE = TOKENS - TOKENS[:, None]  # (V, V)
WITHIN_REACH = (DISTANCE.abs() <= REACH) & (TOKENS >= FIRST_PITCH) & (TOKENS >= FIRST_PITCH)[:, None]
REACH_OF = torch.where(WITHIN_REACH, DISTANCE + REACH, 2 * REACH + 1)  # (V, V)

UNKNOWN = VOCABULARY  # stands for a token of this frame that is not known yet
MAYBE = torch.arange(VOCABULARY + 1)[:, None]  # a token or `UNKNOWN`; by the pitch before it:
NOW = torch.where(MAYBE == HOLD_TOKEN, TOKENS, torch.where(MAYBE == UNKNOWN, REST_TOKEN, MAYBE))  # (V + 1, V)
MOTION = torch.where(MAYBE == HOLD_TOKEN, LEAPS, interval(NOW, TOKENS, LEAP))
MOTION = torch.where(MAYBE == UNKNOWN, LEAPS + 1, MOTION).flatten()
MOVED = ((NOW != TOKENS) * (PITCH_CLASSES + 1)).flatten()  # as a step in the rows of `VoiceHead.progression`
NOW = NOW.flatten()


def known_before(rank: Tensor) -> Tensor:
    """Each voice's place in the order, (..., 4) -> which others each voice knows, (..., 4, 3)."""
    return rank[..., OTHER_VOICES.to(rank.device)] < rank[..., None]


class Tables(NamedTuple):
    """What is made of the weights and is the same for all frames."""

    out: Tensor  # (4, D, O) with a column of zeros after `relative` and after each of the classes
    bias: Tensor  # (4, 1, O)
    progression: Tensor  # (rows, 13) the last column is zeros
    sonority: Tensor | None  # see `Sonority.table`
    spacing: Tensor  # (12 V, V) logits by signed distance from another voice's pitch, 0 where either does not sound


class Ground(NamedTuple):
    """What n voices are told by the history alone, whatever the others do in this frame."""

    features: Tensor  # (N, n, D)
    own: Tensor  # (N, n, 1) the voice's last pitch
    last: Tensor  # (N, n, 3) the others'
    reach: Tensor  # (N, n, V) distance from the own last pitch, as an index
    row: Tensor  # (N, n, 3) of `VoiceHead.progression`
    forbidden: Tensor  # (N, n, V) by the grammar, and a hold
    may_hold: Tensor  # (N, n)
    copied: Copied
    heard: Tensor | None  # (N, n, V) logits that come on top
    histogram: Tensor  # (N, 3, 12)
    fit: Tensor  # (3, N, 1) 1 / temperature of a hold, its bias, 1 / temperature of a pitch, see `NextFrame.calibrate`
    tables: Tables

    def of(self, voices: slice) -> "Ground":
        if self.own.shape[1] == 1:  # then there is nothing to leave out
            return self
        heard = None if self.heard is None else self.heard[:, voices]
        return Ground._make([*(x[:, voices] for x in self[:7]), self.copied.of(voices), heard, *self[9:]])


class Choice(NamedTuple):
    """What a voice may do, in two parts that are drawn one after the other."""

    odds: Tensor  # (N, n) log-odds of a hold
    others: Tensor  # (N, n, V) logits of all else; `ILLEGAL` at a hold and at what the grammar forbids
    total: Tensor  # (N, n) their logsumexp
    sureness: Tensor  # (N, 1) times what others are in the likelihood

    def logits(self) -> Tensor:
        """What is likely, (N, n, V)."""
        others = (self.others * self.sureness[..., None]).clamp(min=ILLEGAL)
        hold = (others.logsumexp(-1) + self.odds).clamp(min=ILLEGAL)[..., None]
        return torch.where(HOLDS.to(hold.device), hold, others)


class VoiceHead(nn.Module):
    """Logits of the voices of a frame, one after another.

    Args:
        width: C, channels of the hidden vectors.
        inner: D, channels a voice.
        dropout: share of the channels left out in training.
        forget: share of the features left out in training.
        styles: how many of `STYLES`, the first ones, are told apart.
        sonority: R, numbers that a chord is known by; 0 for a head that knows pairs of voices alone.
    """

    frame_offsets: Tensor
    history_offsets: Tensor
    progression_rows: Tensor
    spacing_rows: Tensor
    allowed: Tensor
    hold_temperature: Tensor
    hold_bias: Tensor
    pitch_temperature: Tensor

    def __init__(self, width: int, inner: int, dropout: float, forget: float, styles: int, sonority: int):
        super().__init__()
        self.forget = forget
        frame_sizes = (*FRAME_SIZES, CHORDS) if sonority else FRAME_SIZES
        sizes = (*frame_sizes, *HISTORY_SIZES)
        offsets = torch.tensor([0, *sizes[:-1]]).cumsum(0) + torch.arange(4)[:, None] * sum(sizes)  # (4, features)
        pair = torch.arange(4)[:, None] * 3 + torch.arange(3)  # (4, 3) of a voice and each other
        buffers = {
            "frame_offsets": offsets[:, : len(frame_sizes)],
            "history_offsets": offsets[:, len(frame_sizes) :],
            "progression_rows": pair * 2 * (PITCH_CLASSES + 1),
            "spacing_rows": pair * VOCABULARY,
            "allowed": pitch_mask(),  # (styles, 4, V)
        }
        for name, tensor in buffers.items():
            self.register_buffer(name, tensor.clone(), persistent=False)
        self.features = nn.Parameter(torch.randn(4 * sum(sizes), inner) * 0.02)
        self.mix = nn.Parameter(torch.randn(4, width, inner) / width**0.5)
        self.key = nn.Parameter(torch.randn(4, len(HALF_LIVES) * PITCH_CLASSES, inner) * 0.1)
        self.out = nn.Parameter(torch.randn(4, inner, sum(OUTPUTS)) * 0.3 / inner**0.5)
        self.bias = nn.Parameter(torch.zeros(4, sum(OUTPUTS)))
        self.progression = nn.Parameter(torch.zeros(4 * 3 * 2 * (PITCH_CLASSES + 1), PITCH_CLASSES))
        self.spacing = nn.Parameter(torch.zeros(4, 3, 2 * PITCHES - 1))
        self.sonority = Sonority(inner, sonority) if sonority else None
        self.padded_outputs = (*PADDED_OUTPUTS, 1 + sonority) if sonority else PADDED_OUTPUTS
        self.copy = Copy(styles)
        self.register_buffer("hold_temperature", torch.ones(styles))  # see `NextFrame.calibrate`
        self.register_buffer("hold_bias", torch.zeros(styles))  # added to the log-odds of a hold
        self.register_buffer("pitch_temperature", torch.ones(styles))
        self.norm = nn.LayerNorm(inner)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, hidden: Tensor, history: History, frame: Tensor, known: Tensor, places: Tensor, endings: Tensor,
        style: Tensor, voices: slice,
    ) -> Tensor:  # fmt: skip
        """Logits (N, n, V) of the n voices asked for, with what the grammar forbids at `ILLEGAL`.

        Args:
            hidden: (N, C), what the backbone makes of the frames before.
            history: of N frames.
            frame: (N, 4) tokens of the frame that is written.
            known: (N, n, 3), which of the other voices each of the n may see in it.
            places, endings, style: (N,), see `Batch`.
            voices: a slice of the four, so that their weights are not copied.
        """
        seen = torch.where(known, frame[:, OTHER_VOICES.to(frame.device)[voices]], UNKNOWN)  # (N, n, 3)
        return self.choice(self.ground(hidden, history, places, endings, style, voices), seen, voices).logits()

    def ground(
        self, hidden: Tensor, history: History, places: Tensor, endings: Tensor, style: Tensor, voices: slice
    ) -> Ground:
        """What the history alone tells these voices; the arguments are those of `forward`."""
        own, last = history.pitch[:, voices], history.pitch[:, OTHER_VOICES.to(hidden.device)[voices]]
        echo = history.trail.echo.of(voices)
        leap, when = at(LEAP_OF, history.pitch, history.before), torch.stack([places, endings], -1)[:, None]
        single = torch.stack([history.age, history.still, leap, history.pitch], -1)[:, voices]
        index = [at(SPAN_OF, last, own[..., None]), single, when + 0 * own[..., None]]
        looking = looks_back(style)
        if looking.any():
            runs = (x[..., voices] for x in (history.trail.repeats, history.trail.rhythm))
            form = torch.cat([deed(*echo[:3]), *runs], -2).transpose(-1, -2)  # (N, n, 3K)
            index.append(torch.where(looking[:, None, None], form, 0))
        index = torch.cat(index, -1)
        index = index + self.history_offsets[voices, : int(index.shape[-1])]  # (N, n, features)
        features = sum_of_features(index, self.features, self.forget if self.training else 0)
        histogram = history.histogram
        key = turned(histogram, own)  # (N, n, 36)
        features = features + by_voice(key, self.key[voices]) + self._mixed(hidden, history, voices)
        row = self.progression_rows[voices] + at(INTERVAL_CLASS, own[..., None], last)
        copied = self.copy(history.trail, echo, own[..., None], style, voices)
        fit = torch.stack([1 / self.hold_temperature, self.hold_bias, 1 / self.pitch_temperature])[:, style, None]
        reach = REACH_OF.to(own.device)[own]
        may_hold = self.allowed[:, voices, HOLD_TOKEN][style] & (own != REST_TOKEN)
        forbidden = (~self.allowed | HOLDS.to(own.device))[:, voices][style]
        return Ground(
            features, own[..., None], last, reach, row, forbidden, may_hold, copied, None, histogram, fit,
            self.tables(),
        )  # fmt: skip

    def choice(self, ground: Ground, seen: Tensor, voices: slice) -> Choice:
        """What n voices may do, by their ground and by the others' tokens that are seen, (N, n, 3).

        A token that is not known yet is `UNKNOWN`.
        """
        device, tables = seen.device, ground.tables
        pair = seen * VOCABULARY + ground.last  # a row of the tables by token and last pitch
        now, motion, moved = (table.to(device)[pair] for table in (NOW, MOTION, MOVED))  # (N, n, 3) each
        index = [seen, SPAN_OF.to(device).flatten()[now * VOCABULARY + ground.own], motion]
        heard = Others.of(now, seen == UNKNOWN, voices) if self.sonority else None
        if heard:
            index.append(heard.chord()[..., None])
        index = torch.cat(index, -1) + self.frame_offsets[voices]
        features = sum_of_features(index, self.features, self.forget if self.training else 0)
        inner = self.dropout(F.gelu(self.norm(ground.features + features)))  # (N, n, D)
        out = by_voice(inner, tables.out[voices], tables.bias[voices])
        absolute, relative, classes, scales, again, *asked = out.split(self.padded_outputs, dim=-1)

        then, present = classes.reshape(-1, int(seen.shape[1]), 6, PITCH_CLASSES + 1).split(3, 2)  # (N, n, 3, 13) each
        weights = torch.cat([then, present + F.embedding(ground.row + moved, tables.progression)], 2)
        anchors = TO_ANCHOR.to(device)[torch.cat([ground.last, now], -1)]  # (N, n, 6, 12) last pitches and present ones
        by_class = weights.gather(-1, anchors).sum(-2) + torch.matmul(scales, ground.histogram.to(scales.dtype))
        if self.sonority and heard and tables.sonority is not None:
            chords = self.sonority(heard, asked[0], tables.sonority)  # (N, n, 12)
            by_class = by_class + chords
            absolute = absolute + chords.gather(-1, pitch_class(ground.own)) * HOLDS.to(device)  # a hold sounds as well
        logits = absolute + torch.matmul(by_class, OF_CLASS.to(device)) + relative.gather(-1, ground.reach)
        logits = logits + sum_of_features(now + self.spacing_rows[voices], tables.spacing, 0)  # (N, n, V)
        logits = ground.copied.added(logits, again)
        if ground.heard is not None:
            logits = logits + ground.heard
        others = logits.masked_fill(ground.forbidden, ILLEGAL)
        total = others.logsumexp(-1)
        odds = (logits[..., HOLD_TOKEN] - total) * ground.fit[0] + ground.fit[1]
        return Choice(torch.where(ground.may_hold, odds, ILLEGAL), others, total, ground.fit[2])

    def to_draw(self, ground: Ground) -> Ground:
        """The ground of what is drawn, in which progressions weigh more than in the likelihood."""
        if not self.sonority:
            return ground
        tables = ground.tables
        return ground._replace(tables=tables._replace(progression=DRAWN_PROGRESSION * tables.progression))

    def _mixed(self, hidden: Tensor, history: History, voices: slice) -> Tensor:
        """What hidden vectors (N, C) tell each voice, (N, n, D)."""
        return torch.matmul(hidden, self.mix[voices]).transpose(0, 1)

    def tables(self) -> Tables:
        absolute, relative, classes, scales, again = self.out.split(OUTPUTS, dim=-1)
        out = F.pad(relative, (0, 1)), F.pad(classes.unflatten(-1, (6, PITCH_CLASSES)), (0, 1)).flatten(-2)
        bias = self.bias[:, None].split(OUTPUTS, dim=-1)
        bias_out = F.pad(bias[1], (0, 1)), F.pad(bias[2].unflatten(-1, (6, PITCH_CLASSES)), (0, 1)).flatten(-2)
        asks = self.sonority.asks() if self.sonority else ()
        spacing = (self.spacing * FAST_SPACING).unfold(-1, PITCHES, 1).flip(-2)  # (4, 3, P other, P own)
        return Tables(
            torch.cat([absolute, *out, scales, again, *asks[:1]], -1),
            torch.cat([bias[0], *bias_out, *bias[3:], *asks[1:]], -1),
            F.pad(self.progression * FAST_PROGRESSION, (0, 1)),
            self.sonority.table() if self.sonority else None,
            F.pad(spacing, (FIRST_PITCH, 0, FIRST_PITCH, 0)).flatten(0, 2),
        )


def turned(histogram: Tensor, pitch: Tensor) -> Tensor:
    """Histograms (N, 3, 12) of pitch classes, counted from each of the pitches (N, n): (N, n, 36)."""
    shape = int(pitch.shape[1]), TURNED.shape[1]
    index = TURNED.to(pitch.device)[pitch].reshape(-1, shape[0] * shape[1])
    return histogram.reshape(-1, shape[1]).gather(1, index).reshape(-1, *shape)


def by_voice(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x (N, n, D), weights (n, D, E) and biases (n, 1, E), one for each voice -> (N, n, E)."""
    alone = len(weight) == 1  # then there is nothing to turn
    y = torch.matmul(x, weight[0]) if alone else torch.matmul(x.transpose(0, 1), weight).transpose(0, 1)
    return y if bias is None else y + bias[:, 0]
