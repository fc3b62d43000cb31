"""What the user named on the command line, as a list of picture files."""

from __future__ import annotations

import glob
import os
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
        # os.path, not Path: on older Pythons Path.exists raises for a name that is too long.
        if not os.path.exists(name) and glob.has_magic(name):
            matches = sorted(glob.glob(name, recursive=True))
            yield from (picture for match in matches for picture in _expand(match))
            if not matches:
                yield Input(name, "no file matches this pattern")
        else:
            yield from _expand(name)


def _expand(name: str) -> Iterator[Input]:
    if not os.path.isdir(name):
        yield Input(name)  # a missing file is reported when it is opened
        return
    pictures = sorted(str(path) for path in Path(name).rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES)
    yield from (Input(picture) for picture in pictures if os.path.isfile(picture))
    if not pictures:
        yield Input(name, "the folder holds no pictures")
