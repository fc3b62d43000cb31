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

    scales: Annotated[tuple[Annotated[float, Meta(ge=0.25, le=4)], ...], Meta(min_length=1, max_length=4)] = (
        0.6,
        1.1,
        1.4,
    )
    """The picture is read at these factors on `image_size`, and the scores are averaged: small digits are told apart
    when they are enlarged, big ones when they are made small. On the validation pictures of the shipped model 94.2% of
    the numbers are exact at 1.1 alone, 95.0% at 1.1 and 1.4, 95.3% at all three; one takes a third of the time."""

    confidence: Share = 0.2
    """Digits the network is less sure of are left out. Between 0.1 and 0.25 the most numbers of the shipped model's
    validation pictures came out exact."""

    max_overlap: Share = 0.6
    """Two boxes are one digit when their intersection covers more than this part of the smaller box. Slanted neighbours
    share up to half; two boxes of one digit share nearly all."""

    max_number_gap: Annotated[float, Meta(gt=0, le=10)] = 0.6
    """Digits of a line belong to one number up to this free space between their boxes, in digit heights. Synthesis
    spaces the digits of a number by at most 0.35 and numbers by at least 0.9."""
