"""A hook for Schemathesis: it sends valid and damaged pictures as request bodies."""

from __future__ import annotations

from pathlib import Path

import schemathesis
from hypothesis import strategies as st

PICTURES = [
    path.read_bytes()
    for folder in ("examples", "detector/web/static/examples")
    for path in sorted((Path(__file__).parents[2] / folder).glob("*.jpg"))
]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Draw a picture with some bytes changed, perhaps truncated."""
    content = bytearray(draw(st.sampled_from(PICTURES)))
    for _ in range(draw(st.integers(0, 4))):
        content[draw(st.integers(0, len(content) - 1))] = draw(st.integers(0, 255))
    return bytes(content[: draw(st.integers(1, len(content)))])


schemathesis.openapi.media_type(
    "application/octet-stream", st.sampled_from(PICTURES) | damaged() | st.binary(min_size=1, max_size=200)
)
