"""A model's card, `checkpoints/<name>/README.md`: the words of `words.py`, figures of the metrics files, a sample."""

from itertools import chain
from pathlib import Path

from musicgen import checkpoint
from musicgen.export import FORMATS
from musicgen.io.audio import default_instruments
from musicgen.io.seeds import from_text
from musicgen.models import DEFAULTS, MODELS
from musicgen.models.base import LIKELIHOODS
from musicgen.request import LONGEST_PIECE
from musicgen.score import METERS, STYLES
from musicgen.session import Composition
from train.evaluation.form import FORM_BARS
from train.evaluation.sampled import SEED_BARS
from train.report.diagrams import draw
from train.report.hub import header
from train.report.ranks import strengths, verdict
from train.report.tables import (
    FORM_MEANING,
    HARMONY_MEANING,
    MEANING,
    SPEED_MEANING,
    benchmark,
    both,
    find,
    form_of_dances,
    markdown,
    of_harmony,
    strange_chords,
    written,
)
from train.report.words import WORDS

SAMPLE_NOTES, SAMPLE_BARS, SAMPLE_RANDOM_SEED = "B4 B4 C5 D5 | D5 C5 B4 A4", 8, 7


def write(name: str, directory: Path = checkpoint.DIRECTORY):
    """The card and its drawing."""
    (directory / name / "README.md").write_text(card(name, directory))
    (directory / name / "diagram.svg").write_text(diagram(name))


def diagram(name: str) -> str:
    return draw(WORDS[name].diagram, f"How {MODELS[name].title} is built")


def write_sample(name: str, directory: Path = checkpoint.DIRECTORY):
    """What `sample_command` makes."""
    canvas = from_text(SAMPLE_NOTES).canvas.extended(SAMPLE_BARS)
    model = checkpoint.load(name, directory)
    score = model.compose(canvas, random_seed=SAMPLE_RANDOM_SEED)
    work = Composition(score=score, fixed=canvas.fixed, model=name, random_seed=SAMPLE_RANDOM_SEED)
    for kind in ("midi", "png"):
        made = FORMATS[kind].make(work, default_instruments(score.style))
        (directory / name / f"sample.{FORMATS[kind].ending}").write_bytes(made)


def sample_command(name: str) -> str:
    return (
        f'python -m musicgen compose --model {name} --notes "{SAMPLE_NOTES}" --bars {SAMPLE_BARS} '
        f"--random-seed {SAMPLE_RANDOM_SEED} --out sample.mid --out sample.png"
    )


def card(name: str, directory: Path = checkpoint.DIRECTORY) -> str:
    """The card's text, from words and from the files in the directory alone."""
    model, words, figures = MODELS[name], WORDS[name], checkpoint.metrics(name, directory)
    tables = "\n\n".join(f"Composed {style}s:\n\n{music(figures, style)}" for style in STYLES)
    return f"""{header(name, figures)}
# {model.title}

{model.summary} ({model.source}.)

**Verdict**: {verdict(name, directory)}

![How it is built](diagram.svg)

## What it is for

Completing pieces of up to {LONGEST_PIECE} bars. {words.use} Make music with it, or learn from it how such a network
works; it composes on a plain CPU, faster than the music sounds.

## What it is not for

- Other music: it knows four-part chorales in Bach's manner and dances of one line, on a grid of sixteenths in
  {", ".join(METERS)}: no triplets or ornaments, no dynamics, no words.
- Passing for a person's work: the figures below were counted by programs, no listeners were asked, and no rule of
  part-writing is kept without exception.
- Music that must be entirely new: a run of notes may come from a training piece, as often as the figures below say.

## How it answers

- **Seed**: {words.seed}
- **Temperature**: {model.temperature_note}
- **Length**: {words.length}

## What it is good and bad at

{strengths(name, directory)}

Seen in its piano rolls and sheet music: {words.seen}

![A chorale in a piano roll: the seed at the left, what was composed after it](sample.png)

This [sample](sample.mid) was made by

```sh
{sample_command(name)}
```

From Python, where Nonet is installed, its weights are loaded from here, from a folder that holds `config.json` and
`weights.safetensors`, or from the `owner/name` that these have on the Hugging Face Hub:

```python
from musicgen import Canvas, load

score = load("{name}").compose(Canvas.blank(8, "chorale"), random_seed={SAMPLE_RANDOM_SEED})
```

## Figures

{sizes(name, directory)}

Each piece begins with two bars of a held-out piece; the six composed after them are judged. They were composed at
temperature {DEFAULTS.temperature} and top-p {DEFAULTS.top_p}. *Held out* is the same figure for windows of held-out
pieces of that length; *overlap* is that of the densities of composed and held-out music, *people's* that of training
and held-out music. All are written by `{figures.get("command_valid", f"python -m train.evaluation {name}")}`.

{tables}

Form, of {FORM_BARS - SEED_BARS} bars composed after {SEED_BARS} held-out ones, and of the same bars of held-out pieces:

{form(figures)}

Chords, of what was composed after {SEED_BARS} held-out bars up to the held-out chorale's length, and of these chorales:

{chords(figures)}

## Data

{data(figures)}
"""


def sizes(name: str, directory: Path) -> str:
    """What is known of the model as a whole."""
    figures, about = checkpoint.metrics(name, directory), checkpoint.config(name, directory)
    kind, speed = LIKELIHOODS[MODELS[name].likelihood], figures.get("speed", {})
    rows = {
        "parameters": written(figures.get("parameters"), ","),
        "configuration": ", ".join(f"{key} {value}" for key, value in about["config"].items()),
        "training": trained(about["training"]),
        **{words: written(speed[key], form) for key, (words, form) in SPEED_MEANING.items() if key in speed},
        f"held-out nats a cell ({kind})": both(lambda s: find(figures, "nll_valid", s), ".3f"),
        "... of a Markov chain's": both(lambda s: find(figures, "nll_valid_to_markov", s), ".0%"),
        "JSB 16th, nats a cell, trained afresh": benchmark(figures),
    }
    if "samples_test" in figures:
        rows["on test: nats a cell"] = both(lambda s: find(figures, "nll_test", s), ".3f")
        rows["on test: mean overlap"] = both(lambda s: find(figures, "samples_test", s, "features", "mean", "overlap"))
        rows["on test: dances' bars equal to the bar four before, with its rhythm"] = form_of_dances(figures, "test")
        rows["on test: strange chords on the beat, where three voices begin"] = strange_chords(figures, "test")
    rows |= {key.replace("_", " "): _plain(value) for key, value in figures.get("particular_valid", {}).items()}
    return markdown(["chorales · dances, or both", ""], rows.items())


def trained(training: dict) -> str:
    """How long a model was trained, and on what."""
    known = {"minutes": ".0f", "steps": ",", "device": "", "random_seed": ""}
    minutes, steps, where, random_seed = (written(training.get(key), form) for key, form in known.items())
    more = "".join(
        f"; {word}: {training[word]}" for word in ("start", "teachers", "composers", "stages") if word in training
    )
    return f"{minutes} minutes, {steps} steps, {where}, random seed {random_seed}{more}"


def music(figures: dict, style: str) -> str:
    """The figures of what was composed in a style, each beside held-out music's."""
    samples = find(figures, "samples_valid", style) or {}
    rows = [
        [
            "**mean of the features**" if name == "mean" else name.replace("_", " "),
            *(written(f.get(key)) if key in f else "" for key in ("value", "reference")),
            *(written(f[key]) for key in ("overlap", "human")),
        ]
        for name, f in samples.get("features", {}).items()
    ]
    rows += [
        [words, *(written(found[key], form) for key in ("value", "reference")), "", ""]
        for name, (words, form) in MEANING.items()
        if (found := find(samples, "figures", name))
    ]
    return markdown([f"{samples.get('samples', 'no')} pieces", "composed", "held out", "overlap", "people's"], rows)


def form(figures: dict) -> str:
    """How often bars say again what an earlier one said, in composed and in held-out pieces."""
    kinds = [(style, whose) for style in STYLES for whose in ("value", "reference")]
    rows = [
        [words, *(written(find(figures, "form_valid", style, name, whose), ".1%") for style, whose in kinds)]
        for name, words in FORM_MEANING.items()
    ]
    return markdown(["", *chain(*((f"{style}s", "held out") for style in STYLES))], rows)


def chords(figures: dict) -> str:
    """How many are strange, how varied they are, and the rules they follow, in composed and in held-out chorales."""
    rows = [
        [words, *(written(of_harmony(figures, name, whose=whose), form) for whose in ("value", "reference"))]
        for name, (words, form) in HARMONY_MEANING.items()
    ]
    return markdown(["", "composed", "held out"], rows)


def data(figures: dict) -> str:
    counts = figures.get("pieces", {})
    said = {style: ", ".join(f"{count} {split}" for split, count in c.items()) for style, c in counts.items()}
    return f"""All from the corpus that comes with music21: Bach's four-part chorales ({said.get("chorale", "-")}), and
dances of O'Neill's, Ryan's and Aird's collections ({said.get("dance", "-")}), transposed at random in training.

- dataset: `{figures.get("dataset_sha256", "-")}`
- weights: `{figures.get("weights_sha256", "-")}`"""


def _plain(value) -> str:
    """A figure, or several in a dict or list, in words."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {_plain(v)}" for key, v in value.items())
    return " · ".join(map(_plain, value)) if isinstance(value, list) else str(value)
