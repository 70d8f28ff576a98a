"""Composes when told to and says how long it took; a process of its own, started by `train.speed`.

    python -P train/speed_worker.py MODEL THREADS WAY

Nothing of this project is imported but by the path that the process was started with, so that it measures any checkout
of it. MODEL is an architecture, ALL of them in turn, or the LAB's; WAY is `shipped`, or `eager` for PyTorch alone. Each
line that is read names a task of `TASKS`; each that is written is what was measured, as JSON.
"""

import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from importlib.util import find_spec
from inspect import signature
from typing import Any

import numpy as np
import torch

ALL, LAB = "all", "lab"
SEED_TEXT = "B4 B4 C5 D5"  # one bar, as typed on the page
SEED_CHORDS = ((71, 67, 62, 55), (71, 67, 62, 55), (72, 67, 64, 48), (74, 69, 66, 50))  # the same in four voices
CHARACTERS, ALPHABET, EMBEDDED, UNITS = 1000, 83, 256, 1024  # of the introductory lab's model: text in ABC notation


def seed_cells(voices: int) -> np.ndarray:
    """One bar of quarters, (16, 4)."""
    cells = np.full((16, 4), -2)  # held
    cells[::4] = SEED_CHORDS
    cells[:, voices:] = -1  # resting
    return cells


def continued(bars: int, style: str = "chorale", voices: int = 4):
    """A canvas of so many bars in 4/4 of which the first is given."""
    from musicgen.score import Canvas, Score

    return Canvas(Score(seed_cells(voices), style), np.ones((16, 4), bool)).extended(bars)


def harmonised():
    from musicgen.score import Canvas, Score

    return Canvas.keep_voices(Score(np.tile(seed_cells(4), (8, 1))), [0])


def repaired():
    from musicgen.score import Canvas, Score

    return Canvas.free_bars(Score(np.tile(seed_cells(4), (8, 1))), 4, 5)


TASKS = {
    "8 bars": lambda: continued(8),
    "32 bars": lambda: continued(32),
    "dance": lambda: continued(8, "dance", voices=1),
    "harmonise": harmonised,
    "repair": repaired,
}


def stream(name: str, task: str) -> Iterator:
    """A model's patches at the page's defaults, by the names of today's checkout or of an older one."""
    from musicgen import checkpoint
    from musicgen.models import DEFAULTS

    model: Any = checkpoint.load(name)
    canvas = TASKS[task]()
    if "sampling" not in signature(model.stream).parameters:
        return model.stream(canvas, temperature=DEFAULTS.temperature, top_p=DEFAULTS.top_p, seed=7)
    return model.stream(canvas, random_seed=7)


def all_answers(task: str) -> Iterator:
    """The updates of a comparison of all models, whatever the task, over 8 bars."""
    from musicgen import comparison, session
    from musicgen.models import DEFAULTS

    names: Any = session  # of today's checkout, or of an older one
    request = getattr(names, "Request", None) or names.Wish
    wanted = request(notes=SEED_TEXT, temperature=DEFAULTS.temperature, top_p=DEFAULTS.top_p)
    return comparison.compare(wanted, "run", session.Control())


def lab() -> Callable[[str], Iterator]:
    """A model like the introductory lab's: an LSTM over characters, drawn one by one; of random weights."""
    embed, lstm = torch.nn.Embedding(ALPHABET, EMBEDDED), torch.nn.LSTM(EMBEDDED, UNITS, batch_first=True)
    out = torch.nn.Linear(UNITS, ALPHABET)

    def characters(task: str) -> Iterator:
        character, state = torch.zeros(1, 1, dtype=torch.long), None
        for _ in range(CHARACTERS):
            with torch.inference_mode():
                hidden, state = lstm(embed(character), state)
                character = torch.multinomial(out(hidden)[0].softmax(-1), 1)
            yield character

    return characters


def accelerate(name: str):
    """Let the model, or all of them, run as fast as it can, as a served page does in the background."""
    from musicgen import checkpoint

    for each in checkpoint.available() if name == ALL else [name] * (name != LAB):
        model = checkpoint.load(each)
        if hasattr(model, "accelerate"):
            model.accelerate()


def way(name: str) -> AbstractContextManager:
    if name != "eager" or not find_spec("musicgen.models.engine"):
        return nullcontext()
    from musicgen.models import engine

    return engine.disabled()


def measured(parts: Iterator) -> dict[str, float | None]:
    """Seconds to the first part and to the last, processor time of all threads, and the process's memory so far."""
    began, worked, first = time.perf_counter(), time.process_time(), None
    for _ in parts:
        first = first or time.perf_counter() - began
    return {
        "seconds": time.perf_counter() - began,
        "first": first,
        "processor": time.process_time() - worked,
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main():
    name, threads, how = sys.argv[1:]
    torch.set_num_threads(int(threads))
    answer, sys.stdout = sys.stdout, sys.stderr  # whatever else is printed
    compose = {ALL: all_answers, LAB: lab()}.get(name, lambda task: stream(name, task))
    if how != "eager":
        accelerate(name)
    with way(how):
        for line in sys.stdin:
            print(json.dumps(measured(compose(line.strip()))), file=answer, flush=True)


if __name__ == "__main__":
    main()
