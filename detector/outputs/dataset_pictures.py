"""Pictures that were read as pictures of a dataset: set upright, in a format that shows them so to any program."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from digitdet.common.boxes import clip_xyxy
from digitdet.common.types import Box, Image
from digitdet.imaging.images import encode_png
from digitdet.imaging.jpeg import is_truncated_jpeg
from digitdet.reading.rotation import rotate_boxes_back

ANNOTATED_SPLITS = ("train", "val")
_VAL_STRIDE = 10  # every tenth picture is for validation, the second one first: two pictures make a dataset
_MIN_SIDE = 0.1  # pixels: a box that is thinner within the picture would vanish in the decimals of a label file
_SIGNATURES = {b"\xff\xd8\xff": ".jpg", b"\x89PNG\r\n\x1a\n": ".png"}


def split_of(count: int) -> str:
    """The split of a picture that comes after `count` others."""
    return "val" if count % _VAL_STRIDE == 1 else "train"


def picture_file(image: Image, original: bytes) -> tuple[bytes, str]:
    """The bytes and the suffix of a file that shows the picture (H, W, 3) uint8 BGR as it is here.

    That is `original`, where it is a JPEG or PNG that shows just this to a program that knows nothing of orientation;
    else a new PNG.
    """
    suffix = next((suffix for start, suffix in _SIGNATURES.items() if original.startswith(start)), None)
    if suffix and not is_truncated_jpeg(original):
        stored = cv2.imdecode(np.frombuffer(original, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
        if stored is not None and np.array_equal(stored, image):
            return original, suffix
    return encode_png(image), ".png"


def boxes_on_upright(boxes: Sequence[Box], rotation: int, width: int, height: int) -> list[Box | None]:
    """Boxes of a page that lies turned, on the page set upright, which is `width` x `height` pixels; cut at its edges.

    Args:
        boxes: xyxy in pixels of the page as it lies.
        rotation: How far it lies turned clockwise: 0, 90, 180 or 270 degrees.
        width: Of the upright page.
        height: Of the upright page.

    Returns:
        One for each, to a hundredth of a pixel; None for those of which nothing is on the page.
    """
    # The page as it lies is the upright one, turned: what brings boxes home from it is the rest of the full turn.
    upright = clip_xyxy(rotate_boxes_back(boxes, -rotation % 360, width, height), width, height)
    placed: list[Box | None] = []
    for left, top, right, bottom in upright.round(2).tolist():
        placed.append((left, top, right, bottom) if min(right - left, bottom - top) >= _MIN_SIDE else None)
    return placed
