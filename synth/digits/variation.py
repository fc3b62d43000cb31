"""Makes one raster digit into many: smooth elastic deformation and another stroke width (Simard et al., 2003)."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt

from digitdet.synth.digits.glyphs import Glyph
from digitdet.synth.digits.handwriting import VISIBLE_INK

FloatArray = npt.NDArray[np.float32]

# Glyphs are enlarged so many times, so that a stroke three pixels wide has an edge that can be moved.
_ENLARGE = 2
_MARGIN = 3  # source pixels around the ink, for strokes that move out or grow
_CELL = 8  # source pixels between the knots of the displacement grid: coarse, so that strokes bend and do not swell
# Standard deviation of a displacement at strength 1, as a part of the glyph's longer side, and its limit in deviations.
_DISPLACEMENT = 0.045
_LIMIT = 1.8


def vary(rng: np.random.Generator, glyph: Glyph, strength: float) -> Glyph:
    """A raster glyph (such as one of MNIST's) bent, thinned or thickened, and cropped to its ink again.

    Args:
        rng: Chooses the change.
        glyph: Any glyph without `faint` ink; one with it comes back as it is, since a display does not bend.
        strength: 0 (the glyph itself comes back) to 1 (as far as digits surely stay what they are).

    Returns:
        A glyph of twice the pixels, with all other fields as they were.
    """
    if strength == 0 or glyph.faint is not None:
        return glyph
    ink = _bend(rng, glyph.ink, strength)
    parts = _ground_parts(ink)
    pen = _flatten_tip(rng, ink) if rng.random() < 0.25 * strength else ink
    pen = _change_width(rng, pen, strength)
    if _ground_parts(pen) == parts:  # else a loop was filled or broken, and an 8 might read as a 1
        ink = pen
    x, y, width, height = cv2.boundingRect((ink > VISIBLE_INK).view(np.uint8))
    if not width:  # nothing of so faint a glyph is left
        return glyph
    return replace(glyph, ink=np.ascontiguousarray(ink[y : y + height, x : x + width]))


def _bend(rng: np.random.Generator, ink: FloatArray, strength: float) -> FloatArray:
    """The ink (H, W) enlarged, with a margin, and displaced smoothly: (2 (H + 6), 2 (W + 6))."""
    height, width = ink.shape
    rows, columns = _ENLARGE * (height + 2 * _MARGIN), _ENLARGE * (width + 2 * _MARGIN)
    knots = (rows // (_ENLARGE * _CELL) + 1, columns // (_ENLARGE * _CELL) + 1, 2)
    grid = np.clip(rng.standard_normal(knots, np.float32), -_LIMIT, _LIMIT)
    grid *= np.float32(_DISPLACEMENT * strength * max(height, width))
    source = np.asarray(cv2.resize(grid, (columns, rows), interpolation=cv2.INTER_CUBIC), np.float32)
    # Pixel centres of the enlarged picture in source pixels.
    centres = (np.arange(max(rows, columns), dtype=np.float32) + 0.5) / _ENLARGE - (_MARGIN + 0.5)
    source[..., 0] += centres[:columns]
    source[..., 1] += centres[:rows, None]
    bent = cv2.remap(ink, source, np.empty(0, np.float32), cv2.INTER_CUBIC, borderMode=cv2.BORDER_CONSTANT)
    return np.clip(bent, 0, 1)


def _flatten_tip(rng: np.random.Generator, ink: FloatArray) -> FloatArray:
    """Widen strokes across one direction only, as a broad nib does."""
    kernel = (np.eye(3, dtype=np.uint8), np.eye(3, dtype=np.uint8)[::-1].copy(), np.ones((1, 3), np.uint8))
    return np.asarray(cv2.dilate(ink, kernel[int(rng.integers(3))]), np.float32)


def _change_width(rng: np.random.Generator, ink: FloatArray, strength: float) -> FloatArray:
    """Move the edge of the strokes in or out: the soft slope of a blurred stroke is cut at another level.

    The level is a part of what the strokes' core keeps after the blur, so that thin strokes do not break.
    """
    soft = cv2.GaussianBlur(ink, (0, 0), 0.8 + 0.6 * float(rng.random()))
    cores = soft[ink > 0.7]
    core = float(np.partition(cores, len(cores) // 4)[len(cores) // 4]) if len(cores) else VISIBLE_INK
    level = core * float(0.5 + strength * rng.uniform(-0.17, 0.22))
    return np.clip((soft - np.float32(level)) * np.float32(1.7 / core) + np.float32(0.5), 0, 1)


def _ground_parts(ink: FloatArray) -> int:
    """How many separate areas without ink there are: one more than the loops."""
    return int(cv2.connectedComponents((ink <= VISIBLE_INK).view(np.uint8), connectivity=4, ltype=cv2.CV_16U)[0])
