"""Regions: the parts of a picture to read, written as ``total=10%,20%,50%,10%``."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from digitdet.common.errors import ConfigError, ImageError
from digitdet.common.types import Image

_NUMBER = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*(%?)\s*", re.ASCII)
_REMEDY = "write x,y,width,height in pixels or percent, such as total=120,40,300,80 or 10%,20%,50%,10%"


@dataclass(frozen=True)
class Length:
    """A length of `value` pixels, or of `value` percent of the picture's side; a finite number."""

    value: float
    is_percent: bool = False

    def __post_init__(self) -> None:
        if not math.isfinite(self.value):
            raise ConfigError(f"a length must be a finite number, not {self.value}")

    def pixels(self, side: int) -> float:
        """Return the length in pixels of a picture that is `side` pixels long."""
        return self.value * side / 100 if self.is_percent else self.value


@dataclass(frozen=True)
class Region:
    """A rectangle to read: left `x`, top `y`, width `w`, height `h`, and an optional `name`.

    Coordinates refer to the picture after its EXIF orientation is applied and before a rotated page is turned upright.
    """

    x: Length
    y: Length
    w: Length
    h: Length
    name: str | None = None

    def bounds(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Return the region in a picture of `width` x `height` pixels, clipped to it: xyxy in whole pixels.

        Raises:
            ImageError: No pixel of the region is inside the picture.
        """
        left, top = self.x.pixels(width), self.y.pixels(height)
        x0, y0 = max(round(left), 0), max(round(top), 0)
        x1 = min(round(left + self.w.pixels(width)), width)
        y1 = min(round(top + self.h.pixels(height)), height)
        if x1 <= x0 or y1 <= y0:
            raise ImageError(f"region {self} has no pixel inside this picture of {width} x {height}: {_REMEDY}")
        return x0, y0, x1, y1

    def crop(self, image: Image) -> tuple[Image, tuple[int, int]]:
        """Return the region of a picture (H, W, 3), as a view, and the (x, y) of its top left pixel; see `bounds`."""
        x0, y0, x1, y1 = self.bounds(image.shape[1], image.shape[0])
        return image[y0:y1, x0:x1], (x0, y0)

    def __str__(self) -> str:
        """The notation of the command line."""
        sides = ",".join(f"{side.value:g}{'%' * side.is_percent}" for side in (self.x, self.y, self.w, self.h))
        return f"{self.name}={sides}" if self.name else sides


def parse_region(text: str) -> Region:
    """Parse ``x,y,w,h`` or ``name=x,y,w,h``; each length is in pixels, or with % in percent of the picture's side.

    >>> parse_region("total=10%,20,50%,80").name
    'total'

    Raises:
        ConfigError: The text is not in this notation, has no area, or begins beyond every picture.
    """
    name, equals, sides = text.rpartition("=")
    if equals and not name.strip():
        raise ConfigError(f"region {text!r}: the name before = is empty: {_REMEDY}")
    matches = [_NUMBER.fullmatch(side) for side in sides.split(",")]
    values = [(float(match[1]), match[2] == "%") for match in matches if match]
    lengths = [Length(value, is_percent) for value, is_percent in values if math.isfinite(value)]
    if len(matches) != 4 or len(lengths) != 4:
        raise ConfigError(f"region {text!r}: {_REMEDY}")
    x, y, w, h = lengths
    if not (w.value and h.value):
        raise ConfigError(f"region {text!r} has no area: its width and height must be above 0")
    if any(side.is_percent and side.value >= 100 for side in (x, y)):
        raise ConfigError(f"region {text!r} is outside every picture: its left and top must be below 100%")
    return Region(x, y, w, h, name.strip() or None)
