"""Settings of `digitdet read`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from digitdet.configs.base import Config, Share


class ReadConfig(Config, frozen=True, kw_only=True):
    """How a picture becomes numbers. Every distance between digits is in units of the digits' own height."""

    image_size: Annotated[int, Meta(ge=64, le=4096)] | None = None
    """Longer side of the network's input in pixels; the picture is scaled to it. Nothing: the size that the model was
    trained at, 320 for the shipped one."""

    confidence: Share = 0.35
    """Digits the network is less sure of are left out."""

    max_overlap: Share = 0.5
    """Two boxes are one digit when their intersection covers more than this part of the smaller box. Synthesis lets
    neighbours share at most 0.4, and two boxes of one digit share nearly all."""

    max_number_gap: Annotated[float, Meta(gt=0, le=10)] = 0.6
    """Digits of a line belong to one number up to this free space between their boxes, in digit heights. Synthesis
    spaces the digits of a number by at most 0.35 and numbers by at least 0.9."""
