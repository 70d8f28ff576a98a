"""What may be asked for: one validated request, with its limits and defaults in one place.

Whatever asks (page, command line, API) makes a `Request` and learns by `Problem` which field to change, and how.
"""

import secrets
from dataclasses import dataclass, replace
from typing import Any

from musicgen import piece
from musicgen.io import seeds
from musicgen.sampling import SamplingConfig
from musicgen.score import FASTEST, METERS, SLOWEST, STYLES, Canvas, ScoreError

LARGEST_FILE = 5 * 1024 * 1024  # bytes of given music
LONGEST_NAME = 60  # characters of what given music is called
CHOSEN_SEEDS = 1_000_000  # random seeds that are chosen for who names none: short enough to be typed again


class Problem(ValueError):
    """A request that cannot be granted: which field is to blame, and what to do about it."""

    def __init__(self, field: str, message: str):
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class Limit:
    """The least and the most that a field may hold, and how it is asked for."""

    low: float
    high: float
    asked: str
    whole: bool = False

    def __str__(self) -> str:
        return f"{self.low} to {self.high}"

    @property
    def schema(self) -> dict:
        """The same as JSON Schema."""
        return {"type": "integer" if self.whole else "number", "minimum": self.low, "maximum": self.high}

    def holds(self, value: Any) -> bool:
        """Whether a value, of whatever kind, is a number within these; true and false are none."""
        return type(value) in ((int,) if self.whole else (int, float)) and self.low <= value <= self.high

    def check(self, field: str, value: Any):
        """Raises `Problem` unless it `holds` the value."""
        if not self.holds(value):
            raise Problem(field, f"Choose {self.asked.format(f'from {self}')}.")


LIMITS = {
    "bars": Limit(1, 32, "a length {} bars", whole=True),
    "tempo": Limit(SLOWEST, FASTEST, "a tempo {} quarter notes a minute"),
    "temperature": Limit(0, 2, "a temperature {}"),
    "top_p": Limit(0.01, 1, "a top-p {}"),
    "random_seed": Limit(0, 2**31 - 1, "a whole number {}", whole=True),
}
LONGEST_PIECE = int(LIMITS["bars"].high)  # bars of a whole piece


@dataclass(frozen=True)
class Given:
    """Music that is not typed but comes from a file or the roll: a canvas, and what it is called."""

    canvas: Canvas
    name: str = ""
    whole: bool = False  # the canvas is the piece to be completed, and not a seed that the piece begins with

    @classmethod
    def from_page(cls, data: Any) -> "Given":
        """What the page holds (`musicgen.piece`, with a name). Raises `Problem`."""
        try:
            canvas = piece.canvas(data)
        except ScoreError as error:
            raise Problem("upload", f"The given music cannot be used: {error}.") from error
        return cls(canvas, str(data.get("name") or "")[:LONGEST_NAME])

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
    """What a piece is composed from, and how. Raises `Problem` where a field is outside its limit.

    Whether there is such a model is for `session` to say, and what seed notes mean is found out by `seed`.
    """

    model: str = ""
    style: str = next(iter(STYLES))
    notes: str = ""  # seed notes, as text
    given: Given | None = None  # in their place
    bars: int = 8  # of the whole piece
    meter: str = next(iter(METERS))
    tempo: float | None = None  # quarter notes a minute; the style's usual one in this meter if None
    temperature: float = SamplingConfig.temperature
    top_p: float = SamplingConfig.top_p
    random_seed: int = 0

    def __post_init__(self):
        for name, known in (("style", STYLES), ("meter", METERS)):
            if getattr(self, name) not in list(known):
                raise Problem(name, f"Choose one of {', '.join(known)}.")
        for name, limit in LIMITS.items():
            if name != "tempo" or self.tempo is not None:
                limit.check(name, getattr(self, name))
        if not isinstance(self.notes, str):
            raise Problem("notes", "Give the seed notes as text, such as C5 D5:0.5 E5:0.5.")

    @classmethod
    def filling(cls, canvas: Canvas, **settings) -> "Request":
        """What asks for this canvas to be completed, and nothing after it."""
        score = canvas.score
        known = {"style": score.style, "meter": score.meter, "tempo": score.tempo, "bars": score.bars}
        return cls(given=Given(canvas, whole=True), **known, **settings)

    @property
    def sampling(self) -> SamplingConfig:
        return SamplingConfig(temperature=self.temperature, top_p=self.top_p)

    def seed(self) -> seeds.Seed:
        """The seed notes on a canvas of their own length; without any a blank bar. Raises `Problem`."""
        if self.given:
            return self.given.seed(self.style, self.meter, self.tempo)
        if not self.notes.strip():
            blank = Canvas.blank(1, self.style, self.meter, self.tempo)
            return seeds.Seed(blank, "No seed notes: the model starts from scratch.")
        try:
            return seeds.from_text(self.notes, style=self.style, meter=self.meter, tempo=self.tempo)
        except (seeds.SeedError, ScoreError) as error:
            raise Problem("notes", str(error)) from error

    def canvas(self) -> Canvas:
        """The whole piece with the seed fixed in it. Raises `Problem` if that leaves nothing to compose."""
        seed = self.seed().canvas
        if self.given and self.given.whole:
            return seed
        bars, source = seed.score.bars, "upload" if self.given else "notes"
        least = bars + bool(seed.fixed.all())
        if least > LONGEST_PIECE:
            raise Problem(
                source, f"The seed fills {bars} bars; a whole piece has at most {LONGEST_PIECE}. Give fewer notes."
            )
        if least > self.bars:
            longer = min(bars + 1, LONGEST_PIECE)
            raise Problem("bars", f"The seed alone fills {bars} bars: raise the length to {longer} or more.")
        return seed.extended(self.bars)

    def is_filled(self) -> bool:
        """Whether given music has exactly the length asked for, so that only what comes after it can be composed."""
        seed = self.seed().canvas
        return bool(self.given and seed.fixed.all()) and seed.score.bars == self.bars

    def with_room(self) -> "Request":
        """The same with a length that leaves the seed room to be continued in."""
        return replace(self, bars=length_for(self.seed().canvas, self.bars))


def length_for(canvas: Canvas, bars: int) -> int:
    """`bars`, or as many more as leave a seed on this canvas room to continue."""
    seed = canvas.score.bars
    return bars if seed < bars else min(LONGEST_PIECE, seed + max(4, seed))


def new_random_seed() -> int:
    return secrets.randbelow(CHOSEN_SEEDS)
