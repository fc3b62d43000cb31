"""Which reading belongs to which true number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from digitdet.common.boxes import iou
from digitdet.datasets.formats.numbers import NumberTruth
from digitdet.reading.results import Number

# A reading counts for a number only where that number is: the usual limit of object detection.
_MIN_IOU = 0.5
# A wrong reading is shown beside the number it was taken from, if it lies there at all.
_MIN_WRONG_IOU = 0.1


class Boxed(Protocol):
    """Anything with a `box`, xyxy in pixels: a number, or what another reader gives."""

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Where it is."""


BoxedT = TypeVar("BoxedT", bound=Boxed)


def group_rows(found: Sequence[BoxedT]) -> list[list[BoxedT]]:
    """What was read, in reading order, parted into lines: a new line begins where reading goes back to the left or
    further down.
    """
    rows: list[list[BoxedT]] = []
    for one in found:
        last = rows[-1][-1].box if rows else None
        goes_on = last is not None and one.box[0] > last[0] and one.box[1] < last[3] - 0.3 * (last[3] - last[1])
        if goes_on:
            rows[-1].append(one)
        else:
            rows.append([one])
    return rows


def match_places(truths: Sequence[NumberTruth], found: Sequence[Number]) -> list[int | None]:
    """For each true number the index of the reading taken from its place, or None; each reading counts once.

    First come readings of exactly its text, with an intersection over union of 0.5 at least, then of other texts those
    that lie on it most, with 0.1 at least. A reading of its text that lies elsewhere is not taken for it.
    """
    if not truths or not found:
        return [None] * len(truths)
    places = iou([truth.box for truth in truths], [number.box for number in found])
    same = np.array([[truth.text == number.best for number in found] for truth in truths])
    matches: list[int | None] = [None] * len(truths)
    _take(matches, np.where(same, places, 0), _MIN_IOU)
    _take(matches, np.where(same, 0, places), _MIN_WRONG_IOU)
    return matches


def _take(matches: list[int | None], places: npt.NDArray[np.float64], least: float) -> None:
    """Give each number without a match the free reading with the largest of `places` (T, F), the largest first."""
    places = places.copy()
    for row, match in enumerate(matches):
        if match is not None:
            places[row] = 0
            places[:, match] = 0
    while places.max() >= least:
        row, column = divmod(int(places.argmax()), places.shape[1])
        matches[row] = column
        places[row] = 0
        places[:, column] = 0
