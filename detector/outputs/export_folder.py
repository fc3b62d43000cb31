"""Folders for exported files, and the names of the files."""

from __future__ import annotations

import re
from pathlib import Path

from digitdet.common.errors import DataError
from digitdet.reading.results import Reading

_FORBIDDEN = re.compile('[\x00-\x1f\x7f<>:"/\\\\|?*\ud800-\udfff]')  # on some systems, or in UTF-8
_MAX_BYTES = 150  # of the 255 that a file name may have, so that suffixes and a counter fit


def make_export_folder(folder: Path) -> None:
    """Create a folder; raises DataError if it is not empty or is a file, so that no earlier file is overwritten."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(f"{folder}: is not empty; choose another folder to write to")
    folder.mkdir(parents=True, exist_ok=True)


class FileNames:
    """Makes unique file names without suffix from the names of pictures: `scan-p2` for the second page of a file,
    `scan-2` for a picture of the same name from another folder. Names that differ only in case count as the same.
    """

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def name(self, reading: Reading) -> str:
        """Return a new name for the picture of a reading."""
        own = _FORBIDDEN.sub("_", Path(reading.source or "").stem).encode()[:_MAX_BYTES].decode(errors="ignore")
        stem = own.strip(" .") or "picture"
        if stem == "-":
            stem = "stdin"
        if reading.pages > 1:
            stem += f"-p{reading.page}"
        name, count = stem, 1
        while name.casefold() in self._taken:
            count += 1
            name = f"{stem}-{count}"
        self._taken.add(name.casefold())
        return name
