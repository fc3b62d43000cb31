"""A counter caught between two digits: its last drum shows a part of both, one above the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from digitdet.reading.hypotheses import Option, Slot

Boxes = npt.NDArray[np.float64]

_SAME_COLUMN = 0.5  # part of the narrower box that two digits of one drum share across
_MAX_SHARED_DOWN = 0.2  # and of the lower one that they share at most from top to bottom
_REACH = 1.5  # free space between a drum and its neighbour, in heights of the neighbour, at most
_LEAST_DIGITS = 4  # of a picture: counters of fewer drums are rare, and what stands on a page by chance is not


def settle_drums(slots: Sequence[Slot], boxes: Boxes) -> list[Slot]:
    """Slots of which two on one drum are made one, which holds the digits of both.

    Whole digits that stand one above the other are at least a digit's height apart from middle to middle. Two that are
    nearer, beside a digit that reaches over where they meet, are parts: the surer one, of which usually more is seen,
    gives the place, and both share the chances.

    Args:
        slots: Those of a picture.
        boxes: (N, 4) xyxy in pixels, to which the rows of the slots refer.
    """
    strong = [place for place, slot in enumerate(slots) if slot.presence >= 0.5]
    if len(strong) < _LEAST_DIGITS:
        return list(slots)
    settled: list[Slot] = list(slots)
    gone: set[int] = set()
    for pair in _stacked(boxes[[slots[place].row for place in strong]]):
        one, other = sorted((strong[at] for at in pair), key=lambda place: settled[place].options[0].chance)
        if not gone & {one, other}:
            settled[other] = _shared(settled[other], settled[one])
            gone.add(one)
    return [slot for place, slot in enumerate(settled) if place not in gone]


def _stacked(boxes: Boxes) -> Iterator[tuple[int, int]]:
    """The rows of two boxes that are parts of digits on one drum."""
    left, top, right, bottom = boxes.T
    width, height, middle = right - left, bottom - top, (top + bottom) / 2
    across = np.minimum(right, right[:, None]) - np.maximum(left, left[:, None])
    down = middle - middle[:, None]
    same_column = across >= _SAME_COLUMN * np.minimum(width, width[:, None])
    clear = top - bottom[:, None] > -_MAX_SHARED_DOWN * np.minimum(height, height[:, None])
    for upper, lower in np.argwhere(same_column & clear & (down > 0) & (down < height.max())).tolist():
        meeting = (bottom[upper] + top[lower]) / 2
        space = np.maximum(left - max(right[upper], right[lower]), min(left[upper], left[lower]) - right)
        beside = (top < meeting) & (bottom > meeting) & (space > -0.5 * width) & (space < _REACH * height)
        beside[[upper, lower]] = False
        if beside.any() and down[upper, lower] < np.median(height[beside]):
            yield upper, lower


def _shared(surer: Slot, other: Slot) -> Slot:
    """The place of the one with the digits of both, in proportion to how sure they are."""
    share = surer.presence / (surer.presence + other.presence)
    options = [option._replace(chance=option.chance * share) for option in surer.options]
    options += [
        Option(option.text, option.chance * (1 - share), option.parts) for option in other.options if option.text
    ]
    return Slot(surer.row, surer.presence, tuple(sorted(options, key=lambda option: -option.chance)))
