"""The models' cards: words for each, figures from the files alone, and what they show."""

import io
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from huggingface_hub import ModelCard
from PIL import Image

from musicgen import checkpoint
from musicgen.io.seeds import from_midi, from_text
from musicgen.models import MODELS
from train.evaluation.metrics import clip
from train.report import cards, chart, ranks
from train.report.diagrams import Box, Diagram, draw
from train.report.words import WORDS

SHIPPED = checkpoint.available()
SVG = "{http://www.w3.org/2000/svg}"


def test_there_are_words_for_all_that_is_shipped_and_no_figures_in_them():
    assert set(SHIPPED) <= set(WORDS) <= set(MODELS)
    for name, words in WORDS.items():
        said = [words.use, words.seed, words.length, words.seen, str(words.diagram)]
        assert all(said), name
        assert not re.search(r"\d", "".join(said)), name


@pytest.mark.parametrize("name", SHIPPED)
def test_a_card_is_what_the_files_say(name):
    folder = checkpoint.DIRECTORY / name
    assert (folder / "README.md").read_text() == cards.card(name), f"run: python -m train.evaluation {name}"
    assert (folder / "diagram.svg").read_text() == cards.diagram(name)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_card_links_what_is_there(name):
    folder = checkpoint.DIRECTORY / name
    for target in re.findall(r"\]\(([^)]+)\)", cards.card(name)):
        assert (folder / target).is_file(), target


@pytest.mark.parametrize("name", SHIPPED)
def test_the_sample_goes_on_from_the_notes_that_are_said(name):
    folder, given = checkpoint.DIRECTORY / name, from_text(cards.SAMPLE_NOTES).canvas.score
    score = from_midi((folder / "sample.mid").read_bytes()).canvas.score
    assert score.bars == cards.SAMPLE_BARS
    assert np.array_equal(clip(score, 0, given.bars).sounding()[:, 0], given.sounding()[:, 0])
    assert (folder / "sample.mid").stat().st_size + (folder / "sample.png").stat().st_size < 200_000


def boxes(root) -> list[tuple[float, ...]]:
    return [
        tuple(float(r.get(k)) for k in ("x", "y", "width", "height")) for r in root.iter(f"{SVG}rect") if r.get("x")
    ]


@pytest.mark.parametrize("name", WORDS)
def test_a_drawing_holds_all_that_is_described(name):
    diagram = WORDS[name].diagram
    root = ElementTree.fromstring(draw(diagram, name))
    wide, high = float(root.get("width")), float(root.get("height"))
    assert all(x >= 0 and y >= 0 and x + w <= wide and y + h <= high for x, y, w, h in boxes(root))
    said = " ".join(text.text for text in root.iter(f"{SVG}text"))
    assert all(box.text in said for stage in diagram.stages for box in stage) and diagram.feedback in said


def test_stages_of_as_many_boxes_are_joined_one_by_one():
    def arrows(*sizes: int) -> int:
        stages = tuple(tuple(Box(f"box {i}") for i in range(size)) for size in sizes)
        return draw(Diagram(stages), "a < b").count("marker-end")

    assert arrows(2, 2) == 2 and arrows(2, 1, 3) == 5
    assert draw(Diagram(((Box("a", again=True),),), "round & round"), "").count("marker-end") == 2


def measured(overlaps: tuple[float, float], parallels: float, ms: float | None = 10) -> dict:
    feature = {"value": 1.0, "reference": 1.0, "divergence": 0.1, "human": 0.9}
    features = {"polyphony": feature | {"overlap": overlaps[0]}, "note_duration": feature | {"overlap": overlaps[1]}}
    features["mean"] = {"overlap": sum(overlaps) / 2, "divergence": 0.1, "human": 0.9}
    names = ("parallel_fifths", "parallel_octaves", "ends_on_triad", "in_seed_scale")
    figures = {name: {"value": parallels, "reference": 0.3} for name in names}
    style = {"samples": 4, "features": features, "figures": figures}
    return {
        "samples_valid": {"chorale": style, "dance": style},
        "speed": {"ms_per_bar": ms},
        "nll_valid": {"chorale": 0.4},
    }


@pytest.fixture
def known(monkeypatch):
    """Figures of three models; the third was not asked to compose."""
    figures = {
        "gru": measured((0.8, 0.5), 1.0),
        "lstm": measured((0.7, 0.9), 2.0),
        "rnn": {"speed": {"ms_per_bar": 5.0}},
    }
    monkeypatch.setattr(checkpoint, "metrics", lambda name, directory=None: figures[name])
    monkeypatch.setattr(checkpoint, "available", lambda directory=None: list(figures))
    return figures


def test_strengths_are_read_off_the_figures(known):
    said = ranks.strengths("gru", checkpoint.DIRECTORY)
    assert "Nearest to held-out music in polyphony of chorales, overlap 0.80 (people 0.90)" in said
    assert "farthest in note duration of dances, overlap 0.50" in said or "note duration of chorales" in said
    assert "among 2 models: overlap of chorales 2," in said and "few parallels 1," in said and "speed 2." in said
    assert "few parallels 2," in ranks.strengths("lstm", checkpoint.DIRECTORY)
    assert "not been measured" in ranks.strengths("rnn", checkpoint.DIRECTORY)


def test_a_model_has_no_place_where_it_was_not_measured(known):
    known["gru"] = measured((0.8, 0.5), 1.0, ms=None)
    assert "speed" not in ranks.strengths("gru", checkpoint.DIRECTORY)
    assert "speed 2." in ranks.strengths("lstm", checkpoint.DIRECTORY)  # after the third, which is timed


def test_the_verdict_names_what_a_model_is_first_or_last_in(known):
    best, worst = "its chorales are the nearest to real ones", "it writes the most parallels"
    first = ranks.verdict("gru")
    assert "Of 3 models: " in first and "it writes the fewest parallels" in first and worst not in first
    last = ranks.verdict("lstm")
    assert best in last and worst in last and last.index(best) < last.index(", but ") < last.index(worst)
    assert ranks.verdict("rnn") == "Of 3 models: it is the fastest."
    known["rnn"] = {}
    assert "not been measured" in ranks.verdict("rnn")


def test_a_model_that_is_never_first_or_last_is_told_of_as_such(known):
    known["gru"], known["rnn"] = measured((0.5, 0.5), 0.5, 5), measured((0.9, 0.9), 2.5, 20)
    known["lstm"] = measured((0.7, 0.7), 1.0, 10)
    for figures in known.values():  # of these the fixture makes the same as of parallels
        for name in ("ends_on_triad", "in_seed_scale"):
            del figures["samples_valid"]["chorale"]["figures"][name]
    said = (
        "Of 3 models: neither first nor last in anything; its best place is 2, in few parallels, its worst 2, in speed."
    )
    assert ranks.verdict("lstm") == said


@pytest.mark.parametrize("name", SHIPPED)
def test_the_hub_reads_a_card(name):
    about = ModelCard.load(checkpoint.DIRECTORY / name / "README.md").data
    assert (about.license, about.library_name, about.pipeline_tag) == ("mit", "pytorch", "text-to-audio")
    found = {(r.dataset_config, r.metric_type): r.metric_value for r in about.eval_results}
    figures = checkpoint.metrics(name)
    for style, nats in figures.get("nll_valid", {}).items():
        assert found[style, "nats"] == nats
    assert found["chorale", "endings"] == figures["samples_valid"]["chorale"]["figures"]["ends_on_triad"]["value"]
    assert ("dance", "parallels") not in found


def test_a_model_without_figures_has_a_header_without_results(known):
    known["rnn"] = {}
    assert "model-index" not in cards.header("rnn", {}) and cards.header("rnn", {}).startswith("---\nli")


def test_a_card_shows_dashes_for_what_was_not_measured(known):
    card = cards.card("rnn")
    assert "| composing 8 bars on one core, ms a bar | 5 |" in card and "| parameters | - |" in card
    assert "| polyphony | 1.00 | 1.00 | 0.80 | 0.90 |" in cards.card("gru")


def test_the_picture_of_all_models_is_small_and_drawn_from_whatever_is_known(known, tmp_path, monkeypatch):
    monkeypatch.setattr(MODELS["lstm"], "likelihood", "bound")
    chart.draw(tmp_path, tmp_path / "a.png")
    picture = Image.open(io.BytesIO((tmp_path / "a.png").read_bytes()))
    assert picture.width > picture.height and (tmp_path / "a.png").stat().st_size < 100_000
    known["gru"]["speed"] = {"ms_per_bar": 500}
    chart.draw(tmp_path, tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() != (tmp_path / "b.png").read_bytes()
