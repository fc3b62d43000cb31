"""What was read, beside what is there: one outcome for every true number, and for every reading that is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

from digitdet.common.boxes import as_boxes
from digitdet.common.errors import ImageError
from digitdet.common.types import Box
from digitdet.detection.postprocess import Detections, NmsResult
from digitdet.evaluation.alignment import align, edit_distance
from digitdet.evaluation.detection import DigitBoxes, PictureDigits
from digitdet.evaluation.matching import group_rows, match_places
from digitdet.evaluation.sets import TruePicture, TrueSet
from digitdet.imaging.images import ImageSource
from digitdet.reading.results import EMPTY, ERROR, OK, UNSURE, Digit, Number, Reading

TOP = 3
"""So many candidates count as the best ones."""


class Reader(Protocol):
    """What reads pictures, as `digitdet.NumberReader` does."""

    def read(self, source: ImageSource) -> Reading:
        """The numbers of a picture; raises ImageError if it cannot be read."""

    def find(self, source: ImageSource) -> NmsResult:
        """The digits of a picture before they are put together; raises ImageError if it cannot be read."""


@dataclass(frozen=True)
class NumberOutcome:
    """One true number and what was read for it, or a reading of what is no number.

    `truth` is empty where no number is; `text` is what was read, in one or several `pieces`, empty if nothing was.
    `confidence` (0 to 1) is that of the least sure piece. `status` is 'ok', 'unsure', 'empty', or 'error' if the
    picture could not be read. `candidates` are the best texts, `text` first, `TOP` at most. `digits` are those read.
    `place` is where the number really is, xyxy in pixels, if that is known.
    """

    truth: str
    text: str
    confidence: float
    status: str
    candidates: tuple[str, ...] = ()
    pieces: int = 0
    digits: tuple[Digit, ...] = ()
    place: Box | None = None

    @property
    def is_right(self) -> bool:
        """Whether it was read exactly: every digit right and none too many."""
        return bool(self.truth) and self.text == self.truth

    @cached_property
    def edits(self) -> int:
        """How many digits are to be inserted, deleted or replaced to make the reading right."""
        return edit_distance(self.text, self.truth)


@dataclass(frozen=True)
class PictureOutcome:
    """One picture: its truth, its reading, and the outcome for each number in it. `digits` is None if they are not
    known, or if nobody asked.
    """

    set_name: str
    picture: TruePicture
    reading: Reading
    numbers: tuple[NumberOutcome, ...]
    digits: PictureDigits | None = None

    @property
    def is_right(self) -> bool:
        """Whether all of its numbers were read exactly, and nothing else."""
        return self.reading.error is None and all(number.is_right for number in self.numbers)


def read_set(
    reader: Reader, true_set: TrueSet, with_digits: bool = True, on_picture: Callable[[], None] = lambda: None
) -> Iterator[PictureOutcome]:
    """Read every picture of a set. One that cannot be read has the reason in its reading; nothing is read in it then.

    Args:
        reader: Reads a picture once, and once more where single digits are to be measured.
        true_set: The pictures.
        with_digits: Measure single digits, too, where they are known.
        on_picture: Called after each picture.
    """
    for picture in true_set.pictures:
        source, found = str(picture.path), None
        try:
            reading = reader.read(source)
            if with_digits and picture.digits is not None:
                found = reader.find(source).digits
        except ImageError as error:
            reading = Reading(source=source, error=str(error))
        digits = _picture_digits(picture, reading, found) if with_digits else None
        yield PictureOutcome(true_set.name, picture, reading, judge(picture, reading), digits)
        on_picture()


def judge(picture: TruePicture, reading: Reading) -> tuple[NumberOutcome, ...]:
    """Compare the numbers of a picture with what was read in it.

    Where their places are known, a reading belongs to the number at its place. Where a picture holds one number, that
    number is all that was read, joined in reading order: a gap or a thousand dot may part it. Of a picture with several
    rows each line that was read, joined, belongs to a row, in their order.
    """
    if picture.placed is not None:
        truths = [number.text for number in picture.placed]
        groups = [[number] for number in reading.numbers]
        pairs = list(enumerate(match_places(picture.placed, reading.numbers)))
        free = set(range(len(groups))) - {match for _, match in pairs}
        matched: list[tuple[int | None, int | None]] = [*pairs, *((None, index) for index in sorted(free))]
        outcomes = _outcomes(truths, groups, matched, reading)
        places: list[Box | None] = [number.box for number in picture.placed]
        places += [None] * len(free)
        return tuple(replace(outcome, place=place) for outcome, place in zip(outcomes, places, strict=True))
    if picture.texts is None:
        return ()
    if len(picture.texts) == 1:
        groups = [list(reading.numbers)]
        return tuple(_outcomes(picture.texts, groups, [(0, 0)], reading))
    groups = group_rows(reading.numbers)
    matched = align(picture.texts, [_joined(group) for group in groups])
    return tuple(_outcomes(picture.texts, groups, matched, reading))


def _outcomes(
    truths: Sequence[str],
    groups: Sequence[Sequence[Number]],
    pairs: Sequence[tuple[int | None, int | None]],
    reading: Reading,
) -> list[NumberOutcome]:
    """An outcome for each pair of a true number and a group of pieces; either may be missing."""
    return [
        _outcome("" if row is None else truths[row], () if group is None else groups[group], reading)
        for row, group in pairs
    ]


def _outcome(truth: str, pieces: Sequence[Number], reading: Reading) -> NumberOutcome:
    if not pieces:
        return NumberOutcome(truth, "", 0.0, ERROR if reading.error is not None else EMPTY)
    return NumberOutcome(
        truth,
        _joined(pieces),
        min(piece.confidence for piece in pieces),
        OK if all(piece.status == OK for piece in pieces) else UNSURE,
        _candidates(pieces),
        len(pieces),
        tuple(digit for piece in pieces for digit in piece.digits),
    )


def _joined(pieces: Sequence[Number]) -> str:
    return "".join(piece.best for piece in pieces)


def _candidates(pieces: Sequence[Number]) -> tuple[str, ...]:
    """The best texts of the pieces joined: the reading, then those with an alternative for one of the pieces, by how
    much less probable that is than what it stands for.
    """
    others: dict[str, float] = {}
    for place, piece in enumerate(pieces):
        for other in piece.alternatives:
            text = _joined(pieces[:place]) + other.text + _joined(pieces[place + 1 :])
            others[text] = max(others.get(text, 0.0), other.confidence / max(piece.confidence, 1e-12))
    best = _joined(pieces)
    others.pop(best, None)
    return best, *sorted(others, key=lambda text: -others[text])[: TOP - 1]


def _picture_digits(picture: TruePicture, reading: Reading, found: Detections | None) -> PictureDigits | None:
    if picture.digits is None:
        return None
    true = DigitBoxes(picture.digits.labels, picture.digits.xyxy(max(reading.width, 1), max(reading.height, 1)))
    digits = [digit for number in reading.numbers for digit in number.digits]
    read = DigitBoxes.of([int(digit.text) for digit in digits], as_boxes([digit.box for digit in digits]))
    return PictureDigits(true, read, found)
