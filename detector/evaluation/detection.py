"""How well single digits are found: precision and recall, the confusion matrix, and average precision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from digitdet.common.boxes import iou
from digitdet.detection.postprocess import Detections

DIGITS = 10
BACKGROUND = DIGITS
"""Row and column of the confusion matrix for no digit."""

IOU_THRESHOLDS = np.arange(50, 100, 5) / 100
"""Of mAP50-95: 0.50 to 0.95 in steps of 0.05, as in COCO (Lin et al., 2014)."""

_MIN_IOU = 0.5
_MIN_SCORE = 0.01  # lower scores of a box for one of the ten digits say nothing
_RECALLS = np.linspace(0, 1, 101)


@dataclass(frozen=True)
class DigitBoxes:
    """Digits: `labels` (N,) int64, 0 to 9; `boxes` (N, 4) float64 xyxy in pixels."""

    labels: npt.NDArray[np.int64]
    boxes: npt.NDArray[np.float64]

    @classmethod
    def of(cls, labels: npt.ArrayLike, boxes: npt.NDArray[np.float64]) -> DigitBoxes:
        """From (N,) labels of any kind."""
        return cls(np.asarray(labels, np.int64).reshape(-1), boxes)


@dataclass(frozen=True)
class PictureDigits:
    """The digits of one picture: the `true` ones, those that were `read` in numbers, and all that were `found`, down
    to low scores, before numbers were made of them; None if nothing could be.
    """

    true: DigitBoxes
    read: DigitBoxes
    found: Detections | None


@dataclass(frozen=True)
class DigitScore:
    """Precision, recall and F1 (0 to 1; None where there is nothing to divide by) from `right` digits, the `read` ones
    and the `true` ones.
    """

    right: int
    read: int
    true: int

    @property
    def precision(self) -> float | None:
        """The part of the digits read that are there."""
        return self.right / self.read if self.read else None

    @property
    def recall(self) -> float | None:
        """The part of the true digits that were read."""
        return self.right / self.true if self.true else None

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall."""
        return 2 * self.right / (self.read + self.true) if self.read + self.true else None

    def to_dict(self) -> dict[str, Any]:
        """The score as JSON types."""
        values = {"precision": self.precision, "recall": self.recall, "f1": self.f1}
        return {"true": self.true, "read": self.read, "right": self.right, **values}


@dataclass(frozen=True)
class DigitMetrics:
    """Single digits over many pictures.

    `confusion` (11, 11) int64 counts digits: rows are what is there, columns what was read, the last of each no digit.
    `map50` and `map50_95` are the mean average precisions (0 to 1) over the digits that occur, at an intersection over
    union of 0.5, and over 0.5 to 0.95; None without true digits.
    """

    confusion: npt.NDArray[np.int64]
    map50: float | None
    map50_95: float | None

    def score(self, digit: int) -> DigitScore:
        """Of one digit, 0 to 9."""
        row, column = self.confusion[digit], self.confusion[:, digit]
        return DigitScore(int(row[digit]), int(column.sum()), int(row.sum()))

    @property
    def total(self) -> DigitScore:
        """Of all digits together."""
        matrix = self.confusion
        return DigitScore(
            int(np.trace(matrix[:DIGITS, :DIGITS])), int(matrix[:, :DIGITS].sum()), int(matrix[:DIGITS].sum())
        )

    def to_dict(self) -> dict[str, Any]:
        """The metrics as JSON types."""
        return {
            **self.total.to_dict(),
            "map50": self.map50,
            "map50_95": self.map50_95,
            "per_digit": {str(digit): self.score(digit).to_dict() for digit in range(DIGITS)},
            "confusion": self.confusion.tolist(),
        }


def measure_digits(pictures: Sequence[PictureDigits]) -> DigitMetrics | None:
    """Measure the digits of pictures; None if there are no pictures.

    Precision, recall and the confusion matrix are those of the digits read, matched at an intersection over union of
    0.5; average precision is that of all digits found, whatever their score.
    """
    if not pictures:
        return None
    confusion = sum((_confusion(one.true, one.read) for one in pictures), np.zeros((DIGITS + 1, DIGITS + 1), np.int64))
    precisions = average_precisions(pictures)
    known = precisions[~np.isnan(precisions[:, 0])]
    if not len(known):
        return DigitMetrics(confusion, None, None)
    return DigitMetrics(confusion, float(known[:, 0].mean()), float(known.mean()))


def average_precisions(pictures: Sequence[PictureDigits]) -> npt.NDArray[np.float64]:
    """Average precision (10, T) of each digit at each of `IOU_THRESHOLDS`; NaN for a digit that does not occur.

    As COCO defines it: detections in order of their scores, each matched with the free true box it covers best;
    precision made falling, and averaged over 101 values of recall. All detections count, not only 100 a picture.
    """
    scores, labels, hits = zip(*(_hits(one) for one in pictures), strict=True)
    all_scores, all_labels, all_hits = np.concatenate(scores), np.concatenate(labels), np.concatenate(hits, axis=1)
    order = np.argsort(-all_scores, kind="stable")
    all_labels, all_hits = all_labels[order], all_hits[:, order]
    true = np.bincount(np.concatenate([one.true.labels for one in pictures]), minlength=DIGITS)
    result = np.full((DIGITS, len(IOU_THRESHOLDS)), np.nan)
    for digit in np.flatnonzero(true):
        for row, own in enumerate(all_hits[:, all_labels == digit]):
            result[digit, row] = average_precision(own, int(true[digit]))
    return result


def average_precision(hits: npt.NDArray[np.bool_], true: int) -> float:
    """Average precision of detections, by falling score, of which `hits` (N,) are right, for `true` > 0 true boxes."""
    right = np.cumsum(hits)
    precision = right / np.arange(1, len(hits) + 1)
    falling = np.maximum.accumulate(precision[::-1])[::-1]
    places = np.searchsorted(right / true, _RECALLS, side="left")
    return float(np.append(falling, 0.0)[places].mean())


def _hits(
    picture: PictureDigits,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Every box of a picture with each digit it may be: scores and labels (N,), and whether it is right (T, N)."""
    if picture.found is None:
        return np.zeros(0, np.float32), np.zeros(0, np.int64), np.zeros((len(IOU_THRESHOLDS), 0), bool)
    rows, labels = np.nonzero(picture.found.scores >= _MIN_SCORE)
    scores = picture.found.scores[rows, labels]
    order = np.argsort(-scores, kind="stable")
    rows, labels, scores = rows[order], labels[order], scores[order]
    places = iou(picture.found.boxes, picture.true.boxes)[rows]
    places[labels[:, None] != picture.true.labels] = 0
    hits = np.zeros((len(IOU_THRESHOLDS), len(rows)), bool)
    if places.size:
        for row, threshold in enumerate(IOU_THRESHOLDS):
            free = places.copy()
            for place in np.flatnonzero(places.max(axis=1) >= threshold):
                best = int(free[place].argmax())
                if free[place, best] >= threshold:
                    hits[row, place] = True
                    free[:, best] = 0
    return scores, labels, hits


def _confusion(true: DigitBoxes, read: DigitBoxes) -> npt.NDArray[np.int64]:
    """What each true digit (rows) was read as (columns), the last row and column being no digit: (11, 11)."""
    matrix = np.zeros((DIGITS + 1, DIGITS + 1), np.int64)
    missed, false = np.ones(len(true.labels), bool), np.ones(len(read.labels), bool)
    places = iou(true.boxes, read.boxes)
    while places.size and places.max() >= _MIN_IOU:
        row, column = divmod(int(places.argmax()), places.shape[1])
        matrix[true.labels[row], read.labels[column]] += 1
        missed[row] = false[column] = False
        places[row] = 0
        places[:, column] = 0
    matrix[:DIGITS, BACKGROUND] = np.bincount(true.labels[missed], minlength=DIGITS)
    matrix[BACKGROUND, :DIGITS] = np.bincount(read.labels[false], minlength=DIGITS)
    return matrix
