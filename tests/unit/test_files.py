"""Visitors' files go when their time is over, whoever left them, and nobody else's do."""

import asyncio
import os
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from midis import file_of, tune
from served import ROOT, Server, Visitor, client, serve, wait_until

from musicgen.web import files

KEPT = 10  # seconds
FORMATS = ("midi", "musicxml", "wav", "mp3", "png")
PIECE = {"style": "chorale", "meter": "4/4", "tempo": 80, "steps": 16, "notes": [[0, 72, 0, 16]], "fixed": []}


@pytest.fixture
def server(tmp_path):
    """One whose folder holds what a killed server left, beside what belongs to another program."""
    for name in (files.NAME, "another"):
        (tmp_path / name / "left").mkdir(parents=True)
        (tmp_path / name / "left" / "tune.mid").write_bytes(b"MThd")
    with serve(ROOT / "tests" / "slowly.py", KEPT=str(KEPT), GRADIO_TEMP_DIR=str(tmp_path)) as running:
        running.files = tmp_path / files.NAME
        yield running
        assert "Traceback" not in running.said, running.said


def break_off(server: Server):
    """An upload of which half arrives, which leaves nothing."""
    before = loose(server)
    where = urlsplit(server.url)
    head = "POST /gradio_api/upload HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n"
    body = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.mid"\r\n\r\n' + bytes(100_000)
    with socket.create_connection((where.hostname, where.port), timeout=20) as line:
        line.sendall(f"{head}Content-Length: 1000000\r\n\r\n".encode() + body)
        wait_until(lambda: loose(server) - before, "half of an upload")
    wait_until(lambda: not loose(server) - before, "end of an upload that broke off", KEPT / 2)


def loose(server: Server) -> set[Path]:
    """Uploads that have not all arrived, and empty files of Gradio's; the others lie in folders of their own."""
    return {path for path in server.kept() if path.parent == server.files}


async def visit(server: Server):
    """Files of every kind, taken home and brought; then everybody leaves."""
    async with client(server) as http:
        visitor = await Visitor.at(http)
        for format in FORMATS:
            assert await visitor.download(format, PIECE)
        (render,) = [d["id"] for d in visitor.config["dependencies"] if d["api_name"] == "render"]
        piece = {**PIECE, "notes": [{"voice": 0, "pitch": 72, "start": 0, "duration": 16, "given": True}]}
        body = {"data": [piece, "midi", None], "fn_index": render, "session_hash": visitor.session}
        (await http.post("gradio_api/queue/join", json=body)).raise_for_status()
        assert [m async for m in visitor.messages()][-1]["success"]
        assert (await visitor.upload("tune.mid", file_of(("tune", 0, tune([72])))))["kind"] == "given"


def test_nothing_is_left_when_its_time_is_over_though_nobody_comes(server):
    wait_until(lambda: not server.kept(), "end of what a killed server left")
    asyncio.run(visit(server))  # what is made once stays open
    wait_until(lambda: not list(server.files.iterdir()), "empty folder")
    handles = server.handles
    for _ in range(3):
        asyncio.run(visit(server))
        break_off(server)
    assert len(server.kept()) > len(FORMATS)
    wait_until(lambda: not list(server.files.iterdir()), "empty folder")
    assert server.handles < handles + len(FORMATS)  # of three times as many files, and more
    assert (server.files.parent / "another" / "left" / "tune.mid").exists()


def test_what_is_young_stays(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    files.use_own_folder()
    path = files.stored("tune.mid", b"MThd")
    assert files.sweep(60) == set() and Path(path).read_bytes() == b"MThd"
    time.sleep(0.05)
    assert files.sweep(0.01) == {path}
    time.sleep(0.05)
    files.sweep(0.01)  # the folder was young while the file went
    assert not list(files.folder().iterdir())


def test_the_folder_is_a_user_s_own_and_stays_where_it_is_for_processes_inside(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    files.use_own_folder()
    inside = os.environ["GRADIO_TEMP_DIR"]
    assert Path(inside).parent == tmp_path and str(os.getuid()) in Path(inside).name
    files.use_own_folder()
    assert os.environ["GRADIO_TEMP_DIR"] == inside
    files.stored("tune.mid", b"MThd")
    assert Path(inside).stat().st_mode & 0o077 == 0
