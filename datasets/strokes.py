"""Pen strokes of handwritten digits: JSON Lines with the digit, the name of its writer and the path of the pen."""

from __future__ import annotations

import gzip
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import numpy as np
from msgspec import Meta

from digitdet.common.errors import DataError
from digitdet.common.splits import name_hash
from digitdet.common.types import Points
from digitdet.datasets.formats.yolo import SPLITS

_PATTERNS = ("*.jsonl", "*.jsonl.gz")
_HELD_OUT_PERCENT = 10  # of the writers of all ten digits, for 'val' and for 'test'
_EXPECTED = 'expected lines of {"digit": "7", "writer": "ann", "strokes": [[[x, y], ...], ...]}'


@dataclass(frozen=True)
class PenDigit:
    """One handwritten digit as the path of a pen."""

    label: int  # 0 to 9
    writer: str
    strokes: tuple[Points, ...]  # (N, 2) float32 each, N >= 1: x, y with y down, from pen down to pen up, in any unit


class _Row(msgspec.Struct):
    """One line of a file."""

    digit: Literal["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]
    writer: Annotated[str, Meta(min_length=1)]
    strokes: Annotated[list[Annotated[list[tuple[float, float]], Meta(min_length=1)]], Meta(min_length=1)]


def load_pen_digits(folder: Path) -> list[PenDigit]:
    """Read the .jsonl and .jsonl.gz files of a folder, in the order of their names.

    Raises:
        DataError: The folder has no such file, or a file is damaged; the message names its first bad line.
    """
    files = sorted(path for pattern in _PATTERNS for path in folder.glob(pattern))
    if not files:
        raise DataError(f"{folder}: no .jsonl or .jsonl.gz file with pen strokes; {_EXPECTED}")
    decoder = msgspec.json.Decoder(_Row)
    return [_decode(decoder, line, f"{path}, line {number}") for path in files for number, line in _lines(path)]


def split_writers(digits: Sequence[PenDigit]) -> dict[str, list[PenDigit]]:
    """Return the digits of 'train', 'val' and 'test'; no writer is in two of them.

    'val' and 'test' get a tenth of the writers each, at least one, selected by the hash of their names among those who
    wrote all ten digits.

    Raises:
        DataError: Fewer than three writers wrote all ten digits.
    """
    labels = defaultdict[str, set[int]](set)
    for digit in digits:
        labels[digit.writer].add(digit.label)
    complete = sorted((writer for writer, own in labels.items() if len(own) == 10), key=name_hash)
    if len(complete) < len(SPLITS):
        raise DataError(
            f"{len(complete)} writers of all ten digits are too few; each of the three splits needs its own"
        )
    count = max(len(complete) * _HELD_OUT_PERCENT // 100, 1)
    split_of: Mapping[str, str] = {
        **dict.fromkeys(labels, "train"),
        **dict.fromkeys(complete[:count], "val"),
        **dict.fromkeys(complete[count : 2 * count], "test"),
    }
    return {split: [digit for digit in digits if split_of[digit.writer] == split] for split in SPLITS}


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of a file that are not blank, and their numbers from 1."""
    number = 0
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not line.isspace():
                    yield number, line
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read after line {number} ({error}); copy the file again") from error


def _decode(decoder: msgspec.json.Decoder[_Row], line: bytes, where: str) -> PenDigit:
    """Return the digit of a line; `where` names it in errors."""
    try:
        row = decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{where}: {error}; {_EXPECTED}") from error
    with np.errstate(over="ignore"):
        strokes = tuple(np.array(stroke, np.float32) for stroke in row.strokes)
    if not all(np.isfinite(stroke).all() for stroke in strokes):
        raise DataError(f"{where}: coordinates beyond the range of 32-bit numbers")
    return PenDigit(int(row.digit), row.writer, strokes)
