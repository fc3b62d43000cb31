"""Folders for exported files, and the names of the files."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

from digitdet.common.errors import DataError
from digitdet.common.files import LOCK_FILE, folder_lock, write_atomically
from digitdet.reading.results import Reading

_FORBIDDEN = re.compile('[\x00-\x1f\x7f<>:"/\\\\|?*\ud800-\udfff]')  # on some systems, or in UTF-8
_MAX_BYTES = 150  # of the 255 that a file name may have, so that suffixes and a counter fit


_UNFINISHED = ".unfinished"
"""Name of the file with the identity of the run that writes into a folder, until all its files are written."""


@contextlib.contextmanager
def export_folder(folder: Path, identity: str) -> Iterator[bool]:
    """Create a folder for exported files; yields whether it holds an unfinished run of this identity.

    The same run writes the same files again, in the place of those that it wrote before it was interrupted.

    Raises:
        DataError: The folder holds other files, so that no earlier file is overwritten, or is in use.
    """
    marker = folder / _UNFINISHED
    with folder_lock(folder):
        starts_again = marker.is_file() and marker.read_text(encoding="utf-8") == identity
        if not starts_again and any(path.name != LOCK_FILE for path in folder.iterdir()):
            reason = "holds an unfinished run of other pictures or settings" if marker.is_file() else "is not empty"
            raise DataError(f"{folder}: {reason}; choose another folder to write to")
        write_atomically(marker, identity)
        yield starts_again
        marker.unlink()


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
