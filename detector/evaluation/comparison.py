"""Paired comparison of two models on the same pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from digitdet.evaluation.outcomes import NumberOutcome, PictureOutcome
from digitdet.evaluation.statistics import mcnemar

FIXED, BROKEN = "fixed", "broken"


@dataclass(frozen=True)
class Change:
    """A true number that just one of two models reads exactly: the `index`-th of its picture, and both outcomes."""

    set_name: str
    image: str
    index: int
    first: NumberOutcome
    second: NumberOutcome

    @property
    def kind(self) -> str:
        """'fixed' if the second model reads it exactly, 'broken' if the first does."""
        return FIXED if self.second.is_right else BROKEN

    def to_dict(self) -> dict[str, Any]:
        """Return the change as JSON types."""
        return {
            "set": self.set_name,
            "image": self.image,
            "index": self.index,
            "kind": self.kind,
            "truth": self.first.truth,
            "first": self.first.text,
            "second": self.second.text,
        }


@dataclass(frozen=True)
class Comparison:
    """Two models on a set: its true `numbers`, how many the `first` and the `second` model read exactly, and the
    numbers that just one of them does.
    """

    name: str
    numbers: int
    first: int
    second: int
    changes: tuple[Change, ...]

    @property
    def fixed(self) -> int:
        """Numbers that only the second model reads exactly."""
        return sum(change.kind == FIXED for change in self.changes)

    @property
    def broken(self) -> int:
        """Numbers that only the first model reads exactly."""
        return len(self.changes) - self.fixed

    @property
    def p_value(self) -> float:
        """See `mcnemar`."""
        return mcnemar(self.fixed, self.broken)

    def to_dict(self) -> dict[str, Any]:
        """Return the counts as JSON types."""
        names = ("name", "numbers", "first", "second", "fixed", "broken", "p_value")
        return {name: getattr(self, name) for name in names}


def compare(name: str, first: Sequence[PictureOutcome], second: Sequence[PictureOutcome]) -> Comparison:
    """Compare the outcomes of two models for the same pictures in the same order; readings of no number are left out.

    Raises:
        ValueError: The pictures differ.
    """
    pairs: list[tuple[NumberOutcome, NumberOutcome]] = []
    changes = []
    for one, other in zip(first, second, strict=True):
        if one.picture is not other.picture:
            raise ValueError(f"{one.picture.path} is paired with {other.picture.path}")
        for index, (before, after) in enumerate(zip(_true_numbers(one), _true_numbers(other), strict=True)):
            pairs.append((before, after))
            if before.is_right != after.is_right:
                changes.append(Change(one.set_name, one.picture.image, index, before, after))
    exact = [sum(number.is_right for number in numbers) for numbers in zip(*pairs, strict=True)] or [0, 0]
    return Comparison(name, len(pairs), exact[0], exact[1], tuple(changes))


def _true_numbers(outcome: PictureOutcome) -> list[NumberOutcome]:
    return [number for number in outcome.numbers if number.truth]
