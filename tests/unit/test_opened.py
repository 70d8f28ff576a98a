"""Our MusicXML, opened in other programs: MuseScore hears the same notes, LilyPond engraves it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from musicgen.io import notation
from musicgen.io.seeds import from_file
from musicgen.score import METERS, STYLES, Note, Score, from_notes

pytestmark = pytest.mark.slow
MUSESCORE = next(filter(None, map(shutil.which, ("musescore3", "mscore3", "musescore", "mscore"))), None)
LILYPOND = shutil.which("lilypond") and shutil.which("musicxml2ly")


def piece(style: str, meter: str, upbeat: int) -> Score:
    """Three bars with ties, syncopations and rests, an upbeat perhaps."""
    size, notes = METERS[meter].steps, []
    for voice, (low, high) in enumerate(STYLES[style].ranges):
        now, index = size - upbeat if upbeat else 0, 0
        while now < 3 * size:
            length = (4, 2, 1, 3, 6, 5)[(index + voice) % 6]
            if (index + voice) % 7 != 6:
                notes.append(
                    Note(voice, (low + high) // 2 + (0, 2, 4, 1, -3)[index % 5], now, min(length, 3 * size - now))
                )
            now, index = now + length, index + 1
    return Score(from_notes(notes, 3 * size), style, meter, 96, upbeat, "Ode & Joy", "B. Künneke")


def run(*command: str | Path, folder: Path):
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.skipif(not MUSESCORE, reason="MuseScore is not installed")
@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(("meter", "upbeat"), [(name, up) for name in METERS for up in (0, 2, 4)])
def test_musescore_hears_the_same_notes(tmp_path, style, meter, upbeat):
    score = piece(style, meter, upbeat)
    (tmp_path / "a.musicxml").write_bytes(notation.write(score))
    run(str(MUSESCORE), "-o", "a.mid", "a.musicxml", folder=tmp_path)
    heard = from_file("a.mid", (tmp_path / "a.mid").read_bytes(), style, meter).canvas.score
    assert heard.notes() == score.notes() and heard.upbeat == score.upbeat
    assert heard.tempo == pytest.approx(score.tempo, abs=0.1)


@pytest.mark.skipif(not LILYPOND, reason="LilyPond is not installed")
@pytest.mark.parametrize(("style", "meter", "upbeat"), [("chorale", "4/4", 4), ("dance", "6/8", 2)])
def test_lilypond_engraves_it(tmp_path, style, meter, upbeat):
    (tmp_path / "a.musicxml").write_bytes(notation.write(piece(style, meter, upbeat)))
    run("musicxml2ly", "-o", "a.ly", "a.musicxml", folder=tmp_path)
    run("lilypond", "-o", "a", "a.ly", folder=tmp_path)
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
    assert "Ode & Joy" in (tmp_path / "a.ly").read_text()
