"""The command line: what it writes, what it prints, and one clear line for everything that is asked wrongly."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from musicgen import __main__ as cli
from musicgen import checkpoint, options
from musicgen.io import midi, notation
from musicgen.io.seeds import from_midi, from_musicxml, from_text
from musicgen.models import MODELS
from musicgen.score import REST, Note, Score, from_notes

ROOT = Path(__file__).parents[2]
KEYS = "model style bars steps random_seed temperature notes seconds_generating seconds_of_music files".split()  # noqa: SIM905
SHIPPED = checkpoint.available()
FOUR_PARTS = Score(from_notes([Note(v, p, 0, 64) for v, p in enumerate((72, 64, 57, 48))], 64), tempo=96)


@pytest.fixture(autouse=True)
def untrained(monkeypatch):
    """A small model that was never trained, in place of the shipped ones."""
    torch.manual_seed(1)
    model_class = MODELS["gru"]
    model = model_class(model_class.Config(width=24, inner=16)).eval()
    monkeypatch.setattr(checkpoint, "available", lambda: ["gru"])
    monkeypatch.setattr(checkpoint, "load", lambda name: model)
    monkeypatch.setattr(checkpoint, "metrics", lambda name, *_: {})


@pytest.fixture
def run(capsys):
    """Run a command: its exit code, what it printed, what it complained of."""

    def call(*arguments) -> tuple[int, str, str]:
        try:
            code = cli.main([str(a) for a in arguments])
        except SystemExit as stop:
            code = stop.code
        return code, *capsys.readouterr()

    return call


@pytest.fixture
def compose(run, tmp_path):
    """Compose to a MIDI file: the score in it and the JSON object."""

    def call(*arguments) -> tuple[Score, dict]:
        out = tmp_path / "out.mid"
        code, printed, _ = run("compose", "--model", "gru", "--random-seed", 1, "--json", "--out", out, *arguments)
        assert code == 0
        return from_midi(out.read_bytes()).canvas.score, json.loads(printed)

    return call


def test_one_json_object_and_files_of_every_format(run, tmp_path):
    files = [tmp_path / f"a.{ending}" for ending in cli.FORMAT_ENDINGS]
    outs = [word for file in files for word in ("--out", file)]
    code, printed, _ = run(
        *("compose", "--model", "gru", "--style", "chorale", "--notes", "C5 D5 E5", "--bars", 2, "--meter", "4/4"),
        *("--temperature", 1.0, "--random-seed", 7, *outs, "--json"),
    )
    about = json.loads(printed)
    assert code == 0 and list(about) == KEYS
    score = from_midi(files[0].read_bytes()).canvas.score
    assert score == from_musicxml(files[1].read_bytes()).canvas.score
    assert about["notes"] == len(score.notes()) and about["files"] == [str(file) for file in files]
    assert (about["model"], about["style"], about["bars"], about["steps"]) == ("gru", "chorale", 2, 32)
    assert (about["random_seed"], about["temperature"], about["seconds_of_music"]) == (7, 1.0, 6.0)
    beginnings = [file.read_bytes()[:4] for file in files[2:]]
    assert (
        beginnings[0] == b"RIFF"
        and beginnings[1][:2] in (b"\xff\xfb", b"ID")
        and beginnings[2:] == [b"\x89PNG", b"PK\3\4"]
    )


def test_the_seed_is_kept_and_the_length_exact(compose):
    score, about = compose("--notes", "C5 D5 E5", "--bars", 3)
    assert [(n.pitch, n.start) for n in score.notes() if n.voice == 0][:3] == [(72, 0), (74, 4), (76, 8)]
    assert score.bars == about["bars"] == 3


def test_same_random_seed_same_notes_and_another_one_others(compose):
    one, again, other = (compose("--bars", 2, "--random-seed", number)[0] for number in (3, 3, 4))
    assert one == again and one != other


def test_without_a_random_seed_a_new_one_is_chosen_and_told(run):
    seeds = {json.loads(run("compose", "--model", "gru", "--bars", 1, "--json")[1])["random_seed"] for _ in range(3)}
    assert len(seeds) == 3


def test_composing_from_nothing(compose):
    score, _ = compose("--style", "dance", "--meter", "6/8", "--tempo", 144, "--bars", 2)
    assert (score.style, score.meter, score.tempo, score.bars) == ("dance", "6/8", 144, 2)
    assert (score.cells[:, 1:] == REST).all()


def test_the_usual_length_leaves_room_after_a_long_seed(compose):
    assert compose()[0].bars == 8
    assert compose("--notes", "C5 " * 28)[0].bars == 8
    assert compose("--notes", "C5 " * 32)[0].bars == 16


@pytest.mark.parametrize("kind", ["midi", "musicxml"])
def test_a_file_brings_its_style_meter_and_tempo(compose, tmp_path, kind):
    tune = from_text("G4:0.5 A4:0.5 B4:0.5 C5:1.5", "dance", "6/8", 150).canvas.score
    file = tmp_path / "tune"
    file.write_bytes({"midi": midi, "musicxml": notation}[kind].write(tune))
    score, _ = compose(f"--{kind}", file, "--bars", 2)
    assert (score.style, score.meter, score.tempo) == ("dance", "6/8", 150)
    assert np.array_equal(score.cells[:12], tune.cells)
    assert compose(f"--{kind}", file, "--bars", 3, "--tempo", 99, "--meter", "2/4")[0].tempo == 99


@pytest.fixture
def four_parts(tmp_path) -> Path:
    file = tmp_path / "four.mid"
    file.write_bytes(midi.write(FOUR_PARTS))
    return file


def test_harmonising_keeps_the_voices_named_and_frees_the_others(compose, four_parts):
    score, _ = compose("--midi", four_parts, "--keep", "soprano,Bass")
    assert np.array_equal(score.cells[:, [0, 3]], FOUR_PARTS.cells[:, [0, 3]])
    assert not np.array_equal(score.cells[:, 1:3], FOUR_PARTS.cells[:, 1:3])
    assert score.bars == 4


def test_harmonising_typed_notes(compose):
    score, _ = compose("--notes", "C5 D5 E5 F5", "--keep", "soprano")
    assert score.bars == 1 and [n.pitch for n in score.notes() if n.voice == 0] == [72, 74, 76, 77]


@pytest.mark.parametrize(("bars", "free"), [("2-3", slice(16, 48)), ("4", slice(48, 64))])
def test_repairing_frees_only_those_bars(compose, four_parts, bars, free):
    score, _ = compose("--midi", four_parts, "--free-bars", bars)
    kept = np.ones(64, bool)
    kept[free] = False
    assert np.array_equal(score.sounding()[kept], FOUR_PARTS.sounding()[kept])
    assert not np.array_equal(score.cells, FOUR_PARTS.cells)


def test_the_first_bars_of_a_file_can_be_the_seed(compose, four_parts):
    score, _ = compose("--midi", four_parts, "--seed-bars", 1, "--bars", 3)
    assert score.bars == 3 and (score.sounding()[:16] == FOUR_PARTS.sounding()[:16]).all()


@pytest.fixture
def compare(run, tmp_path):
    """Compare to a folder that is not there yet: the exit code, comparison.json, the folder, complaints."""

    def call(*arguments) -> tuple[int, dict, Path, str]:
        out = tmp_path / "a" / "b"
        code, _, complaint = run("compare", "--random-seed", 1, "--out", out, *arguments)
        return code, json.loads((out / "comparison.json").read_text()), out, complaint

    return call


def test_comparing_any_canvas(compare, four_parts):
    code, about, out, _ = compare("--midi", four_parts, "--keep", "soprano,bass", "--temperature", 0.5)
    (row,) = about["models"]
    score = from_midi((out / row["file"]).read_bytes()).canvas.score
    assert code == 0 and row["file"] == "gru-chorale-4bars-seed1.mid" and row["notes"] == len(score.notes())
    assert np.array_equal(score.cells[:, [0, 3]], FOUR_PARTS.cells[:, [0, 3]])
    assert [note["voice"] for note in about["given"]] == ["soprano", "bass"]
    assert (about["bars"], about["tempo"], about["random_seed"], about["temperature"]) == (4, 96, 1, 0.5)
    repaired = compare("--midi", four_parts, "--free-bars", "2")[1]
    assert repaired["models"][0]["seconds"] > 0 and len(repaired["given"]) == 8


def test_a_model_that_fails_leaves_the_others(compare, monkeypatch):
    load = checkpoint.load

    def broken(name):
        if name == "lstm":
            raise checkpoint.CheckpointError("its weights have changed")
        return load(name)

    monkeypatch.setattr(checkpoint, "available", lambda: ["lstm", "gru"])
    monkeypatch.setattr(checkpoint, "load", broken)
    code, about, out, complaint = compare("--bars", 1)
    assert code == 1 and "lstm failed" in complaint and complaint.count("\n") == 1
    assert [row.get("error") for row in about["models"]] == ["its weights have changed", None]
    assert (out / about["models"][1]["file"]).exists() and (out / "comparison.png").exists()


def test_when_every_model_fails_there_is_no_picture(compare, monkeypatch):
    def broken(name):
        raise checkpoint.CheckpointError("its weights have changed")

    monkeypatch.setattr(checkpoint, "load", broken)
    code, about, out, _ = compare("--bars", 1)
    assert code == 1 and about["models"][0]["error"] == "its weights have changed"
    assert [file.name for file in out.iterdir()] == ["comparison.json"]


def test_remarks_go_to_the_other_stream(run):
    code, printed, remarks = run("compose", "--model", "gru", "--notes", "C3 D3", "--bars", 1, "--json")
    assert code == 0 and json.loads(printed) and remarks == "The tune was moved up an octave.\n"


def test_a_summary_without_json(run, tmp_path):
    out = tmp_path / "a.mid"
    code, printed, _ = run("compose", "--model", "gru", "--bars", 2, "--seed", 5, "--out", out)
    assert code == 0 and printed.startswith("gru: 2 bars of 4/4 (chorale)") and f"wrote {out}" in printed


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "required"),
        (["dance"], "invalid choice"),
        (["compose"], "--model"),
        (["compose", "--model", "gru", "--bar", "4"], "--bar"),
        (["compose", "--model", "organ"], "--model: There is no trained organ here: choose one of gru"),
        (["compose", "--model", "gru", "--bars", "0"], "from 1 to 32"),
        (["compose", "--model", "gru", "--bars", "33"], "from 1 to 32"),
        (["compose", "--model", "gru", "--bars", "4.5"], "whole number"),
        (["compose", "--model", "gru", "--meter", "5/4"], "4/4"),
        (["compose", "--model", "gru", "--style", "polka"], "chorale"),
        (["compose", "--model", "gru", "--temperature", "-1"], "--temperature: Choose a temperature from 0 to 2"),
        (["compose", "--model", "gru", "--temperature", "hot"], "'hot' is not a number"),
        (["compose", "--model", "gru", "--temperature", "nan"], "from 0 to 2"),
        (["compose", "--model", "gru", "--top-p", "0"], "from 0.01 to 1"),
        (["compose", "--model", "gru", "--tempo", "1000"], "from 20 to 300"),
        (["compose", "--model", "gru", "--random-seed", "-3"], "--random-seed: Choose a whole number"),
        (["compose", "--model", "gru", "--notes", "C5 X5"], '"X5" (number 2'),
        (["compose", "--model", "gru", "--notes", "C5:8", "--style", "dance", "--bars", "2"], "raise the length to 3"),
        (["compose", "--model", "gru", "--notes", "C5", "--seed-bars", "0"], "--seed-bars: Choose a length"),
        (["compose", "--model", "gru", "--notes", "C5", "--midi", "a.mid"], "not allowed with"),
        (["compose", "--model", "gru", "--midi", "nowhere.mid"], "nowhere.mid cannot be read"),
        (["compose", "--model", "gru", "--midi", "."], "cannot be read"),
        (["compose", "--model", "gru", "--musicxml", __file__], "MusicXML"),
        (["compose", "--model", "gru", "--midi", __file__], "not a MIDI file"),
        (["compose", "--model", "gru", "--out", "a.ogg"], ".mid, .musicxml, .wav, .mp3, .png"),
        (["compose", "--model", "gru", "--out", "a"], "does not end in a known format"),
        (["compose", "--model", "gru", "--out", "nowhere/a.mid"], "no folder 'nowhere'"),
        (["compose", "--model", "gru", "--out", "x" * 5000 + ".mid"], "cannot be written"),
        (["compare", "--bars", "1"], "--out"),
        (["compare", "--out", __file__], "cannot be created"),
        (["compare", "--out", "nowhere", "--notes", "C5:8", "--bars", "1"], "raise the length to 3"),
        (["compare", "--out", "nowhere", "--model", "gru"], "--model"),
        (["compose", "--model", "gru", "--keep", "soprano"], "need given music"),
        (["compose", "--model", "gru", "--free-bars", "1"], "need given music"),
        (["compose", "--model", "gru", "--notes", "C5", "--keep", "mezzo"], "unknown voice 'mezzo'"),
        (["compose", "--model", "gru", "--notes", "C5", "--keep", "bass"], "has no bass"),
        (["compose", "--model", "gru", "--notes", "C5", "--style", "dance", "--keep", "soprano"], "--style chorale"),
        (["compose", "--model", "gru", "--notes", "C5", "--free-bars", "2-3"], "this piece of 1 bars"),
        (["compose", "--model", "gru", "--notes", "C5", "--free-bars", "3-2"], "backwards"),
        (["compose", "--model", "gru", "--notes", "C5", "--free-bars", "x"], "whole number"),
        (["compose", "--model", "gru", "--notes", "C5", "--keep", "soprano", "--free-bars", "1"], "not allowed with"),
    ],
)
def test_wrong_arguments_are_told_in_one_line(run, arguments, words):
    code, printed, complaint = run(*arguments)
    assert (code, printed) == (2, "")
    assert words in complaint and "error: " in complaint
    assert complaint.count("\n") == 1 and complaint.endswith("\n")
    assert not Path("nowhere").exists()


def test_a_file_may_be_as_large_as_on_the_page(run, tmp_path):
    file = tmp_path / "large.mid"
    file.write_bytes(bytes(options.LARGEST_FILE + 1))
    code, _, complaint = run("compose", "--model", "gru", "--midi", file)
    assert code == 2 and "larger than 5 MB: choose a shorter piece" in complaint


def test_a_place_that_cannot_be_written_is_told(run, tmp_path, monkeypatch):
    monkeypatch.setattr(options.os, "access", lambda *_: False)  # what a read-only folder says, also to root
    code, _, complaint = run("compose", "--model", "gru", "--out", tmp_path / "a.mid")
    assert code == 2 and "cannot be written" in complaint and complaint.count("\n") == 1


def test_a_disk_that_fills_up_is_told(run, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    code, _, complaint = run("compose", "--model", "gru", "--bars", 1, "--out", tmp_path / "a.mid")
    assert code == 2 and "No space left" in complaint and complaint.count("\n") == 1


def test_a_broken_checkpoint_is_no_fault_of_the_arguments(run, monkeypatch):
    def broken(name):
        raise checkpoint.CheckpointError("weights have changed; run: python -m train gru")

    monkeypatch.setattr(checkpoint, "load", broken)
    code, _, complaint = run("compose", "--model", "gru", "--bars", 1)
    assert code == 1 and "python -m train gru" in complaint and complaint.count("\n") == 1


def test_models_are_listed_with_their_figures(run, monkeypatch):
    figures = {"parameters": 1234567, "nll_valid": {"chorale": 0.4321, "dance": 0.5}}
    monkeypatch.setattr(checkpoint, "metrics", lambda name, *_: figures)
    code, printed, _ = run("models")
    rows = {line.split()[0]: line for line in printed.splitlines()}
    assert code == 0 and set(MODELS) < set(rows)
    assert "1,234,567" in rows["gru"] and "chorale 0.432, dance 0.500" in rows["gru"]
    assert "not trained" in rows["lstm"]


def test_help_needs_neither_torch_nor_sound():
    code = "import sys; sys.argv = ['musicgen', 'compose', '--help']; import musicgen.__main__ as m\n"
    code += "try: m.main()\nexcept SystemExit: print(any(n in sys.modules for n in ('torch', 'music21', 'soundfile')))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "--free-bars" in done.stdout and done.stdout.endswith("False\n")


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_model_composes_from_a_shell(tmp_path, name):
    out = tmp_path / "a.musicxml"
    done = subprocess.run(
        [sys.executable, "-m", "musicgen", "compose", "--model", name, "--notes", "C5 D5 E5", "--bars", "2", "--json"]
        + ["--random-seed", "7", "--out", str(out)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    about = json.loads(done.stdout)
    assert list(about) == KEYS and done.stderr == ""
    assert len(from_musicxml(out.read_bytes()).canvas.score.notes()) == about["notes"]


def test_all_shipped_models_are_compared_from_a_shell(tmp_path):
    out = tmp_path / "new"
    command = [sys.executable, "-m", "musicgen", "compare", "--notes", "C5 D5 E5", "--bars", "3", "--random-seed", "7"]
    done = subprocess.run([*command, "--out", str(out)], cwd=ROOT, capture_output=True, text=True, check=True)
    about = json.loads((out / "comparison.json").read_text())
    assert done.stderr == "" and [row["model"] for row in about["models"]] == SHIPPED
    written = {"comparison.json", "comparison.png", *(row["file"] for row in about["models"])}
    assert {file.name for file in out.iterdir()} == written
    for row in about["models"]:
        measured = json.loads((ROOT / "checkpoints" / row["model"] / "metrics.json").read_text())
        assert (row["parameters"], row["ms_per_bar"]) == (measured["parameters"], measured["speed"]["ms_per_bar"])
        score = from_midi((out / row["file"]).read_bytes()).canvas.score
        assert score.bars == 3 and len(score.notes()) == row["notes"] and row["random_seed"] == 7 and row["nats"]
        assert [(n.pitch, n.start) for n in score.notes() if n.voice == 0][:3] == [(72, 0), (74, 4), (76, 8)]
    assert (out / "comparison.png").read_bytes().startswith(b"\x89PNG")
