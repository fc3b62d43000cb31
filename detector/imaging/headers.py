"""Format, page sizes and orientation of an image file, read from its header before any pixel is decoded.

A file of a few hundred bytes can claim a size of gigabytes. The decoders find other damage themselves.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from digitdet.common.errors import ImageError
from digitdet.imaging import tiff

Size = tuple[int, int]


@dataclass(frozen=True)
class Header:
    """The format, page sizes and orientation of an image file."""

    format: str
    sizes: tuple[Size, ...]  # width and height in pixels of every page or frame, as stored
    orientation: int = 1  # EXIF orientation, 1 to 8, that the decoder does not apply
    directories: tuple[tiff.Directory, ...] = ()  # of the pages of a TIFF


def is_pdf(content: bytes) -> bool:
    """Return whether this is a PDF; its signature may follow some other bytes."""
    return b"%PDF-" in content[:1024] and not any(signature.match(content) for signature, _, _ in _FORMATS)


def read_header(content: bytes) -> Header:
    """Read the header of an image file, recognised by its content; raise ImageError if it is invalid."""
    if not content:
        raise ImageError("the file is empty")
    for signature, name, parse in _FORMATS:
        if not signature.match(content):
            continue
        try:
            header = parse(content)
        except (struct.error, IndexError, OverflowError) as error:
            raise ImageError(f"the header of the {name} is damaged or cut off") from error
        if not header.sizes:
            raise ImageError(f"the {name} holds no picture, or is cut off")
        if any(width < 1 or height < 1 for width, height in header.sizes):
            raise ImageError(f"the {name} has no width or no height according to its header")
        return header
    raise ImageError("not a picture in a known format, or damaged")


_SOI = b"\xff\xd8"
_EOI = 0xD9
# In entropy-coded data FF is followed by 00, or begins a restart marker D0 to D7; TEM (01) has no length (B.1.1).
_NEXT_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")
_MAX_SEGMENTS = 10_000


def _jpeg_segments(content: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield the segments of a JPEG up to its end: the second byte of the marker, start and end of the parameters.

    Segments are skipped by their lengths, so that markers inside a thumbnail or an appended video are not yielded. A
    file with more segments than a real one has is read no further, and so counts as cut off.
    """
    position = len(_SOI)
    for _ in range(_MAX_SEGMENTS):
        if not (marker := _NEXT_MARKER.search(content, position)):
            return
        start = marker.end()
        code = content[start - 1]
        if code == _EOI:
            yield code, start, start
            return
        position = start + int.from_bytes(content[start : start + 2], "big")
        yield code, start + 2, position


def is_truncated_jpeg(content: bytes) -> bool:
    """Return whether the bytes are a JPEG without its end-of-image marker; libjpeg fills the missing part with grey."""
    return content.startswith(_SOI) and all(code != _EOI for code, _, _ in _jpeg_segments(content))


def _jpeg(content: bytes) -> Header:
    """ITU-T T.81: the size is in the frame header (SOF, markers C0 to CF but DHT C4, JPG C8 and DAC CC)."""
    if is_truncated_jpeg(content):
        raise ImageError("the JPEG is damaged or cut off")
    orientation = 1
    for marker, start, end in _jpeg_segments(content):
        if marker == 0xE1 and content.startswith(b"Exif\0\0", start):  # APP1
            orientation = tiff.exif_orientation(content[start:end])
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", content, start + 1)
            return Header("JPEG", ((width, height),), orientation)
    return Header("JPEG", ())


def _png(content: bytes) -> Header:
    """PNG, third edition: chunks of length, type, data and CRC; an animation has acTL, and fcTL for each frame."""
    size: Size = struct.unpack_from(">II", content, 16)
    orientation, frames, is_animated, chunk_type, position = 1, 0, False, b"", 8
    while chunk_type != b"IEND":
        length, chunk_type = struct.unpack_from(">I4s", content, position)
        if position + 12 + length > len(content):  # OpenCV would allocate that length, up to 4 GB
            raise ImageError("the PNG is damaged or cut off")
        if chunk_type == b"eXIf":
            orientation = tiff.exif_orientation(content[position + 8 : position + 8 + length])
        is_animated |= chunk_type == b"acTL"
        frames += chunk_type == b"fcTL"
        position += 12 + length
    return Header("PNG", (size,) * (max(1, frames) if is_animated else 1), orientation)


def _gif(content: bytes) -> Header:
    """GIF89a: image descriptors (2C) and extensions (21), each followed by data sub-blocks, up to the trailer (3B)."""
    size: Size = struct.unpack_from("<HH", content, 6)
    position = 13 + _gif_color_table(content[10])
    frames = 0
    while position < len(content) and (block := content[position]) != 0x3B:
        if block == 0x2C:
            frames += 1
            position += 11 + _gif_color_table(content[position + 9])
        elif block == 0x21:
            position += 2
        else:
            raise ImageError("the GIF is damaged")
        while content[position]:
            position += content[position] + 1
        position += 1
    return Header("GIF", (size,) * frames)


def _gif_color_table(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _webp(content: bytes) -> Header:
    """WebP container (RFC 9649): RIFF chunks with an even length; ANMF for each frame of an animation."""
    size: Size | None = None
    orientation, frames, position = 1, 0, 12
    while position + 8 <= len(content):
        chunk, length = struct.unpack_from("<4sI", content, position)
        data = position + 8
        size = size or _webp_size(chunk, content, data)
        frames += chunk == b"ANMF"
        if chunk == b"EXIF":
            orientation = tiff.exif_orientation(content[data : data + length])
        position = data + length + length % 2
    return Header("WebP", (size,) * max(1, frames) if size else (), orientation)


def _webp_size(chunk: bytes, content: bytes, data: int) -> Size | None:
    if chunk == b"VP8X":
        width, height = content[data + 4 : data + 7], content[data + 7 : data + 10]
        return int.from_bytes(width, "little") + 1, int.from_bytes(height, "little") + 1
    if chunk == b"VP8 ":
        width, height = struct.unpack_from("<HH", content, data + 6)
        return width & 0x3FFF, height & 0x3FFF
    if chunk == b"VP8L":
        (bits,) = struct.unpack_from("<I", content, data + 1)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return None


def _bmp(content: bytes) -> Header:
    """BITMAPCOREHEADER (12 bytes) or BITMAPINFOHEADER, whose height is negative in top-down bitmaps."""
    (length,) = struct.unpack_from("<I", content, 14)
    width, height = struct.unpack_from("<HH" if length == 12 else "<ii", content, 18)
    return Header("BMP", ((width, abs(height)),))


def _tiff(content: bytes) -> Header:
    """TIFF 6.0; OpenCV applies the orientation. A tile, which is decoded whole, can be larger than its page."""
    directories = tuple(tiff.read_directories(content))
    sizes = tuple(
        (
            max(directory.tags.get(tiff.IMAGE_WIDTH, 0), directory.tags.get(tiff.TILE_WIDTH, 0)),
            max(directory.tags.get(tiff.IMAGE_LENGTH, 0), directory.tags.get(tiff.TILE_LENGTH, 0)),
        )
        for directory in directories
    )
    return Header("TIFF", sizes, directories=directories)


def _heif(content: bytes) -> Header:
    """AVIF and HEIC (ISO/IEC 23008-12): the properties of all items are in the box meta/iprp/ipco.

    The picture has the largest size (ispe). Rotation (irot) and mirroring (imir) replace the EXIF orientation.
    """
    sizes, rotation, mirror_axis = [], 0, None
    start, end = 0, len(content)
    for box_type, skipped in ((b"meta", 4), (b"iprp", 0), (b"ipco", 0)):
        found = ((a + skipped, b) for name, a, b in iso_boxes(content, start, end) if name == box_type)
        start, end = next(found, (0, 0))
    for box_type, data, _ in iso_boxes(content, start, end):
        if box_type == b"ispe":
            sizes.append(struct.unpack_from(">II", content, data + 4))
        elif box_type == b"irot":
            rotation = content[data] & 3
        elif box_type == b"imir":
            mirror_axis = content[data] & 1
    size = max(sizes, key=lambda size: size[0] * size[1], default=None)
    brands = content[8 : int.from_bytes(content[:4], "big")]
    name = "AVIF" if b"avif" in brands or b"avis" in brands else "HEIC"
    return Header(name, (size,) if size else (), _HEIF_ORIENTATIONS[mirror_axis][rotation])


# EXIF orientation by mirror axis (0 swaps top and bottom, 1 left and right) and number of anticlockwise quarter turns.
_HEIF_ORIENTATIONS = {None: (1, 8, 3, 6), 0: (4, 5, 2, 7), 1: (2, 7, 4, 5)}


def iso_boxes(content: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield the boxes of an ISO base media file (ISO/IEC 14496-12) or JPEG 2000: type, start and end of the content."""
    while start + 8 <= end:
        size, box_type = struct.unpack_from(">I4s", content, start)
        data = start + 8
        if size == 1:  # 64-bit size
            (size,) = struct.unpack_from(">Q", content, data)
            data += 8
        elif size == 0:  # up to the end
            size = end - start
        if size < data - start:
            raise ImageError("a box in the file is damaged")
        yield box_type, data, min(start + size, end)
        start += size


def _jp2(content: bytes) -> Header:
    codestreams = (start for box_type, start, _ in iso_boxes(content, 0, len(content)) if box_type == b"jp2c")
    return _codestream(content, next(codestreams, len(content)))


def _codestream(content: bytes, start: int = 0) -> Header:
    """JPEG 2000 codestream: the size is in the SIZ marker segment (ITU-T T.800, A.5.1)."""
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
