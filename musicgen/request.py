"""What may be asked for: one validated request, with its limits in one place.

Whatever asks (page, command line, API) makes a `Request` and learns by `Problem` which field to change, and how.
"""

import secrets
from dataclasses import dataclass
from typing import Any

from musicgen import piece
from musicgen.io import seeds
from musicgen.sampling import SamplingConfig
from musicgen.score import METERS, STYLES, Canvas, ScoreError

LONGEST = 32  # bars of a whole piece
SLOWEST, FASTEST = 20, 300  # quarter notes a minute
HOTTEST = 3  # the highest temperature
NARROWEST = 0.01  # the lowest top-p
LARGEST_SEED = 2**31 - 1  # of the random seeds
TEXT_LIMIT = 4000  # characters of seed notes


class Problem(ValueError):
    """A request that cannot be granted: which field is to blame, and what to do about it."""

    def __init__(self, field: str, message: str):
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class Given:
    """Music that is not typed but comes from a file or the roll: a canvas, and what it is called."""

    canvas: Canvas
    name: str = ""

    @classmethod
    def from_page(cls, data: Any) -> "Given":
        """What the page holds (`musicgen.piece`, with a name). Raises `Problem`."""
        try:
            canvas = piece.canvas(data)
        except ScoreError as error:
            raise Problem("upload", f"The given music cannot be used: {error}.") from error
        return cls(canvas, str(data.get("name") or "")[:60])

    def seed(self, style: str, meter: str, tempo: float | None) -> seeds.Seed:
        """It in this style and meter. Raises `Problem`."""
        score = self.canvas.score
        tempo = tempo or score.tempo
        if (style, meter) == (score.style, score.meter):
            return seeds.Seed(Canvas(score.replace(tempo=tempo), self.canvas.fixed))
        try:
            return piece.restyled(self.canvas, style, meter, tempo)
        except (seeds.SeedError, ScoreError) as error:
            raise Problem("upload", str(error)) from error


@dataclass(frozen=True)
class Request:
    model: str = ""
    style: str = "chorale"
    notes: str = ""  # seed notes, as text
    given: Given | None = None  # in their place
    bars: int = 8  # of the whole piece
    meter: str = "4/4"
    tempo: float | None = None  # quarter notes a minute; the style's own if None
    temperature: float = SamplingConfig.temperature
    top_p: float = SamplingConfig.top_p
    random_seed: int = 0

    def seed(self) -> seeds.Seed:
        """The seed notes on a canvas of their own length; without any a blank bar. Raises `Problem`."""
        self._check_choices()
        if self.given:
            return self.given.seed(self.style, self.meter, self.tempo)
        if not isinstance(self.notes, str):
            raise Problem("notes", "Write the seed notes as text, such as C5:1 D5:0.5.")
        if not self.notes.strip():
            blank = Canvas.blank(1, self.style, self.meter, self.tempo)
            return seeds.Seed(blank, "No seed notes: the model begins by itself.")
        if len(self.notes) > TEXT_LIMIT:
            raise Problem("notes", f"These are {len(self.notes)} characters; keep seed notes under {TEXT_LIMIT}.")
        try:
            return seeds.from_text(self.notes, style=self.style, meter=self.meter, tempo=self.tempo)
        except (seeds.SeedError, ScoreError) as error:
            raise Problem("notes", str(error)) from error

    def canvas(self) -> Canvas:
        """The whole piece with the seed fixed in it. Raises `Problem`."""
        if type(self.bars) is not int or not 1 <= self.bars <= LONGEST:
            raise Problem("bars", f"Choose a length from 1 to {LONGEST} bars.")
        seed = self.seed().canvas
        bars, source, full = seed.score.bars, "upload" if self.given else "notes", bool(seed.fixed.all())
        if self.given and full and self.bars == bars < LONGEST:  # nothing is left to compose but what comes after
            return seed.extended(length_for(seed, bars))
        least = bars + full
        if least > LONGEST:
            raise Problem(source, f"The seed fills {bars} bars; a whole piece has at most {LONGEST}. Give fewer notes.")
        if least > self.bars:
            longer = min(bars + 1, LONGEST)
            raise Problem("bars", f"The seed alone fills {bars} bars: raise the length to {longer} or more.")
        return seed.extended(self.bars)

    def check_sampling(self):
        """Raises `Problem` if no model could compose so."""
        if not (_is_number(self.temperature) and 0 <= self.temperature <= HOTTEST):
            raise Problem("temperature", f"Choose a temperature from 0 to {HOTTEST}.")
        if not (_is_number(self.top_p) and NARROWEST <= self.top_p <= 1):
            raise Problem("top_p", f"Choose a top-p from {NARROWEST} to 1.")
        if type(self.random_seed) is not int or not 0 <= self.random_seed <= LARGEST_SEED:
            raise Problem("random_seed", f"Choose a whole number from 0 to {LARGEST_SEED}.")

    def _check_choices(self):
        for name, value, known in (("style", self.style, STYLES), ("meter", self.meter, METERS)):
            if value not in list(known):
                raise Problem(name, f"Choose one of {', '.join(known)}.")
        if self.tempo is not None and not (_is_number(self.tempo) and SLOWEST <= self.tempo <= FASTEST):
            raise Problem("tempo", f"Choose a tempo from {SLOWEST} to {FASTEST} quarter notes a minute.")


def any_seed() -> int:
    """A random seed for somebody who names none."""
    return secrets.randbelow(1_000_000)


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)  # true and false are none


def length_for(canvas: Canvas, bars: int) -> int:
    """`bars`, or as many more as leave a seed on this canvas room to continue."""
    seed = canvas.score.bars
    return bars if seed < bars else min(LONGEST, seed + max(4, seed))
