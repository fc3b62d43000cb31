"""Results in a file that is there only when it is whole, and a long reading that goes on where it was interrupted."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

from digitdet.common.errors import DataError
from digitdet.common.files import folder_lock
from digitdet.outputs.formats import write_results
from digitdet.reading.results import Reading


@contextlib.contextmanager
def open_results(path: Path, form: str, identity: Mapping[str, Any], go_on: bool = True) -> Iterator[ResultFile]:
    """Write results to `path`, which is replaced when all of them are there.

    Until then they are in `path`.part. With the form 'jsonl' a later call finds there what an interrupted one has read,
    and goes on after it.

    Args:
        path: The file; its folder is made if it is missing.
        form: One of `formats.FORMS`.
        identity: JSON types: what decides the results. A reading goes on only where all of it is the same.
        go_on: Whether it may; False begins anew.

    Raises:
        DataError: Another process writes this file, or `path`.part is of other pictures or settings.
        OSError: It cannot be written.
    """
    part = path.with_name(f"{path.name}.part")
    with folder_lock(path.parent, f".{path.name}.lock"):
        results = ResultFile(part, form, identity, go_on)
        try:
            yield results
            results.finish(path)
        finally:
            results.close()


class ResultFile:
    """Results on their way; made by `open_results`.

    In a .part of JSON lines the first line tells what is read, and each of the others begins with the number of its
    picture: then it is known which pictures are there with all their pages, those that could not be read among them.
    """

    def __init__(self, part: Path, form: str, identity: Mapping[str, Any], go_on: bool) -> None:
        self.done = 0
        """So many pictures, the first ones, are there already."""
        self.statuses: set[str] = set()
        """Of what is there already."""
        self._form = form
        self._part = part
        self._head = _digest(identity) + "\n"
        self._file = self._go_on() if go_on and form == "jsonl" and part.is_file() else self._begin()

    def write(self, readings: Iterable[Reading], several: bool) -> None:
        """Write readings, in the order of their pictures, as `formats.write_results` does."""
        if self._form != "jsonl":
            write_results(readings, self._form, self._file, several)
            return
        picture = self.done - 1
        for reading in readings:
            picture += reading.page == 1
            self._file.write(f"{picture}\t")
            write_results([reading], self._form, self._file)

    def finish(self, path: Path) -> None:
        """Put the file in its place."""
        self._file.close()
        if self._form == "jsonl":
            lines = self._part.with_name(f"{self._part.name}.tmp")
            with self._part.open("rb") as noted, lines.open("wb") as plain:
                next(noted)
                plain.writelines(line.partition(b"\t")[2] for line in noted)
            os.replace(lines, path)
            self._part.unlink()
        else:
            os.replace(self._part, path)

    def close(self) -> None:
        """Leave the .part as it is; a second call does nothing."""
        self._file.close()

    def _begin(self) -> TextIO:
        file = self._part.open("w", encoding="utf-8", newline="\n")
        if self._form == "jsonl":
            file.write(self._head)
        return file

    def _go_on(self) -> TextIO:
        """Cut off what may be incomplete (the last picture: it may have had more pages) and go on from there."""
        with self._part.open("rb") as file:
            head = file.readline()
            if not head.endswith(b"\n"):
                return self._begin()
            if head != self._head.encode():
                raise DataError(f"{self._part}: is of other pictures or settings; remove it, or choose another --out")
            kept = start = len(head)
            statuses: set[str] = set()  # of the picture that the lines are of
            for line in file:
                if not line.endswith(b"\n"):
                    break
                number, status = self._parse(line)
                if number > self.done:  # the one before it is whole
                    self.done, kept = number, start
                    self.statuses |= statuses
                    statuses = set()
                statuses.add(status)
                start += len(line)
        os.truncate(self._part, kept)
        return self._part.open("a", encoding="utf-8", newline="\n")

    def _parse(self, line: bytes) -> tuple[int, str]:
        """The number of the picture and the status in a line of the .part."""
        number, _, record = line.partition(b"\t")
        try:
            return int(number), str(json.loads(record)["status"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise DataError(f"{self._part}: is damaged; remove it to begin anew") from error


def _digest(identity: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode("utf-8", "backslashreplace")).hexdigest()
