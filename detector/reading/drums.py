"""Counter drums between two digits: parts of both are visible, one above the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from digitdet.common.types import Boxes
from digitdet.reading.slots import Slot

_MIN_SHARED_WIDTH = 0.5  # of two digits on one drum, in parts of the narrower box
_MAX_SHARED_HEIGHT = 0.2  # of the two, in parts of the lower box
_MAX_SPACE = 1.5  # between a drum and its neighbour, in heights of the neighbour
_MIN_DIGITS = 4  # of a picture: counters with fewer drums are rare, stacked marks on other pages are not


def merge_drum_digits(slots: Sequence[Slot], boxes: Boxes) -> list[Slot]:
    """Merge two slots on one counter drum into one, at the place of the more probable, with the digits of both.

    Whole digits one above the other have middles at least a digit's height apart. Two that are nearer, with a digit
    beside them that spans their border, are parts. The rows of the slots refer to `boxes` (N, 4) xyxy.
    """
    present = [index for index, slot in enumerate(slots) if slot.digit_probability >= 0.5]
    if len(present) < _MIN_DIGITS:
        return list(slots)
    merged = list(slots)
    removed: set[int] = set()
    for pair in _drum_pairs(boxes[[slots[index].row for index in present]]):
        low, high = sorted((present[at] for at in pair), key=lambda index: merged[index].options[0].probability)
        if not removed & {low, high}:
            merged[high] = _merge(merged[high], merged[low])
            removed.add(low)
    return [slot for index, slot in enumerate(merged) if index not in removed]


def _drum_pairs(boxes: Boxes) -> Iterator[tuple[int, int]]:
    """Yield the rows of boxes (upper, lower) that are parts of digits on one drum."""
    left, top, right, bottom = boxes.T
    width, height, middle = right - left, bottom - top, (top + bottom) / 2
    across = np.minimum(right, right[:, None]) - np.maximum(left, left[:, None])
    down = middle - middle[:, None]
    same_column = across >= _MIN_SHARED_WIDTH * np.minimum(width, width[:, None])
    clear = top - bottom[:, None] > -_MAX_SHARED_HEIGHT * np.minimum(height, height[:, None])
    for upper, lower in np.argwhere(same_column & clear & (down > 0) & (down < height.max())).tolist():
        border = (bottom[upper] + top[lower]) / 2
        space = np.maximum(left - max(right[upper], right[lower]), min(left[upper], left[lower]) - right)
        beside = (top < border) & (bottom > border) & (space > -0.5 * width) & (space < _MAX_SPACE * height)
        beside[[upper, lower]] = False
        if beside.any() and down[upper, lower] < np.median(height[beside]):
            yield upper, lower


def _merge(high: Slot, low: Slot) -> Slot:
    """Return the more probable slot with the options of both, weighted by their digit probabilities."""
    share = high.digit_probability / (high.digit_probability + low.digit_probability)
    options = [option._replace(probability=option.probability * share) for option in high.options]
    options += [option._replace(probability=option.probability * (1 - share)) for option in low.options if option.text]
    return Slot(high.row, high.digit_probability, tuple(sorted(options, key=lambda option: -option.probability)))
