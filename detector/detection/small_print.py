"""Small print located by plain image processing: blobs of ink with the size of small digits."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from digitdet.common.types import Boxes, FloatArray, Image, Indices

MIN_PRINT_HEIGHT, MAX_PRINT_HEIGHT = 6.5, 21.0
"""Heights in pixels of the blobs that are found."""

_MIN_CONTRAST = 24  # grey levels between ink and the mean of the square around it
_SQUARE = 41  # side of that square in pixels: two heights of the largest print
_BAND = 512  # rows that are searched at a time, which bounds the memory


def find_small_print(image: Image) -> FloatArray:
    """Return boxes (N, 4) xyxy of blobs of ink, dark or light, with clear background above and below.

    Letters and specks are among them, and a blob near the seam of two bands may come twice.
    """
    margin = 2 * _SQUARE
    found = [np.zeros((0, 4))]
    for top in range(0, image.shape[0], _BAND):
        start = max(top - margin, 0)
        grey = cv2.cvtColor(image[start : top + _BAND + margin], cv2.COLOR_BGR2GRAY)
        mean = cv2.blur(grey, (_SQUARE, _SQUARE))
        for difference in (cv2.subtract(mean, grey), cv2.subtract(grey, mean)):
            boxes = _digit_blobs((difference >= _MIN_CONTRAST).view(np.uint8))
            middle = (boxes[:, 1] + boxes[:, 3]) / 2 + start
            found.append(boxes[(middle >= top) & (middle < top + _BAND)] + [0, start, 0, start])
    return np.concatenate(found)


def _digit_blobs(ink: npt.NDArray[np.uint8]) -> Boxes:
    """Return the boxes of connected ink in (H, W), 0 or 1, that have the size and shape of digits."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    x, y, width, height, area = np.asarray(stats[1:], np.int64).T
    fill = area / (width * height)
    # Small digits may run together: a blob is up to six digits wide. A full one is a spot, an empty one a frame.
    fits = (height >= MIN_PRINT_HEIGHT) & (height <= MAX_PRINT_HEIGHT) & (width <= 4 * height) & (width >= 2)
    fits &= (fill > 0.15) & ((fill < 0.8) | (width < 0.5 * height))
    x, y, width, height = x[fits], y[fits], width[fits], height[fits]
    margin = np.maximum(np.round(0.25 * height), 2).astype(np.int64)
    integral = np.asarray(cv2.integral(ink), np.int32)
    above = _rectangle_sums(integral, x, y - margin, x + width, y)
    below = _rectangle_sums(integral, x, y + height, x + width, y + height + margin)
    is_clear = above + below <= 0.1 * 2 * margin * width
    return np.stack([x, y, x + width, y + height], axis=1)[is_clear].astype(np.float64)


def _rectangle_sums(integral: Indices, *corners: Indices) -> Indices:
    """Return the sums over rectangles x0, y0, x1, y1, clipped to the picture, from its integral image."""
    x0, x1 = (np.clip(x, 0, integral.shape[1] - 1) for x in corners[::2])
    y0, y1 = (np.clip(y, 0, integral.shape[0] - 1) for y in corners[1::2])
    return np.asarray(integral[y1, x1] - integral[y0, x1] - integral[y1, x0] + integral[y0, x0])
