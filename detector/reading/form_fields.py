"""Form fields: boxes with one digit each, side by side, which hold one number.

The digits of a field are equally far apart, and there is an upright line between any two of them: one that two boxes
share, or the sides of both. In a grid, such as a Sudoku, there are digits in the rows right above or below; they are
separate numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np

from digitdet.common.boxes import as_boxes
from digitdet.common.characters import MARKS, class_of
from digitdet.common.types import CLASS_NAMES, Boxes, FloatArray, Image, Mask
from digitdet.reading.lattice import Lattice, Slot
from digitdet.reading.strips import cut_strip, line_strip

_MARK_CLASSES = tuple(map(class_of, MARKS))
_MIN_DIGITS = 3
_PITCHES = (1.1, 4.5)  # of the digits, in digit heights
_MAX_UNEVEN = 0.2  # deviation of a pitch from their median, relative to it; digits are not centred exactly
_MAX_STEP, _MAX_RATIO = 0.35, 1.4  # between neighbours: in digit heights, and of their heights
_GRID_ROWS, _GRID_SHIFT, _GRID_REACH = 1.3, 0.3, 4  # of rows, within columns and beside a line, relative to the pitch
_MIN_EDGE = 6.0  # grey levels that a side of a box differs from what is beside it
_MIN_EDGE_ROWS = 0.85  # of the strip's height, along which it is seen


def join_form_fields(page: Image, lattices: Sequence[Lattice]) -> list[Lattice]:
    """Join the digits of every form field on a page (H, W, 3): what is between them is left out."""
    everything = as_boxes([slot.box for one in lattices for slot in one.slots if _is_digit(slot)])
    joined: list[Lattice] = []
    for part in _level_parts(lattices):
        slots = [slot for one in part for slot in one.slots]
        places = [place for place, slot in enumerate(slots) if _is_digit(slot)]
        boxes = as_boxes([slots[place].box for place in places])
        fields = []
        if len(places) >= _MIN_DIGITS and not any(map(_is_mark, slots[places[0] : places[-1]])):
            fields = _find_fields(page, boxes, everything)
        if not fields:
            joined += part
            continue
        inside = [range(places[first] + 1, places[last]) for first, last in fields]
        left_out = {place for span in inside for place in span} - set(places)
        joined.append(Lattice(tuple(s for place, s in enumerate(slots) if place not in left_out), part[0].angle))
    return joined


def _is_digit(slot: Slot) -> bool:
    return bool(slot.probabilities[: len(CLASS_NAMES)].sum() > 0.5)


def _is_mark(slot: Slot) -> bool:
    return int(slot.probabilities.argmax()) in _MARK_CLASSES


def _level_parts(lattices: Sequence[Lattice]) -> list[list[Lattice]]:
    """Group the lattices that are parts of one line with wide gaps; these follow each other."""
    groups: list[list[Lattice]] = []
    last: Slot | None = None
    for one in lattices:
        digits = [slot for slot in one.slots if _is_digit(slot)]
        if last is not None and digits and _is_level(as_boxes([last.box, digits[0].box])).all():
            groups[-1].append(one)
        else:
            groups.append([one])
        last = digits[-1] if digits else None
    return groups


def _is_level(boxes: Boxes) -> Mask:
    """Whether each of N - 1 boxes is right of the one before it, level with it and as high."""
    height, middle = boxes[:, 3] - boxes[:, 1], (boxes[:, 1] + boxes[:, 3]) / 2
    low, high = np.minimum(height[1:], height[:-1]), np.maximum(height[1:], height[:-1])
    pitch = (boxes[1:, 0] + boxes[1:, 2] - boxes[:-1, 0] - boxes[:-1, 2]) / 2
    step = np.abs(np.diff(middle))
    in_reach = (pitch >= _PITCHES[0] * low) & (pitch <= _PITCHES[1] * high)
    return np.asarray(in_reach & (step <= _MAX_STEP * high) & (high <= _MAX_RATIO * low))


def _find_fields(page: Image, boxes: Boxes, everything: Boxes) -> list[tuple[int, int]]:
    """Return the first and the last digit of each field in a line (N, 4); `everything` (M, 4) is on the page."""
    is_joined = _is_level(boxes)
    middles = (boxes[:, 0] + boxes[:, 2]) / 2
    pitches = np.diff(middles)
    if is_joined.sum() < _MIN_DIGITS - 1:
        return []
    pitch = float(np.median(pitches[is_joined]))
    is_joined &= np.abs(pitches - pitch) <= _MAX_UNEVEN * pitch
    if is_joined.sum() < _MIN_DIGITS - 1 or _is_in_grid(boxes, everything, pitch):
        return []
    is_joined &= _has_side_between(page, boxes)
    ends = np.flatnonzero(~np.concatenate([[False], is_joined, [False]])).tolist()
    return [(first, last - 1) for first, last in pairwise(ends) if last - first >= _MIN_DIGITS]


def _is_in_grid(boxes: Boxes, everything: Boxes, pitch: float) -> bool:
    """Whether there are digits of the same size right above or below a line, in columns with its pitch."""
    middles = (everything[:, :2] + everything[:, 2:]) / 2
    start = (boxes[0, :2] + boxes[0, 2:]) / 2
    across = (middles[:, 0] - start[0]) / pitch
    # From the line itself, which may be tilted.
    nearest = np.abs(middles[:, :1] - (boxes[:, 0] + boxes[:, 2]) / 2).argmin(axis=1)
    down = np.abs(middles[:, 1] - ((boxes[:, 1] + boxes[:, 3]) / 2)[nearest])
    height, heights = float(np.median(boxes[:, 3] - boxes[:, 1])), everything[:, 3] - everything[:, 1]
    is_alike = (heights <= _MAX_RATIO * height) & (height <= _MAX_RATIO * heights)
    is_column = (np.abs(across - across.round()) <= _GRID_SHIFT) & (across > -_GRID_REACH)
    is_column &= across < len(boxes) - 1 + _GRID_REACH
    return bool((is_alike & is_column & (down > 0.7 * height) & (down <= _GRID_ROWS * pitch)).any())


def _has_side_between(page: Image, boxes: Boxes) -> Mask:
    """Whether there is an upright line between each of N - 1 boxes and the one before it."""
    x, feet = (boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3]
    angle = float(np.degrees(np.arctan(np.polyfit(x, feet, 1)[0])))
    strip = line_strip(boxes, angle)
    grey = np.asarray(cv2.cvtColor(cut_strip(page, strip), cv2.COLOR_BGR2GRAY), np.float32)
    found = strip.boxes_to_strip(boxes)
    return np.array([_has_side(grey[:, round(a[2]) : max(round(b[0]), 0)]) for a, b in pairwise(found)])


def _has_side(gap: FloatArray) -> bool:
    """Whether an edge runs along the height of a picture (H, W), upright or slightly tilted."""
    if gap.shape[1] < 3:
        return False
    steps = gap[:, 2:] - gap[:, :-2]
    for sign in (1, -1):
        rising = cv2.dilate(sign * steps, np.ones((1, 3)))
        if ((rising >= _MIN_EDGE).mean(axis=0) >= _MIN_EDGE_ROWS).any():
            return True
    return False
