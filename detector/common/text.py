"""Text that comes from file names, fit to be printed."""

from __future__ import annotations

import re

# All characters that Python or a terminal treats as a line break.
_LINE_BREAKS = re.compile("[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
# A byte of a file name that is not UTF-8 is a lone surrogate in Python's strings, which no encoding can write.
_SURROGATE = re.compile("[\ud800-\udfff]")


def escape_surrogates(text: str) -> str:
    """Return a text with its lone surrogates as \\xNN, the bytes that they stand for."""
    return _SURROGATE.sub(lambda match: f"\\x{ord(match[0]) & 0xFF:02x}", text)


def one_line(text: str) -> str:
    """Return a text with its line breaks and lone surrogates escaped."""
    return _LINE_BREAKS.sub(lambda found: repr(found[0])[1:-1], escape_surrogates(text))
