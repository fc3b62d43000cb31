"""numbers.jsonl: the numbers and the lines of text of each picture, which YOLO labels do not contain.

One JSON object per line, sorted by split and name::

    {"image": "images/test/000017.jpg", "split": "test",
     "numbers": [{"text": "599", "boxes": [[22.0, 30.0, 35.0, 61.0], ...]}],
     "lines": [{"text": "$5.99 kg", "boxes": [[8, 28, 20, 63], [22, 30, 35, 61], ...], "numbers": [[1, 5]]}]}

Boxes are xyxy in pixels, in reading order. A number has its digits alone, with one box per digit. A line has the text
as written, with one box for every character that is not a space, and the start and stop (exclusive) of each number in
the text, including its marks. A picture may also have a "look" (its kind of picture), and a number a "source" (where
its digits come from). Files without lines can also be read.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from digitdet.common.errors import DataError
from digitdet.common.types import CLASS_NAMES, Box

NUMBERS_FILE = "numbers.jsonl"


@dataclass(frozen=True)
class NumberTruth:
    """The true text of a number, and one xyxy pixel box per digit in reading order."""

    text: str
    boxes: tuple[Box, ...]
    source: str = ""

    @property
    def box(self) -> Box:
        """The box around all digits, xyxy."""
        left, top, right, bottom = zip(*self.boxes, strict=True)
        return min(left), min(top), max(right), max(bottom)


@dataclass(frozen=True)
class LineTruth:
    """A line of text as written, with its numbers."""

    text: str
    """Digits, marks and any other characters, with single spaces."""
    boxes: tuple[Box, ...]
    """One xyxy pixel box for every character that is not a space."""
    numbers: tuple[tuple[int, int], ...] = ()
    """Start and stop (exclusive) of each number in `text`, with its marks: "-1,234.50" is one number."""


@dataclass(frozen=True)
class PictureTruth:
    """All numbers of one picture; `image` is relative to the dataset's folder, with forward slashes."""

    image: str
    split: str
    numbers: tuple[NumberTruth, ...]
    look: str = ""
    lines: tuple[LineTruth, ...] = ()


def format_truth(truth: PictureTruth) -> str:
    """Return one line of numbers.jsonl with its line break; coordinates have two decimals."""
    record: dict[str, Any] = {"image": truth.image, "split": truth.split}
    if truth.look:
        record["look"] = truth.look
    record["numbers"] = [_format_number(number) for number in truth.numbers]
    if truth.lines:
        record["lines"] = [_format_line(line) for line in truth.lines]
    return json.dumps(record) + "\n"


def parse_truth(line: str, source: str) -> PictureTruth:
    """Parse one line of numbers.jsonl; the message of a DataError begins with `source`."""
    try:
        truth = msgspec.json.decode(line, type=PictureTruth)
        if any(len(number.text) != len(number.boxes) or not number.boxes for number in truth.numbers):
            raise ValueError("a number needs a text and one box per digit")
        for text_line in truth.lines:
            _check_line(text_line)
    except (ValueError, RecursionError) as error:  # the latter for deep nesting
        raise DataError(f"{source}: not a numbers.jsonl line ({error})") from error
    return truth


def read_truths(path: Path, split: str | None = None) -> list[PictureTruth]:
    """Read numbers.jsonl, all of it or one split."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error})") from error
    truths = [parse_truth(line, f"{path}, line {number}") for number, line in enumerate(lines, start=1)]
    return [truth for truth in truths if split in (None, truth.split)]


def _format_number(number: NumberTruth) -> dict[str, Any]:
    record: dict[str, Any] = {"text": number.text, "boxes": [[round(v, 2) for v in box] for box in number.boxes]}
    return {**record, "source": number.source} if number.source else record


def _format_line(line: LineTruth) -> dict[str, Any]:
    boxes = [[round(value, 2) for value in box] for box in line.boxes]
    return {"text": line.text, "boxes": boxes, "numbers": [list(span) for span in line.numbers]}


def _check_line(line: LineTruth) -> None:
    """Raise a ValueError if the boxes or the numbers do not fit the text."""
    if len(line.boxes) != len(line.text.replace(" ", "")):
        raise ValueError("a line needs one box per character that is not a space")
    bounds = [bound for span in line.numbers for bound in span]
    if bounds != sorted(bounds) or any(not 0 <= bound <= len(line.text) for bound in bounds):
        raise ValueError("the numbers of a line must be parts of its text, in order")
    if any(not any(character in CLASS_NAMES for character in line.text[start:stop]) for start, stop in line.numbers):
        raise ValueError("every number of a line needs a digit")
