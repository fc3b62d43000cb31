"""Classifiers that are neural networks in PyTorch."""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import ClassVar

import numpy as np

from digitdet.classifiers.base import Classifier, DigitImages, Epoch, Probabilities
from digitdet.classifiers.temperature import fit_temperature, softmax
from digitdet.common.errors import MissingExtraError, ModelError
from digitdet.common.files import write_atomically
from digitdet.common.types import FloatArray
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
    from digitdet.training.loop import LoopSettings, Step, TrainingLoop
except ImportError as error:
    raise MissingExtraError("digitdet classify", "classify", error.name or "torch") from error

_BATCH = 500  # images classified at a time


class NetworkClassifier(Classifier):
    """A network of `digitdet.classifiers.networks`, stored as safetensors."""

    suffix: ClassVar[str] = ".safetensors"
    config: NetworkConfig

    def __init__(self, config: NetworkConfig) -> None:
        self.config = config
        torch.manual_seed(config.seed)
        self._network = build_network(config).eval()
        self._temperature = 1.0

    def fit(
        self,
        train: Digits,
        val: Digits,
        folder: Path,
        on_epoch: Callable[[Sequence[Epoch]], object] = lambda _epochs: None,
    ) -> None:
        """Train, or resume from the checkpoint in the folder; keep the weights of the best epoch on `val`."""
        config = self.config
        settings = LoopSettings(
            epochs=config.epochs,
            steps_per_epoch=math.ceil(len(train) / config.batch),
            learning_rate=config.learning_rate,
            warmup=0.1,
            final_rate=0.01,
            weight_decay=config.weight_decay,
            averaging=config.averaging,
            seed=config.seed,
        )
        loss = torch.nn.CrossEntropyLoss(label_smoothing=config.label_smoothing)
        loop = TrainingLoop(self._network, loss, settings, folder / "checkpoint.pt")
        log = _EpochLog(loop)
        while not loop.is_finished and not log.has_converged(config.patience):
            loop.run_epoch(_batches(train, config, loop.epoch), log.add_step)
            log.end_epoch(val)
            loop.save()
            on_epoch(log.epochs)
        self._network.load_state_dict(loop.extra["best"])
        self._network.eval()
        self._temperature = fit_temperature(_logits(self._network, val.images), val.labels)

    def copy_weights(self, other: NetworkClassifier) -> None:
        """Copy the weights of another network as a warm start; raise ModelError if it has another architecture."""
        try:
            self._network.load_state_dict(other._network.state_dict())
        except RuntimeError as error:
            raise ModelError("the weights to start from are of another architecture") from error

    def predict_proba(self, images: DigitImages) -> Probabilities:
        """Return the probabilities (N, 10), calibrated on the validation digits (temperature scaling)."""
        return softmax(_logits(self._network, images), self._temperature)

    @property
    def size(self) -> int:
        """Number of weights."""
        return sum(weights.numel() for weights in self._network.parameters())

    def save(self, path: Path) -> None:
        """Write the classifier to a file, atomically."""
        facts = {"settings": self.config.to_yaml(), "temperature": repr(self._temperature)}
        weights = {name: value.contiguous() for name, value in self._network.state_dict().items()}
        write_atomically(path, to_safetensors(weights, facts))

    @classmethod
    def load(cls, path: Path) -> NetworkClassifier:
        """Read what `save` wrote; raise ModelError if it is damaged or no network of digitdet."""
        try:
            with safetensors.safe_open(path, "pt") as file:
                facts = file.metadata() or {}
                weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
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


class _EpochLog:
    """Measures every epoch, and keeps the weights of the best one in the checkpoint of the loop."""

    def __init__(self, loop: TrainingLoop) -> None:
        self._loop = loop
        self.epochs = [Epoch(**values) for values in json.loads(loop.extra.get("epochs", "[]"))]
        self._began = time.perf_counter() - (self.epochs[-1].seconds if self.epochs else 0.0)
        self._losses, self._right, self._digits = 0.0, 0, 0

    def add_step(self, step: Step) -> None:
        self._losses += float(functional.cross_entropy(step.outputs, step.targets, reduction="sum"))
        self._right += int((step.outputs.argmax(1) == step.targets).sum())
        self._digits += len(step.targets)

    def end_epoch(self, val: Digits) -> None:
        logits = torch.from_numpy(_logits(self._loop.averaged, val.images))
        labels = torch.from_numpy(val.labels.astype(np.int64))
        epoch = Epoch(
            epoch=self._loop.epoch,
            seconds=time.perf_counter() - self._began,
            train_loss=self._losses / self._digits,
            train_accuracy=self._right / self._digits,
            val_loss=float(functional.cross_entropy(logits, labels)),
            val_accuracy=float((logits.argmax(1) == labels).float().mean()),
        )
        self._losses, self._right, self._digits = 0.0, 0, 0
        self.epochs.append(epoch)
        if self._best_epoch() == epoch:
            self._loop.extra["best"] = copy.deepcopy(self._loop.averaged.state_dict())
        self._loop.extra["epochs"] = json.dumps([asdict(one) for one in self.epochs])

    def has_converged(self, patience: int) -> bool:
        """Whether no epoch of the last `patience` ones was better than those before."""
        return bool(self.epochs) and self._loop.epoch - self._best_epoch().epoch >= patience

    def _best_epoch(self) -> Epoch:
        # By loss alone an early epoch would win, where smoothed labels make later ones less confident.
        return max(self.epochs, key=lambda one: (one.val_accuracy, -one.val_loss))


def _batches(digits: Digits, config: NetworkConfig, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Augmented images (N, 1, 28, 28) float32, 0 to 1, and labels (N,) int64, in random order."""
    generator = torch.Generator().manual_seed(config.seed * 100_003 + epoch)
    order = torch.randperm(len(digits), generator=generator).numpy()
    for start in range(0, len(order), config.batch):
        rows = order[start : start + config.batch]
        if len(rows) > 1:  # batch normalisation needs two
            labels = torch.from_numpy(digits.labels[rows].astype(np.int64))
            yield augment(_as_tensor(digits.images[rows]), config, generator), labels


def _as_tensor(images: DigitImages) -> Tensor:
    return torch.from_numpy(np.divide(images, np.float32(255), dtype=np.float32))[:, None]


def _logits(network: torch.nn.Module, images: DigitImages) -> FloatArray:
    network.eval()
    parts = [np.zeros((0, 10), np.float32)]
    with torch.inference_mode():
        for start in range(0, len(images), _BATCH):
            parts.append(network(_as_tensor(images[start : start + _BATCH])).float().numpy())
    return np.concatenate(parts)
