"""What models are trained on: a core of the processor or a GPU, its precision and its clock."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import nn

CHOICES = ("auto", "cpu", "cuda")


def choose(wanted: str) -> torch.device:
    """One of `CHOICES`; auto is a GPU where there is one."""
    if wanted == "auto":
        wanted = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(wanted)


def device_of(model: nn.Module) -> torch.device:
    return next(model.parameters()).device


def described(device: torch.device) -> str:
    """In the words of a model's card."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"cpu, {threads} thread{'s' * (threads > 1)}"


def precision(device: torch.device) -> AbstractContextManager:
    """bf16 autocast on a GPU, and on a processor with instructions for bf16 (AMX or AVX-512); else fp32.

    One thread of a Zen 5 with AVX-512 and no AMX takes 1.3 to 1.5 times as many steps of training a second in bf16.
    Where bf16 is only emulated it is slower than fp32.
    """
    fast = device.type == "cuda" or torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    return torch.autocast(device.type, torch.bfloat16) if fast else nullcontext()


def stopwatch(device: torch.device, begin: float) -> Callable[[], float]:
    """Seconds of training so far, counted on from `begin`: of processor time, or by the clock on a GPU."""
    now = time.process_time if device.type == "cpu" else time.perf_counter
    started = now() - begin
    return lambda: now() - started
