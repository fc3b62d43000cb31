"""The segments of a JPEG, and whether it is whole."""

from __future__ import annotations

import re
from collections.abc import Iterator

_START_OF_IMAGE = b"\xff\xd8"
_END_OF_IMAGE = 0xD9
# In the compressed data of a JPEG a byte FF is followed by 00, or is a restart marker; anything else is the next
# marker (ITU-T T.81, B.1.1.5). TEM (01) has no length either.
_NEXT_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")


def jpeg_segments(content: bytes) -> Iterator[tuple[int, int, int]]:
    """The segments of a JPEG up to its end: marker (its second byte), start and end of what is inside.

    They are walked from the start, since a thumbnail inside and a film behind the picture (phones append one) hold
    markers of their own.
    """
    place = len(_START_OF_IMAGE)
    while marker := _NEXT_MARKER.search(content, place):
        start = marker.end()
        code = content[start - 1]
        if code == _END_OF_IMAGE:
            yield code, start, start
            return
        # A segment gives its own length; behind that of a scan the compressed data run up to the next marker.
        place = start + int.from_bytes(content[start : start + 2], "big")
        yield code, start + 2, place


def is_truncated_jpeg(content: bytes) -> bool:
    """Whether a JPEG ends before its end-of-image marker: libjpeg would paint the rest grey and say nothing.

    Other formats are none of its business: False.
    """
    if not content.startswith(_START_OF_IMAGE):
        return False
    return all(code != _END_OF_IMAGE for code, _, _ in jpeg_segments(content))
