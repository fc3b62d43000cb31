"""Pixel operations that several effects share."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from digitdet.common.types import FloatArray, Image, Points

SUBPIXEL_BITS = 4
"""The `shift` argument of OpenCV's drawing functions: coordinates count sixteenths of a pixel."""


def fixed_point(points: Points) -> npt.NDArray[np.int32]:
    """Return points as OpenCV's drawing functions take them with `shift=SUBPIXEL_BITS`."""
    return np.asarray(np.round(points * 2**SUBPIXEL_BITS), np.int32)


def multiply(image: Image, gain: FloatArray) -> Image:
    """Return a picture times a gain (H, W) or (H, W, 3), clipped at 255."""
    gains = cv2.merge([gain, gain, gain]) if gain.ndim == 2 else gain
    return np.asarray(cv2.multiply(image, gains, dtype=cv2.CV_8U), np.uint8)


def lighten(image: Image, share: FloatArray) -> Image:
    """Return a picture blended with white; `share` (H, W) is the part of white, 0 to 1."""
    return np.asarray(255 - multiply(255 - image, 1 - share), np.uint8)


def three_channels(grey: npt.ArrayLike) -> Image:
    """Return a grey picture (H, W) as (H, W, 3) uint8."""
    channel = np.asarray(grey, np.uint8)
    return np.asarray(cv2.merge([channel, channel, channel]), np.uint8)
