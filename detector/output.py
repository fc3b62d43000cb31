"""Readings written for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, TextIO

from digitdet.configs import ImageError
from digitdet.results import Reading


def record(path: str, outcome: Reading | ImageError) -> dict[str, Any]:
    """One picture as JSON types: {"image", "status": ok|empty|error, "numbers"}, and "error" with the reason if so."""
    if isinstance(outcome, Reading):
        return {"image": path, **outcome.to_dict()}
    return {"image": path, "status": "error", "error": str(outcome), "numbers": []}


def write_results(results: Iterable[tuple[str, Reading | ImageError]], form: str, stream: TextIO) -> None:
    """Write each result as soon as it is there.

    Args:
        results: Path and outcome of each picture.
        form: 'text' (one number a line, nothing else), 'json' (one array) or 'jsonl' (one object a line).
        stream: Where to; flushed after every picture.
    """
    separator = "[\n"
    for path, outcome in results:
        if form == "text":
            if isinstance(outcome, Reading):
                stream.writelines(f"{text}\n" for text in outcome.texts)
        elif form == "jsonl":
            stream.write(json.dumps(record(path, outcome)) + "\n")
        else:
            stream.write(separator + json.dumps(record(path, outcome)))
            separator = ",\n"
        stream.flush()
    if form == "json":
        stream.write("[]\n" if separator == "[\n" else "\n]\n")
