"""Digits as a stencil paints them: bridges hold the inside of closed forms, so that every digit has gaps."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from digitdet.synth.digits.glyphs import Glyph, GlyphSource

Ink = npt.NDArray[np.float32]

# A cut that takes more than this part of the ink would take the digit with it, such as one down the stem of a 1.
_MAX_CUT = 0.16
# Parts of a hole's area below which it is a flaw of the source and needs no bridge, in squares of the digit's height.
_SMALLEST_HOLE = 0.004


@dataclass(frozen=True)
class BridgeStyle:
    """How one set of stencils is cut."""

    angle: float
    """Direction of the cuts in degrees from upright; positive leans right, 90 is level."""
    width: float
    """Width of a bridge in digit heights."""
    one_sided: bool
    """Whether a closed form is held on its upper (or right) side alone."""


class StencilGlyphs(GlyphSource):
    """The glyphs of another source with the bridges of a stencil cut through their ink.

    Every closed form (in 0, 4, 6, 8, 9) is open afterwards; the other digits get one cut. Metrics and marks are those
    of the source.
    """

    def __init__(self, source: GlyphSource, style: BridgeStyle | None = None) -> None:
        self._source = source
        self._style = style

    def choose(self, rng: np.random.Generator) -> GlyphSource:
        """One style of the source, and one way of cutting for all its digits."""
        return StencilGlyphs(self._source.choose(rng), sample_bridge_style(rng))

    def sample(self, rng: np.random.Generator, digit: int) -> Glyph:
        """A digit of the source with its bridges."""
        glyph = self._source.sample(rng, digit)
        style = self._style or sample_bridge_style(rng)
        return replace(glyph, ink=_cut_bridges(glyph.ink, style, glyph.ink.shape[0] / (glyph.top - glyph.bottom)))

    def mark(self, rng: np.random.Generator, character: str) -> Glyph | None:
        """The source's own mark, whole."""
        return self._source.mark(rng, character)


def sample_bridge_style(rng: np.random.Generator) -> BridgeStyle:
    """A random way of cutting: upright mostly, as in trade stencils, else level or oblique."""
    kind = rng.random()
    if kind < 0.6:
        angle = 0.0
    elif kind < 0.8:
        angle = 90.0
    else:
        angle = float(rng.uniform(20, 45)) * (1 if rng.random() < 0.7 else -1)
    return BridgeStyle(angle, float(rng.uniform(0.06, 0.12)), bool(rng.random() < 0.2))


def _cut_bridges(ink: Ink, style: BridgeStyle, height: float) -> Ink:
    """A copy of `ink` (H, W) with gaps; `height` is a digit's in pixels."""
    holes = _hole_centres(ink, height)
    if not len(holes):
        return _cut_open_form(ink, style, height)
    if style.angle == 0 and np.ptp(holes[:, 0]) < 0.5 * style.width * height:
        holes[:, 0] = holes[:, 0].mean()  # one straight cut through both holes of an 8
    for x, y in holes:
        ink = ink * (1 - _band(ink.shape, x, y, style.angle, style.width * height, style.one_sided))
    return ink


def _cut_open_form(ink: Ink, style: BridgeStyle, height: float) -> Ink:
    """One cut through the middle of a digit without holes, in the style's direction if that leaves the digit whole."""
    rows, columns = ink.shape
    best = ink
    for angle in (style.angle, 90.0):
        best = ink * (1 - _band(ink.shape, columns / 2, rows / 2, angle, style.width * height, one_sided=False))
        if best.sum() >= (1 - _MAX_CUT) * ink.sum():
            break
    return best


def _hole_centres(ink: Ink, height: float) -> npt.NDArray[np.float64]:
    """Centres (N, 2) as x, y in pixels of the closed forms: ground that does not reach the picture's border."""
    ground = cv2.copyMakeBorder((ink < 0.5).astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=1)
    count, _, stats, centres = cv2.connectedComponentsWithStats(ground, connectivity=4)
    # Label 0 is the ink; the component at the border is the ground around the digit.
    inside = [
        label
        for label in range(1, count)
        if stats[label, cv2.CC_STAT_LEFT] > 0 and stats[label, cv2.CC_STAT_AREA] > _SMALLEST_HOLE * height**2
    ]
    return np.asarray(centres[inside], np.float64).reshape(-1, 2) - 0.5


def _band(shape: tuple[int, ...], x: float, y: float, angle: float, width: float, one_sided: bool) -> Ink:
    """Coverage (H, W), 0 to 1, of a straight band through the point, or of its half above and to the right."""
    down = np.arange(shape[0], dtype=np.float32)[:, None] + np.float32(0.5 - y)
    right = np.arange(shape[1], dtype=np.float32) + np.float32(0.5 - x)
    sin, cos = np.float32(np.sin(np.radians(angle))), np.float32(np.cos(np.radians(angle)))
    band: Ink = np.clip(width / 2 - np.abs(right * cos + down * sin) + 0.5, 0, 1).astype(np.float32)
    if one_sided:
        band *= right * sin - down * cos > 0
    return band
