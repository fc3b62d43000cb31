"""numbers.jsonl: the numbers of each picture, which YOLO labels do not contain.

One JSON object per line, sorted by split and name::

    {"image": "images/test/000017.jpg", "split": "test",
     "numbers": [{"text": "0482", "boxes": [[12.0, 30.0, 25.0, 61.0], ...]}]}

Boxes are xyxy in pixels, one per digit, in reading order. A picture may also have a "look" (its kind of picture), and a
number a "source" (where its digits come from).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from digitdet.common.errors import DataError
from digitdet.common.types import Box

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
class PictureTruth:
    """All numbers of one picture; `image` is relative to the dataset's folder, with forward slashes."""

    image: str
    split: str
    numbers: tuple[NumberTruth, ...]
    look: str = ""


def format_truth(truth: PictureTruth) -> str:
    """Return one line of numbers.jsonl with its line break; coordinates have two decimals."""
    record: dict[str, Any] = {"image": truth.image, "split": truth.split}
    if truth.look:
        record["look"] = truth.look
    record["numbers"] = [_format_number(number) for number in truth.numbers]
    return json.dumps(record) + "\n"


def parse_truth(line: str, source: str) -> PictureTruth:
    """Parse one line of numbers.jsonl; the message of a DataError begins with `source`."""
    try:
        truth = msgspec.json.decode(line, type=PictureTruth)
        if any(len(number.text) != len(number.boxes) or not number.boxes for number in truth.numbers):
            raise ValueError("a number needs a text and one box per digit")
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
