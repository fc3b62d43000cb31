"""Batches of pictures of about one shape: a strip of digits need not be padded to a square."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

_STEP = 64
"""Shapes are multiples of this many pixels: few enough that each is common."""

_MARGIN = 16
"""Least padding of the shorter side, so that moving a picture about does not cut its digits off at once."""


def batch_shapes(sizes: NDArray[Any], image_size: int, batch: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The shape in which each picture is shown to the network.

    Args:
        sizes: Height and width of each picture in pixels, (N, 2).
        image_size: The longer side of a picture in the network, pixels.
        batch: Pictures in a batch. A shape of fewer pictures than that is not worth its own: they go into squares.

    Returns:
        The different shapes (height, width), pixels, (S, 2), and the row of each picture's among them, (N,).
    """
    sides = np.asarray(sizes, dtype=float)
    scaled = np.rint(sides / sides.max(axis=1, keepdims=True) * image_size)
    shapes = np.minimum(np.ceil((scaled + _MARGIN) / _STEP) * _STEP, image_size).astype(np.int64)
    different, which, counts = np.unique(shapes, axis=0, return_inverse=True, return_counts=True)
    shapes[counts[which.ravel()] < batch] = image_size
    different, which = np.unique(shapes, axis=0, return_inverse=True)
    return different, which.ravel().astype(np.int64)


class BucketSampler:
    """Pictures in random order, but `batch` in a row of one shape; another order every epoch.

    The last batch of a shape is filled up with pictures of that shape that the epoch has had already.
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
