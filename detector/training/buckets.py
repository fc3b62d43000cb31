"""Batches of pictures of similar shape, so that a strip of digits is not padded to a square."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

_STEP = 64
"""Height and width of a batch are multiples of this many pixels."""

_MARGIN = 16
"""Minimum padding in pixels, for the augmentation that shifts pictures."""


def batch_shapes(sizes: NDArray[Any], image_size: int, batch: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Assign every picture the shape of its batch.

    Args:
        sizes: Height and width (N, 2) of the pictures in pixels.
        image_size: Longer side of the input of the network in pixels.
        batch: Pictures in a batch. Pictures of a shape that fewer pictures have are padded to squares.

    Returns:
        The different shapes (S, 2), height and width in pixels, and the row (N,) of the shape of each picture.
    """
    sides = np.asarray(sizes, dtype=float)
    scaled = np.rint(sides / sides.max(axis=1, keepdims=True) * image_size)
    shapes = np.minimum(np.ceil((scaled + _MARGIN) / _STEP) * _STEP, image_size).astype(np.int64)
    different, which, counts = np.unique(shapes, axis=0, return_inverse=True, return_counts=True)
    shapes[counts[which.ravel()] < batch] = image_size
    different, which = np.unique(shapes, axis=0, return_inverse=True)
    return different, which.ravel().astype(np.int64)


class BucketSampler:
    """Draws pictures in random order in runs of `batch` pictures of one shape; a new order every epoch.

    The last batch of a shape is filled up with other pictures of that shape.
    """

    def __init__(self, which: NDArray[np.int64], batch: int, seed: int) -> None:
        self._buckets = [np.flatnonzero(which == shape) for shape in np.unique(which)]
        self._batch = batch
        self._random = np.random.default_rng(seed)

    def __len__(self) -> int:
        return sum(-(-len(bucket) // self._batch) * self._batch for bucket in self._buckets)

    def __iter__(self) -> Iterator[int]:
        batches = []
        for bucket in self._buckets:
            order = self._random.permutation(bucket)
            filled = np.resize(order, -(-len(order) // self._batch) * self._batch)
            batches += list(filled.reshape(-1, self._batch))
        for index in self._random.permutation(len(batches)):
            yield from batches[index].tolist()
