"""A style is data: what does not fit is told at import, and a third one is an entry and a source, nothing else."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from musicgen import checkpoint
from musicgen.io import soundfont
from musicgen.io.seeds import from_text
from musicgen.score import HIGH, STYLES

ROOT = Path(__file__).parents[2]
TRIO = """        Style(
            name="trio",
            title="Trio",
            voices=("Violin", "Viola", "Cello"),
            ranges=((57, 81), (52, 76), (45, 71)),
            instrument="strings",
            program=48,
            tempo=96,
            breath=1,
        ),
    )
}
"""
SOURCE = """    "trio": Source(_chorale_files, lambda work: _four_parts(work)[:3]),
}
"""


def changed(file: Path, before: str, after: str):
    text = file.read_text()
    assert text.count(before) == 1
    file.write_text(text.replace(before, after))


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> Path:
    """A copy of library and training in which a trio was added."""
    folder = tmp_path_factory.mktemp("house")
    listed = ["git", "ls-files", "-z", "musicgen/*.py", "train/*.py", "train/*.json"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(None, names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text((ROOT / name).read_text())
    (folder / "checkpoints").symlink_to(ROOT / "checkpoints")
    (folder / "musicgen" / "web" / "samples").symlink_to(ROOT / "musicgen" / "web" / "samples")
    changed(folder / "musicgen" / "score.py", "        ),\n    )\n}\n", f"        ),\n{TRIO}")
    changed(folder / "train" / "data.py", "exact=True, tunes=True),\n}\n", f"exact=True, tunes=True),\n{SOURCE}")
    return folder


@pytest.fixture(scope="module")
def report(house) -> dict:
    environment = {**os.environ, "PYTHONPATH": f"{house}:{ROOT / 'tests'}"}
    command = [sys.executable, str(ROOT / "tests" / "trio.py")]
    done = subprocess.run(command, cwd=house, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_models_trained_before_there_was_a_trio_write_what_they_wrote(report):
    canvas = from_text("C5 D5 E5 F5").canvas.extended(2)
    for name, about in report["shipped"].items():
        assert about["styles"] == ["chorale", "dance"]
        score = checkpoint.load(name).compose(canvas, random_seed=5)
        assert np.array_equal(score.cells, about["cells"]), name


def test_they_are_not_offered_for_it(report):
    for name, about in report["shipped"].items():
        assert about["trio"] == [["problem", "model", f"{name} was not trained for a trio: choose another style."]]
    assert report["compared"] == [["problem", "model"]]


def test_all_kinds_of_models_learn_it_by_the_only_loop(report):
    assert report["pieces"] == 3
    for name, about in report["trained"].items():
        assert about["styles"] == ["chorale", "dance", "trio"], name
        assert about["valid"] > 0 and about["kept"] and set(about["voices"]) <= {0, 1, 2}, name


def test_it_is_read_and_written_as_any_other(report):
    assert report["files"]["styles"] == ["trio", "trio"] and report["files"]["notes"] == [True, True]
    assert report["files"]["roll"] == {"low": 45, "high": 81, "voices": ["Violin", "Viola", "Cello"]}
    assert "top 3 notes of each chord were kept, since a trio has 3 voices" in report["files"]["too many"]


def test_a_style_without_a_source_is_told_when_training_begins(house):
    changed(house / "train" / "data.py", SOURCE, "}\n")
    done = subprocess.run([sys.executable, "-m", "train.data"], cwd=house, capture_output=True, text=True)
    changed(house / "train" / "data.py", "exact=True, tunes=True),\n}\n", f"exact=True, tunes=True),\n{SOURCE}")
    assert done.returncode == 1 and "no source of music for the styles trio: add them to SOURCES" in done.stderr


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"voices": ()}, "it has 0 voices: give it 1 to 4"),
        ({"voices": ("A",) * 5}, "it has 5 voices"),
        ({"ranges": ((54, 93),) * 2}, "it has 1 voices and 2 ranges"),
        ({"ranges": ((54, HIGH + 1),)}, "Melody: models know pitches 33-93, not all of 54-94"),
        ({"ranges": ((60, 50),)}, "not all of 60-50"),
        ({"tempo": 10}, "its tempo 10 is outside 20-300"),
        ({"program": 128}, "its program 128 is none"),
        ({"breath": -1}, "its breath -1 is less than none"),
        ({"rhythm_temperature": 0}, "its rhythm temperature 0 is not above 0"),
        ({"hold_shift_spread": 0}, "its hold shift spread 0 is not above 0"),
    ],
)
def test_what_does_not_fit_is_told(change, said):
    with pytest.raises(ValueError, match="style 'dance': .*" + re.escape(said)):
        replace(STYLES["dance"], **change)


def test_an_instrument_that_is_none_is_told(monkeypatch):
    monkeypatch.setitem(STYLES, "dance", replace(STYLES["dance"], program=12))
    with pytest.raises(ValueError, match=r"style 'dance': its instrument and program are none of organ \(19\), "):
        soundfont._load()
