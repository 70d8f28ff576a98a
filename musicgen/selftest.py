"""`python app.py --check`: is everything there that a visitor will need, and does it really sound?"""

import io
from collections.abc import Callable, Iterator

import numpy as np
import soundfile

from musicgen import checkpoint
from musicgen.io import audio, soundfont
from musicgen.models import MODELS
from musicgen.score import STYLES, Canvas, Note, Score, from_notes


def run() -> bool:
    """Prints a line a check; True if all are well. Nothing is raised: a failure is a line that says why."""
    passed = [_passes(name, check) for name, check in _checks()]
    return all(passed)


def _checks() -> Iterator[tuple[str, Callable[[], str]]]:
    """Each check's name and what makes it: it returns what was found, or raises."""
    yield "synthesizer", audio.synthesizer
    yield "sound font", _font
    for format in audio.FORMATS:
        yield f"sound as {format}", lambda format=format: _sound(format)
    yield "checkpoints", _all_checkpoints
    for name in checkpoint.available():
        yield f"model {name}", lambda name=name: _model(name)


def _passes(name: str, check: Callable[[], str]) -> bool:
    try:
        print(f"ok    {name}: {check()}", flush=True)
    except Exception as error:  # whatever is wrong is to be told, not to end the other checks
        print(f"FAIL  {name}: {error or type(error).__name__}", flush=True)
        return False
    return True


def _font() -> str:
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
        raise checkpoint.CheckpointError(f"none for {', '.join(missing)}; run: python -m train {missing[0]}")
    return ", ".join([*found, *(f"{name} not yet trained" for name in without)])


def _model(name: str) -> str:
    """Its files are those that were trained, and it composes notes in every style."""
    model = checkpoint.load(name)
    notes = [len(model.compose(Canvas.blank(2, style), random_seed=1).notes()) for style in STYLES]
    if not all(notes):
        raise checkpoint.CheckpointError(f"it composed nothing but rests; restore it, or run: python -m train {name}")
    model.accelerate()
    about = f"{checkpoint.parameters(model):,} parameters, composed {sum(notes)} notes"
    return f"hash verified, {about}, run by {model.engine()}"
