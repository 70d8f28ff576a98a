"""A piece in an address, as the page writes and reads it (`web/js/link.js`, where its form is told).

What comes in is checked as any upload is: `read` raises `ScoreError`, whatever it is given.
"""

import base64
import binascii
import json
import zlib
from typing import Any

import numpy as np

from musicgen import piece, recipe
from musicgen.io.audio import default_instruments
from musicgen.models import MODELS
from musicgen.request import LIMITS, Request
from musicgen.score import HOLD, REST, STYLES, ScoreError
from musicgen.session import Composition, weights

LINK_BEGINS = "#piece=1"  # with the version
LONGEST_LINK = 3900  # characters, so that a link with its page's address has 4,000
RESTING, HOLDING, GIVEN_CELL = 0, 1, 128  # cells as bytes; else a pitch
MOST_UNPACKED = 2 + 0xFFFF + piece.MAX_CELLS  # bytes


def write(work: Composition, asked: Request | None = None) -> str:
    """The fragment that shows a piece on the page, with its `#`.

    Args:
        work: the piece.
        asked: what it was composed for; None of music that was handed over.
    """
    score, asked = work.score, asked or Request()
    about = {
        "steps": score.steps, "voices": len(STYLES[score.style].voices), "style": score.style, "meter": score.meter,
        "tempo": score.tempo, "instruments": list(default_instruments(score.style)), "model": work.model,
        "weights": weights(work.model) if work.model in MODELS else "", "seed": work.random_seed, "state": "done",
        "temperature": asked.temperature, "top_p": asked.top_p, "bars": min(score.bars, int(LIMITS["bars"].high)),
    }  # fmt: skip
    about |= {n: own for n in ("upbeat", "title", "author") if (own := getattr(score, n))}
    source = {"text": asked.notes} if asked.notes.strip() else {"given": "the link"}
    whole = _packed({**about, **source}, work)
    return whole if len(whole) <= LONGEST_LINK else _packed({**about, "given": "the link"}, work)


def _packed(about: dict, work: Composition) -> str:
    cells, voices = work.score.cells, about["voices"]
    held = np.where(cells == REST, RESTING, np.where(cells == HOLD, HOLDING, cells)) + GIVEN_CELL * work.fixed  # (T, 4)
    text = json.dumps(about, ensure_ascii=False, separators=(",", ":")).encode()
    compressor = zlib.compressobj(9, wbits=-15)
    data = len(text).to_bytes(2) + text + held[:, :voices].T.astype(np.uint8).tobytes()
    packed = base64.urlsafe_b64encode(compressor.compress(data) + compressor.flush())
    return f"{LINK_BEGINS}{packed.decode().rstrip('=')}"


def read(text: str) -> Composition:
    """The piece in an address, or in its fragment."""
    found = recipe.fragment(text)
    if not found:
        raise ScoreError("there is no piece in this link: it may have been cut")
    try:
        about, cells = _unpacked(found.removeprefix(LINK_BEGINS))
        steps, count = about["steps"], len(STYLES[about["style"]].voices)
        if about["voices"] != count or len(cells) != count * steps:
            raise ValueError("cells are missing")
        notes, fixed = _rows(cells.reshape(count, steps))
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error, zlib.error) as error:
        raise ScoreError("this link is broken: it may have been cut") from error
    score, given = piece.read({**about, "notes": notes, "fixed": fixed})
    model, seed = about.get("model"), about.get("seed", 0)
    known = model if model in list(MODELS) else "unknown"
    return Composition(score, given, known, seed if LIMITS["random_seed"].holds(seed) else 0)


def _unpacked(packed: str) -> tuple[dict[str, Any], np.ndarray]:
    """What is told of the piece, and its cells as bytes, voice after voice."""
    decompressor = zlib.decompressobj(wbits=-15)
    whole = decompressor.decompress(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)), MOST_UNPACKED)
    if not decompressor.eof:
        raise ValueError("cut, or built to fill the memory")
    length = 2 + int.from_bytes(whole[:2])
    return json.loads(whole[2:length]), np.frombuffer(whole[length:], np.uint8)


def _rows(cells: np.ndarray) -> tuple[list[list[int]], list[list[int]]]:
    """Cells as bytes `(voices, T)` -> rows of `notes` and of `fixed`, as `musicgen.piece` has them."""
    notes, fixed = [], []
    for voice, line in enumerate(cells.tolist()):
        sounds = False
        for start, cell in enumerate(line):
            pitch = cell & ~GIVEN_CELL
            if pitch > HOLDING:
                notes.append([voice, pitch, start, 1])
            elif pitch == HOLDING and sounds:
                notes[-1][3] += 1
            sounds = pitch > HOLDING or (pitch == HOLDING and sounds)
            if cell >= GIVEN_CELL:
                fixed.append([voice, start, start + 1])
    return notes, fixed
