"""A model that composes by rote, and a page that obeys its updates."""

from musicgen.sampling import SamplingConfig
from musicgen.score import HOLD, Canvas, Patch


class Rote:
    """Every free cell of the top voice joins one long note; the other voices rest."""

    title = "Rote"

    def __init__(self, after=None):
        self.after = after  # called once a beat

    def stream(self, canvas: Canvas, sampling: SamplingConfig, *, random_seed: int):
        cells = canvas.score.cells.copy()
        for start in range(0, len(cells), 4):
            for step in range(start, start + 4):
                if not canvas.fixed[step, 0]:
                    cells[step, 0] = HOLD if step else 60 + random_seed
            yield Patch(start, cells[start : start + 4].copy())
            if self.after:
                self.after(start)


def applied(updates) -> set:
    """What a page knows that obeys each update as it comes."""
    notes = {}
    for update in updates:
        for voice, start in update.get("gone", ()):
            del notes[voice, start]
        notes.update({(n[0], n[2]): tuple(n) for n in update.get("notes", ())})
    return set(notes.values())
