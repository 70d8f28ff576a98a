"""Music as a program or an agent hands it over: an answer, its JSON, its handle, its link, or a file -> a piece.

All of it is checked as any upload is.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from musicgen import link, piece
from musicgen.handles import HANDLE
from musicgen.io import abctune, seeds
from musicgen.models import MODELS
from musicgen.request import LARGEST_FILE, LIMITS, Problem
from musicgen.score import Canvas, ScoreError
from musicgen.session import Composition

NO_PIECE = (
    "This is no piece: hand over its handle, its link or the whole answer, or a MIDI, MusicXML or ABC file as base64; "
    "typed notes go into `notes`."
)
OLD_HANDLE = "This handle is older than an hour, or of another server: hand over the piece's link."
DATA_URL = re.compile(r"data:[^,]{0,100};base64,")


@dataclass(frozen=True)
class Handed(Composition):
    """A piece as it was handed over, and what its reader has to say of it."""

    said: str = ""

    @property
    def given(self) -> Canvas:
        """The music that is there as a seed: voices that have notes are fixed up to the last one, others are free."""
        end = max((note.start + note.duration for note in self.score.notes()), default=0)
        fixed = self.fixed.copy()
        fixed[:end, self.score.heard] = True
        return Canvas(self.score, fixed)


def read(data: Any, find: Callable[[str], str | None]) -> Handed:
    """The piece. Raises `Problem`.

    Args:
        data: what was handed over; bytes are a file's.
        find: what a handle stands for, a link's fragment; None if that is not known.
    """
    try:
        if isinstance(data, bytes):
            return _file(data)
        return _text(data.strip(), find) if isinstance(data, str) else _answer(data, find)
    except (ScoreError, seeds.SeedError) as error:
        raise Problem("piece", f"It cannot be used: {error}.") from error


def _text(text: str, find: Callable[[str], str | None]) -> Handed:
    if HANDLE.fullmatch(text):
        text = find(text) or ""
        if not text:
            raise Problem("piece", OLD_HANDLE)
    if "#piece=" in text:
        return Handed(**vars(link.read(text)))
    if abctune.begins(text.encode()):
        return _file(text.encode())
    try:
        return _answer(json.loads(text), find) if text.startswith("{") else _file(_bytes(text))
    except (json.JSONDecodeError, RecursionError, binascii.Error, UnicodeError) as error:
        raise Problem("piece", NO_PIECE) from error


def _bytes(text: str) -> bytes:
    """Base64 in either alphabet, with spaces or without, and with or without what says that it is that."""
    packed = re.sub(r"\s", "", DATA_URL.sub("", text, count=1)).rstrip("=").replace("-", "+").replace("_", "/")
    if not packed or not packed.isascii():
        raise Problem("piece", NO_PIECE)
    return base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True)


def _file(data: bytes) -> Handed:
    if len(data) > LARGEST_FILE:
        raise Problem("piece", f"The file is larger than {LARGEST_FILE >> 20} MB: choose a shorter piece.")
    seed = seeds.from_file("", data)
    return Handed(seed.canvas.score, seed.canvas.fixed, "unknown", 0, said=seed.message)


def _answer(data: Any, find: Callable[[str], str | None]) -> Handed:
    """A piece as it was answered: with its rows of notes or, as agents are answered, by its link alone."""
    try:
        if "notes" not in data and isinstance(data["link"], str):
            return _text(data["link"], find)
        notes = [[note[name] for name in ("voice", "pitch", "start", "duration")] for note in data["notes"]]
        given = [note for note, kept in zip(notes, data["notes"]) if kept.get("given")]
        fixed = [[voice, start, start + duration] for voice, _, start, duration in given]
        score, kept = piece.read({**data, "notes": notes, "fixed": fixed})
    except (AttributeError, KeyError, TypeError, IndexError) as error:
        raise Problem("piece", "It cannot be used: hand over an answer unchanged, or its handle or link.") from error
    model = next((name for name in MODELS if name == data.get("model")), "unknown")  # a part of the file's name
    seed = data.get("random_seed")
    return Handed(score, kept, model, seed if LIMITS["random_seed"].holds(seed) else 0)
