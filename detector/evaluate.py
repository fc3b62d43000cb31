"""How many numbers are read exactly, on pictures whose numbers are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from digitdet.datasets.boxes import iou
from digitdet.datasets.numbers import FILE_NAME, NumberTruth, read_truths
from digitdet.reader import NumberReader
from digitdet.reading.results import Number

# A reading counts for a number only where that number is: the usual limit of object detection.
_MIN_IOU = 0.5


@dataclass(frozen=True)
class NumberScore:
    """Counts over a split: `pictures`; `numbers` that are written there; `exact` ones among them; `false` readings,
    numbers that were read but are not there as read.
    """

    pictures: int
    numbers: int
    exact: int
    false: int

    @property
    def accuracy(self) -> float | None:
        """Part of the numbers that were read exactly, every digit right and none too many; None if there were none."""
        return self.exact / self.numbers if self.numbers else None


def score_numbers(reader: NumberReader, folder: Path, split: str) -> NumberScore:
    """Read every picture of a split of a dataset folder and compare with its numbers.jsonl.

    Raises:
        DataError: numbers.jsonl is missing or damaged.
        ImageError: A picture cannot be read.
    """
    truths = read_truths(folder / FILE_NAME, split)
    numbers = exact = false = 0
    for truth in truths:
        found = reader.read(folder / truth.image).numbers
        hits = count_exact(found, truth.numbers)
        numbers += len(truth.numbers)
        exact += hits
        false += len(found) - hits
    return NumberScore(len(truths), numbers, exact, false)


def count_exact(found: Sequence[Number], truths: Sequence[NumberTruth]) -> int:
    """How many true numbers were read with exactly their text, at their place; each reading counts once."""
    return sum(match_numbers(found, truths))


def match_numbers(found: Sequence[Number], truths: Sequence[NumberTruth]) -> list[bool]:
    """For each reading whether it is a true number: its text, at its place; each true number counts once."""
    right = [False] * len(found)
    if not found or not truths:
        return right
    places = iou([truth.box for truth in truths], [number.box for number in found])
    same = np.array([[truth.text == number.best for number in found] for truth in truths])
    free = np.ones(len(found), bool)
    for row in np.where(same, places, 0):
        best = int(np.argmax(row * free))
        if free[best] and row[best] >= _MIN_IOU:
            free[best] = False
            right[best] = True
    return right
