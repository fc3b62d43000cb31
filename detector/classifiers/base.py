"""The interface of all classifiers: fit, predict_proba, predict, save and load."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from digitdet.common.types import Image, Indices, Scores
from digitdet.configs.classifier import ClassifierConfig
from digitdet.datasets.mnist import Digits

DigitImages = Image
"""Digits (N, 28, 28) uint8 as in MNIST: ink 255 on 0."""

Probabilities = Scores
"""Probabilities (N, 10) float32 of the digits; each row sums to 1."""


@dataclass(frozen=True)
class Epoch:
    """Metrics of one epoch: cross-entropies in nats, accuracies 0 to 1, and `seconds` since the training began."""

    epoch: int
    seconds: float
    train_loss: float
    train_accuracy: float
    val_loss: float
    val_accuracy: float


class Classifier(ABC):
    """A classifier of single digits."""

    suffix: ClassVar[str]
    """Suffix of its files. Loading a file never executes code from it."""

    config: ClassifierConfig

    @abstractmethod
    def fit(
        self,
        train: Digits,
        val: Digits,
        folder: Path,
        on_epoch: Callable[[Sequence[Epoch]], object] = lambda _epochs: None,
    ) -> None:
        """Train the classifier, with `val` for early stopping and calibration.

        A network keeps its checkpoint in `folder`, resumes from it, and calls `on_epoch` after every epoch with all
        epochs so far.
        """

    @abstractmethod
    def predict_proba(self, images: DigitImages) -> Probabilities:
        """Return the probabilities (N, 10) of the digits in images (N, 28, 28)."""

    def predict(self, images: DigitImages) -> Indices:
        """Return the most probable digit (N,) of each image."""
        return self.predict_proba(images).argmax(axis=1).astype(np.uint8)

    @property
    @abstractmethod
    def size(self) -> int:
        """Number of stored values: weights, or pixels of the stored training digits."""

    @abstractmethod
    def save(self, path: Path) -> None:
        """Write the classifier to a file, atomically."""

    @classmethod
    @abstractmethod
    def load(cls, path: Path) -> Classifier:
        """Read what `save` wrote.

        Raises:
            ModelError: The file is missing, damaged or of another kind.
        """
