"""Conversion of decoded pixels (any type, any channels) to (H, W, 3) uint8 BGR, upright."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from digitdet.common.types import Image

# A picture whose values span less than this (of 255) counts as blank: noise of a codec stays below.
_MIN_VISIBLE_SPAN = 16


def turn_upright(image: Image, orientation: int) -> Image:
    """Turn and mirror a picture (H, W, C) as its EXIF orientation (1 to 8) says; other values change nothing."""
    if orientation in (5, 6, 7, 8):
        image = image.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    return np.ascontiguousarray(image)


def to_bgr(pixels: npt.NDArray[Any]) -> Image:
    """Convert (H, W) or (H, W, 1) grey, (H, W, 3) BGR or (H, W, 4) BGRA of any numeric type to (H, W, 3) uint8 BGR."""
    image = _to_uint8(pixels)
    channels = 1 if image.ndim == 2 else image.shape[2]
    if channels == 1:
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR), np.uint8)
    return _remove_alpha(image) if channels == 4 else np.ascontiguousarray(image)


def _to_uint8(pixels: npt.NDArray[Any]) -> Image:
    """Scale pixels of any numeric type to uint8 by the range of values in use.

    Integers are shifted right until the largest value has 8 bits, since cameras and scanners store 10, 12 and 14 bits
    in 16. Floats from 0 to 1 are scaled to 0 to 255, floats from 0 to 255 stay, and any other range is scaled to 0 to
    255. NaN and infinity count as 0.
    """
    if pixels.dtype == np.uint8:
        return pixels
    low, high = pixels.min().item(), pixels.max().item()
    if low >= 0 and pixels.dtype.kind in "iu":
        return (pixels >> max(0, high.bit_length() - 8)).astype(np.uint8)
    if not math.isfinite(high - low):
        pixels = np.nan_to_num(pixels, posinf=0, neginf=0)
        low, high = pixels.min().item(), pixels.max().item()
    if low >= 0 and high <= 255:
        low, high = 0, 1 if high <= 1 else 255
    scale = 255 / ((high - low) or 1)
    return np.asarray(cv2.convertScaleAbs(pixels.astype(np.float32), alpha=scale, beta=-low * scale), np.uint8)


def _remove_alpha(image: Image) -> Image:
    """Blend BGRA with white; where the result would be blank, with black; where that is blank too, ignore alpha.

    White ink needs a black background, and some programs write alpha 0 into pictures that are meant to be opaque.
    """
    colours, alpha = np.ascontiguousarray(image[:, :, :3]), cv2.merge([image[:, :, 3]] * 3)
    if int(alpha.min()) == 255:
        return colours
    on_black = cv2.multiply(colours, alpha, scale=1 / 255)
    on_white = cv2.add(on_black, cv2.bitwise_not(alpha))
    candidates = (on_white, on_black, colours)
    visible = next((picture for picture in candidates if np.ptp(picture) >= _MIN_VISIBLE_SPAN), on_white)
    return np.asarray(visible, np.uint8)
