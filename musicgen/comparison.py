"""One request put to every trained model, one after another -> a stream of updates, and the answers that came.

One architecture failing leaves the others. As in `session`, nothing here outlives a request.
"""

import logging
from collections.abc import Iterator
from dataclasses import replace

from musicgen import checkpoint, session
from musicgen.request import Problem, Request
from musicgen.session import Composition, Control

Answers = dict[str, Composition]  # by the model's name, as far as they are finished


def compare(request: Request, run: str, control: Control) -> Iterator[tuple[dict, Answers | None]]:
    """Updates of one comparison, each with the answers so far; the request's own model does not count.

    First `rows` (the frame that all answers share, and the seed's notes); or, without answers, one `problem` alone or
    `failed`, where it was stopped while it waited. Then, each with its model in `row`, the updates of `session.compose`
    for one model after another, where a model that fails ends with `failed` instead. At last `over`, with the state
    `done` or `stopped` and once more how every row `ended`, since a page that is busy may miss an update.
    """
    names, answers, ended = checkpoint.available(), {}, []
    try:
        session.check_model(replace(request, model=next(iter(names), "")))
        canvas = request.canvas()
    except Problem as problem:
        yield session.trouble(problem, run), None
        return
    if run in control.stopped:
        yield session.unbegun(run), None
        return
    yield {"kind": "rows", "run": run, "rows": names, **session.frame(canvas)}, answers
    for name in names:
        if run in control.stopped:
            break
        for update, work in _answer(replace(request, model=name), run, control):
            if update["kind"] == "end":
                answers = {**answers, name: work}
            if update["kind"] in ("end", "failed"):
                ended.append(update)
            yield update, answers
    state = "stopped" if run in control.stopped else "done"
    yield {"kind": "over", "run": run, "state": state, "ended": ended}, answers


def _answer(request: Request, run: str, control: Control) -> Iterator[tuple[dict, Composition | None]]:
    failed = {"kind": "failed", "run": run, "row": request.model}
    try:
        for update, work in session.compose(request, run, control):
            if update["kind"] == "problem":
                yield {**failed, "message": update["message"]}, None
            else:
                yield {**update, "row": request.model}, work
    except Exception as error:  # whatever a model dies of, the others are still to be heard
        logging.getLogger(__name__).exception("%s broke off", request.model)
        yield {**failed, "message": f"{type(error).__name__}: {error}".rstrip(": ")}, None
