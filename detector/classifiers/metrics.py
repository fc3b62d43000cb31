"""Metrics of classifiers."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from digitdet.classifiers.base import Classifier, Probabilities
from digitdet.common.errors import MissingExtraError
from digitdet.common.types import FloatArray, Indices
from digitdet.datasets.mnist import Digits
from digitdet.evaluation.statistics import expected_calibration_error, wilson_interval

try:
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support
except ImportError as error:
    raise MissingExtraError("digitdet classify", "classify", error.name or "scikit-learn") from error

_LABELS = list(range(10))
_TIMED_DIGITS, _REPEATS = 1000, 3  # the fastest repeat counts


@dataclass(frozen=True)
class Scores:
    """Metrics of one classifier; rates are 0 to 1.

    `digits` and `right` are the numbers of predictions and of correct ones, `low` and `high` the limits of the 95%
    interval of `accuracy` (Wilson, 1927). `precision`, `recall` and `f1` are (10,) by digit, `means` their unweighted
    means. Rows of `confusion` (10, 10) are true digits. `calibration_error` is expected calibration error over ten
    bins, `microseconds` the time per digit on all cores, in batches.
    """

    digits: int
    right: int
    accuracy: float
    low: float
    high: float
    precision: FloatArray
    recall: FloatArray
    f1: FloatArray
    means: dict[str, float]
    confusion: Indices
    calibration_error: float
    microseconds: float

    def to_dict(self) -> dict[str, Any]:
        """Return the metrics as JSON types."""
        return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in vars(self).items()}


@dataclass(frozen=True)
class Result:
    """The probabilities (N, 10) that a classifier gave some digits, and its metrics."""

    name: str
    probabilities: Probabilities
    scores: Scores
    size: int
    training_seconds: float | None

    def mistakes(self, labels: Indices) -> Indices:
        """Return the rows of wrong predictions, the most confident first."""
        rows = np.flatnonzero(self.probabilities.argmax(axis=1) != labels)
        return rows[np.argsort(-self.probabilities[rows].max(axis=1), kind="stable")]


def evaluate(name: str, classifier: Classifier, digits: Digits, training_seconds: float | None = None) -> Result:
    """Measure a classifier on digits."""
    probabilities = classifier.predict_proba(digits.images)
    scores = score(probabilities, digits.labels, _microseconds(classifier, digits))
    return Result(name, probabilities, scores, classifier.size, training_seconds)


def score(probabilities: Probabilities, labels: Indices, microseconds: float = 0.0) -> Scores:
    """Return the metrics of probabilities (N, 10) for labels (N,)."""
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
    images = digits.images[:_TIMED_DIGITS]
    seconds = []
    for _ in range(_REPEATS):
        began = time.perf_counter()
        classifier.predict_proba(images)
        seconds.append(time.perf_counter() - began)
    return min(seconds) / len(images) * 1e6
