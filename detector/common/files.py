"""Atomic writes, locked folders and the cache folder."""

from __future__ import annotations

import contextlib
import os
import tempfile
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
    with errors_naming(path):
        try:
            temporary.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
            os.replace(temporary, path)
        except BaseException:  # Ctrl-C too
            temporary.unlink(missing_ok=True)
            raise


@contextlib.contextmanager
def errors_naming(path: Path) -> Iterator[None]:
    """Let OSErrors that name no file, or a temporary file with the name of `path` in its own, name `path`."""
    try:
        yield
    except OSError as error:
        if error.errno is None or (error.filename and path.name not in Path(str(error.filename)).name):
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


def require_writable(path: Path) -> None:
    """Create the folder of a file that will be written later, and raise OSError if the file cannot be written there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with errors_naming(path), tempfile.TemporaryFile(dir=path.parent, prefix=f".{path.name}."):
        pass


@contextlib.contextmanager
def folder_lock(folder: Path, file: str | None = None) -> Iterator[None]:
    """Create a folder if it is missing, and lock it, or only `file` in it, against other digitdet processes.

    The lock of a process that was killed is free. On network file systems without locks nothing is locked.

    Raises:
        DataError: Another process holds the lock.
    """
    from filelock import FileLock, Timeout

    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    target, lock_file = (folder / file, folder / f".{file}.lock") if file else (folder, folder / LOCK_FILE)
    try:
        lock_file.touch()  # FileLock would take some failures for the lock of another process
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(target)) from error
    lock = FileLock(lock_file)
    with contextlib.suppress(NotImplementedError):
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise DataError(f"{target}: another digitdet is writing there; let it finish") from error
    try:
        yield
    finally:
        # Before the release: afterwards it may be the lock of another process.
        with contextlib.suppress(OSError):  # of Windows, where FileLock removes it
            lock_file.unlink()
        lock.release()
        if is_new:
            with contextlib.suppress(OSError):  # not empty
                folder.rmdir()


def user_cache() -> Path:
    """Return digitdet's folder in the user's cache folder, such as ~/.cache/digitdet; it may be missing."""
    from platformdirs import user_cache_path

    return user_cache_path("digitdet", appauthor=False, opinion=False)
