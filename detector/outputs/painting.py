"""Anti-aliased lines, areas and text on pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from digitdet.common.types import Image, Points

Colour = tuple[int, int, int]
"""BGR, 0 to 255."""

_REGULAR, _BOLD = 400, 650  # weights of OpenCV's variable font
_DIGIT_HEIGHT = 0.72  # of a digit, as a share of the font's size
_STROKE_FONT = cv2.FONT_HERSHEY_SIMPLEX

_SHIFT = 4  # fractional bits of the coordinates passed to OpenCV: outlines are smooth only with them
_DASH_POINTS = 6  # of a dash, so that it bends around corners

# Unit vectors from the centre of each of four round corners to its arc, clockwise from the right of the lower right
# one, and the corner that each belongs to: -1 is left or top, 1 is right or bottom.
_ANGLES = np.linspace(0, math.pi / 2, 6) + np.arange(4)[:, None] * (math.pi / 2)
_DIRECTIONS = np.column_stack([np.cos(_ANGLES).ravel(), np.sin(_ANGLES).ravel()])
_CORNERS = np.repeat([[1, 1], [-1, 1], [-1, -1], [1, -1]], 6, axis=0)


class Font:
    """OpenCV 5's variable font, or the stroke font of earlier versions; `height` of a digit in pixels."""

    def __init__(self, height: int) -> None:
        self.height = height
        # A FontFace keeps the weight it was last used with, so threads must not share one; creating it is cheap.
        self._face: Any = cv2.FontFace("sans") if hasattr(cv2, "FontFace") else None
        self._size = round(height / _DIGIT_HEIGHT)
        self._scale = cv2.getFontScaleFromHeight(_STROKE_FONT, height, 1)

    def width(self, text: str, bold: bool = False) -> int:
        """Return the width of a text in pixels."""
        if not text:
            return 0
        if self._face is None:
            return cv2.getTextSize(text, _STROKE_FONT, self._scale, self._thickness(bold))[0][0]
        return cv2.getTextSize((0, 0), text, (0, 0), self._face, self._size, _BOLD if bold else _REGULAR)[2]

    def draw(self, image: Image, text: str, origin: tuple[int, int], colour: Colour, bold: bool = False) -> None:
        """Draw a text onto `image` in place; `origin` (x, y) is the left end of its baseline."""
        if self._face is None:
            thickness = self._thickness(bold)
            cv2.putText(image, text, origin, _STROKE_FONT, self._scale, colour, thickness, cv2.LINE_AA)
        else:
            cv2.putText(image, text, origin, colour, self._face, self._size, _BOLD if bold else _REGULAR)

    def _thickness(self, bold: bool) -> int:
        return max(1, round(self._scale * (1.9 if bold else 1.1)))


def rounded_box(box: npt.ArrayLike, radius: float) -> Points:
    """Return the closed outline (N, 2) of an xyxy box with rounded corners."""
    low, high = np.asarray(box, np.float64).reshape(2, 2)
    radius = max(0.0, min(radius, float((high - low).min()) / 2))
    outline: Points = np.where(_CORNERS > 0, high - radius, low + radius) + radius * _DIRECTIONS
    return np.concatenate([outline, outline[:1]])


def dashes(line: Points, length: float) -> list[Points]:
    """Split a line into dashes of about `length` pixels, with gaps of the same length."""
    distances = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    count = max(2, round(distances[-1] / (2 * length)))
    period = distances[-1] / count
    stops = np.arange(count)[:, None] * period + np.linspace(0, period / 2, _DASH_POINTS)
    return list(np.stack([np.interp(stops, distances, line[:, axis]) for axis in (0, 1)], axis=2))


def draw_lines(image: Image, lines: Sequence[Points], colour: Colour, thickness: int, alpha: float) -> None:
    """Draw translucent lines onto `image` in place; crossings are not darker."""
    points = np.concatenate(lines)
    ends = np.cumsum([len(line) for line in lines])[:-1]
    margin = thickness + 2
    part, origin = _part(image, (*(points.min(axis=0) - margin), *(points.max(axis=0) + margin)))
    if part.size:
        painted = part.copy()
        fixed = np.split(_fixed_point(points, origin), ends)
        cv2.polylines(painted, fixed, False, colour, thickness, cv2.LINE_AA, _SHIFT)
        cv2.addWeighted(painted, alpha, part, 1 - alpha, 0, dst=part)


def fill(image: Image, outline: Points, colour: Colour) -> None:
    """Fill a closed outline on `image` in place."""
    part, origin = _part(image, (*(outline.min(axis=0) - 2), *(outline.max(axis=0) + 2)))
    if part.size:
        cv2.fillPoly(part, [_fixed_point(outline, origin)], colour, cv2.LINE_AA, _SHIFT)


def _part(image: Image, box: Sequence[float]) -> tuple[Image, tuple[int, int]]:
    """The view of a picture that an xyxy box covers, and its upper left corner (x, y)."""
    left, top = (max(0, math.floor(value)) for value in box[:2])
    right, bottom = (max(0, math.ceil(value)) for value in box[2:])
    return image[top:bottom, left:right], (left, top)


def _fixed_point(line: Points, origin: tuple[int, int]) -> npt.NDArray[np.int32]:
    """Points relative to `origin` as fixed-point numbers, with pixel centres at whole numbers instead of halves."""
    return np.rint((line - origin - 0.5) * (1 << _SHIFT)).astype(np.int32)
