"""Stencilled digits: bridges hold the inside of closed forms, so that every digit has gaps."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from digitdet.common.types import Points
from digitdet.synth.digits.glyphs import Glyph, GlyphSource, Ink

# A cut through an open form may remove at most this share of the ink; a cut down the stem of a 1 would remove it all.
_MAX_CUT = 0.16
# Holes smaller than this, in squared digit heights, are flaws of the source and get no bridge.
_MIN_HOLE_AREA = 0.004


@dataclass(frozen=True)
class BridgeStyle:
    """How one set of stencils is cut."""

    angle: float  # direction of the cuts in degrees from upright; positive leans right, 90 is horizontal
    width: float  # width of a bridge in digit heights
    one_sided: bool  # whether a closed form is cut on its upper (or right) side only


class StencilGlyphs(GlyphSource):
    """The glyphs of another source with stencil bridges cut through their ink.

    Closed forms (in 0, 4, 6, 8, 9) become open; the other digits get one cut. Metrics and marks do not change.
    """

    def __init__(self, source: GlyphSource, style: BridgeStyle | None = None) -> None:
        self._source = source
        self._style = style

    def choose(self, rng: np.random.Generator) -> GlyphSource:
        """Return one style of the source with one way of cutting."""
        return StencilGlyphs(self._source.choose(rng), sample_bridge_style(rng))

    def sample(self, rng: np.random.Generator, digit: int) -> Glyph:
        """Return a digit of the source with bridges."""
        glyph = self._source.sample(rng, digit)
        style = self._style or sample_bridge_style(rng)
        return replace(glyph, ink=_cut_bridges(glyph.ink, style, glyph.ink.shape[0] / (glyph.top - glyph.bottom)))

    def mark(self, rng: np.random.Generator, character: str) -> Glyph | None:
        """Return the source's mark without bridges."""
        return self._source.mark(rng, character)


def sample_bridge_style(rng: np.random.Generator) -> BridgeStyle:
    """Draw a way of cutting: mostly upright, otherwise horizontal or oblique."""
    kind = rng.random()
    if kind < 0.6:
        angle = 0.0
    elif kind < 0.8:
        angle = 90.0
    else:
        angle = rng.uniform(20, 45) * (1 if rng.random() < 0.7 else -1)
    return BridgeStyle(angle, rng.uniform(0.06, 0.12), bool(rng.random() < 0.2))


def _cut_bridges(ink: Ink, style: BridgeStyle, height: float) -> Ink:
    """Return a copy of the ink with gaps; `height` is the digit height in pixels."""
    width = style.width * height
    holes = _hole_centres(ink, height)
    if len(holes):
        if style.angle == 0 and np.ptp(holes[:, 0]) < 0.5 * width:
            holes[:, 0] = holes[:, 0].mean()  # one straight cut through both holes of an 8
        for x, y in holes:
            ink = ink * (1 - _band(ink.shape, x, y, style.angle, width, style.one_sided))
        return ink
    # A digit without holes is cut through its middle, in the style's direction unless that removes too much.
    cut = ink
    for angle in (style.angle, 90.0):
        cut = ink * (1 - _band(ink.shape, ink.shape[1] / 2, ink.shape[0] / 2, angle, width, one_sided=False))
        if cut.sum() >= (1 - _MAX_CUT) * ink.sum():
            break
    return cut


def _hole_centres(ink: Ink, height: float) -> Points:
    """Return the centres (N, 2) of the holes: background components that do not reach the border."""
    background = cv2.copyMakeBorder((ink < 0.5).astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=1)
    _, _, stats, centres = cv2.connectedComponentsWithStats(background, connectivity=4)
    is_hole = (stats[:, cv2.CC_STAT_LEFT] > 0) & (stats[:, cv2.CC_STAT_AREA] > _MIN_HOLE_AREA * height**2)
    is_hole[0] = False  # component 0 is the ink
    return np.asarray(centres[is_hole] - 0.5, np.float64)


def _band(shape: tuple[int, ...], x: float, y: float, angle: float, width: float, one_sided: bool) -> Ink:
    """Return the coverage (H, W) of a straight band through a point, or of its half above and to the right."""
    down = np.arange(shape[0], dtype=np.float32)[:, None] + np.float32(0.5 - y)
    right = np.arange(shape[1], dtype=np.float32) + np.float32(0.5 - x)
    sin, cos = np.float32(np.sin(np.radians(angle))), np.float32(np.cos(np.radians(angle)))
    band: Ink = np.clip(width / 2 - np.abs(right * cos + down * sin) + 0.5, 0, 1).astype(np.float32)
    if one_sided:
        band *= right * sin - down * cos > 0
    return band
