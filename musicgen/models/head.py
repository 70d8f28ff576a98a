"""The voice head: from a hidden vector and what is known of a frame to the next voice of that frame.

A frame's voices are chosen one after another, each knowing those before it, so that the product of the four choices is
an exact likelihood (NADE: Larochelle & Murray 2011). Logits are sums of an absolute part and of parts relative to the
voice's own last pitch and to the other voices' pitches, so that what is learned in one key holds in all.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from musicgen.models.base import ENDINGS, FIRST_PITCH, HOLD_TOKEN, REST_TOKEN, VOCABULARY, pitch_mask
from musicgen.models.frames import (
    AGES,
    HALF_LIVES,
    LEAP,
    LEAPS,
    PITCH_CLASSES,
    PLACES,
    SPAN,
    SPANS,
    Past,
    interval,
    pitch_class,
    sum_of_facts,
)
from musicgen.sampling import parted
from musicgen.score import LOW, STYLES

ORDER = (0, 3, 1, 2)  # soprano, bass, alto, tenor: the outer voices first
OTHERS = torch.tensor([[u for u in range(4) if u != v] for v in range(4)])  # (4, 3)
PITCHES = VOCABULARY - FIRST_PITCH  # P
REACH = 24  # semitones from the voice's own last pitch that have a relative logit
MOTIONS = LEAPS + 2  # melodic intervals, then "held", then "not known yet"
ILLEGAL = -1e9
SIZES = (
    *[VOCABULARY + 1] * 3, *[SPANS] * 3, *[MOTIONS] * 3, *[SPANS] * 3, AGES, AGES, LEAPS, VOCABULARY, PLACES, ENDINGS,
)  # fmt: skip
OUTPUTS = (VOCABULARY, 2 * REACH + 1, 6 * PITCH_CLASSES, len(HALF_LIVES))


def known_before(rank: Tensor) -> Tensor:
    """Each voice's place in the order, (..., 4) -> which others each voice knows, (..., 4, 3)."""
    return rank[..., OTHERS] < rank[..., None]


VOICE_NUMBERS = torch.arange(4)
STANDARD_RANK = torch.tensor(ORDER).argsort()  # (4,)


class VoiceHead(nn.Module):
    def __init__(self, width: int, inner: int, dropout: float, forget: float):
        super().__init__()
        self.forget = forget
        rows = sum(SIZES)
        self.register_buffer("offsets", torch.tensor([0, *SIZES[:-1]]).cumsum(0), persistent=False)
        self.register_buffer("rows", torch.arange(4) * rows, persistent=False)
        self.register_buffer("allowed", pitch_mask(), persistent=False)  # (styles, 4, V)
        self.facts = nn.Parameter(torch.randn(4 * rows, inner) * 0.02)
        self.mix = nn.Parameter(torch.randn(4, width, inner) / width**0.5)
        self.key = nn.Parameter(torch.randn(4, len(HALF_LIVES) * PITCH_CLASSES, inner) * 0.1)
        self.out = nn.Parameter(torch.randn(4, inner, sum(OUTPUTS)) * 0.3 / inner**0.5)
        self.bias = nn.Parameter(torch.zeros(4, sum(OUTPUTS)))
        self.progression = nn.Parameter(torch.zeros(4 * 3 * 2 * (PITCH_CLASSES + 1), PITCH_CLASSES))
        self.spacing = nn.Parameter(torch.zeros(4, 3, 2 * PITCHES - 1))
        self.register_buffer("heat", torch.ones(len(STYLES)))  # of the choice whether a note goes on, and
        self.register_buffer("shift", torch.zeros(len(STYLES)))  # what is added to its log-odds: `NextFrame.calibrate`
        self.norm = nn.LayerNorm(inner)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, hidden: Tensor, past: Past, frame: Tensor, known: Tensor, places: Tensor, endings: Tensor, style: Tensor,
        voices: slice,
    ) -> Tensor:  # fmt: skip
        """Logits (N, n, V) of the n voices asked for, with what the grammar forbids at `ILLEGAL`.

        hidden (N, C); past of N frames; frame (N, 4) tokens, of which voice i may see its others where known (N, n, 3);
        places, endings, style (N,); voices a slice of the four, so that their weights are not copied.
        """
        others = OTHERS[voices]  # (n, 3)
        own = past.pitch[:, voices, None]  # (N, n, 1) the voice's last pitch
        last = past.pitch[:, others]  # (N, n, 3) the others' last pitches
        token = frame[:, others]  # (N, n, 3)
        now = torch.where(token == HOLD_TOKEN, last, token)  # (N, n, 3) the others' pitches in this frame
        now = torch.where(known, now, REST_TOKEN)

        facts = self._facts(past, token, now, known, voices, places, endings)  # (N, n, D)
        key = rotate(past.histogram()[:, None], own, back=False).flatten(2)  # (N, n, 36)
        facts = facts + torch.einsum("bvk,vkd->bvd", key, self.key[voices])
        inner = self.dropout(F.gelu(self.norm(self._mixed(hidden, past, voices) + facts)))  # (N, n, D)
        out = torch.einsum("bvd,vdo->bvo", inner, self.out[voices]) + self.bias[voices]
        absolute, relative, classes, scales = out.split(OUTPUTS, dim=-1)

        by_class = self._by_class(classes, scales, past, own, last, now, known, voices)  # (N, n, 12)
        octaves = by_class.roll(-LOW, -1).repeat(1, 1, 1 + PITCHES // PITCH_CLASSES)
        pitches = octaves[..., :PITCHES] + self._reach(relative, own) + self._spacing(now, voices)  # (N, n, P)
        logits = torch.cat([absolute[..., :FIRST_PITCH], absolute[..., FIRST_PITCH:] + pitches], dim=-1)
        logits = logits.masked_fill(~self.legal(past, style, voices), ILLEGAL)
        hold, odds = logits[..., HOLD_TOKEN], parted(logits, HOLD_TOKEN)[0]
        fitted = odds / self.heat[style, None] + self.shift[style, None]
        hold = torch.where(hold > ILLEGAL, hold - odds + fitted, ILLEGAL)
        return torch.cat([logits[..., :HOLD_TOKEN], hold[..., None], logits[..., FIRST_PITCH:]], dim=-1)

    def legal(self, past: Past, style: Tensor, voices: slice) -> Tensor:
        """Which tokens the grammar allows next, (N, n, V)."""
        allowed = self.allowed[style][:, voices].clone()
        allowed[..., HOLD_TOKEN] &= past.pitch[:, voices] != REST_TOKEN
        return allowed

    def _mixed(self, hidden: Tensor, past: Past, voices: slice) -> Tensor:
        """What hidden vectors (N, C) tell each voice, (N, n, D)."""
        return torch.einsum("bc,vcd->bvd", hidden, self.mix[voices])

    def _facts(self, past, token, now, known, voices, places, endings) -> Tensor:
        """The sum of the embeddings of everything known about each voice's choice, (N, n, D)."""
        own, last = past.pitch[:, voices], past.pitch[:, OTHERS[voices]]
        motion = torch.where(token == HOLD_TOKEN, LEAPS, interval(now, last, LEAP))
        single = [
            past.age[:, voices],
            past.still[:, voices],
            interval(own, past.before[:, voices], LEAP),
            own,
            places[:, None].expand_as(own),
            endings[:, None].expand_as(own),
        ]
        index = torch.cat(
            [
                torch.where(known, token, VOCABULARY),
                interval(now, own[..., None], SPAN),
                torch.where(known, motion, LEAPS + 1),
                interval(last, own[..., None], SPAN),
                torch.stack(single, -1),
            ],
            dim=-1,
        )  # (N, n, len(SIZES))
        index = index + self.offsets + self.rows[voices][:, None]
        return sum_of_facts(index, self.facts, self.forget if self.training else 0)

    def _by_class(self, classes, scales, past, own, last, now, known, voices) -> Tensor:
        """Logits of the pitch classes (N, n, 12): by interval to the others' last and present pitches, and by key."""
        weights = classes.unflatten(-1, (6, PITCH_CLASSES))  # (N, n, 6, 12)
        before = interval_class(own, last)  # (N, n, 3) how far the voice stood above each other
        moved = (now != last).long()
        row = (((VOICE_NUMBERS[voices, None] * 3 + torch.arange(3)) * 2 + moved) * (PITCH_CLASSES + 1)) + before
        weights = weights + F.pad(F.embedding(row, self.progression), (0, 0, 3, 0))
        anchors = torch.cat([last, now], -1)  # (N, n, 6)
        sounds = (anchors >= FIRST_PITCH).float()
        turned = rotate(weights.unsqueeze(-2), anchors[..., None], back=True).squeeze(-2)  # (N, n, 6, 12)
        key = torch.einsum("bvk,bkc->bvc", scales, past.histogram())
        return (turned * sounds[..., None]).sum(-2) + key

    def _reach(self, relative: Tensor, own: Tensor) -> Tensor:
        """Logits by distance from the voice's own last pitch, (N, n, P); 0 beyond the reach and after a rest."""
        distance = torch.arange(FIRST_PITCH, VOCABULARY) - own  # (N, n, P)
        near = (distance.abs() <= REACH) & (own >= FIRST_PITCH)
        index = torch.where(near, distance + REACH, 2 * REACH + 1)
        return F.pad(relative, (0, 1)).gather(-1, index)

    def _spacing(self, now: Tensor, voices: slice) -> Tensor:
        """Logits by signed distance from the other voices' present pitches, (N, n, P): crossing, spacing, doubling."""
        table = self.spacing[voices].unfold(-1, PITCHES, 1).flip(-2)  # (n, 3, P other, P own)
        table = F.pad(table, (0, 0, FIRST_PITCH, 0)).flatten(0, 2)  # (n * 3 * V, P), zeros where the other is silent
        row = torch.arange(now.shape[1] * 3).view(-1, 3) * VOCABULARY + now  # (N, n, 3)
        return sum_of_facts(row, table, 0)


def interval_class(upper: Tensor, lower: Tensor) -> Tensor:
    """(upper - lower) modulo the octave, `PITCH_CLASSES` where either does not sound."""
    sounds = (upper >= FIRST_PITCH) & (lower >= FIRST_PITCH)
    return torch.where(sounds, (upper - lower) % PITCH_CLASSES, PITCH_CLASSES)


def rotate(values: Tensor, anchors: Tensor, back: bool) -> Tensor:
    """Count the last dimension (12) from the pitch class of the anchors (..., m) and no more from C, or back."""
    shift = pitch_class(anchors)[..., None] * (-1 if back else 1)  # (..., m, 1)
    index = (torch.arange(PITCH_CLASSES) + shift) % PITCH_CLASSES
    shape = torch.broadcast_shapes(values.shape, index.shape)
    return values.expand(shape).gather(-1, index.expand(shape))
