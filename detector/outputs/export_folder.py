"""A folder that the user names for what is written about pictures."""

from __future__ import annotations

from pathlib import Path

from digitdet.common.errors import DataError
from digitdet.common.files import write_atomically


class ExportFolder:
    """A new folder: nothing of an earlier run is in it that could be overwritten or taken for this one's.

    Args:
        path: A folder that is missing or empty; made if it is missing.

    Raises:
        DataError: There is something in the folder already, or it is a file.
        OSError: The folder cannot be made.
    """

    def __init__(self, path: Path) -> None:
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise DataError(f"{path}: is not empty; choose another folder to write to")
        path.mkdir(parents=True, exist_ok=True)
        self.path = path

    def write(self, name: str, content: bytes | str) -> None:
        """Write a whole file; `name` is relative to the folder, with forward slashes.

        Raises:
            OSError: The folder cannot be written.
        """
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(target, content)
