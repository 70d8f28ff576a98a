"""`python app.py --check`: is everything there that a visitor will need, and does it really sound?"""

import io
import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import soundfile

from musicgen import checkpoint
from musicgen.io import audio, soundfont
from musicgen.models import MODELS
from musicgen.score import Canvas, Note, Score, from_notes

FONT = "the sound font in musicgen/web/samples"
ROOM = 10_000_000  # bytes
INITIAL_PORT, PORTS = 7860, 100  # those that Gradio tries where none is set


def run() -> bool:
    """Prints a line a check; True if all are well. Nothing is raised: a failure is a line that says why."""
    passed = [_passes(name, check) for name, check in _checks()]
    return all(passed)


def _checks() -> Iterator[tuple[str, Callable[[], str]]]:
    """Each check's name and what makes it: it returns what was found, or raises."""
    yield "temporary files", _disk
    yield "port", _port
    yield "synthesizer", _synthesizer
    yield "sound font", _font
    for format in audio.AUDIO_FORMATS:
        yield f"sound as {format}", lambda format=format: _sound(format)
    yield "checkpoints", _all_checkpoints
    for name in checkpoint.available():
        yield f"model {name}", lambda name=name: _model(name)
        yield f"figures of {name}", lambda name=name: _figures(name)


def _passes(name: str, check: Callable[[], str]) -> bool:
    try:
        print(f"ok    {name}: {check()}", flush=True)
    except Exception as error:  # whatever is wrong is to be told, not to end the other checks
        print(f"FAIL  {name}: {error or type(error).__name__}", flush=True)
        return False
    return True


def _disk() -> str:
    """Files that people take home are written there, and FluidSynth writes there."""
    folder = os.environ.get("GRADIO_TEMP_DIR") or tempfile.gettempdir()
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(ROOM))
    except OSError as error:
        raise OSError(f"{error.strerror} in {folder}: make room, or set GRADIO_TEMP_DIR to another folder") from error
    return f"{ROOM // 1_000_000} MB can be written in {folder}"


def _port() -> str:
    """As Gradio will look for one: the port that is set, or the first free one of many."""
    wanted = os.environ.get("GRADIO_SERVER_PORT", "")
    if wanted and not wanted.isdecimal():
        raise OSError(f"GRADIO_SERVER_PORT is {wanted!r}, which is not a number")
    first, count = (int(wanted), 1) if wanted else (INITIAL_PORT, PORTS)
    for port in range(first, first + count):
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError, OverflowError):
                trial.bind(("127.0.0.1", port))
                return f"{port} is free"
    last = first + count - 1
    ports = f"{first} is" if count == 1 else f"{first} to {last} are"
    raise OSError(f"{ports} taken: end what runs there, or set GRADIO_SERVER_PORT to another")


def _synthesizer() -> str:
    """Which one makes the WAV and MP3 files; without FluidSynth nothing is wrong."""
    if audio.synthesizer() != "FluidSynth":
        return f"midirenderer plays downloads, with {FONT}; FluidSynth is not installed, and none is needed"
    try:
        audio.fluidsynth_plays()
    except audio.AudioError as error:
        raise audio.AudioError(f"FluidSynth: {error}; sound is made by midirenderer, reinstall FluidSynth") from error
    return f"FluidSynth plays downloads, with {FONT}"


def _figures(name: str) -> str:
    return f"{len(checkpoint.measured(name))} measured"


def _font() -> str:
    for key, instrument in soundfont.INSTRUMENTS.items():
        if not instrument.samples or not (soundfont.FOLDER / instrument.file).is_file():
            raise audio.AudioError(f"the samples of {key} are missing: restore musicgen/web/samples")
    font = soundfont.build(tuple(sorted(soundfont.INSTRUMENTS)))
    return f"{len(soundfont.INSTRUMENTS)} instruments, {len(font) / 1e6:.1f} MB"


def _sound(format: str) -> str:
    """A one-bar chord, rendered and decoded again."""
    chord = [Note(voice, pitch, 0, 16) for voice, pitch in enumerate((72, 67, 64, 48))]
    score = Score(from_notes(chord, 16), tempo=120)
    sound, rate = soundfile.read(io.BytesIO(audio.render(score, format=format)))
    seconds, loudness = len(sound) / rate, 20 * np.log10(np.sqrt((sound**2).mean()) + 1e-9)
    if seconds < score.seconds or loudness < -40:
        raise audio.AudioError(f"{seconds:.1f} s at {loudness:.0f} dB is not what was asked for")
    return f"{seconds:.1f} s at {loudness:.0f} dB"


def _all_checkpoints() -> str:
    """An architecture that was never trained has no folder."""
    found = checkpoint.available()
    without = [name for name in MODELS if name not in found]
    if missing := [name for name in without if not found or (checkpoint.DIRECTORY / name).exists()]:
        why = [fault for name in missing if (fault := checkpoint.fault(name))] or [f"run: python -m train {missing[0]}"]
        raise checkpoint.CheckpointError("; ".join([f"none for {', '.join(missing)}", *why]))
    return ", ".join([*found, *(f"{name} not yet trained" for name in without)])


def _model(name: str) -> str:
    """Its files are those that were trained, and it composes notes in every style it knows."""
    model = checkpoint.load(name)
    notes = [len(model.compose(Canvas.blank(2, style), random_seed=1).notes()) for style in checkpoint.styles(name)]
    if not all(notes):
        raise checkpoint.CheckpointError(f"it composed nothing but rests; restore it, or run: python -m train {name}")
    model.accelerate()
    about = f"{checkpoint.parameters(model):,} parameters, composed {sum(notes)} notes"
    return f"hash verified, {about}, run by {model.engine()}"
