"""Handwriting drawn as strokes with a virtual pen: forms of digits that are missing from MNIST.

The habits of a writer (form of each digit, roundness, slant, pen) stay the same within a number. Every digit is drawn
anew, so repeated digits differ slightly.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from digitdet.common.types import FloatArray, Image, Points
from digitdet.synth.digits.glyphs import NO_DIGIT, Glyph, GlyphSource, visible_rectangle
from digitdet.synth.digits.pen_shapes import (
    DIGITS,
    MARKS,
    MAX_POINTS,
    MAX_STROKES,
    PenPath,
    StrokeShape,
    compile_template,
    smooth_shape,
)

_HEIGHT = 64  # digit height of the resulting ink in pixels
_OVERSAMPLING = 3
_FRACTION_BITS = 4  # of the fixed-point coordinates that OpenCV takes

# Marks that hasty writers put higher or lower.
_LOOSE_MARKS = "-="
# Greatest length of a connecting stroke in digit heights.
_MAX_LIGATURE = 0.6

_CUMULATED = {
    digit: np.cumsum([weight for weight, _ in forms]) / sum(weight for weight, _ in forms)
    for digit, forms in DIGITS.items()
}


@dataclass(frozen=True)
class PenTip:
    """The shape of a pen's tip, which determines the stroke width."""

    width: float  # full width of the stroke in digit heights
    contrast: float = 0.0  # variation of the width with the direction: 0 is none, at 1 the thinnest has width 0
    nib_angle: float | None = None  # of a broad nib in radians; a pointed nib (None) is thick in downstrokes
    taper: float = 0.0  # share of the width that is missing at the ends of a stroke
    grain: float = 0.0  # loss of ink to the paper's grain, 0 to 1

    def widths(self, steps: Points, from_end: FloatArray) -> FloatArray:
        """Return the widths (T,) of steps (T, 2) whose nearer end of the stroke is `from_end` (T,) samples away."""
        widths = np.full(len(steps), self.width, np.float32)
        if self.contrast:
            x, y = steps.T
            across = -y if self.nib_angle is None else np.abs(np.sin(self.nib_angle) * x - np.cos(self.nib_angle) * y)
            full = np.clip(across / (np.hypot(x, y) + 1e-6), 0, 1)
            widths *= 1 - self.contrast * (1 - full)
        if self.taper:
            widths *= 1 - self.taper * np.maximum(1 - from_end / 4, 0)
        return widths


class Hand(GlyphSource):
    """One writer. Habits are drawn once from `rng`; every glyph varies slightly around them."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.tip = sample_tip(rng)
        # The forms of the digits are independent: people mix forms of different schools.
        self._forms = {digit: int(np.searchsorted(_CUMULATED[digit], rng.random())) for digit in DIGITS}
        self._offsets = rng.standard_normal((10, MAX_POINTS, 2), np.float32) * rng.uniform(0.008, 0.022)
        self._shifts = rng.normal(0, 0.025, (10, MAX_STROKES, 2)).astype(np.float32)
        self._unsteadiness = rng.uniform(0.006, 0.022)
        # The width of a nib depends on the direction, so tremor would make its strokes look like strings of beads.
        self._tremor = rng.uniform(0.003, 0.009) if rng.random() < 0.2 and not self.tip.contrast else 0.001
        self._roundness = rng.uniform(0.9, 1.35)
        self._slope = float(np.tan(np.radians(np.clip(rng.normal(8, 9), -9, 32))))
        self._stretch = float(np.exp(np.clip(rng.normal(0, 0.2), -0.35, 0.4)))
        # Factors on x and y of each digit's curve.
        self._widths = np.stack(
            [np.exp(np.clip(rng.normal(0, 0.1, 10), -0.15, 0.25)), np.ones(10)], axis=1, dtype=np.float32
        )
        self._waist = float(np.exp(rng.normal(0, 0.1)))  # exponent on y: moves the middle up or down
        self._bends = np.clip(rng.normal(0, 0.13, 3), -0.26, 0.26).tolist()
        self._sizes = np.clip(rng.normal(1, 0.06, 10), 0.85, 1.2).astype(np.float32)
        self._drops = np.zeros(10, np.float32)  # how far each digit is written below the baseline
        if rng.random() < 0.3:  # small zeros, as in quickly written amounts
            self._sizes[0] *= rng.uniform(0.6, 0.85)
            self._drops[0] = -rng.uniform(0, 0.25)
        if rng.random() < 0.2:
            self._drops[[4, 7, 9]] = rng.uniform(0.08, 0.3)
        if rng.random() < 0.3:  # long ones, as at the start of amounts
            self._sizes[1] = rng.uniform(1.1, 1.4)
            self._drops[1] = rng.uniform(0, 0.3)
        self._rise = float(np.clip(rng.normal(0, 0.12), -0.2, 0.3)) if rng.random() < 0.5 else 0.0

    def sample(self, rng: np.random.Generator, digit: int) -> Glyph:
        """Return `digit` in this hand; `top` and `bottom` tell if it is small, long or descends below the baseline."""
        name = str(digit)
        shape = compile_template(DIGITS[name][self._forms[name]][1])
        curve = self._write(rng, shape, digit) * self._sizes[digit]
        curve[:, 1] -= self._drops[digit]
        return draw_path(rng, curve, shape, self.tip, digit)

    def mark(self, rng: np.random.Generator, character: str) -> Glyph | None:
        """Return a letter or symbol in this hand; None if there is no template."""
        if character not in MARKS:
            return None
        shape = compile_template(MARKS[character])
        curve = self._write(rng, shape, ord(character) % 10)
        if character in _LOOSE_MARKS:
            curve[:, 1] += self._rise
        return draw_path(rng, curve, shape, self.tip, NO_DIGIT)

    def scribble(self, rng: np.random.Generator) -> Glyph:
        """Return an unreadable word or signature of 4 to 14 waves, too many for a digit."""
        points = _scribble_points(rng)
        shape = smooth_shape(len(points))
        curve = self._lean(shape.curve(points, 1.0))
        return draw_path(rng, curve, shape, self.tip, NO_DIGIT)

    def _write(self, rng: np.random.Generator, shape: StrokeShape, habit: int) -> Points:
        """Return the curves (T, 2) of a shape in digit heights, y up, with habitual and random deviations."""
        count, unsteady = len(shape.points), self._unsteadiness
        noise = rng.standard_normal((count + MAX_STROKES + len(shape.position) + 1, 2), np.float32)
        of_points, of_strokes, of_path, last = np.split(noise, np.cumsum([count, MAX_STROKES, len(shape.position)]))
        points = shape.points + self._offsets[habit, :count] + of_points * (unsteady * shape.looseness)[:, None]
        points += (self._shifts[habit] + unsteady * of_strokes)[shape.stroke_of]
        curve = shape.curve(self._bend(points), self._roundness)
        curve += of_path * self._tremor
        curve *= self._widths[habit] * (1 + 2 * unsteady * last[0])
        return self._lean(curve, float(last[0, 0] * unsteady))

    def _bend(self, points: Points) -> Points:
        """Return points (N, 2) as the writer bows their verticals, tilts their horizontals and places their middle."""
        x, y = points.T
        bow, fan, sway = self._bends
        middle = x - 0.3
        inside = np.clip(y, 0, 1)  # the part below the baseline keeps its length
        warped_y = y - inside + inside**self._waist + sway / 2 * middle
        warped_x = x + bow * ((y - 0.5) ** 2 - 0.25) + fan * middle * (y - 0.5)
        return np.stack([warped_x, warped_y], axis=1)

    def _lean(self, curve: Points, extra: float = 0.0) -> Points:
        """Return the curve (T, 2) with the writer's width and slant; `extra` is added to the slope."""
        x, y = curve.T
        return np.stack([x * self._stretch + y * (self._slope + extra), y], axis=1)


def sample_tip(rng: np.random.Generator) -> PenTip:
    """Draw a pen: mostly a ballpoint, otherwise a pencil, a marker, a broad or a pointed nib."""
    kind = rng.random()
    if kind < 0.5:
        return PenTip(rng.uniform(0.045, 0.11), taper=rng.uniform(0, 0.3))
    if kind < 0.62:
        return PenTip(rng.uniform(0.035, 0.07), taper=rng.uniform(0, 0.4), grain=rng.uniform(0.2, 0.5))
    if kind < 0.78:
        return PenTip(rng.uniform(0.1, 0.15), taper=rng.uniform(0, 0.6))
    if kind < 0.9:
        nib_angle = float(np.radians(rng.uniform(20, 60)))
        return PenTip(rng.uniform(0.08, 0.15), rng.uniform(0.4, 0.75), nib_angle)
    return PenTip(rng.uniform(0.07, 0.13), rng.uniform(0.35, 0.65), taper=rng.uniform(0, 0.4))


def ligature(rng: np.random.Generator, left: Points, right: Points) -> Points | None:
    """Return a slightly sagging stroke (12, 2) float32 that connects two digits, given by ink points (N, 2), y down.

    None if it would be too long or too steep, or if the digits overlap there.
    """
    if not len(left) or not len(right):
        return None
    height = max(float(np.ptp(left[:, 1])), float(np.ptp(right[:, 1])))
    band = rng.uniform(0, 1)
    start = _edge_point(left, band, rightmost=True)
    end = _edge_point(right, float(np.clip(band + rng.normal(0, 0.25), 0, 1)), rightmost=False)
    reach = end - start
    if reach[0] <= 0 or np.hypot(*reach) > _MAX_LIGATURE * height or abs(reach[1]) > 0.4 * height:
        return None
    sag = np.array([0, rng.uniform(0.05, 0.3) * reach[0] + 0.02 * height])
    t = np.linspace(0, 1, 12)[:, None]
    line = start + reach * t + sag * 4 * t * (1 - t)
    return line.astype(np.float32)


def _edge_point(points: Points, band: float, rightmost: bool) -> FloatArray:
    """Return the outermost point (2,) of those near a relative height: 0 is the top, 1 the bottom."""
    y = points[:, 1]
    wanted = y.min() + band * np.ptp(y)
    near = points[np.abs(y - wanted) <= max(0.1 * np.ptp(y), np.abs(y - wanted).min())]
    at = near[:, 0].argmax() if rightmost else near[:, 0].argmin()
    return near[at].astype(np.float64)


def _scribble_points(rng: np.random.Generator) -> Points:
    """Return control points (N, 2) of a wavy line with loops, at least about one digit height long."""
    waves = int(rng.integers(4, 15))
    pitch, x_height = rng.uniform(0.14, 0.26), rng.uniform(0.2, 0.5)
    tall = rng.random(waves) < rng.uniform(0, 0.3)
    low = rng.random(waves) < rng.uniform(0, 0.15)
    tops = x_height * rng.uniform(0.6, 1.1, waves) + tall * (1 - x_height) * rng.uniform(0.6, 1, waves)
    feet = rng.normal(0, 0.04, waves) - low * 0.35 * rng.uniform(0.5, 1, waves)
    if rng.random() < 0.4:  # a signature fades into a line
        fade = np.linspace(1, rng.uniform(0.05, 0.5), waves)
        tops, feet = tops * fade, feet * fade
    pitch = max(pitch, 1.2 / waves)
    x = np.cumsum(rng.uniform(0.6, 1.4, waves)) * pitch
    loops = rng.uniform(-0.3, 0.7) * pitch  # how far the tops lean back; above about half they form loops
    rising = np.stack([x, (tops + feet) / 2], axis=1)
    top = np.stack([x + pitch * 0.3 - loops / 2, tops], axis=1)
    falling = np.stack([x + pitch * 0.3 - loops, (tops + feet) / 2], axis=1)
    foot = np.stack([x + pitch * 0.6, feet], axis=1)
    points = np.stack([rising, top, falling, foot], axis=1).reshape(-1, 2)
    if rng.random() < 0.3:  # underlined in the same stroke
        end = points[-1, 0]
        points = np.concatenate([points, [[end + 0.2, 0.1], [end * 0.6, -0.3], [0.2, -0.3], [end * 0.9, -0.2]]])
    return points.astype(np.float32)


def draw_path(rng: np.random.Generator, curve: Points, path: PenPath, tip: PenTip, label: int) -> Glyph:
    """Draw the samples (T, 2) of a path, in digit heights with y up, and crop them to the visible ink."""
    margin = int(np.ceil(tip.width * _HEIGHT)) + 1
    low, high = curve.min(axis=0) * _HEIGHT, curve.max(axis=0) * _HEIGHT
    left, top = int(np.floor(low[0])) - margin, int(np.ceil(high[1])) + margin
    columns, rows = int(high[0]) + margin + 1 - left, top + margin + 1 - int(np.floor(low[1]))
    canvas = np.zeros((rows * _OVERSAMPLING, columns * _OVERSAMPLING), np.uint8)
    # OpenCV's coordinates start at pixel centres, hence half a pixel.
    pixels = (curve * (1, -1) * _HEIGHT + (-left, top)) * _OVERSAMPLING - 0.5
    _trace(canvas, np.rint(pixels * (1 << _FRACTION_BITS)).astype(np.int32), _thickness(curve, path, tip))
    drawn = cv2.resize(canvas, (columns, rows), interpolation=cv2.INTER_AREA)
    ink = np.multiply(drawn, np.float32(1 / 255), dtype=np.float32)
    if tip.grain:
        ink *= 1 - rng.random(ink.shape, np.float32) * tip.grain
    x, y, width, height = visible_rectangle(ink)
    crop = np.ascontiguousarray(ink[y : y + height, x : x + width])
    return Glyph(crop, label, top=(top - y) / _HEIGHT, bottom=(top - y - height) / _HEIGHT)


def _thickness(curve: Points, path: PenPath, tip: PenTip) -> npt.NDArray[np.int64]:
    """Return the thickness (T - 1,) of every step in oversampled pixels; 0 where the pen is up."""
    widths = tip.widths(np.diff(curve, axis=0), path.from_end[1:])
    pixels = 2 * np.rint(widths * (_HEIGHT * _OVERSAMPLING / 2)).astype(np.int64)  # even only: fewer polylines to draw
    np.maximum(pixels, _OVERSAMPLING, out=pixels)
    pixels[path.starts[1:]] = 0
    return pixels


def _trace(canvas: Image, path: npt.NDArray[np.int32], thickness: npt.NDArray[np.int64]) -> None:
    """Draw a path (T, 2) of fixed-point pixels in place, as one polyline per run of equal thickness."""
    bounds = [0, *(np.flatnonzero(np.diff(thickness)) + 1).tolist(), len(thickness)]
    for a, b in pairwise(bounds):
        if thickness[a]:
            cv2.polylines(canvas, [path[a : b + 1]], False, 255, int(thickness[a]), cv2.LINE_8, _FRACTION_BITS)
