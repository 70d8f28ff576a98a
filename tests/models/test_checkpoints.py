"""The shipped checkpoints: what they weigh, what is claimed of them, and how they answer."""

import re

import numpy as np
import pytest

from musicgen import checkpoint
from musicgen.io.seeds import EXAMPLES, from_text
from musicgen.models import MODELS
from musicgen.models.base import LIKELIHOODS
from musicgen.sampling import SamplingConfig
from musicgen.score import REST
from train.recipes import RECIPES
from train.report import tables

SHIPPED = checkpoint.available()
SEEDS = [from_text(e.text, style=e.style, meter=e.meter).canvas for e in (EXAMPLES[0], EXAMPLES[-1])]


def test_what_is_shipped_has_a_recipe_and_stands_in_the_order_of_the_registry():
    assert [name for name in MODELS if name in RECIPES] == SHIPPED


def test_who_names_the_folder_and_who_does_not_get_the_same_model():
    name = checkpoint.available()[0]
    assert checkpoint.load(name) is checkpoint.load(name, checkpoint.DIRECTORY)


@pytest.mark.parametrize("name", SHIPPED)
def test_figures_belong_to_these_very_weights(name):
    """What can be measured anew at once is; the rest is tied to the weights by their hash."""
    figures, about = checkpoint.metrics(name), checkpoint.config(name)
    weights = checkpoint.DIRECTORY / name / "weights.safetensors"
    assert figures["weights_sha256"] == about["weights_sha256"] == checkpoint.sha256(weights)
    assert figures["dataset_sha256"] == about["training"]["dataset_sha256"]
    assert figures["training_minutes"] == about["training"]["minutes"] <= 90
    assert figures["parameters"] == checkpoint.parameters(checkpoint.load(name)) <= 4_000_000
    assert weights.stat().st_size < 10_000_000


@pytest.mark.parametrize("name", SHIPPED)
def test_all_were_trained_on_the_same_music(name):
    assert checkpoint.metrics(name)["dataset_sha256"] == checkpoint.metrics(SHIPPED[0])["dataset_sha256"]


def test_the_readme_shows_the_measured_figures():
    assert f"{tables.MARKS[0]}\n{tables.table()}\n{tables.MARKS[1]}" in tables.README.read_text()


def test_no_figure_is_typed_by_hand():
    """Outside the table, a decimal number is a version or a paper's."""
    before, _, rest = tables.README.read_text().split("---", 2)[2].partition(tables.MARKS[0])
    prose = re.sub(r"```.*?```|`.*?`", "", before + rest.partition(tables.MARKS[1])[2], flags=re.DOTALL)
    assert re.findall(r"(?<!arXiv )(?<!Python )\b\d+[.,]\d+|\d ?%", prose) == []


@pytest.mark.parametrize("kind", LIKELIHOODS)
def test_held_out_nats_are_said_with_their_kind(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(MODELS["gru"], "likelihood", kind)
    assert checkpoint.nats("gru", tmp_path).startswith("none" if kind == "none" else "-")
    (tmp_path / "gru").mkdir()
    (tmp_path / "gru" / "metrics.json").write_text('{"nll_valid": {"chorale": 0.4321, "dance": 0.5}}')
    said = checkpoint.nats("gru", tmp_path)
    assert ("chorale 0.432, dance 0.500" in said) == (kind != "none")
    assert (LIKELIHOODS[kind] in said) == (kind != "exact")


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("seed", SEEDS, ids=lambda c: c.score.style)
def test_goes_on_from_a_seed_to_the_very_bar_and_is_never_silent(name, seed):
    canvas = seed.extended(seed.score.bars + 3)
    score = checkpoint.load(name).compose(canvas, random_seed=3)
    assert score.steps == canvas.score.steps
    assert np.array_equal(score.cells[canvas.fixed], canvas.score.cells[canvas.fixed])
    sounds = (score.sounding() != REST).any(axis=1).reshape(score.bars, -1)
    assert sounds.any(axis=1).all()


@pytest.mark.parametrize("name", SHIPPED)
def test_entropy_grows_with_temperature(name):
    """Entropy of each cell over eight samples, averaged over the cells, at three temperatures."""
    model, canvas = checkpoint.load(name), SEEDS[1].extended(SEEDS[1].score.bars + 2)
    free, entropies = ~canvas.fixed, []
    for temperature in (0.0, 0.9, 1.8):
        sampling = SamplingConfig(temperature, top_p=1.0)
        samples = [model.compose(canvas, sampling, random_seed=s).cells[free] for s in range(8)]
        entropies.append(np.mean([entropy(cell) for cell in np.stack(samples, 1)]))
    assert entropies[0] == 0 < entropies[1] < entropies[2]


def entropy(values: np.ndarray) -> float:
    shares = np.unique(values, return_counts=True)[1] / len(values)
    return float(-(shares * np.log(shares)).sum())
