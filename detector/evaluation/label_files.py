"""Read CSV files with the numbers of pictures, or with their single digits and boxes."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator
from pathlib import Path

from digitdet.common.errors import DataError
from digitdet.common.types import CLASS_NAMES

# Several rows of a picture are separated by |; a picture without a number has an empty field.
_NUMBER = re.compile(r"[0-9|]*")
_BOX_COLUMNS = ("image", "digit", "x", "y", "w", "h")


def read_number_rows(file: Path, split: str | None = None) -> list[tuple[str, str]]:
    """Read a CSV file with the columns `image` and `number`.

    Args:
        file: The file; its images are relative to its folder.
        split: Only the rows with this value in the column `split`; None is all.

    Returns:
        Image and number of each row: the digits, several rows separated by |; empty where there is no number.

    Raises:
        DataError: The file cannot be read, a column is missing, a number is invalid, a picture occurs twice, or there
            are no rows.
    """
    wanted = ("image", "number") if split is None else ("image", "number", "split")
    rows: dict[str, str] = {}
    for line, row in _rows(file, wanted):
        image, number = row["image"], row["number"]
        if not image or not _NUMBER.fullmatch(number):
            raise DataError(f"{file}, line {line}: expected a picture and its digits, got {image!r},{number!r}")
        if split is not None and row["split"] != split:
            continue
        if image in rows:
            raise DataError(f"{file}, line {line}: {image!r} is listed twice")
        rows[image] = number
    if not rows:
        raise DataError(f"{file}: lists no pictures" + (f" of the split {split!r}" if split is not None else ""))
    return list(rows.items())


def read_box_rows(file: Path) -> Iterator[tuple[str, int, float, float, float, float]]:
    """Read a CSV file with the columns `image,digit,x,y,w,h`: a digit with left, top, width and height in pixels.

    Raises:
        DataError: The file cannot be read, a column is missing, or a row is not a digit with a box.
    """
    for line, row in _rows(file, _BOX_COLUMNS):
        try:
            x, y, width, height = (float(row[name]) for name in _BOX_COLUMNS[2:])
            is_box = all(map(math.isfinite, (x, y, width, height))) and width > 0 < height
            if row["digit"] not in CLASS_NAMES or not is_box:
                raise ValueError
        except ValueError:
            raise DataError(f"{file}, line {line}: expected {','.join(_BOX_COLUMNS)} with a digit 0 to 9") from None
        yield row["image"], int(row["digit"]), x, y, width, height


def _rows(file: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and fields of each row, without surrounding spaces."""
    try:
        text = file.read_text(encoding="utf-8-sig")  # spreadsheets write a byte order mark
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{file}: cannot be read ({error}); save it as UTF-8") from error
    reader = csv.DictReader(io.StringIO(text, newline=""))
    try:
        missing = [name for name in columns if name not in (reader.fieldnames or ())]
        if missing:
            raise DataError(f"{file}: the column {missing[0]} is missing in the first line")
        for row in reader:
            yield reader.line_num, {name: (row[name] or "").strip() for name in columns}
    except csv.Error as error:
        raise DataError(f"{file}: not a CSV file ({error})") from error
