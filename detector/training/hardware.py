"""Choosing the device, the precision and the number of threads of a training."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from digitdet.common.errors import DigitdetError
from digitdet.configs import TrainConfig

_ADAPTED_AFTER = 3.0  # seconds


@dataclass(frozen=True)
class Machine:
    """A torch device, whether to compute in bfloat16, and the number of data loader processes."""

    device: str
    in_bf16: bool
    workers: int


def pick_machine(config: TrainConfig) -> Machine:
    """Return the device, the precision and the number of workers for training a network in plain PyTorch."""
    device = pick_device(config.device)
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
        threads, cores = torch.get_num_threads(), _count_cores()
        plural = ["s" if count != 1 else "" for count in (threads, cores)]
        return f"this CPU ({threads} thread{plural[0]} on {cores} core{plural[1]}, {precision})"
    return f"{torch.cuda.get_device_name(int(device))} ({precision})"


def _count_cores() -> int:
    return os.cpu_count() or 1


class CpuThreads:
    """The number of CPU threads of PyTorch: `threads` or, if that is 0, as many as other programs leave cores idle.

    The threads of a step wait for the slowest one. A thread that shares its core with another program thus slows down
    all others, and one thread less is faster. Other programs are measured on Linux only; elsewhere every core is used.

    Args:
        threads: Number of threads, or 0.
        clock: Returns the time in seconds.
        others: Returns the processor time of all other programs until now in seconds, None if it is unknown.
    """

    def __init__(
        self,
        threads: int,
        clock: Callable[[], float] = time.monotonic,
        others: Callable[[], float | None] | None = None,
    ) -> None:
        import torch

        self._fixed, self._clock, self._others = threads > 0, clock, others or seconds_of_others
        self._time, self._used = self._clock(), self._others()
        torch.set_num_threads(threads or _count_cores())  # Ultralytics limits them when it is imported

    def adapt(self) -> None:
        """Adapt to what other programs have used in the last seconds; to be called after every step."""
        now = self._clock()
        if self._fixed or self._used is None or now - self._time < _ADAPTED_AFTER:
            return
        import torch

        if (used := self._others()) is None:
            return
        busy = round((used - self._used) / (now - self._time))
        torch.set_num_threads(min(max(_count_cores() - busy, 1), _count_cores()))
        self._time, self._used = now, used


def seconds_of_others() -> float | None:
    """Return the processor time in seconds that all other programs have used since the machine was started.

    Programs of lower priority are left out, since they give way. Returns None where there is no /proc/stat.
    """
    try:
        user, nice, system = (int(field) for field in Path("/proc/stat").read_text(encoding="ascii").split()[1:4])
        own = [Path(f"/proc/{child.pid}/stat").read_text() for child in multiprocessing.active_children()]
    except (OSError, ValueError):
        return None
    ticks = user + system + (nice if os.getpriority(os.PRIO_PROCESS, 0) > 0 else 0)
    ticks -= sum(int(field) for stat in own for field in stat.rpartition(")")[2].split()[11:13])  # data loaders
    times = os.times()
    return ticks / os.sysconf("SC_CLK_TCK") - times.user - times.system - times.children_user - times.children_system
