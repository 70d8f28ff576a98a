"""What the README says is so: the tree, the versions, the two commands."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
HEADER = dict(re.findall(r"^(\w+): (.+)$", README.split("---")[1], re.MULTILINE))


def tracked() -> set[str]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    return {name for name in done.stdout.decode().split("\0") if name}


def tree() -> list[str]:
    """The paths of the README's tree: indentation nests, a folder ends in a slash."""
    block = re.search(r"## .*tree.*?```\w*\n(.*?)```", README, re.DOTALL | re.IGNORECASE).group(1)
    paths, folders = [], []
    for line in block.splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        name = line.split()[0]
        folders = folders[:depth]
        paths.append("".join(folders) + name)
        if name.endswith("/"):
            folders.append(name)
    return paths


def test_the_tree_is_the_real_one():
    listed = tree()
    files = {path for path in listed if not path.endswith("/")}
    parents = {path for path in listed if any(other != path and other.startswith(path) for other in listed)}
    whole = [path for path in listed if path.endswith("/") and path not in parents]  # one line for all that is in it
    real = tracked()
    assert files - real == set(), "listed, but not there"
    assert [folder for folder in whole if not any(name.startswith(folder) for name in real)] == []
    assert {name for name in real - files if not name.startswith(tuple(whole))} == set(), "there, but not listed"


def test_every_line_of_the_tree_says_what_it_is():
    block = re.search(r"## .*tree.*?```\w*\n(.*?)```", README, re.DOTALL | re.IGNORECASE).group(1)
    assert [line for line in block.splitlines() if len(line.split()) < 2] == []


def test_the_header_is_what_spaces_need():
    assert HEADER["sdk"] == "gradio"
    assert re.fullmatch(r"\d+\.\d+\.\d+", HEADER["sdk_version"])
    assert f"gradio=={HEADER['sdk_version']}" in (ROOT / "requirements.txt").read_text().splitlines()
    assert (ROOT / HEADER["app_file"]).is_file()
    assert len(HEADER["short_description"]) <= 60
    assert "fluidsynth" in (ROOT / "packages.txt").read_text().split()


def test_the_first_screen_holds_a_picture_and_both_commands():
    first = README.split("---", 2)[2].splitlines()[:40]
    picture = next(line for line in first if line.startswith("!["))
    assert (ROOT / re.search(r"\((.*?)\)", picture).group(1)).is_file()
    assert "pip install -r requirements.txt && python app.py" in first
    assert any(re.fullmatch(r"pip install .*pytest", line) for line in first)


def test_links_lead_somewhere():
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", README):
        assert (ROOT / target).exists(), target
