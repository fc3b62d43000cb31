"""Atomic writes, locked folders and the cache folder."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from digitdet.common.errors import DataError

LOCK_FILE = ".lock"
"""Name of the lock file in a folder that is being written into."""


def write_atomically(path: Path, content: bytes | str, scratch: Path | None = None) -> None:
    """Write `content` (text as UTF-8) to a temporary file in `scratch`, by default beside `path`, and rename it.

    If it fails, `path` is unchanged and no temporary file is left. `scratch` must be on the same file system.
    """
    temporary = (scratch or path.parent) / f".{path.name}.{os.getpid()}.tmp"
    try:
        temporary.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        os.replace(temporary, path)
    except BaseException:  # Ctrl-C too
        temporary.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def folder_lock(folder: Path, name: str = LOCK_FILE) -> Iterator[None]:
    """Create a folder if it is missing, and lock the file `name` in it against other digitdet processes.

    The lock of a process that was killed is free. On network file systems without locks nothing is locked.

    Raises:
        DataError: Another process holds the lock.
    """
    from filelock import FileLock, Timeout

    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / name)
    with contextlib.suppress(NotImplementedError):
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
            with contextlib.suppress(OSError):  # not empty
                folder.rmdir()


def user_cache() -> Path:
    """Return digitdet's folder in the user's cache folder, such as ~/.cache/digitdet; it may be missing."""
    from platformdirs import user_cache_path

    return user_cache_path("digitdet", appauthor=False, opinion=False)
