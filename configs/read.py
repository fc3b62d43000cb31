"""Settings of `digitdet read`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from digitdet.configs.base import Config, Share


class ReadConfig(Config, frozen=True, kw_only=True):
    """How a picture becomes numbers. Every distance between digits is in units of the digits' own height."""

    image_size: Annotated[int, Meta(ge=64, le=4096)] | None = None
    """Longer side in pixels to which a picture is scaled. Nothing: that of the pictures the model was trained on, 320
    for the shipped one."""

    scales: Annotated[tuple[Annotated[float, Meta(ge=0.25, le=4)], ...], Meta(min_length=1, max_length=4)] = (1.1, 1.4)
    """The picture is read at these factors on `image_size`, and the scores are averaged. Measured on the validation
    pictures of the shipped model, numbers exact: 92% at 1.0, 94% at 1.1, 95% at both; one scale takes half the time."""

    confidence: Share = 0.2
    """Digits the network is less sure of are left out. Between 0.1 and 0.25 the most numbers of the shipped model's
    validation pictures came out exact."""

    max_overlap: Share = 0.5
    """Two boxes are one digit when their intersection covers more than this part of the smaller box. Synthesis lets
    neighbours share at most 0.4, and two boxes of one digit share nearly all."""

    max_number_gap: Annotated[float, Meta(gt=0, le=10)] = 0.6
    """Digits of a line belong to one number up to this free space between their boxes, in digit heights. Synthesis
    spaces the digits of a number by at most 0.35 and numbers by at least 0.9."""
