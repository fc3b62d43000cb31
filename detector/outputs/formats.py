"""Readings written for people and for programs; docs/output.md shows every form."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

from digitdet.reading.results import UNFIT, Number, Reading

FORMS = ("text", "json", "jsonl", "csv")
CSV_COLUMNS = (
    *("image", "page", "region", "index", "text", "status", "confidence", "best"),
    *("left", "top", "right", "bottom", "angle", "error"),
)

# A byte of a file name that is not UTF-8 is a lone surrogate in Python's strings, which no encoding can write.
_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPES = {10: "\\n", 13: "\\r"}


def write_results(readings: Iterable[Reading], form: str, stream: TextIO, several: bool = False) -> None:
    """Write each reading as soon as it is there; a name that is no text is written with \\xNN for its odd bytes.

    Args:
        readings: One a picture, page or frame, those that failed among them.
        form: 'text' (one number a line, unfit ones left out), 'json' (one array), 'jsonl' (one object a line) or 'csv'
            (a header, then one row a number, or one for a picture without).
        stream: Where to; flushed after every reading.
        several: Whether more than one picture is read: lines of text then begin with the picture's name.

    Raises:
        ValueError: There is no such form.
        OSError: The stream cannot be written.
    """
    pieces = {"text": _text_pieces, "json": _json_pieces, "jsonl": _jsonl_pieces, "csv": _csv_pieces}
    if form not in pieces:
        raise ValueError(f"no form {form!r}; there are {', '.join(FORMS)}")
    encoding = stream.encoding or "utf-8"
    for piece in pieces[form](readings, several):
        # A terminal or a file may be unable to hold a name, too.
        stream.write(piece.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()


def _text_pieces(readings: Iterable[Reading], several: bool) -> Iterator[str]:
    for reading in readings:
        name = _text_name(reading) if several or reading.pages > 1 else ""
        yield "".join(f"{name}{_region_name(n)}{n.text}\n" for n in reading.numbers if n.status != UNFIT)


def _text_name(reading: Reading) -> str:
    """What a line of text begins with, as in `photo.jpg: ` or, for a page of several, `scan.tif:2: `."""
    page = f":{reading.page}" if reading.pages > 1 else ""
    return f"{written(reading.source or '-').translate(_ESCAPES)}{page}: "


def _region_name(number: Number) -> str:
    return f"{written(number.region).translate(_ESCAPES)}: " if number.region else ""


def _json_pieces(readings: Iterable[Reading], _several: bool) -> Iterator[str]:
    separator = "[\n"
    for reading in readings:
        yield separator + _record(reading)
        separator = ",\n"
    yield "[]\n" if separator == "[\n" else "\n]\n"


def _jsonl_pieces(readings: Iterable[Reading], _several: bool) -> Iterator[str]:
    return (_record(reading) + "\n" for reading in readings)


def _csv_pieces(readings: Iterable[Reading], _several: bool) -> Iterator[str]:
    yield _csv_row(CSV_COLUMNS)
    for reading in readings:
        yield "".join(map(_csv_row, _csv_rows(reading)))


def _csv_rows(reading: Reading) -> Iterator[list[object]]:
    """The rows of one reading: its numbers, counted from 1, or its status alone."""
    name = "" if reading.source is None else written(reading.source)
    if not reading.numbers:
        blank = [""] * (len(CSV_COLUMNS) - 7)
        yield [name, reading.page, "", "", "", reading.status, *blank, written(reading.error or "")]
    for index, number in enumerate(reading.numbers, start=1):
        fields = number.to_dict()
        place = [name, reading.page, written(number.region or ""), index]
        found = [number.text, number.status, fields["confidence"], number.best]
        yield [*place, *found, *fields["box"], fields["angle"], ""]


def _csv_row(fields: Iterable[object]) -> str:
    row = io.StringIO()
    csv.writer(row, lineterminator="\n").writerow(fields)
    return row.getvalue()


def _record(reading: Reading) -> str:
    return json.dumps(_all_fit(reading.to_dict()))


def _all_fit(value: Any) -> Any:
    """JSON types with every text in them fit to be written."""
    if isinstance(value, str):
        return written(value)
    if isinstance(value, list):
        return [_all_fit(item) for item in value]
    return {key: _all_fit(item) for key, item in value.items()} if isinstance(value, dict) else value


def written(text: str) -> str:
    """A text with its lone surrogates as \\xNN: the bytes that they stand for."""
    return _SURROGATE.sub(lambda match: f"\\x{ord(match[0]) & 0xFF:02x}", text)
