"""Batches of pictures of similar shape, so that a strip of digits is not padded to a square."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from digitdet.common.types import Indices

_STEP = 64  # height and width of a batch are multiples of this many pixels
_MARGIN = 16  # minimum padding in pixels, for the augmentation that shifts pictures


def batch_shapes(sizes: Indices, image_size: int, batch: int) -> tuple[Indices, Indices]:
    """Assign pictures of heights and widths (N, 2) to batches whose longer side is at most `image_size` pixels.

    Pictures of a shape that fewer than `batch` pictures have are padded to squares.

    Returns:
        The different heights and widths (S, 2) of batches in pixels, and the row (N,) among them of each picture.
    """
    scaled = np.rint(sizes / sizes.max(axis=1, keepdims=True) * image_size)
    shapes = np.minimum(np.ceil((scaled + _MARGIN) / _STEP) * _STEP, image_size).astype(np.int64)
    _, rows, counts = np.unique(shapes, axis=0, return_inverse=True, return_counts=True)
    shapes[counts[rows.ravel()] < batch] = image_size
    different, rows = np.unique(shapes, axis=0, return_inverse=True)
    return different, rows.ravel()


class BucketSampler:
    """Draws pictures in random order in runs of `batch` pictures of one shape; a new order every epoch.

    The last batch of a shape is filled up with other pictures of that shape.
    """

    def __init__(self, shape_rows: Indices, batch: int, seed: int) -> None:
        self._buckets = [np.flatnonzero(shape_rows == shape) for shape in np.unique(shape_rows)]
        self._batch = batch
        self._random = np.random.default_rng(seed)

    def __len__(self) -> int:
        return sum(-(-len(bucket) // self._batch) * self._batch for bucket in self._buckets)

    def __iter__(self) -> Iterator[int]:
        batches: list[Indices] = []
        for bucket in self._buckets:
            order = self._random.permutation(bucket)
            filled = np.resize(order, -(-len(order) // self._batch) * self._batch)
            batches += list(filled.reshape(-1, self._batch))
        for index in self._random.permutation(len(batches)):
            yield from batches[index].tolist()
