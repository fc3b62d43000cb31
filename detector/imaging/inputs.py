"""Expansion of the files, folders and patterns on the command line to picture files."""

from __future__ import annotations

import glob
import os
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from digitdet.common.errors import DataError

STDIN = "-"
DRAWING_SUFFIX = ".read.png"
"""End of the names of drawings with readings, which are not read as pictures of a folder."""

# fmt: off
PICTURE_SUFFIXES = frozenset({
    ".avif", ".bmp", ".gif", ".heic", ".heif", ".hif", ".j2k", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".pbm", ".pdf",
    ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp",
})
"""Suffixes of the files that are read in a folder; a file that is named itself is read whatever its suffix."""

VIDEO_SUFFIXES = frozenset({
    ".3gp", ".avi", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".webm", ".wmv",
})
# fmt: on
"""Suffixes of the files that are read as videos."""

# Text has no other control characters than tabs, line breaks, and the zero bytes of `find -print0`; pictures have many.
_NOT_TEXT = re.compile(rb"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]|\A\xff\xfe|\A\xfe\xff")

VideoSource = str | os.PathLike[str] | int
"""The path of a video file, the number of a camera (from 0), or the address of a stream (rtsp://..., http://...)."""


def is_url(name: str) -> bool:
    """Return whether a name is an address (http or https) and not a path."""
    return name.lower().startswith(("http://", "https://"))


def is_video(name: str) -> bool:
    """Return whether a file is read as a video, as its suffix says."""
    return Path(name).suffix.lower() in VIDEO_SUFFIXES


def is_live(source: VideoSource) -> bool:
    """Return whether a source is a camera or a stream, which goes on while its frames are read."""
    return isinstance(source, int) or (isinstance(source, str) and "://" in source)


def video_name(source: VideoSource) -> str:
    """Return the path or address, or 'camera 0'."""
    return f"camera {source}" if isinstance(source, int) else os.fspath(source)


@dataclass(frozen=True)
class Input:
    """A picture file or video to read, or the reason why a name on the command line gives none."""

    path: str  # as the user wrote it, or a web address; "-" is standard input
    error: str | None = None
    video: VideoSource | None = None  # the file, camera or stream, if it is read as a video

    @classmethod
    def of_video(cls, source: VideoSource) -> Input:
        """Make the input of a video file, the number of a camera, or the address of a stream."""
        return cls(video_name(source), video=source)

    def source(self) -> str | bytes:
        """Return the path, or the content of standard input, which can be read once."""
        return sys.stdin.buffer.read() if self.path == STDIN else self.path


def find_inputs(names: Iterable[str]) -> Iterator[Input]:
    """Expand files, folders and patterns with ``*``, ``?`` or ``[]`` to picture files, in the given order.

    Web addresses stay as they are. Names that are given twice are read twice. In a folder, pictures are recognised by
    their suffix and sorted by name, subfolders come last, and hidden files (with a leading dot) and the drawings of
    ``digitdet read --save`` are skipped. In a pattern, ``**`` matches any folders, and only files are taken. To read a
    file named ``-``, write ``./-``.

    Videos are recognised by their suffix, and read only if they are named or match a pattern: phones put a clip beside
    every photo.
    """
    for name in names:
        # os.path instead of Path, whose exists() raises for long names before Python 3.12
        if name == STDIN or is_url(name):
            yield Input(name)
        elif glob.has_magic(name) and not os.path.lexists(name):
            yield from _expand_pattern(name)
        elif os.path.isdir(name):
            yield from _expand_folder(name)
        else:
            yield _file(name)  # a missing file is reported when it is opened


def read_list(path: str) -> list[str]:
    """Read a list of names from a file or, if it is ``-``, from standard input.

    The names stand one per line, or are each followed by a zero byte (as ``find -print0`` writes them). Blank ones are
    left out.

    Raises:
        DataError: The list cannot be read, or is a picture or another file that is not text.
    """
    try:
        content = sys.stdin.buffer.read() if path == STDIN else Path(path).read_bytes()
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: the list cannot be read ({getattr(error, 'strerror', None) or error})") from error
    if _NOT_TEXT.search(content):
        raise DataError(f"{path}: is not a text file in UTF-8; name a picture without --from-file")
    content = content.removeprefix(b"\xef\xbb\xbf")  # the byte order mark of Windows editors
    lines = content.split(b"\0") if b"\0" in content else [line.rstrip(b"\r") for line in content.split(b"\n")]
    return [os.fsdecode(line) for line in lines if line.strip()]


def _expand_pattern(pattern: str) -> Iterator[Input]:
    matches = sorted(glob.glob(pattern, recursive=True))
    if not matches:
        yield Input(pattern, "no file matches this pattern")
    for match in matches:
        if not os.path.isdir(match):
            yield _file(match)
        elif "**" not in pattern:  # ** has matched the files in the folder as well
            yield from _expand_folder(match)


def _file(name: str) -> Input:
    return Input.of_video(name) if is_video(name) else Input(name)


def is_folder_picture(file: str) -> bool:
    """Return whether a file in a folder is read, by its name: a picture, not hidden, and no drawing of `--save`."""
    is_skipped = file.startswith(".") or file.endswith(DRAWING_SUFFIX)
    return not is_skipped and Path(file).suffix.lower() in PICTURE_SUFFIXES


def _expand_folder(name: str) -> Iterator[Input]:
    """Walk the folder lazily: the first picture is yielded before the last subfolder is opened."""
    failures: list[OSError] = []
    empty = True
    for folder, subfolders, files in os.walk(name, onerror=failures.append):
        subfolders[:] = sorted(subfolder for subfolder in subfolders if not subfolder.startswith("."))
        for file in sorted(files):
            path = os.path.join(folder, file)  # noqa: PTH118 - keeps a leading "./"
            if is_folder_picture(file) and os.path.isfile(path):  # not a pipe, which could block
                empty = False
                yield Input(path)
    for failure in failures:
        empty = False
        yield Input(str(failure.filename), f"the folder cannot be read ({failure.strerror})")
    if empty:
        yield Input(name, "the folder holds no pictures")
