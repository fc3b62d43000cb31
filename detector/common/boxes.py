"""Box arithmetic on float arrays of shape (N, 4).

Two formats are in use, always with this order of columns:

- ``xyxy``: left, top, right, bottom in pixels; right and bottom are exclusive, so a one-pixel box is 1 wide.
- ``cxcywhn``: centre x, centre y, width, height as fractions (0 to 1) of the picture's width and height (YOLO).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from digitdet.common.types import Indices

_Floats = npt.NDArray[np.float64]

_BLOCK = 1000  # boxes that are compared with all others at once


def as_boxes(boxes: npt.ArrayLike) -> _Floats:
    """Convert any (N, 4) array-like, also an empty list, to a float64 array of shape (N, 4), or raise ValueError."""
    array = np.asarray(boxes, dtype=np.float64)
    if array.size == 0:
        return np.zeros((0, 4))
    if array.ndim != 2 or array.shape[1] != 4:
        raise ValueError(f"expected boxes of shape (N, 4), got {array.shape}")
    return array


def xyxy_to_cxcywhn(boxes: npt.ArrayLike, width: int, height: int) -> _Floats:
    """Convert (N, 4) xyxy to cxcywhn in a picture of `width` x `height` pixels."""
    boxes = as_boxes(boxes)
    centres_and_sizes = np.concatenate([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]], axis=1)
    return centres_and_sizes / np.array([width, height, width, height], dtype=np.float64)


def cxcywhn_to_xyxy(boxes: npt.ArrayLike, width: int, height: int) -> _Floats:
    """Convert (N, 4) cxcywhn to xyxy in a picture of `width` x `height` pixels."""
    boxes = as_boxes(boxes) * np.array([width, height, width, height], dtype=np.float64)
    return np.concatenate([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], axis=1)


def clip_xyxy(boxes: npt.ArrayLike, width: int, height: int) -> _Floats:
    """Clip (N, 4) xyxy boxes to a picture of `width` x `height` pixels; a box outside becomes empty."""
    limits = np.array([width, height, width, height], dtype=np.float64)
    return np.clip(as_boxes(boxes), 0, limits)


def area(boxes: npt.ArrayLike) -> _Floats:
    """Return the areas (N,) of (N, 4) xyxy boxes in square pixels; 0 where right < left or bottom < top."""
    boxes = as_boxes(boxes)
    return np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0), axis=1)


def intersection(a: npt.ArrayLike, b: npt.ArrayLike) -> _Floats:
    """Return the intersection areas (N, M) of xyxy boxes `a` (N, 4) and `b` (M, 4)."""
    a, b = as_boxes(a)[:, None], as_boxes(b)[None]
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    return np.prod(np.maximum(sides, 0), axis=2)


def iou(a: npt.ArrayLike, b: npt.ArrayLike) -> _Floats:
    """Return the intersection over union (N, M) of xyxy boxes, 0 to 1; 0 where both are empty."""
    shared = intersection(a, b)
    union = area(a)[:, None] + area(b)[None] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def overlap(a: npt.ArrayLike, b: npt.ArrayLike) -> _Floats:
    """Return the intersection over the smaller area (N, M) of xyxy boxes, 0 to 1; 1 where a box contains the other."""
    shared = intersection(a, b)
    smaller = np.minimum(area(a)[:, None], area(b)[None])
    return np.divide(shared, smaller, out=np.zeros_like(shared), where=smaller > 0)


def largest_overlap(a: npt.ArrayLike, b: npt.ArrayLike) -> _Floats:
    """Return the largest `overlap` (N,) of each box of `a` (N, 4) with those of `b` (M, 4); 0 if `b` is empty."""
    return _largest(overlap, a, b)


def largest_iou(a: npt.ArrayLike, b: npt.ArrayLike) -> _Floats:
    """Return the largest `iou` (N,) of each box of `a` (N, 4) with those of `b` (M, 4); 0 if `b` is empty."""
    return _largest(iou, a, b)


def _largest(measure: Callable[[_Floats, _Floats], _Floats], a: npt.ArrayLike, b: npt.ArrayLike) -> _Floats:
    a, b = as_boxes(a), as_boxes(b)
    # In blocks: a large page has tens of thousands of boxes, and N x M numbers would take gigabytes.
    blocks = [measure(a[start : start + _BLOCK], b).max(axis=1, initial=0) for start in range(0, len(a), _BLOCK)]
    return np.concatenate([np.zeros(0), *blocks])


def pair_iou(boxes: npt.ArrayLike, first: Indices, second: Indices) -> _Floats:
    """Return the intersection over union (P,) of the rows `first` (P,) and `second` (P,) of (N, 4) xyxy boxes."""
    left, top, right, bottom = as_boxes(boxes).T.copy()  # contiguous columns: several times faster
    width = np.minimum(right[first], right[second]) - np.maximum(left[first], left[second])
    height = np.minimum(bottom[first], bottom[second]) - np.maximum(top[first], top[second])
    shared = np.maximum(width, 0) * np.maximum(height, 0)
    areas = np.maximum(right - left, 0) * np.maximum(bottom - top, 0)
    union = areas[first] + areas[second] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def covering_pairs(boxes: npt.ArrayLike, cover: float) -> tuple[Indices, Indices]:
    """Return rows (i, j), i < j, of the pairs of (N, 4) xyxy boxes that overlap by more than `cover` on both axes.

    The overlap along an axis is the shared length divided by the shorter side, 0 to 1.
    """
    boxes = as_boxes(boxes)
    first, second = near_pairs(boxes)
    for low, high in ((boxes[:, 0], boxes[:, 2]), (boxes[:, 1], boxes[:, 3])):
        low, high = np.ascontiguousarray(low), np.ascontiguousarray(high)
        side = high - low
        shared = np.minimum(high[first], high[second]) - np.maximum(low[first], low[second])
        meets = shared > cover * np.minimum(side[first], side[second])
        first, second = first[meets], second[meets]
    return first, second


def near_pairs(boxes: npt.ArrayLike) -> tuple[Indices, Indices]:
    """Return rows (i, j), i < j, of all pairs of (N, 4) xyxy boxes that overlap, and of a few that do not, each once.

    Boxes are put into the cells of a grid, and only those in the same or neighbouring cells are paired.
    """
    boxes = as_boxes(boxes)
    if len(boxes) <= 100:
        return np.triu_indices(len(boxes), 1)
    sides = boxes[:, 2:] - boxes[:, :2]
    # Boxes that fit a cell can only meet in the same or a neighbouring cell. Large ones are paired with all others.
    cell = np.maximum(np.minimum(sides.max(axis=0), 2 * np.median(sides, axis=0)), 1e-9)
    is_large = (sides > cell).any(axis=1)
    large, small = np.flatnonzero(is_large), np.flatnonzero(~is_large)
    pairs = [_cell_pairs(boxes[small], cell, small)]
    for row in large:
        others = np.concatenate([small, large[large > row]])
        pairs.append((np.full(len(others), row), others))
    first, second = (np.concatenate(rows) for rows in zip(*pairs, strict=True))
    return np.minimum(first, second), np.maximum(first, second)


def _cell_pairs(boxes: _Floats, cell: _Floats, rows: Indices) -> tuple[Indices, Indices]:
    """Return pairs of `rows` whose boxes' centres lie in the same or in neighbouring cells of size `cell` (2,)."""
    if not len(rows):
        return rows, rows
    places = np.floor((boxes[:, :2] + boxes[:, 2:]) / 2 / cell).astype(np.int64)
    places -= places.min(axis=0) - 1
    width = int(places[:, 0].max()) + 2
    keys = places[:, 1] * width + places[:, 0]
    order = np.argsort(keys, kind="stable")
    keys, rows = keys[order], rows[order]
    # Half of the neighbourhood meets every pair once: the rest of the own cell and the next one, the three below.
    position = np.arange(len(keys))
    spans = [
        (position + 1, np.searchsorted(keys, keys + 1, "right")),
        (np.searchsorted(keys, keys + width - 1), np.searchsorted(keys, keys + width + 1, "right")),
    ]
    first, second = [], []
    for start, stop in spans:
        counts = stop - start
        first.append(np.repeat(rows, counts))
        second.append(rows[np.arange(counts.sum()) + np.repeat(start - np.cumsum(counts) + counts, counts)])
    return np.concatenate(first), np.concatenate(second)
