"""When a picture counts as read: the same for every reader, whatever pieces it gives its text in.

A number is exact when the digits of everything that was read in its picture, joined in reading order, are its digits: a
crop holds one number, and a thousand dot or a gap may part it. Where a picture holds several rows (sudokus: the truth
is row|row|...), each row is counted, as it was read in order.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from digitdet.common.types import Box
from digitdet.evaluation.matching import group_rows
from digitdet.reading.reliability import most_accepted


@dataclass(frozen=True)
class Piece:
    """Digits that a reader gave in one piece: `box` xyxy in pixels, `confidence` 0 to 1."""

    text: str
    box: Box = (0.0, 0.0, 0.0, 0.0)
    confidence: float = 1.0


@dataclass(frozen=True)
class Line:
    """A line of digits that was read, as sure as the least sure of its pieces, and whether it is in the truth."""

    confidence: float
    is_right: bool


@dataclass(frozen=True)
class Outcome:
    """One picture: how many numbers it holds, the lines that were read, and whether they are all of it and no more.

    `in_one_piece`: the truth and nothing else was read, in one piece. `is_unsure`: the reader itself doubts.
    """

    truth: str
    numbers: int
    lines: tuple[Line, ...]
    is_whole: bool
    in_one_piece: bool
    is_unsure: bool = False


@dataclass(frozen=True)
class Coverage:
    """What can be accepted: `share` of all numbers (0 to 1), those with a confidence of at least `threshold`."""

    share: float
    threshold: float


def digits_of(text: str) -> str:
    """The digits 0 to 9 of a text, without anything else; full-width and other compatible forms count, too."""
    return "".join(character for character in unicodedata.normalize("NFKC", text) if character in "0123456789")


def judge(truth: str, pieces: Sequence[Piece], is_unsure: bool = False) -> Outcome:
    """Compare what was read in a picture, in reading order, with its truth; pieces without a digit do not count."""
    pieces = [piece for piece in pieces if piece.text]
    wanted = [row for row in truth.split("|") if row]
    groups = group_rows(pieces) if "|" in truth else [pieces] if pieces else []
    texts = ["".join(piece.text for piece in group) for group in groups]
    right = _matched(wanted, texts)
    lines = tuple(Line(min(piece.confidence for piece in group), index in right) for index, group in enumerate(groups))
    return Outcome(
        truth=truth,
        numbers=len(wanted),
        lines=lines,
        is_whole=texts == wanted,
        in_one_piece=[piece.text for piece in pieces] == [truth],
        is_unsure=is_unsure,
    )


def coverage_at_precision(outcomes: Sequence[Outcome], precision: float = 0.95) -> Coverage:
    """The most numbers that can be accepted by their confidence so that this part of those accepted is right."""
    lines = [line for outcome in outcomes for line in outcome.lines]
    accepted, threshold = most_accepted(
        [line.confidence for line in lines], [line.is_right for line in lines], precision
    )
    if threshold is None:
        return Coverage(0.0, 1.0)
    numbers = sum(outcome.numbers for outcome in outcomes)
    # Lines that are no number of the picture may be accepted, too.
    return Coverage(min(accepted / numbers, 1.0), threshold)


def _matched(wanted: Sequence[str], texts: Sequence[str]) -> set[int]:
    """The places of the texts that are wanted, in their order."""
    matcher = difflib.SequenceMatcher(None, list(wanted), list(texts), autojunk=False)
    return {block.b + i for block in matcher.get_matching_blocks() for i in range(block.size)}
