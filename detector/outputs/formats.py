"""Readings as text, JSON, JSON lines and CSV; docs/reference/output.md shows every format."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

from digitdet.common.text import escape_surrogates, one_line
from digitdet.reading.results import UNFIT, Reading

FORMATS = ("text", "json", "jsonl", "csv")
CSV_COLUMNS = (
    *("image", "page", "region", "index", "text", "status", "confidence", "best", "digit_text"),
    *("left", "top", "right", "bottom", "angle", "error", "doubtful", "time"),
)


def write_results(readings: Iterable[Reading], output_format: str, stream: TextIO, show_names: bool = False) -> None:
    """Write each reading as soon as it is available; bytes of names that are not UTF-8 are written as \\xNN.

    Args:
        readings: One for each picture, page or frame, failed ones included.
        output_format: 'text' (one number a line, without unfit ones), 'json' (one array), 'jsonl' (one object a line)
            or 'csv' (a header, then one row for each number, or one for a picture without).
        stream: Where to write; flushed after every reading.
        show_names: Whether lines of text begin with the name of the picture, as they always do for one of many pages.
    """
    formatters = {"text": _text, "json": _json, "jsonl": _jsonl, "csv": _csv}
    if output_format not in formatters:
        raise ValueError(f"no format {output_format!r}; there are {', '.join(FORMATS)}")
    encoding = stream.encoding or "utf-8"
    for text in formatters[output_format](readings, show_names):
        # Some names cannot be encoded for a terminal or a file either.
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()


def _text(readings: Iterable[Reading], show_names: bool) -> Iterator[str]:
    """Lines such as `photo.jpg: 42`, `scan.tif:2: region: 42` for a page and `clip.mp4:12.4s: 42` for a time."""
    for reading in readings:
        page = f":{reading.page}" if reading.pages > 1 else ""
        if reading.time is not None:
            page = f":{reading.time:.1f}s"
        name = f"{one_line(reading.source or '-')}{page}: " if show_names or page else ""
        lines = []
        for number in reading.numbers:
            if number.status != UNFIT:
                region = f"{one_line(number.region)}: " if number.region else ""
                lines.append(f"{name}{region}{number.text}\n")
        yield "".join(lines)


def _json(readings: Iterable[Reading], _show_names: bool) -> Iterator[str]:
    separator = "[\n"
    for reading in readings:
        yield separator + _record(reading)
        separator = ",\n"
    yield "[]\n" if separator == "[\n" else "\n]\n"


def _jsonl(readings: Iterable[Reading], _show_names: bool) -> Iterator[str]:
    return (_record(reading) + "\n" for reading in readings)


def _record(reading: Reading) -> str:
    return json.dumps(_encodable(reading.to_dict()))


def _encodable(value: Any) -> Any:
    """JSON types with the surrogates of every text escaped."""
    if isinstance(value, str):
        return escape_surrogates(value)
    if isinstance(value, list):
        return [_encodable(item) for item in value]
    return {key: _encodable(item) for key, item in value.items()} if isinstance(value, dict) else value


def _csv(readings: Iterable[Reading], _show_names: bool) -> Iterator[str]:
    text = io.StringIO()
    table = csv.DictWriter(text, CSV_COLUMNS, lineterminator="\n")
    table.writeheader()
    yield text.getvalue()
    for reading in readings:
        text.seek(0)
        text.truncate()
        table.writerows(reading_rows(reading))
        yield text.getvalue()


def reading_rows(reading: Reading) -> Iterator[dict[str, Any]]:
    """Yield the values of `CSV_COLUMNS` for each number, counted from 1, or once with the status if there is none."""
    record = _encodable(reading.to_dict())
    picture = dict.fromkeys(CSV_COLUMNS) | {name: record[name] for name in ("image", "page", "error", "time")}
    if not reading.numbers:
        yield {**picture, "status": record["status"]}
    for index, number in enumerate(record["numbers"], start=1):
        found = {name: number[name] for name in CSV_COLUMNS if name in number}
        box = dict(zip(("left", "top", "right", "bottom"), number["box"], strict=True))
        yield {**picture, **found, **box, "index": index, "doubtful": " ".join(map(str, number["doubtful"]))}
