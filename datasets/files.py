"""Files that are either whole or not there."""

from __future__ import annotations

import os
from pathlib import Path


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


def user_cache() -> Path:
    """The folder where digitdet may keep files between runs: the user's cache folder, by the custom of each system."""
    if os.name == "nt":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "digitdet"
