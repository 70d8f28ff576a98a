"""A piece as a page or a link holds it: plain lists of numbers <-> score and what is fixed in it.

What comes in is checked as any upload is: `read` raises `ScoreError`, whatever it is given.

    {"style": "chorale", "meter": "4/4", "tempo": 80, "steps": 128, "upbeat": 0, "title": "", "author": "",
     "notes": [[voice, pitch, start, duration], ...], "fixed": [[voice, start, end], ...]}    times in steps
"""

from typing import Any

import numpy as np

from musicgen.io.arrange import Music, Part, Seed, arrange
from musicgen.io.grid import Sound
from musicgen.score import (
    FASTEST,
    LONGEST_BAR,
    MAX_BARS,
    METERS,
    SLOWEST,
    STYLES,
    VOICES,
    Canvas,
    Note,
    Score,
    ScoreError,
    from_notes,
)

MAX_CELLS = 4 * MAX_BARS * LONGEST_BAR  # cells of the longest piece


def write(score: Score, fixed: np.ndarray) -> dict:
    notes = [[n.voice, n.pitch, n.start, n.duration] for n in score.notes()]
    about = {"style": score.style, "meter": score.meter, "tempo": score.tempo, "steps": score.steps}
    about |= {"upbeat": score.upbeat, "title": score.title, "author": score.author}
    return {**about, "notes": notes, "fixed": runs(fixed, len(STYLES[score.style].ranges))}


def runs(fixed: np.ndarray, voices: int) -> list[list[int]]:
    """`[voice, start, end]` of each stretch of fixed cells in the voices that are in use."""
    found = []
    for voice in range(voices):
        edges = np.diff(np.concatenate(([0], fixed[:, voice].astype(int), [0])))
        starts, ends = np.flatnonzero(edges > 0), np.flatnonzero(edges < 0)
        found += [[voice, int(start), int(end)] for start, end in zip(starts, ends)]
    return found


def read(data: Any) -> tuple[Score, np.ndarray]:
    """The score, with the notes of free cells too, and which cells are fixed `(T, 4)`. Raises `ScoreError`."""
    if not isinstance(data, dict):
        raise ScoreError("this is not a piece")
    about: list[Any] = [data.get(name) for name in ("style", "meter", "tempo", "steps")]
    style, meter, tempo, steps = about
    if style not in list(STYLES) or meter not in list(METERS):
        raise ScoreError("the piece has an unknown style or meter")
    if type(tempo) not in (int, float) or not SLOWEST <= tempo <= FASTEST:
        raise ScoreError(f"the piece's tempo is not from {SLOWEST} to {FASTEST} quarter notes a minute")
    if type(steps) is not int or not 0 < steps <= MAX_BARS * METERS[meter].steps:
        raise ScoreError(f"the piece is not 1 to {MAX_BARS} bars long")
    notes = [Note(*row) for row in _rows(data.get("notes"), 4)]
    fixed = np.zeros((steps, 4), bool)
    for voice, start, end in _rows(data.get("fixed"), 3):
        if not (0 <= voice < 4 and 0 <= start <= end <= steps):
            raise ScoreError("what is fixed lies outside the piece")
        fixed[start:end, voice] = True
    for n in notes:
        if not (0 <= n.voice < 4 and 0 <= n.pitch < 128 and 0 <= n.start < steps and 0 < n.duration <= steps):
            raise ScoreError("a note lies outside the piece")
    upbeat = data.get("upbeat", 0)
    title, author = (text if isinstance(text := data.get(name), str) else "" for name in ("title", "author"))
    return Score(from_notes(notes, steps), style, meter, float(tempo), upbeat, title, author), fixed


def canvas(data: Any) -> Canvas:
    """The same, with what is not fixed left free. Raises `ScoreError`."""
    return Canvas(*read(data))


def restyled(given: Canvas, style: str, meter: str, tempo: float) -> Seed:
    """The notes of a canvas in another style or meter, fitted to it as a file would be. Raises `SeedError`.

    Args:
        given: the canvas.
        style, meter: which they are to have.
        tempo: quarter notes a minute.
    """
    score = given.score
    sounds: list[list[Sound]] = [[] for _ in VOICES]
    for note in score.notes():
        start = note.start - score.begins
        sounds[note.voice].append(Sound(note.pitch, start, start + note.duration))
    parts = [Part(name, line) for name, line in zip(VOICES, sounds)]
    music = Music(
        parts,
        meter=score.meter,
        tempo=tempo,
        length=score.steps - score.begins,
        barline=score.upbeat,
        style=score.style,
        title=score.title,
        author=score.author,
    )
    return arrange(music, style, meter, tempo)


def _rows(data: Any, width: int) -> list[list[int]]:
    """Rows of whole numbers that no grid overflows with; what stands after the first `width` is not read."""
    if not isinstance(data, list) or len(data) > MAX_CELLS:
        raise ScoreError("the piece has no list of notes, or one too long")
    rows = [row[:width] if isinstance(row, list) else [] for row in data]
    if any(len(row) < width or any(type(x) is not int or abs(x) > MAX_CELLS for x in row) for row in rows):
        raise ScoreError("the piece has an invalid note")
    return rows
