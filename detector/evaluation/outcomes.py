"""Readings compared with the truth: an outcome for every true number and for every false reading."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digitdet.common.boxes import as_boxes
from digitdet.common.characters import only_digits
from digitdet.common.errors import ImageError
from digitdet.common.types import Box
from digitdet.datasets.formats.numbers import NUMBERS_FILE, read_truths
from digitdet.datasets.labelled_numbers import numbers_of_digits
from digitdet.detection.postprocess import Detections
from digitdet.evaluation.detection import PictureDigits
from digitdet.evaluation.matching import align, edit_distance, exact_readings, group_rows, match_numbers
from digitdet.evaluation.sets import DigitBoxes, TruePicture, TrueSet
from digitdet.reading.digits_only import without_marks
from digitdet.reading.results import EMPTY, ERROR, OK, UNSURE, Digit, Number, Reading

if TYPE_CHECKING:
    from digitdet.reader import NumberReader

_UNKNOWN_SIDE = 1000  # pixels, of a picture that could not be read
_MAX_CANDIDATES = 3  # texts of a number that are kept, for the top-3 accuracy


@dataclass(frozen=True)
class NumberOutcome:
    """A true number and what was read for it, or a reading where there is no number."""

    truth: str  # empty where there is no number
    text: str  # empty if nothing was read
    confidence: float  # the lowest of the pieces, 0 to 1
    status: str  # 'ok', 'unsure', 'empty', or 'error' if the picture could not be read
    candidates: tuple[str, ...] = ()  # the most probable texts, `text` first, at most three
    pieces: int = 0  # in how many numbers the text was read
    digits: tuple[Digit, ...] = ()  # the digits that were read
    place: Box | None = None  # of the true number, xyxy in pixels, if it is known

    @property
    def is_right(self) -> bool:
        """Whether the number was read exactly."""
        return bool(self.truth) and self.text == self.truth

    @property
    def length(self) -> int:
        """How many digits the true number has."""
        return len(only_digits(self.truth))

    @cached_property
    def edits(self) -> int:
        """The edit distance of the text from the truth."""
        return edit_distance(self.text, self.truth)


@dataclass(frozen=True)
class PictureOutcome:
    """The truth of one picture, its reading, and the outcomes of its numbers. `digits` is None if not measured."""

    set_name: str
    picture: TruePicture
    reading: Reading
    numbers: tuple[NumberOutcome, ...]
    digits: PictureDigits | None = None

    @property
    def is_right(self) -> bool:
        """Whether all numbers were read exactly, and there are no false readings."""
        return self.reading.error is None and all(number.is_right for number in self.numbers)


def read_set(
    reader: NumberReader, true_set: TrueSet, on_picture: Callable[[], None] = lambda: None
) -> Iterator[PictureOutcome]:
    """Read every picture of a set and compare; the reading of an unreadable picture holds the error.

    Where only single digits are labelled, those near each other are a number. Where the labels have digits alone, they
    are compared with the readings as of `digitdet read --digits-only`. Where the true digits are known, the
    detected ones are kept, too. `on_picture` is called after each picture.
    """
    for labelled in true_set.pictures:
        source, found = str(labelled.path), None
        try:
            reading, found = reader.read_and_find(source)
        except ImageError as error:
            reading = Reading(source=source, error=str(error).removeprefix(f"{source}: "))
        picture = _with_numbers(labelled, reading)
        digits = _picture_digits(picture, reading, found)
        compared = reading.numbers
        if not picture.as_written:
            compared = tuple(without_marks(number, reader.config.min_confidence) for number in compared)
        numbers = judge(picture, replace(reading, numbers=compared))
        yield PictureOutcome(true_set.name, picture, reading, numbers, digits)
        on_picture()


def _with_numbers(picture: TruePicture, reading: Reading) -> TruePicture:
    """Group the digits to numbers where only these are labelled."""
    if picture.texts is not None or picture.placed is not None or picture.digits is None:
        return picture
    known = picture.digits.in_pixels(reading.width or _UNKNOWN_SIDE, reading.height or _UNKNOWN_SIDE)
    return replace(picture, placed=numbers_of_digits(known.labels.tolist(), known.boxes))


def score_numbers(reader: NumberReader, folder: Path, split: str) -> dict[str, Any]:
    """Read every picture of a split of a dataset folder and compare with its numbers.jsonl.

    Returns:
        Counts of `pictures`, true `numbers`, `exact` ones among them and `false` readings, and the `accuracy` (0 to 1),
        the share of the numbers that were read exactly; None without numbers.

    Raises:
        DataError: numbers.jsonl is missing or damaged.
        ImageError: A picture cannot be read.
    """
    truths = read_truths(folder / NUMBERS_FILE, split)
    hits = [exact_readings(reader.read(folder / truth.image).numbers, truth.numbers) for truth in truths]
    numbers, exact = sum(len(truth.numbers) for truth in truths), sum(map(sum, hits))
    counts = {"pictures": len(truths), "numbers": numbers, "exact": exact, "false": sum(map(len, hits)) - exact}
    return {**counts, "accuracy": exact / numbers if numbers else None}


def judge(picture: TruePicture, reading: Reading) -> tuple[NumberOutcome, ...]:
    """Compare the true numbers of a picture with what was read in it, text by text.

    Where places are known, numbers are matched by place. Otherwise, a single true number is compared with everything
    that was read, joined in reading order, since a gap or a thousands separator may split it; several true rows are
    aligned with the rows that were read.
    """
    if picture.placed is not None:
        matches = match_numbers(picture.placed, reading.numbers)
        outcomes = [
            replace(_outcome(truth.text, () if match is None else [reading.numbers[match]], reading), place=truth.box)
            for truth, match in zip(picture.placed, matches, strict=True)
        ]
        unmatched = [number for index, number in enumerate(reading.numbers) if index not in matches]
        return (*outcomes, *(_outcome("", [number], reading) for number in unmatched))
    if picture.texts is None:
        return ()
    if len(picture.texts) == 1:
        return (_outcome(picture.texts[0], reading.numbers, reading),)
    rows = group_rows(reading.numbers)
    pairs = align(picture.texts, [_join(row) for row in rows])
    return tuple(
        _outcome("" if true is None else picture.texts[true], () if read is None else rows[read], reading)
        for true, read in pairs
    )


def _outcome(truth: str, pieces: Sequence[Number], reading: Reading) -> NumberOutcome:
    if not pieces:
        return NumberOutcome(truth, "", 0.0, ERROR if reading.error is not None else EMPTY)
    return NumberOutcome(
        truth,
        _join(pieces),
        min(piece.confidence for piece in pieces),
        OK if all(piece.status == OK for piece in pieces) else UNSURE,
        _candidates(pieces),
        len(pieces),
        tuple(digit for piece in pieces for digit in piece.digits),
    )


def _join(pieces: Sequence[Number]) -> str:
    return "".join(piece.best for piece in pieces)


def _candidates(pieces: Sequence[Number]) -> tuple[str, ...]:
    """The text of the pieces, then texts with an alternative for one piece, by its confidence relative to the piece."""
    ratios: dict[str, float] = {}
    for index, piece in enumerate(pieces):
        for other in piece.alternatives:
            text = _join(pieces[:index]) + other.text + _join(pieces[index + 1 :])
            ratios[text] = max(ratios.get(text, 0.0), other.confidence / max(piece.confidence, 1e-12))
    text = _join(pieces)
    ratios.pop(text, None)
    return text, *sorted(ratios, key=lambda text: -ratios[text])[: _MAX_CANDIDATES - 1]


def _picture_digits(picture: TruePicture, reading: Reading, found: Detections | None) -> PictureDigits | None:
    if picture.digits is None:
        return None
    true = picture.digits.in_pixels(max(reading.width, 1), max(reading.height, 1))
    digits = [digit for number in reading.numbers for digit in number.digits]
    labels = np.array([int(digit.text) for digit in digits], np.int64)
    return PictureDigits(true, DigitBoxes(labels, as_boxes([digit.box for digit in digits])), found)
