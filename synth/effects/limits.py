"""How strong an effect may be for the digits of a picture."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from digitdet.common.types import Boxes, Image

_DEFAULT_DIGIT = 24.0  # pixels, for pictures without digits
_MIN_DIGIT = 6.0


def smallest_digit(boxes: Boxes) -> float:
    """Return the height of the smallest digit in pixels: the longer side of its box, as the page may be rotated."""
    if not len(boxes):
        return _DEFAULT_DIGIT
    return max(float((boxes[:, 2:] - boxes[:, :2]).max(axis=1).min()), _MIN_DIGIT)


def digit_crops(image: npt.NDArray[np.generic], boxes: Boxes) -> list[npt.NDArray[np.generic]]:
    """Return a view of the pixels of each digit; at least one pixel, even if a box lies outside the picture."""
    height, width = image.shape[:2]
    low = np.clip(np.floor(boxes[:, :2]), 0, (width - 1, height - 1)).astype(int)
    high = np.clip(np.ceil(boxes[:, 2:]), low + 1, (width, height)).astype(int)
    return [image[y0:y1, x0:x1] for (x0, y0), (x1, y1) in zip(low.tolist(), high.tolist(), strict=True)]


def digit_contrast(image: Image, boxes: Boxes) -> npt.NDArray[np.float64]:
    """Return the contrast of each digit (N,): the standard deviation in its box, in the channel where it is largest."""
    deviations = [cv2.meanStdDev(np.asarray(crop, np.uint8))[1].max() for crop in digit_crops(image, boxes)]
    return np.array(deviations, np.float64)


def max_blur(boxes: Boxes) -> float:
    """Return the largest standard deviation in pixels of a blur that leaves the smallest digit legible."""
    return min(0.3 + 0.08 * smallest_digit(boxes), 6.0)


def sample_jpeg_quality(rng: np.random.Generator, boxes: Boxes) -> int:
    """Draw a JPEG quality from 15 to 94, at least 40 for digits of 12 px: a block of 8x8 px is most of such a digit."""
    lowest = max(58 - 1.5 * smallest_digit(boxes), 15)
    return int(94 - (94 - lowest) * rng.random() ** 1.5)


def sample_strength(rng: np.random.Generator, mild: float, strong: float) -> float:
    """Draw a strength between two values; half of the draws are within a quarter of the range from `mild`."""
    return mild + (strong - mild) * rng.random() ** 2
