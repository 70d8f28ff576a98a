"""What a model that moves forward in time is told of the frames behind it, each feature as an index or a histogram."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional as F

from musicgen.models.base import (
    BAR_STEPS,
    END_CASES,
    FIRST_PITCH,
    HOLD_TOKEN,
    METER_NAMES,
    REST_TOKEN,
    VOCABULARY,
    VOICES_OF,
    Batch,
)
from musicgen.models.form import LAGS, RUNS, Echo, Trail
from musicgen.score import LONGEST_BAR, LOW

OLD = 24  # steps; an age is told apart up to here
HALF_LIVES = (8.0, 32.0, 128.0)  # steps, of the three pitch-class histograms: this beat, this phrase, this key
LEAP, SPAN = 13, 30  # semitones: melodic and harmonic intervals are told apart up to here
LEAPS, SPANS, AGES = 2 * LEAP + 2, 2 * SPAN + 2, OLD + 1  # ... and one index for "none"
DEEDS = LEAPS + 1  # what a voice did: a melodic interval, or a hold
PITCH_CLASSES = 12
PLACES = len(METER_NAMES) * LONGEST_BAR  # positions in the bar, meter by meter
SPAN_PAIRS = ((0, 1), (1, 2), (2, 3), (0, 3))  # voices whose interval the backbone is told


@dataclass(frozen=True)
class History:
    """The frames so far, summed up; leading dimensions (B,) or, stacked over time, (B, T)."""

    pitch: Tensor  # (..., 4) token that sounds, REST_TOKEN where none does
    before: Tensor  # (..., 4) the pitch the voice had before that one
    age: Tensor  # (..., 4) steps since the onset
    still: Tensor  # (..., 4) steps since the pitch changed
    classes: Tensor  # (..., 3, 12) decaying counts of pitch classes
    trail: Trail

    @classmethod
    def empty(cls, meter: Tensor) -> "History":
        """Before the first frame of pieces in these meters, (B,)."""
        device = meter.device
        none, old = (torch.full((len(meter), 4), x, device=device) for x in (REST_TOKEN, OLD))
        classes = torch.zeros(len(meter), len(HALF_LIVES), PITCH_CLASSES, device=device)
        return cls(none, none, old, old, classes, Trail.empty(BAR_STEPS.to(device)[meter]))

    def packed(self) -> list[Tensor]:
        """All of it in four tensors: what is of each voice (..., 4 + 2K, 4), classes, frames, and the bar's steps."""
        t = self.trail
        single = torch.stack([self.pitch, self.before, self.age, self.still], -2)
        return [torch.cat([single, t.repeats, t.rhythm], -2), self.classes, t.frames, t.bar]

    @classmethod
    def by(cls, packed: Sequence[Tensor]) -> "History":
        of_voices, classes, frames, bar = packed
        single, repeats, rhythm = of_voices.split((4, len(LAGS), len(LAGS)), -2)
        pitch, before, age, still = single.unbind(-2)
        return cls(pitch, before, age, still, classes, Trail(frames, repeats, rhythm, bar))

    def each(self, change: Callable[[Tensor], Tensor]) -> "History":
        """The same with every tensor changed alike, as when dimensions are added or flattened."""
        own = self.pitch, self.before, self.age, self.still, self.classes
        changed = History(*map(change, own), trail=self.trail.each(change))
        if "histogram" in vars(self):  # known already
            vars(changed)["histogram"] = change(self.histogram)
        return changed

    def after(self, frame: Tensor) -> "History":
        """The history one frame (..., 4) later."""
        hold, rest = frame == HOLD_TOKEN, frame == REST_TOKEN
        pitch = torch.where(hold, self.pitch, frame)
        changed = pitch != self.pitch
        goes_on = hold | (rest & ~changed)
        return History(
            pitch,
            torch.where(changed & (self.pitch >= FIRST_PITCH), self.pitch, self.before),
            torch.where(goes_on, self.age + 1, 0).clamp(max=OLD),
            torch.where(changed, 0, self.still + 1).clamp(max=OLD),
            self.classes * DECAYS.to(frame.device) + class_counts(pitch)[..., None, :],
            self.trail.after(frame, pitch),
        )

    def ahead(self, steps: Tensor) -> "History":
        """Of N pieces the history before each of `steps` (S,), 0, 1 ..., to come, (N, S, ...), should nothing begin."""
        later = steps[:, None]
        grown = DECAYS.to(steps.device) ** later[..., None]  # (S, 3, 1)
        counts = class_counts(self.pitch)[:, None, None]  # (N, 1, 1, 12)
        classes = self.classes[:, None] * grown + counts * (1 - grown) / (1 - DECAYS.to(steps.device))
        pitch, before = (x[:, None] + 0 * later for x in (self.pitch, self.before))  # (N, S, 4)
        age, still = ((x[:, None] + later).clamp(max=OLD) for x in (self.age, self.still))
        trail = self.trail.ahead(steps, held(self.pitch), self.pitch)
        return History(pitch, before, age, still, classes, trail)

    @cached_property
    def histogram(self) -> Tensor:
        """Shares of the pitch classes at three ranges, (..., 3, 12)."""
        return self.classes / (self.classes.sum(-1, keepdim=True) + 1)


DECAYS = 0.5 ** (1 / torch.tensor(HALF_LIVES))[:, None]  # (3, 1)


def held(pitch: Tensor) -> Tensor:
    """The tokens (..., 4) of voices that go on with what sounds."""
    return torch.where(pitch == REST_TOKEN, REST_TOKEN, HOLD_TOKEN)


def pitch_class(token: Tensor) -> Tensor:
    return (token - FIRST_PITCH + LOW) % PITCH_CLASSES


def interval(upper: Tensor, lower: Tensor, limit: int) -> Tensor:
    """Semitones between two tokens, clipped to +-limit, as an index; the last index where either does not sound."""
    sounds = (upper >= FIRST_PITCH) & (lower >= FIRST_PITCH)
    return torch.where(sounds, (upper - lower).clamp(-limit, limit) + limit, 2 * limit + 1)


TOKENS = torch.arange(VOCABULARY)
LEAP_OF, SPAN_OF = (interval(TOKENS[:, None], TOKENS, limit) for limit in (LEAP, SPAN))  # (V, V)
CLASSES_OF = F.one_hot(pitch_class(TOKENS), PITCH_CLASSES) * (TOKENS >= FIRST_PITCH)[:, None]  # (V, 12)


def at(table: Tensor, row: Tensor, column: Tensor) -> Tensor:
    """table[row, column], as one look-up."""
    return table.to(row.device).flatten()[row * table.shape[1] + column]


def class_counts(pitch: Tensor) -> Tensor:
    """Tokens (..., 4) -> how many voices sound each pitch class, (..., 12)."""
    return CLASSES_OF.to(pitch.device)[pitch].sum(-2).float()


def histories(tokens: Tensor, meter: Tensor) -> History:
    """Tokens (B, T, 4) -> the history before every step and after the last, (B, T + 1, ...)."""
    start = History.empty(meter)
    steps = torch.arange(tokens.shape[1], device=tokens.device)[:, None]  # (T, 1)
    sounds = sounding_tokens(tokens)
    last = torch.cat([start.pitch[:, None], sounds[:, :-1]], 1)  # (B, T, 4)
    changed, rest = sounds != last, tokens == REST_TOKEN
    goes_on = (tokens == HOLD_TOKEN) | (rest & ~changed)
    left = torch.where(changed & (last >= FIRST_PITCH), steps, -1).cummax(1).values  # when a pitch was left last
    before = torch.where(left < 0, REST_TOKEN, last.gather(1, left.clamp(min=0)))
    found = [sounds, before, _since(~goes_on), _since(changed), decayed(class_counts(sounds))]
    first = start.pitch, start.before, start.age, start.still, start.classes
    found = [torch.cat([x[:, None], xs], 1) for x, xs in zip(first, found)]
    return History(*found, trail=Trail.along(tokens, sounds, start.trail.bar))


def _since(event: Tensor) -> Tensor:
    """Steps since the last event, (B, T, 4), at most `OLD`."""
    steps = torch.arange(event.shape[1], device=event.device)[:, None]
    return (steps - torch.where(event, steps, -OLD - 1).cummax(1).values).clamp(max=OLD)


def decayed(counts: Tensor) -> Tensor:
    """Counts (B, T, 12) -> their sums up to each step, the older the weaker, (B, T, 3, 12)."""
    steps = torch.arange(counts.shape[1], device=counts.device)
    age = (steps[:, None] - steps).clamp(min=0)
    weights = (DECAYS.to(counts.device)[:, :, None] ** age).tril()  # (3, T, T)
    with torch.autocast(counts.device.type, enabled=False):
        return torch.einsum("kts,bsc->btkc", weights, counts)


def sounding_tokens(tokens: Tensor) -> Tensor:
    """Tokens (B, T, 4) -> the token that sounds in each cell: every HOLD replaced by its note."""
    steps = torch.arange(tokens.shape[1], device=tokens.device)[:, None]
    row = torch.where(tokens == HOLD_TOKEN, 0, steps).cummax(dim=1).values  # (B, T, 4) where a cell's note stands
    return tokens.gather(1, row)


def nearest(known: Tensor) -> tuple[Tensor, Tensor]:
    """The steps (B, T, 4) of the nearest known cell up to each cell and from it on; -1 and T where there is none."""
    steps = known.shape[1]
    step = torch.arange(steps, device=known.device)[:, None]
    before = torch.where(known, step, -1).cummax(1).values
    after = torch.where(known, step, steps).flip(1).cummin(1).values.flip(1)
    return before, after


def place(batch: Batch) -> Tensor:
    """Meter and position in the bar as one index, (B, T)."""
    return batch.meter[:, None] * LONGEST_BAR + batch.position


def sum_of_features(index: Tensor, table: Tensor, forget: float) -> Tensor:
    """Rows of `table` (R, C) named by `index` (N, n, k), summed to (N, n, C); a share `forget` left out at random."""
    if torch.onnx.is_in_onnx_export():  # where there are no bags
        return F.embedding(index, table).sum(-2)
    flat = index.flatten(0, 1)
    keep = (torch.rand(flat.shape, device=index.device) >= forget) / (1 - forget) if forget else None
    return F.embedding_bag(flat, table, mode="sum", per_sample_weights=keep).unflatten(0, index.shape[:2])


FORM_SIZES = (*[DEEDS] * len(LAGS) * 2, *[SPANS] * len(LAGS), *[RUNS] * len(LAGS))


def backbone_sizes(styles: int) -> tuple[int, ...]:
    """How many cases each feature of `backbone_indices` has in a model of so many styles."""
    return (
        *[VOCABULARY] * 4, *[LEAPS] * 4, *[SPANS] * len(SPAN_PAIRS), *[AGES] * 8, PLACES, END_CASES, styles * PLACES,
        *FORM_SIZES,
    )  # fmt: skip


def backbone_indices(history: History, batch: Batch) -> Tensor:
    """What the backbone reads at each step, (B, T, n): an index for each of `backbone_sizes`.

    Those of the form are left out where no piece `looks_back`; in a mixed batch they are 0 in the others.
    """
    upper, lower = torch.tensor(SPAN_PAIRS, device=history.pitch.device).T
    where = place(batch)
    time = [where, batch.to_end, batch.style[:, None] * PLACES + where]
    index = [
        history.pitch,
        at(LEAP_OF, history.pitch, history.before),
        at(SPAN_OF, history.pitch[..., upper], history.pitch[..., lower]),
        history.age,
        history.still,
        torch.stack(time, -1),
    ]
    looking = looks_back(batch.style)
    if looking.any():
        index.append(torch.where(looking[:, None, None], form_indices(history), 0))
    return torch.cat(index, -1)


def looks_back(style: Tensor) -> Tensor:
    """Whether features of the form are told in each piece's style, (B,): in those of one voice.

    What four voices did eight bars ago names the piece, and the few pieces of several voices would be learned by heart.
    In them an earlier bar can be copied all the same, as strongly as the style's table says.
    """
    return VOICES_OF.to(style.device)[style] == 1


def form_indices(history: History) -> Tensor:
    """Of the only voice, at each lag: what it did there, and next, how far that was from now, for how long it is so.

    (..., 4K), an index for each table of `FORM_SIZES`.
    """
    echo = Echo(*(x[..., 0] for x in history.trail.echo))
    away = at(SPAN_OF, history.pitch[..., :1], echo.before)
    deeds = deed(echo.token, echo.sound, echo.before), deed(echo.next_token, echo.next_sound, echo.before)
    return torch.cat([*deeds, away, history.trail.repeats[..., 0]], -1)


def deed(token: Tensor, sound: Tensor, before: Tensor) -> Tensor:
    """What a voice did, as an index below `DEEDS`: the interval from what sounded before, or a hold."""
    return torch.where(token == HOLD_TOKEN, LEAPS, at(LEAP_OF, sound, before))
