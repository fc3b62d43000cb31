"""Lines of digit boxes in reading order; what the digits are is not used.

Every distance is in heights of the digits concerned, so the result is the same at any scale. The steps:

1. Estimate the angle and the bend of the page from neighbouring digits (skew.py), and level the page.
2. Link each digit to its nearest neighbour on the right: runs of digits.
3. Link runs that are level with each other, at any distance, to lines.
4. Order the lines, column by column where columns do not align (reading_order.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digitdet.common.boxes import as_boxes
from digitdet.common.types import FloatArray, Indices, Mask
from digitdet.reading.reading_order import Extents, flatten, reading_order
from digitdet.reading.skew import Digits, likeness, neighbour_pairs, page_skew, pairs_within

# All in digit heights.
_MAX_SPACE = 1.5  # between neighbours in a run
_MIN_SHARED, _MIN_SHARED_FAR = 0.35, 0.6  # of the lower one's height, side by side and a height apart
_MAX_HEIGHT_RATIO = 2.8  # of neighbours
_TALL_RATIO = 1.5  # a digit this much taller than two stacked beside it belongs to the line of neither
_MAX_STEP = 0.4  # between runs of one line, at their middles or at their feet


@dataclass(frozen=True)
class Line:
    """Digits that are read one after the other, from left to right."""

    digits: tuple[int, ...]  # the rows of the boxes
    angle: float  # clockwise, in degrees; the angle of the chord if the line is curved


def find_lines(boxes: npt.ArrayLike) -> list[Line]:
    """Arrange digit boxes (N, 4) xyxy in lines, in reading order; every row is in exactly one line."""
    boxes = as_boxes(boxes)
    if not len(boxes):
        return []
    # Ties are broken by position, so that the order of the input does not matter.
    order = np.lexsort((boxes[:, 3], boxes[:, 2], boxes[:, 1], boxes[:, 0]))
    left, top, right, bottom = boxes[order].T
    seen = Digits((left + right) / 2, (top + bottom) / 2, right - left, np.maximum(bottom - top, 1e-9))
    pairs = neighbour_pairs(seen)
    angle, bend = page_skew(seen, *pairs)
    rotated = seen.rotated(angle)
    level = rotated.straightened(bend)
    runs = _runs(level, *pairs)
    wide, high = level.width / 2, level.height / 2
    extents = Extents(level.x - wide, level.y - high, level.x + wide, level.y + high).joined(runs)
    lines = reading_order(extents, _lines(level, runs))
    flat, starts, counts = flatten([[row for run in line for row in runs[run]] for line in lines])
    slopes = np.degrees(angle) + _slopes(rotated.take(flat), starts, counts)
    rows = np.split(order[flat], starts[1:])
    return [Line(tuple(line.tolist()), slope) for line, slope in zip(rows, slopes.tolist(), strict=True)]


def _runs(digits: Digits, left: Indices, right: Indices) -> list[list[int]]:
    """Link each digit to its nearest neighbour on the right where the link is mutual; a single digit is a run."""
    a, b = digits.take(left), digits.take(right)
    across, down = b.x - a.x, b.y - a.y
    tall, low = np.maximum(a.height, b.height), np.minimum(a.height, b.height)
    free = (across - (a.width + b.width) / 2) * 2 / (tall + low)
    shared = np.minimum((tall + low) / 2 - np.abs(down), low) / low
    needed = _MIN_SHARED + (_MIN_SHARED_FAR - _MIN_SHARED) * np.clip(free, 0, 1)
    linked = (across > 0) & (free <= _MAX_SPACE) & (shared >= needed) & (tall <= _MAX_HEIGHT_RATIO * low)
    left, right, down, cost = left[linked], right[linked], down[linked], (across + 2 * np.abs(down))[linked]
    kept = ~(_beside_stack(digits.height, left, right, down) | _beside_stack(digits.height, right, left, -down))
    return _chains(len(digits.x), left[kept], right[kept], cost[kept])


def _beside_stack(height: FloatArray, tall: Indices, low: Indices, down: FloatArray) -> Mask:
    """Whether pairs (P,) are a tall digit and one of several lower ones that are stacked beside it."""
    taller = height[tall] > _TALL_RATIO * height[low]
    step = down / height[tall]
    above, below = np.zeros(len(height), bool), np.zeros(len(height), bool)
    above[tall[taller & (step < -0.15)]] = True
    below[tall[taller & (step > 0.15)]] = True
    return np.asarray(taller & (above & below)[tall])


def _lines(digits: Digits, runs: list[list[int]]) -> list[list[int]]:
    """Link runs that are level with each other from left to right, at any distance."""
    starts, ends = _ends(digits, runs)
    left, right = pairs_within(ends.y, _MAX_HEIGHT_RATIO / 2 * ends.height, starts.y)
    a, b = ends.take(left), starts.take(right)
    free = b.x - a.x - (a.width + b.width) / 2
    tall, low = np.maximum(a.height, b.height), np.minimum(a.height, b.height)
    down = b.y - a.y
    step = np.minimum(np.abs(down), np.abs(down + (b.height - a.height) / 2))  # of the middles, or of the feet
    linked = (b.x > a.x) & (free > -_MAX_STEP * low) & (step <= _MAX_STEP * low) & (tall <= _MAX_HEIGHT_RATIO * low)
    return _chains(len(runs), left[linked], right[linked], (free + 2 * np.abs(down))[linked])


def _ends(digits: Digits, runs: list[list[int]]) -> tuple[Digits, Digits]:
    """Return the first and the last digit of each run, with the mean y and height of the outermost three digits."""
    flat, starts, counts = flatten(runs)
    few = np.minimum(counts, 3)

    def end_at(outermost: Indices, first: Indices) -> Digits:
        y, height = (
            (sums[first + few] - sums[first]) / few
            for sums in (np.cumsum([0.0, *values[flat]]) for values in (digits.y, digits.height))
        )
        return Digits(digits.x[flat[outermost]], y, digits.width[flat[outermost]], height)

    last = starts + counts - 1
    return end_at(starts, starts), end_at(last, last + 1 - few)


def _chains(count: int, left: Indices, right: Indices, cost: FloatArray) -> list[list[int]]:
    """Link items 0 to `count` from left to right where each is the other's cheapest; unlinked ones stay alone."""
    ranked = np.argsort(cost, kind="stable")[::-1]  # of several assignments to one element the last stays: the cheapest
    following, leading = np.full(count, -1), np.full(count, -1)
    following[left[ranked]] = right[ranked]
    leading[right[ranked]] = left[ranked]
    rows = np.arange(count)
    following[leading[following] != rows] = -1
    is_first = np.ones(count, bool)
    is_first[following[following >= 0]] = False
    links = following.tolist()
    chains = []
    for row in np.flatnonzero(is_first).tolist():
        chain = [row]
        while (row := links[row]) >= 0:
            chain.append(row)
        chains.append(chain)
    return chains


def _slopes(digits: Digits, starts: Indices, counts: Indices) -> FloatArray:
    """Return the slopes (L,) of the feet of each line's digits in degrees, by robust least squares."""
    feet = digits.y + digits.height / 2
    tallest = np.repeat(np.maximum.reduceat(digits.height, starts), counts)
    size = np.maximum(likeness(digits.height, tallest), 0.05)
    weight = size
    for _ in range(2):
        total = np.add.reduceat(weight, starts)
        across = digits.x - np.repeat(np.add.reduceat(weight * digits.x, starts) / total, counts)
        down = feet - np.repeat(np.add.reduceat(weight * feet, starts) / total, counts)
        # The added squared height pulls short lines towards the page's angle.
        squares = np.add.reduceat(weight * across**2, starts) + np.add.reduceat(digits.height**2, starts) / counts
        slope = np.add.reduceat(weight * across * down, starts) / squares
        weight = size * np.maximum(1 - ((down - np.repeat(slope, counts) * across) / digits.height) ** 2, 0.05)
    return np.asarray(np.degrees(np.arctan(slope)))
