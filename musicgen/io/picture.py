"""Score -> a piano roll as a PNG picture.

Voices are told apart by colour and by pattern, given notes by a heavy outline, the seed's stretch by a tinted ground.
Figures are made directly, without pyplot, since many visitors draw at once and pyplot keeps a global state.
"""

import io
import math
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Patch

from musicgen.io.voicing import pitch_name
from musicgen.score import METERS, STYLES, Note, Score, voice_ranges

# Okabe and Ito's colours, distinct to colour-blind eyes, as dark as stands out from the paper, and a pattern each;
# soprano first; those of the page, too
COLOURS = ("#CA5900", "#00936B", "#1A8BCB", "#005585")
HATCHES = ("", "////", "oo", "--")
INK, SEED_GROUND, SEAM, PALE, PAPER = "#1d1a16", "#f1e4c8", "#8c2f1b", "#d9d2c4", "#fffdf8"
STEPS_A_SYSTEM = 192  # at most; longer pieces go on in a system below, as sheet music does
BLACK_KEYS = {1, 3, 6, 8, 10}


@dataclass(frozen=True)
class Row:
    """One piece of a stack, or why it is missing."""

    name: str
    score: Score | None
    fixed: np.ndarray  # (T, 4) which cells were given
    missing: str = ""


def piano_roll(score: Score, seed: int | np.ndarray = 0, title: str = "", recipe: str = "") -> bytes:
    """The score as a PNG.

    Args:
        score: what is drawn, T steps.
        seed: how many steps were given, or which cells were, (T, 4).
        title: stands above; by default style, length and meter.
        recipe: goes into the file as its description.
    """
    fixed = seed if isinstance(seed, np.ndarray) else np.repeat(np.arange(score.steps)[:, None] < seed, 4, axis=1)
    spans = list(systems(score))
    figure = Figure(figsize=(14, 1.5 + 3.6 * len(spans)), dpi=100, facecolor=PAPER, layout="constrained")
    axes = figure.subplots(len(spans), squeeze=False)[:, 0]
    for axis, (start, stop) in zip(axes, spans, strict=True):
        _system(axis, score, start, stop, fixed)
    about = {"Title": score.title, "Author": score.author, "Description": recipe}
    return _finished(figure, axes, score, fixed, title, about)


def stack(rows: Sequence[Row], title: str = "") -> bytes:
    """Scores of one length, style and meter below each other on one pitch and one time axis, as a PNG.

    The longer they are the wider the picture. A row without a score says why; one at least must have a score.
    """
    score, fixed = next((row.score, row.fixed) for row in rows if row.score)
    width = 14 * max(1, score.steps / STEPS_A_SYSTEM)
    figure = Figure(figsize=(width, 1.2 + 2.2 * len(rows)), dpi=100, facecolor=PAPER, layout="constrained")
    axes = figure.subplots(len(rows), squeeze=False, sharex=True, sharey=True)[:, 0]
    for axis, row in zip(axes, rows, strict=True):
        axis.set_title(row.name, loc="left", fontsize=10, color=INK)
        if row.score:
            _system(axis, row.score, 0, row.score.steps, row.fixed, outline=0.6)
        else:
            said = textwrap.shorten(row.missing, 150)
            axis.text(0.5, 0.5, said, transform=axis.transAxes, ha="center", va="center", color=SEAM, parse_math=False)
            _bare(axis)
    return _finished(figure, axes, score, fixed, title)


def _system(axis, score: Score, start: int, stop: int, fixed: np.ndarray, outline: float = 1):
    fixed = _given(score, fixed)
    _ground(axis, score, start, stop, fixed)
    for note in score.notes():
        _draw(axis, note, start, stop, _look(note.voice, bool(fixed[note.start, note.voice]), outline))


def _given(score: Score, fixed: np.ndarray) -> np.ndarray:
    """Without what is fixed in every canvas: voices that the style does not use, steps before an upbeat."""
    there = np.arange(score.steps)[:, None] >= score.begins
    return fixed & there & (np.arange(4) < len(STYLES[score.style].ranges))


def _finished(
    figure: Figure, axes: np.ndarray, score: Score, fixed: np.ndarray, title: str, about: dict[str, str] | None = None
) -> bytes:
    axes[-1].set_xlabel("bar", color=INK)
    figure.suptitle(title or f"{score.style}, {score.length}", x=0.02, ha="left", color=INK, parse_math=False)
    figure.legend(
        handles=_legend(score, bool(_given(score, fixed).any())), loc="outside upper right", ncols=6, frameon=False
    )
    out, said = io.BytesIO(), {name: text for name, text in (about or {}).items() if text}
    FigureCanvasAgg(figure).print_png(out, metadata={"Software": "Nonet", **said})
    return out.getvalue()


def systems(score: Score) -> Iterator[tuple[int, int]]:
    """The steps `start` to `stop` of each line of the picture: whole bars, evenly shared out."""
    bar = METERS[score.meter].steps
    lines = math.ceil(score.steps / STEPS_A_SYSTEM)
    each = math.ceil(score.bars / lines) * bar
    for start in range(0, score.steps, each):
        yield start, start + each


def _ground(axis, score: Score, start: int, stop: int, fixed: np.ndarray):
    meter, (low, high) = METERS[score.meter], _reach(score)
    axis.set(xlim=(max(start, score.begins), stop), ylim=(low - 1.5, high + 1.5))
    for pitch in range(low - 1, high + 2):
        if pitch % 12 in BLACK_KEYS:
            axis.axhspan(pitch - 0.5, pitch + 0.5, color=PALE, alpha=0.35, lw=0, zorder=0)
    _mark_seed(axis, fixed, start, stop, score.steps)
    for step in range(start, min(stop, score.steps) + 1, meter.beat):
        is_bar = step % meter.steps == 0
        axis.axvline(step, color=INK if is_bar else PALE, lw=1 if is_bar else 0.6, alpha=0.6, zorder=1)
    bars = range(start, min(stop, score.steps), meter.steps)
    axis.set_xticks([max(step, score.begins) for step in bars], [str(score.bar_at(step)) for step in bars], color=INK)
    names = [pitch for pitch in range(low, high + 1) if pitch % 12 in (0, 7)]
    axis.set_yticks(names, [pitch_name(p) for p in names], color=INK)
    _bare(axis)


def _bare(axis):
    axis.set_facecolor(PAPER)
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)


def _mark_seed(axis, fixed: np.ndarray, start: int, stop: int, steps: int):
    given = np.flatnonzero(fixed.any(axis=1))
    end = int(given[-1]) + 1 if len(given) else 0
    if end > start:
        axis.axvspan(start, min(end, stop), color=SEED_GROUND, alpha=0.75, lw=0, zorder=0)
    if start < end <= stop and end < steps:
        axis.axvline(end, color=SEAM, lw=2, ls=(0, (3, 2)), zorder=2)
        axis.annotate("seed ends", (end, 1), xycoords=("data", "axes fraction"), xytext=(4, -11), color=SEAM,
                      textcoords="offset points", fontsize=9, fontweight="bold")  # fmt: skip


def _reach(score: Score) -> tuple[int, int]:
    low, high = voice_ranges(score.style)
    used = low <= high
    return int(low[used].min()), int(high[used].max())


def _draw(axis, note: Note, start: int, stop: int, look: dict):
    first, last = max(note.start, start), min(note.start + note.duration, stop)
    if first >= last:
        return
    box = FancyBboxPatch(
        (first + 0.08, note.pitch - 0.4), last - first - 0.16, 0.8, boxstyle="round,pad=0,rounding_size=0.12",
        mutation_aspect=2, **look, zorder=3,
    )  # fmt: skip
    axis.add_patch(box)


def _look(voice: int, given: bool, outline: float = 1) -> dict:
    """Hatches take the colour of the edge, so that both have to be drawn in ink."""
    width = outline * (2.2 if given else 0.7)
    return {"facecolor": COLOURS[voice], "edgecolor": INK, "hatch": HATCHES[voice], "linewidth": width}


def _legend(score: Score, seeded: bool) -> list[Patch]:
    voices = range(len(STYLES[score.style].ranges))
    known = [Patch(label=STYLES[score.style].voices[v].lower(), **_look(v, False)) for v in voices]
    if seeded:
        known.append(Patch(facecolor=SEED_GROUND, edgecolor=INK, linewidth=2.2, label="given"))
    return known
