"""Results of reading: frozen values that the Python API, the command line and the drawings share."""

from __future__ import annotations

import statistics
import string
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas

    from digitdet import ImageSource
    from digitdet.common.types import Box

SCHEMA_VERSION = 3
"""Version of the dictionaries below (detector/outputs/reading.schema.json): incremented when a field is changed or
removed, not when one is added."""

_MAX_SHOWN = 10  # numbers in a short description

OK, UNSURE, UNFIT, EMPTY, ERROR = "ok", "unsure", "unfit", "empty", "error"


@dataclass(frozen=True)
class Alternative:
    """Another possible text, with its probability (0 to 1)."""

    text: str
    confidence: float

    def to_dict(self) -> dict[str, Any]:
        """Return the alternative as JSON types."""
        return {"text": self.text, "confidence": round(self.confidence, 4)}


@dataclass(frozen=True)
class Digit:
    """One digit.

    `text` is '0' to '9', `confidence` its probability (0 to 1), `box` xyxy in pixels. `alternatives` are other possible
    digits, most probable first. The rest to 1 is the probability of no digit.
    """

    text: str
    confidence: float
    box: Box
    alternatives: tuple[Alternative, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the digit as JSON types, rounded."""
        return {
            "text": self.text,
            "confidence": round(self.confidence, 4),
            "box": _rounded(self.box),
            "alternatives": _dicts(self.alternatives),
        }


@dataclass(frozen=True)
class Mark:
    """A mark in a number: a minus sign, decimal point, comma, slash, colon or hyphen that the picture shows.

    `text` is one of . , - / : and `confidence` its probability (0 to 1). `place` is its index in `Number.best`. `box`,
    xyxy in pixels, is less exact than that of a digit: it has the columns in which the line reader sees the mark.
    """

    text: str
    confidence: float
    box: Box
    place: int

    def to_dict(self) -> dict[str, Any]:
        """Return the mark as JSON types, rounded."""
        return {
            "text": self.text,
            "confidence": round(self.confidence, 4),
            "box": _rounded(self.box),
            "place": self.place,
        }


@dataclass(frozen=True, repr=False)
class Number:
    """A whole number.

    `best` holds the digits of `digits`, in their order. Its other characters are `marks`, or separators that the
    constraints insert.

    Attributes:
        best: The most probable text as written, such as -264.27, 1,234.56, 12:34 or 0042. With a pattern or a list of
            allowed numbers, it has their separators instead of the marks in the picture.
        confidence: Probability (0 to 1) that this is the number.
        digits: From left to right.
        status: 'ok', 'unsure' where the confidence is below the requested minimum, or 'unfit' where no plausible text
            meets the constraints.
        doubtful: The indices in `best` that make the number unsure.
        is_strict: Whether `text` shows ? in these places.
        alternatives: Other texts, most probable first.
        angle: Clockwise angle of the line on the picture in degrees, including the rotation of the page.
        region: Name of the region that the number was read in.
        upside_down: What the number says upside down, where that is as plausible; otherwise None.
        marks: From left to right.
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
    marks: tuple[Mark, ...] = ()
    is_strict: bool = False

    def __repr__(self) -> str:
        """Such as <Number 0147? unsure 0.46>; to_dict() tells everything."""
        return f"<Number {self.masked_text} {self.status} {self.confidence:.2f}>"

    @property
    def text(self) -> str:
        """The text to show: `best`, or `masked_text` in strict reading."""
        return self.masked_text if self.is_strict else self.best

    @property
    def masked_text(self) -> str:
        """`best` with ? in the doubtful places."""
        return "".join("?" if place in self.doubtful else character for place, character in enumerate(self.best))

    @property
    def digit_places(self) -> tuple[int, ...]:
        """The index in `best` of each digit."""
        return tuple(place for place, character in enumerate(self.best) if character in string.digits)

    @property
    def digit_text(self) -> str:
        """The digits of `text` alone."""
        return "".join(self.text[place] for place in self.digit_places)

    @property
    def box(self) -> Box:
        """The bounding box of all digits, xyxy in pixels, without a minus sign before them."""
        left, top, right, bottom = zip(*(digit.box for digit in self.digits), strict=True)
        return min(left), min(top), max(right), max(bottom)

    @property
    def height(self) -> float:
        """The median height of its digits' boxes in pixels."""
        return statistics.median(digit.box[3] - digit.box[1] for digit in self.digits)

    def to_dict(self) -> dict[str, Any]:
        """Return the number as JSON types."""
        return {
            "text": self.text,
            "status": self.status,
            "confidence": round(self.confidence, 4),
            "best": self.best,
            "digit_text": self.digit_text,
            "alternatives": _dicts(self.alternatives),
            "box": _rounded(self.box),
            "angle": round(self.angle, 1),
            "height": round(self.height, 2),
            "region": self.region,
            "upside_down": self.upside_down,
            "doubtful": list(self.doubtful),
            "digits": _dicts(self.digits),
            "marks": _dicts(self.marks),
        }


@dataclass(frozen=True, repr=False)
class Reading:
    """The numbers of one page, in reading order.

    Attributes:
        numbers: Boxes are in pixels of the page after its EXIF orientation is applied.
        width, height: Of the page in pixels.
        source: The path of the picture; None for bytes and arrays.
        page, pages: Number of the page or frame in its file, from 1, and of all pages.
        rotation: How far the page is rotated clockwise: 0, 90, 180 or 270 degrees.
        error: Why the page cannot be read; otherwise None.
        time: Of a frame of a video, in seconds from its start, or from the start of the camera; otherwise None.
    """

    numbers: tuple[Number, ...] = ()
    width: int = 0
    height: int = 0
    source: str | None = None
    page: int = 1
    pages: int = 1
    rotation: int = 0
    error: str | None = None
    time: float | None = None

    def __repr__(self) -> str:
        """Such as <Reading of scan.tif, page 2: ok, 72366 4>; to_dict() tells everything."""
        name = "Reading" if self.source is None else f"Reading of {self.source}"
        if self.time is not None:
            name += f" at {self.time:.1f} s"
        elif self.pages > 1:
            name += f", page {self.page}"
        said = self.error or " ".join(self.texts[:_MAX_SHOWN]) + (" ..." if len(self.texts) > _MAX_SHOWN else "")
        return f"<{name}: {self.status}{', ' if said else ''}{said}>"

    def _repr_html_(self) -> str:
        """What a notebook shows: the numbers, and the picture if its file can be read again."""
        import digitdet  # the package, as its users have it: outputs import this module

        return digitdet.reading_html(self)

    def show(self, picture: ImageSource | None = None) -> None:
        """Show the picture with its numbers, in a notebook or a window; see `digitdet.show_reading`.

        Args:
            picture: What was read. It may be left out for a picture file, which is read again: a reading keeps no
                pixels.
        """
        import digitdet

        digitdet.show_reading(self, picture)

    def to_pandas(self) -> pandas.DataFrame:
        """Return a table with a row for each number; see `digitdet.to_pandas`, which takes many readings."""
        import digitdet

        return digitdet.to_pandas([self])

    @property
    def texts(self) -> list[str]:
        """The texts of the numbers in reading order, without unfit ones."""
        return [number.text for number in self.numbers if number.status != UNFIT]

    @property
    def status(self) -> str:
        """'ok', 'empty' without digits, 'unsure' if a number is or none meets the constraints, or 'error'."""
        if self.error is not None:
            return ERROR
        if not self.numbers:
            return EMPTY
        statuses = {number.status for number in self.numbers}
        return UNSURE if UNSURE in statuses or statuses == {UNFIT} else OK

    def to_dict(self) -> dict[str, Any]:
        """Return the reading as JSON types; see detector/outputs/reading.schema.json."""
        return {
            "schema": SCHEMA_VERSION,
            "image": self.source,
            "page": self.page,
            "pages": self.pages,
            "width": self.width,
            "height": self.height,
            "status": self.status,
            "error": self.error,
            "time": None if self.time is None else round(self.time, 3),
            "rotation": self.rotation,
            "numbers": _dicts(self.numbers),
        }


def _dicts(values: Iterable[Alternative | Digit | Mark | Number]) -> list[dict[str, Any]]:
    return [value.to_dict() for value in values]


def _rounded(box: Box) -> list[float]:
    return [round(float(value), 2) for value in box]
