"""Hosts that give less: another user, no network, no home. What needs root is skipped without it."""

import asyncio
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from served import ROOT, Visitor, client, serve

NOBODY = 65534
PIECE = {"style": "chorale", "meter": "4/4", "tempo": 80, "steps": 16, "notes": [[0, 72, 0, 16]], "fixed": []}
ALONE = """
import sys

def watch(event, arguments):
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    if host not in (None, "", "localhost", "127.0.0.1", "0.0.0.0", "::1", "::"):
        print("asked for another host:", host, file=sys.stderr, flush=True)

sys.addaudithook(watch)
"""


def can(*command: str) -> bool:
    return bool(shutil.which(command[0])) and not subprocess.run(command, capture_output=True).returncode


def check(*before: str, app: Path = ROOT / "app.py", **environment: str) -> subprocess.CompletedProcess:
    """`python app.py --check`, as the command `before` starts it."""
    command = [*before, sys.executable, str(app), "--check"]
    return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=900)


def lines(done: subprocess.CompletedProcess, begin: str) -> list[str]:
    return [line for line in done.stdout.splitlines() if line.startswith(begin)]


async def compose_and_keep(server, format: str = "midi") -> bytes:
    """What a visitor takes home who has composed; the app's own endpoint composes, too."""
    async with client(server) as http:
        visitor = await Visitor.at(http)
        assert [u async for u in visitor.updates(cards="gru", bars=4)][-1]["state"] == "done"
        asked = await http.post("gradio_api/call/v2/compose", json={"model": "gru", "notes": "C5 D5", "bars": 4})
        answer = await http.get(f"gradio_api/call/v2/compose/{asked.json()['event_id']}")
        assert "event: complete" in answer.text and '"pitch"' in answer.text, answer.text
        return await visitor.download(format, PIECE)


@pytest.fixture
def checkout():
    """A checkout, with one model, that only its owner might write to, and not even they."""
    place = Path(tempfile.mkdtemp(prefix="checkout-"))
    for part in ("musicgen", "checkpoints/gru"):
        shutil.copytree(ROOT / part, place / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "app.py", place)
    for path in (*place.rglob("*"), place):
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield place
    shutil.rmtree(place)


def test_it_asks_no_other_host_for_anything_and_leaves_nothing_at_home(tmp_path, checkout):
    (tmp_path / "sitecustomize.py").write_text(ALONE)
    home = tmp_path / "home"
    home.mkdir()
    with serve(
        checkout / "app.py", PYTHONPATH=str(tmp_path), HOME=str(home), XDG_CACHE_HOME="", MPLCONFIGDIR=""
    ) as server:
        server.wait_for('"ready"', 400)
        assert asyncio.run(compose_and_keep(server, "wav")).startswith(b"RIFF")
        assert "asked for another host" not in server.said
    left = [path.relative_to(home) for path in home.rglob("*") if path.is_file()]
    assert not [path for path in left if "matplotlib" not in str(path)]
    tried = subprocess.run(
        [sys.executable, "-c", "import socket; socket.getaddrinfo('nowhere.invalid', 80)"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True,
    )  # fmt: skip
    assert "asked for another host: nowhere.invalid" in tried.stderr


TRACED = ("strace", "-D", "-f", "-qq", "--seccomp-bpf", "-e", "trace=connect,sendto")


@pytest.mark.skipif(not can("strace", "-f", "--seccomp-bpf", "true"), reason="no program can be watched")
def test_no_library_asks_another_host_either(tmp_path, checkout):
    """Name servers are other hosts, too."""
    calls = tmp_path / "calls"
    with serve(checkout / "app.py", before=(*TRACED, "-o", str(calls))) as server:
        server.wait_for('"ready"', 400)
        assert asyncio.run(compose_and_keep(server)).startswith(b"MThd")
        time.sleep(3)
    asked = [line for line in calls.read_text().splitlines() if "AF_INET" in line]
    assert asked, "nothing was watched"
    assert not [line for line in asked if not re.search(r'"(127[.0-9]*|0[.]0[.]0[.]0|::1?|::ffff:127[.0-9]*)"', line)]


def alone():
    """A visit where there is no network but the machine's own."""
    with pytest.raises(OSError), socket.create_connection(("198.51.100.1", 80), timeout=5):
        pass
    with serve() as server:
        server.wait_for('"ready"', 400)
        assert asyncio.run(compose_and_keep(server)).startswith(b"MThd")
        assert "Traceback" not in server.said, server.said


@pytest.mark.skipif(not can("unshare", "-n", "ip", "link", "set", "lo", "up"), reason="no network can be taken away")
def test_it_serves_without_a_network():
    inside = 'ip link set lo up && exec "$0" -c "import test_hosts; test_hosts.alone()"'
    places = os.pathsep.join(map(str, (ROOT, ROOT / "tests", Path(__file__).parent)))
    done = subprocess.run(
        ["unshare", "-n", "sh", "-c", inside, sys.executable],
        env={**os.environ, "PYTHONPATH": places}, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert not done.returncode, done.stdout + done.stderr


AS_NOBODY = ("setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups")


@pytest.mark.skipif(
    not can(*AS_NOBODY, "sh", "-c", f"{sys.executable} --version"), reason="no other user can run this Python"
)
def test_another_user_without_a_home_serves_a_checkout_that_cannot_be_written(checkout):
    app = checkout / "app.py"
    done = check(*AS_NOBODY, app=app, HOME="/nowhere/home", GRADIO_TEMP_DIR="")
    assert done.returncode == 0 and not lines(done, "FAIL"), done.stdout + done.stderr
    with serve(app, before=("env", "-u", "HOME", *AS_NOBODY), GRADIO_TEMP_DIR="") as server:
        assert asyncio.run(compose_and_keep(server, "wav")).startswith(b"RIFF")
        assert "Traceback" not in server.said, server.said
    made = [path for path in checkout.rglob("*") if path.stat().st_uid == NOBODY]
    assert not made


def small(place: Path) -> tuple[str, ...]:
    """What starts a command that sees only a megabyte of room in this folder."""
    return "unshare", "-m", "sh", "-c", 'mount -t tmpfs -o size=1m none "$0" && exec "$@"', str(place)


@pytest.mark.skipif(not can(*small(Path(tempfile.gettempdir())), "true"), reason="no disk can be made")
def test_a_full_disk_is_told_and_what_needs_none_goes_on(tmp_path, checkout):
    here = {"TMPDIR": str(tmp_path), "GRADIO_TEMP_DIR": str(tmp_path)}
    done = check(*small(tmp_path), app=checkout / "app.py", **here)
    assert done.returncode == 1
    assert lines(done, "FAIL")[0].startswith("FAIL  temporary files: No space left on device in")
    assert lines(done, "ok    model gru") and "Traceback" not in done.stdout + done.stderr

    async def visit(server):
        async with client(server) as http:
            visitor = await Visitor.at(http)
            long = {**PIECE, "steps": 160, "notes": [[0, 72, 0, 160]]}  # a sound of 5 MB
            message = [m async for m in visitor.use("save-wav", call={"piece": long})][-1][1]
            assert "could not keep the file: No space left on device" in message["output"]["error"]
            answer = await http.post("gradio_api/upload", files={"files": ("tune.mid", bytes(2_000_000))})
            assert answer.status_code == 507 and "no room" in answer.text

    with serve(checkout / "app.py", before=small(tmp_path), **here) as server:
        asyncio.run(visit(server))
        assert asyncio.run(compose_and_keep(server)).startswith(b"MThd")  # there is room for this
        assert "Traceback" not in server.said, server.said
