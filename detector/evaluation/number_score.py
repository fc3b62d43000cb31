"""How many numbers are read exactly, on pictures whose numbers are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from digitdet.datasets.formats.numbers import NUMBERS_FILE, NumberTruth, read_truths
from digitdet.evaluation.matching import match_places
from digitdet.reader import NumberReader
from digitdet.reading.results import Number


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
    truths = read_truths(folder / NUMBERS_FILE, split)
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
    for truth, match in zip(truths, match_places(truths, found), strict=True):
        if match is not None:
            right[match] = found[match].best == truth.text
    return right
