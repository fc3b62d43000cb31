"""The skew of a page: the angle and the bend of its lines, and digits moved to the levelled page."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from digitdet.common.types import FloatArray, Indices

_MAX_ANGLE = 35  # of lines, in degrees
_MAX_SPACE = 3.0  # between the digits of a pair, in heights
_LEVEL = 0.35  # two digits are level when their middles differ by less than this, in heights
_ITERATIONS = 3  # of least squares
_BEND_PRIOR = 4.0  # weight of pairs that a bend has to outweigh
_ALIKE = (0.5, 0.7)  # ratio of heights from which two digits count a little, and fully, as of one size


@dataclass(frozen=True)
class Digits:
    """Middles `x`, `y` and sizes of digit boxes in pixels, (N,) each, on the picture or on the levelled page."""

    x: FloatArray
    y: FloatArray
    width: FloatArray
    height: FloatArray

    def take(self, rows: Indices) -> Digits:
        """Return these rows."""
        return Digits(self.x[rows], self.y[rows], self.width[rows], self.height[rows])

    def rotated(self, angle: float) -> Digits:
        """Rotate the page counter-clockwise by an angle in radians.

        The upright box of rotated ink is larger than the box of level ink. The ink is taken as an ellipse.
        """
        cos, sin = np.cos(angle), np.sin(angle)
        wide, high = self.width**2, self.height**2
        scale = max(cos**2 - sin**2, 0.1)  # of lines that are steeper than 42 degrees
        width = np.sqrt(np.maximum(wide * cos**2 - high * sin**2, 0.1 * wide) / scale)
        height = np.sqrt(np.maximum(high * cos**2 - wide * sin**2, 0.1 * high) / scale)
        return Digits(self.x * cos + self.y * sin, self.y * cos - self.x * sin, width, height)

    def straightened(self, bend: float) -> Digits:
        """Straighten lines whose slope changes by `bend` per pixel to the right."""
        x = self.x - (self.x.min() + self.x.max()) / 2
        return Digits(self.x, self.y - bend / 2 * x**2, self.width, self.height)


def likeness(low: FloatArray, tall: FloatArray) -> FloatArray:
    """Return 0 to 1: whether digits of heights (N,) are of one size, so that they have their middles and feet level.

    The raised cents of a price and small decimals do not.
    """
    return np.clip((low / tall - _ALIKE[0]) / (_ALIKE[1] - _ALIKE[0]), 0, 1)


def pairs_within(positions: FloatArray, reach: FloatArray, values: FloatArray) -> tuple[Indices, Indices]:
    """Return all rows i (P,) and j (P,), i != j, with values[j] within reach[i] of positions[i]; all are (N,)."""
    order = np.argsort(values, kind="stable")
    ranked = values[order]
    start = np.searchsorted(ranked, positions - reach, side="left")
    count = np.searchsorted(ranked, positions + reach, side="right") - start
    first = np.repeat(np.arange(len(values)), count)
    step = np.arange(len(first)) - np.repeat(np.cumsum(count) - count, count)
    second = order[step + np.repeat(start, count)]
    others = first != second
    return first[others], second[others]


def neighbour_pairs(digits: Digits) -> tuple[Indices, Indices]:
    """Return the rows `left` (P,) and `right` (P,) of digits that may be neighbours in a line of any allowed angle."""
    slope = np.tan(np.radians(_MAX_ANGLE))
    left, right = pairs_within(digits.y, (slope * (_MAX_SPACE + 1) + _LEVEL) * digits.height, digits.y)
    beside = digits.x[right] > digits.x[left]
    left, right = left[beside], right[beside]
    across, down = digits.x[right] - digits.x[left], np.abs(digits.y[right] - digits.y[left])
    height = (digits.height[left] + digits.height[right]) / 2
    space = across - (digits.width[left] + digits.width[right]) / 2
    near = (space <= _MAX_SPACE * height) & (down <= slope * across + 2 * _LEVEL * height)
    return left[near], right[near]


def page_skew(digits: Digits, left: Indices, right: Indices) -> tuple[float, float]:
    """Return the clockwise angle of the lines in radians, and their bend: the change of slope per pixel to the right.

    The slope is the one at which most neighbour pairs are level (a Hough transform; Duda and Hart, 1972), refined
    together with the bend by weighted least squares, with a prior for level and straight lines.
    """
    if len(digits.x) < 3:
        return 0.0, 0.0
    height = (digits.height[left] + digits.height[right]) / 2
    across, down = (digits.x[right] - digits.x[left]) / height, (digits.y[right] - digits.y[left]) / height
    alike = likeness(*np.sort([digits.height[left], digits.height[right]], axis=0))
    degrees = np.arange(-_MAX_ANGLE, _MAX_ANGLE + 1)
    slopes = np.tan(np.radians(degrees))
    votes = (alike * np.maximum(1 - ((down - slopes[:, None] * across) / _LEVEL) ** 2, 0)).sum(axis=1)
    shape = np.array([slopes[np.argmax(votes - 2 * np.abs(degrees) / _MAX_ANGLE)], 0.0])
    width = max(float(np.ptp(digits.x)), 1e-9)
    middle = (digits.x[left] + digits.x[right] - digits.x.min() - digits.x.max()) / width  # -1 to 1
    terms = np.stack([across, across * middle])
    for _ in range(_ITERATIONS):
        weighted = terms * alike * np.maximum(1 - ((down - shape @ terms) / _LEVEL) ** 2, 0)
        shape = np.linalg.solve(weighted @ terms.T + np.diag([1.0, _BEND_PRIOR]), weighted @ down)
    return float(np.arctan(shape[0])), float(2 * shape[1] / width)
