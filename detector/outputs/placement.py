"""Placement of labels: on no digit and on no other label, as near to their numbers as possible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from digitdet.common.boxes import as_boxes
from digitdet.common.types import Box, Boxes, FloatArray, Mask, Points


@dataclass(frozen=True)
class Place:
    """The `box` of a label, xyxy in pixels; `is_remote` if it is in the margin, with a line to its number."""

    box: tuple[int, int, int, int]
    is_remote: bool = False

    def moved(self, x: int, y: int) -> Place:
        """Return the place moved by `x` pixels to the right and `y` pixels down."""
        left, top, right, bottom = self.box
        return Place((left + x, top + y, right + x, bottom + y), self.is_remote)


def place_labels(
    numbers: Sequence[Boxes | Sequence[Box]], sizes: Sequence[tuple[int, int]], area: tuple[int, int], gap: int
) -> list[Place]:
    """Return a place for the label of every number, so that no label covers a digit or another label.

    Places are tried in this order: above, below and beside the number inside the picture; the same reaching past its
    edge as little as possible; to the left or the right of the picture.

    Args:
        numbers: The boxes of the digits of each number, (N, 4) xyxy in pixels; at least one each.
        sizes: Width and height of each label in pixels, above 0.
        area: Width and height of the picture in pixels.
        gap: Space between a label and its number in pixels, at least 2; half of it is kept to other digits and labels.
    """
    digits = [as_boxes(boxes) for boxes in numbers]
    taken = np.concatenate([*digits, np.zeros((0, 4))])
    places = []
    for boxes, size in zip(digits, sizes, strict=True):
        near = _near_boxes(boxes, size, gap)
        near = near[_are_free(near, taken, gap / 2)]
        is_remote = not len(near)
        if is_remote:
            box = _remote_box(boxes, size, area, gap, taken)
        else:
            overhang = np.maximum(-near[:, :2], near[:, 2:] - area).clip(min=0).max(axis=1)
            box = near[overhang.argmin()]
        taken = np.concatenate([taken, box[None]])
        left, top, right, bottom = (int(value) for value in box)
        places.append(Place((left, top, right, bottom), is_remote))
    return places


def _near_boxes(digits: Boxes, size: tuple[int, int], gap: int) -> Boxes:
    """Places (N, 4) at a number, the best first.

    Above and below, a label is as near as the digits in its columns allow, since lines may slope or bend.
    """
    width, height = size
    left, right = digits[:, 0].min(), digits[:, 2].max()
    corners = []
    for x in (left, (left + right - width) / 2, right - width):
        column = digits[(digits[:, 0] < x + width + gap) & (digits[:, 2] > x - gap)]
        column = column if len(column) else digits
        corners += [(x, column[:, 1].min() - gap - height), (x, column[:, 3].max() + gap)]
    first, last = digits[digits[:, 0].argmin()], digits[digits[:, 2].argmax()]
    corners.append((right + gap, (last[1] + last[3] - height) / 2))
    corners.append((left - gap - width, (first[1] + first[3] - height) / 2))
    return _boxes_at(np.asarray(corners), size)


def _remote_box(digits: Boxes, size: tuple[int, int], area: tuple[int, int], gap: int, taken: Boxes) -> FloatArray:
    """Return the free box (4,) beside the picture that is nearest in height to the number, on its side of the picture.

    There always is one, below all taken boxes.
    """
    width, height = size
    left, top, right, bottom = digits[:, 0].min(), digits[:, 1].min(), digits[:, 2].max(), digits[:, 3].max()
    x = round(-2 * gap - width if left + right < area[0] else area[0] + 2 * gap)
    middle = (top + bottom - height) / 2
    column = taken[(taken[:, 0] < x + width + gap / 2) & (taken[:, 2] > x - gap / 2)]
    tops = np.rint(np.concatenate([[middle], column[:, 1] - gap - height, column[:, 3] + gap]))
    free = tops[_are_free_tops(tops, height, column, gap / 2)]
    y = free[np.abs(free - middle).argmin()]
    return np.array([x, y, x + width, y + height])


def _are_free_tops(tops: FloatArray, height: int, column: Boxes, distance: float) -> Mask:
    """Return which boxes, given by tops (N,) and one height, keep a distance from the boxes (M, 4) of a column."""
    column = column[column[:, 1].argsort()]
    starts, ends = column[:, 1] - distance - height, np.maximum.accumulate(column[:, 3] + distance)
    before = np.searchsorted(starts, tops)  # how many boxes begin above the lower edge
    return np.asarray((before == 0) | (np.append(ends, 0)[before - 1] <= tops))


def _boxes_at(corners: Points, size: tuple[int, int]) -> Boxes:
    """Boxes (N, 4) of one size with their upper left corners (N, 2) rounded to whole pixels."""
    corners = np.rint(corners)
    return np.column_stack([corners, corners + np.asarray(size, np.float64)])


def _are_free(boxes: Boxes, taken: Boxes, distance: float) -> Mask:
    """Which of the boxes (N, 4) keep a distance from all taken ones (M, 4)."""
    overlaps = np.minimum(boxes[:, None, 2:], taken[None, :, 2:]) - np.maximum(boxes[:, None, :2], taken[None, :, :2])
    return np.logical_not(np.any((overlaps > -distance).all(axis=2), axis=1))
