"""Draw a glyph on the canvas: size, stretch, slant, rotation and stroke width in one resampling."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from digitdet.common.types import FloatArray, Image, Points, Slices
from digitdet.synth.digits.glyphs import Glyph, Ink, visible_rectangle

# Empty source pixels added around a glyph before it is drawn; its soft edge lies there.
_BORDER = 2
# Linear resampling shows no corners up to this scale; for larger scales the glyph is first enlarged by cubic
# interpolation, at most by the given factor.
_LINEAR_SCALE = 1.5
_MAX_ENLARGEMENT = 4


@dataclass(frozen=True)
class GlyphStyle:
    """How one glyph is drawn."""

    height: float  # height of the ink in pixels, before slant and rotation
    stretch: float  # factor on the natural width
    slant: float  # degrees; positive leans right
    angle: float  # rotation in degrees; positive is clockwise
    ink_threshold: float  # ink coverage (0 to 1) at the edge of the stroke; lower is bolder


@dataclass(frozen=True)
class InkPatch:
    """Drawn ink `alpha` (h, w), 0 to 1, with its top left pixel at (`left`, `top`) of the canvas."""

    alpha: Ink
    left: int
    top: int

    @property
    def region(self) -> Slices:
        """The rows and columns of the canvas under the patch."""
        height, width = self.alpha.shape
        return slice(self.top, self.top + height), slice(self.left, self.left + width)

    def clip(self, region: Slices) -> InkPatch:
        """Return the part of the patch inside a region; the patch itself if that is all of it."""
        rows, columns = self.alpha.shape
        left, top = max(region[1].start - self.left, 0), max(region[0].start - self.top, 0)
        right = max(min(region[1].stop - self.left, columns), 0)
        bottom = max(min(region[0].stop - self.top, rows), 0)
        if (left, top, right, bottom) == (0, 0, columns, rows):
            return self
        return InkPatch(self.alpha[top:bottom, left:right], self.left + left, self.top + top)

    def visible_box(self) -> tuple[int, int, int, int] | None:
        """Return the tight xyxy pixel box of the visible ink (right and bottom exclusive); None if there is none."""
        x, y, width, height = visible_rectangle(self.alpha)
        if not width:
            return None
        return self.left + x, self.top + y, self.left + x + width, self.top + y + height


def style_matrix(glyph: Glyph, style: GlyphStyle) -> FloatArray:
    """Return the linear map (2, 2) from glyph pixels, relative to its centre, to page pixels."""
    down = style.height / glyph.ink.shape[0]
    across, lean = down * style.stretch, -down * math.tan(math.radians(style.slant))
    cos, sin = math.cos(math.radians(style.angle)), math.sin(math.radians(style.angle))
    return np.array([[cos * across, cos * lean - sin * down], [sin * across, sin * lean + cos * down]])


def ink_points(glyph: Glyph, threshold: float) -> Points:
    """Return the corners (N, 2) of the first and last ink pixel of each row, relative to the glyph's centre."""
    inked = glyph.ink > threshold
    height, width = inked.shape
    rows = np.flatnonzero(inked.any(axis=1))
    corners = np.empty((2, 2, len(rows), 2))
    corners[0, ..., 0] = inked.argmax(axis=1)[rows] - width / 2
    corners[1, ..., 0] = width / 2 - inked[:, ::-1].argmax(axis=1)[rows]
    corners[:, 0, :, 1] = rows - height / 2
    corners[:, 1, :, 1] = rows + (1 - height / 2)
    return corners.reshape(-1, 2)


def extent(points: Points, matrix: FloatArray) -> FloatArray:
    """Return [left, top, right, bottom] of points (N, 2) mapped by a (2, 2) matrix."""
    mapped = matrix @ points.T
    return np.concatenate([mapped.min(axis=1), mapped.max(axis=1)])


def render_glyph(ink: Ink, matrix: FloatArray, centre: tuple[float, float], threshold: float) -> InkPatch:
    """Draw ink so that its centre, mapped by `matrix` (2, 2), lies at `centre` (x, y) of the canvas.

    The soft edge of the enlarged source is cut at `threshold` into an edge about one pixel wide, so that a 28-pixel
    digit looks like a pen stroke and not like a blurred image.
    """
    grey, left, top = _warp(ink, matrix, centre)
    # Steep enough to map "no ink" to 0; otherwise the whole patch would be veiled.
    steepness = max(scale_of(matrix), 0.5 / threshold)
    alpha = np.asarray(cv2.addWeighted(grey, steepness, grey, 0, 0.5 - threshold * steepness), np.float32)
    return InkPatch(alpha.clip(0, 1, out=alpha), left, top)


def render_picture(
    picture: Image, matrix: FloatArray, centre: tuple[float, float]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Draw the picture (H, W, 3) of a glyph in the region that `render_glyph` returns for its ink.

    Returns:
        The colours times the coverage (h, w, 3), 0 to 255, and the coverage (h, w, 1), 0 to 1.
    """
    opaque = np.full((*picture.shape[:2], 1), 255, np.uint8)
    drawn, _, _ = _warp(np.concatenate([picture, opaque], axis=2).astype(np.float32), matrix, centre)
    drawn = drawn.clip(0, 255, out=drawn)
    return drawn[..., :3], drawn[..., 3:] / np.float32(255)


def scale_of(matrix: FloatArray) -> float:
    """Return the mean factor by which a (2, 2) matrix enlarges lengths."""
    (xx, xy), (yx, yy) = matrix.tolist()
    return math.sqrt(abs(xx * yy - xy * yx))


def _warp(
    source: npt.NDArray[np.float32], matrix: FloatArray, centre: tuple[float, float]
) -> tuple[npt.NDArray[np.float32], int, int]:
    """Map a source (H, W) or (H, W, channels) to the canvas; return it with the canvas position of its left top pixel.

    Outside the source there is 0.
    """
    height, width = source.shape[:2]
    (xx, xy), (yx, yy) = matrix.tolist()
    scale = scale_of(matrix)
    margin = max(scale, 1.0) + 1  # interpolated ink extends at most half a source pixel beyond the glyph
    half_x = (abs(xx) * width + abs(xy) * height) / 2 + margin
    half_y = (abs(yx) * width + abs(yy) * height) / 2 + margin
    left, top = math.floor(centre[0] - half_x), math.floor(centre[1] - half_y)
    prepared, enlarged = _prepare(source, scale)
    # From the prepared source to the patch, centre to centre. OpenCV's coordinates start at pixel centres, those of
    # the page at pixel corners: half a pixel of difference on both sides.
    xx, xy, yx, yy = xx / enlarged, xy / enlarged, yx / enlarged, yy / enlarged
    middle_x, middle_y = (prepared.shape[1] - 1) / 2, (prepared.shape[0] - 1) / 2
    move_x = centre[0] - left - 0.5 - xx * middle_x - xy * middle_y
    move_y = centre[1] - top - 0.5 - yx * middle_x - yy * middle_y
    size = (math.ceil(2 * half_x) + 1, math.ceil(2 * half_y) + 1)
    moved = cv2.warpAffine(prepared, np.array([[xx, xy, move_x], [yx, yy, move_y]]), size, flags=cv2.INTER_LINEAR)
    return np.asarray(moved, np.float32), left, top


def _prepare(ink: npt.NDArray[np.float32], scale: float) -> tuple[npt.NDArray[np.float32], int]:
    """Return ink or a picture with a border, ready to be resampled at `scale`, and how often it is enlarged."""
    # A cubic enlargement followed by a linear warp is several times faster than a cubic warp.
    source = cv2.copyMakeBorder(ink, _BORDER, _BORDER, _BORDER, _BORDER, cv2.BORDER_CONSTANT, value=0)
    if scale < 1:  # without the blur, resampling would skip source pixels
        return np.asarray(cv2.GaussianBlur(source, (0, 0), 0.5 / scale), np.float32), 1
    times = min(math.ceil(scale / _LINEAR_SCALE), _MAX_ENLARGEMENT)
    if times == 1:
        return np.asarray(source, np.float32), 1
    size = (source.shape[1] * times, source.shape[0] * times)
    return np.asarray(cv2.resize(source, size, interpolation=cv2.INTER_CUBIC), np.float32), times
