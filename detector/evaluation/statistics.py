"""Statistics of classifiers and readers: intervals, a test for the difference of two models, reliability, coverage."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from digitdet.common.types import FloatArray

_BINS = 10


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """Return the 95% Wilson score interval (Wilson, 1927) of a share; `trials` must be above 0."""
    z = NormalDist().inv_cdf((1 + 0.95) / 2)
    share = successes / trials
    centre = share + z * z / (2 * trials)
    spread = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    return max((centre - spread) / scale, 0.0), min((centre + spread) / scale, 1.0)


def mcnemar(fixed: int, broken: int) -> float:
    """Return the two-sided p-value of McNemar's exact test (McNemar, 1947): the probability of a split of the changes
    that is at least as uneven, if both models are equally good.
    """
    changed = fixed + broken
    tail = sum(math.comb(changed, count) for count in range(min(fixed, broken) + 1))
    return min(2 * tail / 2**changed, 1.0)


@dataclass(frozen=True)
class ReliabilityBin:
    """Predictions with a confidence from `low` to `high`: their count, mean confidence, and accuracy."""

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


def reliability_bins(confidences: npt.ArrayLike, right: npt.ArrayLike) -> list[ReliabilityBin]:
    """Return the points of a reliability diagram (DeGroot and Fienberg, 1983) of ten equal bins, empty ones omitted.

    `confidences` (N,) are 0 to 1, and `right` (N,) says whether each prediction was right.
    """
    confidence, hit = np.asarray(confidences, np.float64), np.asarray(right, bool)
    bin_of = np.minimum((confidence * _BINS).astype(np.int64), _BINS - 1)
    found = []
    for index in np.unique(bin_of).tolist():
        inside = bin_of == index
        count, mean, accuracy = int(inside.sum()), float(confidence[inside].mean()), float(hit[inside].mean())
        found.append(ReliabilityBin(index / _BINS, (index + 1) / _BINS, count, mean, accuracy))
    return found


def expected_calibration_error(confidences: npt.ArrayLike, right: npt.ArrayLike) -> float:
    """Return the mean difference of confidence and accuracy over the bins, weighted by count.

    See Naeini, Cooper and Hauskrecht, Obtaining Well Calibrated Probabilities, 2015. NaN without predictions.
    """
    found = reliability_bins(confidences, right)
    total = sum(one.count for one in found)
    return sum(one.count * abs(one.confidence - one.accuracy) for one in found) / total if total else float("nan")


def accuracy_at_coverage(confidences: npt.ArrayLike, right: npt.ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return thresholds (N,), the confidences in falling order, and the coverage (N,) and accuracy (N,) at each.

    Coverage is the share of all predictions with at least that confidence, accuracy the share of these that is right.
    """
    confidence, hit = np.asarray(confidences, np.float64), np.asarray(right, bool)
    order = np.argsort(-confidence, kind="stable")
    count = np.arange(1, len(order) + 1)
    return confidence[order], count / max(len(order), 1), np.cumsum(hit[order]) / count


def most_accepted(confidences: npt.ArrayLike, right: npt.ArrayLike, precision: float) -> tuple[int, float | None]:
    """Return how many predictions a threshold can accept at a `precision` (0 to 1), and the threshold.

    0 and None if no threshold reaches the precision.
    """
    thresholds, _, accuracies = accuracy_at_coverage(confidences, right)
    # A threshold accepts all predictions of equal confidence: only the last of them counts.
    is_last = np.append(thresholds[1:] < thresholds[:-1], True)[: len(thresholds)]
    good = np.flatnonzero(is_last & (accuracies >= precision))
    return (int(good[-1]) + 1, float(thresholds[good[-1]])) if len(good) else (0, None)
