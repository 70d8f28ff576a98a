"""The wheel: what it asks for, and that it composes and opens its page far from any checkout."""

import json
import os
import subprocess
import sys
import sysconfig
from email import message_from_bytes
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement

from musicgen import checkpoint
from musicgen.io.seeds import from_midi

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", folder, ROOT]
    subprocess.run(build, check=True, timeout=300)
    return next(folder.glob("musicgen-*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """The folder of the commands of an environment that has the wheel, and of this one the packages that it needs."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True, timeout=120)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", "--no-index", wheel]
    subprocess.run(pip, check=True, timeout=300)
    packages = next(folder.glob("lib/python*/site-packages"))
    (packages / "needed.pth").write_text(sysconfig.get_path("purelib"))
    return python.parent


def elsewhere(*command, folder: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_asks_for_what_requirements_say_and_holds_every_checkpoint(wheel):
    with ZipFile(wheel) as files:
        names = files.namelist()
        about = message_from_bytes(files.read(next(n for n in names if n.endswith("METADATA"))))
    asked = {Requirement(line) for line in about.get_all("Requires-Dist") if "extra ==" not in line}
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    assert asked == {Requirement(line) for line in lines if not line.startswith("#")}
    assert {f"musicgen/checkpoints/{n}/weights.safetensors" for n in checkpoint.available()} <= set(names)
    assert not [name for name in names if name.startswith(("train", "tests", "app.py"))]


def test_the_command_composes_from_any_folder(installed, tmp_path):
    where = elsewhere(installed / "python", "-c", "import musicgen; print(musicgen.__file__)", folder=tmp_path)
    assert Path(where).is_relative_to(installed.parent)
    asked = ("--notes", "C5 D5 E5", "--bars", "2", "--seed", "7", "--out", "a.mid", "--json")
    answer = json.loads(elsewhere(installed / "musicgen", "compose", "--model", "gru", *asked, folder=tmp_path))
    assert answer["bars"] == 2
    assert len(from_midi((tmp_path / "a.mid").read_bytes()).canvas.score.notes()) == answer["notes"]


def test_the_command_knows_the_page(installed, tmp_path):
    assert "usage: musicgen app" in elsewhere(installed / "musicgen", "app", "--help", folder=tmp_path)
