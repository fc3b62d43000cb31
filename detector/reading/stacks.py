"""Stacks: numbers whose digits are one below the other, such as the codes of containers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from digitdet.common.boxes import as_boxes, intersection
from digitdet.common.types import CLASS_NAMES, Box
from digitdet.reading.choices import DIGIT, Choices
from digitdet.reading.constrained import constrained_numbers
from digitdet.reading.constraints import Constraints

_MIN_DIGITS = 3  # fewer show no regular distance
_MAX_SHIFT = 0.6  # sideways between neighbours, in digit heights
_MAX_STEP = 3.0  # downwards between the middles of neighbours, in digit heights
_MAX_RATIO = 1.5  # of the larger to the smaller of two neighbouring heights or steps
# Without constraints, a stack is a number only if there is no other digit within these distances beside it and above or
# below it, in digit heights: it is no column of a table, a form or a puzzle.
_FREE_BESIDE, _FREE_BELOW = 12.0, 3.0


def join_stacks(lines: Sequence[Choices], constraints: Constraints | None = None) -> list[Choices]:
    """Join lines of one digit each, one below the other at regular distances, that together are a number.

    With constraints, they are joined where only all of them together meet these. Otherwise, they are joined if no other
    digit is near and they do not count up or down, as the entries of a list or the marks of a scale do. A joined line
    takes the place of its first digit.
    """
    joined: dict[int, Choices] = dict(enumerate(lines))
    for rows in _stacks(lines):
        stack = _concatenated([lines[row] for row in rows])
        if _is_free_number(lines, rows) if constraints is None else _meets(lines, rows, stack, constraints):
            for row in rows:
                del joined[row]
            joined[min(rows)] = stack
    return [joined[row] for row in sorted(joined)]


def _meets(lines: Sequence[Choices], rows: Sequence[int], stack: Choices, constraints: Constraints) -> bool:
    """Whether a stack meets the constraints, and none of its digits does alone."""
    numbers = constrained_numbers(stack, constraints)
    is_whole = len(numbers) == 1 and len(numbers[0].slots) == len(rows)
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


def _stacks(lines: Sequence[Choices]) -> Iterator[list[int]]:
    """Yield the rows of lines of one digit that are stacked, from top to bottom."""
    boxes = {row: line.slots[line.kind.index(DIGIT)].box for row, line in enumerate(lines) if _has_one_digit(line)}
    rows = sorted(boxes, key=lambda row: boxes[row][1] + boxes[row][3])
    while rows:
        stack = [rows.pop(0)]
        for row in list(rows):
            if _continues([boxes[above] for above in stack[-2:]], boxes[row]):
                stack.append(row)
                rows.remove(row)
        if len(stack) >= _MIN_DIGITS:
            yield stack


def _has_one_digit(line: Choices) -> bool:
    """Whether a line has one digit and no other character."""
    return [character in CLASS_NAMES for character in line.chosen if character.strip()] == [True]


def _continues(above: Sequence[Box], box: Box) -> bool:
    """Whether a digit is below one or two others at their distance."""
    heights = [bottom - top for _, top, _, bottom in (*above, box)]
    across = [(left + right) / 2 for left, _, right, _ in (*above, box)]
    steps = np.diff([(top + bottom) / 2 for _, top, _, bottom in (*above, box)]).tolist()
    return bool(
        abs(across[-1] - across[-2]) <= _MAX_SHIFT * heights[-1]
        and 0 < steps[-1] <= _MAX_STEP * heights[-1]
        and max(heights) <= _MAX_RATIO * min(heights)
        and max(steps) <= _MAX_RATIO * min(steps)
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
