"""Time how fast the models compose, on an idle machine, and write it where the cards read it.

    python -m train.speed [gru ...] [--repeats 5] [--against CHECKOUT]

Beside the models: all of them answering one seed, and the introductory lab's character LSTM. Where there is an engine,
it is measured beside PyTorch alone ("eager"); `--against` measures another checkout of this project as well. The
settings of one model take turns, each in a process of its own, and the median of the turns counts.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from tqdm import tqdm

from musicgen import checkpoint
from musicgen.score import METERS, STEPS_PER_QUARTER, STYLES
from train.evaluation.evaluate import record
from train.report.show import show
from train.speed_worker import ALL, CHARACTERS, LAB, TASKS

ROOT = Path(__file__).parents[1]
WORKER = Path(__file__).with_name("speed_worker.py")
SHORT, LONG = 8, 32  # bars
THREAD_COUNTS = (1, 2)
SHIPPED, EAGER, THERE = "shipped", "eager", "against"
MUSIC = SHORT * METERS["4/4"].steps / STEPS_PER_QUARTER * 60 / STYLES["chorale"].tempo  # seconds that `SHORT` bars last


@dataclass(frozen=True)
class Setting:
    model: str  # or ALL, or LAB
    threads: int
    way: str  # SHIPPED, EAGER, or THERE: as shipped in the other checkout
    checkout: Path

    @property
    def tasks(self) -> list[str]:
        return list(TASKS)[:1] if self.model in (ALL, LAB) else list(TASKS)


class Worker:
    """A process for one setting, which composes when told to. Raises `RuntimeError` where it fails."""

    def __init__(self, setting: Setting):
        self.setting = setting
        environment = os.environ | {"PYTHONPATH": str(setting.checkout), "OMP_NUM_THREADS": str(setting.threads)}
        way = EAGER if setting.way == EAGER else SHIPPED
        self.process = subprocess.Popen(
            [sys.executable, "-P", WORKER, setting.model, str(setting.threads), way],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=setting.checkout,
        )  # fmt: skip
        assert self.process.stdin and self.process.stdout  # both are pipes
        self.tasks, self.answers = self.process.stdin, self.process.stdout

    def measure(self, task: str) -> dict[str, float]:
        print(task, file=self.tasks, flush=True)
        if not (line := self.answers.readline()):
            raise RuntimeError(f"{self.setting} failed at {task}: see above")
        return json.loads(line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tasks.close()
        self.answers.close()
        self.process.wait()


def settings_of(model: str, threads: int, against: Path | None) -> Iterator[Setting]:
    yield Setting(model, threads, SHIPPED, ROOT)
    if model != LAB and find_spec("musicgen.models.engine"):
        yield Setting(model, threads, EAGER, ROOT)
    if model != LAB and against:
        yield Setting(model, threads, THERE, against)


def medians(settings: list[Setting], repeats: int) -> dict[tuple[str, str], dict[str, float]]:
    """By way and task the median of the turns; a first turn is not counted."""
    found: dict[tuple[str, str], list[dict]] = {}
    with ExitStack() as stack:
        workers = [stack.enter_context(Worker(setting)) for setting in settings]
        for turn in range(repeats + 1):
            for task in settings[0].tasks:
                for worker in workers:
                    figures = worker.measure(task)
                    if turn:
                        found.setdefault((worker.setting.way, task), []).append(figures)
    return {key: {k: float(np.median([f[k] for f in turns])) for k in turns[0]} for key, turns in found.items()}


def summary(one: dict, two: dict, lab: dict | None) -> dict:
    """What a card says of a model, from its medians on one thread and on two, and from the lab's."""
    short, long = one[SHIPPED, f"{SHORT} bars"], one[SHIPPED, f"{LONG} bars"]
    figures = {
        "ms_per_bar": short["seconds"] * 1000 / SHORT,
        "ms_per_bar_2_threads": two[SHIPPED, f"{SHORT} bars"]["seconds"] * 1000 / SHORT,
        "first_patch_ms": short["first"] * 1000,
        "times_real_time": MUSIC / short["seconds"],
        f"bars_{LONG}_over_{SHORT}": long["seconds"] / short["seconds"],
        "memory_mb": long["memory_mb"],
    }
    if eager := one.get((EAGER, f"{SHORT} bars")):
        figures["eager_ms_per_bar"] = eager["seconds"] * 1000 / SHORT
    if lab:
        figures["lab_seconds"] = lab[SHIPPED, f"{SHORT} bars"]["seconds"]
    return {key: round(value, 2) for key, value in figures.items()}


def lines(model: str, threads: int, found: dict) -> Iterator[str]:
    """What was measured, a line a way and task."""
    for (way, task), f in found.items():
        what = f"{CHARACTERS} characters" if model == LAB else task
        line = f"{model:16}{threads} {way:8}{what:16}{f['seconds']:8.3f} s, processor {f['processor']:7.3f} s"
        if model != LAB:
            line += f", first patch {f['first'] * 1000:7.1f} ms"
        if task == f"{SHORT} bars" and model not in (ALL, LAB):
            line += f", {MUSIC / f['seconds']:6.1f} x real time"
        if way != THERE and (there := found.get((THERE, task))):
            line += f", {there['seconds'] / f['seconds']:5.2f} x as fast as the other checkout"
        yield f"{line}, {f['memory_mb']:5.0f} MB"


def main(arguments: list[str] | None = None, directory: Path = checkpoint.DIRECTORY) -> int:
    parser = argparse.ArgumentParser(prog="python -m train.speed", description=__doc__)
    shipped = checkpoint.available(directory)
    parser.add_argument("models", nargs="*", help=f"of {', '.join([*shipped, ALL, LAB])}; all, unless told otherwise")
    parser.add_argument("--repeats", type=int, default=5, help="turns, of which the median counts")
    parser.add_argument("--against", type=Path, metavar="CHECKOUT", help="another checkout to measure as well")
    parser.add_argument("--print-only", action="store_true", help="leave the models' metrics.json as they are")
    args = parser.parse_args(arguments)
    if unknown := set(args.models) - {*shipped, ALL, LAB}:
        parser.error(f"there is no checkpoint of {', '.join(sorted(unknown))}")
    if args.repeats < 1:
        parser.error("--repeats must be at least 1")
    if os.getloadavg()[0] > 0.5:
        print("other programs are at work: the times will be too long", file=sys.stderr)
    names, found = args.models or [LAB, *shipped, ALL], {}
    for name in tqdm(names, unit="model"):
        for threads in THREAD_COUNTS:
            settings = list(settings_of(name, threads, args.against and args.against.resolve()))
            found[name, threads] = medians(settings, args.repeats)
            tqdm.write("\n".join(lines(name, threads, found[name, threads])))
    if not args.print_only:
        for name in set(names) - {ALL, LAB}:
            record(name, {"speed": summary(found[name, 1], found[name, 2], found.get((LAB, 1)))}, directory)
        show(directory)
    return 0


if __name__ == "__main__":
    sys.exit(main())
