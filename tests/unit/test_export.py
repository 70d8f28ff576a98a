"""A composition as the files that a visitor takes home."""

import io
import zipfile

import numpy as np
import pytest
import soundfile

from musicgen.export import FORMATS
from musicgen.io import midi
from musicgen.io.audio import default_instruments
from musicgen.io.seeds import from_file, from_text
from musicgen.score import STYLES, Note, Score, from_notes
from musicgen.session import Composition


@pytest.mark.parametrize("name", FORMATS)
def test_every_file_says_what_it_comes_from(name):
    canvas = from_text("C5:1 D5:1 E5:2").canvas
    work = Composition(canvas.score, canvas.fixed, "gru", 7)
    data = FORMATS[name].make(work, default_instruments("chorale"))
    assert b"Nonet" in data and b"musicgen" not in data


def test_stems_are_a_sound_and_a_midi_file_for_each_voice_and_together_the_whole():
    tune = [Note(0, 72, 0, 8), Note(0, 76, 8, 8), Note(3, 48, 0, 12)]
    work = Composition(Score(from_notes(tune, 16)), np.zeros((16, 4), bool), "gru", 7)
    instruments = ["flute", "piano", "piano", "organ"]
    archive = zipfile.ZipFile(io.BytesIO(FORMATS["stems"].make(work, instruments)))
    voices = ["soprano", "bass"]
    assert archive.namelist() == [f"{work.name}-{voice}.{end}" for voice in voices for end in ("wav", "mid")]
    for voice, number in zip(voices, work.score.heard, strict=True):
        (part,) = midi.read(archive.read(f"{work.name}-{voice}.mid")).parts
        mine = [(n.pitch, n.start, n.start + n.duration) for n in work.score.notes() if n.voice == number]
        assert [(s.pitch, s.start, s.end) for s in part.sounds] == mine and part.name.lower() == voice
    stems = [soundfile.read(io.BytesIO(archive.read(f"{work.name}-{voice}.wav")))[0] for voice in voices]
    whole, _ = soundfile.read(io.BytesIO(FORMATS["wav"].make(work, instruments)))
    assert abs(stems[0]).max() > 0.01 and abs(stems[1]).max() > 0.01
    assert abs(sum(stems) - whole).max() < 0.02 * abs(whole).max()


def test_the_only_voice_of_a_dance_has_its_styles_name_in_every_file():
    work = Composition(Score(from_notes([Note(0, 72, 0, 8)], 16), "dance"), np.zeros((16, 4), bool), "gru", 7)
    instruments = default_instruments("dance")
    assert STYLES["dance"].voices == ("Melody",)
    archive = zipfile.ZipFile(io.BytesIO(FORMATS["stems"].make(work, instruments)))
    assert archive.namelist() == [f"{work.name}-melody.{end}" for end in ("wav", "mid")]
    for data in (FORMATS["midi"].make(work, instruments), archive.read(f"{work.name}-melody.mid")):
        assert [part.name for part in midi.read(data).parts] == ["Melody"]
    assert b"<part-name>Melody</part-name>" in FORMATS["musicxml"].make(work, instruments)
    told = from_file("tune.mid", FORMATS["midi"].make(work, instruments)).message
    assert told == "Kept 1 note in 1 bar of 4/4: melody."
