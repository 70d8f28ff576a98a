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


MUSIC = {
    "score",
    "sampling",
    "place",
    "models",
    "io",
    "piece",
    "request",
    "checkpoint",
    "session",
    "comparison",
    "export",
}
ARROWS = {  # a room -> the rooms that its modules may import, beside each other; rooms without a dot are of `musicgen`
    "score": set(),
    "sampling": set(),
    "place": set(),
    "models": {"score", "sampling"},
    "io": {"score", "place"},
    "piece": {"score", "io"},
    "request": {"score", "sampling", "io", "piece"},
    "checkpoint": {"score", "place", "models"},
    "session": {"score", "models", "piece", "request", "checkpoint"},
    "comparison": {"score", "request", "checkpoint", "session"},
    "export": {"score", "io", "session"},
    "recipe": {"io"},
    "selftest": {"score", "models", "io", "checkpoint"},
    "options": {"score", "io", "request", "export"},
    "link": {"score", "io", "models", "piece", "recipe", "request", "session"},
    "handles": set(),
    "fields": {"score", "io", "models", "export", "request"},
    "handed": {"score", "io", "models", "piece", "request", "session", "link", "handles"},
    "api": MUSIC | {"link", "handles", "fields", "handed"},
    "web": {"place"},
    "__main__": MUSIC | {"options"},
    "app": MUSIC | {"recipe", "selftest", "fields", "api", "web"},
    "train": {"score", "models", "checkpoint"},
    "train.evaluation": MUSIC | {"train"},
    "train.report": MUSIC | {"train", "train.evaluation"},
    **dict.fromkeys(
        ("train.evaluation.__main__", "train.benchmark", "train.speed"),
        MUSIC | {"train", "train.evaluation", "train.report", "train.speed_worker"},
    ),
    "train.speed_worker": MUSIC,
}


def room(module: str) -> str:
    """The room that a module stands in: the longest name in the table that it begins with."""
    name = module.removeprefix("musicgen.").split(".")
    tries = [".".join(name[:length]) for length in range(len(name), 0, -1)]
    return next((found for found in tries if found in ARROWS), "")


INSIDE = [n for n in GRAPH if n.split(".")[0] != "tests" and n != "musicgen"]


@pytest.mark.parametrize("name", INSIDE)
def test_imports_follow_the_arrows(name):
    here = room(name)
    assert here, f"{name} stands in no room: give it a line in ARROWS"
    for other in own(GRAPH[name]) - {"musicgen", "train"}:
        there, allowed = room(other), ARROWS[here]
        assert there == here or there in allowed, (
            f"{name} imports {other}, but {here} may import {', '.join(sorted(allowed)) or 'nothing'}, not {there}"
        )


def test_the_table_of_arrows_has_no_way_back():
    def beyond(start: str, seen: frozenset) -> bool:
        return any(there in seen or beyond(there, seen | {there}) for there in ARROWS[start])

    assert not [name for name in ARROWS if beyond(name, frozenset({name}))]


@pytest.mark.parametrize(("start", "strange"), [
    ("musicgen", ("gradio", "train", "app", "tests")),
    ("musicgen.io", ("torch", "gradio")),
    ("musicgen.models", ("soundfile", "music21", "mido", "matplotlib")),
    ("train.loop", ("soundfile", "musicgen.io")),  # training needs no sound samples
])  # fmt: skip
def test_what_a_room_needs_of_others(start, strange):
    rooms = [n for n in GRAPH if (n == start or n.startswith(f"{start}.")) and not n.startswith("musicgen.web")]
    for name in rooms:
        found = [n for n in reached(name) if any(n == s or n.startswith(f"{s}.") for s in strange)]
        assert not found, f"{name} reaches {found[0]}"


def test_imports_never_go_in_a_circle():
    circles = [
        name for name in GRAPH for first in own(GRAPH[name]) - {name} if name.count(".") and name in reached(first)
    ]
    assert not circles


def names_given(source: str) -> set[str]:
    """Names of the constants and the classes that a module defines."""
    found: set[str] = set()
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            stored = [name for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]
            found |= {name.id for name in stored if isinstance(name.ctx, ast.Store)}
    return {name for name in found if name[0].isupper()}


def test_no_name_stands_for_two_things():
    source = "A, B = 1, 2\nC: int = 3\nclass D:\n    E = 4\nA['f'] = 5\n_log = 6"
    assert names_given(source) == {"A", "B", "C", "D"}
    owners: dict[str, list[str]] = {}
    for file in SOURCES:
        if module_name(file).split(".")[0] != "tests":
            for name in names_given(file.read_text()):
                owners.setdefault(name, []).append(module_name(file))
    assert not {name: modules for name, modules in owners.items() if len(modules) > 1}


def arguments_unsaid(source: str) -> dict[str, list[str]]:
    """Public functions of more than three arguments, self aside -> those that neither they nor their class explain."""
    found = {}
    for owner in ast.walk(ast.parse(source)):
        for function in (f for f in ast.iter_child_nodes(owner) if isinstance(f, ast.FunctionDef)):
            names = {a.arg for a in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)}
            names -= {"self", "cls"}
            private = function.name.startswith("_") and function.name != "__init__"
            documented = any(ast.unparse(d) == "documented" for d in function.decorator_list)
            nested = not isinstance(owner, ast.Module | ast.ClassDef)
            if len(names) <= 3 or private or documented or nested:
                continue
            said = (ast.get_docstring(function) or "") + (ast.get_docstring(owner) or "")
            if "arguments are those of" not in said:
                unsaid = [name for name in names if not re.search(rf"\b{name}\b", said)]
                found |= {function.name: sorted(unsaid)} if unsaid else {}
    return found


def test_what_a_function_of_many_arguments_takes_is_said():
    source = 'def f(a, b, c, d):\n    "a, b and c."\ndef g(a, b, c): ...\ndef _h(a, b, c, d): ...'
    assert arguments_unsaid(source) == {"f": ["d"]}
    sources = [file for file in SOURCES if module_name(file).split(".")[0] in ("musicgen", "train")]
    found = {module_name(file): arguments_unsaid(file.read_text()) for file in sources}
    assert not {name: functions for name, functions in found.items() if functions}


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
