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
_LABEL_HEIGHT = 22  # pixels, of the bar with the number, on a picture of that size


def draw_reading(image: Image, reading: Reading) -> Image:
    """A copy of the picture (H, W, 3) uint8 BGR with a box around every digit, the digit below it, and the number on a
    bar above its digits.

    A small picture is enlarged by a whole factor, and a white margin above and below takes the labels of the outermost
    lines.
    """
    factor = max(1, round(_MIN_SIDE / max(image.shape[:2])))
    enlarged = image.repeat(factor, axis=0).repeat(factor, axis=1)
    unit = max(enlarged.shape[:2]) / _MIN_SIDE
    margin = round(_LABEL_HEIGHT * unit)
    canvas = np.pad(enlarged, ((margin, margin), (0, 0), (0, 0)), constant_values=255)
    for index, number in enumerate(reading.numbers):
        colour = _COLOURS[index % len(_COLOURS)]
        for digit in number.digits:
            box = _scaled(digit.box, factor, margin)
            cv2.rectangle(canvas, box[:2], box[2:], colour, max(1, round(1.5 * unit)))
            _draw_digit(canvas, digit.text, box, margin, colour)
        _draw_bar(canvas, number.text, _scaled(number.box, factor, margin), margin, colour)
    return canvas


def _scaled(box: Box, factor: int, margin: int) -> tuple[int, int, int, int]:
    left, top, right, bottom = (round(value * factor) for value in box)
    return left, top + margin, right, bottom + margin


def _text_style(text: str, height: int) -> tuple[float, int, int]:
    """Scale, thickness and width in pixels of a text `height` pixels high."""
    scale = cv2.getFontScaleFromHeight(_FONT, height, 1)
    thickness = max(1, round(scale * 1.6))
    return scale, thickness, cv2.getTextSize(text, _FONT, scale, thickness)[0][0]


def _draw_digit(
    canvas: Image, text: str, box: tuple[int, int, int, int], margin: int, colour: tuple[int, int, int]
) -> None:
    """The digit in small under its box."""
    height = round(margin * 0.45)
    scale, thickness, width = _text_style(text, height)
    origin = ((box[0] + box[2] - width) // 2, box[3] + height + max(2, margin // 6))
    cv2.putText(canvas, text, origin, _FONT, scale, colour, thickness, cv2.LINE_AA)


def _draw_bar(
    canvas: Image, text: str, box: tuple[int, int, int, int], margin: int, colour: tuple[int, int, int]
) -> None:
    """The number in white on a bar of its colour that stands on its box."""
    height = round(margin * 0.55)
    scale, thickness, width = _text_style(text, height)
    left = max(0, min(box[0], canvas.shape[1] - width - margin // 2))
    bottom = max(box[1], margin)
    cv2.rectangle(canvas, (left, bottom - margin), (left + width + margin // 2, bottom), colour, cv2.FILLED)
    origin = (left + margin // 4, bottom - (margin - height) // 2)
    cv2.putText(canvas, text, origin, _FONT, scale, (255, 255, 255), thickness, cv2.LINE_AA)
