"""Shuffling training samples, and drawing them in worker processes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

import cv2
import numpy as np
from torch.utils.data import DataLoader, Dataset

from digitdet.common.types import Indices
from digitdet.training.hardware import Machine

DrawnT = TypeVar("DrawnT")

_PREFETCHED = 4  # per worker


def shuffled(items: int, seed: int, start: int, stop: int) -> Indices:
    """Return which of so many `items` come from the place `start` to before `stop` of a training: (stop - start,).

    Every item comes once before any comes again, each time in another order.
    """
    turns = range(start // items, (stop - 1) // items + 1)
    orders = [np.random.default_rng((seed, 0, turn)).permutation(items) for turn in turns]
    first = turns.start * items
    return np.concatenate(orders)[start - first : stop - first]


def draw_in_workers(draw: Callable[[int], DrawnT], start: int, count: int, machine: Machine) -> DataLoader[DrawnT]:
    """Return an iterable of draw(start), draw(start + 1) and so on, `count` in all, drawn in the machine's workers."""
    return DataLoader(
        _Drawn(draw, start, count),
        batch_size=None,
        collate_fn=_unchanged,
        num_workers=machine.workers,
        prefetch_factor=_PREFETCHED if machine.workers else None,
    )


class _Drawn(Dataset[DrawnT], Generic[DrawnT]):
    def __init__(self, draw: Callable[[int], DrawnT], start: int, count: int) -> None:
        self._draw, self._start, self._count = draw, start, count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, place: int) -> DrawnT:
        cv2.setNumThreads(0)  # the training needs the cores
        return self._draw(self._start + place)


def _unchanged(drawn: DrawnT) -> DrawnT:
    return drawn
