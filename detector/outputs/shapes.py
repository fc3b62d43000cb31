"""Lines and areas with smooth edges, drawn onto a picture as if with translucent paint."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from digitdet.common.types import Image
from digitdet.outputs.lettering import Colour

Line = npt.NDArray[np.float64]
"""Points (N, 2) as x, y in pixels."""

_SHIFT = 4  # binary decimals of the coordinates given to OpenCV: an outline is smooth only where they are fractions
_DASH_POINTS = 6  # enough for a dash around a corner

# Directions from the centre of each of four round corners, clockwise from the right of the right lower one, and the
# corner that each belongs to as -1 (left, top) or 1 (right, bottom).
_TURNS = np.linspace(0, math.pi / 2, 6) + np.arange(4)[:, None] * (math.pi / 2)
_DIRECTIONS = np.column_stack([np.cos(_TURNS).ravel(), np.sin(_TURNS).ravel()])
_CORNERS = np.repeat([[1, 1], [-1, 1], [-1, -1], [1, -1]], 6, axis=0)


def rounded_box(box: Sequence[float], radius: float) -> Line:
    """The closed outline (N, 2) of an xyxy box with round corners."""
    low, high = np.asarray(box[:2], np.float64), np.asarray(box[2:], np.float64)
    radius = max(0.0, min(radius, float((high - low).min()) / 2))
    outline: Line = np.where(_CORNERS > 0, high - radius, low + radius) + radius * _DIRECTIONS
    return np.concatenate([outline, outline[:1]])


def dashes(line: Line, length: float) -> list[Line]:
    """A line cut into dashes of about a length in pixels, with spaces of the same length between them."""
    ways = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    count = max(2, round(ways[-1] / (2 * length)))
    period = ways[-1] / count
    stops = np.arange(count)[:, None] * period + np.linspace(0, period / 2, _DASH_POINTS)
    return list(np.stack([np.interp(stops, ways, line[:, axis]) for axis in (0, 1)], axis=2))


def stroke(image: Image, lines: Sequence[Line], colour: Colour, thickness: int, alpha: float) -> None:
    """Draw lines onto `image` in place; where several cross they do not add up."""
    points = np.concatenate(lines)
    ends = np.cumsum([len(line) for line in lines])[:-1]
    reach = thickness + 2
    part, origin = _part(image, (*(points.min(axis=0) - reach), *(points.max(axis=0) + reach)))
    if part.size:
        painted = part.copy()
        fixed = np.split(_fixed(points, origin), ends)
        cv2.polylines(painted, fixed, False, colour, thickness, cv2.LINE_AA, _SHIFT)
        cv2.addWeighted(painted, alpha, part, 1 - alpha, 0, dst=part)


def fill(image: Image, outline: Line, colour: Colour, alpha: float = 1.0) -> None:
    """Fill a closed outline on `image` in place."""
    part, origin = _part(image, (*(outline.min(axis=0) - 2), *(outline.max(axis=0) + 2)))
    if part.size:
        painted = part.copy()
        cv2.fillPoly(painted, [_fixed(outline, origin)], colour, cv2.LINE_AA, _SHIFT)
        cv2.addWeighted(painted, alpha, part, 1 - alpha, 0, dst=part)


def _part(image: Image, box: Sequence[float]) -> tuple[Image, tuple[int, int]]:
    """The view of a picture that an xyxy box covers, and its left upper corner (x, y)."""
    left, top = (max(0, math.floor(value)) for value in box[:2])
    right, bottom = (max(0, math.ceil(value)) for value in box[2:])
    return image[top:bottom, left:right], (left, top)


def _fixed(line: Line, origin: tuple[int, int]) -> npt.NDArray[np.int32]:
    """Points as fixed-point numbers, from the corner of the part. OpenCV's pixels have their centres at whole numbers,
    those of boxes at halves.
    """
    return np.rint((line - origin - 0.5) * (1 << _SHIFT)).astype(np.int32)
