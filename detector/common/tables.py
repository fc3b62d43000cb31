"""Tables as text, and CSV files."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from itertools import zip_longest

from digitdet.common.errors import DataError


def format_table(rows: Sequence[Sequence[str]]) -> str:
    """Return one line per row, with the first column aligned to the left and the others to the right.

    Cells may be missing at the end of a row.
    """
    first, *others = [max(map(len, column)) for column in zip_longest(*rows, fillvalue="")]
    lines = ([name.ljust(first), *map(str.rjust, cells, others)] for name, *cells in rows)
    return "\n".join("  ".join(line).rstrip() for line in lines)


def read_rows(content: bytes, source: str, columns: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    """Return the line number and the values of each row of a CSV file, without surrounding spaces.

    The delimiter is a comma, a tab, or the semicolon of many spreadsheets. A missing value is empty.

    Args:
        content: The bytes of the file.
        source: Begins the messages of errors, such as the path of the file.
        columns: The columns to return; the first line of the file must name them.

    Raises:
        DataError: The file is not UTF-8 or not CSV, or a column is missing.
    """
    try:
        text = content.decode("utf-8-sig")  # spreadsheets write a byte order mark
    except UnicodeDecodeError as error:
        raise DataError(f"{source}: cannot be read ({error}); save it as UTF-8") from error
    first = text.partition("\n")[0]
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count))
        missing = [name for name in columns if name not in (reader.fieldnames or ())]
        if missing:
            raise DataError(f"{source}: the column {missing[0]} is missing in the first line")
        return [(reader.line_num, {name: (row[name] or "").strip() for name in columns}) for row in reader]
    except csv.Error as error:
        raise DataError(f"{source}: not a CSV file ({error})") from error
