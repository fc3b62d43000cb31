"""The rule by which a picture counts as read correctly. It is the same for every reader.

A number is exact when the digits of everything that was read in its picture, joined in reading order, equal the true
digits: each picture contains one number, and a reader may split it at a separator or a gap. If a picture contains
several rows (the truth of a Sudoku is "row|row|...") or several numbers ("number;number;..."), each is counted on its
own; a row may be split as well, one of several numbers may not. Only the grids of Sudokus are labelled, so what is read
beside a grid is ignored.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from digitdet.common.types import Box
from digitdet.evaluation.matching import group_rows
from digitdet.evaluation.statistics import most_accepted


@dataclass(frozen=True)
class Piece:
    """Digits that a reader returned as one text: `box` xyxy in pixels, `confidence` 0 to 1."""

    text: str
    box: Box = (0.0, 0.0, 0.0, 0.0)
    confidence: float = 1.0


@dataclass(frozen=True)
class LabelledPicture:
    """A picture and its true number or numbers.

    `area` (xyxy in pixels) is the part of the picture that the truth describes; None is all of it.
    """

    path: Path
    truth: str
    area: Box | None = None


@dataclass(frozen=True)
class Line:
    """A line that was read: the lowest confidence of its pieces, and whether it is one of the true numbers."""

    confidence: float
    is_right: bool


@dataclass(frozen=True)
class Outcome:
    """The result for one picture.

    Attributes:
        truth: The true number, or several separated by `|` or `;`.
        numbers: How many numbers the picture contains.
        lines: The lines that were read.
        is_whole: Whether everything was read correctly and nothing was read in addition.
        in_one_piece: Whether the pieces that were read are the true numbers, none of them split.
        is_unsure: Whether the reader marked its result as uncertain.
    """

    truth: str
    numbers: int
    lines: tuple[Line, ...]
    is_whole: bool
    in_one_piece: bool
    is_unsure: bool = False


@dataclass(frozen=True)
class Coverage:
    """The `share` (0 to 1) of all numbers accepted when a confidence of at least `threshold` is required."""

    share: float
    threshold: float


def digits_of(text: str) -> str:
    """Return only the digits 0 to 9 of a text; full-width and other compatible forms are converted."""
    return "".join(character for character in unicodedata.normalize("NFKC", text) if character in "0123456789")


def judge(truth: str, pieces: Sequence[Piece], is_unsure: bool = False, area: Box | None = None) -> Outcome:
    """Compare the pieces read in a picture, in reading order, with its truth.

    Pieces without digits are ignored, and those with their middle outside `area`, if the truth describes only a part of
    the picture.
    """
    pieces = [piece for piece in pieces if piece.text and (area is None or _has_middle_in(piece.box, area))]
    wanted = [number for number in truth.replace("|", ";").split(";") if number]
    if "|" in truth:
        groups = group_rows(pieces)
    elif ";" in truth:
        groups = [[piece] for piece in pieces]
    else:
        groups = [pieces] if pieces else []
    texts = ["".join(piece.text for piece in group) for group in groups]
    right = _matched(wanted, texts)
    lines = tuple(Line(min(piece.confidence for piece in group), index in right) for index, group in enumerate(groups))
    return Outcome(
        truth=truth,
        numbers=len(wanted),
        lines=lines,
        is_whole=texts == wanted,
        in_one_piece=[piece.text for piece in pieces] == wanted,
        is_unsure=is_unsure,
    )


def judge_all(pictures: Sequence[LabelledPicture], answers: Sequence[Sequence[Piece]]) -> list[Outcome]:
    """Compare the pieces read in each picture with its truth."""
    return [judge(one.truth, pieces, area=one.area) for one, pieces in zip(pictures, answers, strict=True)]


def coverage_at_precision(outcomes: Sequence[Outcome], precision: float = 0.95) -> Coverage:
    """Return the largest coverage for which at least this share of the accepted numbers is right."""
    lines = [line for outcome in outcomes for line in outcome.lines]
    accepted, threshold = most_accepted(
        [line.confidence for line in lines], [line.is_right for line in lines], precision
    )
    if threshold is None:
        return Coverage(0.0, 1.0)
    numbers = sum(outcome.numbers for outcome in outcomes)
    # Lines that match no true number can be accepted as well, so the ratio may exceed 1.
    return Coverage(min(accepted / numbers, 1.0), threshold)


def _has_middle_in(box: Box, area: Box) -> bool:
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return area[0] <= x <= area[2] and area[1] <= y <= area[3]


def _matched(wanted: Sequence[str], texts: Sequence[str]) -> set[int]:
    """Return the indices of the texts that match a wanted number, in order."""
    matcher = difflib.SequenceMatcher(None, list(wanted), list(texts), autojunk=False)
    return {block.b + i for block in matcher.get_matching_blocks() for i in range(block.size)}
