"""README's recipe for a Space, carried out by `hf` against a stand-in for the Hub."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import yaml
from hub import USER, Hub, Repo, serve_hub

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
MINE = README.replace("USER/", f"{USER}/")  # as the recipe says
RECIPE = re.search(r"^```sh\n(hf .*?)^```$", MINE, re.DOTALL | re.MULTILINE)[1].splitlines()
IGNORED = (ROOT / ".gitignore").read_text().split()
DEEPER = {"__pycache__/": "musicgen", "*.pyc": "musicgen/__pycache__", "node_modules/": ".ci/js"}  # where these lie


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Path:
    """All tracked files and, beside them, something of all that git ignores."""
    folder = tmp_path_factory.mktemp("hub") / "nonet"
    for name in tracked():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
    for line in IGNORED:
        ignored = folder / DEEPER.get(line, "") / line.replace("*", "some")
        file = ignored / "lib" / "some.py" if line.endswith("/") else ignored
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"\0")
    (folder / "README.md").write_text(MINE)
    subprocess.run(["git", "init", "-q", folder], check=True)
    return folder


def tracked() -> set[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return {name for name in listed.split("\0") if name and (ROOT / name).is_file()}


def carry_out(command: str, hub: Hub, folder: Path, **environment: str):
    """As somebody who is logged in; large files go by LFS, which needs no other server."""
    away = {"HF_ENDPOINT": hub.url, "HF_HOME": str(folder.parent / "home"), "HF_TOKEN": "hf_of_nobody"}
    quiet = {"HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_UPDATE_CHECK": "1"}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-ec", command],
        cwd=folder, env={**os.environ, **away, **quiet, "PATH": path, **environment},
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


@pytest.fixture(scope="module")
def hub(checkout):
    """The Hub after the recipe."""
    with serve_hub() as hub:
        for command in RECIPE:
            carry_out(command, hub, checkout)
        yield hub


@pytest.fixture(scope="module")
def space(hub):
    return hub.repos[f"spaces/{USER}/nonet"]


def test_four_commands_make_a_zero_gpu_space(hub, space):
    assert len(RECIPE) == 4
    assert list(hub.repos) == [f"spaces/{USER}/nonet"]
    assert (space.about["sdk"], space.about["hardware"]) == ("gradio", "zero-a10g")
    assert space.about["variables"] == [{"key": "GRADIO_MCP_SERVER", "value": "True"}]
    assert hub.asked[-1] == ("GET", f"/api/spaces/{USER}/nonet/runtime")


def test_all_that_git_knows_is_sent_and_nothing_else_is_even_listed(space, checkout):
    assert space.listed == set(space.files) == tracked()
    assert not [name for name, data in space.files.items() if data != (checkout / name).read_bytes()]


def test_what_is_binary_goes_to_the_store_of_large_files(space):
    kinds = {Path(name).suffix for name in space.stored}
    assert {".safetensors", ".png", ".mid"} <= kinds and not kinds & {".py", ".md", ".js", ".json", ".txt", ""}


def test_the_share_picture_is_an_address_at_which_the_space_has_it(hub, space):
    thumbnail = re.search(rb"^thumbnail: (\S+)$", space.files["README.md"], re.MULTILINE)[1].decode()
    answer = httpx.get(thumbnail.replace("https://huggingface.co", hub.url))
    assert thumbnail.startswith("https://") and answer.content.startswith(b"\x89PNG")


def test_what_the_readme_shows_and_links_is_on_the_space(space):
    linked = re.findall(r"\]\((?!https?:|#)([^)#]+)", space.files["README.md"].decode())
    assert linked and all(any(name == link or name.startswith(f"{link}/") for name in space.files) for link in linked)


def test_the_hub_refuses_what_would_be_refused(hub):
    commit = f"{hub.url}/api/spaces/{USER}/nonet/commit/main"
    answer = httpx.post(commit, content=b'{"key": "file", "value": {"path": "a.bin", "content": "AAECAw=="}}\n')
    assert answer.status_code == 400 and "binary files" in answer.text


def test_a_model_is_brought_there_with_its_card(checkout):
    with serve_hub() as hub:
        carry_out(re.search(r"`(hf upload nonet-gru .*?)`", README)[1], hub, checkout)
        (name, repo), gru = hub.repos.popitem(), checkout / "checkpoints" / "gru"
        assert name == f"{USER}/nonet-gru"
        assert repo.files == {path.name: path.read_bytes() for path in gru.iterdir()}


def test_the_workflow_makes_a_space_the_same_as_this_repository(checkout):
    (job,) = yaml.safe_load((ROOT / ".github" / "workflows" / "space.yml").read_text())["jobs"].values()
    steps = [step["run"] for step in job["steps"] if "run" in step]
    installs, *commands = steps
    assert installs.startswith("pip install") and job["env"]["HF_TOKEN"] == "${{ secrets.HF_TOKEN }}"
    (checkout / "README.md").write_text(README)
    with serve_hub() as hub:
        space = hub.repos[f"spaces/{USER}/music"] = Repo({}, {".gitattributes": b"", "app.py": b"1", "old.py": b"2"})
        for command in commands:
            carry_out(command, hub, checkout, SPACE=f"{USER}/music")
        assert set(space.files) == tracked() | {".gitattributes"}  # the Hub's own
        assert f"/spaces/{USER}/music/resolve/main/musicgen/web/page.png" in space.files["README.md"].decode()
