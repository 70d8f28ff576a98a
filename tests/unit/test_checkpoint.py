"""Models from elsewhere: a folder, and the Hugging Face Hub, by a stand-in for it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hub import Repo, serve_hub

from musicgen import Canvas, checkpoint

ROOT = Path(__file__).parents[2]
GRU = checkpoint.DIRECTORY / "gru"
FILES = {name: (GRU / name).read_bytes() for name in checkpoint.FILES}
COMPOSE = """
import sys
from musicgen import Canvas, load
for name in sys.argv[1:]:
    try:
        print(load(name).compose(Canvas.blank(2), random_seed=7).notes())
    except RuntimeError as error:
        print(error)
"""


def composed(*names: str, hub: str, home: Path) -> list[str]:
    """What each of these models composes in another process, or why not, a line each."""
    environment = {**os.environ, "HF_ENDPOINT": hub, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1"}
    done = subprocess.run(
        [sys.executable, "-c", COMPOSE, *names],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def shipped() -> str:
    return str(checkpoint.load("gru").compose(Canvas.blank(2), random_seed=7).notes())


def test_a_model_of_the_hub_is_fetched_once_and_nothing_else_of_it(tmp_path, shipped):
    with serve_hub() as hub:
        hub.repos["somebody/bach"] = Repo({}, {**FILES, "pytorch_model.bin": b"a pickle", "README.md": b"# Bach"})
        hub.repos["somebody/other"] = Repo(
            {}, {**FILES, "weights.safetensors": FILES["weights.safetensors"][:-1] + b"0"}
        )
        found = composed("somebody/bach", "somebody/other", "somebody/none", hub=hub.url, home=tmp_path)
        assert found[0] == shipped
        assert "weights.safetensors is missing or has changed; get it anew from its source" in found[1]
        assert found[2] == "there is no folder somebody/none, and no such public model on the Hugging Face Hub"
        fetched = {path.rpartition("/")[2] for method, path in hub.asked if "/resolve/" in path}
        assert fetched == set(checkpoint.FILES)
    assert composed("somebody/bach", hub=hub.url, home=tmp_path) == [shipped]


def test_without_the_hub_a_sentence_says_what_to_do(tmp_path):
    (said,) = composed("somebody/bach", hub="http://127.0.0.1:9", home=tmp_path)
    assert said.endswith("the Hugging Face Hub cannot be reached; try again with a network")


@pytest.fixture
def folder(tmp_path) -> Path:
    return Path(shutil.copytree(GRU, tmp_path / "mine", ignore=shutil.ignore_patterns("*.m*", "*.png", "*.svg")))


def test_a_folder_holds_a_model_whatever_it_is_called(folder, shipped, monkeypatch):
    monkeypatch.chdir(folder.parent)
    for name in (folder, str(folder), "mine"):
        assert str(checkpoint.load(name).compose(Canvas.blank(2), random_seed=7).notes()) == shipped
    assert checkpoint.load("mine") is checkpoint.load(folder)


def changed(folder: Path, **about) -> Path:
    config = folder / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), **about}))
    return folder


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda folder: changed(folder, model="window"), "is of no architecture that belongs there: window"),
        (lambda folder: changed(folder, model=["gru"]), "is of no architecture that belongs there"),
        (lambda folder: changed(folder, weights_sha256="0"), "is missing or has changed; get it anew from its source"),
        (lambda folder: changed(folder, config={"width": 8}), "does not fit this version of the model"),
        (lambda folder: folder.rename(folder.with_name("lstm")), "train anew: python -m train lstm"),
        (lambda folder: folder / "nowhere", "there is no model"),
    ],
)  # fmt: skip
def test_a_folder_that_is_not_what_it_should_be_is_told(folder, harm, said):
    with pytest.raises(checkpoint.CheckpointError) as error:
        checkpoint.load(harm(folder))
    assert said in str(error.value)
