"""The marker segments of a JPEG file, and whether the file is complete (ITU-T T.81, annex B)."""

from __future__ import annotations

import re
from collections.abc import Iterator

_SOI = b"\xff\xd8"
_EOI = 0xD9
# In entropy-coded data FF is followed by 00, or begins a restart marker D0 to D7; TEM (01) has no length (B.1.1).
_NEXT_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")


def jpeg_segments(content: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield the segments of a JPEG up to its end: the second byte of the marker, start and end of the parameters.

    Segments are skipped by their lengths, so that markers inside a thumbnail or an appended video are not yielded.
    """
    position = len(_SOI)
    while marker := _NEXT_MARKER.search(content, position):
        start = marker.end()
        code = content[start - 1]
        if code == _EOI:
            yield code, start, start
            return
        position = start + int.from_bytes(content[start : start + 2], "big")
        yield code, start + 2, position


def is_truncated_jpeg(content: bytes) -> bool:
    """Return whether the bytes are a JPEG without its end-of-image marker; libjpeg fills the missing part with grey."""
    return content.startswith(_SOI) and all(code != _EOI for code, _, _ in jpeg_segments(content))
