"""Settings of reading."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from digitdet.configs.base import Config, Share

Rotation = Literal["auto", 0, 90, 180, 270]


class ReadConfig(Config, frozen=True, kw_only=True):
    """How a picture becomes numbers."""

    image_size: Annotated[int, Meta(ge=64, le=4096)] | None = None
    """Longer side in pixels to which a picture is scaled. Nothing: that of the pictures the model was trained on, 320
    for the shipped one."""

    scales: Annotated[tuple[Annotated[float, Meta(ge=0.25, le=4)], ...], Meta(min_length=1, max_length=4)] = (
        0.3,
        0.6,
        1.1,
        1.4,
    )
    """The picture is read at these factors on `image_size`, and the scores are averaged: small digits are told apart
    when they are enlarged, big ones when they are made small. One takes a third of the time. 0.3 costs little and finds
    digits that fill the picture: it took the choose halves of the real sets (120 pictures each) from 75.0 to 76.7%,
    scene text from 87.5 to 93.3%. A picture whose digits turn out small is read once more, larger."""

    confidence: Share = 0.5
    """A digit is there if its probability is at least this. Less reads more handwriting and single digits, and more of
    what is none on counters: from 0.4 to 0.6 the mean over the choose halves of the real sets moves by half a point."""

    confidence_beside: Share = 0.2
    """The same for a digit beside one that is there anyway, in its line and of its height, where the pitch of the line
    leaves it room: few digits stand alone. On the choose halves 0.3 reads 80.4%, 0.2 81.1% in the mean of the sets."""

    confidence_alone: Share = 0.7
    """The same for a digit that is a whole line by itself, where the picture has a line with more digits and there are
    no constraints: beside a number most of them are marks. 0.5 reads 81.8% of the longer numbers in registers (choose
    half), 0.7 84.3%, 0.9 85.5%, and as many of the other sets; but 0.8 loses one in 130 of the numbers on composed
    pages."""

    max_overlap: Share = 0.6
    """Two boxes are one digit when they lie on each other by more than this, in parts of the shorter side, along both
    axes. Slanted neighbours share up to half of their width; two boxes of one digit nearly all. From 0.5 to 0.65 the
    figures hardly change."""

    min_confidence: Share = 0.55
    """A number is unsure if the probability that all of it is right is below this. On real pictures the model is more
    often right than on the composed ones it was calibrated on: seven in ten of the numbers around 0.45 are. But of
    pictures without any digit, 0.4 leaves 4.1% with a number that is given as sure, 0.5 2.1%, 0.6 0.9%."""

    rotate: Rotation = 0
    """How far the pages lie turned clockwise, in degrees; 'auto' finds out, for some more time."""

    tiles: Literal["auto", "never", "always"] = "auto"
    """Whether parts of a large picture are read enlarged: 'auto' reads those that seem to hold small print, 'always'
    all of it, which takes seconds."""

    max_pixels: Annotated[int, Meta(ge=1)] = 100_000_000
    """Pictures with more pixels are refused, by their header: a few bytes can ask for gigabytes."""

    batch: Annotated[int, Meta(ge=1, le=256)] = 8
    """Pictures that go through the network together, where several are read."""
