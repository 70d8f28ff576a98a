"""`.ci/run` and the hooks before a commit: every test has a lane, and what failed is named."""

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
RUN = ROOT / ".ci" / "run"
HOOKS = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]


@pytest.fixture
def run(tmp_path):
    """Runs lanes with a Python that only says what it was asked for, and fails where that holds `wrong`."""
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\necho "asked $*"\ncase "$*" in *$WRONG*) exit 1; esac\n')
    python.chmod(0o755)

    def lanes(*names, wrong="nothing", tools="/usr/bin:/bin"):
        environment = {**os.environ, "PATH": f"{tmp_path}:{tools}", "WRONG": wrong}
        return subprocess.run(["bash", RUN, *names], capture_output=True, text=True, env=environment)

    return lanes


def test_every_folder_of_tests_has_a_lane(run):
    folders = {path.parent.name for path in (ROOT / "tests").rglob("test_*.py")}
    done = run(*sorted(folders))
    assert done.returncode == 0, done.stderr
    assert {line for line in done.stdout.splitlines() if "pytest" in line} == {
        f"asked -m pytest tests/{folder}" for folder in folders
    }


def test_the_lanes_go_on_after_a_failure_and_the_last_line_names_it(run):
    done = run("unit", "models", "browser", wrong="tests/models")
    assert done.returncode == 1
    assert "asked -m pytest tests/browser" in done.stdout
    assert done.stdout.splitlines()[-1] == "failed: models"


def test_the_workflow_runs_all_lanes_on_a_debian():
    (job,) = yaml.safe_load((ROOT / ".github" / "workflows" / "checks.yml").read_text())["jobs"].values()
    assert re.fullmatch(r"python:3\.1[1-9]-(bookworm|trixie)", job["container"]["image"])
    assert job["steps"][-1] == {"run": RUN.relative_to(ROOT).as_posix()}
    assert job["steps"][0]["uses"].startswith("actions/checkout@")


def test_the_citation_is_of_this_version():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert cited["cff-version"] == "1.2.0" and cited["message"] and cited["authors"]
    assert (cited["version"], cited["license"]) == (project["version"], project["license"])
    assert project["description"] == cited["title"]


def test_the_pytorch_that_all_runs_share_is_allowed():
    allowed = next(line for line in (ROOT / "requirements.txt").read_text().splitlines() if line.startswith("torch"))
    shared = re.search(r'^TORCH="torch==(\d+\.\d+)\.\*"', RUN.read_text(), re.MULTILINE)[1]
    assert Requirement(allowed).specifier.contains(shared)


def test_an_unknown_lane_runs_nothing(run):
    done = run("unit", "units")
    assert done.returncode == 2 and "there is no lane units; the lanes: style types js unit" in done.stderr
    assert "asked" not in done.stdout


def test_without_node_the_lanes_say_what_they_leave_out(run, tmp_path):
    for tool in ("dirname", "bash", "sh", "cat"):
        (tmp_path / tool).symlink_to(Path("/usr/bin") / tool)
    done = run("style", "types", tools="")
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stdout.splitlines() if line.startswith("skipped")] == [
        "skipped eslint: there is no npm here",
        "skipped tsc: there is no npm here",
        "skipped pyright: there is no node here",
    ]


def test_hooks_run_lanes(run):
    for hook in HOOKS:
        command, lane = hook["entry"].split()
        assert ROOT / command == RUN
        assert f"{lane}()" in RUN.read_text().replace(" ", ""), lane
