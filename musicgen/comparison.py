"""One request answered several times, one after another -> a stream of updates, and the answers that came.

Every trained model answers it once (`compare`), or one model three times (`takes`). One failing leaves the others.
As in `session`, nothing here outlives a request.
"""

import logging
from collections.abc import Iterator
from dataclasses import replace

from musicgen import checkpoint, session
from musicgen.request import LIMITS, Problem, Request
from musicgen.session import Composition, Control

Answers = dict[str, Composition]  # by the row's name, as far as they are finished
TAKES = ("first", "second", "third")  # rows of three takes


def compare(request: Request, run: str, control: Control) -> Iterator[tuple[dict, Answers | None]]:
    """The answer of every model that knows the style, its name in `row`, whatever model is asked for. See `_rows`."""
    names = checkpoint.available()
    able = [name for name in names if request.style in checkpoint.styles(name)]
    asked = {name: replace(request, model=name) for name in able or names}
    yield from _rows(asked or {"": replace(request, model="")}, run, control)


def takes(request: Request, run: str, control: Control) -> Iterator[tuple[dict, Answers | None]]:
    """The request's model three times with other random seeds, the first with its own. See `_rows` for the updates."""
    seeds = {row: (request.random_seed + n) % (int(LIMITS["random_seed"].high) + 1) for n, row in enumerate(TAKES)}
    yield from _rows({row: replace(request, random_seed=seed) for row, seed in seeds.items()}, run, control)


def _rows(asked: dict[str, Request], run: str, control: Control) -> Iterator[tuple[dict, Answers | None]]:
    """Updates of several runs, each with the answers so far.

    First `rows` (the frame that all answers share, and the seed's notes); or, without answers, one `problem` alone or
    `failed`, where it was stopped while it waited. Then, each with its `row`, the updates of `session.compose` for one
    request after another, where a model that fails ends with `failed` instead. At last `over`, with the state `done` or
    `stopped` and once more how every row `ended`, since a page that is busy may miss an update.
    """
    first, answers, ended = next(iter(asked.values())), {}, []
    try:
        session.check_model(first)
        canvas = first.canvas()
    except Problem as problem:
        yield session.trouble(problem, run), None
        return
    if run in control.stopped:
        yield session.unbegun(run), None
        return
    yield {"kind": "rows", "run": run, "rows": [*asked], **session.frame(canvas)}, answers
    for name, request in asked.items():
        if run in control.stopped:
            break
        for update, work in _answer(name, request, run, control):
            if update["kind"] == "end":
                answers = {**answers, name: work}
            if update["kind"] in ("end", "failed"):
                ended.append(update)
            yield update, answers
    state = "stopped" if run in control.stopped else "done"
    yield {"kind": "over", "run": run, "state": state, "ended": ended}, answers


def _answer(row: str, request: Request, run: str, control: Control) -> Iterator[tuple[dict, Composition | None]]:
    failed = {"kind": "failed", "run": run, "row": row}
    try:
        for update, work in session.compose(request, run, control):
            if update["kind"] == "problem":
                yield {**failed, "message": update["message"]}, None
            else:
                yield {**update, "row": row}, work
    except Exception as error:  # whatever a model dies of, the others are still to be heard
        logging.getLogger(__name__).exception("%s broke off", request.model)
        yield {**failed, "message": f"{type(error).__name__}: {error}".rstrip(": ")}, None
