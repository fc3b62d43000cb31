"""Settings of one look: a kind of composed picture, such as a cheque, a meter or a house number."""

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
SlantSpan = tuple[Annotated[float, Meta(ge=-45, le=45)], Annotated[float, Meta(ge=-45, le=45)]]
FactorSpan = tuple[Annotated[float, Meta(ge=0.25, le=4)], Annotated[float, Meta(ge=0.25, le=4)]]
ThresholdSpan = tuple[Annotated[float, Meta(ge=0.2, le=0.8)], Annotated[float, Meta(ge=0.2, le=0.8)]]
Weight = Annotated[float, Meta(ge=0, le=1000)]
Levels = Annotated[float, Meta(ge=0, le=200)]

Weights = dict[str, Weight]
"""Weight of each name: how often it is drawn, relative to the others in the mapping."""

Shares = dict[str, Share]
"""For each name the share of pictures that get it, 0 to 1, independently of the others."""

_Scalar = bool | int | float | str | None
_Value = _Scalar | list[_Scalar | list[_Scalar]]

Transforms = dict[str, dict[str, _Value | dict[str, _Value]]]
"""For each transform of albumentations its parameters by name; pairs are lists, as in YAML."""


class LookConfig(Config, frozen=True, kw_only=True):
    """How one kind of picture is composed. The defaults are plain MNIST digits on plain backgrounds.

    A pair is [lowest, highest], and every use draws a value from it. Distances within a line are in units of the line's
    digit height. A share is a fraction of the pictures, 0 to 1, unless its description says otherwise.
    """

    weight: Weight = 1.0
    """How often this look is drawn, relative to the other looks."""

    sources: Weights = msgspec.field(default_factory=lambda: {"mnist": 1.0})
    """Sources of the digits, drawn for every page (see synth/sources.py)."""

    texts: Weights = msgspec.field(default_factory=lambda: {"digits": 1.0})
    """Kinds of texts, drawn for every line (see the text tables of synth/README.md)."""

    layouts: Weights = msgspec.field(default_factory=lambda: {"page": 3.0, "single": 1.0})
    """Arrangements of the numbers on the page (see synth/pages/layouts.py)."""

    objects: Weights = msgspec.field(default_factory=dict)
    """Objects with numbers, such as signs and bibs, that stand in the picture (see synth/pages/objects.py). If there
    are any, the picture is a scene: the surface is its place, and `layouts` are not used."""

    objects_per_scene: CountSpan = (1, 3)
    """Objects in a scene, as many as find a free place; small counts are the most frequent."""

    surfaces: Weights = msgspec.field(default_factory=lambda: {"plain": 1.0, "gradient": 1.0, "clouds": 1.0})
    """Backgrounds (see synth/surfaces/); `folder` is a crop of one of the user's pictures, if there are any."""

    inks: Weights = msgspec.field(default_factory=lambda: {"flat": 1.0})
    """Inks of the digits (see synth/effects/inks.py)."""

    clutter: Shares = msgspec.field(default_factory=dict)
    """What is added beside the numbers, such as letters, rules and pen marks, without labels; `struck_out` also strikes
    out numbers and adds corrections, which are labelled (see synth/pages/clutter.py and pen_clutter.py)."""

    effects: Shares = msgspec.field(default_factory=dict)
    """Effects of the camera or the scanner (see synth/effects/effects.py)."""

    transforms: Transforms = msgspec.field(default_factory=dict)
    """Pixel transforms of albumentations by name, each with its parameters, applied in this order after the effects;
    `p` is the share of pictures that get it. Unlike effects, they do not adapt to the size of the digits."""

    canvas_sizes: Annotated[tuple[tuple[Side, Side], ...], Meta(min_length=1)] = (
        (320, 320),
        (320, 320),
        (320, 240),
        (240, 320),
        (320, 160),
        (320, 96),
    )
    """[width, height] in pixels, each entry equally likely."""

    blank_share: Share = 0.04
    """Share of pictures without any digit."""

    lines: CountSpan = (1, 5)
    """Lines of digits on a page, as many as fit."""

    numbers_per_line: CountSpan = (1, 3)
    """Numbers in a line."""

    digits_per_number: CountSpan = (1, 8)
    """Digits of a number, drawn log-uniformly: of 1 to 8, about a third are single digits."""

    digit_height: PixelSpan = (20, 150)
    """Height of the digits in pixels, drawn log-uniformly."""

    same_size_share: Share = 0.6
    """Share of pages on which all lines have the same digit height."""

    height_jitter: Share = 0.1
    """Handwritten digits of one number differ in height by up to this fraction."""

    baseline_jitter: Share = 0.06
    """Handwritten digits are moved up or down by up to this many digit heights."""

    stretch: FactorSpan = (0.8, 1.25)
    """Factor of the width of the digits of a number."""

    slant: SlantSpan = (-15, 20)
    """Slant of the digits of a number in degrees, in addition to the writer's own; positive leans right."""

    page_angle: AngleSpan = (-8, 8)
    """Rotation of the page in degrees, clockwise; small angles are the most frequent."""

    turned_share: Share = 0.0
    """Share of pages, or of objects in a scene, that are turned by 20 to 35 degrees instead, to either side."""

    perspective: Share = 0.0
    """Strength of the perspective, as a fraction of the page's size; 0 is a view from straight above."""

    crop: Annotated[float, Meta(ge=0, le=0.8)] = 0.0
    """Up to this fraction of the page's width and height is cut off by the picture's border, digits included; small
    fractions are the most frequent."""

    curve: Share = 0.0
    """Maximum sagitta of a curved line (distance of its middle from its chord), as a fraction of the page's width."""

    curved_share: Share = 0.0
    """Share of pages with curved lines, as on a round plate."""

    digit_angle: SlantSpan = (-4, 4)
    """Rotation of each handwritten digit in degrees."""

    ink_threshold: ThresholdSpan = (0.3, 0.55)
    """Grey level, 0 to 1, at which the blurred edge of a stroke is cut: lower is a bolder pen."""

    variation: Share = 0.0
    """Strength of the elastic and stroke-width changes to handwritten source digits, 0 to 1."""

    ligature_share: Share = 0.0
    """Share of neighbouring handwritten digits that a stroke connects."""

    digit_gap: HeightSpan = (-0.08, 0.35)
    """Space between handwritten digits; below 0 their boxes overlap and their ink may touch."""

    tracking: HeightSpan = (0, 0)
    """Space between printed digits, in addition to the typeface's own."""

    spaced_share: Share = 0.0
    """Share of lines that are letter-spaced, with 0.25 to 1 digit height more between all characters; in handwriting,
    the gaps differ."""

    max_box_overlap: Share = 0.4
    """Maximum overlap of neighbouring boxes, as a fraction of the smaller one; beyond it a digit is moved away."""

    number_gap: HeightSpan = (0.9, 2.5)
    """Space between the numbers of a line; it must be above `digit_gap`, so that one can see where a number ends."""

    line_gap: HeightSpan = (0.25, 1.2)
    """Space between lines, in digit heights of the taller line."""

    margin: HeightSpan = (0.1, 0.1)
    """Space around the digits in `single` layouts; below 0 the picture's border cuts them."""

    dark_ink_share: Share = 0.6
    """Share of pictures with dark ink on a light background; the others have light ink on a dark background."""

    min_contrast: Levels = 60
    """Minimum contrast between the ink and its background in grey levels (0 to 255), before blur and noise."""

    def check(self) -> None:
        """Require ordered pairs, a weight above 0 in every mapping, and visible gaps between numbers."""
        for name in self.__struct_fields__:
            value = getattr(self, name)
            is_pair = isinstance(value, tuple) and len(value) == 2 and not isinstance(value[0], tuple)
            if is_pair and value[0] > value[1]:
                raise ConfigError(f"{name}: {list(value)} is not allowed; expected [lowest, highest]")
        for name in ("sources", "texts", "layouts", "surfaces", "inks"):
            if not any(getattr(self, name).values()):
                raise ConfigError(f"{name}: all 0; expected one above 0")
        if self.objects and not any(self.objects.values()):
            raise ConfigError("objects: all 0; expected one above 0, or none")
        if self.number_gap[0] <= self.digit_gap[1]:
            raise ConfigError(f"number_gap: {list(self.number_gap)} is not allowed; expected more than digit_gap")
