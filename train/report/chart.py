"""The comparison of all models as one picture: a panel a figure, a dot a model, a line where held-out music is."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from musicgen.io.picture import COLOURS, INK, PALE, PAPER
from musicgen.models import MODELS
from musicgen.score import STYLES
from train.report.tables import all_figures, figure, find, overlap, parallels

COMPARISON_PICTURE = "comparison.png"  # beside the checkpoints that it compares
MARKERS = dict(zip(STYLES, zip("oDs^v", (COLOURS[3], COLOURS[0], *COLOURS[1:3], INK))))  # a shape beside the colour
Found = Callable[[dict, str], float | None]  # a figure of a style in a model's metrics


@dataclass(frozen=True)
class Panel:
    title: str
    composed: Found
    people: Found = lambda figures, style: None
    is_loss: bool = False


def of_chorales(found: Callable[[dict], float | None]) -> Found:
    return lambda figures, style: found(figures) if style == "chorale" else None


PANELS = (
    Panel("overlap with held-out\nmusic, more is better", overlap, lambda m, style: overlap(m, style, "human")),
    Panel(
        "parallels per 100\nchord changes",
        of_chorales(parallels),
        of_chorales(lambda m: parallels(m, "reference")),
    ),
    Panel(
        "share that ends on\na long triad",
        of_chorales(lambda m: figure(m, "ends_on_triad")),
        of_chorales(lambda m: figure(m, "ends_on_triad", "reference")),
    ),
    Panel(
        "bars that equal\nthe bar four before",
        lambda m, style: find(m, "form_valid", style, "equal_4", "value"),
        lambda m, style: find(m, "form_valid", style, "equal_4", "reference"),
    ),
    Panel(
        "nats a cell, less is better\n(hollow: not exact)", lambda m, style: find(m, "nll_valid", style), is_loss=True
    ),
    Panel("ms a bar", of_chorales(lambda m: find(m, "speed", "ms_per_bar"))),
)


def draw(directory: Path, path: Path):
    """Write the picture of all models that have been measured."""
    known = all_figures(directory)
    shape = Figure(figsize=(14, 1.2 + 0.32 * len(known)), dpi=110, facecolor=PAPER, layout="constrained")
    axes = shape.subplots(1, len(PANELS), sharey=True)
    for axis, panel in zip(axes, PANELS):
        _panel(axis, panel, known)
    axes[0].set_yticks(range(len(known)), [MODELS[name].title for name in known], color=INK)
    axes[0].invert_yaxis()
    _legend(shape, axes[0])
    FigureCanvasAgg(shape).print_png(path)


def _panel(axis, panel: Panel, known: dict[str, dict]):
    for style, (marker, colour) in MARKERS.items():
        for row, (name, figures) in enumerate(known.items()):
            x = panel.composed(figures, style)
            hollow = panel.is_loss and MODELS[name].likelihood != "exact"
            if x is not None:
                axis.plot(x, row, marker, color=colour, markerfacecolor=PAPER if hollow else colour, ms=7)
        people = [x for figures in known.values() if (x := panel.people(figures, style)) is not None]
        if people:
            axis.axvline(people[0], color=colour, lw=1.5, ls="--", zorder=0)
    axis.set_title(panel.title, fontsize=9, color=INK)
    axis.grid(axis="y", color=PALE, lw=0.7)
    axis.set_facecolor(PAPER)
    axis.tick_params(length=0, labelsize=8, colors=INK)
    axis.spines[:].set_visible(False)
    axis.margins(x=0.12)


def _legend(shape: Figure, axis):
    known = [
        axis.plot([], [], marker, color=colour, ls="", label=f"{s}s")[0] for s, (marker, colour) in MARKERS.items()
    ]
    known.append(axis.plot([], [], color=INK, ls="--", lw=1.5, label="held-out music, by people")[0])
    shape.legend(handles=known, loc="outside lower center", ncols=len(known), frameon=False, fontsize=9)
