"""The page with models that take their time, so that a test can stop them: `python tests/slowly.py`.

One of them counts as trained for chorales alone. If the environment says so, WAITING is how many may wait in its
queue, and KEPT for how many seconds files are kept.
"""

import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import app
from musicgen import checkpoint

PAUSE = 0.05  # seconds before each patch
CHORALES_ALONE = "gan"


class Slow:
    def __init__(self, model):
        self.model = model

    def __getattr__(self, name):
        return getattr(self.model, name)

    def stream(self, *args, **more):
        for patch in self.model.stream(*args, **more):
            time.sleep(PAUSE)
            yield patch


if __name__ == "__main__":
    load = checkpoint.load
    styles = checkpoint.styles
    checkpoint.styles = lambda name, *more: styles(name, *more) if more or name != CHORALES_ALONE else ("chorale",)
    checkpoint.load = lambda *args: Slow(load(*args))
    app.WAITING = int(os.environ.get("WAITING", app.WAITING))
    if "KEPT" in os.environ:
        app.files.KEPT, app.files.EVERY = float(os.environ["KEPT"]), 0.5
    app.launch()
