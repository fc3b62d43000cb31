"""Progress messages and the loss curve of the training of a network in plain PyTorch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from digitdet.common.files import write_atomically
from digitdet.configs import TrainConfig
from digitdet.training.hardware import CpuThreads, Machine, describe_machine
from digitdet.training.loop import Step
from digitdet.training.plots import draw_curve
from digitdet.training.progress import Say, TrainingProgress

_LOGGED_STEPS = 20  # steps whose mean loss is one row of the log


@contextmanager
def monitored(
    name: str, config: TrainConfig, machine: Machine, total: int, epochs: float, log_file: Path, say: Say
) -> Iterator[Callable[[Step], None]]:
    """Yield a function to be called after every step of a training of `total` steps in so many epochs.

    It shows the progress of the network called `name`, adapts the number of threads, and writes the losses to
    `log_file` (.csv); their curve (.png) is drawn at the end.
    """
    threads, device, log = CpuThreads(config.threads), machine.device.removeprefix("cuda:"), _LossLog(log_file)
    progress = TrainingProgress(name, lambda: describe_machine(device, machine.in_bf16), total, say)
    whole_epochs = max(round(epochs), 1)
    losses: list[float] = []

    def show(step: Step) -> None:
        if not losses and step.number > 1:
            progress.line(f"continuing the {name} after step {step.number - 1} of {total}")
        progress.step(step.number, step.loss)
        threads.adapt()
        losses.append(step.loss)
        log.add(step)
        epoch = step.number * whole_epochs // total
        if epoch > (step.number - 1) * whole_epochs // total:
            mean = np.mean(losses[-math.ceil(total / whole_epochs) :])
            progress.epoch(epoch, whole_epochs, f"loss {mean:.3f}")

    try:
        yield show
    finally:
        progress.close()
    log.draw()


class _LossLog:
    """The mean loss of every `_LOGGED_STEPS` steps as a CSV file, which a resumed training continues."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._rows = self._read() if file.is_file() else []
        self._losses: list[float] = []

    def _read(self) -> list[tuple[int, float]]:
        lines = (line.split(",") for line in self._file.read_text(encoding="utf-8").splitlines()[1:])
        return [(int(step), float(loss)) for step, loss in lines]

    def add(self, step: Step) -> None:
        """Add a step, and drop those that were made after the checkpoint of an interrupted training."""
        self._losses.append(step.loss)
        if step.number % _LOGGED_STEPS:
            return
        self._rows = [row for row in self._rows if row[0] < step.number]
        self._rows.append((step.number, float(np.mean(self._losses))))
        self._losses.clear()
        self._file.parent.mkdir(exist_ok=True)
        write_atomically(self._file, "step,loss\n" + "".join(f"{number},{loss:.5f}\n" for number, loss in self._rows))

    def draw(self) -> None:
        """Write the curve beside the CSV file."""
        if self._rows:
            write_atomically(self._file.with_suffix(".png"), draw_curve(self._rows, "step", "loss"))
