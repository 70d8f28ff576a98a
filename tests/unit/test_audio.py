"""Sound files are decoded again and listened to: length, loudness, pitch, both synthesizers, every instrument."""

import io
import shutil
import struct

import numpy as np
import pytest
import soundfile

from musicgen.io import audio, soundfont
from musicgen.score import Note, Score, from_notes

FLUIDSYNTH = bool(shutil.which("fluidsynth"))


def chorale(bars: int = 2, tempo: float = 120) -> Score:
    chords = [(72, 67, 64, 48), (71, 67, 62, 43), (72, 69, 65, 41), (72, 67, 64, 48)]
    notes = [Note(v, p, 4 * beat, 4) for beat in range(4 * bars) for v, p in enumerate(chords[beat % 4])]
    return Score(from_notes(notes, 16 * bars), tempo=tempo)


def single(pitch: int, bars: int = 1, tempo: float = 60) -> Score:
    return Score(from_notes([Note(0, pitch, 0, 16 * bars)], 16 * bars), tempo=tempo)


def decode(data: bytes) -> tuple[np.ndarray, int]:
    return soundfile.read(io.BytesIO(data), always_2d=True)


def decibels(value: float) -> float:
    return 20 * np.log10(value)


def loudest_pitch(sound: np.ndarray, rate: int, low: float = 100, high: float = 2000) -> float:
    """Frequency in Hz of the strongest partial in the second from 0.5 s on."""
    part = sound[rate // 2 : rate // 2 + rate].mean(axis=1) * np.hanning(rate)
    spectrum = np.abs(np.fft.rfft(part, 4 * rate))
    return (spectrum[int(4 * low) : int(4 * high)].argmax() + int(4 * low)) / 4


@pytest.fixture(params=["FluidSynth", "midirenderer"] if FLUIDSYNTH else ["midirenderer"])
def synthesizer(request, monkeypatch) -> str:
    if request.param == "midirenderer":
        monkeypatch.setenv("PATH", "/nonexistent")
    assert audio.synthesizer() == request.param
    return request.param


@pytest.mark.parametrize("format", audio.AUDIO_FORMATS)
def test_a_file_is_as_long_as_the_score_and_loud_but_not_clipped(synthesizer, format):
    score = chorale()
    sound, rate = decode(audio.render(score, format=format))
    assert rate == 44_100
    assert sound.shape[1] == 2
    assert len(sound) / rate == pytest.approx(score.seconds + audio.TAIL, abs=0.06)
    body = sound[: int(score.seconds * rate)]
    assert decibels(np.sqrt((body**2).mean())) == pytest.approx(-20, abs=1.5)
    assert decibels(np.abs(sound).max()) <= -1
    assert np.abs(sound[-rate // 100 :]).max() < 0.002, "the end must be silent"
    after = sound[int((score.seconds + 0.1) * rate) : int((score.seconds + 0.4) * rate)]
    assert decibels(np.sqrt((after**2).mean())) > -60, "the last chord must ring out"


@pytest.mark.parametrize("key", audio.INSTRUMENTS)
def test_every_instrument_sounds_the_pitch_that_is_written(synthesizer, key):
    sound, rate = decode(audio.render(single(72), (key,) * 4))
    heard = loudest_pitch(sound, rate)
    partial = round(heard / 523.25)
    assert partial in (1, 2, 3)
    assert abs(1200 * np.log2(heard / partial / 523.25)) < 45, f"{key} sounds {heard:.1f} Hz"


def test_c5_is_523_hertz(synthesizer):
    sound, rate = decode(audio.render(single(72), ("flute",) * 4))
    assert loudest_pitch(sound, rate) == pytest.approx(523.25, rel=0.004)


@pytest.mark.parametrize("key", [k for k, i in audio.INSTRUMENTS.items() if i.samples[0]["loop"]])
def test_a_long_note_is_held_to_its_end(synthesizer, key):
    score = single(60, bars=3)  # 12 s, many times round the loop
    sound, rate = decode(audio.render(score, (key,) * 4))
    loudness = [decibels(np.sqrt((sound[s * rate : (s + 1) * rate] ** 2).mean())) for s in range(1, 12)]
    assert max(loudness) - min(loudness) < 4


def test_each_voice_can_have_its_own_instrument(synthesizer):
    same = audio.render(chorale(), ("organ",) * 4)
    mixed = audio.render(chorale(), ("flute", "choir", "strings", "piano"))
    assert same != mixed


def test_voices_are_spread_from_left_to_right():
    sound, _ = decode(audio.render(single(72)))
    left, right = np.sqrt((sound**2).mean(axis=0))
    assert left > 1.05 * right, "the soprano stands a little to the left"


def test_rests_only_is_an_error_that_says_so():
    with pytest.raises(audio.AudioError, match="only rests"):
        audio.render(Score(np.full((16, 4), -1)))


@pytest.mark.parametrize("instruments", [("kazoo",) * 4, ("organ",) * 3])
def test_wrong_instruments_are_an_error_that_lists_the_right_ones(instruments):
    with pytest.raises(audio.AudioError, match="organ, choir"):
        audio.render(chorale(), instruments)


def test_an_unknown_format_is_an_error():
    with pytest.raises(audio.AudioError, match="wav or mp3"):
        audio.render(chorale(), format="ogg")


def program(folder, body: str):
    """A stand-in for FluidSynth that does what `body` says."""
    path = folder / "fluidsynth"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("body", ["exit 3", "exit 0", "echo no sound font >&2; exit 1", "echo rubbish > sound.wav"])
def test_a_failing_fluidsynth_is_replaced(tmp_path, monkeypatch, body):
    program(tmp_path, body)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    sound, _ = decode(audio.render(chorale()))
    assert np.abs(sound).max() > 0.1


def silent_wav(*_) -> bytes:
    data = io.BytesIO()
    soundfile.write(data, np.zeros((44_100, 2)), 44_100, format="WAV")
    return data.getvalue()


def test_silence_is_an_error_and_never_a_file(monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr("midirenderer.render_wave_from", silent_wav)
    with pytest.raises(audio.AudioError, match="silence"):
        audio.render(chorale())


def test_nothing_is_left_behind(tmp_path, monkeypatch, synthesizer):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    audio.render(chorale())
    assert not list(tmp_path.iterdir())


def test_default_instruments_exist_and_differ_by_style():
    chosen = {style: audio.default_instruments(style) for style in ("chorale", "dance")}
    assert chosen["chorale"] != chosen["dance"]
    for keys in chosen.values():
        assert len(keys) == 4
        assert set(keys) <= set(audio.INSTRUMENTS)
    assert len(audio.INSTRUMENTS) >= 6


def test_the_sound_font_is_a_whole_riff_file():
    font = soundfont.build(("organ", "piano"))
    assert font[:4] == b"RIFF"
    assert font[8:12] == b"sfbk"
    assert struct.unpack("<I", font[4:8])[0] == len(font) - 8
    assert soundfont.build(("organ", "piano")) is font, "built once"


@pytest.mark.parametrize("key", soundfont.INSTRUMENTS)
def test_samples_cover_every_pitch_and_lie_inside_their_file(key):
    instrument = soundfont.INSTRUMENTS[key]
    frames = soundfile.info(str(soundfont.FOLDER / instrument.file)).frames
    roots = [sample["pitch"] for sample in instrument.samples]
    assert all(min(abs(pitch - root) for root in roots) <= 3.5 for pitch in range(33, 94))
    for sample in instrument.samples:
        assert sample["start"] + sample["length"] <= frames
        if sample["loop"]:
            start, end = sample["loop"]
            assert 0 < start < end < sample["length"]


def test_samples_are_shipped_with_their_licence():
    assert "MIT license" in (soundfont.FOLDER / "LICENSE").read_text()
    assert sum(file.stat().st_size for file in soundfont.FOLDER.iterdir()) < 3_500_000
