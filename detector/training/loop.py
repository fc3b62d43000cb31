"""The training loop for networks in plain PyTorch: AdamW, one-cycle learning rate, weight averaging, checkpoints."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import OneCycleLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from digitdet.common.files import write_atomically

_EPOCH_SEEDS = 100_003  # seeds of two trainings differ in every epoch, up to this number of epochs


@dataclass(frozen=True)
class LoopSettings:
    """Settings of a training loop; `device` is a torch device."""

    epochs: int
    steps_per_epoch: int
    learning_rate: float  # the highest, of AdamW (Loshchilov and Hutter, 2019)
    warmup: float  # fraction of all steps in which the learning rate rises
    final_rate: float  # learning rate at the last step, as a fraction of the highest
    weight_decay: float
    averaging: float  # decay of the exponential moving average of the weights, 0 to 1; 0 averages nothing
    seed: int  # of dropout and other random numbers in the network
    device: str = "cpu"
    in_bf16: bool = False


@dataclass(frozen=True)
class Step:
    """One finished step: its number from 1, the network's outputs and their loss before the update, and the targets."""

    number: int
    outputs: Any
    targets: Any
    loss: float


class TrainingLoop:
    """Trains a network in place, and resumes from the checkpoint file if there is one.

    `loss` is computed in float32 from the network's outputs and the targets. An interrupted training ends with the same
    weights as one that was not, because every epoch has its own seed. `extra` holds tensors and plain Python values
    that are stored in the checkpoint, too.
    """

    def __init__(
        self, network: nn.Module, loss: Callable[[Any, Any], Tensor], settings: LoopSettings, checkpoint: Path
    ) -> None:
        self.epoch = 0
        self.extra: dict[str, Any] = {}
        self._network, self._loss = network.to(settings.device), loss
        self._averaged = AveragedModel(
            self._network, multi_avg_fn=_moving_average(settings.averaging), use_buffers=True
        )
        self._settings, self._checkpoint, self._steps = settings, checkpoint, 0
        self._optimiser = torch.optim.AdamW(
            network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
        )
        total = max(settings.epochs * settings.steps_per_epoch, 1)
        self._schedule = OneCycleLR(
            self._optimiser,
            settings.learning_rate,
            total,
            pct_start=min(max(settings.warmup, 1.5 / total), 0.9),  # it cannot warm up for exactly one step
            cycle_momentum=False,
            final_div_factor=1 / (25 * settings.final_rate),  # of the first rate, a 25th of the highest
        )
        if checkpoint.is_file():
            self._restore(torch.load(checkpoint, map_location=settings.device, weights_only=True))

    @property
    def averaged(self) -> nn.Module:
        """The network with the averaged weights."""
        module: nn.Module = self._averaged.module
        return module

    @property
    def is_finished(self) -> bool:
        """Whether all epochs are done."""
        return self.epoch >= self._settings.epochs

    def run_epoch(self, batches: Iterable[tuple[Tensor, Any]], on_step: Callable[[Step], object]) -> None:
        """Train on the inputs and targets of one epoch, and call `on_step` after every step."""
        torch.manual_seed(self._settings.seed * _EPOCH_SEEDS + self.epoch)
        self._network.train()
        for inputs, targets in batches:
            on_step(self._step(inputs, targets))
        self.epoch += 1

    def _step(self, inputs: Tensor, targets: Any) -> Step:
        settings = self._settings
        targets = _map(lambda one: one.to(settings.device), targets)
        with torch.autocast(torch.device(settings.device).type, torch.bfloat16, enabled=settings.in_bf16):
            outputs = self._network(inputs.to(settings.device, non_blocking=True))
        outputs = _map(Tensor.float, outputs)
        loss = self._loss(outputs, targets)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self._optimiser.step()
        self._schedule.step()
        self._averaged.update_parameters(self._network)
        self._steps += 1
        return Step(self._steps, _map(Tensor.detach, outputs), targets, float(loss.detach()))

    def save(self) -> None:
        """Write the checkpoint, atomically."""
        state = {
            **self.extra,
            "epoch": self.epoch,
            "steps": self._steps,
            "network": self._network.state_dict(),
            "mean": self.averaged.state_dict(),
            "optimiser": self._optimiser.state_dict(),
        }
        buffer = io.BytesIO()
        torch.save(state, buffer)
        write_atomically(self._checkpoint, buffer.getvalue())

    def _restore(self, state: dict[str, Any]) -> None:
        self._steps = state.pop("steps")
        self.epoch = state.pop("epoch")
        self._network.load_state_dict(state.pop("network"))
        self.averaged.load_state_dict(state.pop("mean"))
        self._averaged.n_averaged.fill_(self._steps)
        groups = self._optimiser.state_dict()["param_groups"]
        self._optimiser.load_state_dict({**state.pop("optimiser"), "param_groups": groups})
        self._schedule.load_state_dict({"last_epoch": self._steps - 1, "_step_count": self._steps})
        self._schedule.step()  # sets the learning rate
        self.extra = state


def _map(function: Callable[[Tensor], Tensor], tensors: Any) -> Any:
    """Apply a function to a tensor, or to every tensor of a tuple."""
    return tuple(map(function, tensors)) if isinstance(tensors, tuple) else function(tensors)


def _moving_average(decay: float) -> Callable[[Any, Any, Any], None]:
    """An exponential moving average that forgets faster in the first steps, where the weights are still random."""

    def update(averaged: Any, current: Any, count: Any) -> None:
        warm = min(decay, (1 + int(count)) / (10 + int(count)))
        get_ema_multi_avg_fn(warm)(averaged, current, count)

    return update
