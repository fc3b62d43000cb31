"""Two models over the same pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from digitdet.evaluation.outcomes import NumberOutcome, PictureOutcome
from digitdet.evaluation.significance import mcnemar

FIXED, BROKEN = "fixed", "broken"


@dataclass(frozen=True)
class Change:
    """A true number that just one of two models reads: which picture and which number of it, and both outcomes."""

    set_name: str
    image: str
    index: int
    first: NumberOutcome
    second: NumberOutcome

    @property
    def kind(self) -> str:
        """'fixed' if the second model reads it, 'broken' if the first does."""
        return FIXED if self.second.is_right else BROKEN

    def to_dict(self) -> dict[str, Any]:
        """The change as JSON types."""
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
    """The numbers of a set, or of all, that two models read: how many, and how many each reads exactly."""

    name: str
    numbers: int
    first: int
    second: int
    changes: tuple[Change, ...]

    @property
    def fixed(self) -> int:
        """Numbers that only the second model reads."""
        return sum(change.kind == FIXED for change in self.changes)

    @property
    def broken(self) -> int:
        """Numbers that only the first model reads."""
        return len(self.changes) - self.fixed

    @property
    def p_value(self) -> float:
        """How probable so large a difference is by chance: see `mcnemar`."""
        return mcnemar(self.fixed, self.broken)

    def to_dict(self) -> dict[str, Any]:
        """The counts as JSON types."""
        return {
            "name": self.name,
            "numbers": self.numbers,
            "first": self.first,
            "second": self.second,
            "fixed": self.fixed,
            "broken": self.broken,
            "p_value": self.p_value,
        }


def compare(name: str, first: Sequence[PictureOutcome], second: Sequence[PictureOutcome]) -> Comparison:
    """Pair the outcomes of two models for the same pictures, in the same order.

    The true numbers of a picture come in the same order whoever read it; readings of nothing are left out.

    Raises:
        ValueError: They are not the same pictures.
    """
    numbers, right, changes = 0, [0, 0], []
    for one, other in zip(first, second, strict=True):
        if one.picture is not other.picture:
            raise ValueError(f"{one.picture.path} is paired with {other.picture.path}")
        pairs = zip(_true(one), _true(other), strict=True)
        for index, (before, after) in enumerate(pairs):
            numbers += 1
            right[0] += before.is_right
            right[1] += after.is_right
            if before.is_right != after.is_right:
                changes.append(Change(one.set_name, one.picture.image, index, before, after))
    return Comparison(name, numbers, right[0], right[1], tuple(changes))


def _true(outcome: PictureOutcome) -> list[NumberOutcome]:
    return [number for number in outcome.numbers if number.truth]
