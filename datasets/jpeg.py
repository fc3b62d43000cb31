"""Whether a JPEG is whole."""

from __future__ import annotations

import re

_START_OF_IMAGE = b"\xff\xd8"
_END_OF_IMAGE = 0xD9
# In the compressed data of a JPEG a byte FF is followed by 00, or is a restart marker; anything else is the next
# marker (ITU-T T.81, B.1.1.5).
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


def is_cut_jpeg(content: bytes) -> bool:
    """Whether a JPEG ends before its end-of-image marker: libjpeg would paint the rest grey and say nothing.

    The segments are walked from the start, since a thumbnail inside and a film behind the picture (phones append one)
    hold markers of their own. Other formats are none of its business: False.
    """
    if not content.startswith(_START_OF_IMAGE):
        return False
    place = len(_START_OF_IMAGE)
    while marker := _NEXT_MARKER.search(content, place):
        if content[marker.end() - 1] == _END_OF_IMAGE:
            return False
        # A segment gives its own length; behind that of a scan the compressed data run up to the next marker.
        place = marker.end() + int.from_bytes(content[marker.end() : marker.end() + 2], "big")
    return True
