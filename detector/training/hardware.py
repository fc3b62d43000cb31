"""What a training computes on."""

from __future__ import annotations

import os

from digitdet.common.errors import DigitdetError


def pick_device(device: str) -> str:
    """The device in Ultralytics' words: 'cpu' or the number of a GPU; 'auto' is the first GPU, where there is one.

    Raises:
        DigitdetError: There is no such GPU.
    """
    import torch

    if device == "auto":
        return "0" if torch.cuda.is_available() else "cpu"
    if device != "cpu" and int(device) >= torch.cuda.device_count():
        raise DigitdetError(
            f"device: there is no GPU {device} (torch sees {torch.cuda.device_count()}); use auto or cpu"
        )
    return device


def computes_in_bf16(precision: str, device: str) -> bool:
    """Whether to compute in bfloat16: it pays only where the processor multiplies in it."""
    import torch

    if precision != "auto":
        return precision == "bf16"
    if device != "cpu":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def use_cores(threads: int) -> None:
    """Compute on so many threads; 0 is every core. Ultralytics leaves a core idle and limits OpenMP to one thread when
    it is imported.
    """
    import torch

    torch.set_num_threads(threads or os.cpu_count() or 1)
