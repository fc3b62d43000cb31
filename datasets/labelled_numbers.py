"""Group labelled digits to numbers, for pictures in which only the digits are labelled."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from digitdet.common.boxes import as_boxes
from digitdet.common.types import CLASS_NAMES
from digitdet.datasets.formats.numbers import NumberTruth
from digitdet.reading.lines import find_lines

MAX_GAP = 0.8
"""Widest gap between two digits of a number, in heights of the higher one; drums of counters are about 0.6 apart."""


def numbers_of_digits(digits: Iterable[int], boxes: npt.ArrayLike) -> tuple[NumberTruth, ...]:
    """Group digits (N,) with their boxes (N, 4) xyxy in pixels to numbers, in reading order.

    The digits of a line that are near each other are a number.
    """
    names, boxes = [CLASS_NAMES[digit] for digit in digits], as_boxes(boxes)
    numbers = []
    for line in find_lines(boxes):
        rows = list(line.digits)
        gaps = [_gap(boxes[left], boxes[right]) for left, right in itertools.pairwise(rows)]
        for part in np.split(rows, np.flatnonzero(np.array(gaps) > MAX_GAP) + 1):
            corners = [(x0, y0, x1, y1) for x0, y0, x1, y1 in boxes[part].tolist()]
            numbers.append(NumberTruth("".join(names[row] for row in part), tuple(corners)))
    return tuple(numbers)


def _gap(left: npt.NDArray[np.float64], right: npt.NDArray[np.float64]) -> float:
    """Return the free distance between two boxes, in heights of the higher one; negative where they overlap."""
    (x0, y0, x1, y1), (x2, y2, x3, y3) = left.tolist(), right.tolist()
    distance = np.hypot((x2 + x3 - x0 - x1) / 2, (y2 + y3 - y0 - y1) / 2)
    return float((distance - (x1 - x0 + x3 - x2) / 2) / max(y1 - y0, y3 - y2, 1e-9))
