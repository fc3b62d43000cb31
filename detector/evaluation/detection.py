"""Detection metrics of single digits: precision, recall, confusion matrix and mean average precision (mAP)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from digitdet.common.boxes import iou
from digitdet.common.types import FloatArray, Indices, Mask
from digitdet.detection.postprocess import Detections
from digitdet.evaluation.matching import greedy_matches
from digitdet.evaluation.sets import DigitBoxes

DIGITS = 10
BACKGROUND = DIGITS
"""Row and column of the confusion matrix for no digit."""

IOU_THRESHOLDS = np.arange(50, 100, 5) / 100
"""Thresholds of mAP50-95, as in COCO (Lin et al., 2014)."""

_MIN_IOU = 0.5  # of a digit that counts as read
_MIN_READ_SCORE = 0.01  # for the mAP of the digits that reading detects: each box has ten scores
_RECALLS = np.linspace(0, 1, 101)
_SCORES = np.linspace(0, 1, 1001)  # among which the one with the best F1 is chosen


@dataclass(frozen=True)
class DetectionMetrics:
    """Metrics of detected digits.

    `average_precisions` (10, 10) of each digit at each of `IOU_THRESHOLDS`; `precision` and `recall` (10,) of each
    digit at an IoU of 0.5 and at the score with the best mean F1. NaN for digits that do not occur.
    """

    average_precisions: FloatArray
    precision: FloatArray
    recall: FloatArray

    @property
    def map50(self) -> float | None:
        """Mean average precision (0 to 1) at an IoU of 0.5; None without true digits."""
        return _mean(self.average_precisions[:, 0])

    @property
    def map50_95(self) -> float | None:
        """Mean average precision (0 to 1) over IoUs from 0.5 to 0.95; None without true digits."""
        return _mean(self.average_precisions)

    def to_dict(self) -> dict[str, Any]:
        """Return the metrics as JSON types: all digits together, and by digit those that occur."""
        names = ("precision", "recall", "map50")
        columns = (self.precision, self.recall, self.average_precisions[:, 0])
        return {
            "map50": self.map50,
            "map50_95": self.map50_95,
            "precision": _mean(self.precision),
            "recall": _mean(self.recall),
            "digits": {
                str(digit): {name: float(column[digit]) for name, column in zip(names, columns, strict=True)}
                for digit in np.flatnonzero(~np.isnan(self.recall)).tolist()
            },
        }


def measure_detections(
    true: Sequence[DigitBoxes], found: Sequence[Detections | None], min_score: float = 0.001
) -> DetectionMetrics:
    """Measure the digits detected in pictures, given the true ones.

    Average precision is computed as in COCO: detections in order of their scores, each matched with the unmatched true
    box that it overlaps most; precision made monotonic and averaged over 101 recalls. A box counts for every digit it
    has a score of at least `min_score` for. All detections count, not only 100 per picture.

    Args:
        true: The digits of each picture, in pixels.
        found: The detections in each picture after non-maximum suppression; None if it could not be read.
        min_score: Lower scores (0 to 1) are left out.
    """
    metrics = DetectionMetrics(*(np.full(shape, np.nan) for shape in ((DIGITS, len(IOU_THRESHOLDS)), DIGITS, DIGITS)))
    if not true:
        return metrics
    matched = (_match(*pair, min_score) for pair in zip(true, found, strict=True))
    scores, labels, hits = (np.concatenate(parts, axis=-1) for parts in zip(*matched, strict=True))
    order = np.argsort(-scores, kind="stable")
    scores, labels, hits = scores[order], labels[order], hits[:, order]
    counts = np.bincount(np.concatenate([one.labels for one in true]), minlength=DIGITS)
    digits = np.flatnonzero(counts)
    precisions, recalls = np.zeros((2, DIGITS, len(_SCORES)))
    for digit in digits:
        own, count = labels == digit, int(counts[digit])
        metrics.average_precisions[digit] = [average_precision(row, count) for row in hits[:, own]]
        accepted = np.searchsorted(-scores[own], -_SCORES, side="right")
        right = np.append(0, np.cumsum(hits[0, own]))[accepted]
        precisions[digit], recalls[digit] = right / np.maximum(accepted, 1), right / count
    f1 = 2 * precisions * recalls / np.maximum(precisions + recalls, 1e-16)
    best = int(f1[digits].mean(axis=0).argmax()) if len(digits) else 0
    metrics.precision[digits], metrics.recall[digits] = precisions[digits, best], recalls[digits, best]
    return metrics


def average_precision(hits: Mask, true: int) -> float:
    """Return the average precision (0 to 1) of detections by falling score: `hits` (N,) says which are right, `true`
    (above 0) is the number of true boxes.
    """
    right = np.cumsum(hits)
    precision = right / np.arange(1, len(hits) + 1)
    monotonic = np.maximum.accumulate(precision[::-1])[::-1]
    places = np.searchsorted(right / true, _RECALLS, side="left")
    return float(np.append(monotonic, 0.0)[places].mean())


def _match(true: DigitBoxes, found: Detections | None, min_score: float) -> tuple[FloatArray, Indices, Mask]:
    """Every box of a picture with each digit it has a score for: scores and labels (N,), and hits (T, N) at each IoU
    threshold.
    """
    if found is None:
        return np.zeros(0, np.float32), np.zeros(0, np.int64), np.zeros((len(IOU_THRESHOLDS), 0), bool)
    rows, labels = np.nonzero(found.scores >= min_score)
    scores = found.scores[rows, labels]
    order = np.argsort(-scores, kind="stable")
    rows, labels, scores = rows[order], labels[order], scores[order]
    ious = iou(found.boxes, true.boxes)[rows]
    ious[labels[:, None] != true.labels] = 0
    hits = np.zeros((len(IOU_THRESHOLDS), len(rows)), bool)
    if ious.size:
        for row, threshold in enumerate(IOU_THRESHOLDS):
            unmatched = ious.copy()
            for detection in np.flatnonzero(ious.max(axis=1) >= threshold):
                best = int(unmatched[detection].argmax())
                if unmatched[detection, best] >= threshold:
                    hits[row, detection] = True
                    unmatched[:, best] = 0
    return scores, labels, hits


def _mean(values: FloatArray) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else None


@dataclass(frozen=True)
class PictureDigits:
    """The digits of one picture in pixels: the `true` ones, those `read` as part of numbers, and all detections down to
    low scores (`found`), None if the picture could not be read.
    """

    true: DigitBoxes
    read: DigitBoxes
    found: Detections | None


class DigitCounts(NamedTuple):
    """Numbers of digits, and rates from 0 to 1, None where undefined."""

    true: int
    read: int
    right: int
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True)
class DigitMetrics:
    """Metrics of single digits as they were read in numbers.

    `confusion` (11, 11) int64 counts digits: rows are true digits, columns the digits read, and `BACKGROUND` is no
    digit. `map50` and `map50_95` are computed from all detections, see `DetectionMetrics`.
    """

    confusion: Indices
    map50: float | None
    map50_95: float | None

    def counts(self, digit: int) -> DigitCounts:
        """Return the counts of one digit, 0 to 9."""
        row, column = self.confusion[digit], self.confusion[:, digit]
        return _counts(int(row.sum()), int(column.sum()), int(row[digit]))

    @property
    def total(self) -> DigitCounts:
        """The counts of all digits together."""
        read, true = self.confusion[:, :DIGITS], self.confusion[:DIGITS]
        return _counts(int(true.sum()), int(read.sum()), int(np.trace(true)))

    def to_dict(self) -> dict[str, Any]:
        """Return the metrics as JSON types."""
        return {
            **self.total._asdict(),
            "map50": self.map50,
            "map50_95": self.map50_95,
            "per_digit": {str(digit): self.counts(digit)._asdict() for digit in range(DIGITS)},
            "confusion": self.confusion.tolist(),
        }


def _counts(true: int, read: int, right: int) -> DigitCounts:
    precision = right / read if read else None
    f1 = 2 * right / (read + true) if read + true else None
    return DigitCounts(true, read, right, precision, right / true if true else None, f1)


def measure_digits(pictures: Sequence[PictureDigits]) -> DigitMetrics | None:
    """Measure the digits of pictures: those read in numbers, matched at an IoU of 0.5, and the mAP of all detections;
    None without pictures.
    """
    if not pictures:
        return None
    confusion = np.zeros((DIGITS + 1, DIGITS + 1), np.int64)
    for one in pictures:
        for row, column in greedy_matches(iou(one.true.boxes, one.read.boxes), _MIN_IOU):
            confusion[one.true.labels[row], one.read.labels[column]] += 1
    true = np.concatenate([one.true.labels for one in pictures])
    read = np.concatenate([one.read.labels for one in pictures])
    confusion[:DIGITS, BACKGROUND] = np.bincount(true, minlength=DIGITS) - confusion[:DIGITS].sum(axis=1)
    confusion[BACKGROUND, :DIGITS] = np.bincount(read, minlength=DIGITS) - confusion[:, :DIGITS].sum(axis=0)
    found = measure_detections([one.true for one in pictures], [one.found for one in pictures], _MIN_READ_SCORE)
    return DigitMetrics(confusion, found.map50, found.map50_95)
