"""Files that are either whole or not there."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from digitdet.common.errors import DataError

LOCK_FILE = ".lock"
"""In a folder while it is written into."""


def write_atomically(path: Path, content: bytes | str, scratch: Path | None = None) -> None:
    """Write `content` (text as UTF-8) so that a kill at any moment leaves the old file or the new one, never a part.

    The bytes go to a temporary name, then `os.replace` puts them in place. `scratch` is a folder on the same file
    system for the temporary file; without it the file's own folder serves.

    Raises:
        OSError: The folder is missing or read-only, or the disk is full; no temporary file is left behind.
    """
    temporary = (scratch or path.parent) / f".{path.name}.{os.getpid()}.tmp"
    try:
        temporary.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        os.replace(temporary, path)
    except BaseException:  # Ctrl-C too: it is raised again, but nothing half-written stays
        temporary.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def only_writer(folder: Path, name: str = LOCK_FILE) -> Iterator[None]:
    """Keep every other process that does the same out of a folder, which is made if it is missing.

    Args:
        folder: What is written into.
        name: Of the file that is locked: one of its own for each thing that may be written beside others.

    Raises:
        DataError: Another process writes into it. A process that was killed holds nothing.
        OSError: The folder cannot be written.
    """
    from filelock import FileLock, Timeout

    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / name)
    with contextlib.suppress(NotImplementedError):  # some network file systems know no locks
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise DataError(f"{folder / name}: another digitdet is writing there; let it finish") from error
    try:
        yield
    finally:
        lock.release()
        (folder / name).unlink(missing_ok=True)
        if is_new:
            with contextlib.suppress(OSError):  # something was written
                folder.rmdir()


def user_cache() -> Path:
    """The folder where digitdet may keep files between runs: the user's cache folder, by the custom of each system."""
    if os.name == "nt":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "digitdet"
