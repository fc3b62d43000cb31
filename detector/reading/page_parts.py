"""Parts of pages that are read by themselves: regions cut out, turned upright, and their numbers mapped back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from digitdet.common.types import Image
from digitdet.reading.regions import Region
from digitdet.reading.results import Number
from digitdet.reading.rotation import RotationChoice, rotate_boxes_back, rotate_upright, upside_down_text


@dataclass(frozen=True)
class PagePart:
    """A part of the page at index `row` of a batch.

    `rotation` is how the page is rotated, `image` the pixels of the part as they are on the page, `offset` the (x, y)
    of its top left pixel on the page, `region` the name of its region.
    """

    row: int
    rotation: RotationChoice
    image: Image
    offset: tuple[int, int]
    region: str | None

    def upright(self) -> Image:
        """Return the pixels with the page turned upright."""
        return rotate_upright(self.image, self.rotation.rotation)

    def to_page(self, number: Number) -> Number:
        """Map a number found in the upright part to the page: boxes, angle, region and upside-down text."""
        height, width = self.image.shape[:2]
        boxes = rotate_boxes_back([digit.box for digit in number.digits], self.rotation.rotation, width, height)
        boxes += np.array(self.offset * 2)
        digits = tuple(
            replace(digit, box=(x0, y0, x1, y1))
            for digit, (x0, y0, x1, y1) in zip(number.digits, boxes.tolist(), strict=True)
        )
        return replace(
            number,
            digits=digits,
            angle=number.angle + self.rotation.rotation,
            region=self.region,
            upside_down=upside_down_text(number.best) if self.rotation.is_ambiguous else None,
        )


def cut_regions(image: Image, regions: Sequence[Region]) -> list[tuple[Image, tuple[int, int], str | None]]:
    """Return for each region its pixels, its offset (x, y) and its name; without regions, the whole picture.

    A region without a name is named by its position, unless it is the only one.

    Raises:
        ImageError: A region lies outside the picture.
    """
    if not regions:
        return [(image, (0, 0), None)]
    return [(*region.crop(image), region.name or (str(region) if len(regions) > 1 else None)) for region in regions]
