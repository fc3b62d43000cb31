"""What reading gives: frozen values, the same for the Python interface, the command line and the drawings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from digitdet.common.types import Box

SCHEMA_VERSION = 1
"""Version of the dictionaries below, which detector/outputs/reading.schema.json describes. It rises when a field
changes or goes, not when one is added."""

OK, UNSURE, UNFIT, EMPTY, ERROR = "ok", "unsure", "unfit", "empty", "error"


@dataclass(frozen=True)
class Alternative:
    """Something else that may stand there, with its probability (0 to 1)."""

    text: str
    confidence: float

    def to_dict(self) -> dict[str, Any]:
        """The alternative as JSON types."""
        return {"text": self.text, "confidence": round(self.confidence, 4)}


@dataclass(frozen=True)
class Digit:
    """One digit.

    `text` is '0' to '9', `confidence` the probability (0 to 1) that this digit stands here, `box` xyxy in pixels.
    `alternatives` are other digits that may stand here, the most probable first; what the probabilities lack to 1 is
    that of no digit at all.
    """

    text: str
    confidence: float
    box: Box
    alternatives: tuple[Alternative, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The digit as JSON types, rounded to what they are good for."""
        return {
            "text": self.text,
            "confidence": round(self.confidence, 4),
            "box": _rounded(self.box),
            "alternatives": _dicts(self.alternatives),
        }


@dataclass(frozen=True)
class Number:
    """A whole number: its digits from left to right.

    `best` is its most probable text, leading zeros kept, with the separators of the pattern that was asked for, if one
    was. `confidence` is the probability (0 to 1) that this is the number. `status` is 'ok', 'unsure' where the
    confidence is below the one that was asked for, or 'unfit' where no plausible text meets the constraints.
    `doubtful` are the places in `best` that make it unsure. `alternatives` are other texts, the most probable first.
    `angle` is how far its line is turned clockwise on the picture, in degrees, quarter turns of the page included;
    `region` the name of the region it was read in.
    `upside_down` is what it says from the other side, where that is as plausible; None where it is not.
    """

    best: str
    confidence: float
    digits: tuple[Digit, ...]
    status: str = OK
    doubtful: tuple[int, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    angle: float = 0.0
    region: str | None = None
    upside_down: str | None = None

    @property
    def text(self) -> str:
        """The number as it may be passed on: `best`, with ? in the doubtful places."""
        return "".join("?" if place in self.doubtful else character for place, character in enumerate(self.best))

    @property
    def box(self) -> Box:
        """The box around all digits, xyxy in pixels."""
        left, top, right, bottom = zip(*(digit.box for digit in self.digits), strict=True)
        return min(left), min(top), max(right), max(bottom)

    def to_dict(self) -> dict[str, Any]:
        """The number as JSON types."""
        return {
            "text": self.text,
            "status": self.status,
            "confidence": round(self.confidence, 4),
            "best": self.best,
            "alternatives": _dicts(self.alternatives),
            "box": _rounded(self.box),
            "angle": round(self.angle, 1),
            "region": self.region,
            "upside_down": self.upside_down,
            "digits": _dicts(self.digits),
        }


@dataclass(frozen=True)
class Reading:
    """All numbers of one picture, line by line from the top, each line from left to right.

    Boxes are in pixels of the picture as a person sees it (a photo's EXIF orientation is applied), which is `width` x
    `height` pixels. `source` is its path, where it has one; `page` counts the pages or frames of its file from 1, of
    `pages` in all. `rotation` is how far the page lies turned clockwise: 0, 90, 180 or 270 degrees. `error` is the
    reason why there is no reading.
    """

    numbers: tuple[Number, ...] = ()
    width: int = 0
    height: int = 0
    source: str | None = None
    page: int = 1
    pages: int = 1
    rotation: int = 0
    error: str | None = None

    @property
    def texts(self) -> list[str]:
        """The numbers as text, in reading order, without those that are unfit."""
        return [number.text for number in self.numbers if number.status != UNFIT]

    @property
    def status(self) -> str:
        """'ok'; 'empty' when no digit was found; 'unsure' when a number is, or when none meets the constraints; 'error'
        when the picture could not be read.
        """
        if self.error is not None:
            return ERROR
        if not self.numbers:
            return EMPTY
        statuses = {number.status for number in self.numbers}
        return UNSURE if UNSURE in statuses or statuses == {UNFIT} else OK

    def to_dict(self) -> dict[str, Any]:
        """The reading as JSON types, see detector/outputs/reading.schema.json."""
        return {
            "schema": SCHEMA_VERSION,
            "image": self.source,
            "page": self.page,
            "pages": self.pages,
            "width": self.width,
            "height": self.height,
            "status": self.status,
            "error": self.error,
            "rotation": self.rotation,
            "numbers": _dicts(self.numbers),
        }


def _dicts(values: Iterable[Alternative | Digit | Number]) -> list[dict[str, Any]]:
    return [value.to_dict() for value in values]


def _rounded(box: Box) -> list[float]:
    return [round(float(value), 2) for value in box]
