"""A reading drawn onto its picture."""

from __future__ import annotations

import cv2
import numpy as np

from digitdet.images import Image
from digitdet.results import Box, Reading

# Colours that stay apart for colour-blind readers too (Okabe and Ito, 2008), as BGR; one a number, in turn.
_COLOURS = ((178, 114, 0), (0, 94, 213), (115, 158, 0), (167, 121, 204), (0, 159, 230), (233, 180, 86))
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_MIN_SIDE = 640  # smaller pictures are enlarged by a whole factor, or the text would hide them


def draw_reading(image: Image, reading: Reading) -> Image:
    """A copy of the picture (H, W, 3) uint8 BGR with every digit's box, the digit, and the number above it.

    A small picture is enlarged by a whole factor. Room is added above, so that no label covers a digit of the first
    line.
    """
    factor = max(1, round(_MIN_SIDE / max(image.shape[:2])))
    canvas = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_NEAREST)
    unit = max(canvas.shape[:2]) / 640
    label_height = round(22 * unit)
    canvas = cv2.copyMakeBorder(canvas, label_height, 0, 0, 0, cv2.BORDER_CONSTANT, value=(255, 255, 255))
    for index, number in enumerate(reading.numbers):
        colour = _COLOURS[index % len(_COLOURS)]
        for digit in number.digits:
            left, top, right, bottom = _scaled(digit.box, factor, label_height)
            cv2.rectangle(canvas, (left, top), (right, bottom), colour, max(1, round(1.5 * unit)))
        _draw_label(canvas, number.text, _scaled(number.box, factor, label_height), label_height, colour)
    return np.asarray(canvas, np.uint8)


def _scaled(box: Box, factor: int, shift: int) -> tuple[int, int, int, int]:
    left, top, right, bottom = (round(value * factor) for value in box)
    return left, top + shift, right, bottom + shift


def _draw_label(
    canvas: Image, text: str, box: tuple[int, int, int, int], height: int, colour: tuple[int, int, int]
) -> None:
    """White text on a bar of the number's colour that stands on the number's box."""
    scale = cv2.getFontScaleFromHeight(_FONT, round(height * 0.6), 1)
    thickness = max(1, round(scale * 1.6))
    (width, text_height), _ = cv2.getTextSize(text, _FONT, scale, thickness)
    left = max(0, min(box[0], canvas.shape[1] - width - height // 2))
    bottom = max(box[1], height)
    cv2.rectangle(canvas, (left, bottom - height), (left + width + height // 2, bottom), colour, cv2.FILLED)
    origin = (left + height // 4, bottom - (height - text_height) // 2)
    cv2.putText(canvas, text, origin, _FONT, scale, (255, 255, 255), thickness, cv2.LINE_AA)
