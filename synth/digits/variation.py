"""Vary raster digits by smooth elastic deformation and a change of stroke width (Simard et al., ICDAR 2003)."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from digitdet.synth.digits.glyphs import VISIBLE_INK, Glyph, Ink, visible_rectangle

_ENLARGEMENT = 2  # of small glyphs, so that a stroke three pixels wide has an edge that can be moved
_SMALL = 40  # pixels; glyphs whose longer side is longer are not enlarged
_MARGIN = 3  # source pixels around the ink, for strokes that move or grow outwards
# Distance between the knots of the displacement grid as a share of the glyph's longer side, and at least this many
# source pixels; coarse, so that strokes bend and neither swell nor tremble.
_CELL = 0.4
_MIN_CELL = 8
# Standard deviation of a displacement at strength 1 as a share of the glyph's longer side, and its limit in deviations.
_DISPLACEMENT = 0.045
_LIMIT = 1.8
_NIBS = (np.eye(3, dtype=np.uint8), np.eye(3, dtype=np.uint8)[::-1].copy(), np.ones((1, 3), np.uint8))


def vary(rng: np.random.Generator, glyph: Glyph, strength: float) -> Glyph:
    """Return a raster glyph, such as one of MNIST's, bent, thinned or thickened; small ones at twice the resolution.

    `strength` is 0 (no change) to 1 (digits stay legible). A glyph of a display, with `faint` ink, is not changed.
    """
    if strength == 0 or glyph.faint is not None:
        return glyph
    ink = _bend(rng, glyph.ink, strength)
    pen = ink
    if rng.random() < 0.25 * strength:  # widen strokes in one direction, as a broad nib does
        pen = np.asarray(cv2.dilate(ink, _NIBS[int(rng.integers(3))]), np.float32)
    pen = _change_width(rng, pen, strength)
    if _background_components(pen) == _background_components(ink):  # otherwise a loop was filled or opened
        ink = pen
    x, y, width, height = visible_rectangle(ink)
    if not width:  # the ink was too faint
        return glyph
    return replace(glyph, ink=np.ascontiguousarray(ink[y : y + height, x : x + width]))


def _bend(rng: np.random.Generator, ink: Ink, strength: float) -> Ink:
    """Return the ink (H, W) enlarged E times, with a margin, and smoothly displaced: (E (H + 6), E (W + 6))."""
    height, width = ink.shape
    enlargement = 1 if max(height, width) > _SMALL else _ENLARGEMENT
    rows, columns = enlargement * (height + 2 * _MARGIN), enlargement * (width + 2 * _MARGIN)
    cell = enlargement * max(round(_CELL * max(height, width)), _MIN_CELL)
    knots = (rows // cell + 1, columns // cell + 1, 2)
    grid = np.clip(rng.standard_normal(knots, np.float32), -_LIMIT, _LIMIT)
    grid *= np.float32(_DISPLACEMENT * strength * max(height, width))
    source = np.asarray(cv2.resize(grid, (columns, rows), interpolation=cv2.INTER_CUBIC), np.float32)
    # Pixel centres of the enlarged picture in source pixels.
    centres = (np.arange(max(rows, columns), dtype=np.float32) + 0.5) / enlargement - (_MARGIN + 0.5)
    source[..., 0] += centres[:columns]
    source[..., 1] += centres[:rows, None]
    bent = cv2.remap(ink, source, np.empty(0, np.float32), cv2.INTER_CUBIC, borderMode=cv2.BORDER_CONSTANT)
    return np.clip(bent, 0, 1)


def _change_width(rng: np.random.Generator, ink: Ink, strength: float) -> Ink:
    """Move the edge of the strokes: blur them and cut the soft edge at another level."""
    # The level is relative to the blurred core of the strokes, so that thin strokes do not break.
    soft = cv2.GaussianBlur(ink, (0, 0), 0.8 + 0.6 * rng.random())
    cores = soft[ink > 0.7]
    core = float(np.partition(cores, len(cores) // 4)[len(cores) // 4]) if len(cores) else VISIBLE_INK
    level = core * float(0.5 + strength * rng.uniform(-0.17, 0.22))
    return np.clip((soft - np.float32(level)) * np.float32(1.7 / core) + np.float32(0.5), 0, 1)


def _background_components(ink: Ink) -> int:
    return int(cv2.connectedComponents((ink <= VISIBLE_INK).view(np.uint8), connectivity=4, ltype=cv2.CV_16U)[0])
