"""Boxes of digits into numbers, and numbers into reading order: pure NumPy.

Every distance is measured in heights of the digits concerned, so that the result is the same at any scale.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from digitdet.datasets.boxes import as_boxes

FloatArray = npt.NDArray[np.float64]

# Neighbours in a number share at least this part of the smaller one's height, once the page is upright.
_MIN_SHARED_HEIGHT = 0.4
# Numbers of one line share at least this part: more than neighbours that stand far apart on a crooked line would.
_MIN_SHARED_LINE = 0.5
# Neighbours in a number differ in height by at most this factor.
_MAX_HEIGHT_RATIO = 2.5


def group_digits(boxes: npt.ArrayLike, max_gap: float) -> list[list[int]]:
    """Put digit boxes together into numbers.

    Args:
        boxes: (N, 4) xyxy, in any order.
        max_gap: The free space between neighbours of one number, at most, in heights of the two.

    Returns:
        The rows of each number from left to right; the numbers line by line from the top, each line from the left.
        Every row is in exactly one number.
    """
    boxes = as_boxes(boxes)
    if not len(boxes):
        return []
    # Chains on the page as it lies show its angle; chains on the page set upright are the numbers.
    angle = _page_angle(boxes, _chains(boxes, max_gap))
    upright = _turned(boxes, -angle)
    numbers = _chains(upright, max_gap)
    return _reading_order(upright, numbers)


def _page_angle(boxes: FloatArray, chains: list[list[int]]) -> float:
    """The angle of the lines in radians, clockwise: the median slope from a number's first to its last digit.

    A number counts by its length, since digits of unequal height blur the slope of a short one.
    """
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    slopes, weights = [], []
    for chain in chains:
        if len(chain) > 1:
            x, y = centres[chain[-1]] - centres[chain[0]]
            slopes.append(np.arctan2(y, x))
            weights.append(len(chain) - 1)
    if not slopes:
        return 0.0
    order = np.argsort(slopes)
    half = np.cumsum(np.array(weights)[order]) >= sum(weights) / 2
    return float(np.array(slopes)[order][np.argmax(half)])


def _turned(boxes: FloatArray, angle: float) -> FloatArray:
    """Boxes of the same size around centres turned by `angle` radians, clockwise, about the origin."""
    centres, halves = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]) / 2
    cos, sin = np.cos(angle), np.sin(angle)
    centres = centres @ np.array([[cos, sin], [-sin, cos]])
    return np.concatenate([centres - halves, centres + halves], axis=1)


def _chains(boxes: FloatArray, max_gap: float) -> list[list[int]]:
    """Rows of boxes linked each to its nearest neighbour on the right, as long as both agree."""
    left, top, right, bottom = boxes.T
    centre = (left + right) / 2
    height = bottom - top
    smaller = np.maximum(np.minimum(height[:, None], height[None]), 1e-9)
    shared = (np.minimum(bottom[:, None], bottom[None]) - np.maximum(top[:, None], top[None])) / smaller
    gap = (left[None] - right[:, None]) / ((height[:, None] + height[None]) / 2 + 1e-9)
    ratio = np.maximum(height[:, None], height[None]) / smaller
    distance = centre[None] - centre[:, None]
    allowed = (distance > 0) & (gap <= max_gap) & (shared >= _MIN_SHARED_HEIGHT) & (ratio <= _MAX_HEIGHT_RATIO)
    distance = np.where(allowed, distance, np.inf)

    follower = np.argmin(distance, axis=1)
    leader = np.argmin(distance, axis=0)
    rows = np.arange(len(boxes))
    linked = allowed[rows, follower] & (leader[follower] == rows)
    starts = np.setdiff1d(rows, follower[linked])
    chains = []
    for start in starts:
        chain = [int(start)]
        while linked[chain[-1]]:
            chain.append(int(follower[chain[-1]]))
        chains.append(chain)
    return chains


def _reading_order(boxes: FloatArray, numbers: list[list[int]]) -> list[list[int]]:
    """Numbers on an upright page, line by line from the top, each line from the left."""
    tops = np.array([boxes[number, 1].mean() for number in numbers])
    bottoms = np.array([boxes[number, 3].mean() for number in numbers])
    lefts = np.array([boxes[number, 0].min() for number in numbers])
    lines: list[list[int]] = []
    for row in np.lexsort((lefts, (tops + bottoms) / 2)):
        for line in reversed(lines):
            line_top, line_bottom = tops[line].mean(), bottoms[line].mean()
            shared = min(bottoms[row], line_bottom) - max(tops[row], line_top)
            if shared >= _MIN_SHARED_LINE * min(bottoms[row] - tops[row], line_bottom - line_top):
                line.append(int(row))
                break
        else:
            lines.append([int(row)])
    lines.sort(key=lambda line: float((tops[line] + bottoms[line]).mean()))
    return [numbers[row] for line in lines for row in sorted(line, key=lambda row: float(lefts[row]))]
