"""From a glyph to ink on the page: size, stretch, slant, turn and pen, in one resampling."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from digitdet.synth.glyphs import Glyph

VISIBLE_INK = 0.3
"""A pixel belongs to a digit when its ink covers more than this part; boxes are tight around those pixels."""


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
        visible = self.alpha > VISIBLE_INK
        rows, columns = np.flatnonzero(visible.any(axis=1)), np.flatnonzero(visible.any(axis=0))
        if not len(rows):
            return None
        left, top = self.left + int(columns[0]), self.top + int(rows[0])
        return left, top, self.left + int(columns[-1]) + 1, self.top + int(rows[-1]) + 1


def style_matrix(glyph: Glyph, style: DigitStyle) -> npt.NDArray[np.float64]:
    """The linear map (2, 2) from glyph pixels, measured from the glyph's centre, to page pixels."""
    scale = style.height / glyph.ink.shape[0]
    shear = np.array([[1.0, -np.tan(np.radians(style.slant))], [0.0, 1.0]])
    return rotation(style.angle) @ shear @ np.diag([scale * style.stretch, scale])


def rotation(degrees: float) -> npt.NDArray[np.float64]:
    """Rotation matrix (2, 2), clockwise on the screen, where y points down."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[cos, -sin], [sin, cos]])


def ink_points(glyph: Glyph, threshold: float) -> npt.NDArray[np.float64]:
    """Corners (N, 2) of the inked pixels as x, y from the glyph's centre: enough to know how far mapped ink reaches."""
    ys, xs = np.nonzero(glyph.ink > threshold)
    centre = np.array([glyph.ink.shape[1], glyph.ink.shape[0]]) / 2
    points = np.column_stack([xs, ys]) + 0.5 - centre
    return np.concatenate([points - 0.5, points + 0.5])


def extent(points: npt.NDArray[np.float64], matrix: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """[left, top, right, bottom] of points (N, 2) mapped by a (2, 2) matrix."""
    mapped = points @ matrix.T
    return np.concatenate([mapped.min(axis=0), mapped.max(axis=0)])


def render_digit(
    glyph: Glyph,
    matrix: npt.NDArray[np.float64],
    centre: tuple[float, float],
    threshold: float,
) -> InkPatch:
    """Draw a glyph so that its centre, mapped by `matrix` (2, 2), lies at `centre` (x, y) of the canvas.

    The enlarged grey slope of a 28-pixel digit is cut at `threshold` into an edge about a pixel wide: a pen's line,
    not a blurred one.
    """
    height, width = glyph.ink.shape
    scale = float(np.sqrt(abs(np.linalg.det(matrix))))
    half = np.abs(matrix) @ np.array([width, height]) / 2 + 2 * max(scale, 1)
    left, top = (int(np.floor(c - h)) for c, h in zip(centre, half, strict=True))
    size = (int(np.ceil(2 * half[0])) + 1, int(np.ceil(2 * half[1])) + 1)
    # cv2 counts from pixel centres, the page from pixel corners: half a pixel off on both sides.
    offset = np.array(centre) - (left, top) - 0.5 - matrix @ (np.array([width, height]) / 2 - 0.5)
    source = cv2.copyMakeBorder(glyph.ink, 2, 2, 2, 2, cv2.BORDER_CONSTANT, value=0)
    offset = offset - matrix @ np.array([2.0, 2.0])
    if scale < 1:  # resampling below one source pixel a step would skip ink
        source = cv2.GaussianBlur(source, (0, 0), 0.5 / scale)
    grey = cv2.warpAffine(source, np.column_stack([matrix, offset]), size, flags=cv2.INTER_CUBIC)
    steepness = max(scale, 1.0)
    alpha = np.clip((grey - threshold) * steepness + 0.5, 0, 1).astype(np.float32)
    alpha[grey <= 0.02] = 0  # at small scales the slope alone would leave a veil over the whole patch
    return InkPatch(alpha, left, top)
