"""Strips: rectified pictures of one line each, for the line reader.

A strip is an affine map of a part of the page: rotated by the angle of the line and scaled to a fixed height. In
training, and when a doubtful line is read once more, it is also sheared. The inverse map takes what is found in the
strip back to the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from digitdet.common.boxes import as_boxes
from digitdet.common.types import Boxes, FloatArray, Image, Points
from digitdet.reading.skew import Digits

STRIP_HEIGHT = 32
"""Height of every strip in pixels."""

COLUMN_WIDTH = 4
"""Width in pixels of a column of the line reader's output."""

MARGIN = 0.12
"""Space above and below the digits, in digit heights."""

END_MARGIN = 0.8
"""Space before the first and after the last digit, in digit heights: a digit that the detector missed is seen."""

_LEAST_SPACED = 3  # digits of a line from which their distance is known
_AFTER_GAP = 0.5  # of another digit that a strip shows, in digit heights: most of its width
_BEYOND = 2.0  # strip pixels that a strip may reach beyond a border of the page
_PAGE_END_MARGIN = 0.3  # beside a whole page, in page heights
_MAX_GAP = 3.0  # between neighbours on one strip, in digit heights; beyond, the line goes on in another strip
_QUANTILE = 0.1  # of the upper and lower edges of the boxes that a strip leaves out


@dataclass(frozen=True)
class Strip:
    """The place of a strip on the page.

    Attributes:
        to_strip: (2, 3) float64, maps (x, y, 1) in page pixels to strip pixels; the first pixel is from 0 to 1.
        width: Width of the strip in pixels; its height is `STRIP_HEIGHT`.
    """

    to_strip: FloatArray
    width: int

    @property
    def to_page(self) -> FloatArray:
        """The inverse map (2, 3), from strip pixels to page pixels."""
        return np.asarray(cv2.invertAffineTransform(self.to_strip))

    def within(self, page_width: int, is_widened: bool = False) -> Strip:
        """Return the strip cut off at the left and the right border of a page with this width.

        A widened strip also reaches to both borders.
        """
        middle = np.array([self.width / 2, STRIP_HEIGHT / 2])
        centre, ahead = self.points_to_page(np.stack([middle, middle + [1, 0]]))
        borders = middle[0] + (np.array([0, page_width]) - centre[0]) / (ahead - centre)[0]
        first, last = float(borders.min()) - _BEYOND, float(borders.max()) + _BEYOND
        start, stop = (first, last) if is_widened else (max(first, 0.0), min(last, float(self.width)))
        return Strip(self.to_strip - [[0, 0, start], [0, 0, 0]], max(round(stop - start), 1))

    def stretched(self, factor: float) -> Strip:
        """Return the strip with a picture that is `factor` times as wide."""
        return Strip(self.to_strip * [[factor], [1.0]], max(round(factor * self.width), 1))

    def scaled_and_sheared(self, scale: float, slant: float) -> Strip:
        """Return the strip with what it shows `scale` times as large and sheared, around its middle line.

        `slant` is as for `line_strip`: how far what becomes upright leaned to the right, the shift of its top relative
        to its bottom, in its height.
        """
        middle = STRIP_HEIGHT / 2
        change = scale * np.array([[1.0, slant], [0.0, 1.0]])
        offset = middle * np.array([-scale * slant, 1 - scale])
        matrix = np.column_stack([change @ self.to_strip[:, :2], change @ self.to_strip[:, 2] + offset])
        return Strip(matrix, max(round(scale * self.width), 1))

    def points_to_strip(self, points: Points) -> Points:
        """Map points (N, 2) from the page to the strip."""
        return _mapped(points, self.to_strip)

    def points_to_page(self, points: Points) -> Points:
        """Map points (N, 2) from the strip to the page."""
        return _mapped(points, self.to_page)

    def boxes_to_strip(self, boxes: npt.ArrayLike) -> Boxes:
        """Return boxes (N, 4) in the strip with the middles and sides of upright boxes (N, 4) on the page."""
        corners = as_boxes(boxes).reshape(-1, 2, 2)
        middles = self.points_to_strip(corners.mean(axis=1))
        halves = (corners[:, 1] - corners[:, 0]) / 2 * np.linalg.norm(self.to_strip[:, :2], axis=1)
        return np.concatenate([middles - halves, middles + halves], axis=1)

    def boxes_to_page(self, boxes: npt.ArrayLike) -> Boxes:
        """Return the upright boxes (N, 4) on the page that bound boxes (N, 4) of the strip."""
        x0, y0, x1, y1 = as_boxes(boxes).T
        corners = np.stack([x0, y0, x1, y0, x1, y1, x0, y1], axis=1).reshape(-1, 2)
        page = self.points_to_page(corners).reshape(-1, 4, 2)
        return np.concatenate([page.min(axis=1), page.max(axis=1)], axis=1)


def split_at_wide_gaps(boxes: Boxes, rows: Sequence[int]) -> list[list[int]]:
    """Split a line, the rows of its boxes (N, 4) from left to right, into parts that are near enough for one strip."""
    line = boxes[list(rows)]
    height = float(np.median(line[:, 3] - line[:, 1]))
    gaps = line[1:, 0] - line[:-1, 2]
    cuts = [0, *(np.flatnonzero(gaps > _MAX_GAP * height) + 1).tolist(), len(line)]
    return [list(rows[start:stop]) for start, stop in pairwise(cuts)]


def line_strip(boxes: npt.ArrayLike, angle: float, slant: float = 0.0, end_margin: float | None = None) -> Strip:
    """Return the strip of a line of digits.

    Args:
        boxes: The upright boxes (N, 4) of the digits on the page, xyxy, at least one.
        angle: Clockwise angle of the line in degrees.
        slant: How far the digits lean to the right: the shift of their tops, in digit heights.
        end_margin: Space before the first and after the last digit, in digit heights; by default `END_MARGIN`, or more
            on a line with wide gaps, such as the drums of a counter, so that most of another digit after a gap is seen.
    """
    left, top, right, bottom = as_boxes(boxes).T
    radians = np.radians(angle)
    level = Digits((left + right) / 2, (top + bottom) / 2, right - left, bottom - top).rotated(radians)
    high, low = (level.y + sign * level.height / 2 for sign in (-1, 1))
    upper, lower = float(np.quantile(high, _QUANTILE)), float(np.quantile(low, 1 - _QUANTILE))
    height = max(lower - upper, 1.0)
    if end_margin is None:
        end_margin = max(END_MARGIN, _gap(level) / height + _AFTER_GAP)
    start = float((level.x - level.width / 2).min()) - end_margin * height
    stop = float((level.x + level.width / 2).max()) + end_margin * height
    middle, shown = (upper + lower) / 2, height * (1 + 2 * MARGIN)
    rotation = np.array([[np.cos(radians), np.sin(radians)], [-np.sin(radians), np.cos(radians)]])
    shear = np.array([[1.0, slant], [0.0, 1.0]])
    offset = np.array([-start - slant * middle, shown / 2 - middle])
    scale = STRIP_HEIGHT / shown
    matrix = scale * np.column_stack([shear @ rotation, offset])
    return Strip(matrix, max(round((stop - start) * scale), 1))


def _gap(digits: Digits) -> float:
    """Return the usual gap in pixels between the digits of a level line; 0 if they are too few to tell."""
    if len(digits.x) < _LEAST_SPACED:
        return 0.0
    order = np.argsort(digits.x)
    distances, widths = np.diff(digits.x[order]), digits.width[order]
    return float(np.median(distances - (widths[1:] + widths[:-1]) / 2))


def whole_strip(width: int, height: int) -> Strip:
    """Return the strip that shows a whole page of `width` x `height` pixels, with margins around it."""
    scale = STRIP_HEIGHT / (height * (1 + 2 * MARGIN))
    margin = _PAGE_END_MARGIN * height
    matrix = np.array([[scale, 0.0, scale * margin], [0.0, scale, scale * MARGIN * height]])
    return Strip(matrix, max(round(scale * (width + 2 * margin)), 1))


def cut_strip(page: Image, strip: Strip) -> Image:
    """Return the strip (STRIP_HEIGHT, width, 3) of a page (H, W, 3); beyond its borders the outermost pixels repeat."""
    matrix = strip.to_strip
    factor = int(1 / np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    if factor > 1:
        page, matrix = _reduced(page, strip, factor)
    # OpenCV counts from the middle of the first pixel.
    offset = matrix[:, 2] + matrix[:, :2].sum(axis=1) / 2 - 0.5
    return np.asarray(
        cv2.warpAffine(
            page,
            np.column_stack([matrix[:, :2], offset]),
            (strip.width, STRIP_HEIGHT),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        ),
        np.uint8,
    )


def _reduced(page: Image, strip: Strip, factor: int) -> tuple[Image, FloatArray]:
    """Return the part of the page that a strip shows, reduced by `factor`, and the map from it to the strip.

    Bilinear sampling alone would skip pixels, and thin strokes with them.
    """
    sides = np.array(page.shape[1::-1])
    shown = strip.boxes_to_page([[0, 0, strip.width, STRIP_HEIGHT]])[0]
    left, top = np.clip(shown[:2] - factor, 0, sides - 1).astype(int).tolist()
    right, bottom = np.clip(shown[2:] + factor, [left + 1, top + 1], sides).astype(int).tolist()
    part = page[top:bottom, left:right]
    width, height = (max(side // factor, 1) for side in (right - left, bottom - top))
    reduced = np.asarray(cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    matrix = strip.to_strip
    linear = matrix[:, :2] * np.array([(right - left) / width, (bottom - top) / height])
    return reduced, np.column_stack([linear, matrix[:, :2] @ np.array([left, top]) + matrix[:, 2]])


def _mapped(points: Points, matrix: FloatArray) -> Points:
    return np.asarray(points @ matrix[:, :2].T + matrix[:, 2])
