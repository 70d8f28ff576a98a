"""`python app.py --check`, with everything in place and with something broken."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from musicgen import checkpoint, selftest
from musicgen.io import audio

ROOT = Path(__file__).parents[2]


@pytest.fixture
def no_models(monkeypatch):
    """Leaves the checks of the models out: they are slow, and shown once by the real command."""
    monkeypatch.setattr(selftest, "MODELS", {})
    monkeypatch.setattr(checkpoint, "available", list)


def lines(capsys) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_all_is_well_without_fluidsynth(no_models, monkeypatch, capsys):
    monkeypatch.setenv("PATH", "/nonexistent")
    assert selftest.run()
    printed = lines(capsys)
    (said,) = [line for line in printed if line.startswith("ok    synthesizer: ")]
    assert "midirenderer plays downloads, with the sound font in" in said and "none is needed" in said
    assert all(line.startswith("ok ") for line in printed)


@pytest.mark.skipif(audio.synthesizer() != "FluidSynth", reason="FluidSynth is not installed")
def test_where_fluidsynth_is_installed_it_is_named_with_its_sound_font():
    assert selftest._synthesizer() == "FluidSynth plays downloads, with the sound font in musicgen/web/samples"


def test_silence_is_found(no_models, monkeypatch, capsys):
    monkeypatch.setattr(audio, "_synthesize", lambda *_: np.full((44_100, 2), 1e-9, np.float32))
    monkeypatch.setattr(audio, "_finish", lambda sound, _: sound)
    assert not selftest.run()
    assert any(line.startswith("FAIL  sound as wav") for line in lines(capsys))


def test_a_missing_checkpoint_is_found_and_what_to_do_is_said(monkeypatch, capsys):
    monkeypatch.setattr(checkpoint, "available", list)
    assert not selftest.run()
    assert any("FAIL  checkpoints: none for" in line and "python -m train" in line for line in lines(capsys))


def test_an_architecture_that_was_never_trained_is_no_fault_but_one_without_its_config_is(monkeypatch, tmp_path):
    monkeypatch.setattr(checkpoint, "available", lambda: ["gru"])
    monkeypatch.setattr(checkpoint, "DIRECTORY", tmp_path)
    monkeypatch.setattr(selftest, "MODELS", ["gru", "tenth"])
    assert selftest._all_checkpoints() == "gru, tenth not yet trained"
    (tmp_path / "tenth").mkdir()
    with pytest.raises(checkpoint.CheckpointError, match=r"none for tenth; .*run: python -m train tenth"):
        selftest._all_checkpoints()


def test_a_changed_checkpoint_is_found_and_the_others_are_still_checked(monkeypatch, capsys):
    def load(name):
        raise checkpoint.CheckpointError(f"{name} has changed")

    monkeypatch.setattr(checkpoint, "available", lambda: ["gru", "lstm"])
    monkeypatch.setattr(checkpoint, "load", load)
    assert not selftest.run()
    printed = lines(capsys)
    assert "FAIL  model gru: gru has changed" in printed
    assert "FAIL  model lstm: lstm has changed" in printed


def test_the_command_says_that_what_is_shipped_works(tmp_path):
    done = subprocess.run(
        [sys.executable, ROOT / "app.py", "--check"],
        cwd=tmp_path,
        env=os.environ | {"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    printed = done.stdout.splitlines()
    assert all(line.startswith("ok ") for line in printed)
    for name in checkpoint.available():
        assert any(line.startswith(f"ok    model {name}: hash verified") for line in printed)
