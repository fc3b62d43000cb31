"""Folders for exported files, and the names of the files."""

from __future__ import annotations

import re
from pathlib import Path

from digitdet.common.errors import DataError
from digitdet.reading.results import Reading

_FORBIDDEN = re.compile('[\x00-\x1f\x7f<>:"/\\\\|?*\ud800-\udfff]')  # on some system, or in UTF-8
_MAX_BYTES = 150  # of the 255 that a file name may have, so that suffixes and a counter fit


def make_export_folder(folder: Path) -> None:
    """Create a folder, so that no file of an earlier run is overwritten or taken for one of this run.

    Raises:
        DataError: The folder is not empty, or is a file.
        OSError: The folder cannot be created.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(f"{folder}: is not empty; choose another folder to write to")
    folder.mkdir(parents=True, exist_ok=True)


class FileNames:
    """Unique file names without suffix for pictures.

    The name is that of the picture, with `-p2` for the second page of a file and a counter where pictures of the same
    name come from several folders. Names that differ only in case count as the same, as they do on some systems.
    Characters that some system forbids become `_`.
    """

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def name(self, reading: Reading) -> str:
        """Return the name for the picture of a reading; without a path it is `picture`."""
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
