"""Reading order of the lines of a page: top to bottom, column by column where the columns do not align.

An XY-cut (Nagy and Seth, Hierarchical representation of optically scanned documents, 1984) that cuts between columns
only where the lines on both sides do not align: a table is read row by row.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from digitdet.common.types import FloatArray, Indices

# Lines on the two sides of a gutter can match up to this distance, in parts of the line pitch, and in heights.
_MATCH_PITCH, _MATCH_HEIGHTS = 0.7, 1.2
# The sides of a gutter are columns where matching lines are off by more than this on average, in heights; the worst are
# left out, so that one odd line does not divide a table. For narrow gutters the limit is higher by up to the second
# value, falling to 0 at a width of the third, in heights.
_MAX_MISFIT, _NARROW_MISFIT, _WIDE_GUTTER = 0.22, 0.2, 3.0
_COUNTED = 0.75  # share of the lines that count


@dataclass(frozen=True)
class Extents:
    """Where runs of digits, or lines, are on the levelled page, (R,) each; `top` and `bottom` are means over digits."""

    left: FloatArray
    top: FloatArray
    right: FloatArray
    bottom: FloatArray

    def take(self, rows: Indices) -> Extents:
        """Return these rows."""
        return Extents(self.left[rows], self.top[rows], self.right[rows], self.bottom[rows])

    def joined(self, rows: Sequence[Sequence[int]]) -> Extents:
        """Return one extent for each list of rows."""
        flat, starts, counts = flatten(rows)
        part = self.take(flat)
        return Extents(
            np.minimum.reduceat(part.left, starts),
            np.add.reduceat(part.top, starts) / counts,
            np.maximum.reduceat(part.right, starts),
            np.add.reduceat(part.bottom, starts) / counts,
        )


def flatten(rows: Sequence[Sequence[int]]) -> tuple[Indices, Indices, Indices]:
    """Concatenate lists of rows, none of them empty; return the rows, and the start and length of each list."""
    counts = np.array([len(row) for row in rows], np.intp)
    return np.array([item for row in rows for item in row], np.intp), np.cumsum(counts) - counts, counts


def reading_order(runs: Extents, lines: list[list[int]]) -> list[list[int]]:
    """Return lines, each the rows of its runs from left to right, in reading order; columns cut them."""
    if len(lines) < 2:
        return lines
    gutters = _column_gutters(runs, lines)
    if gutters:
        return [line for column in _columns(runs, lines, gutters) for line in reading_order(runs, column)]
    extents = runs.joined(lines)
    cut = _widest_band(extents) if _any_beside(extents) else None
    if cut is None:
        return [lines[row] for row in np.lexsort((extents.left, extents.top + extents.bottom)).tolist()]
    above, below = (
        [lines[row] for row in np.flatnonzero(side)] for side in (extents.bottom <= cut, extents.bottom > cut)
    )
    return reading_order(runs, above) + reading_order(runs, below)


def _column_gutters(runs: Extents, lines: list[list[int]]) -> list[float]:
    """Return the x of gutters whose two sides do not align, from left to right; those within tables are left out.

    Starting with the narrowest gutter, aligned sides are joined: the numbers of a line before the columns.
    """
    flat, starts, _ = flatten(lines)
    runs = runs.take(flat)
    gutters, widths = _free_spaces(runs.left, runs.right)
    column = np.searchsorted(gutters, runs.left)
    narrowness = np.clip(1 - widths / (_WIDE_GUTTER * np.median(runs.bottom - runs.top)), 0, 1)
    limits = _MAX_MISFIT + _NARROW_MISFIT * narrowness
    walls = [-1, *range(len(gutters)), len(gutters)]  # column c is between the gutters c - 1 and c
    for gutter in np.argsort(widths, kind="stable").tolist():
        place = walls.index(gutter)
        before, here, beyond = (
            np.add.reduceat((column > low) & (column <= high), starts, dtype=np.intp)
            for low, high in ((-1, walls[place - 1]), (walls[place - 1], gutter), (gutter, walls[place + 1]))
        )
        first = starts + before + here  # in each line, the first run beyond the gutter
        if _misfit(runs.take((first - 1)[here > 0]), runs.take(first[beyond > 0])) <= limits[gutter]:
            walls.pop(place)
    return [float(gutters[wall]) for wall in walls[1:-1]]


def _columns(runs: Extents, lines: list[list[int]], gutters: list[float]) -> list[list[list[int]]]:
    """Return for each column between the gutters its lines, or its parts of lines."""
    column_of = np.searchsorted(gutters, runs.left).tolist()
    columns = [
        [[run for run in line if column_of[run] == column] for line in lines] for column in range(len(gutters) + 1)
    ]
    return [[line for line in column if line] for column in columns]


def _misfit(left: Extents, right: Extents) -> float:
    """Return the mean distance of near lines on two sides of a gutter, in heights, without the worst."""
    down, height = _distances(left, right)
    feet = np.abs(left.bottom[:, None] - right.bottom)
    low = np.minimum((left.bottom - left.top)[:, None], right.bottom - right.top)
    near = down < np.minimum(_MATCH_PITCH * min(_pitch(left), _pitch(right)), _MATCH_HEIGHTS * height)
    step = np.where(near, (down + feet) / (2 * low), np.inf)
    matched = near & (step == step.min(axis=1, keepdims=True)) & (step == step.min(axis=0))
    count = int(near.any(axis=1).sum() + near.any(axis=0).sum())
    if not count:
        return 0.0
    # A line that is near others, but the nearest of none, counts as off by a whole height.
    unmatched = max(count - 2 * int(matched.sum()), 0)
    distances = np.sort([*np.repeat(step[matched], 2), *[1.0] * unmatched])
    return float(distances[: math.ceil(_COUNTED * len(distances))].mean())


def _distances(first: Extents, second: Extents) -> tuple[FloatArray, FloatArray]:
    """Return the vertical distances of the middles of all pairs (A, B), and the mean heights of the pairs."""
    down = np.abs((first.top + first.bottom)[:, None] - (second.top + second.bottom)) / 2
    return down, ((first.bottom - first.top)[:, None] + (second.bottom - second.top)) / 2


def _pitch(column: Extents) -> float:
    """Return the smallest distance between two lines of a column; infinite for a single line."""
    steps = np.diff(np.sort(column.top + column.bottom)) / 2
    steps = steps[steps > 0.5 * (column.bottom - column.top).min(initial=np.inf)]
    return float(steps.min(initial=np.inf))


def _any_beside(lines: Extents) -> bool:
    """Whether two lines are beside each other, vertically nearer than two lines of one column."""
    down, height = _distances(lines, lines)
    apart = (lines.left[:, None] >= lines.right) | (lines.left >= lines.right[:, None])
    return bool((apart & (down < height)).any())


def _widest_band(lines: Extents) -> float | None:
    """Return the y of the middle of the widest free band between lines; None if there is none."""
    middles, widths = _free_spaces(lines.top, lines.bottom)
    return float(middles[np.argmax(widths)]) if len(widths) else None


def _free_spaces(start: FloatArray, end: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the middles and widths of the spaces between intervals, in rising order."""
    order = np.argsort(start, kind="stable")
    reached = np.maximum.accumulate(end[order])[:-1]
    free = start[order][1:] - reached
    return (reached + free / 2)[free > 0], free[free > 0]
