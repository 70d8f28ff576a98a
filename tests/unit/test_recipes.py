"""The recipes of CONTRIBUTING.md, carried out step by step in a copy of the repository."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tiny

from train import data

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / ".github" / "CONTRIBUTING.md").read_text()
RECIPES = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", GUIDE, re.DOTALL | re.MULTILINE))
STEP = re.compile(r"^```(python|diff|sh)\n(?:# (\S+)\n)?(.*?)^```$", re.DOTALL | re.MULTILINE)


def git(folder: Path, *arguments: str) -> str:
    author = ["-c", "user.name=a", "-c", "user.email=a@b"]
    done = subprocess.run(["git", *author, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def copy(tmp_path):
    """All tracked files, committed, and music to train on."""
    folder = tmp_path / "copy"
    for name in git(ROOT, "ls-files", "-z").split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "as it was")
    makers, splits = (tiny.chorale, tiny.tune), ("train", "train", "valid", "test")
    pieces = [data.Piece(f"{i}", split, make(8, seed=i)) for make in makers for i, split in enumerate(splits)]
    data.write(folder / ".cache" / "dataset.npz", pieces)
    return folder


def changed(text: str, change: str) -> str:
    """A text in which the lines with ' ' or '-', found once, become those with ' ' or '+', part by part."""
    for part in change.split("...\n"):
        lines = [(line[:1] or " ", line[1:]) for line in part.splitlines()]
        old, new = ("\n".join(line for sign, line in lines if sign in (" ", kept)) for kept in "-+")
        assert text.count(old) == 1, f"this stands there {text.count(old)} times:\n{old}"
        text = text.replace(old, new)
    return text


def test_a_change_is_made_where_it_belongs_or_not_at_all():
    assert changed("a\nb\nc\n", " a\n-b\n+B\n...\n c\n+d\n") == "a\nB\nc\nd\n"
    with pytest.raises(AssertionError, match="0 times"):
        changed("a\nb\n", " b\n+c\n a\n")


@pytest.mark.slow
@pytest.mark.parametrize("title", RECIPES)
def test_a_recipe_works(title, copy):
    steps = STEP.findall(RECIPES[title])
    assert any(kind == "sh" for kind, *_ in steps)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTEST_ADDOPTS": "-n 0 -q", "PYTHONPATH": ""}
    for kind, name, text in steps:
        if kind == "python":
            (copy / name).write_text(text)
        elif kind == "diff":
            (copy / name).write_text(changed((copy / name).read_text(), text))
        else:
            done = subprocess.run(
                ["bash", "-ec", text], cwd=copy, env=environment, capture_output=True, text=True, timeout=900
            )
            assert done.returncode == 0, done.stdout + done.stderr


def test_the_guide_leads_to_what_it_names():
    assert len(RECIPES) >= 5
    for name in re.findall(r"`((?:musicgen|train|tests|\.ci)/[\w./]+)`", GUIDE):
        assert (ROOT / name).exists(), name
