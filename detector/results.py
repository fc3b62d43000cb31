"""What reading gives: frozen values, the same for the Python interface, the command line and the drawings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Digit:
    """One digit: its `text` ('0' to '9'), the network's `confidence` (0 to 1) and its `box`, xyxy in pixels."""

    text: str
    confidence: float
    box: Box

    def to_dict(self) -> dict[str, Any]:
        """The digit as JSON types, rounded to what they are good for."""
        return {"text": self.text, "confidence": round(self.confidence, 4), "box": _rounded(self.box)}


@dataclass(frozen=True)
class Number:
    """A whole number: its digits from left to right."""

    digits: tuple[Digit, ...]

    @property
    def text(self) -> str:
        """The number as written, leading zeros kept."""
        return "".join(digit.text for digit in self.digits)

    @property
    def confidence(self) -> float:
        """That of the least sure digit, 0 to 1: a number is no better than its worst digit."""
        return min(digit.confidence for digit in self.digits)

    @property
    def box(self) -> Box:
        """The box around all digits, xyxy in pixels."""
        left, top, right, bottom = zip(*(digit.box for digit in self.digits), strict=True)
        return min(left), min(top), max(right), max(bottom)

    def to_dict(self) -> dict[str, Any]:
        """The number as JSON types."""
        return {
            "text": self.text,
            "confidence": round(self.confidence, 4),
            "box": _rounded(self.box),
            "digits": [digit.to_dict() for digit in self.digits],
        }


@dataclass(frozen=True)
class Reading:
    """All numbers of one picture, line by line from the top, each line from left to right.

    Boxes are in pixels of the picture as a person sees it: a photo's EXIF orientation is applied.
    """

    numbers: tuple[Number, ...]

    @property
    def texts(self) -> list[str]:
        """The numbers as text, in reading order."""
        return [number.text for number in self.numbers]

    @property
    def status(self) -> str:
        """'ok', or 'empty' when no digit was found."""
        return "ok" if self.numbers else "empty"

    def to_dict(self) -> dict[str, Any]:
        """The reading as JSON types: {'status': ..., 'numbers': [...]}."""
        return {"status": self.status, "numbers": [number.to_dict() for number in self.numbers]}


def _rounded(box: Box) -> list[float]:
    return [round(float(value), 2) for value in box]
