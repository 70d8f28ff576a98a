"""Score -> a piano roll as a PNG picture.

Voices are told apart by colour and by pattern, given notes by a heavy outline, the seed's stretch by a tinted ground.
Figures are made directly, without pyplot, since many visitors draw at once and pyplot keeps a global state.
"""

import io
import math
from collections.abc import Iterator

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Patch

from musicgen.score import METERS, STYLES, VOICES, Note, Score, voice_ranges

# Okabe and Ito's colours, distinct to colour-blind eyes, and a pattern each; soprano first
COLOURS = ("#D55E00", "#009E73", "#56B4E9", "#0072B2")
HATCHES = ("", "////", "oo", "--")
INK, SEED_GROUND, SEAM, PALE, PAPER = "#1d1a16", "#f1e4c8", "#8c2f1b", "#d9d2c4", "#fffdf8"
STEPS_A_SYSTEM = 192  # at most; longer pieces go on in a system below, as sheet music does
BLACK_KEYS = {1, 3, 6, 8, 10}
NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")


def pitch_name(pitch: int) -> str:
    """MIDI pitch -> its name, with C4 = 60."""
    return f"{NAMES[pitch % 12]}{pitch // 12 - 1}"


def piano_roll(score: Score, seed: int | np.ndarray = 0, title: str = "") -> bytes:
    """The score as a PNG. `seed` is how many steps were given, or which cells were `(T, 4)`."""
    fixed = seed if isinstance(seed, np.ndarray) else np.repeat(np.arange(score.steps)[:, None] < seed, 4, axis=1)
    fixed = fixed & (np.arange(4) < len(STYLES[score.style].ranges))
    spans = list(systems(score))
    figure = Figure(figsize=(14, 1.5 + 3.6 * len(spans)), dpi=100, facecolor=PAPER, layout="constrained")
    axes = figure.subplots(len(spans), squeeze=False)[:, 0]
    for axis, (start, stop) in zip(axes, spans, strict=True):
        _ground(axis, score, start, stop, fixed)
        for note in score.notes():
            _draw(axis, note, start, stop, bool(fixed[note.start, note.voice]))
    axes[-1].set_xlabel("bar", color=INK)
    figure.suptitle(title or f"{score.style}, {score.bars} bars of {score.meter}", x=0.02, ha="left", color=INK)
    figure.legend(handles=_legend(score, fixed.any()), loc="outside upper right", ncols=6, frameon=False)
    out = io.BytesIO()
    FigureCanvasAgg(figure).print_png(out)
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
    axis.set(xlim=(start, stop), ylim=(low - 1.5, high + 1.5), facecolor=PAPER)
    for pitch in range(low - 1, high + 2):
        if pitch % 12 in BLACK_KEYS:
            axis.axhspan(pitch - 0.5, pitch + 0.5, color=PALE, alpha=0.35, lw=0, zorder=0)
    _mark_seed(axis, fixed, start, stop, score.steps)
    for step in range(start, min(stop, score.steps) + 1, meter.beat):
        is_bar = step % meter.steps == 0
        axis.axvline(step, color=INK if is_bar else PALE, lw=1 if is_bar else 0.6, alpha=0.6, zorder=1)
    bars = range(start, min(stop, score.steps), meter.steps)
    axis.set_xticks(list(bars), [str(step // meter.steps + 1) for step in bars], color=INK)
    names = [pitch for pitch in range(low, high + 1) if pitch % 12 in (0, 7)]
    axis.set_yticks(names, [pitch_name(p) for p in names], color=INK)
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


def _draw(axis, note: Note, start: int, stop: int, given: bool):
    first, last = max(note.start, start), min(note.start + note.duration, stop)
    if first >= last:
        return
    box = FancyBboxPatch(
        (first + 0.08, note.pitch - 0.4), last - first - 0.16, 0.8, boxstyle="round,pad=0,rounding_size=0.12",
        mutation_aspect=2, **_look(note.voice, given), zorder=3,
    )  # fmt: skip
    axis.add_patch(box)


def _look(voice: int, given: bool) -> dict:
    """Hatches take the colour of the edge, so that both have to be drawn in ink."""
    return {"facecolor": COLOURS[voice], "edgecolor": INK, "hatch": HATCHES[voice], "linewidth": 2.2 if given else 0.7}


def _legend(score: Score, seeded: bool) -> list[Patch]:
    voices = range(len(STYLES[score.style].ranges))
    known = [Patch(label=VOICES[v] if len(voices) > 1 else "melody", **_look(v, False)) for v in voices]
    if seeded:
        known.append(Patch(facecolor=SEED_GROUND, edgecolor=INK, linewidth=2.2, label="given"))
    return known
