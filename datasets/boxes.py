"""Box arithmetic on float arrays of shape (N, 4).

Three formats are in use, always in this order of columns:

- ``xyxy``: left, top, right, bottom in pixels; right and bottom are exclusive, so a one-pixel box is 1 wide.
- ``xywh``: left, top, width, height in pixels.
- ``cxcywhn``: centre x, centre y, width, height as parts (0 to 1) of the picture's width and height: the YOLO format.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Boxes = npt.NDArray[np.floating]


def as_boxes(boxes: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Any (N, 4) array-like, an empty list too, as a float64 array of shape (N, 4).

    Raises:
        ValueError: The last dimension is not 4.
    """
    array = np.asarray(boxes, dtype=np.float64)
    if array.size == 0:
        return np.zeros((0, 4))
    if array.ndim != 2 or array.shape[1] != 4:
        raise ValueError(f"expected boxes of shape (N, 4), got {array.shape}")
    return array


def xyxy_to_xywh(boxes: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """(N, 4) xyxy to xywh.

    >>> xyxy_to_xywh([[10, 20, 30, 60]]).tolist()
    [[10.0, 20.0, 20.0, 40.0]]
    """
    boxes = as_boxes(boxes)
    return np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)


def xywh_to_xyxy(boxes: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """(N, 4) xywh to xyxy: the inverse of `xyxy_to_xywh`."""
    boxes = as_boxes(boxes)
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)


def xyxy_to_cxcywhn(boxes: npt.ArrayLike, width: int, height: int) -> npt.NDArray[np.float64]:
    """(N, 4) xyxy in pixels to cxcywhn as parts of a picture of `width` x `height` pixels.

    >>> xyxy_to_cxcywhn([[10, 20, 30, 60]], width=100, height=100).tolist()
    [[0.2, 0.4, 0.2, 0.4]]
    """
    boxes = as_boxes(boxes)
    centres_and_sizes = np.concatenate([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]], axis=1)
    return centres_and_sizes / np.array([width, height, width, height], dtype=np.float64)


def cxcywhn_to_xyxy(boxes: npt.ArrayLike, width: int, height: int) -> npt.NDArray[np.float64]:
    """(N, 4) cxcywhn to xyxy in pixels: the inverse of `xyxy_to_cxcywhn`."""
    boxes = as_boxes(boxes) * np.array([width, height, width, height], dtype=np.float64)
    return np.concatenate([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], axis=1)


def clip_xyxy(boxes: npt.ArrayLike, width: int, height: int) -> npt.NDArray[np.float64]:
    """(N, 4) xyxy moved inside a picture of `width` x `height` pixels; a box outside becomes empty."""
    limits = np.array([width, height, width, height], dtype=np.float64)
    return np.clip(as_boxes(boxes), 0, limits)


def area(boxes: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Areas (N,) of (N, 4) xyxy boxes in square pixels; an inside-out box has none."""
    boxes = as_boxes(boxes)
    return np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0), axis=1)


def intersection(a: npt.ArrayLike, b: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Intersection areas (N, M) of every box of `a` (N, 4) with every box of `b` (M, 4), xyxy."""
    a, b = as_boxes(a)[:, None], as_boxes(b)[None]
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    return np.prod(np.maximum(sides, 0), axis=2)


def iou(a: npt.ArrayLike, b: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Intersection over union (N, M) of xyxy boxes, 0 to 1; 0 where both are empty."""
    shared = intersection(a, b)
    union = area(a)[:, None] + area(b)[None] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def overlap(a: npt.ArrayLike, b: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Intersection over the smaller box (N, M) of xyxy boxes, 0 to 1; 1 where one lies inside the other.

    IoU misses a small box swallowed by a big one; this does not.
    """
    shared = intersection(a, b)
    smaller = np.minimum(area(a)[:, None], area(b)[None])
    return np.divide(shared, smaller, out=np.zeros_like(shared), where=smaller > 0)
