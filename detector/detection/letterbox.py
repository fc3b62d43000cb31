"""Letterboxing: a picture scaled and padded for the network, and boxes mapped back to the picture."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from digitdet.common.types import Boxes, Image, Tensor

_PAD_VALUE = 114  # the grey that Ultralytics pads with in training
_STRIDE = 32  # the network halves its input five times


@dataclass(frozen=True)
class Letterbox:
    """How a picture was scaled and moved into the network's input. All pairs are (x, y)."""

    scale: tuple[float, float]  # input pixels per picture pixel; the axes differ by rounding
    offset: tuple[int, int]  # input pixels of padding left of and above the picture
    size: tuple[int, int]  # of the picture in pixels

    def to_picture(self, boxes: Boxes) -> Boxes:
        """Map (N, 4) xyxy boxes from input pixels to picture pixels, clipped to the picture."""
        moved = (boxes - np.array(self.offset * 2, np.float32)) / np.array(self.scale * 2, np.float32)
        return np.clip(moved, 0, np.array(self.size * 2, np.float32))


def letterbox(image: Image, longer_side: int) -> tuple[Tensor, Letterbox]:
    """Scale a picture (H, W, 3) to a longer side in pixels and pad both sides to multiples of 32, not to a square.

    Returns:
        The input (1, 3, h, w) float32 RGB, 0 to 1, and the mapping back to the picture.
    """
    height, width = image.shape[:2]
    scale = longer_side / max(height, width)
    new_width, new_height = max(round(width * scale), 1), max(round(height * scale), 1)
    if (new_width, new_height) != (width, height):
        # INTER_AREA when shrinking: bilinear interpolation skips pixels, and thin strokes with them.
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        image = np.asarray(cv2.resize(image, (new_width, new_height), interpolation=method), np.uint8)
    pad_x, pad_y = -new_width % _STRIDE, -new_height % _STRIDE
    left, top = pad_x // 2, pad_y // 2
    canvas = np.full((new_height + pad_y, new_width + pad_x, 3), _PAD_VALUE, np.uint8)
    canvas[top : top + new_height, left : left + new_width] = image
    planes = cv2.cvtColor(canvas, cv2.COLOR_BGR2RGB).transpose(2, 0, 1)[None]
    tensor = np.divide(planes, np.float32(255), dtype=np.float32, order="C")
    return tensor, Letterbox((new_width / width, new_height / height), (left, top), (width, height))
