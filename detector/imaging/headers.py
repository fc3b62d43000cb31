"""What an image file says of itself, read before any pixel is decoded: format, size of every page, orientation.

Sizes come first because a file of a few hundred bytes can ask for gigabytes. The format is told by the content: names
lie. Only what bounds the memory is parsed; whether the rest is sound is for the decoder to say.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from digitdet.common.errors import ImageError
from digitdet.imaging.jpeg import is_truncated_jpeg, jpeg_segments
from digitdet.imaging.tiff import LENGTH, TILE_LENGTH, TILE_WIDTH, WIDTH, Directory, exif_orientation, read_directories

Size = tuple[int, int]


@dataclass(frozen=True)
class Header:
    """`sizes` are width and height of each page or frame in pixels, as stored.

    `orientation` is 1 to 8 as in EXIF: how what the decoder gives is to be turned. `directories` are those of the pages
    of a TIFF.
    """

    format: str
    sizes: tuple[Size, ...]
    orientation: int = 1
    directories: tuple[Directory, ...] = ()


def is_pdf(content: bytes) -> bool:
    """Whether this is a PDF; some programs write a few bytes in front of it."""
    return b"%PDF-" in content[:1024] and not any(magic.match(content) for magic, _, _ in _FORMATS)


def read_header(content: bytes) -> Header:
    """Format, sizes and orientation from the bytes of an image file.

    Raises:
        ImageError: The file is empty, of no known format, cut off, or its header makes no sense.
    """
    if not content:
        raise ImageError("the file is empty")
    for magic, name, parse in _FORMATS:
        if not magic.match(content):
            continue
        try:
            header = parse(content)
        except (struct.error, IndexError, OverflowError) as error:
            raise ImageError(f"the header of the {name} is damaged or cut off") from error
        if not header.sizes:
            raise ImageError(f"the {name} holds no picture, or is cut off")
        if any(width < 1 or height < 1 for width, height in header.sizes):
            raise ImageError(f"the {name} says that it has no width or no height")
        return header
    raise ImageError("not a picture in a known format, or damaged")


def _jpeg(content: bytes) -> Header:
    if is_truncated_jpeg(content):
        raise ImageError("the JPEG is damaged or cut off")
    orientation = 1
    for marker, start, end in jpeg_segments(content):
        if marker == 0xE1 and content.startswith(b"Exif\0\0", start):
            orientation = exif_orientation(content[start:end])
        # SOF0 to SOF15; C4, C8 and CC are other tables (ITU-T T.81, table B.1)
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", content, start + 1)
            return Header("JPEG", ((width, height),), orientation)
    return Header("JPEG", ())


def _png(content: bytes) -> Header:
    size: Size = struct.unpack_from(">II", content, 16)
    orientation, frames, animated, kind, place = 1, 0, False, b"", 8
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", content, place)
        if place + 12 + length > len(content):  # OpenCV would allocate what the chunk says: up to 4 GB
            raise ImageError("the PNG is damaged or cut off")
        if kind == b"eXIf":
            orientation = exif_orientation(content[place + 8 : place + 8 + length])
        animated |= kind == b"acTL"
        frames += kind == b"fcTL"
        place += 12 + length  # length, kind and checksum around the data
    return Header("PNG", (size,) * (max(1, frames) if animated else 1), orientation)


def _gif(content: bytes) -> Header:
    size: Size = struct.unpack_from("<HH", content, 6)
    place = 13 + _gif_palette(content[10])
    frames = 0
    while place < len(content) and (block := content[place]) != 0x3B:  # the trailer
        if block == 0x2C:  # a frame: its place and size, palette and code size stand before the data
            frames += 1
            place += 11 + _gif_palette(content[place + 9])
        elif block == 0x21:  # an extension
            place += 2
        else:
            raise ImageError("the GIF is damaged")
        while content[place]:  # the data come in blocks of their length and so many bytes
            place += content[place] + 1
        place += 1
    return Header("GIF", (size,) * frames)


def _gif_palette(flags: int) -> int:
    """The length of a palette in bytes."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _webp(content: bytes) -> Header:
    size: Size | None = None
    orientation, frames, place = 1, 0, 12
    while place + 8 <= len(content):
        kind, length = struct.unpack_from("<4sI", content, place)
        data = place + 8
        size = size or _webp_size(kind, content, data)
        frames += kind == b"ANMF"
        if kind == b"EXIF":
            orientation = exif_orientation(content[data : data + length])
        place = data + length + length % 2
    return Header("WebP", (size,) * max(1, frames) if size else (), orientation)


def _webp_size(kind: bytes, content: bytes, data: int) -> Size | None:
    if kind == b"VP8X":
        width, height = content[data + 4 : data + 7], content[data + 7 : data + 10]
        return int.from_bytes(width, "little") + 1, int.from_bytes(height, "little") + 1
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", content, data + 6)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", content, data + 1)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return None


def _bmp(content: bytes) -> Header:
    (length,) = struct.unpack_from("<I", content, 14)
    width, height = struct.unpack_from("<HH" if length == 12 else "<ii", content, 18)
    return Header("BMP", ((width, abs(height)),))  # a height below 0: the rows come from the top


def _tiff(content: bytes) -> Header:
    directories = tuple(read_directories(content))
    # A tile can be bigger than its picture, and is decoded whole.
    sizes = tuple(
        (
            max(directory.tags.get(WIDTH, 0), directory.tags.get(TILE_WIDTH, 0)),
            max(directory.tags.get(LENGTH, 0), directory.tags.get(TILE_LENGTH, 0)),
        )
        for directory in directories
    )
    return Header("TIFF", sizes, directories=directories)  # OpenCV turns these pages itself


def _heif(content: bytes) -> Header:
    """AVIF and HEIC (ISO/IEC 23008-12): properties of all items of the file lie in one box.

    The largest item counts, which is the picture or bigger. There is one turn in practice, that of the picture: a
    thumbnail shares it. It is the only one that counts, whatever EXIF says.
    """
    sizes, turns, mirror = [], 0, None
    place, end = 0, len(content)
    for kind, skip in ((b"meta", 4), (b"iprp", 0), (b"ipco", 0)):
        place, end = next(((a + skip, b) for found, a, b in boxes(content, place, end) if found == kind), (0, 0))
    for kind, start, _ in boxes(content, place, end):
        if kind == b"ispe":
            sizes.append(struct.unpack_from(">II", content, start + 4))
        elif kind == b"irot":
            turns = content[start] & 3
        elif kind == b"imir":
            mirror = content[start] & 1
    size = max(sizes, key=lambda size: size[0] * size[1], default=None)
    brands = content[8 : int.from_bytes(content[:4], "big")]
    name = "AVIF" if b"avif" in brands or b"avis" in brands else "HEIC"
    return Header(name, (size,) if size else (), _ORIENTATION_OF_TURN[turns, mirror])


# Turns by 90 degrees anticlockwise, then a mirror (0 swaps top and bottom, 1 left and right), as EXIF numbers.
_ORIENTATION_OF_TURN = {
    (0, None): 1,
    (1, None): 8,
    (2, None): 3,
    (3, None): 6,
    (0, 0): 4,
    (1, 0): 5,
    (2, 0): 2,
    (3, 0): 7,
    (0, 1): 2,
    (1, 1): 7,
    (2, 1): 4,
    (3, 1): 5,
}


def boxes(content: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """The boxes of an ISO base media file, or JPEG 2000, in turn: kind, start and end of what is inside."""
    while start + 8 <= end:
        size, kind = struct.unpack_from(">I4s", content, start)
        inside = start + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", content, inside)
            inside += 8
        elif size == 0:  # to the end
            size = end - start
        if size < inside - start:
            raise ImageError("a box in the file is damaged")
        yield kind, inside, min(start + size, end)
        start += size


def _jp2(content: bytes) -> Header:
    streams = (start for kind, start, _ in boxes(content, 0, len(content)) if kind == b"jp2c")
    return _codestream(content, next(streams, len(content)))


def _codestream(content: bytes, start: int = 0) -> Header:
    """JPEG 2000 without its wrapper: the size stands in the first marker segment (ITU-T T.800, A.5.1)."""
    right, bottom, left, top = struct.unpack_from(">4I", content, start + 8)
    return Header("JPEG 2000", ((right - left, bottom - top),))


_PNM_GAP = rb"(?:\s|#[^\n]*\n)+"
_PNM_SIZE = re.compile(rb"P[1-6]" + _PNM_GAP + rb"(\d{1,9})" + _PNM_GAP + rb"(\d{1,9})\s")


def _pnm(content: bytes) -> Header:
    match = _PNM_SIZE.match(content)
    return Header("PNM", ((int(match[1]), int(match[2])),) if match else ())


_FORMATS: tuple[tuple[re.Pattern[bytes], str, Callable[[bytes], Header]], ...] = (
    (re.compile(rb"\xff\xd8"), "JPEG", _jpeg),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "PNG", _png),
    (re.compile(rb"GIF8[79]a"), "GIF", _gif),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "WebP", _webp),
    (re.compile(rb"BM"), "BMP", _bmp),
    (re.compile(rb"II[*+]\0|MM\0[*+]"), "TIFF", _tiff),
    (re.compile(rb"....ftyp(?:avi[fs]|hei[cxms]|hev[cxms]|mif1|msf1)", re.DOTALL), "AVIF or HEIC", _heif),
    (re.compile(rb"\0\0\0\x0cjP  \r\n\x87\n"), "JPEG 2000", _jp2),
    (re.compile(rb"\xff\x4f\xff\x51"), "JPEG 2000", _codestream),
    (re.compile(rb"P[1-6]\s"), "PNM", _pnm),
)
