"""Settings of one look: a kind of picture, such as a cheque, a meter or a house number."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from digitdet.common.errors import ConfigError
from digitdet.configs.base import Config, Share

Side = Annotated[int, Meta(ge=32, le=4096)]
Count = Annotated[int, Meta(ge=1, le=100)]
CountSpan = tuple[Count, Count]
PixelSpan = tuple[Annotated[float, Meta(ge=6, le=4096)], Annotated[float, Meta(ge=6, le=4096)]]
HeightSpan = tuple[Annotated[float, Meta(ge=-0.5, le=10)], Annotated[float, Meta(ge=-0.5, le=10)]]
AngleSpan = tuple[Annotated[float, Meta(ge=-180, le=180)], Annotated[float, Meta(ge=-180, le=180)]]
LeanSpan = tuple[Annotated[float, Meta(ge=-45, le=45)], Annotated[float, Meta(ge=-45, le=45)]]
FactorSpan = tuple[Annotated[float, Meta(ge=0.25, le=4)], Annotated[float, Meta(ge=0.25, le=4)]]
EdgeSpan = tuple[Annotated[float, Meta(ge=0.2, le=0.8)], Annotated[float, Meta(ge=0.2, le=0.8)]]
Weight = Annotated[float, Meta(ge=0, le=1000)]
Levels = Annotated[float, Meta(ge=0, le=200)]

Weights = dict[str, Weight]
"""Name to weight: how often this one is drawn, against the others in the same mapping."""

Shares = dict[str, Share]
"""Name to the part of the pictures that get it; several can come together."""


class LookConfig(Config, frozen=True, kw_only=True):
    """How one kind of picture is composed. The built-in values are those of plain MNIST digits on plain grounds.

    A span is [lowest, highest]; a value is drawn from it for every use. Distances inside a line are in units of the
    line's digit height, so that one setting fits every size.
    """

    weight: Weight = 1.0
    """How often this look is drawn, against the other looks."""

    sources: Weights = msgspec.field(default_factory=lambda: {"mnist": 1.0})
    """Where digits come from, drawn for every page (see synth/sources.py)."""

    texts: Weights = msgspec.field(default_factory=lambda: {"digits": 1.0})
    """What is written, drawn for every line (see synth/pages/texts.py)."""

    layouts: Weights = msgspec.field(default_factory=lambda: {"page": 3.0, "single": 1.0})
    """How the numbers stand on the page (see synth/pages/layouts.py)."""

    surfaces: Weights = msgspec.field(default_factory=lambda: {"plain": 1.0, "gradient": 1.0, "clouds": 1.0})
    """What they stand on (see synth/surfaces/); `folder` is a cut from the user's pictures, where there are any."""

    inks: Weights = msgspec.field(default_factory=lambda: {"flat": 1.0})
    """What they are written with (see synth/effects/inks.py)."""

    clutter: Shares = msgspec.field(default_factory=dict)
    """What is there too and is no digit, unlabelled (see synth/pages/clutter.py)."""

    effects: Shares = msgspec.field(default_factory=dict)
    """What the camera or the scanner does (see synth/effects/effects.py)."""

    canvas_sizes: Annotated[tuple[tuple[Side, Side], ...], Meta(min_length=1)] = (
        (320, 320),
        (320, 320),
        (320, 240),
        (240, 320),
        (320, 160),
        (320, 96),
    )
    """[width, height] in pixels, each entry equally likely. Strips are there since many photos of a number are."""

    blank_share: Share = 0.04
    """Part of the pictures without any digit: the detector must learn to say nothing."""

    lines: CountSpan = (1, 5)
    """Lines of digits on a page, as far as they fit."""

    numbers_per_line: CountSpan = (1, 3)

    digits_per_number: CountSpan = (1, 8)
    """Drawn log-uniformly: in 1 to 8, about a third are single digits."""

    digit_height: PixelSpan = (20, 150)
    """Pixels, drawn log-uniformly. Much below 20 px a blurred MNIST digit is hard to tell for a person too."""

    same_size_share: Share = 0.6
    """Part of the pages whose lines all have one digit height; on the others each has its own."""

    height_jitter: Share = 0.1
    """Handwritten digits of one number differ in height by up to this part."""

    baseline_jitter: Share = 0.06
    """Handwritten digits stand off their line by up to this many digit heights, up or down."""

    stretch: FactorSpan = (0.8, 1.25)
    """Width of the digits of a number, as a factor on their natural width."""

    slant: LeanSpan = (-15, 20)
    """Degrees by which the digits of a number lean, on top of each writer's own; positive leans right."""

    page_angle: AngleSpan = (-8, 8)
    """Degrees by which the whole page is turned; positive is clockwise. Small angles are the most common ones."""

    perspective: Share = 0.0
    """How much nearer one side of the page can be, as a part of its size; 0 is a page seen from straight above."""

    crop: Annotated[float, Meta(ge=0, le=0.8)] = 0.0
    """Up to this part of the page's width and height lies beyond the picture's border, which cuts through digits as it
    does where a detector cut out a number; a small part is the most common one."""

    curve: Share = 0.0
    """How far the middle of a curved line can stand off its ends, as a part of the page's width."""

    curved_share: Share = 0.0
    """Part of the pages whose lines are curved, as on a round plate."""

    digit_angle: LeanSpan = (-4, 4)
    """Degrees by which each handwritten digit is turned on its own."""

    ink_threshold: EdgeSpan = (0.3, 0.55)
    """Where the pen's edge lies in the grey slope of a stroke: lower is a bolder pen."""

    variation: Share = 0.0
    """Strength of the elastic and stroke-width changes to handwritten source digits."""

    ligature_share: Share = 0.0
    """Part of the neighbouring handwritten digits that a stroke connects, as a fast writer's do."""

    digit_gap: HeightSpan = (-0.08, 0.35)
    """Free space between handwritten digits; below zero their boxes overlap and their ink may touch."""

    tracking: HeightSpan = (0, 0)
    """Extra space between printed digits, beside the typeface's own."""

    max_box_overlap: Share = 0.4
    """A digit whose box would share more than this part of the smaller box with its neighbour is moved away."""

    number_gap: HeightSpan = (0.9, 2.5)
    """Free space between the numbers of a line: well above `digit_gap`, or nobody could tell where one ends."""

    line_gap: HeightSpan = (0.25, 1.2)
    """Free space between lines, in heights of the taller one."""

    margin: HeightSpan = (0.1, 0.1)
    """Free space around the digits in `single` layouts; below zero the picture's border cuts them."""

    dark_ink_share: Share = 0.6
    """Part of the pictures with dark ink on light ground; the others have light ink on dark ground."""

    min_contrast: Levels = 60
    """Grey levels (0 to 255) between ink and the ground under it, before blur and noise."""

    def check(self) -> None:
        """Refuse spans that are upside down and weights that leave nothing to draw."""
        for name in self.__struct_fields__:
            value = getattr(self, name)
            is_span = isinstance(value, tuple) and len(value) == 2 and not isinstance(value[0], tuple)
            if is_span and value[0] > value[1]:
                raise ConfigError(f"{name}: {list(value)} is not allowed; expected [lowest, highest]")
        for name in ("sources", "texts", "layouts", "surfaces", "inks"):
            if not any(getattr(self, name).values()):
                raise ConfigError(f"{name}: all 0; expected one above 0")
        if self.number_gap[0] <= self.digit_gap[1]:
            raise ConfigError(f"number_gap: {list(self.number_gap)} is not allowed; expected more than digit_gap's")
