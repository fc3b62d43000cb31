"""Matching of readings with true numbers: by place, by text, and row by row."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Protocol, TypeVar

import numpy as np

from digitdet.common.boxes import iou
from digitdet.common.characters import only_digits
from digitdet.common.types import Box, FloatArray
from digitdet.datasets.formats.numbers import NumberTruth
from digitdet.reading.results import Number

MIN_IOU = 0.5
"""Of an exact reading and the true number, as is common in object detection."""

_MIN_WRONG_IOU = 0.1  # of a wrong reading


class Boxed(Protocol):
    """A reading of this or of another reader, with a `box`, xyxy in pixels."""

    @property
    def box(self) -> Box:
        """The box around it."""


BoxedT = TypeVar("BoxedT", bound=Boxed)


def group_rows(found: Sequence[BoxedT]) -> list[list[BoxedT]]:
    """Split readings, given in reading order, into rows: a row ends where the next one is further left or below."""
    rows: list[list[BoxedT]] = []
    for one in found:
        last = rows[-1][-1].box if rows else None
        if last is not None and one.box[0] > last[0] and one.box[1] < last[3] - 0.3 * (last[3] - last[1]):
            rows[-1].append(one)
        else:
            rows.append([one])
    return rows


def match_numbers(truths: Sequence[NumberTruth], found: Sequence[Number], as_written: bool = False) -> list[int | None]:
    """Return for each true number the index of the reading at its place, or None; each reading is matched once.

    Readings with the true digits (with `as_written`, the true text) and an IoU of at least 0.5 are matched first, then
    others by their IoU, with at least 0.1. A reading with the true digits elsewhere is not matched.
    """
    matches: list[int | None] = [None] * len(truths)
    if truths and found:
        ious = iou([truth.box for truth in truths], [number.box for number in found])
        is_same = np.array([[truth.text == _text_of(number, as_written) for number in found] for truth in truths])
        for row, column in greedy_matches(np.where(is_same, ious, 0), MIN_IOU):
            matches[row] = column
            ious[row] = ious[:, column] = 0
        for row, column in greedy_matches(np.where(is_same, 0, ious), _MIN_WRONG_IOU):
            matches[row] = column
    return matches


def exact_readings(found: Sequence[Number], truths: Sequence[NumberTruth], as_written: bool = False) -> list[bool]:
    """Return for each reading whether it is a true number at its place. Each true number counts once.

    The digits are compared, or with `as_written` the whole texts.
    """
    is_exact = [False] * len(found)
    for truth, match in zip(truths, match_numbers(truths, found, as_written), strict=True):
        if match is not None:
            is_exact[match] = _text_of(found[match], as_written) == truth.text
    return is_exact


def _text_of(number: Number, as_written: bool) -> str:
    return number.best if as_written else only_digits(number.best)


def greedy_matches(values: FloatArray, minimum: float) -> Iterator[tuple[int, int]]:
    """Yield places (row, column) of a matrix (N, M) with at least `minimum` (above 0), the largest value first; each
    row and each column once.
    """
    values = values.copy()
    while values.size and values.max() >= minimum:
        row, column = divmod(int(values.argmax()), values.shape[1])
        yield row, column
        values[row] = values[:, column] = 0


def edit_distance(first: str, second: str) -> int:
    """Return the Levenshtein distance: the fewest insertions, deletions and substitutions between two texts.

    >>> edit_distance("1024", "124")
    1
    """
    row = list(range(len(second) + 1))
    for index, character in enumerate(first, start=1):
        diagonal, row[0] = row[0], index
        for column, other in enumerate(second, start=1):
            substituted = diagonal + (character != other)
            diagonal = row[column]
            row[column] = min(diagonal + 1, row[column - 1] + 1, substituted)
    return row[-1]


def align(wanted: Sequence[str], found: Sequence[str]) -> list[tuple[int | None, int | None]]:
    """Pair the texts of two lists in order (Needleman and Wunsch, 1970): as many equal pairs as possible, then the
    fewest edits.

    Returns:
        Indices of `wanted` and `found`, in order; None where a text has no partner.
    """
    # Of the first i wanted and the first j found texts: (unequal texts, edits), and the last step towards them.
    best = {(0, 0): ((0, 0), (0, 0))}
    for i, j in list(itertools.product(range(len(wanted) + 1), range(len(found) + 1)))[1:]:
        choices = []
        if i and j:
            edits = edit_distance(wanted[i - 1], found[j - 1])
            choices.append((int(edits > 0), edits, (1, 1)))
        if i:
            choices.append((1, len(wanted[i - 1]), (1, 0)))
        if j:
            choices.append((0, len(found[j - 1]), (0, 1)))
        totals = []
        for unequal, edits, step in choices:
            before = best[i - step[0], j - step[1]][0]
            totals.append(((before[0] + unequal, before[1] + edits), step))
        best[i, j] = min(totals, key=lambda total: total[0])
    pairs: list[tuple[int | None, int | None]] = []
    i, j = len(wanted), len(found)
    while i or j:
        down, right = best[i, j][1]
        i, j = i - down, j - right
        pairs.append((i if down else None, j if right else None))
    return pairs[::-1]
