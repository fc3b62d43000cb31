"""Boxes of digits into lines and numbers, in reading order: pure NumPy.

Nothing here knows what the digits are. Every distance is measured in heights of the digits concerned, so that the
result is the same at any scale. The steps:

1. The angle and the bend of the page are those at which the most near digits stand level (skew.py).
2. On the page set level, each digit is linked to its nearest neighbour on the right: runs of digits.
3. Runs that stand level with each other, however far apart, are one line, as in a table.
4. Lines are read from the top; columns whose lines do not align are read one after the other (reading_order.py).
5. The gaps that stand out in a line part its numbers (gaps.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digitdet.common.boxes import as_boxes
from digitdet.reading.gaps import break_probabilities
from digitdet.reading.reading_order import Extents, flatten, reading_order
from digitdet.reading.skew import Digits, near_pairs, page_shape, pairs_within

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]

# Neighbours in a run have up to this free space between them, in heights: as much as the gutter of a tight table.
_REACH = 1.5
# They share at least this part of the lower one's height, and more where a height of free space is between them.
_MIN_SHARED, _MIN_SHARED_FAR = 0.35, 0.6
# Neighbours differ in height by at most this factor. One that is taller than two which are stacked beside it, by this
# factor at least, belongs to the line of neither.
_MAX_RATIO, _TALL = 2.5, 1.5
# Runs of one line stand off each other by at most this, in heights of the lower one, at their middles or at their feet.
_MAX_STEP = 0.4


@dataclass(frozen=True)
class Line:
    """Digits that are read one after the other, from left to right.

    `numbers` holds rows of the boxes, number by number. `angle` is how far the line is turned clockwise on the picture,
    in degrees; of a curved line it is that of its chord. `breaks` has a probability (0 to 1) for each pair of
    neighbours of the whole line, in order: that one number ends and another begins between them. Numbers are parted
    where it is 0.5 or more.
    """

    numbers: tuple[tuple[int, ...], ...]
    angle: float
    breaks: tuple[float, ...]

    @property
    def digits(self) -> tuple[int, ...]:
        """The rows of all its boxes, from left to right."""
        return tuple(row for number in self.numbers for row in number)


def find_lines(boxes: npt.ArrayLike) -> list[Line]:
    """Put digit boxes together into lines of numbers.

    Args:
        boxes: (N, 4) xyxy in pixels, in any order.

    Returns:
        The lines in reading order; every row of `boxes` is in exactly one number. Digits that stand one above the other
        are never in one line.

    Raises:
        ValueError: `boxes` has not four columns.
    """
    boxes = as_boxes(boxes)
    if not len(boxes):
        return []
    # Ties are broken by place, never by the order in which the boxes came.
    order = np.lexsort((boxes[:, 3], boxes[:, 2], boxes[:, 1], boxes[:, 0]))
    left, top, right, bottom = boxes[order].T
    seen = Digits((left + right) / 2, (top + bottom) / 2, right - left, np.maximum(bottom - top, 1e-9))
    pairs = near_pairs(seen)
    angle, bend = page_shape(seen, *pairs)
    turned = seen.turned(angle)
    level = turned.unbent(bend)
    runs = _runs(level, *pairs)
    lines = reading_order(_extents(level, runs), _lines(level, runs))
    flat, starts, counts = flatten([[row for run in line for row in runs[run]] for line in lines])
    slopes = np.degrees(angle) + _slopes(turned.take(flat), starts, counts)
    breaks = break_probabilities(level.x[flat], level.width[flat], level.height[flat], counts).tolist()
    rows, ends = order[flat].tolist(), (starts + counts).tolist()
    return [
        Line(_split(rows[start:end], breaks[start : end - 1]), slope, tuple(breaks[start : end - 1]))
        for start, end, slope in zip(starts.tolist(), ends, slopes.tolist(), strict=True)
    ]


def _runs(digits: Digits, left: Rows, right: Rows) -> list[list[int]]:
    """Digits linked each to its nearest neighbour on the right, as long as both agree; single ones too."""
    a, b = digits.take(left), digits.take(right)
    across, down = b.x - a.x, b.y - a.y
    tall, low = np.maximum(a.height, b.height), np.minimum(a.height, b.height)
    free = (across - (a.width + b.width) / 2) * 2 / (tall + low)
    shared = np.minimum((tall + low) / 2 - np.abs(down), low) / low
    needed = _MIN_SHARED + (_MIN_SHARED_FAR - _MIN_SHARED) * np.clip(free, 0, 1)
    linked = (across > 0) & (free <= _REACH) & (shared >= needed) & (tall <= _MAX_RATIO * low)
    left, right, down, cost = left[linked], right[linked], down[linked], (across + 2 * np.abs(down))[linked]
    kept = ~(_beside_stack(digits.height, left, right, down) | _beside_stack(digits.height, right, left, -down))
    return _chains(len(digits.x), left[kept], right[kept], cost[kept])


def _beside_stack(height: Floats, tall: Rows, low: Rows, down: Floats) -> Mask:
    """Which pairs (P,) are a tall digit and one of several lower ones that stand above each other beside it."""
    taller = height[tall] > _TALL * height[low]
    step = down / height[tall]
    above, below = np.zeros(len(height), bool), np.zeros(len(height), bool)
    above[tall[taller & (step < -0.15)]] = True
    below[tall[taller & (step > 0.15)]] = True
    return np.asarray(taller & (above & below)[tall])


def _lines(digits: Digits, runs: list[list[int]]) -> list[list[int]]:
    """Runs that stand level with each other, linked from left to right across any distance."""
    starts, ends = _ends(digits, runs)
    left, right = pairs_within(ends.y, _MAX_RATIO / 2 * ends.height, starts.y)
    a, b = ends.take(left), starts.take(right)
    free = b.x - a.x - (a.width + b.width) / 2
    tall, low = np.maximum(a.height, b.height), np.minimum(a.height, b.height)
    down = b.y - a.y
    step = np.minimum(np.abs(down), np.abs(down + (b.height - a.height) / 2))  # of the middles, or of the feet
    linked = (b.x > a.x) & (free > -_MAX_STEP * low) & (step <= _MAX_STEP * low) & (tall <= _MAX_RATIO * low)
    return _chains(len(runs), left[linked], right[linked], (free + 2 * np.abs(down))[linked])


def _ends(digits: Digits, runs: list[list[int]]) -> tuple[Digits, Digits]:
    """The first and the last digit of each run, at the mean height and size of up to three: single digits dance."""
    flat, starts, counts = flatten(runs)
    few = np.minimum(counts, 3)

    def end_at(outermost: Rows, first: Rows) -> Digits:
        y, height = (
            (sums[first + few] - sums[first]) / few
            for sums in (np.cumsum([0.0, *values[flat]]) for values in (digits.y, digits.height))
        )
        return Digits(digits.x[flat[outermost]], y, digits.width[flat[outermost]], height)

    last = starts + counts - 1
    return end_at(starts, starts), end_at(last, last + 1 - few)


def _chains(count: int, left: Rows, right: Rows, cost: Floats) -> list[list[int]]:
    """Rows 0 to `count` linked from left to right where each is the other's cheapest; unlinked ones are alone."""
    ranked = np.argsort(cost, kind="stable")[::-1]  # of several values for one place, the last is kept: the cheapest
    following, leading = np.full(count, -1), np.full(count, -1)
    following[left[ranked]] = right[ranked]
    leading[right[ranked]] = left[ranked]
    rows = np.arange(count)
    following[leading[following] != rows] = -1
    is_first = np.ones(count, bool)
    is_first[following[following >= 0]] = False
    links = following.tolist()
    return [list(_walk(start, links)) for start in np.flatnonzero(is_first).tolist()]


def _walk(row: int, links: Sequence[int]) -> Iterator[int]:
    while row >= 0:
        yield row
        row = links[row]


def _extents(digits: Digits, runs: list[list[int]]) -> Extents:
    """Where each run stands."""
    wide, high = digits.width / 2, digits.height / 2
    return Extents(digits.x - wide, digits.y - high, digits.x + wide, digits.y + high).joined(runs)


def _slopes(digits: Digits, starts: Rows, counts: Rows) -> Floats:
    """Degrees (L,) by which the feet of each line's digits slope: least squares, those that stand far off count less.

    `digits` are those of all lines, one line after another.
    """
    feet = digits.y + digits.height / 2
    weight = np.ones(len(feet))
    for _ in range(2):
        total = np.add.reduceat(weight, starts)
        across = digits.x - np.repeat(np.add.reduceat(weight * digits.x, starts) / total, counts)
        down = feet - np.repeat(np.add.reduceat(weight * feet, starts) / total, counts)
        # One squared height more: of a short line, whose digits dance, the page's angle says more.
        squares = np.add.reduceat(weight * across**2, starts) + np.add.reduceat(digits.height**2, starts) / counts
        slope = np.add.reduceat(weight * across * down, starts) / squares
        weight = np.maximum(1 - ((down - np.repeat(slope, counts) * across) / digits.height) ** 2, 0.05)
    return np.asarray(np.degrees(np.arctan(slope)))


def _split(digits: Sequence[int], breaks: Sequence[float]) -> tuple[tuple[int, ...], ...]:
    """Digits parted where the probability of a break is 0.5 or more."""
    ends = [place for place, chance in enumerate(breaks, start=1) if chance >= 0.5]
    return tuple(tuple(digits[start:end]) for start, end in zip([0, *ends], [*ends, len(digits)], strict=True))
