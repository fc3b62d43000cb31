"""How well a classifier tells digits apart, as figures."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from digitdet.classifiers.base import Classifier, Probabilities
from digitdet.common.errors import MissingExtraError
from digitdet.datasets.mnist import Digits
from digitdet.evaluation.statistics import expected_calibration_error, wilson_interval

try:
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support
except ImportError as error:
    raise MissingExtraError("digitdet classify", "classify", error.name or "scikit-learn") from error

_LABELS = list(range(10))
# Digits whose classification is timed, and how often: the fastest counts, since others are disturbed by the machine.
_TIMED, _TIMES = 1000, 3


@dataclass(frozen=True)
class Scores:
    """Figures of one classifier on some digits; shares are 0 to 1.

    `accuracy` with its 95% interval from `low` to `high` (Wilson); `precision`, `recall`, `f1` (10,) of each digit and
    their plain means in `means`; `confusion` (10, 10), rows are what it is; `calibration_error`: expected, over ten
    bins; `microseconds` a digit on all cores, in batches.
    """

    digits: int
    right: int
    accuracy: float
    low: float
    high: float
    precision: npt.NDArray[np.float64]
    recall: npt.NDArray[np.float64]
    f1: npt.NDArray[np.float64]
    means: dict[str, float]
    confusion: npt.NDArray[np.int64]
    calibration_error: float
    microseconds: float

    def to_dict(self) -> dict[str, Any]:
        """The figures as JSON types."""
        return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in vars(self).items()}


@dataclass(frozen=True)
class Result:
    """What a classifier makes of some digits: `probabilities` (N, 10), and the figures."""

    name: str
    probabilities: Probabilities
    scores: Scores
    size: int
    training_seconds: float | None

    def mistakes(self, labels: npt.NDArray[np.uint8]) -> npt.NDArray[np.intp]:
        """Rows of the digits that it gets wrong, the most confident first."""
        rows = np.flatnonzero(self.probabilities.argmax(axis=1) != labels)
        return rows[np.argsort(-self.probabilities[rows].max(axis=1), kind="stable")]


def evaluate(name: str, classifier: Classifier, digits: Digits, training_seconds: float | None = None) -> Result:
    """Classify digits, and measure it."""
    probabilities = classifier.predict_proba(digits.images)
    scores = score(probabilities, digits.labels, _microseconds(classifier, digits))
    return Result(name, probabilities, scores, classifier.size, training_seconds)


def score(probabilities: Probabilities, labels: npt.NDArray[np.uint8], microseconds: float = 0.0) -> Scores:
    """The figures of probabilities (N, 10) for digits that are `labels` (N,)."""
    predicted = probabilities.argmax(axis=1)
    right = int((predicted == labels).sum())
    low, high = wilson_interval(right, len(labels))
    precision, recall, f1, _ = precision_recall_fscore_support(labels, predicted, labels=_LABELS, zero_division=0.0)
    return Scores(
        digits=len(labels),
        right=right,
        accuracy=right / len(labels),
        low=low,
        high=high,
        precision=precision,
        recall=recall,
        f1=f1,
        means={"precision": float(precision.mean()), "recall": float(recall.mean()), "f1": float(f1.mean())},
        confusion=confusion_matrix(labels, predicted, labels=_LABELS).astype(np.int64),
        calibration_error=expected_calibration_error(probabilities.max(axis=1), predicted == labels),
        microseconds=microseconds,
    )


def _microseconds(classifier: Classifier, digits: Digits) -> float:
    images = digits.images[:_TIMED]
    seconds = []
    for _ in range(_TIMES):
        began = time.perf_counter()
        classifier.predict_proba(images)
        seconds.append(time.perf_counter() - began)
    return min(seconds) / len(images) * 1e6
