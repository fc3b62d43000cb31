"""Small raised and lowered digits, which are not parts of numbers: exponents, footnote marks, the 2 of CO2.

A digit is taken for one if it is much lower than the digits of the line beside it, and raised above their feet or
lowered below them. Two of them side by side may be the cents of a price and are kept. So are zeros, and digits before
another digit, which may be small in handwriting; and digits as wide as the others, which are cut off, as on a counter.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from digitdet.common.types import Boxes, FloatArray, Indices, Mask

# All in heights of the nearest full digit of the line.
_HEIGHTS = (0.3, 0.66)
_RAISED_TOPS, _RAISED_FEET = (-0.5, 0.12), (-1.0, -0.28)  # below the top and the foot of the full digit
_LOWERED_TOPS, _LOWERED_FEET = (0.35, 1.0), (0.06, 0.5)
_MAX_DISTANCE = 4.0  # between the two
_MAX_WIDTH = 0.8  # relative to the widest full digit
_MAX_PAIR_GAP, _MAX_PAIR_STEP = 0.6, 0.2  # between small digits that are side by side
_GAP_BEHIND_FIRST, _GAP_BEHIND = 0.4, 0.8  # least gaps to the next digit, behind the first one and behind others

_FULL = 0.75  # of the height of the highest digit: the digits that show the slope of a line


def find_small_digits(boxes: Boxes, labels: Indices, lines: Sequence[Indices]) -> Indices:
    """Return the rows of the raised and lowered digits of a page.

    Args:
        boxes: The digits (N, 4), upright xyxy in pixels.
        labels: What they most likely are (N,), 0 to 9.
        lines: The rows of each line.
    """
    alone = np.array([line[0] for line in lines if len(line) == 1], np.intp)
    found: list[Indices] = [np.zeros(0, np.intp)]
    for line in lines:
        rows = np.union1d(line, alone[_is_near(boxes[alone], boxes[line])] if len(line) else [])
        if len(rows) > 1:
            found.append(rows[_small_digits(boxes[rows], np.isin(rows, line))])
    rows = np.unique(np.concatenate(found))
    return rows[labels[rows] > 0]


def _is_near(boxes: Boxes, line: Boxes) -> Mask:
    """Whether boxes (N, 4) are near enough to those of a line (M, 4)."""
    reach = float((line[:, 3] - line[:, 1]).max()) * np.array([_MAX_DISTANCE + 1, 2])
    low, high = line[:, :2].min(axis=0) - reach, line[:, 2:].max(axis=0) + reach
    return np.asarray(((boxes[:, :2] >= low) & (boxes[:, 2:] <= high)).all(axis=1))


def _small_digits(boxes: Boxes, is_in_line: Mask) -> Mask:
    """Whether boxes (N, 4) are small digits of the line that some of them form."""
    left, top, right, bottom = boxes.T
    x, height = (left + right) / 2, np.maximum(bottom - top, 1e-9)
    rise = _slope(x[is_in_line], bottom[is_in_line], height[is_in_line]) * x
    top, bottom = top - rise, bottom - rise
    is_full = is_in_line & (height[:, None] <= _HEIGHTS[1] * height)
    nearest = np.where(is_full, np.abs(x[:, None] - x), np.inf).argmin(axis=1)
    rows = np.arange(len(boxes))
    scale = height[nearest]
    gaps = np.maximum(left[:, None] - right, left - right[:, None])
    tops, feet = (top - top[nearest]) / scale, (bottom - bottom[nearest]) / scale
    is_raised = _is_within(tops, _RAISED_TOPS) & _is_within(feet, _RAISED_FEET)
    is_lowered = _is_within(tops, _LOWERED_TOPS) & _is_within(feet, _LOWERED_FEET)
    is_small = (is_raised | is_lowered) & _is_within(height / scale, _HEIGHTS)
    is_small &= gaps[rows, nearest] <= _MAX_DISTANCE * scale
    is_small &= right - left <= _MAX_WIDTH * np.where(is_full, right - left, 0.0).max(axis=1)
    is_pair = gaps <= _MAX_PAIR_GAP * scale[:, None]
    is_pair &= np.abs(bottom[:, None] - bottom) <= _MAX_PAIR_STEP * scale[:, None]
    is_pair &= is_small & (rows[:, None] != rows)
    is_behind = is_in_line & (x > x[:, None])
    least = np.where((is_in_line & (x < x[:, None])).any(axis=1), _GAP_BEHIND, _GAP_BEHIND_FIRST) * scale
    is_inside = (is_behind & (gaps < least[:, None])).any(axis=1)
    return np.asarray(is_small & ~is_pair.any(axis=1) & ~is_inside)


def _slope(x: FloatArray, feet: FloatArray, height: FloatArray) -> float:
    """Return the slope of the feet of a line's full digits."""
    is_full = height >= _FULL * height.max()
    x, feet = (values[is_full] - values[is_full].mean() for values in (x, feet))
    return float((x * feet).sum() / ((x**2).sum() + (height[is_full] ** 2).mean()))


def _is_within(values: FloatArray, limits: tuple[float, float]) -> Mask:
    return np.asarray((values >= limits[0]) & (values <= limits[1]))
