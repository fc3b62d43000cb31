"""What the user named on the command line, as picture files one after the other."""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from digitdet.common.errors import DataError

STDIN = "-"

# fmt: off
PICTURE_SUFFIXES = frozenset({
    ".avif", ".bmp", ".gif", ".heic", ".heif", ".hif", ".j2k", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".pbm", ".pdf",
    ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp",
})
# fmt: on
"""What is taken from a folder. A file that is named itself is taken whatever its suffix."""


@dataclass(frozen=True)
class Input:
    """A picture to read, or the reason why what the user named is none.

    `path` is as the user wrote it; ``-`` is standard input. Names that are not valid UTF-8 hold surrogates, as `os`
    functions give and take them.
    """

    path: str
    error: str | None = None

    def source(self) -> str | bytes:
        """What `images.read_pages` takes: the path, or what standard input holds (it can be read once)."""
        return sys.stdin.buffer.read() if self.path == STDIN else self.path


def find_inputs(names: Iterable[str]) -> Iterator[Input]:
    """Expand files, folders (with their subfolders) and patterns with ``*``, ``?`` or ``[]``, in the order given.

    A name that is given twice comes twice. The pictures of a folder come sorted by name, then those of its subfolders;
    which files are pictures is told by their suffix; hidden ones (name with a leading dot) are left out. In a pattern
    ``**`` stands for any folders, and takes files only. A file named ``-`` is written ``./-``.
    """
    for name in names:
        # os.path, not Path: on older Pythons Path.exists raises for a name that is too long.
        if name != STDIN and glob.has_magic(name) and not os.path.lexists(name):
            yield from _expand_pattern(name)
        elif name != STDIN and os.path.isdir(name):
            yield from _expand_folder(name)
        else:
            yield Input(name)  # a missing file is reported when it is opened


def read_list(path: str) -> list[str]:
    """The names in a list: one a line, or with a zero byte behind each, as ``find -print0`` writes them.

    Args:
        path: A file, or ``-`` for standard input. Relative names in it count from the current folder.

    Raises:
        DataError: The list cannot be read.
    """
    try:
        content = sys.stdin.buffer.read() if path == STDIN else Path(path).read_bytes()
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: the list cannot be read ({getattr(error, 'strerror', None) or error})") from error
    content = content.removeprefix(b"\xef\xbb\xbf")  # editors on Windows put it in front of UTF-8
    lines = content.split(b"\0") if b"\0" in content else [line.rstrip(b"\r") for line in content.split(b"\n")]
    return [os.fsdecode(line) for line in lines if line]


def _expand_pattern(pattern: str) -> Iterator[Input]:
    matches = sorted(glob.glob(pattern, recursive=True))
    if not matches:
        yield Input(pattern, "no file matches this pattern")
    for match in matches:
        if not os.path.isdir(match):
            yield Input(match)
        elif "**" not in pattern:  # which matches what is in the folder, too
            yield from _expand_folder(match)


def _expand_folder(name: str) -> Iterator[Input]:
    """Folder by folder as they are walked: the first picture does not wait for the last folder."""
    failures: list[OSError] = []
    empty = True
    for folder, subfolders, files in os.walk(name, onerror=failures.append):
        subfolders[:] = sorted(subfolder for subfolder in subfolders if not subfolder.startswith("."))
        for file in sorted(files):
            path = os.path.join(folder, file)  # noqa: PTH118 - keeps the folder as the user wrote it, "./" and all
            if _is_picture(file) and os.path.isfile(path):  # no pipe: reading one could wait forever
                empty = False
                yield Input(path)
    for failure in failures:
        empty = False
        yield Input(str(failure.filename), f"the folder cannot be read ({failure.strerror})")
    if empty:
        yield Input(name, "the folder holds no pictures")


def _is_picture(file: str) -> bool:
    return not file.startswith(".") and Path(file).suffix.lower() in PICTURE_SUFFIXES
