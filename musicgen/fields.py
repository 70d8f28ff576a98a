"""What programs hand over and are answered, field by field: what each is, and the limits of each argument.

`api.py` takes and answers these; HTTP clients and agents read them as JSON Schema.
"""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from musicgen.export import FORMATS
from musicgen.io.audio import INSTRUMENTS
from musicgen.io.seeds import MAX_TEXT
from musicgen.models import MODELS
from musicgen.request import LIMITS, Request
from musicgen.score import MAX_BARS, METERS, STYLES, VOICES


@dataclass(frozen=True)
class Argument:
    about: str
    limits: dict  # as JSON Schema

    def schema(self, default: Any) -> dict:
        """Its limits and what it is; null is allowed where it is the default."""
        limits = {"oneOf": [{"type": "null"}, self.limits]} if default is None else self.limits
        return {**limits, "description": self.about}


def one_of(names: Iterable[str]) -> dict:
    return {"type": "string", "enum": list(names)}


def some_of(item: dict, least: int, most: int) -> dict:
    return {"type": "array", "items": item, "minItems": least, "maxItems": most}


BAR_NUMBER = {"type": "integer", "minimum": 0, "maximum": MAX_BARS}
VOICE_NUMBER = {"type": "integer", "minimum": 0, "maximum": len(VOICES) - 1}
ARGUMENTS = {
    "model": Argument("an architecture, as `models` lists them; the best measured one if empty", one_of(["", *MODELS])),
    "style": Argument(
        f"{', '.join(style.voiced() for style in STYLES.values())}; if null, that of the piece, else {Request.style}",
        one_of(STYLES),
    ),
    "notes": Argument(
        'the seed, such as "C5:1 D5:0.5 E5:0.5 R:1 [C4 E4 G4]:2", lengths in quarter notes, R a rest',
        {"type": "string", "maxLength": MAX_TEXT},
    ),
    "bars": Argument(
        f"length of the whole piece, seed included, {LIMITS['bars']}; if null, {Request.bars}, or what the seed needs",
        LIMITS["bars"].schema,
    ),
    "meter": Argument(f"of the whole piece; if null, that of the piece, else {Request.meter}", one_of(METERS)),
    "tempo": Argument(
        f"quarter notes a minute, {LIMITS['tempo']}; if null, that of the piece, else the usual one of style and meter",
        LIMITS["tempo"].schema,
    ),
    "temperature": Argument(
        f"{LIMITS['temperature']}: 0 takes the likeliest notes, above 1 surprises", LIMITS["temperature"].schema
    ),
    "top_p": Argument(f"{LIMITS['top_p']}: below 1 the least likely notes are left out", LIMITS["top_p"].schema),
    "random_seed": Argument(
        f"{LIMITS['random_seed']}: the same one, the same notes; if null, a new one is drawn and returned",
        LIMITS["random_seed"].schema,
    ),
    "piece": Argument(
        "music, instead of `notes` where these are taken: a piece by its handle, its link, or as it was answered (JSON "
        "text, too); or a MIDI, MusicXML or ABC file: uploaded, as base64, or ABC as it is",
        {"anyOf": [{"type": "string"}, {"type": "object"}]},
    ),
    "first_bar": Argument(
        "the first bar to compose again, counted from 1, or from 0 where that is an upbeat", BAR_NUMBER
    ),
    "last_bar": Argument("the last one, it included", BAR_NUMBER),
    "voices": Argument(
        "the voices to compose again: 0 soprano, 1 alto, 2 tenor, 3 bass; all if null",
        some_of(VOICE_NUMBER, 1, len(VOICES)),
    ),
    "format": Argument("musicxml is sheet music, png a picture of the piano roll", one_of(FORMATS)),
    "instruments": Argument(
        f"four, soprano first, from {', '.join(INSTRUMENTS)}; those of the page if null",
        some_of(one_of(INSTRUMENTS), 4, 4),
    ),
}
ANSWERED = {  # what the fields of an answer are, where their names do not say it
    "tempo": "quarter notes a minute",
    "steps": "length in sixteenths",
    "upbeat": "sixteenths of the first bar, which is bar 0; 0 if there is no upbeat",
    "seconds_generating": "seconds that the model took",
    "seconds_of_music": "seconds that the piece lasts",
    "said": "what became of the music that was given; empty if there is nothing to say",
    "text": "each voice from the top down, written as `notes` are",
    "handle": "hands the piece on as `piece`: for an hour, on this server",
    "link": "opens the piece on the page, and hands it on for ever",
    "pitch": "MIDI number",
    "voice": "from 0, the top one",
    "start": "in sixteenths",
    "duration": "in sixteenths",
    "nats": "how surprised the model is by each cell of music it has never heard: chorales, dances",
    "failed": "the models that could not answer, and why",
}


def documented(function: Callable) -> Callable:
    """Says in the docstring what each argument is, where Python's `help` and MCP read it."""
    names = inspect.signature(function).parameters
    explained = "\n".join(f"    {name}: {ARGUMENTS[name].about}" for name in names)
    function.__doc__ = f"{function.__doc__}\n\nArgs:\n{explained}"
    return function


def described(schema: Any) -> Any:
    """The schema of an answer, with what its fields are."""
    if isinstance(schema, list):
        return [described(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    whole = {key: described(value) for key, value in schema.items()}
    for name, field in whole.get("properties", {}).items():
        if name in ANSWERED and isinstance(field, dict):
            field["description"] = ANSWERED[name]
    return whole
