"""The shape of the project: who may import whom, sizes, paths."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TRACKED = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
FILES = [ROOT / name for name in TRACKED.split("\0") if name and (ROOT / name).is_file()]
SOURCES = [file for file in FILES if file.suffix == ".py"]
PACKAGES = ("app", "musicgen", "train", "tests")


def module_name(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(file: Path) -> set[str]:
    """Full names of all modules a file imports, relative ones resolved; of `from a import b` both `a` and `a.b`."""
    package = module_name(file).split(".")
    if file.name != "__init__.py":
        package = package[:-1]
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*base, *([node.module] if node.module else [])])
            found |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    return found


GRAPH = {module_name(file): imports(file) for file in SOURCES}


def reached(start: str) -> set[str]:
    """Everything that importing a module may import, at once or later, in this project or not."""
    seen, waiting = set(), [start]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += GRAPH.get(name, ())
    return seen


def own(names: set[str]) -> set[str]:
    return {name for name in names if name in GRAPH and name.split(".")[0] in PACKAGES}


def test_the_score_stands_on_nothing_of_the_project():
    assert own(GRAPH["musicgen.score"]) == set()


@pytest.mark.parametrize(
    "name", [n for n in GRAPH if n.split(".")[0] == "musicgen" and not n.startswith("musicgen.web")]
)
def test_the_library_knows_neither_training_nor_page_nor_tests(name):
    strange = ("train", "app", "tests", "gradio", "musicgen.web")
    assert not [n for n in reached(name) if n.split(".")[0] in strange or n.startswith("musicgen.web")]


@pytest.mark.parametrize("name", [n for n in GRAPH if n.startswith("musicgen.models")])
def test_models_stand_on_score_and_sampling_only(name):
    assert {n for n in own(reached(name)) if not n.startswith("musicgen.models")} <= {
        "musicgen",
        "musicgen.score",
        "musicgen.sampling",
    }


@pytest.mark.parametrize("name", [n for n in GRAPH if n.startswith("musicgen.io")])
def test_what_turns_scores_into_files_needs_no_model(name):
    models = ("torch", "musicgen.models", "musicgen.checkpoint")
    assert not {n for n in reached(name) if n.startswith(models)}


def test_imports_never_go_in_a_circle():
    circles = [
        name for name in GRAPH for first in own(GRAPH[name]) - {name} if name.count(".") and name in reached(first)
    ]
    assert not circles


def test_the_page_holds_no_music():
    assert not {name for name in GRAPH["app"] if name.split(".")[0] in ("numpy", "torch", "mido", "music21", "train")}


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(ROOT)))
def test_files_are_small_and_name_no_place_of_one_machine(file):
    assert file.stat().st_size < 10_000_000
    if file.suffix in (".py", ".js", ".css", ".md", ".txt", ".toml", ".json", ".yml", ""):
        found = re.findall(r"(?<![\w.$}])/(?:home|root|work|Users)/\w+", file.read_text())
        assert not found, f"{file} names {found}"


@pytest.mark.parametrize("file", [f for f in SOURCES if f.relative_to(ROOT).parts[0] != "tests"], ids=lambda f: f.name)
def test_every_module_says_what_it_is_for(file):
    text = file.read_text()
    assert not text.strip() or ast.get_docstring(ast.parse(text)), f"{file} needs a docstring"
