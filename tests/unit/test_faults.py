"""What is broken on a host is named by `--check` and told on the page, and all else goes on."""

import asyncio
import errno
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from served import ROOT, Visitor, client, free_port, serve

from musicgen import checkpoint, selftest
from musicgen.io import audio, soundfont
from musicgen.score import Note, Score, from_notes

PIECE = {"style": "chorale", "meter": "4/4", "tempo": 80, "steps": 16, "notes": [[0, 72, 0, 16]], "fixed": []}
CHORD = Score(from_notes([Note(0, 72, 0, 16), Note(3, 48, 0, 16)], 16))


def linked(source, target):
    """A copy that takes no room where that is possible; whoever changes it must write it anew."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def rewrite(path: Path, data: bytes):
    path.unlink()
    path.write_bytes(data)


@pytest.fixture(scope="module")
def broken(tmp_path_factory) -> Path:
    """A checkout of which a good deal is damaged."""
    checkout = tmp_path_factory.mktemp("checkout")
    for name in ("musicgen", "checkpoints"):
        shutil.copytree(ROOT / name, checkout / name, copy_function=linked)
    shutil.copy(ROOT / "app.py", checkout)
    checkpoints, samples = checkout / "checkpoints", checkout / "musicgen" / "web" / "samples"
    rewrite(checkpoints / "gru" / "metrics.json", b"{ no json")
    rewrite(checkpoints / "cnn" / "metrics.json", b'{"parameters": "many", "nll_valid": [1]}')
    rewrite(checkpoints / "rnn" / "config.json", b"[1, 2]")
    about = json.loads((checkpoints / "vae" / "config.json").read_text())
    rewrite(checkpoints / "vae" / "config.json", json.dumps({**about, "config": {"color": "red"}}).encode())
    rewrite(checkpoints / "lstm" / "weights.safetensors", b"cut off")
    (samples / "organ.flac").unlink()
    return checkout


@pytest.mark.parametrize("home", [True, False])
def test_a_damaged_checkout_serves_what_is_whole_and_says_what_is_not(broken, home):
    environment = {} if home else {"HOME": "", "XDG_CACHE_HOME": "", "MPLCONFIGDIR": ""}
    with serve(broken / "app.py", **environment) as server:

        async def visit():
            async with client(server) as http:
                visitor = await Visitor.at(http)
                parts = {c["props"].get("elem_id"): c["props"] for c in visitor.config["components"]}
                missing = " ".join(parts["cards"]["props"]["missing"])
                assert "RNN is missing: checkpoints/rnn/config.json is not in the expected format" in missing
                assert "VAE is missing: checkpoints/vae/config.json is not in the expected format" in missing
                assert "LSTM is missing: checkpoints/lstm/weights.safetensors is missing or has changed" in missing
                assert str(broken) not in missing
                names = [card["name"] for card in parts["cards"]["props"]["cards"]]
                assert names == [n for n in checkpoint.available() if n not in ("rnn", "vae", "lstm")]
                updates = [u async for u in visitor.updates(cards="gru", bars=6)]
                assert updates[-1]["state"] == "done"
                (problem,) = [u async for u in visitor.updates(cards="rnn", bars=6)]
                assert problem["field"] == "model" and "config.json" in problem["message"]
                assert (await visitor.download("midi", PIECE)).startswith(b"MThd")
                assert (await visitor.download("wav", PIECE)).startswith(b"RIFF")
                answer = [m async for m in visitor.use("save-wav", call={"piece": PIECE, "instruments": ["organ"] * 4})]
                assert "restore musicgen/web/samples" in answer[-1][1]["output"]["error"]

        asyncio.run(visit())
        assert "Traceback" not in server.said, server.said


def test_the_check_names_each_fault(broken):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        environment = {**os.environ, "GRADIO_SERVER_PORT": str(taken.getsockname()[1])}
        done = subprocess.run(
            [sys.executable, broken / "app.py", "--check"], env=environment, capture_output=True, text=True, timeout=600
        )
    assert done.returncode == 1, done.stdout
    failed = [line for line in done.stdout.splitlines() if line.startswith("FAIL")]
    for words in (
        "port: ", "sound font: the samples of organ are missing", "checkpoints: none for lstm, rnn, vae",
        "checkpoints/rnn/config.json is not in the expected format",
        "checkpoints/vae/config.json is not in the expected format",
        "checkpoints/lstm/weights.safetensors is missing or has changed", "figures of gru", "figures of cnn",
    ):  # fmt: skip
        assert any(words in line for line in failed), (words, done.stdout)
    assert "ok    model gru" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_a_taken_port_is_told_in_a_sentence():
    port = free_port()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        environment = {**os.environ, "GRADIO_SERVER_PORT": str(port)}
        done = subprocess.run(
            [sys.executable, ROOT / "app.py"], env=environment, capture_output=True, text=True, timeout=300
        )
    assert done.returncode == 1 and "GRADIO_SERVER_PORT" in done.stderr and "Traceback" not in done.stderr


def test_a_manifest_that_is_broken_leaves_all_but_sound(tmp_path, monkeypatch):
    (tmp_path / "manifest.json").write_text("[]")
    monkeypatch.setattr(soundfont, "FOLDER", tmp_path)
    monkeypatch.setattr(soundfont, "INSTRUMENTS", instruments := soundfont._load())
    monkeypatch.setattr(audio, "INSTRUMENTS", instruments)
    soundfont.build.cache_clear()
    assert audio.default_instruments("chorale") == ("piano",) * 4
    with pytest.raises(audio.AudioError, match="restore musicgen/web/samples"):
        audio.render(CHORD)
    with pytest.raises(audio.AudioError, match="samples of piano are missing"):
        selftest._font()


def test_a_full_disk_is_told(monkeypatch, capsys):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(selftest.tempfile, "TemporaryFile", full)
    assert not selftest._passes("temporary files", selftest._disk)
    assert "FAIL  temporary files: No space left on device" in capsys.readouterr().out
    monkeypatch.setattr(audio.tempfile, "TemporaryDirectory", full)
    assert audio.render(CHORD).startswith(b"RIFF")  # in memory
    import app

    monkeypatch.setattr(app.files, "stored", full)
    with pytest.raises(app.gr.Error, match="could not keep the file: No space left on device"):
        app.save("midi")({"piece": PIECE})


@pytest.fixture
def fluidsynth(tmp_path, monkeypatch):
    """Puts a program of this text in FluidSynth's place."""
    monkeypatch.setattr(audio, "_hung", audio.threading.Event())

    def put(script: str) -> Path:
        program = tmp_path / "fluidsynth"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
        return tmp_path

    return put


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_hanging_fluidsynth_is_ended_with_all_its_children_and_told(fluidsynth, monkeypatch, caplog, capsys):
    assert audio.PATIENCE <= 20
    monkeypatch.setattr(audio, "PATIENCE", 4)
    folder = fluidsynth('echo $$ > "$(dirname "$0")/pids"; sleep 300 & echo $! >> "$(dirname "$0")/pids"; wait')
    since, told = time.monotonic(), []
    with audio.telling(told.append):
        assert audio.render(CHORD).startswith(b"RIFF")
    assert told == [audio.INSTEAD]
    pids = [int(word) for word in (folder / "pids").read_text().split()]
    time.sleep(0.2)
    assert len(pids) == 2 and not [pid for pid in pids if alive(pid)]
    assert "did not end within 4 s" in caplog.text
    assert time.monotonic() < since + 60
    assert not selftest._passes("synthesizer", selftest._synthesizer)
    assert "FAIL  synthesizer: FluidSynth: it hung before" in capsys.readouterr().out
    with audio.telling(told.append):
        assert audio.render(CHORD).startswith(b"RIFF")
    assert told == [audio.INSTEAD] * 2
    assert len((folder / "pids").read_text().split()) == 2  # nobody waits for it again


def test_a_crashing_fluidsynth_is_replaced_and_told(fluidsynth, caplog, capsys):
    fluidsynth(f"kill -{signal.SIGSEGV.value} $$")
    assert audio.render(CHORD).startswith(b"RIFF")
    assert "no sound from fluidsynth" in caplog.text
    assert not selftest._passes("synthesizer", selftest._synthesizer)
    assert "sound is made by midirenderer" in capsys.readouterr().out


def test_one_that_is_not_installed_is_nothing_to_tell(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with audio.telling(pytest.fail):
        assert audio.render(CHORD).startswith(b"RIFF")


def test_who_takes_sound_home_is_told_that_fluidsynth_failed(fluidsynth):
    """On the page, where Gradio shows such messages, and in the stream that programs read."""
    fluidsynth("exit 3")

    async def warned(visitor: Visitor) -> list[str]:
        messages = [message async for message in visitor.messages()]
        assert messages[-1]["success"], messages
        return [message["log"] for message in messages if message["msg"] == "log"]

    async def visit(server):
        async with client(server) as http:
            visitor = await Visitor.at(http)
            (render,) = [d["id"] for d in visitor.config["dependencies"] if d["api_name"] == "render"]
            for format, expected in (("wav", [audio.INSTEAD]), ("midi", [])):
                (await visitor.join(f"save-{format}", call={"piece": PIECE})).raise_for_status()
                assert await warned(visitor) == expected
                piece = {**PIECE, "notes": [{"voice": 0, "pitch": 72, "start": 0, "duration": 16, "given": True}]}
                body = {"data": [piece, format, None], "fn_index": render, "session_hash": visitor.session}
                (await http.post("gradio_api/queue/join", json=body)).raise_for_status()
                assert await warned(visitor) == expected

    with serve() as server:
        asyncio.run(visit(server))
        assert server.said.count('"no sound from fluidsynth: ') == 2
