"""Nine neural architectures that complete the same four-voice canvas.

from musicgen import Canvas, load

score = load("gru").compose(Canvas.blank(8), random_seed=7)
"""

from importlib import import_module

LAZY = {"Canvas": "musicgen.score", "load": "musicgen.checkpoint"}  # imported when first asked for: torch takes seconds


def __getattr__(name: str):
    if name not in LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(LAZY[name]), name)
