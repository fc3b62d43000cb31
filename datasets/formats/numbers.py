"""numbers.jsonl: what is written in each picture, as ordered numbers; YOLO labels alone do not say that.

One JSON object a line, sorted by split and name::

    {"image": "images/test/000017.jpg", "split": "test",
     "numbers": [{"text": "0482", "boxes": [[12.0, 30.0, 25.0, 61.0], ...]}]}

Boxes are xyxy in pixels, one a digit, in reading order. Where it is known, a picture also has a "look" (which kind of
picture it is) and a number a "source" (where its digits come from).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from digitdet.common.errors import DataError
from digitdet.common.types import Box

NUMBERS_FILE = "numbers.jsonl"


@dataclass(frozen=True)
class NumberTruth:
    """A number that is really in a picture: its text and one xyxy pixel box a digit, in reading order.

    `source` says where its digits come from; empty where that is not known.
    """

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
    """All numbers of one picture; `image` is relative to the dataset's folder, with forward slashes.

    `look` says which kind of picture it is; empty where that is not known.
    """

    image: str
    split: str
    numbers: tuple[NumberTruth, ...]
    look: str = ""


def format_truth(truth: PictureTruth) -> str:
    """One line of numbers.jsonl, with its line end; coordinates to a hundredth of a pixel."""
    record: dict[str, Any] = {"image": truth.image, "split": truth.split}
    if truth.look:
        record["look"] = truth.look
    record["numbers"] = [_format_number(number) for number in truth.numbers]
    return json.dumps(record) + "\n"


def parse_truth(line: str, source: str) -> PictureTruth:
    """Read one line of numbers.jsonl.

    Raises:
        DataError: The line is not such an object, or a text has not one box a digit; names `source`.
    """
    try:
        record = json.loads(line)
        numbers = tuple(_parse_number(number) for number in record["numbers"])
        return PictureTruth(str(record["image"]), str(record["split"]), numbers, str(record.get("look", "")))
    except (ValueError, KeyError, TypeError, RecursionError) as error:  # the last from deep nesting
        raise DataError(f"{source}: not a numbers.jsonl line ({error})") from error


def read_truths(path: Path, split: str | None = None) -> list[PictureTruth]:
    """Read numbers.jsonl, all of it or one split.

    Raises:
        DataError: The file cannot be read, or a line is wrong.
    """
    try:
        lines: Iterable[str] = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error})") from error
    truths = [parse_truth(line, f"{path}, line {number}") for number, line in enumerate(lines, start=1)]
    return [truth for truth in truths if split in (None, truth.split)]


def _format_number(number: NumberTruth) -> dict[str, Any]:
    record: dict[str, Any] = {"text": number.text, "boxes": [[round(v, 2) for v in box] for box in number.boxes]}
    return {**record, "source": number.source} if number.source else record


def _parse_number(record: Any) -> NumberTruth:
    text = record["text"]
    boxes = tuple((float(x0), float(y0), float(x1), float(y1)) for x0, y0, x1, y1 in record["boxes"])
    if not isinstance(text, str) or len(text) != len(boxes) or not boxes:
        raise ValueError("a number needs a text and one box a digit")
    return NumberTruth(text, boxes, str(record.get("source", "")))
