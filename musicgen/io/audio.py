"""Score -> WAV or MP3, by FluidSynth (midi2audio) where that is installed, else by the embedded `midirenderer`.

Both play the sound font of `soundfont.py`. midi2audio runs as a program of its own, since it prints, sets no time
limit and hides FluidSynth's return code; what comes out is looked at before anybody gets it: a missing or silent
rendering is an error and never a file.
"""

import io
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

import mido
import numpy as np
import soundfile

from musicgen.io import midi, soundfont
from musicgen.io.soundfont import INSTRUMENTS, Instrument
from musicgen.score import STYLES, VOICES, Note, Score, from_notes

__all__ = [
    "AUDIO_FORMATS",
    "INSTRUMENTS",
    "AudioError",
    "Instrument",
    "default_instruments",
    "render",
    "stems",
    "synthesizer",
]

AUDIO_FORMATS = ("wav", "mp3")
RATE = 44_100  # Hz
TAIL = 2.5  # seconds kept after the score's end, for the last chord to fade
FADE = 0.5  # seconds of the tail's end that lead into silence
LOUDNESS = -20.0  # dB of full scale, root mean square of what sounds
PEAK = -1.5  # dB of full scale; MP3 may come out half a decibel higher
SILENCE = 1e-4  # a rendering whose largest value is smaller is silent
PANS = (44, 76, 56, 88)  # of 0 (left) to 127 (right), a voice each
PATIENCE = 20  # seconds for one rendering by FluidSynth, which takes one for two minutes of music
INSTEAD = "FluidSynth failed on the server: another synthesizer made this sound."

_log = logging.getLogger(__name__)
_hung = threading.Event()  # FluidSynth did, in this process
_tell: ContextVar[Callable[[str], object] | None] = ContextVar("tell", default=None)


class AudioError(RuntimeError):
    """No sound could be made; the message says why and what helps."""


class Absent(AudioError):
    """A synthesizer is not installed."""


@contextmanager
def telling(tell: Callable[[str], object]) -> Iterator[None]:
    """Inside, `tell` is given a sentence when a synthesizer fails and another one plays."""
    token = _tell.set(tell)
    try:
        yield
    finally:
        _tell.reset(token)


def default_instruments(style: str) -> tuple[str, ...]:
    """A key of `INSTRUMENTS` for each voice."""
    key = STYLES[style].instrument
    return (key if key in INSTRUMENTS else next(iter(INSTRUMENTS)),) * len(VOICES)


def synthesizer() -> str:
    """The name of the synthesizer that plays."""
    return "FluidSynth" if shutil.which("fluidsynth") else "midirenderer"


def fluidsynth_plays():
    """Raises `AudioError` if FluidSynth, which is installed, makes no sound of a chord."""
    chord = Score(from_notes([Note(0, 72, 0, 16), Note(3, 48, 0, 16)], 16))
    keys = default_instruments(chord.style)
    _fluidsynth(_performance(chord, keys), soundfont.build(tuple(set(keys))))


def render(score: Score, instruments: Sequence[str] | None = None, format: str = "wav") -> bytes:
    """The score's sound as a file: 44.1 kHz, stereo, as long as the score and `TAIL` seconds more.

    `instruments` are four keys of `INSTRUMENTS`, soprano first. Raises `AudioError`.
    """
    if format not in AUDIO_FORMATS:
        raise AudioError(f"sound is written as {' or '.join(AUDIO_FORMATS)}, not {format!r}")
    return _encode(_finish(_synthesize(*_prepared(score, instruments)), score.seconds), format)


def stems(score: Score, instruments: Sequence[str] | None = None) -> dict[str, bytes]:
    """Each voice that sounds, by its name, as a WAV file; played together they are what `render` makes.

    Raises `AudioError`.
    """
    _prepared(score, instruments)  # what cannot be played at all is refused
    style = STYLES[score.style]
    parts = {style.voice(voice): score.only(voice) for voice in score.heard}
    sounds = {name: _cut(_synthesize(*_prepared(part, instruments)), score.seconds) for name, part in parts.items()}
    gain = _gain(np.sum([*sounds.values()], axis=0))
    return {name: _encode(sound * gain, "wav") for name, sound in sounds.items()}


def _prepared(score: Score, instruments: Sequence[str] | None) -> tuple[bytes, bytes]:
    """A performance of the score and the sound font that it needs. Raises `AudioError`."""
    keys = tuple(instruments or default_instruments(score.style))
    unknown = [key for key in keys if key not in INSTRUMENTS]
    if unknown or len(keys) != 4:
        raise AudioError(f"instruments are four of {', '.join(INSTRUMENTS)}, not {', '.join(keys)}")
    if not score.notes():
        raise AudioError("the score holds only rests: there is nothing to hear")
    try:
        font = soundfont.build(tuple(sorted(set(keys))))
    except (OSError, RuntimeError, ValueError) as error:  # of the reader of sound files, too
        raise AudioError(f"the samples cannot be read ({error}): restore musicgen/web/samples") from error
    return _performance(score, keys), font


def _performance(score: Score, keys: tuple[str, ...]) -> bytes:
    """The score as MIDI: voices spread from left to right, and an empty tail, so that nothing cuts the last chord."""
    file = mido.MidiFile(file=io.BytesIO(midi.write(score, [INSTRUMENTS[key].program for key in keys])))
    for track in file.tracks:
        channels = {m.channel for m in track if not m.is_meta}
        for channel in channels:
            settings = [(7, 127), (10, PANS[channel]), (91, 60), (93, 0)]  # volume, place, room, chorus
            track[:0] = [mido.Message("control_change", channel=channel, control=c, value=v) for c, v in settings]
        if channels:
            ticks = round(mido.second2tick(TAIL, file.ticks_per_beat, round(60_000_000 / score.tempo)))
            end = track.pop()
            track.append(mido.Message("control_change", channel=min(channels), control=3, time=end.time + ticks))
            track.append(mido.MetaMessage("end_of_track"))
    data = io.BytesIO()
    file.save(file=data)
    return data.getvalue()


def _synthesize(performance: bytes, font: bytes) -> np.ndarray:
    """Sound `(frames, 2)` at `RATE` by the first synthesizer that makes any."""
    reasons, failed = [], False
    for player in (_fluidsynth, _midirenderer):
        try:
            sound = player(performance, font)
            if not np.isfinite(sound).all() or np.abs(sound).max(initial=0) < SILENCE:
                raise AudioError("it rendered silence")
            if failed and (tell := _tell.get()):
                tell(INSTEAD)
            return sound
        except (AudioError, OSError, ValueError, RuntimeError, subprocess.SubprocessError) as error:
            reasons.append(f"{player.__name__[1:]}: {error}")
            failed = failed or not isinstance(error, Absent)
            _log.log(logging.INFO if isinstance(error, Absent) else logging.WARNING, "no sound from %s", reasons[-1])
    raise AudioError("no synthesizer made a sound; install FluidSynth or midirenderer. " + "; ".join(reasons))


def _fluidsynth(performance: bytes, font: bytes) -> np.ndarray:
    if not shutil.which("fluidsynth"):
        raise Absent("the program is not installed")
    if _hung.is_set():
        raise AudioError("it hung before, and is not asked again until the app is started anew")
    with tempfile.TemporaryDirectory(prefix="musicgen-") as name:
        folder = Path(name)
        (folder / "font.sf2").write_bytes(font)
        (folder / "score.mid").write_bytes(performance)
        _run([sys.executable, "-m", "midi2audio", "-s", "font.sf2", "-r", str(RATE), "score.mid", "sound.wav"], folder)
        if not (folder / "sound.wav").is_file():
            raise AudioError("it made no file")
        return soundfile.read(folder / "sound.wav", dtype="float32", always_2d=True)[0]


def _run(command: list[str], folder: Path):
    """The command, in a group of its own, which ends with it: midi2audio would leave its FluidSynth running."""
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True
        )
        try:
            code = process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            _hung.set()
            raise AudioError(f"it did not end within {PATIENCE} s") from None
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL) if hasattr(os, "killpg") else process.kill()
            process.wait()
    if code:
        raise AudioError(f"it failed: {(folder / 'said').read_bytes().decode(errors='replace')[-300:].strip()}")


def _midirenderer(performance: bytes, font: bytes) -> np.ndarray:
    try:
        import midirenderer
    except ImportError as error:
        raise Absent("the package is not installed") from error
    wav = midirenderer.render_wave_from(font, performance)
    sound, rate = soundfile.read(io.BytesIO(wav), dtype="float32", always_2d=True)
    return _resample(sound, rate)


def _resample(sound: np.ndarray, rate: int) -> np.ndarray:
    """To `RATE` by cutting the spectrum of each channel; the end is silent, so nothing wraps around."""
    if rate == RATE:
        return sound
    block = rate  # whole seconds transform quickly, and both rates fit into them
    sound = np.pad(sound, ((0, -len(sound) % block), (0, 0)))
    frames = len(sound) // rate * RATE
    spectrum = np.fft.rfft(sound, axis=0)[: frames // 2 + 1]
    return (np.fft.irfft(spectrum, frames, axis=0) * (frames / len(sound))).astype(np.float32)


def _finish(sound: np.ndarray, seconds: float) -> np.ndarray:
    """As long and as loud as a file's sound is."""
    sound = _cut(sound, seconds)
    return sound * _gain(sound)


def _cut(sound: np.ndarray, seconds: float) -> np.ndarray:
    """Cut or padded to `seconds` and the tail, faded at the end."""
    frames = round((seconds + TAIL) * RATE)
    sound = np.pad(sound, ((0, max(0, frames - len(sound))), (0, 0)))[:frames]
    fade = round(FADE * RATE)
    sound[-fade:] *= np.cos(np.linspace(0, np.pi / 2, fade, dtype=np.float32))[:, None] ** 2
    return sound


def _gain(sound: np.ndarray) -> np.float32:
    """What brings it to `LOUDNESS` under `PEAK`."""
    return np.float32(min(10 ** (LOUDNESS / 20) / _loudness(sound), 10 ** (PEAK / 20) / np.abs(sound).max()))


def _loudness(sound: np.ndarray) -> float:
    """Root mean square of the tenths of a second that sound: those within 40 dB of the loudest one."""
    block = RATE // 10
    power = (sound[: len(sound) // block * block] ** 2).reshape(-1, block * sound.shape[1]).mean(axis=1)
    return float(np.sqrt(power[power > power.max() * 1e-4].mean()))


def _encode(sound: np.ndarray, format: str) -> bytes:
    data = io.BytesIO()
    coding = {"wav": "PCM_16", "mp3": "MPEG_LAYER_III"}[format]
    with soundfile.SoundFile(data, "w", RATE, sound.shape[1], coding, format=format.upper()) as file:
        file.artist = "Nonet"
        file.write(sound)
    return data.getvalue()
