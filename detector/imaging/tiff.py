"""Image file directories (IFDs) of TIFF 6.0, BigTIFF and EXIF: one for every page of a TIFF file."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digitdet.common.errors import ImageError

# Tags, named as in TIFF 6.0
IMAGE_WIDTH, IMAGE_LENGTH, ORIENTATION, TILE_WIDTH, TILE_LENGTH = 256, 257, 274, 322, 323

_MAX_ENTRIES = 1000  # real directories have a few dozen
_MAX_PAGES = 10_000
_SIZE_OF_TYPE = {1: 1, 3: 2, 4: 4, 16: 8}  # BYTE, SHORT, LONG, LONG8


@dataclass(frozen=True)
class Directory:
    """An image file directory: its offset in bytes, and its tags with a single integer."""

    offset: int
    tags: dict[int, int]


@dataclass(frozen=True)
class _Layout:
    """The layout in formats of `struct` and in bytes: TIFF has 4-byte offsets, BigTIFF 8-byte ones."""

    byte_order: str
    offset: str
    entry_count: str
    entry_size: int
    first_offset_at: int


def read_directories(content: bytes) -> Iterator[Directory]:
    """Yield the directories of TIFF, BigTIFF or EXIF data; ImageError if their chain is circular or damaged."""
    layout = _read_layout(content)
    seen: set[int] = set()
    try:
        (offset,) = struct.unpack_from(layout.offset, content, layout.first_offset_at)
        while offset:
            if offset in seen or len(seen) >= _MAX_PAGES:
                raise ImageError(f"its list of pages is circular, or longer than {_MAX_PAGES}")
            seen.add(offset)
            tags, next_offset_at = _read_tags(content, offset, layout)
            yield Directory(offset, tags)
            (offset,) = struct.unpack_from(layout.offset, content, next_offset_at)
    except (struct.error, OverflowError) as error:
        raise ImageError("the TIFF is cut off, or its list of pages is damaged") from error


def make_first(content: npt.NDArray[np.uint8], directory: Directory) -> None:
    """Make a directory the first one of TIFF data (uint8, changed in place), so that decoders return its page."""
    layout = _read_layout(content[:4].tobytes())
    struct.pack_into(layout.offset, content.data, layout.first_offset_at, directory.offset)


def exif_orientation(exif: bytes) -> int:
    """Return the EXIF orientation, 1 (upright) to 8; 1 where it is missing or invalid."""
    try:
        directory = next(read_directories(exif.removeprefix(b"Exif\0\0")), None)
    except ImageError:
        return 1
    value = directory.tags.get(ORIENTATION, 1) if directory else 1
    return value if 1 <= value <= 8 else 1


def _read_layout(content: bytes) -> _Layout:
    order = {b"II": "<", b"MM": ">"}.get(content[:2])
    if order is None or len(content) < 4:
        raise ImageError("not a TIFF")
    is_big = struct.unpack_from(order + "H", content, 2) == (43,)
    return (
        _Layout(order, f"{order}Q", f"{order}Q", 20, 8) if is_big else _Layout(order, f"{order}I", f"{order}H", 12, 4)
    )


def _read_tags(content: bytes, offset: int, layout: _Layout) -> tuple[dict[int, int], int]:
    """Return the tags of the directory at `offset`, and the position of the offset of the next directory."""
    (count,) = struct.unpack_from(layout.entry_count, content, offset)
    start = offset + struct.calcsize(layout.entry_count)
    inline = struct.calcsize(layout.offset)  # a value of at most this many bytes is stored in the entry itself
    tags = {}
    for entry in range(start, start + min(count, _MAX_ENTRIES) * layout.entry_size, layout.entry_size):
        tag, field_type = struct.unpack_from(layout.byte_order + "HH", content, entry)
        (values,) = struct.unpack_from(layout.offset, content, entry + 4)
        size = _SIZE_OF_TYPE.get(field_type, 0)
        if values == 1 and 0 < size <= inline:
            value = entry + layout.entry_size - inline
            tags[tag] = int.from_bytes(content[value : value + size], "little" if layout.byte_order == "<" else "big")
    return tags, start + count * layout.entry_size
