"""Settings of `digitdet read`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from digitdet.configs.base import Config, Share


class ReadConfig(Config, frozen=True, kw_only=True):
    """How a picture becomes numbers. Every distance between digits is in units of the digits' own height."""

    image_size: Annotated[int, Meta(ge=64, le=4096)] = 320
    """Longer side of the network's input in pixels; the picture is scaled to it. The shipped model saw 320."""

    confidence: Share = 0.35
    """Digits the network is less sure of are left out."""

    max_overlap: Share = 0.5
    """Two boxes are one digit when their intersection covers more than this part of the smaller box. Synthesis lets
    neighbours share at most a quarter of a box, so that half is safely between."""

    max_number_gap: Annotated[float, Meta(gt=0, le=10)] = 0.6
    """Digits of a line belong to one number up to this free space between their boxes, in digit heights. Synthesis
    spaces the digits of a number by at most 0.35 and numbers by at least 0.9."""

    max_pixels: Annotated[int, Meta(ge=1)] = 100_000_000
    """Larger pictures are refused: decoding one takes three bytes a pixel."""
