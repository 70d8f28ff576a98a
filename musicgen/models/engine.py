"""Runs the parts of models that composing repeats: eagerly, or as graphs of ONNX Runtime once they are made.

A graph is exported from the very module that runs eagerly and is given the same random numbers, so that both write the
same notes. Making one takes about a second, so it is done in the background; until then, and where it fails or
onnxruntime is missing, the module itself plays.
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

from musicgen.models.step import Step

Runner = Callable[[list[Tensor]], list[Tensor]]
PartExample = tuple[nn.Module, list[list[Tensor]]]  # a part, and twice what it is given: the sizes that differ vary
OPSET = 17
THREADS = 1  # of a part, which is too small for more

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # else onnxruntime would report to its makers

_graphs: WeakKeyDictionary[nn.Module, dict[str, "Graph | Exception"]] = WeakKeyDictionary()
_making = threading.Lock()
_enabled = ContextVar("engine_enabled", default=True)


def runner(model: nn.Module, name: str, part: Callable[[], nn.Module]) -> Runner:
    """What runs a part of a model: the graph of this name if there is one, else the part itself."""
    graph = _graphs.get(model, {}).get(name) if _enabled.get() else None
    return graph if isinstance(graph, Graph) else Eager(part())


@contextmanager
def disabled() -> Iterator[None]:
    """Inside, all steps run eagerly."""
    token = _enabled.set(False)
    try:
        yield
    finally:
        _enabled.reset(token)


def prepare(model: nn.Module, name: str, example: Callable[[], PartExample]) -> bool:
    """Make the graph of a part of a model that never changes again; whether there is one.

    What goes wrong is kept for `fault`.
    """
    with _making:
        made = _graphs.setdefault(model, {})
        if name not in made:
            try:
                made[name] = Graph.of(*example())
            except Exception as error:  # whatever an exporter or a runtime of another version stumbles over
                logging.getLogger(__name__).warning("%s runs without a graph: %s", type(model).__name__, error)
                made[name] = error.with_traceback(None)  # which would keep the model
        return isinstance(made[name], Graph)


def made(model: nn.Module) -> bool:
    """Whether a model has a graph."""
    return any(isinstance(g, Graph) for g in _graphs.get(model, {}).values())


def fault(model: nn.Module) -> Exception | None:
    """Why a model has no graph though one was tried."""
    return next((g for g in _graphs.get(model, {}).values() if isinstance(g, Exception)), None)


class Eager:
    """A part, run by PyTorch."""

    def __init__(self, part: nn.Module):
        self.part = part

    @torch.inference_mode()
    def __call__(self, tensors: list[Tensor]) -> list[Tensor]:
        found = self.part(*tensors)
        return [found] if isinstance(found, Tensor) else list(found)


class Graph:
    """A part, run by ONNX Runtime."""

    def __init__(self, exported: bytes, often: bool):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = THREADS
        options.log_severity_level = 3
        options.enable_cpu_mem_arena = often  # which gives nothing back, whatever sizes came once
        self.session = onnxruntime.InferenceSession(exported, options, providers=["CPUExecutionProvider"])
        self.session._model_bytes = None  # which it would keep beside what it made of them
        self.inputs = {i.name: int(i.name[1:]) for i in self.session.get_inputs()}  # what does not matter is left out

    @classmethod
    def of(cls, part: nn.Module, examples: list[list[Tensor]]) -> "Graph":
        part, (tensors, others) = part.eval(), examples
        names = [f"i{n}" for n in range(len(tensors))]
        varying = {
            name: {d: f"{name}d{d}" for d, sizes in enumerate(zip(a.shape, b.shape)) if sizes[0] != sizes[1]}
            for name, a, b in zip(names, tensors, others)
        }
        file: Any = io.BytesIO()  # which the exporter takes, though its types name paths only
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                part, tuple(tensors), file, input_names=names, dynamic_axes=varying, opset_version=OPSET, dynamo=False
            )  # fmt: skip
        return cls(file.getvalue(), often=isinstance(part, Step))

    def __call__(self, tensors: list[Tensor]) -> list[Tensor]:
        found = self.session.run(None, {name: tensors[n].numpy() for name, n in self.inputs.items()})
        return [torch.from_numpy(x) for x in found]
