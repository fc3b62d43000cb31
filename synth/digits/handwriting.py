"""From a glyph to ink on the page: size, stretch, slant, turn and pen, in one resampling."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from digitdet.synth.digits.glyphs import Glyph

VISIBLE_INK = 0.3
"""A pixel belongs to a digit when its ink covers more than this part; boxes are tight around those pixels."""

# Source pixels without ink around a glyph when it is drawn: the slope of its edge lies there.
_BORDER = 2
# Linear resampling shows no corners up to this scale; glyphs are enlarged in a smoother way before, at most so often.
_LINEAR_SCALE = 1.5
_MOST_TIMES = 4


@dataclass(frozen=True)
class DigitStyle:
    """How one digit is drawn: sampled by the layout, applied by `render_digit`."""

    height: float
    """Height of the ink in pixels, before slant and turn."""
    stretch: float
    """Width as a factor on the natural one."""
    slant: float
    """Degrees; positive leans right."""
    angle: float
    """Degrees of the digit's own turn; positive is clockwise."""
    ink_threshold: float
    """Where the pen's edge lies between no ink and the glyph's full ink (0 to 1); lower is bolder."""


@dataclass(frozen=True)
class InkPatch:
    """Drawn ink: `alpha` (h, w) float32, 0 to 1, with its top left pixel at (`left`, `top`) of the canvas."""

    alpha: npt.NDArray[np.float32]
    left: int
    top: int

    def visible_box(self) -> tuple[int, int, int, int] | None:
        """Tight xyxy pixel box of the visible ink (right and bottom exclusive), or None if nothing is visible."""
        x, y, width, height = cv2.boundingRect((self.alpha > VISIBLE_INK).view(np.uint8))
        if not width:
            return None
        return self.left + x, self.top + y, self.left + x + width, self.top + y + height


def style_matrix(glyph: Glyph, style: DigitStyle) -> npt.NDArray[np.float64]:
    """The linear map (2, 2) from glyph pixels, measured from the glyph's centre, to page pixels: stretched, then
    slanted, then turned.
    """
    down = style.height / glyph.ink.shape[0]
    across, lean = down * style.stretch, -down * math.tan(math.radians(style.slant))
    cos, sin = math.cos(math.radians(style.angle)), math.sin(math.radians(style.angle))
    return np.array([[cos * across, cos * lean - sin * down], [sin * across, sin * lean + cos * down]])


def ink_points(glyph: Glyph, threshold: float) -> npt.NDArray[np.float64]:
    """Corners (N, 2) of the first and the last inked pixel of each row, as x, y from the glyph's centre: enough to know
    how far mapped ink reaches.
    """
    inked = glyph.ink > threshold
    height, width = inked.shape
    rows = np.flatnonzero(inked.any(axis=1))
    corners = np.empty((2, 2, len(rows), 2))
    corners[0, ..., 0] = inked.argmax(axis=1)[rows] - width / 2
    corners[1, ..., 0] = width / 2 - inked[:, ::-1].argmax(axis=1)[rows]
    corners[:, 0, :, 1] = rows - height / 2
    corners[:, 1, :, 1] = rows + (1 - height / 2)
    return corners.reshape(-1, 2)


def extent(points: npt.NDArray[np.float64], matrix: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """[left, top, right, bottom] of points (N, 2) mapped by a (2, 2) matrix."""
    mapped = matrix @ points.T
    return np.concatenate([mapped.min(axis=1), mapped.max(axis=1)])


def render_digit(
    ink: npt.NDArray[np.float32],
    matrix: npt.NDArray[np.float64],
    centre: tuple[float, float],
    threshold: float,
) -> InkPatch:
    """Draw a glyph's ink (H, W) so that its centre, mapped by `matrix` (2, 2), lies at `centre` (x, y) of the canvas.

    The enlarged grey slope of a 28-pixel digit is cut at `threshold` into an edge about a pixel wide: a pen's line,
    not a blurred one.
    """
    height, width = ink.shape
    (xx, xy), (yx, yy) = matrix.tolist()
    scale = math.sqrt(abs(xx * yy - xy * yx))
    margin = max(scale, 1.0) + 1  # ink between two pixels reaches half a source pixel out at most
    half_x = (abs(xx) * width + abs(xy) * height) / 2 + margin
    half_y = (abs(yx) * width + abs(yy) * height) / 2 + margin
    left, top = math.floor(centre[0] - half_x), math.floor(centre[1] - half_y)
    source, enlarged = _prepare(ink, scale)
    # From the prepared source to the patch, centre to centre. OpenCV counts from pixel centres, the page from pixel
    # corners: half a pixel off on both sides.
    xx, xy, yx, yy = xx / enlarged, xy / enlarged, yx / enlarged, yy / enlarged
    middle_x, middle_y = (source.shape[1] - 1) / 2, (source.shape[0] - 1) / 2
    move_x = centre[0] - left - 0.5 - xx * middle_x - xy * middle_y
    move_y = centre[1] - top - 0.5 - yx * middle_x - yy * middle_y
    size = (math.ceil(2 * half_x) + 1, math.ceil(2 * half_y) + 1)
    grey = cv2.warpAffine(source, np.array([[xx, xy, move_x], [yx, yy, move_y]]), size, flags=cv2.INTER_LINEAR)
    # Steep enough that no ink at all stays no ink: less would leave a veil over the whole patch.
    steepness = max(scale, 0.5 / threshold)
    alpha = np.asarray(cv2.addWeighted(grey, steepness, grey, 0, 0.5 - threshold * steepness), np.float32)
    return InkPatch(alpha.clip(0, 1, out=alpha), left, top)


def _prepare(ink: npt.NDArray[np.float32], scale: float) -> tuple[npt.NDArray[np.float32], int]:
    """Ink with a border that a linear resampling at `scale` draws smoothly, and how many times larger it is.

    The curves are rounded by a cubic enlargement first, which is several times faster than a cubic warp.
    """
    source = cv2.copyMakeBorder(ink, _BORDER, _BORDER, _BORDER, _BORDER, cv2.BORDER_CONSTANT, value=0)
    if scale < 1:  # resampling below one source pixel a step would skip ink
        return np.asarray(cv2.GaussianBlur(source, (0, 0), 0.5 / scale), np.float32), 1
    times = min(math.ceil(scale / _LINEAR_SCALE), _MOST_TIMES)
    if times == 1:
        return np.asarray(source, np.float32), 1
    size = (source.shape[1] * times, source.shape[0] * times)
    return np.asarray(cv2.resize(source, size, interpolation=cv2.INTER_CUBIC), np.float32), times
