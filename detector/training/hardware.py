"""Choosing the device, the precision and the number of threads of a training."""

from __future__ import annotations

import os
from dataclasses import dataclass

from digitdet.common.errors import DigitdetError
from digitdet.configs import TrainConfig


@dataclass(frozen=True)
class Machine:
    """A torch device, whether to compute in bfloat16, and the number of data loader processes."""

    device: str
    in_bf16: bool
    workers: int


def pick_machine(config: TrainConfig) -> Machine:
    """Return what to train a network in plain PyTorch on, and set the number of threads."""
    device = pick_device(config.device)
    set_threads(config.threads)
    in_bf16 = computes_in_bf16(config.precision, device)
    if device == "cpu":
        return Machine(device, in_bf16, workers=1)
    return Machine(f"cuda:{device}", in_bf16, workers=min(os.cpu_count() or 1, 8))


def pick_device(device: str) -> str:
    """Return the device as Ultralytics names it, 'cpu' or the number of a GPU; raise DigitdetError without that GPU."""
    import torch

    if device == "auto":
        return "0" if torch.cuda.is_available() else "cpu"
    if device != "cpu" and int(device) >= torch.cuda.device_count():
        raise DigitdetError(
            f"device: there is no GPU {device} (torch sees {torch.cuda.device_count()}); use auto or cpu"
        )
    return device


def computes_in_bf16(precision: str, device: str) -> bool:
    """Whether to compute in bfloat16; 'auto' does where the processor has instructions for it."""
    import torch

    if precision != "auto":
        return precision == "bf16"
    if device != "cpu":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def describe_machine(device: str, in_bf16: bool) -> str:
    """Return what a training runs on, for messages; `device` as `pick_device` returns it."""
    import torch

    precision = "bfloat16" if in_bf16 else "float32"
    if device == "cpu":
        threads = torch.get_num_threads()
        return f"this CPU ({threads} thread{'s' if threads != 1 else ''}, {precision})"
    return f"{torch.cuda.get_device_name(int(device))} ({precision})"


def set_threads(threads: int) -> None:
    """Set the number of CPU threads; 0 is every core. Ultralytics limits them when it is imported."""
    import torch

    torch.set_num_threads(threads or os.cpu_count() or 1)
