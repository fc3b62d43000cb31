"""What the user named on the command line, as a list of picture files."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from digitdet.datasets.folder import IMAGE_SUFFIXES


@dataclass(frozen=True)
class Input:
    """A picture to read, or the reason why what the user named is none."""

    path: str
    error: str | None = None


def find_inputs(names: Iterable[str]) -> Iterator[Input]:
    """Expand files, folders (with their subfolders) and patterns with ``*``, ``?`` or ``[]``, in the order given.

    The pictures of a folder come sorted by path; which files are pictures is told by their suffix. A file named itself
    is taken whatever its suffix.
    """
    for name in names:
        if not Path(name).exists() and glob.has_magic(name):
            matches = sorted(glob.glob(name, recursive=True))
            yield from (Input(match) for match in matches if Path(match).is_file())
            if not matches:
                yield Input(name, "no file matches this pattern")
        elif Path(name).is_dir():
            pictures = sorted(
                str(p) for p in Path(name).rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES and p.is_file()
            )
            yield from (Input(picture) for picture in pictures)
            if not pictures:
                yield Input(name, "the folder holds no pictures")
        else:
            yield Input(name)  # a missing file is reported when it is opened
