"""Which way the lines of a page run: its angle and its bend, and the page set level."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]

# Lines are looked for that are turned by up to this, in degrees.
_MAX_ANGLE = 20
# Pairs tell the angle, and may be neighbours, up to this free space between them, in heights.
_REACH = 3.0
# Two digits stand level when their middles differ by less than this, in heights: handwriting dances by less.
_LEVEL = 0.35
# Least squares in so many rounds; a bend must be shown by pairs that weigh more than this.
_ROUNDS, _STRAIGHT = 3, 4.0


@dataclass(frozen=True)
class Digits:
    """Middles `x`, `y` and sizes of digit boxes in pixels, (N,) each, on the picture or on the page set level."""

    x: Floats
    y: Floats
    width: Floats
    height: Floats

    def take(self, rows: Rows) -> Digits:
        """Those in these rows, in their order."""
        return Digits(self.x[rows], self.y[rows], self.width[rows], self.height[rows])

    def turned(self, angle: float) -> Digits:
        """The page turned counter-clockwise by an angle in radians.

        The box of turned ink is larger than that of level ink; by how much depends on the ink. It is taken for an
        ellipse here, which lies between a disc, whose box stays the same, and a frame.
        """
        cos, sin = np.cos(angle), np.sin(angle)
        wide, high = self.width**2, self.height**2
        scale = cos**2 - sin**2
        width = np.sqrt(np.maximum(wide * cos**2 - high * sin**2, 0.1 * wide) / scale)
        height = np.sqrt(np.maximum(high * cos**2 - wide * sin**2, 0.1 * high) / scale)
        return Digits(self.x * cos + self.y * sin, self.y * cos - self.x * sin, width, height)

    def unbent(self, bend: float) -> Digits:
        """The page with lines whose slope changes by `bend` per pixel to the right laid straight."""
        x = self.x - (self.x.min() + self.x.max()) / 2
        return Digits(self.x, self.y - bend / 2 * x**2, self.width, self.height)


def pairs_within(places: Floats, reach: Floats, values: Floats) -> tuple[Rows, Rows]:
    """All (i, j), i != j, with values[j] within reach[i] of places[i]: a sort and a window, not N x N.

    Args:
        places: (N,) places.
        reach: (N,) distances from them.
        values: (N,) other places, of the same things.

    Returns:
        The rows i (P,) and j (P,).
    """
    order = np.argsort(values, kind="stable")
    ranked = values[order]
    start = np.searchsorted(ranked, places - reach, side="left")
    count = np.searchsorted(ranked, places + reach, side="right") - start
    first = np.repeat(np.arange(len(values)), count)
    step = np.arange(len(first)) - np.repeat(np.cumsum(count) - count, count)
    second = order[step + np.repeat(start, count)]
    others = first != second
    return first[others], second[others]


def near_pairs(digits: Digits) -> tuple[Rows, Rows]:
    """Rows `left` (P,) and `right` (P,) of digits that may be neighbours, at any angle that lines are looked for."""
    slope = np.tan(np.radians(_MAX_ANGLE))
    left, right = pairs_within(digits.y, (slope * (_REACH + 1) + _LEVEL) * digits.height, digits.y)
    beside = digits.x[right] > digits.x[left]
    left, right = left[beside], right[beside]
    across, down = digits.x[right] - digits.x[left], np.abs(digits.y[right] - digits.y[left])
    height = (digits.height[left] + digits.height[right]) / 2
    free = across - (digits.width[left] + digits.width[right]) / 2
    near = (free <= _REACH * height) & (down <= slope * across + 2 * _LEVEL * height)
    return left[near], right[near]


def page_shape(digits: Digits, left: Rows, right: Rows) -> tuple[float, float]:
    """The angle of the lines in radians, clockwise, and their bend: the change of their slope per pixel to the right.

    The slope is that at which the most of the near pairs stand level (a Hough transform; Duda and Hart, Use of the
    Hough transformation to detect lines and curves in pictures, 1972), and among those the one of least squares,
    together with the bend. Level and straight is preferred by the weight of a few pairs: a few digits that dance are
    no evidence.
    """
    if len(digits.x) < 3:
        return 0.0, 0.0
    height = (digits.height[left] + digits.height[right]) / 2
    across, down = (digits.x[right] - digits.x[left]) / height, (digits.y[right] - digits.y[left]) / height
    degrees = np.arange(-_MAX_ANGLE, _MAX_ANGLE + 1)
    slopes = np.tan(np.radians(degrees))
    level = np.maximum(1 - ((down - slopes[:, None] * across) / _LEVEL) ** 2, 0).sum(axis=1)
    shape = np.array([slopes[np.argmax(level - 2 * np.abs(degrees) / _MAX_ANGLE)], 0.0])
    width = max(float(np.ptp(digits.x)), 1e-9)
    middle = (digits.x[left] + digits.x[right] - digits.x.min() - digits.x.max()) / width  # -1 to 1
    terms = np.stack([across, across * middle])
    for _ in range(_ROUNDS):
        weighted = terms * np.maximum(1 - ((down - shape @ terms) / _LEVEL) ** 2, 0)
        shape = np.linalg.solve(weighted @ terms.T + np.diag([1.0, _STRAIGHT]), weighted @ down)
    return float(np.arctan(shape[0])), float(2 * shape[1] / width)
