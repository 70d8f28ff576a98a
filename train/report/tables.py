"""Measured figures as they are shown: what each means, and the README's table, from the metrics files alone."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from musicgen import checkpoint
from musicgen.models import MODELS
from musicgen.models.base import LIKELIHOODS
from musicgen.score import STYLES
from train.report.words import WORDS

README = Path(__file__).parents[2] / "README.md"
MARKS = "<!-- models -->", "<!-- /models -->"
NO_FIGURE = "-"  # stands for what was not measured
LIKELIHOOD_MARKS = {
    "exact": "",
    "orderless": "<sup>o</sup>",
    "bound": "<sup>b</sup>",
    "none": NO_FIGURE,
}  # what marks a loss
COLUMNS = (
    "model",
    "parameters",
    "nats",
    "JSB 16th",
    "overlap",
    "parallels",
    "octaves",
    "strange chords",
    "endings",
    "form",
    "ms a bar",
    "minutes",
)

MEANING = {  # a figure of `train.evaluation.sampled` -> what it is, and how it is written
    "parallel_fifths": ("parallel fifths per 100 chord changes", ".2f"),
    "parallel_octaves": ("parallel octaves per 100 chord changes", ".2f"),
    "crossings": ("crossed voices, % of neighbours and steps", ".1f"),
    "wide_spacing": ("upper voices over an octave apart, % of steps", ".1f"),
    "range_soprano": ("range of the soprano, semitones", ".1f"),
    "range_alto": ("range of the alto, semitones", ".1f"),
    "range_tenor": ("range of the tenor, semitones", ".1f"),
    "range_bass": ("range of the bass, semitones", ".1f"),
    "ends_on_triad": ("ends on a root-position triad of a quarter or more", ".0%"),
    "in_seed_scale": ("notes in the scale of the seed", ".0%"),
    "other_seed": ("cells that change with the seed's notes (held out: between unrelated pieces)", ".0%"),
    "other_noise": ("cells that change with the random seed (held out: between unrelated pieces)", ".0%"),
    "distinct": ("different from all others", ".0%"),
    "empty_bars": ("bars in which nothing sounds, a piece", ".2f"),
    "stuck_notes": ("notes longer than two bars, a piece", ".2f"),
    "silent_voices": ("bars and voices that are silent", ".1%"),
    "repeated_bars": ("bars that repeat the bar before", ".1%"),
    "returning_bars": ("bars that repeat any bar before", ".1%"),
    "shared_notes_median": ("longest run shared with a training piece, notes: median", ".0f"),
    "shared_notes_p95": ("... 95th percentile", ".0f"),
    "shared_notes_above": ("... pieces above held-out music's 95th percentile", ".0%"),
    "shared_bars_median": ("longest run shared with a training piece, bars: median", ".1f"),
    "shared_bars_p95": ("... 95th percentile", ".1f"),
    "shared_bars_above": ("... pieces above held-out music's 95th percentile", ".0%"),
}

FORM_MEANING = {  # a figure of `train.evaluation.metrics.form` -> what it is
    "equal_1": "bars equal to the bar before",
    "equal_2": "... to the bar two before",
    "equal_4": "... four before",
    "equal_8": "... eight before",
    "equal_any": "... any bar before",
    "rhythm_4": "bars with the rhythm of the bar four before",
}

HARMONY_MEANING = {  # a figure of `train.evaluation.harmony` -> what it is, and how it is written
    "strange_on_beat": ("chords on the beat that are not among the fifty commonest of the training music", ".1%"),
    "strange_three_begin": ("... where three voices begin and one is held", ".1%"),
    "parallel_fifths": ("parallel fifths per 100 chord changes", ".2f"),
    "parallel_octaves": ("parallel octaves per 100 chord changes", ".2f"),
    "distinct_chords": ("different chords on the beats of four bars", ".1f"),
    "chord_entropy": ("entropy of the chords on the beat, bits", ".2f"),
    "bass_entropy": ("entropy of the steps of the bass, bits", ".2f"),
}

SPEED_MEANING = {  # a figure of `train.speed` -> what it is, and how it is written
    "ms_per_bar": ("composing 8 bars on one core, ms a bar", ".0f"),
    "ms_per_bar_2_threads": ("... on two", ".0f"),
    "eager_ms_per_bar": ("... on one, by PyTorch alone", ".0f"),
    "times_real_time": ("as many times as fast as it sounds", ".0f"),
    "first_patch_ms": ("the first notes come after, ms", ".0f"),
    "bars_32_over_8": ("32 bars take as many times as long as 8", ".1f"),
    "memory_mb": ("memory of the process, MB", ".0f"),
    "lab_seconds": ("the introductory lab's LSTM for 1,000 characters, seconds", ".1f"),
}


def all_figures(directory: Path = checkpoint.DIRECTORY) -> dict[str, dict]:
    """The figures of every model that has some, in the registry's order."""
    return {name: m for name in checkpoint.available(directory) if (m := checkpoint.metrics(name, directory))}


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; all columns but the first stand to the right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def find(figures: dict, *path: str) -> Any:
    """What stands at a path of keys; None where nothing does."""
    found: Any = figures
    for key in path:
        found = found.get(key) if found is not None else None
    return found


def written(value: float | str | None, form: str = ".2f", mark: str = "") -> str:
    return NO_FIGURE if value is None else f"{value:{form}}{mark}"


def overlap(figures: dict, style: str, whose: str = "overlap") -> float | None:
    return find(figures, "samples_valid", style, "features", "mean", whose)


def figure(figures: dict, name: str, whose: str = "value", style: str = "chorale") -> float | None:
    """A figure of the samples.

    Args:
        figures: of metrics.json.
        name: of the figure.
        whose: "value" for the model's, "reference" for held-out music's.
        style: of the samples.
    """
    return find(figures, "samples_valid", style, "figures", name, whose)


def parallels(figures: dict, whose: str = "value") -> float | None:
    """Fifths and octaves together, per 100 chord changes."""
    fifths, octaves = (figure(figures, f"parallel_{interval}", whose) for interval in ("fifths", "octaves"))
    return None if fifths is None or octaves is None else fifths + octaves


def form_of_dances(figures: dict, split: str = "valid", whose: str = "value") -> str:
    """Bars equal to the bar four before, and bars with its rhythm."""
    found = (find(figures, f"form_{split}", "dance", name, whose) for name in ("equal_4", "rhythm_4"))
    return " · ".join(written(share, ".0%") for share in found)


def of_harmony(figures: dict, name: str, split: str = "valid", whose: str = "value") -> float | None:
    """A figure of chorales that were continued to their own length.

    Args:
        figures: of metrics.json.
        name: of the figure.
        split: from which the chorales are.
        whose: "value" for the model's, "reference" for held-out music's.
    """
    return find(figures, f"harmony_{split}", "chorale", name, whose)


def strange_chords(figures: dict, split: str = "valid", whose: str = "value") -> str:
    """Those on the beat, and those where three voices begin."""
    found = (of_harmony(figures, f"strange_{where}", split, whose) for where in ("on_beat", "three_begin"))
    return " · ".join(written(share, ".1%") for share in found)


def both(find_one: Callable[[str], float | None], form: str = ".2f", mark: str = "") -> str:
    """A figure of chorales and of dances."""
    return " · ".join(written(find_one(style), form, mark) for style in STYLES)


def benchmark(figures: dict, mark: str = "") -> str:
    """The published measure, and how long the architecture was trained for it."""
    nats, minutes = (find(figures, "jsb16", *path) for path in (("nats_a_cell", "valid"), ("minutes",)))
    return written(nats, ".3f", mark) + (f" in {minutes:.0f} min" if minutes else "")


def row(name: str, figures: dict) -> list[str]:
    mark, size = LIKELIHOOD_MARKS[MODELS[name].likelihood], figures.get("parameters")
    title = MODELS[name].title
    return [
        f"[{title}](checkpoints/{name}/README.md)" if name in WORDS else title,
        written(size and size / 1e6, ".2f", " M"),
        both(lambda style: find(figures, "nll_valid", style), ".3f", mark),
        benchmark(figures, mark),
        both(lambda style: overlap(figures, style)),
        written(parallels(figures), ".1f"),
        written(of_harmony(figures, "parallel_octaves")),
        strange_chords(figures),
        written(figure(figures, "ends_on_triad"), ".0%"),
        form_of_dances(figures),
        written(find(figures, "speed", "ms_per_bar"), ".0f"),
        written(figures.get("training_minutes"), ".0f"),
    ]


def yardsticks(figures: dict) -> list[list[str]]:
    """The rows to hold the models against: music by people, and the plainest of models."""
    human = both(lambda style: overlap(figures, style, "human"))
    ends = written(figure(figures, "ends_on_triad", "reference"), ".0%")
    markov = both(lambda style: find(figures, "markov_nll_valid", style), ".3f")
    few, again = written(parallels(figures, "reference"), ".1f"), form_of_dances(figures, whose="reference")
    octaves, strange = (
        written(of_harmony(figures, "parallel_octaves", whose="reference")),
        strange_chords(figures, whose="reference"),
    )
    return [
        ["*held-out music*", "", "", "", human, few, octaves, strange, ends, again, "", ""],
        ["*Markov chain a voice*", "", markov, *[""] * 9],
    ]


def table(directory: Path = checkpoint.DIRECTORY) -> str:
    """A row a measured model, the yardsticks, and what the marks mean that were used."""
    known = all_figures(directory)
    rows = [row(name, figures) for name, figures in known.items()]
    rows += yardsticks(next((m for m in known.values() if "samples_valid" in m), {}))
    kinds = dict.fromkeys(MODELS[name].likelihood for name in known)
    notes = [f"{LIKELIHOOD_MARKS[kind]} {LIKELIHOODS[kind]}" for kind in kinds if kind not in ("exact", "none")]
    notes.append(f"{NO_FIGURE} not measured, or {LIKELIHOODS['none']}")
    # A column that nothing was measured for is left out.
    shown = [index for index in range(len(COLUMNS)) if any(set(one[index]) - set(" ·-") for one in rows)]
    head, *rows = ([one[index] for index in shown] for one in (list(COLUMNS), *rows))
    return markdown(head, rows) + "\n\n" + "; ".join(notes)


def write_readme(directory: Path = checkpoint.DIRECTORY, readme: Path = README):
    before, _, rest = readme.read_text().partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    readme.write_text(f"{before}{MARKS[0]}\n{table(directory)}\n{MARKS[1]}{after}")
