"""What the README says is so: the tree, the versions, the two commands."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from train.report import tables

ROOT = Path(__file__).parents[2]
TREES = ("musicgen", "train", "tests")
README = (ROOT / "README.md").read_text()
HEADER = dict(re.findall(r"^(\w+): (.+)$", README.split("---")[1], re.MULTILINE))


def tracked() -> set[str]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    return {name for name in done.stdout.decode().split("\0") if name}


def lines_of_tree(folder: str) -> list[str]:
    return re.search(r"```\n(.*?)```", (ROOT / folder / "README.md").read_text(), re.DOTALL).group(1).splitlines()


def tree(folder: str) -> list[str]:
    """The paths of a folder's tree: indentation nests, a folder ends in a slash."""
    paths, folders = [], []
    for line in lines_of_tree(folder):
        depth = (len(line) - len(line.lstrip())) // 2
        name = line.split()[0]
        folders = folders[:depth]
        paths.append(f"{folder}/" + "".join(folders) + name)
        if name.endswith("/"):
            folders.append(name)
    return paths


@pytest.mark.parametrize("folder", TREES)
def test_the_tree_is_the_real_one(folder):
    listed = tree(folder)
    files = {path for path in listed if not path.endswith("/")}
    parents = {path for path in listed if any(other != path and other.startswith(path) for other in listed)}
    whole = [path for path in listed if path.endswith("/") and path not in parents]  # one line for all that is in it
    real = {name for name in tracked() if name.startswith(f"{folder}/")} - {f"{folder}/README.md"}
    assert files - real == set(), "listed, but not there"
    assert [folder for folder in whole if not any(name.startswith(folder) for name in real)] == []
    assert {name for name in real - files if not name.startswith(tuple(whole))} == set(), "there, but not listed"


@pytest.mark.parametrize("folder", TREES)
def test_every_line_of_the_tree_says_what_it_is(folder):
    assert [line for line in lines_of_tree(folder) if len(line.split()) < 2] == []


def test_the_header_is_what_spaces_need():
    assert HEADER["sdk"] == "gradio"
    assert re.fullmatch(r"\d+\.\d+\.\d+", HEADER["sdk_version"])
    assert f"gradio=={HEADER['sdk_version']}" in (ROOT / "requirements.txt").read_text().splitlines()
    assert (ROOT / HEADER["app_file"]).is_file()
    assert len(HEADER["short_description"]) <= 60
    assert HEADER["python_version"] == "3.12.12"  # of the two that ZeroGPU has, the one that is new enough
    assert len(HEADER["tags"].strip("[]").split(", ")) >= 3
    assert "fluidsynth" in (ROOT / "packages.txt").read_text().split()


def test_the_first_screen_holds_a_sentence_a_picture_the_commands_and_the_table():
    screen = README.split("---", 2)[2].split("<!-- models -->")[0]
    assert len(screen.splitlines()) < 40
    places = [
        screen.index(part) for part in (".\n", "![", "\n```sh\npython3 -m venv", " && python app.py\n```\n", "\n- ")
    ]
    assert places == sorted(places) and "\n" not in screen[places[2] + 7 : places[3]]  # one line does it all
    assert re.search(r"^pip install .*pytest$", screen, re.MULTILINE)
    assert len(re.findall("^- ", screen, re.MULTILINE)) == 6
    picture = ROOT / re.search(r"!\[.*\]\((.*?)\)", screen).group(1)
    assert picture.stat().st_size < 300_000


@pytest.mark.parametrize("reached", [True, False])
def test_the_first_line_ends_with_the_page_whether_or_not_the_small_build_can_be_had(tmp_path, reached):
    """Carried out with commands that only say how they were called."""
    stub = '#!/bin/sh\necho "$(basename "$0") $*" >> "$SAID"\ncase "$0 $*" in *"uv pip"*) exit $MISSING; esac\n'
    for name in ("pip", "uv", "python", "python3"):
        (tmp_path / name).write_text(stub)
        (tmp_path / name).chmod(0o755)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "activate").touch()
    line = re.search(r"^python3 -m venv .*$", README, re.MULTILINE)[0]
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "SAID": str(tmp_path / "said"), "MISSING": "0" if reached else "2"}
    subprocess.run(["sh", "-ec", line], cwd=tmp_path, env=environment, check=True)
    asked = (tmp_path / "said").read_text().splitlines()
    small, plain = "uv pip install --torch-backend auto -r requirements.txt", "pip install -r requirements.txt"
    want = ["python3 -m venv .venv", "pip install uv", small, *([] if reached else [plain]), "python app.py"]
    assert asked == want


def test_every_column_of_the_table_is_explained():
    legend = (ROOT / "checkpoints" / "README.md").read_text()
    explained = set(re.findall(r"^\| ([^|]+) \|", legend, re.MULTILINE))
    assert set(tables.COLUMNS) - {"model", "parameters"} <= explained


@pytest.mark.parametrize("file", sorted(name for name in tracked() if name.endswith(".md")))
def test_links_lead_somewhere(file):
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", (ROOT / file).read_text()):
        assert (ROOT / file).parent.joinpath(target).exists(), target
