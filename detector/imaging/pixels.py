"""From what decoders give (any depth, any channels) to (H, W, 3) uint8 BGR the right way up."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from digitdet.common.types import Image

# A picture whose values span less than this (of 255) shows nothing: noise of a codec does not reach it.
_VISIBLE_SPAN = 16

_TURNS: dict[int, Callable[[Image], Image]] = {
    2: lambda image: image[:, ::-1],
    3: lambda image: image[::-1, ::-1],
    4: lambda image: image[::-1],
    5: lambda image: image.swapaxes(0, 1),
    6: lambda image: np.rot90(image, -1),
    7: lambda image: image[::-1, ::-1].swapaxes(0, 1),
    8: lambda image: np.rot90(image),
}


def turn_upright(image: Image, orientation: int) -> Image:
    """A picture (H, W, C) turned as its EXIF orientation (1 to 8) asks; other values leave it as it is."""
    turn = _TURNS.get(orientation)
    return np.ascontiguousarray(turn(image)) if turn else image


def to_bgr(pixels: npt.NDArray[Any]) -> Image:
    """Pixels (H, W), (H, W, 1) grey, (H, W, 3) BGR or (H, W, 4) BGRA of any numeric type as (H, W, 3) uint8 BGR."""
    image = to_uint8(pixels)
    channels = 1 if image.ndim == 2 else image.shape[2]
    if channels == 1:
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR), np.uint8)
    return _flatten(image) if channels == 4 else np.ascontiguousarray(image)


def to_uint8(pixels: npt.NDArray[Any]) -> Image:
    """Pixels of any numeric type as uint8, by the range that they use.

    Whole numbers lose their lowest bits, as many as bring the largest value to 8 bits: cameras and scanners store 10,
    12 and 14 bits in 16, and divided by 256 they would be black. Fractions from 0 to 1 become 0 to 255, those from 0 to
    255 stay. Where a value is below 0, or a fraction above 255, lowest to highest become 0 to 255. NaN counts as 0.
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


def _flatten(image: Image) -> Image:
    """BGRA on a ground: white, unless nothing shows on it, as white ink does not; then black; then alpha is left out.

    Some programs write alpha 0 everywhere into pictures that are not meant to be transparent.
    """
    colours, alpha = np.ascontiguousarray(image[:, :, :3]), cv2.merge([image[:, :, 3]] * 3)
    if int(alpha.min()) == 255:
        return colours
    on_black = cv2.multiply(colours, alpha, scale=1 / 255)
    on_white = cv2.add(on_black, cv2.bitwise_not(alpha))
    shown = next((ground for ground in (on_white, on_black, colours) if np.ptp(ground) >= _VISIBLE_SPAN), on_white)
    return np.asarray(shown, np.uint8)
