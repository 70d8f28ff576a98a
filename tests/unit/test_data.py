"""The corpus as it is read: a few of its own files, parsed for real."""

import json

import numpy as np
import pytest
from music21 import converter
from tiny import chorale

from musicgen.score import METERS, REST
from train import data


def parsed(name: str, style: str = "chorale", split: str = "train"):
    folder = {"chorale": "bach", "dance": "ryansMammoth"}[style]
    (file,) = (data._corpus() / folder).glob(f"{name}.*")
    return data._parse_file((style, split, str(file)))


@pytest.fixture
def cached(tmp_path):
    """A cache of three pieces, written as `build` writes it."""
    pieces = [data.Piece(f"piece{i}", "train", chorale(seed=i)) for i in range(3)]
    path = tmp_path / "dataset.npz"
    data.write(path, pieces)
    return path, pieces


def test_a_chorale_keeps_its_voices_its_upbeat_and_its_last_chord():
    ((piece, _),) = parsed("bwv101.7")
    score = piece.score
    assert (score.style, score.meter, piece.split) == ("chorale", "4/4", "train")
    assert (score.cells[:12] == REST).all() and (score.cells[12] >= 0).all()  # an upbeat of one beat
    assert (score.sounding()[-1] != REST).all()  # the last chord fills its bar
    heard = [score.sounding()[:, v].max() for v in range(4)]
    assert heard == sorted(heard, reverse=True)


def test_a_chorale_has_the_notes_of_its_file():
    ((piece, _),) = parsed("bwv101.7")
    (file,) = (data._corpus() / "bach").glob("bwv101.7.*")
    work = converter.parse(str(file))
    for voice, part in enumerate(work.parts):
        written = [n.pitch.midi for n in part.flatten().notes if n.tie is None or n.tie.type == "start"]
        assert [n.pitch for n in piece.score.notes() if n.voice == voice] == written


def test_a_dance_is_one_voice_on_the_grid():
    ((piece, _),) = parsed("CharmingKatysReel", "dance", "")
    assert piece.score.style == "dance" and piece.score.meter in METERS
    assert (piece.score.cells[:, 1:] == REST).all()
    assert piece.split in data.SPLITS


def test_what_does_not_fit_is_dropped_with_its_reason():
    ((piece, reason),) = parsed("CentennialHornpipe", "dance", "")
    assert piece is None and reason == "dance: bar lines move"


def test_no_chorale_is_in_two_splits():
    split = json.loads(data.CHORALE_SPLIT.read_text())
    names = [name for part in data.SPLITS for name in split[part]]
    assert len(names) == len(set(names)) == 387
    assert len(data._chorale_files()) == 387


def test_a_tune_is_known_in_any_key_and_kept_once():
    tune = chorale()
    higher = tune.replace(cells=np.where(tune.cells >= 0, tune.cells + 1, tune.cells))
    assert data._tune_key(tune) == data._tune_key(higher)
    twins = [data.Piece(n, "train", s.replace(cells=_top(s), style="dance")) for n, s in (("a", tune), ("b", higher))]
    assert data._without_twins(twins) == ([twins[0]], 1)


def _top(score):
    return np.where(np.arange(4) == 0, score.cells, REST)


def test_the_cache_gives_back_the_pieces_and_their_hash(cached):
    path, pieces = cached
    loaded = data.load(path)
    assert loaded == pieces
    assert data.digest(loaded) == data.digest(pieces) != data.digest(pieces[:2])


def test_the_report_counts_pieces_and_reasons(cached):
    _, pieces = cached
    said = data.report(pieces, {"chorale: no notes": 2})
    assert "3 train, 0 valid, 0 test" in said and "2  chorale: no notes" in said and data.digest(pieces) in said
