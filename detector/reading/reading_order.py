"""The order in which the lines of a page are read: from the top, but column by column where columns do not align.

An XY-cut (Nagy and Seth, Hierarchical representation of optically scanned documents, 1984) whose cuts between columns
depend on whether the lines on both sides align: a table is read row by row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]

# Lines on the two sides of a gutter meet when they are nearer than this part of the distance between lines, and than
# this in heights.
_MEET, _MAX_MEET = 0.7, 1.2
# Where those that meet are off by more than this on average, in heights, the sides are columns, not parts of a table;
# on the two sides of a mere slit by more than both together, falling to the first where it is some heights wide: the
# numbers of a line stand nearer than columns do. Lower limits lose tables, higher ones columns (benchmarks/lines.py).
_MAX_MISFIT, _SLIT_MISFIT, _WIDE = 0.22, 0.2, 3.0


@dataclass(frozen=True)
class Extents:
    """Where runs of digits, or lines, stand on the level page: (R,) each; `top` and `bottom` are means over digits."""

    left: Floats
    top: Floats
    right: Floats
    bottom: Floats

    def take(self, rows: Rows) -> Extents:
        """Those in these rows."""
        return Extents(self.left[rows], self.top[rows], self.right[rows], self.bottom[rows])

    def joined(self, rows: Sequence[Sequence[int]]) -> Extents:
        """One for all of each list."""
        flat, starts, counts = flatten(rows)
        part = self.take(flat)
        return Extents(
            np.minimum.reduceat(part.left, starts),
            np.add.reduceat(part.top, starts) / counts,
            np.maximum.reduceat(part.right, starts),
            np.add.reduceat(part.bottom, starts) / counts,
        )


def flatten(rows: Sequence[Sequence[int]]) -> tuple[Rows, Rows, Rows]:
    """All rows one after another, where each list starts among them, and how long it is. No list may be empty."""
    counts = np.array([len(row) for row in rows], np.intp)
    return np.array([item for row in rows for item in row], np.intp), np.cumsum(counts) - counts, counts


def reading_order(runs: Extents, lines: list[list[int]]) -> list[list[int]]:
    """Lines in the order in which they are read; one that reaches over several columns is cut between them.

    Args:
        runs: Where the runs stand.
        lines: For each line the rows of its runs, from left to right.
    """
    if len(lines) < 2:
        return lines
    gutters = _column_gutters(runs, lines)
    if gutters:
        return [line for column in _columns(runs, lines, gutters) for line in reading_order(runs, column)]
    extents = runs.joined(lines)
    cut = _widest_band(extents) if _are_beside(extents) else None
    if cut is None:
        return [lines[row] for row in np.lexsort((extents.left, extents.top + extents.bottom)).tolist()]
    is_above = (extents.bottom <= cut).tolist()
    above = [line for line, is_it in zip(lines, is_above, strict=True) if is_it]
    below = [line for line, is_it in zip(lines, is_above, strict=True) if not is_it]
    return reading_order(runs, above) + reading_order(runs, below)


def _column_gutters(runs: Extents, lines: list[list[int]]) -> list[float]:
    """Where, from the left, there is a gutter whose two sides do not align; the gutters in tables are left out.

    From the narrowest on, what aligns across a gutter is put together: the numbers of a line before the columns.
    """
    flat, starts, _ = flatten(lines)
    runs = runs.take(flat)
    order = np.argsort(runs.left, kind="stable")
    reached = np.maximum.accumulate(runs.right[order])[:-1]
    free = runs.left[order][1:] - reached
    gutters, widths = (reached + free / 2)[free > 0], free[free > 0]
    column = np.searchsorted(gutters, runs.left)
    narrow = np.clip(1 - widths / (_WIDE * np.median(runs.bottom - runs.top)), 0, 1)
    limits = _MAX_MISFIT + _SLIT_MISFIT * narrow
    walls = [-1, *range(len(gutters)), len(gutters)]  # column c stands between the gutters c - 1 and c
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
    """For each column between the gutters its lines, or its parts of lines."""
    place = np.searchsorted(gutters, runs.left).tolist()
    columns = [[[run for run in line if place[run] == column] for line in lines] for column in range(len(gutters) + 1)]
    return [[line for line in column if line] for column in columns]


def _misfit(left: Extents, right: Extents) -> float:
    """How far the lines on two sides of a gutter stand off each other, in heights: the mean over those that meet."""
    down, height = _distances(left, right)
    feet = np.abs(left.bottom[:, None] - right.bottom)
    low = np.minimum((left.bottom - left.top)[:, None], right.bottom - right.top)
    meet = down < np.minimum(_MEET * min(_pitch(left), _pitch(right)), _MAX_MEET * height)
    step = np.where(meet, (down + feet) / (2 * low), np.inf)
    matched = meet & (step == step.min(axis=1, keepdims=True)) & (step == step.min(axis=0))
    meeting = int(meet.any(axis=1).sum() + meet.any(axis=0).sum())
    if not meeting:
        return 0.0
    # A line that meets others, but is the nearest of none, is off by a whole height.
    alone = max(meeting - 2 * int(matched.sum()), 0)
    return float((2 * step[matched].sum() + alone) / meeting)


def _distances(first: Extents, second: Extents) -> tuple[Floats, Floats]:
    """Between the middles of all pairs (A, B), down the page, and the mean heights of the pairs."""
    down = np.abs((first.top + first.bottom)[:, None] - (second.top + second.bottom)) / 2
    return down, ((first.bottom - first.top)[:, None] + (second.bottom - second.top)) / 2


def _pitch(column: Extents) -> float:
    """The least distance between two lines of a column; infinite if it has one line alone."""
    steps = np.diff(np.sort(column.top + column.bottom)) / 2
    steps = steps[steps > 0.5 * (column.bottom - column.top).min(initial=np.inf)]
    return float(steps.min(initial=np.inf))


def _are_beside(lines: Extents) -> bool:
    """Whether two lines stand beside each other, nearer in height than two lines of one column."""
    down, height = _distances(lines, lines)
    apart = (lines.left[:, None] >= lines.right) | (lines.left >= lines.right[:, None])
    return bool((apart & (down < height)).any())


def _widest_band(lines: Extents) -> float | None:
    """The middle of the widest free band between lines; None if there is none."""
    order = np.argsort(lines.top)
    reached = np.maximum.accumulate(lines.bottom[order])[:-1]
    free = lines.top[order][1:] - reached
    widest = int(np.argmax(free))
    return float(reached[widest] + free[widest] / 2) if free[widest] > 0 else None
