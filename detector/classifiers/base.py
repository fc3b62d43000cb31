"""The one protocol of all classifiers: fit, predict_proba, predict, save, load."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from digitdet.configs.classifier import ClassifierConfig
from digitdet.datasets.mnist import Digits

Images = npt.NDArray[np.uint8]
"""(N, 28, 28), ink 255 on 0, as in MNIST."""

Probabilities = npt.NDArray[np.float32]
"""(N, 10), each row sums to 1."""


@dataclass(frozen=True)
class Epoch:
    """One pass of a training: losses are cross-entropies in nats, accuracies 0 to 1; `seconds` since it began."""

    epoch: int
    seconds: float
    train_loss: float
    train_accuracy: float
    val_loss: float
    val_accuracy: float


@dataclass(frozen=True)
class Place:
    """Where a training keeps what it needs to go on after an interruption, and whom it tells of each epoch."""

    folder: Path
    on_epoch: Callable[[Sequence[Epoch]], object] = lambda _epochs: None


class Classifier(ABC):
    """A recogniser of single digits with its settings."""

    suffix: ClassVar[str]
    """Of its files: each kind has its own format, none of which can run code when it is loaded."""

    config: ClassifierConfig

    @abstractmethod
    def fit(self, train: Digits, val: Digits, place: Place) -> None:
        """Learn from `train`; `val` may choose when to stop and how sure to be, and is not learnt from."""

    @abstractmethod
    def predict_proba(self, images: Images) -> Probabilities:
        """Probabilities (N, 10) of the digits in (N, 28, 28) uint8 images."""

    def predict(self, images: Images) -> npt.NDArray[np.uint8]:
        """The likeliest digit (N,) of each image."""
        return self.predict_proba(images).argmax(axis=1).astype(np.uint8)

    @property
    @abstractmethod
    def size(self) -> int:
        """Numbers that are stored to classify: weights, or the digits that are compared with."""

    @abstractmethod
    def save(self, path: Path) -> None:
        """Write everything that `load` needs, in one step."""

    @classmethod
    @abstractmethod
    def load(cls, path: Path) -> Classifier:
        """Read what `save` wrote.

        Raises:
            ModelError: It is missing, damaged or of another kind.
        """
