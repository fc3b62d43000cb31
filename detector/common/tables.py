"""Tables as text, and CSV."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest


def format_table(rows: Sequence[Sequence[str]]) -> str:
    """Return one line per row, with the first column aligned to the left and the others to the right.

    Cells may be missing at the end of a row.
    """
    first, *others = [max(map(len, column)) for column in zip_longest(*rows, fillvalue="")]
    lines = ([name.ljust(first), *map(str.rjust, cells, others)] for name, *cells in rows)
    return "\n".join("  ".join(line).rstrip() for line in lines)


def delimiter_of(text: str) -> str:
    """Return the delimiter of a CSV file by its first line: a comma, a tab, or the semicolon of many spreadsheets."""
    first = text.partition("\n")[0]
    return max(",;\t", key=first.count)
