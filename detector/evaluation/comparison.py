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
    """A true number, the `index`-th of its picture, that only the second (FIXED) or only the first model (BROKEN) reads
    exactly.
    """

    set_name: str
    image: str
    index: int
    kind: str
    first: NumberOutcome
    second: NumberOutcome

    def to_dict(self) -> dict[str, Any]:
        """Return the change as JSON types."""
        texts = {"truth": self.first.truth, "first": self.first.text, "second": self.second.text}
        return {"set": self.set_name, "image": self.image, "index": self.index, "kind": self.kind, **texts}


@dataclass(frozen=True)
class Comparison:
    """Counts of the true `numbers` of a set, and of those that the `first` and the `second` model read exactly, the
    `changes` between them and the p-value of McNemar's test.
    """

    name: str
    numbers: int
    first: int
    second: int
    fixed: int
    broken: int
    p_value: float
    changes: tuple[Change, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the counts as JSON types."""
        return {name: value for name, value in vars(self).items() if name != "changes"}


def compare(name: str, first: Sequence[PictureOutcome], second: Sequence[PictureOutcome]) -> Comparison:
    """Compare the outcomes of two models for the same pictures in the same order, without false readings.

    Raises:
        ValueError: The pictures differ.
    """
    exact: list[tuple[bool, bool]] = []
    changes = []
    for one, other in zip(first, second, strict=True):
        if (one.picture.path, one.picture.image) != (other.picture.path, other.picture.image):
            raise ValueError(f"{one.picture.path} is paired with {other.picture.path}")
        befores, afters = ([number for number in outcome.numbers if number.truth] for outcome in (one, other))
        for index, (before, after) in enumerate(zip(befores, afters, strict=True)):
            exact.append((before.is_right, after.is_right))
            if before.is_right != after.is_right:
                kind = FIXED if after.is_right else BROKEN
                changes.append(Change(one.set_name, one.picture.image, index, kind, before, after))
    fixed = sum(change.kind == FIXED for change in changes)
    broken = len(changes) - fixed
    counts = (len(exact), sum(before for before, _ in exact), sum(after for _, after in exact))
    return Comparison(name, *counts, fixed, broken, mcnemar(fixed, broken), tuple(changes))
