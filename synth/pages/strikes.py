"""Strike out a number with the pen that wrote it: lines, a cross, a zigzag, loops, or a slash through every digit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import cv2
import numpy as np

from digitdet.common.characters import OTHER_SIGN
from digitdet.common.registry import draw_name
from digitdet.common.types import FloatArray, Mask, Points
from digitdet.synth.digits.drawing import GlyphStyle, scale_of, style_matrix
from digitdet.synth.digits.glyphs import NO_DIGIT
from digitdet.synth.digits.pen import PenTip, draw_path
from digitdet.synth.digits.pen_shapes import smooth_shape
from digitdet.synth.pages.lines import Line, LineGlyph, placed_ink

Strikes = Callable[[np.random.Generator, FloatArray], list[Points]]
"""f(rng, boxes): control points (N, 2) of each stroke through digits with these boxes (D, 4), in digit heights, y down.

A stroke of two points is straight; longer ones are smooth.
"""

# A narrower number, in digit heights, could be taken for a digit with a bar: one line through it is not enough.
_NARROW = 1.0
# Fewer slashed digits could be ones and slashed zeros.
_MIN_SLASHES = 3
# Distance of the control points of a long line, in digit heights; between them a hand wavers.
_STEP = 0.6
# Limits of the width of the pen in digit heights.
_PEN_WIDTH = (0.035, 0.16)


def strike_out(rng: np.random.Generator, line: Line, rows: Sequence[int]) -> Line:
    """Return a line with the number of these rows struck out: its characters are no digits any more."""
    if not rows:
        return line
    glyphs = list(line.glyphs)
    for row in rows:
        glyphs[row] = replace(glyphs[row], glyph=replace(glyphs[row].glyph, label=NO_DIGIT), character=OTHER_SIGN)
    boxes = np.array([number_box(line, [row]) for row in rows]) / line.height
    kind = sample_kind(rng, boxes)
    width = float(np.clip(pen_width(line, rows) * rng.uniform(0.85, 1.3), *_PEN_WIDTH))
    tip = PenTip(width, taper=rng.uniform(0, 0.4))
    strokes = [_stroke_glyph(rng, points, tip, line.height) for points in KINDS[kind](rng, boxes)]
    numbers = [number for number in line.numbers if not set(number) & set(rows)]
    struck = Line(line.height, [*glyphs, *strokes], numbers, line.strokes)
    around = np.array([line.box, *(number_box(struck, [row]) for row in range(len(glyphs), len(struck.glyphs)))])
    struck.box = np.concatenate([around[:, :2].min(axis=0), around[:, 2:].max(axis=0)])
    return struck


def sample_kind(rng: np.random.Generator, boxes: FloatArray) -> str:
    """Draw a kind that makes clear that a number with these boxes (D, 4), in digit heights, is struck out."""
    tall = boxes[_is_tall(boxes)]
    is_narrow = len(tall) == 1 or tall[:, 2].max() - tall[:, 0].min() < _NARROW
    weights = dict(_NARROW_WEIGHTS if is_narrow else _WEIGHTS)
    if len(tall) < _MIN_SLASHES:
        weights.pop("slashes", None)
    return draw_name(rng, weights)


def _is_tall(boxes: FloatArray) -> Mask:
    """Whether boxes (D, 4) are those of digits, and not of marks such as a point."""
    heights = boxes[:, 3] - boxes[:, 1]
    return np.asarray(heights > heights.max() / 2)


def number_box(line: Line, rows: Sequence[int]) -> FloatArray:
    """Return the box (4,) xyxy around the ink of some glyphs of a line, in pixels of the line."""
    ink = np.concatenate([placed_ink(line.glyphs[row]) for row in rows])
    return np.concatenate([ink.min(axis=0), ink.max(axis=0)]).astype(np.float64)


def pen_width(line: Line, rows: Sequence[int]) -> float:
    """Return the mean width of the strokes of some glyphs in digit heights."""
    widths = []
    for row in rows:
        placed = line.glyphs[row]
        inked = np.pad(placed.glyph.ink > placed.style.ink_threshold, 1).astype(np.uint8)
        distance = cv2.distanceTransform(inked, cv2.DIST_L2, 3)
        # Across a stroke w pixels wide, the distances to its edges are 1, 2, ..., 2, 1: their mean is (w + 2) / 4.
        pixels = max(4 * float(distance[inked > 0].mean()) - 2, 1.0) if inked.any() else 1.0
        widths.append(pixels * scale_of(style_matrix(placed.glyph, placed.style)))
    return float(np.mean(widths)) / line.height


def _stroke_glyph(rng: np.random.Generator, points: Points, tip: PenTip, height: float) -> LineGlyph:
    """Return a stroke through control points (N, 2) in digit heights as a glyph without a character."""
    shape = smooth_shape(len(points))
    curve = shape.curve((points * (1, -1)).astype(np.float32), 0.0 if len(points) == 2 else 1.0)
    glyph = draw_path(rng, curve, shape, tip, NO_DIGIT)
    style = GlyphStyle((glyph.top - glyph.bottom) * height, 1.0, 0.0, 0.0, 0.5)
    x = float(curve[:, 0].min() + curve[:, 0].max()) / 2
    return LineGlyph(glyph, style, x * height, -(glyph.top + glyph.bottom) / 2 * height)


def _around(boxes: FloatArray) -> tuple[float, float, float, float]:
    """Return the left and right end, the middle in y and the height of a number with these boxes."""
    top, bottom = float(np.median(boxes[:, 1])), float(np.median(boxes[:, 3]))
    height = max(bottom - top, 0.5)
    return float(boxes[:, 0].min()), float(boxes[:, 2].max()), (top + bottom) / 2, height


def _line(rng: np.random.Generator, x0: float, x1: float, y: float, rise: float) -> Points:
    """Return a hand-drawn line from before x0 to behind x1, `rise` higher at its end than at its start."""
    start, end = x0 - rng.uniform(-0.05, 0.25), x1 + rng.uniform(-0.05, 0.25)
    t = np.linspace(0, 1, max(int((end - start) / _STEP), 2) + 1)
    waver = rng.normal(0, 0.015, len(t)) + rng.normal(0, 0.05) * (1 - (2 * t - 1) ** 2)
    return np.column_stack([start + (end - start) * t, y - rise * (t - 0.5) + waver])


def _one_line(rng: np.random.Generator, boxes: FloatArray) -> list[Points]:
    x0, x1, middle, height = _around(boxes)
    return [_line(rng, x0, x1, middle + rng.uniform(-0.12, 0.12) * height, rng.normal(0.08, 0.12) * height)]


def _two_lines(rng: np.random.Generator, boxes: FloatArray) -> list[Points]:
    x0, x1, middle, height = _around(boxes)
    apart, rise = rng.uniform(0.15, 0.32) * height, rng.normal(0.08, 0.1) * height
    y = middle + rng.uniform(-0.08, 0.08) * height
    return [_line(rng, x0, x1, y + side * apart / 2, rise + rng.normal(0, 0.03)) for side in (-1, 1)]


def _diagonal(rng: np.random.Generator, boxes: FloatArray) -> list[Points]:
    x0, x1, middle, height = _around(boxes)
    rise = rng.uniform(0.5, 1.1) * height * (1 if rng.random() < 0.8 else -1)
    return [_line(rng, x0, x1, middle, rise)]


def _cross(rng: np.random.Generator, boxes: FloatArray) -> list[Points]:
    x0, x1, middle, height = _around(boxes)
    return [_line(rng, x0, x1, middle, side * rng.uniform(0.8, 1.25) * height) for side in (-1, 1)]


def _slashes(rng: np.random.Generator, boxes: FloatArray) -> list[Points]:
    """Return a slash through every digit. It leans to the left, while the strokes of digits lean to the right."""
    _, _, middle, height = _around(boxes)
    half_x, half_y = rng.uniform(0.4, 0.65), rng.uniform(0.45, 0.65) * height
    strokes: list[Points] = []
    for x in boxes[_is_tall(boxes)][:, [0, 2]].mean(axis=1):
        ends = np.array([[x - half_x, middle - half_y], [x + half_x, middle + half_y]])
        strokes.append(ends + rng.normal(0, 0.05, (2, 2)))
    return strokes


def _zigzag(rng: np.random.Generator, boxes: FloatArray) -> list[Points]:
    x0, x1, middle, height = _around(boxes)
    count = max(int((x1 - x0) / rng.uniform(0.13, 0.3)), 4) + 2
    x = np.linspace(x0 - rng.uniform(0, 0.15), x1 + rng.uniform(0, 0.15), count) + rng.normal(0, 0.03, count)
    swing = np.where(np.arange(count) % 2, -1, 1) * rng.uniform(0.25, 0.5) * height * rng.uniform(0.75, 1.1, count)
    points = np.column_stack([x + swing * rng.uniform(-0.5, 0.1), middle + swing + rng.normal(0, 0.04, count)])
    if rng.random() < 0.3:  # back over it once more
        return [np.concatenate([points, points[-2::-1] + rng.normal(0, 0.06, (count - 1, 2))])]
    return [points]


def _loops(rng: np.random.Generator, boxes: FloatArray) -> list[Points]:
    x0, x1, middle, height = _around(boxes)
    loops = max((x1 - x0) / rng.uniform(0.16, 0.32), 3.0)
    angle = np.arange(0, 2 * np.pi * loops, np.pi / 3)
    radius = rng.uniform(0.28, 0.48) * height * np.repeat(rng.uniform(0.7, 1.1, len(angle)), 3)[: len(angle)]
    across = rng.uniform(0.12, 0.22)
    x = np.linspace(x0 + across / 2, x1 - across / 2, len(angle)) + across * np.sin(angle)
    x += np.repeat(rng.normal(0, 0.05, len(angle)), 3)[: len(angle)]
    return [np.column_stack([x, middle + radius * np.cos(angle)])]


KINDS: dict[str, Strikes] = {
    "one line": _one_line,
    "two lines": _two_lines,
    "diagonal": _diagonal,
    "cross": _cross,
    "slashes": _slashes,
    "zigzag": _zigzag,
    "loops": _loops,
}
# Estimates.
_WEIGHTS = {
    "one line": 0.28,
    "two lines": 0.2,
    "diagonal": 0.1,
    "cross": 0.14,
    "slashes": 0.06,
    "zigzag": 0.15,
    "loops": 0.07,
}
# A single digit with one line or slash could be a 7 with its bar or a 0 with a slash.
_NARROW_WEIGHTS = {"two lines": 0.2, "cross": 0.35, "zigzag": 0.3, "loops": 0.15}
