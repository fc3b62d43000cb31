"""Whether confidences mean what they say: reliability, calibration error, accuracy against coverage."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_BINS = 10


@dataclass(frozen=True)
class ReliabilityBin:
    """Predictions with a confidence from `low` to `high`: how many, their mean confidence, the part that is right."""

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


def reliability_bins(confidences: npt.ArrayLike, right: npt.ArrayLike, bins: int = _BINS) -> list[ReliabilityBin]:
    """The points of a reliability diagram (DeGroot and Fienberg, 1983): bins of equal width; empty ones are left out.

    Args:
        confidences: (N,), 0 to 1.
        right: (N,), whether each prediction was right.
        bins: How many, from 0 to 1.
    """
    confidence, hit = np.asarray(confidences, np.float64), np.asarray(right, bool)
    place = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    found = []
    for index in np.unique(place).tolist():
        inside = place == index
        found.append(
            ReliabilityBin(
                index / bins,
                (index + 1) / bins,
                int(inside.sum()),
                float(confidence[inside].mean()),
                float(hit[inside].mean()),
            )
        )
    return found


def expected_calibration_error(confidences: npt.ArrayLike, right: npt.ArrayLike, bins: int = _BINS) -> float:
    """Mean distance between confidence and accuracy over the bins, by count (Naeini, Cooper and Hauskrecht, 2015); 0 is
    honest. NaN without predictions.
    """
    found = reliability_bins(confidences, right, bins)
    total = sum(one.count for one in found)
    return sum(one.count * abs(one.confidence - one.accuracy) for one in found) / total if total else float("nan")


def accuracy_at_coverage(
    confidences: npt.ArrayLike, right: npt.ArrayLike
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """What a threshold buys: for each prediction in order of falling confidence the threshold (N,), the part of all
    that is at least as sure (N,), and the part of those that is right (N,).
    """
    confidence, hit = np.asarray(confidences, np.float64), np.asarray(right, bool)
    order = np.argsort(-confidence, kind="stable")
    count = np.arange(1, len(order) + 1)
    return confidence[order], count / max(len(order), 1), np.cumsum(hit[order]) / count


def most_accepted(confidences: npt.ArrayLike, right: npt.ArrayLike, precision: float) -> tuple[int, float | None]:
    """The most predictions that a threshold can accept so that at least `precision` (0 to 1) of them are right.

    Returns:
        How many, and the threshold; 0 and None if there is none.
    """
    thresholds, _, accuracies = accuracy_at_coverage(confidences, right)
    # A threshold accepts all that are equally sure: only the last of them can be one.
    is_last = np.append(thresholds[1:] < thresholds[:-1], True)[: len(thresholds)]
    good = np.flatnonzero(is_last & (accuracies >= precision))
    return (int(good[-1]) + 1, float(thresholds[good[-1]])) if len(good) else (0, None)
