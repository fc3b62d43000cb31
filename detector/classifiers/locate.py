"""Where in a picture the one digit is."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from digitdet.classifiers.prepare import SIDE, to_mnist
from digitdet.common.errors import ImageError
from digitdet.common.types import Box, Image

Finder = Callable[[Image], Box | None]
"""Gives the place of the surest digit in a picture (H, W, 3) uint8 BGR, xyxy in pixels, or None."""

# Cut-outs are looked into at this size of their longer side: an edge of the paper is then one piece, grain is none.
_LOOK_SIDE = 96
# Ink that is a digit's by itself covers so much of the picture, and no other piece is larger than a part of it.
_LEAST_AREA, _MOST_AREA = 0.01, 0.6
_OTHER_PIECE = 0.2


def read_digit(image: Image, finder: Finder) -> Image:
    """The digit in any picture (H, W, 3) uint8 BGR as MNIST has it, (28, 28) uint8.

    A picture of 28 x 28 pixels is one already. In any other the finder says where the digit is; where it sees none, a
    single blot of ink on an even ground is taken, as in a picture that was cut out by hand.

    Raises:
        ImageError: There is no digit.
    """
    if image.shape[:2] == (SIDE, SIDE):
        return to_mnist(image)
    box = finder(image)
    if box is None and not _is_one_blot(image):
        raise ImageError("no digit was found")
    return to_mnist(image, box)


def _is_one_blot(image: Image) -> bool:
    """Whether the picture is one piece of ink on a ground."""
    grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
    scale = _LOOK_SIDE / max(grey.shape)
    if scale < 1:
        grey = np.asarray(cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    _, mask = cv2.threshold(cv2.GaussianBlur(grey, (3, 3), 0), 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    border = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
    ink = 255 - mask if np.median(border) > 127 else mask
    _, _, facts, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    areas = np.sort(facts[1:, cv2.CC_STAT_AREA])[::-1]
    if not len(areas) or not _LEAST_AREA <= areas[0] / ink.size <= _MOST_AREA:
        return False
    return len(areas) == 1 or bool(areas[1] <= _OTHER_PIECE * areas[0])
