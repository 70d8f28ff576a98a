"""What the models that move forward in time share: all but the backbone."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from musicgen.models.base import (
    HOLD_TOKEN,
    METER_NAMES,
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
from musicgen.sampling import draw
from musicgen.score import METERS, STYLES, Canvas, Patch

CADENCE = 0.5  # of the temperature, in the last bar: a piece closes with less surprise than it went on with


@dataclass(frozen=True)
class NextFrameConfig:
    width: int = 256  # C, channels a frame
    layers: int = 1
    inner: int = 160  # D, channels of the voice head
    dropout: float = 0.45
    forget: float = 0.2  # share of the facts about the past left out at random in training
    any_order: float = 0.5  # share of training pieces with the voices in an order that fixed cells could ask for


class NextFrame(MusicModel):
    """Predicts each frame from those before it: p(score) = prod over frames and voices, an exact likelihood.

    A subclass builds the backbone, a causal module `(x (B, T, C), state | None) -> (hidden (B, T, C), state)` that
    gives the same hidden vectors whether it reads T frames at once or one at a time with the state handed on.
    """

    Config = NextFrameConfig
    temperature_note = "Divides the logits of every choice, half of it in the last bar: low plays safe, high surprises."

    def __init__(self, config: NextFrameConfig):
        super().__init__()
        self.config = config
        self.register_buffer("offsets", torch.tensor([0, *BACKBONE_SIZES[:-1]]).cumsum(0), persistent=False)
        self.facts = nn.Parameter(torch.randn(sum(BACKBONE_SIZES), config.width) * 0.02)
        self.key = nn.Linear(len(HALF_LIVES) * PITCH_CLASSES, config.width)
        self.norm_in, self.norm_out = nn.LayerNorm(config.width), nn.LayerNorm(config.width)
        self.dropout = nn.Dropout(config.dropout)
        self.backbone = self.make_backbone(config)
        self.head = VoiceHead(config.width, config.inner, config.dropout, config.forget)

    def make_backbone(self, config: NextFrameConfig) -> nn.Module:
        raise NotImplementedError

    def hidden(self, past: Past, batch: Batch, state=None) -> tuple[Tensor, object]:
        """Pasts (B, T, ...) -> hidden vectors (B, T, C) and the backbone's state after them."""
        index = backbone_indices(past, batch) + self.offsets  # (B, T, n)
        facts = sum_of_facts(index, self.facts, self.config.forget if self.training else 0)  # (B, T, C)
        x = self.norm_in(facts + self.key(past.histogram().flatten(-2)))  # (B, T, C)
        seen, state = self.backbone(self.dropout(x), state)
        return self.dropout(self.norm_out(x + seen)), state

    def logits(self, batch: Batch, rank: Tensor | None = None) -> Tensor:
        """Logits (B, T, n, V) of every cell given all frames before it and the voices `rank` (B, 4) puts before it.

        n is 4, or fewer where no piece of the batch uses the lower voices.
        """
        past = pasts(batch.tokens)
        hidden, _ = self.hidden(past, batch)
        rank = STANDARD_RANK.expand(len(batch.tokens), 4) if rank is None else rank
        steps, voices = batch.tokens.shape[1], slice(batch.voices())
        flat = Past(*(getattr(past, f.name).flatten(0, 1) for f in fields(Past)))
        logits = self.head(
            hidden.flatten(0, 1),
            flat,
            batch.tokens.flatten(0, 1),
            known_before(rank)[:, voices].repeat_interleave(steps, 0),
            place(batch).flatten(),
            batch.to_end.flatten(),
            batch.style.repeat_interleave(steps),
            voices,
        )
        return logits.unflatten(0, batch.tokens.shape[:2])

    def loss(self, batch: Batch, player: str = "model") -> dict[str, Tensor]:
        """{"loss"}: nats a cell; in training some pieces take another order of the voices."""
        rank = self._ranks(len(batch.tokens)) if self.training else None
        counted = batch.counted()
        return {"loss": (self.cell_nll(batch, rank) * counted).sum() / counted.sum()}

    def cell_nll(self, batch: Batch, rank: Tensor | None = None) -> Tensor:
        """-ln p of every cell, (B, T, n)."""
        logits = self.logits(batch, rank).float()
        target = batch.tokens[..., : logits.shape[2]]
        return F.cross_entropy(logits.flatten(0, 2), target.flatten(), reduction="none").view(target.shape)

    def _ranks(self, batch: int) -> Tensor:
        """Orders of the voices, (B, 4): some voices come first, as if given, each group in the usual order."""
        given = (torch.rand(batch, 4) < 0.5) & (torch.rand(batch, 1) < self.config.any_order)
        return STANDARD_RANK - 4 * given

    def stream(self, canvas: Canvas, *, temperature: float = 1.0, top_p: float = 1.0, seed: int = 0) -> Iterator[Patch]:
        """A patch a beat. `temperature` divides all logits, half of it in the last bar; 0 takes the likeliest."""
        rng = torch.Generator().manual_seed(seed)
        batch, fixed = collate([features_of(canvas.score)]), torch.from_numpy(canvas.fixed.copy())
        meter, steps = METERS[canvas.score.meter], canvas.score.steps
        past, state, frames = Past.empty(1), None, []
        for step in range(steps):
            heat = temperature * (CADENCE if step >= steps - meter.steps else 1)
            frame, state = self._next(past, state, batch, step, fixed[step], heat, top_p, rng)
            past = past.after(frame)
            frames.append(frame)
            if len(frames) == meter.beat or step + 1 == steps:
                yield Patch(step + 1 - len(frames), to_cells(torch.cat(frames).numpy()))
                frames = []

    @torch.inference_mode()
    def _next(self, past, state, batch, step, fixed, temperature, top_p, rng) -> tuple[Tensor, object]:
        """The frame (1, 4) at `step`: fixed cells as they are, the other voices chosen knowing those before them."""
        now = slice_steps(batch, step)
        stacked = Past(*(getattr(past, f.name)[:, None] for f in fields(Past)))
        hidden, state = self.hidden(stacked, now, state)
        frame = torch.where(fixed, now.tokens[:, 0], 0)  # (1, 4)
        chosen = fixed.clone()
        must_sound = self._must_sound(past, frame[0], fixed, now)
        for voice in ORDER:
            if chosen[voice]:
                continue
            one = slice(voice, voice + 1)
            known = known_before((~chosen).long())[one]
            logits = self.head(
                hidden[:, 0], past, frame, known[None], place(now)[:, 0], now.to_end[:, 0], now.style, one
            )
            if must_sound:
                logits[..., REST_TOKEN] = ILLEGAL
            frame[0, voice] = draw(logits[0, 0], temperature, top_p, rng, exempt=HOLD_TOKEN)
            chosen[voice] = True
        return frame, state

    @staticmethod
    def _must_sound(past: Past, frame: Tensor, fixed: Tensor, now: Batch) -> bool:
        """Whether no free voice may rest: silence lasted the style's breath, and no given voice rests here.

        Some of the corpus rests while instruments play, or before an upbeat; nobody asks for that.
        """
        used = slice(now.voices())
        breath = STYLES[STYLE_NAMES[now.style]].breath * METERS[METER_NAMES[now.meter]].beat
        silent = (past.pitch[0, used] == REST_TOKEN) & (past.age[0, used] >= breath - 1)
        given = frame[used][fixed[used]]
        return bool((breath == 0 or silent.all()) and (given != REST_TOKEN).all())


def slice_steps(batch: Batch, step: int) -> Batch:
    cut = slice(step, step + 1)
    timed = {k: getattr(batch, k)[:, cut] for k in ("tokens", "position", "to_end", "weight")}
    return replace(batch, **timed)
