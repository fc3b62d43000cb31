"""Numbers whose digits are on lines of their own: one below the other, as on containers, or far apart side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from digitdet.common.boxes import as_boxes, intersection
from digitdet.common.types import CLASS_NAMES, Box
from digitdet.reading.choices import DIGIT, Choices
from digitdet.reading.constrained import constrained_numbers
from digitdet.reading.constraints import Constraints

_MIN_DIGITS = 3  # fewer show no regular distance
_ACROSS, _DOWN = 0, 1  # axes along which digits follow each other
_MAX_STEPS = (4.5, 3.0)  # between the middles of neighbours along each axis, in digit heights
_MAX_SHIFT = 0.6  # between neighbours along the other axis, in digit heights
_MAX_RATIO = 1.5  # of the larger to the smaller of two neighbouring heights or steps
# Without constraints, a stack is a number only if there is no other digit within these distances beside it and above or
# below it, in digit heights: it is no column of a table, a form or a puzzle.
_FREE_BESIDE, _FREE_BELOW = 12.0, 3.0


def join_lone_digits(lines: Sequence[Choices], constraints: Constraints | None = None) -> list[Choices]:
    """Join lines with a single digit each, at regular distances, to one number.

    With constraints, digits one below the other or side by side are joined if all of them together meet these, and
    none does alone. Without constraints, only digits one below the other are joined, if no other digit is near and they
    do not count up or down, as the entries of a list or the marks of a scale do. A joined line takes the place of its
    first digit.
    """
    joined: dict[int, Choices] = dict(enumerate(lines))
    for axis in (_DOWN,) if constraints is None else (_DOWN, _ACROSS):
        alone = {row: lines[row] for row in joined if lines[row] is joined[row] and _has_one_digit(lines[row])}
        for rows in _series(alone, axis):
            number = _concatenated([lines[row] for row in rows])
            if _is_free_number(lines, rows) if constraints is None else _meets(lines, rows, number, constraints):
                for row in rows:
                    del joined[row]
                joined[min(rows)] = number
    return [joined[row] for row in sorted(joined)]


def _meets(lines: Sequence[Choices], rows: Sequence[int], number: Choices, constraints: Constraints) -> bool:
    """Whether all digits together meet the constraints, and none of them does alone."""
    found = constrained_numbers(number, constraints)
    is_whole = len(found) == 1 and len(found[0].slots) == len(rows)
    return is_whole and not any(constrained_numbers(lines[row], constraints) for row in rows)


def _is_free_number(lines: Sequence[Choices], rows: Sequence[int]) -> bool:
    """Whether a stack has no other digits near it, and does not count up or down."""
    digits, others = (
        [
            (slot.box, int(character))
            for row in of_them
            for slot, character in zip(lines[row].slots, lines[row].chosen, strict=True)
            if character in CLASS_NAMES
        ]
        for of_them in (rows, sorted(set(range(len(lines))) - set(rows)))
    )
    steps = np.diff([digit for _, digit in digits])
    if abs(steps[0]) == 1 and np.all(steps == steps[0]):
        return False
    boxes = as_boxes([box for box, _ in digits])
    height = float(np.median(boxes[:, 3] - boxes[:, 1]))
    left, top = boxes[:, :2].min(axis=0) - [_FREE_BESIDE * height, _FREE_BELOW * height]
    right, bottom = boxes[:, 2:].max(axis=0) + [_FREE_BESIDE * height, _FREE_BELOW * height]
    near = as_boxes([(left, top, right, bottom)])
    return not intersection(as_boxes([box for box, _ in others]), near).any()


def _series(alone: Mapping[int, Choices], axis: int) -> Iterator[list[int]]:
    """Yield the rows of lines of one digit that follow each other along an axis."""
    boxes = {row: line.slots[line.kind.index(DIGIT)].box for row, line in alone.items()}
    rows = sorted(boxes, key=lambda row: boxes[row][axis] + boxes[row][axis + 2])
    while rows:
        series = [rows.pop(0)]
        for row in list(rows):
            if _continues([boxes[before] for before in series[-2:]], boxes[row], axis):
                series.append(row)
                rows.remove(row)
        if len(series) >= _MIN_DIGITS:
            yield series


def _has_one_digit(line: Choices) -> bool:
    """Whether a line has one digit and no other character."""
    return [character in CLASS_NAMES for character in line.chosen if character.strip()] == [True]


def _continues(before: Sequence[Box], box: Box, axis: int) -> bool:
    """Whether a digit follows the one or two before it along an axis, at a regular distance."""
    boxes = as_boxes([*before, box])
    heights = boxes[:, 3] - boxes[:, 1]
    moves = np.diff((boxes[:, :2] + boxes[:, 2:]) / 2, axis=0)
    steps, shift = moves[:, axis], abs(moves[-1, 1 - axis])
    return bool(
        shift <= _MAX_SHIFT * heights[-1]
        and 0 < steps[-1] <= _MAX_STEPS[axis] * heights[-1]
        and heights.max() <= _MAX_RATIO * heights.min()
        and steps.max() <= _MAX_RATIO * steps.min()
    )


def _concatenated(lines: Sequence[Choices]) -> Choices:
    """Return the digits of lines of one digit each as one line."""
    digits = [line.kind.index(DIGIT) for line in lines]
    parts = list(zip(lines, digits, strict=True))
    return Choices(
        tuple(line.slots[at] for line, at in parts),
        lines[0].angle,
        np.array([line.kinds[at] for line, at in parts]),
        [line.options[at] for line, at in parts],
        [DIGIT] * len(lines),
        [line.chosen[at] for line, at in parts],
    )
