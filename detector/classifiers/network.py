"""Training the neural networks: resumable, the same for the same seed, and with the best epoch's weights kept."""

from __future__ import annotations

import copy
import io
import json
import math
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from digitdet.classifiers.base import Classifier, Epoch, Images, Place, Probabilities
from digitdet.classifiers.temperature import fit_temperature, softmax
from digitdet.common.errors import MissingExtraError, ModelError
from digitdet.common.files import write_atomically
from digitdet.configs.classifier import NetworkConfig, parse_classifier_config
from digitdet.datasets.mnist import Digits

try:
    import safetensors
    import torch
    from safetensors.torch import save as to_safetensors
    from torch import Tensor
    from torch.nn import functional

    from digitdet.classifiers.augment import augment
    from digitdet.classifiers.networks import build_network
except ImportError as error:
    raise MissingExtraError("digitdet classify", "classify", error.name or "torch") from error

CHECKPOINT = "checkpoint.pt"
_WARMUP = 0.1  # part of the steps in which the learning rate rises
_FINAL_RATE = 0.01  # part of the learning rate that is left at the end
_BATCH = 500  # images that are classified together


class NetworkClassifier(Classifier):
    """A network of `digitdet.classifiers.networks`. Its files are safetensors: numbers, and the settings as text."""

    suffix: ClassVar[str] = ".safetensors"
    config: NetworkConfig

    def __init__(self, config: NetworkConfig) -> None:
        self.config = config
        torch.manual_seed(config.seed)
        self._network = build_network(config).eval()
        self._temperature = 1.0

    def fit(self, train: Digits, val: Digits, place: Place) -> None:
        """Train, or go on from the checkpoint in `place`; keep the weights of the best epoch on `val`."""
        training = _Training(self._network, self.config, len(train), place.folder / CHECKPOINT)
        while not training.is_finished():
            training.run_epoch(train, val)
            place.on_epoch(training.epochs)
        self._network.load_state_dict(training.best)
        self._network.eval()
        self._temperature = fit_temperature(_logits(self._network, val.images), val.labels)

    def go_on_from(self, other: NetworkClassifier) -> None:
        """Take over the weights of another network, to be trained further.

        Raises:
            ModelError: It has another architecture.
        """
        try:
            self._network.load_state_dict(other._network.state_dict())
        except RuntimeError as error:
            raise ModelError("the weights to start from are those of another architecture") from error

    def predict_proba(self, images: Images) -> Probabilities:
        """Probabilities (N, 10), calibrated on the validation digits."""
        return softmax(_logits(self._network, images), self._temperature)

    @property
    def size(self) -> int:
        """Weights."""
        return sum(weights.numel() for weights in self._network.parameters())

    def save(self, path: Path) -> None:
        """Write everything that `load` needs, in one step."""
        facts = {"settings": self.config.to_yaml(), "temperature": repr(self._temperature)}
        weights = {name: value.contiguous() for name, value in self._network.state_dict().items()}
        write_atomically(path, to_safetensors(weights, facts))

    @classmethod
    def load(cls, path: Path) -> NetworkClassifier:
        """Read what `save` wrote.

        Raises:
            ModelError: It is missing, damaged or no network of digitdet.
        """
        try:
            with safetensors.safe_open(path, "pt") as file:
                facts = file.metadata() or {}
                weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
            config = parse_classifier_config(facts["settings"], str(path))
            if not isinstance(config, NetworkConfig):
                raise ValueError("settings of another method")
            loaded = cls(config)
            loaded._network.load_state_dict(weights)
            loaded._temperature = float(facts["temperature"])
        except OSError:
            raise
        except (safetensors.SafetensorError, KeyError, ValueError, RuntimeError) as error:
            raise ModelError(f"{path}: not a classifier of digitdet, or damaged") from error
        return loaded


class _Training:
    """A network on its way."""

    def __init__(self, network: torch.nn.Module, config: NetworkConfig, digits: int, checkpoint: Path) -> None:
        self.epochs: list[Epoch] = []
        self.best: dict[str, Tensor] = copy.deepcopy(network.state_dict())
        self._network, self._config, self._checkpoint = network, config, checkpoint
        self._mean = copy.deepcopy(network)
        self._optimiser = torch.optim.AdamW(
            network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self._steps = 0
        self._all_steps = config.epochs * math.ceil(digits / config.batch)
        if checkpoint.is_file():
            self._restore()

    def is_finished(self) -> bool:
        """Whether all epochs are done, or the last `patience` of them have brought nothing."""
        since_best = len(self.epochs) - 1 - self._best_epoch() if self.epochs else 0
        return len(self.epochs) >= self._config.epochs or since_best >= self._config.patience

    def run_epoch(self, train: Digits, val: Digits) -> None:
        """One pass over the training digits, then the figures on both parts, and the checkpoint."""
        began = time.perf_counter()
        before = self.epochs[-1].seconds if self.epochs else 0.0
        # What an epoch does depends on its number alone, so that an interrupted training goes on as it would have.
        torch.manual_seed(self._config.seed * 100_003 + len(self.epochs))
        generator = torch.Generator().manual_seed(self._config.seed * 100_003 + len(self.epochs))
        self._network.train()
        loss_sum, right = 0.0, 0
        for images, labels in _batches(train, self._config.batch, generator):
            logits = self._step(augment(images, self._config, generator), labels)
            loss_sum += float(functional.cross_entropy(logits, labels)) * len(labels)
            right += int((logits.argmax(1) == labels).sum())
        val_loss, val_accuracy = _measure(self._mean, val)
        self.epochs.append(
            Epoch(
                len(self.epochs) + 1,
                before + time.perf_counter() - began,
                loss_sum / len(train),
                right / len(train),
                val_loss,
                val_accuracy,
            )
        )
        if self._best_epoch() == len(self.epochs) - 1:
            self.best = copy.deepcopy(self._mean.state_dict())
        self._store()

    def _step(self, images: Tensor, labels: Tensor) -> Tensor:
        """One step of the optimiser and of the running mean; the logits (N, 10) before it."""
        for group in self._optimiser.param_groups:
            group["lr"] = self._config.learning_rate * _rate(self._steps / self._all_steps)
        logits: Tensor = self._network(images)
        loss = functional.cross_entropy(logits, labels, label_smoothing=self._config.label_smoothing)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self._optimiser.step()
        self._steps += 1
        # At first the mean forgets faster: the random weights would else stay in it for long.
        keep = min(self._config.averaging, self._steps / (self._steps + 10)) if self._config.averaging else 0.0
        own = self._network.state_dict()
        with torch.no_grad():
            for name, value in self._mean.state_dict().items():
                if value.dtype.is_floating_point:
                    value.lerp_(own[name], 1 - keep)
                else:
                    value.copy_(own[name])
        return logits.detach()

    def _best_epoch(self) -> int:
        """That with most of the validation digits right, and among such the surest. By loss alone an early epoch would
        win, where smoothed labels keep later ones from being sure.
        """
        return max(range(len(self.epochs)), key=lambda row: (self.epochs[row].val_accuracy, -self.epochs[row].val_loss))

    def _store(self) -> None:
        state = {
            "network": self._network.state_dict(),
            "mean": self._mean.state_dict(),
            "best": self.best,
            "optimiser": self._optimiser.state_dict(),
            "steps": self._steps,
            "epochs": json.dumps([asdict(epoch) for epoch in self.epochs]),
        }
        buffer = io.BytesIO()
        torch.save(state, buffer)
        write_atomically(self._checkpoint, buffer.getvalue())

    def _restore(self) -> None:
        state: dict[str, Any] = torch.load(self._checkpoint, weights_only=True)
        self._network.load_state_dict(state["network"])
        self._mean.load_state_dict(state["mean"])
        self._optimiser.load_state_dict(state["optimiser"])
        self.best, self._steps = state["best"], state["steps"]
        self.epochs = [Epoch(**values) for values in json.loads(state["epochs"])]


def _rate(progress: float) -> float:
    """The part of the learning rate after a part of all steps: a straight rise, then half a cosine."""
    if progress < _WARMUP:
        return (progress + 1e-3) / _WARMUP
    cosine = (1 + math.cos(math.pi * (progress - _WARMUP) / (1 - _WARMUP))) / 2
    return _FINAL_RATE + (1 - _FINAL_RATE) * cosine


def _batches(digits: Digits, size: int, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    """Images (N, 1, 28, 28) float32, 0 to 1, and labels (N,) int64, in a random order."""
    order = torch.randperm(len(digits), generator=generator).numpy()
    for start in range(0, len(order), size):
        rows = order[start : start + size]
        if len(rows) > 1:  # a single one has no variance to normalise by
            yield _as_tensor(digits.images[rows]), torch.from_numpy(digits.labels[rows].astype(np.int64))


def _as_tensor(images: Images) -> Tensor:
    return torch.from_numpy(np.divide(images, np.float32(255), dtype=np.float32))[:, None]


def _logits(network: torch.nn.Module, images: Images) -> npt.NDArray[np.float32]:
    network.eval()
    parts = [np.zeros((0, 10), np.float32)]
    with torch.inference_mode():
        for start in range(0, len(images), _BATCH):
            parts.append(network(_as_tensor(images[start : start + _BATCH])).float().numpy())
    return np.concatenate(parts)


def _measure(network: torch.nn.Module, digits: Digits) -> tuple[float, float]:
    """Cross-entropy and accuracy."""
    logits, labels = torch.from_numpy(_logits(network, digits.images)), torch.from_numpy(digits.labels.astype(np.int64))
    return float(functional.cross_entropy(logits, labels)), float((logits.argmax(1) == labels).float().mean())
