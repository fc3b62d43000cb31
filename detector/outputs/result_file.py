"""The file of `digitdet read --out`: written atomically, and resumable after an interruption."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

from digitdet import __version__
from digitdet.common.errors import DataError
from digitdet.common.files import errors_naming, folder_lock
from digitdet.imaging.inputs import Input
from digitdet.models.model_file import find_model
from digitdet.outputs.formats import write_results
from digitdet.reading.results import SCHEMA_VERSION, Reading


def run_identity(model: Path | None, options: Mapping[str, Any], inputs: Iterable[Input]) -> dict[str, Any]:
    """Return what determines the results of a run, as JSON types: only a run with the same identity may be resumed.

    Args:
        model: The run folder or model file; None is the shipped model.
        options: Settings by name; paths are replaced by a hash of the file.
        inputs: The pictures.
    """
    files = {name: _sha256(value.read_bytes()) for name, value in options.items() if isinstance(value, Path)}
    return {
        "digitdet": __version__,
        "schema": SCHEMA_VERSION,
        "model": [_sha256(file.read_bytes()) for file in find_model(model).all],
        "options": {**options, **files},
        "inputs": [[one.path, one.error] for one in inputs],
    }


@contextlib.contextmanager
def open_results(
    path: Path, output_format: str, identity: Mapping[str, Any], resume: bool = True
) -> Iterator[ResultFile]:
    """Write results to `path`.part, which replaces `path` when all results are written.

    Args:
        path: The file; its folder is created if it is missing.
        output_format: One of `formats.FORMATS`. Only 'jsonl' can be resumed.
        identity: See `run_identity`.
        resume: Whether to continue an interrupted run of the same identity; otherwise it starts over.

    Raises:
        DataError: Another process writes this file, or `path`.part is damaged or has another identity.
    """
    with errors_naming(path), folder_lock(path.parent, path.name):
        results = ResultFile(path.with_name(f"{path.name}.part"), output_format, identity, resume)
        try:
            yield results
            results.finish(path)
        finally:
            results.close()


class ResultFile:
    """An unfinished result file; made by `open_results`.

    In a .part of JSON lines, the first line is a hash of the identity, and each other line begins with the index of its
    picture, which shows the pictures that were read with all their pages.

    Attributes:
        done: Number of pictures, from the first one, whose results were found in the .part.
        statuses: Their statuses.
    """

    def __init__(self, part: Path, output_format: str, identity: Mapping[str, Any], resume: bool) -> None:
        self.done = 0
        self.statuses: set[str] = set()
        self._is_jsonl = output_format == "jsonl"
        self._format = output_format
        self._part = part
        self._head = identity_line(identity)
        self._file = self._resume() if resume and self._is_jsonl and part.is_file() else self._start()

    def write(self, readings: Iterable[Reading], show_names: bool) -> None:
        """Write readings, in the order of their pictures, as `formats.write_results` does."""
        if not self._is_jsonl:
            write_results(readings, self._format, self._file, show_names)
            return
        index = self.done - 1
        for reading in readings:
            index += reading.page == 1
            self._file.write(f"{index}\t")
            write_results([reading], self._format, self._file)

    def finish(self, path: Path) -> None:
        """Move the results to their final place."""
        self._file.close()
        if not self._is_jsonl:
            os.replace(self._part, path)
            return
        plain_lines = self._part.with_name(f"{self._part.name}.tmp")
        with self._part.open("rb") as indexed, plain_lines.open("wb") as plain:
            next(indexed)
            plain.writelines(line.partition(b"\t")[2] for line in indexed)
        os.replace(plain_lines, path)
        self._part.unlink()

    def close(self) -> None:
        """Close the .part and keep it; may be called twice."""
        self._file.close()

    def _start(self) -> TextIO:
        file = self._part.open("w", encoding="utf-8", newline="\n")
        if self._is_jsonl:
            file.write(self._head)
        return file

    def _resume(self) -> TextIO:
        """Cut off incomplete results, including the last picture, which may have more pages; append to the rest."""
        with self._part.open("rb") as file:
            head = file.readline()
            if not head.endswith(b"\n"):
                return self._start()
            if head != self._head.encode():
                raise DataError(
                    f"{self._part}: belongs to other pictures or settings; remove it, or choose another --out"
                )
            kept = start = len(head)
            statuses: set[str] = set()  # of the current picture
            for line in file:
                if not line.endswith(b"\n"):
                    break
                index, status = self._parse(line)
                if index > self.done:  # the picture before it is complete
                    self.done, kept = index, start
                    self.statuses |= statuses
                    statuses = set()
                statuses.add(status)
                start += len(line)
        os.truncate(self._part, kept)
        return self._part.open("a", encoding="utf-8", newline="\n")

    def _parse(self, line: bytes) -> tuple[int, str]:
        """Index of the picture and status in a line of the .part."""
        index, _, record = line.partition(b"\t")
        try:
            return int(index), str(json.loads(record)["status"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise DataError(f"{self._part}: is damaged; remove it to start over") from error


def identity_line(identity: Mapping[str, Any]) -> str:
    """Return the first line of a .part of JSON lines."""
    return _sha256(json.dumps(identity, sort_keys=True).encode("utf-8", "backslashreplace")) + "\n"


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
