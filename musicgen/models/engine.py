"""Runs the steps of forward models: eagerly, or as graphs of ONNX Runtime once they are made.

A graph is exported from the very `Step` that runs eagerly and is given the same uniform numbers, so that both write the
same notes. Making one takes a second or two, so it is done in the background; until then, and where it fails or
onnxruntime is missing, the eager step plays.
"""

import io
import logging
import os
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from musicgen.models.step import State, Step

Runner = Callable[[list[Tensor]], list[Tensor]]
OPSET = 17
THREADS = 1  # of a step, which is too small for more

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # else onnxruntime would report to its makers

_graphs: WeakKeyDictionary[nn.Module, dict[str, "Graph | Exception"]] = WeakKeyDictionary()
_making = threading.Lock()
_enabled = ContextVar("engine_enabled", default=True)


def runner(model: nn.Module, style: str, state: State) -> Runner:
    """What runs a step of this model in a style: its graph if there is one."""
    graph = _graphs.get(model, {}).get(style) if _enabled.get() else None
    return graph if isinstance(graph, Graph) else Eager(Step(model, style, state))


@contextmanager
def disabled() -> Iterator[None]:
    """Inside, all steps run eagerly."""
    token = _enabled.set(False)
    try:
        yield
    finally:
        _enabled.reset(token)


def prepare(model: nn.Module, style: str, examples: Callable[[], list[tuple[list[Tensor], State]]]) -> bool:
    """Make the graph of a model that never changes again, for a style; whether there is one.

    Two examples of what a step is given, and of the state, tell which sizes vary. What goes wrong is kept for `fault`.
    """
    with _making:
        made = _graphs.setdefault(model, {})
        if style not in made:
            try:
                made[style] = Graph.of(model, style, examples())
            except Exception as error:  # whatever an exporter or a runtime of another version stumbles over
                logging.getLogger(__name__).warning("%s runs without a graph: %s", type(model).__name__, error)
                made[style] = error.with_traceback(None)  # which would keep the model
        return isinstance(made[style], Graph)


def made(model: nn.Module) -> bool:
    """Whether a model has a graph."""
    return any(isinstance(g, Graph) for g in _graphs.get(model, {}).values())


def fault(model: nn.Module) -> Exception | None:
    """Why a model has no graph though one was tried."""
    return next((g for g in _graphs.get(model, {}).values() if isinstance(g, Exception)), None)


class Eager:
    """The step, run by PyTorch."""

    def __init__(self, step: Step):
        self.step = step

    @torch.inference_mode()
    def __call__(self, tensors: list[Tensor]) -> list[Tensor]:
        return list(self.step(*tensors))


class Graph:
    """The step, run by ONNX Runtime."""

    def __init__(self, exported: bytes):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = THREADS
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(exported, options, providers=["CPUExecutionProvider"])
        self.inputs = {i.name: int(i.name[1:]) for i in self.session.get_inputs()}  # what does not matter is left out

    @classmethod
    def of(cls, model: nn.Module, style: str, examples: list[tuple[list[Tensor], State]]) -> "Graph":
        (tensors, state), (others, _) = examples
        names = [f"i{n}" for n in range(len(tensors))]
        step = Step(model, style, state).eval()
        varying = {
            name: {d: f"{name}d{d}" for d, sizes in enumerate(zip(a.shape, b.shape)) if sizes[0] != sizes[1]}
            for name, a, b in zip(names, tensors, others)
        }
        file: Any = io.BytesIO()  # which the exporter takes, though its types name paths only
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                step, tuple(tensors), file, input_names=names, dynamic_axes=varying, opset_version=OPSET, dynamo=False
            )  # fmt: skip
        return cls(file.getvalue())

    def __call__(self, tensors: list[Tensor]) -> list[Tensor]:
        found = self.session.run(None, {name: tensors[n].numpy() for name, n in self.inputs.items()})
        return [torch.from_numpy(x) for x in found]
