"""A picture made ready for the network, and the way back for the boxes."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from digitdet.common.types import Image

_PAD_VALUE = 114  # the grey that Ultralytics pads with in training
_STRIDE = 32  # the network halves its input five times


@dataclass(frozen=True)
class Letterbox:
    """How a picture was put into the network's input: scaled, then moved. All pairs are (x, y)."""

    scale: tuple[float, float]
    """Input pixels for one picture pixel; the axes differ by the rounding to whole pixels."""
    offset: tuple[int, int]
    """Input pixels of padding left of and above the picture."""
    size: tuple[int, int]
    """Width and height of the picture in pixels."""

    def to_input(self, boxes: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """(N, 4) xyxy boxes from picture pixels to input pixels."""
        return boxes * np.array(self.scale * 2, np.float32) + np.array(self.offset * 2, np.float32)

    def to_picture(self, boxes: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """(N, 4) xyxy boxes from input pixels to picture pixels, cut at the picture's edges."""
        moved = (boxes - np.array(self.offset * 2, np.float32)) / np.array(self.scale * 2, np.float32)
        return np.clip(moved, 0, np.array(self.size * 2, np.float32))


def letterbox(image: Image, longer_side: int) -> tuple[npt.NDArray[np.float32], Letterbox]:
    """Scale a picture so that its longer side is `longer_side` pixels and pad it to multiples of 32.

    A strip stays a strip: it is not padded to a square, and costs less time.

    Args:
        image: (H, W, 3) uint8 BGR.
        longer_side: Pixels.

    Returns:
        The input (1, 3, h, w) float32 RGB, 0 to 1, and how to get back.
    """
    height, width = image.shape[:2]
    scale = longer_side / max(height, width)
    new_width, new_height = max(round(width * scale), 1), max(round(height * scale), 1)
    if (new_width, new_height) != (width, height):
        # INTER_AREA when shrinking: bilinear skips pixels there, and thin strokes with them.
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        image = np.asarray(cv2.resize(image, (new_width, new_height), interpolation=method), np.uint8)
    pad_x, pad_y = -new_width % _STRIDE, -new_height % _STRIDE
    left, top = pad_x // 2, pad_y // 2
    canvas = np.full((new_height + pad_y, new_width + pad_x, 3), _PAD_VALUE, np.uint8)
    canvas[top : top + new_height, left : left + new_width] = image
    planes = cv2.cvtColor(canvas, cv2.COLOR_BGR2RGB).transpose(2, 0, 1)[None]
    tensor = np.divide(planes, np.float32(255), dtype=np.float32, order="C")
    return tensor, Letterbox((new_width / width, new_height / height), (left, top), (width, height))
