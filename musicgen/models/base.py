"""The contract every architecture keeps, and the tensors it is trained on."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from musicgen.sampling import SamplingConfig
from musicgen.score import (
    HIGH,
    HOLD,
    LONGEST_BAR,
    LOW,
    METERS,
    REST,
    STYLES,
    Canvas,
    Patch,
    Score,
    sounding,
    voice_ranges,
)

REST_TOKEN, HOLD_TOKEN, FIRST_PITCH = 0, 1, 2  # a cell's index in the vocabulary; pitches follow from LOW up
VOCABULARY = FIRST_PITCH + HIGH - LOW + 1  # V
STYLE_NAMES, METER_NAMES = tuple(STYLES), tuple(METERS)
CELLS = np.array([REST, HOLD, *range(LOW, HIGH + 1)])  # (V,) what a token stands for
VOICES_OF = torch.tensor([len(s.ranges) for s in STYLES.values()])  # (styles,)
BAR_STEPS = torch.tensor([m.steps for m in METERS.values()])
BEAT_STEPS = torch.tensor([m.beat for m in METERS.values()])
END_STEPS = 2 * LONGEST_BAR  # the last steps are told apart one by one,
END_BARS = 8  # earlier ones by whole bars up to here
END_CASES = END_STEPS + END_BARS + 1


DEFAULTS = SamplingConfig()

LIKELIHOODS = {  # what a model's held-out nats a cell are
    "exact": "exact, left to right",
    "orderless": "mean over random orders",
    "bound": "an upper bound",
    "none": "none: a GAN has no likelihood",
}


@dataclass(frozen=True)
class Batch:
    """B pieces or crops of T steps, padded at the end where `weight` is 0."""

    tokens: Tensor  # (B, T, 4) indices of the vocabulary
    style: Tensor  # (B,) index into STYLE_NAMES
    meter: Tensor  # (B,) index into METER_NAMES
    position: Tensor  # (B, T) steps since the bar line
    to_end: Tensor  # (B, T) how far the end is, see `ending`
    weight: Tensor  # (B, T) 1 for a step that counts, 0 for padding
    hold_shift: Tensor  # (B,) added to the log-odds of a hold while composing, see `in_rhythm`

    def pieces(self, rows: Tensor) -> "Batch":
        """The pieces of these numbers, in this order; a piece may come again."""
        return Batch(**{f.name: getattr(self, f.name)[rows] for f in fields(Batch)})

    def timed(self, change: Callable[[Tensor], Tensor]) -> "Batch":
        """With what stands at each step, (B, T, ...), changed; what is of a whole piece stays."""
        return replace(self, **{k: change(getattr(self, k)) for k in ("tokens", "position", "to_end", "weight")})

    def to(self, device: torch.device) -> "Batch":
        return Batch(**{f.name: getattr(self, f.name).to(device) for f in fields(Batch)})

    def voices(self) -> int:
        """How many voices, from the top, the batch's styles use."""
        return int(VOICES_OF.to(self.style.device)[self.style].max())

    def counted(self) -> Tensor:
        """Which cells a loss is taken over, (B, T, n): not the padding, not the voices a style does not use."""
        device = self.style.device
        used = torch.arange(self.voices(), device=device) < VOICES_OF.to(device)[self.style][:, None]  # (B, n)
        return self.weight[:, :, None] * used[:, None]


def to_tokens(cells: np.ndarray) -> np.ndarray:
    return np.where(cells == REST, REST_TOKEN, np.where(cells == HOLD, HOLD_TOKEN, cells - LOW + FIRST_PITCH))


def to_cells(tokens: np.ndarray) -> np.ndarray:
    return CELLS[tokens]


def ending(steps: int, bar: int) -> np.ndarray:
    """For each of `steps` steps, how far the end is, as an index below `END_CASES`."""
    left = np.arange(steps - 1, -1, -1)
    return np.where(left < END_STEPS, left, END_STEPS + np.minimum(left // bar, END_BARS))


FAR_END = END_CASES - 1  # what a step is told when the end is far off, or not to be known


def features_of(score: Score, end_known: bool = True) -> dict[str, np.ndarray]:
    """A whole score as the arrays of a batch of one, without the batch's dimension."""
    bar = METERS[score.meter].steps
    return {
        "tokens": to_tokens(score.cells),
        "style": np.array(STYLE_NAMES.index(score.style)),
        "meter": np.array(METER_NAMES.index(score.meter)),
        "position": np.arange(score.steps) % bar,
        "to_end": ending(score.steps, bar) if end_known else np.full(score.steps, FAR_END),
        "weight": np.ones(score.steps, np.float32),
        "hold_shift": np.array(0, np.float32),
    }


def crop(item: dict[str, np.ndarray], start: int, length: int) -> dict[str, np.ndarray]:
    """`length` steps of a piece from `start` on; a note that began earlier begins with the crop."""
    cut = {k: v[start : start + length] if v.ndim else v for k, v in item.items()}
    if start:
        sounds = to_tokens(sounding(to_cells(item["tokens"][: start + 1]))[-1])
        first = np.where(cut["tokens"][0] == HOLD_TOKEN, sounds, cut["tokens"][0])
        cut["tokens"] = np.vstack([first[None], cut["tokens"][1:]])
    return cut


def collate(items: list[dict[str, np.ndarray]]) -> Batch:
    longest = max(len(i["tokens"]) for i in items)

    def padded(array: np.ndarray) -> np.ndarray:
        if array.ndim == 0:
            return array
        return np.pad(array, [(0, longest - len(array))] + [(0, 0)] * (array.ndim - 1))

    return Batch(**{k: torch.from_numpy(np.stack([padded(i[k]) for i in items])) for k in items[0]})


def pitch_mask() -> Tensor:
    """Which tokens a voice may take in a style, (styles, 4, V); an unused voice only rests."""
    mask = torch.zeros(len(STYLE_NAMES), 4, VOCABULARY, dtype=torch.bool)
    mask[:, :, REST_TOKEN] = True
    for s, style in enumerate(STYLE_NAMES):
        for v, (low, high) in enumerate(zip(*voice_ranges(style), strict=True)):
            if low <= high:
                mask[s, v, HOLD_TOKEN] = True
                mask[s, v, low - LOW + FIRST_PITCH : high - LOW + FIRST_PITCH + 1] = True
    return mask


class MusicModel(nn.Module):
    """A network that completes a canvas. Once loaded it never changes; all state of a request is in its stream."""

    name: str  # as in the registry and on the command line
    title: str  # as on the page
    summary: str  # one honest sentence for the card
    source: str  # the paper to read
    temperature_note: str  # what temperature does to this model
    likelihood: str = "exact"  # a key of LIKELIHOODS
    Config: type[Any]  # of its config
    config: Any  # frozen; `styles` is how many of `STYLES`, the first ones, it is trained for

    @property
    def styles(self) -> tuple[str, ...]:
        """Those it is trained for: what comes to be known later changes nothing in a model that is there."""
        return STYLE_NAMES[: self.config.styles]

    def loss(self, batch: Batch, part: str = "model") -> dict[str, Tensor]:
        """Named scalars; "loss" is what the optimized part minimises and, in eval mode, what judges held-out music."""
        raise NotImplementedError

    def calibrate(self, pieces: list[Batch]):
        """Set, after training, what is fitted to held-out pieces and not learned; nothing, unless a model says so."""

    def optimized_parts(self) -> dict[str, nn.Module]:
        """The parts that are optimized in turn, by name; one for all but adversarial models."""
        return {"model": self}

    def accelerate(self) -> bool:
        """Let ONNX Runtime run what composing repeats, from now on; whether it does. That takes some seconds."""
        return False

    def engine(self) -> str:
        """What runs the composing now, in words."""
        return "PyTorch"

    def stream(self, canvas: Canvas, sampling: SamplingConfig = DEFAULTS, *, random_seed: int = 0) -> Iterator[Patch]:
        """Patches that, applied in order, fill every free cell of the canvas and leave the fixed ones as they are.

        The same arguments give the same patches. Temperature 0 is deterministic whatever the random seed.
        """
        raise NotImplementedError

    def compose(self, canvas: Canvas, sampling: SamplingConfig = DEFAULTS, *, random_seed: int = 0) -> Score:
        """The stream, applied. Raises `musicgen.score.ScoreError` if the model broke the grammar."""
        cells = canvas.score.cells.copy()
        for patch in self.stream(canvas, sampling, random_seed=random_seed):
            cells[patch.start : patch.start + len(patch.cells)] = patch.cells
        return canvas.score.replace(cells=cells)

    def compose_all(
        self, canvases: list[Canvas], sampling: SamplingConfig = DEFAULTS, *, random_seeds: list[int]
    ) -> list[Score]:
        """What `compose` makes of each canvas and random seed, sooner where a model composes them side by side."""
        return [self.compose(c, sampling, random_seed=s) for c, s in zip(canvases, random_seeds, strict=True)]
