"""Directories of TIFF data: one for each page of a TIFF file, and the one in which EXIF keeps a photo's orientation."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digitdet.common.errors import ImageError

WIDTH, LENGTH, ORIENTATION, TILE_WIDTH, TILE_LENGTH = 256, 257, 274, 322, 323

# Real directories hold a few dozen tags, sorted by number: what is asked for here stands near the start.
_MAX_TAGS = 1000
_MAX_PAGES = 10_000
_SIZE_OF_TYPE = {1: 1, 3: 2, 4: 4, 16: 8}  # BYTE, SHORT, LONG, LONG8: the types of the tags above


@dataclass(frozen=True)
class Directory:
    """Where a directory lies in the data, in bytes from its start, and its tags that hold one whole number."""

    offset: int
    tags: dict[int, int]


@dataclass(frozen=True)
class _Layout:
    """How numbers are stored: TIFF 6.0 has 4-byte offsets, BigTIFF 8-byte ones."""

    order: str  # of struct
    big: bool

    @property
    def offset(self) -> str:
        return self.order + ("Q" if self.big else "I")

    @property
    def first(self) -> int:
        """The place of the offset of the first directory."""
        return 8 if self.big else 4


def read_directories(content: bytes) -> Iterator[Directory]:
    """The directories of TIFF data (or BigTIFF, or EXIF without its prefix), one after the other.

    Raises:
        ImageError: The chain of directories runs in a circle, has no end in sight, or is cut off.
    """
    layout = _layout(content)
    seen: set[int] = set()
    try:
        (place,) = struct.unpack_from(layout.offset, content, layout.first)
        while place:
            if place in seen or len(seen) >= _MAX_PAGES:
                raise ImageError(f"its list of pages runs in a circle, or is longer than {_MAX_PAGES}")
            seen.add(place)
            tags, after = _read_tags(content, place, layout)
            yield Directory(place, tags)
            (place,) = struct.unpack_from(layout.offset, content, after)
    except (struct.error, OverflowError) as error:
        raise ImageError("the TIFF is cut off, or its list of pages is damaged") from error


def make_first(content: npt.NDArray[np.uint8], directory: Directory) -> None:
    """Make a directory the first one in TIFF data (uint8, changed in place), so that its page is what decoders see."""
    layout = _layout(content[:4].tobytes())
    struct.pack_into(layout.offset, content.data, layout.first, directory.offset)


def exif_orientation(exif: bytes) -> int:
    """How a picture with this EXIF is to be turned: 1 (not at all) to 8; 1 where it does not say, or makes no sense."""
    try:
        directory = next(read_directories(exif.removeprefix(b"Exif\0\0")), None)
    except ImageError:
        return 1
    value = directory.tags.get(ORIENTATION, 1) if directory else 1
    return value if 1 <= value <= 8 else 1


def _layout(content: bytes) -> _Layout:
    order = {b"II": "<", b"MM": ">"}.get(content[:2])
    if order is None or len(content) < 4:
        raise ImageError("not a TIFF")
    return _Layout(order, struct.unpack_from(order + "H", content, 2) == (43,))


def _read_tags(content: bytes, place: int, layout: _Layout) -> tuple[dict[int, int], int]:
    """The tags of the directory at `place`, and the place of the offset of the next one."""
    counter, entry = (layout.order + "Q", 20) if layout.big else (layout.order + "H", 12)
    (count,) = struct.unpack_from(counter, content, place)
    start = place + struct.calcsize(counter)
    tags = {}
    for at in range(start, start + min(count, _MAX_TAGS) * entry, entry):
        tag, kind = struct.unpack_from(layout.order + "HH", content, at)
        (values,) = struct.unpack_from(layout.offset, content, at + 4)
        size = _SIZE_OF_TYPE.get(kind, 0)
        if values == 1 and size and size <= (8 if layout.big else 4):
            field = at + entry - (8 if layout.big else 4)
            tags[tag] = int.from_bytes(content[field : field + size], "little" if layout.order == "<" else "big")
    return tags, start + count * entry
