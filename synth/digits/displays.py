"""Seven-segment digits: on lit displays, on liquid crystal displays, and printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from digitdet.common.types import Points
from digitdet.synth.digits.glyphs import NO_DIGIT, Glyph, GlyphSource, Ink, unit_ink

PRINTED_SHARE = 0.35
"""Share of printed styles, which have no unlit segments or dots."""

_HEIGHT = 64  # pixels of a seven-segment digit
_OVERSAMPLING = 2
_FRACTION_BITS = 4  # of the fixed-point coordinates that OpenCV takes
_POINT_MARGIN = 0.03  # least space between a point and the cells beside it in digit heights
_DIM_SHARE = 0.3  # share of the digits with a failing segment on displays that have some
_PADDING = 10  # oversampled pixels around each shape, so that blurring one does not reach the next

# Segments in the usual order: a top, b upper right, c lower right, d bottom, e lower left, f upper left, g middle.
_SEGMENTS = "abcdefg"
_DIGITS = ("abcdef", "bc", "abdeg", "abcdg", "bcfg", "acdfg", "acdefg", "abc", "abcdefg", "abcdfg")

# Probabilities of the segment shapes, on displays and in print.
_DISPLAY_SHAPES = {"mitre": 0.3, "hexagon": 0.3, "bar": 0.15, "bent": 0.25}
_PRINTED_SHAPES = {"lens": 0.45, "bent": 0.35, "bar": 0.1, "hexagon": 0.1}
# Least thickness on displays and in print, and greatest thickness of each shape, in digit heights.
_MIN_THICKNESS, _MIN_PRINTED_THICKNESS = 0.03, 0.06
_MAX_THICKNESS = {"mitre": 0.19, "hexagon": 0.17, "bar": 0.17, "bent": 0.13, "lens": 0.17}


@dataclass(frozen=True)
class SegmentStyle:
    """How the digits of one seven-segment display look. Lengths are in digit heights."""

    shape: str
    """'hexagon' has pointed ends, 'mitre' also filled outer corners, 'bar' straight ends, 'lens' round ends; 'bent'
    has a top and a bottom that continue around the corners."""
    width: float  # outer width of a digit
    thickness: float
    gap: float  # distance from the end of a segment to the point where it would meet its neighbour
    roundness: float  # rounding of all corners, as a share of the thickness
    outline: float  # line width of hollow segments; 0 for filled segments
    bend: float  # length of the sides of 'bent' segments
    fullness: float  # exponent of the superellipse of a 'lens': 2 is an ellipse, higher values approach a rounded bar
    slant: float  # degrees; positive leans right
    spacing: float  # free space between two cells
    digits: tuple[str, ...]  # the lit segments of 0 to 9
    proportional: bool  # whether a 1 is narrower than the other digits
    printed: bool  # whether there are no unlit segments
    uneven: float  # greatest loss of brightness of a segment, 0 to 1
    dim: float  # loss of brightness of single failing segments, 0 to 1
    point_size: float  # side of a decimal point
    round_dots: bool  # whether points are round instead of square
    point_height: float  # of a decimal point above the baseline: 0, or the middle of the digits


def sample_segment_style(rng: np.random.Generator, printed: bool) -> SegmentStyle:
    """Draw a random style."""
    shapes = _PRINTED_SHAPES if printed else _DISPLAY_SHAPES
    shape = str(rng.choice(list(shapes), p=list(shapes.values())))
    thickness = rng.uniform(_MIN_PRINTED_THICKNESS, _MAX_THICKNESS[shape])
    if not printed and rng.random() < 0.45:  # the thin segments of meters and instruments
        thickness = _MIN_THICKNESS * 3 ** rng.random()
    wide_gap = rng.random() < (0.4 if printed else 0.15)
    # Thick segments with wide gaps would shrink to dots and make illegible digits.
    max_gap = (0.5 - 2.8 * thickness) / 2
    gap = min(float(rng.uniform(0.03, 0.08) if wide_gap else rng.uniform(0, 0.02)), max_gap)
    width = max(rng.uniform(0.42, 0.64), 3 * thickness + 2 * gap)
    hollow = shape == "mitre" and thickness > 0.12 and rng.random() < 0.4
    uneven = rng.uniform(0.1, 0.25 if printed else 0.3) if rng.random() < 0.3 else 0.0
    digits = list(_DIGITS)
    if rng.random() < 0.15:
        digits[6] = "cdefg"
    if rng.random() < 0.15:
        digits[9] = "abcfg"
    if rng.random() < 0.2:
        digits[7] = "abcf"
    return SegmentStyle(
        shape=shape,
        width=width,
        thickness=thickness,
        gap=gap,
        roundness=0.0 if hollow else rng.uniform(0.05, 0.4) * float(rng.random() < (0.9 if printed else 0.5)),
        outline=rng.uniform(0.03, 0.04) if hollow else 0.0,
        bend=rng.uniform(0.03, 0.1),
        fullness=rng.uniform(2.2, 5),
        slant=0.0 if rng.random() < 0.3 else rng.uniform(2, 15),
        spacing=rng.uniform(0.07, 0.4),
        digits=tuple(digits),
        proportional=bool(printed and rng.random() < 0.35),
        printed=printed,
        uneven=uneven,
        dim=rng.uniform(0.15, 0.35) if not uneven and rng.random() < 0.12 else 0.0,
        point_size=min(max(thickness * rng.uniform(0.7, 1.5), 0.05), 0.16),
        round_dots=bool(rng.random() < 0.6),
        point_height=0.45 if rng.random() < 0.04 else 0.0,
    )


def sample_segment_display(rng: np.random.Generator) -> SegmentDisplay:
    """Draw a seven-segment display or print; its digits are equally wide, except for some printed styles."""
    return SegmentDisplay(sample_segment_style(rng, bool(rng.random() < PRINTED_SHARE)))


class SegmentDisplay(GlyphSource):
    """One seven-segment display. Glyphs are whole cells, with empty `ink` where segments are unlit."""

    def __init__(self, style: SegmentStyle) -> None:
        self.style = style
        self._lean = float(np.tan(np.radians(style.slant)))
        shapes = [[_slant(points, self._lean)] for points in _segment_polygons(style)]
        self._masks = _fill_shapes(shapes, style.width + self._lean, 1.0, style.roundness * style.thickness)
        if style.outline:
            self._masks = _hollow(self._masks, style.outline)

    def sample(self, rng: np.random.Generator, digit: int) -> Glyph:
        """Return the cell that shows `digit`, 64 px high; `faint` holds the unlit segments, None in print."""
        return self._glyph(rng, self.style.digits[digit], digit)

    def mark(self, rng: np.random.Generator, character: str) -> Glyph | None:
        """Return one of ``. , : -``; a dash is a whole cell, the others stand in the space between two cells."""
        if character == "-":
            return self._glyph(rng, "g", NO_DIGIT)
        size = self.style.point_size
        if character == ".":
            height = self.style.point_height
            return self._points([_square(1 - height - size, size)], size, bottom=height)
        if character == ",":
            tail = np.array([[0.35 * size, 1], [size, 1], [0.3 * size, 1.14], [0, 1.14]])
            return self._points([_square(1 - size, size), tail], size, bottom=-0.14)
        if character == ":":
            return self._points([_square(0.3 - size / 2, size), _square(0.7 - size / 2, size)], size)
        return None

    def _glyph(self, rng: np.random.Generator, lit: str, label: int) -> Glyph:
        style = self.style
        is_lit = np.array([name in lit for name in _SEGMENTS], np.float32)
        strength = is_lit * (1 - np.float32(style.uneven) * rng.random(7, np.float32))
        if style.dim and rng.random() < _DIM_SHARE:
            strength[int(rng.integers(7))] *= np.float32(1 - style.dim)
        # Segments without a gap overlap by a pixel.
        ink = np.minimum(np.tensordot(strength, self._masks, 1), np.float32(1))
        width = style.width
        if style.proportional:
            columns = np.flatnonzero((ink > 0.05).any(axis=0))
            ink = np.ascontiguousarray(ink[:, columns[0] : columns[-1] + 1])
            width = ink.shape[1] / _HEIGHT - (0 if label == NO_DIGIT else self._lean)
        faint = None if style.printed else np.minimum(np.tensordot(1 - is_lit, self._masks, 1), np.float32(1))
        return Glyph(ink, label, left=style.spacing / 2, advance=width + style.spacing, faint=faint)

    def _points(self, polygons: Sequence[Points], size: float, bottom: float = 0.0) -> Glyph:
        """Return a mark about `size` wide in the space between two cells, which it widens only if it does not fit."""
        slanted = [_slant(points, self._lean) - [self._lean * bottom, 0] for points in polygons]
        rounding = 0.45 * size if self.style.round_dots else 0.0
        top = 1 - min(float(points[:, 1].min()) for points in slanted)
        raised = [points - [0, 1 - top] for points in slanted]
        width = max(float(points[:, 0].max()) for points in raised)
        ink = _fill_shapes([raised], width, top - bottom, rounding)[0]
        space = max(self.style.spacing, size + 2 * _POINT_MARGIN)
        left = (space - size) / 2 - self.style.spacing / 2
        return Glyph(
            ink,
            NO_DIGIT,
            top=top,
            bottom=bottom,
            left=left + self._lean * bottom,
            advance=space - self.style.spacing,
        )


def _square(top: float, size: float) -> Points:
    return np.array([[0, top], [size, top], [size, top + size], [0, top + size]])


def _slant(points: Points, lean: float) -> Points:
    """Slant points (N, 2) about the baseline; y runs from 0 (top) to 1 (baseline)."""
    return np.column_stack([points[:, 0] + (1 - points[:, 1]) * lean, points[:, 1]])


def _segment_polygons(style: SegmentStyle) -> list[Points]:
    """Return the corners (N, 2) of the segments a to g of an upright digit, in digit heights from its top left."""
    half = style.thickness / 2
    left, right, top, middle, bottom = half, style.width - half, half, 0.5, 1 - half
    # Clockwise around the digit: its outside is on the left of each segment's direction.
    corners = [(left, top), (right, top), (right, middle), (right, bottom), (left, bottom), (left, middle), (left, top)]
    lines = [*pairwise(corners), ((left, middle), (right, middle))]
    polygons = [_straight_segment(np.array(start), np.array(end), style) for start, end in lines]
    if style.shape == "bent":
        polygons[0] = _bent_segment(style)
        polygons[3] = _bent_segment(style) * [1, -1] + [0, 1]
    return polygons


def _straight_segment(start: Points, end: Points, style: SegmentStyle) -> Points:
    """Return the corners of a segment between two points (2,) where the centre lines of segments meet."""
    half = style.thickness / 2
    along = end - start
    length = float(np.hypot(*along))
    along = along / length
    out = np.array([along[1], -along[0]])
    if style.shape == "lens":
        angle = np.linspace(0, 2 * np.pi, 32, endpoint=False)
        power = 2 / style.fullness
        radius = length / 2 - style.gap - 0.3 * half
        u = length / 2 + radius * np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** power
        v = half * np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** power
    else:
        (u0, u1, u2), (u3, u4, u5) = (_end_cut(point, style) for point in (start, end))
        u = np.array([u0, u1, u2, length - u5, length - u4, length - u3])
        v = half * np.array([1, 0, -1, -1, 0, 1])
    corners: Points = start + u[:, None] * along + v[:, None] * out
    return corners


def _end_cut(point: Points, style: SegmentStyle) -> tuple[float, float, float]:
    """Return the distances from a meeting point to the segment's end: at its outer edge, middle and inner edge."""
    half, gap = style.thickness / 2, style.gap
    at_corner = abs(point[1] - 0.5) > 0.1
    if style.shape == "bent" and at_corner:
        cut = style.bend + 1.5 * gap
        return cut, cut, cut
    if style.shape == "bar":
        return half + gap, half + gap, half + gap
    if style.shape == "mitre" and at_corner:
        return gap - half, gap, gap + half
    return gap + half, gap, gap + half


def _bent_segment(style: SegmentStyle) -> Points:
    """Return the corners of a top segment that continues around both upper corners."""
    thick, width = style.thickness, style.width
    end = style.bend + 0.5 * thick  # where the vertical segments begin, apart from the gap
    cut = min(0.8 * end, 0.45 * width)  # of the outer corners
    inner = thick + 0.5 * cut
    side = [[0, end], [0, cut], [cut, 0]]
    inner_side = [[inner, thick], [thick, max(inner, thick)], [thick, end]]
    mirrored = [[width - x, y] for x, y in reversed(side)]
    inner_mirrored = [[width - x, y] for x, y in reversed(inner_side)]
    return np.array(side + mirrored + inner_mirrored + inner_side, np.float64)


def _fill_shapes(shapes: Sequence[Sequence[Points]], width: float, height: float, rounding: float) -> Ink:
    """Return the coverage (N, H, W) of N shapes of one or more polygons each; lengths are in digit heights.

    All shapes are drawn side by side on one canvas, so that they are blurred and shrunk together. `rounding` is the
    approximate radius of the corners.
    """
    rows, columns = max(round(height * _HEIGHT), 1), int(np.ceil(width * _HEIGHT))
    inset = _PADDING // _OVERSAMPLING
    cell = columns + 2 * inset
    canvas = np.zeros(((rows + 2 * inset) * _OVERSAMPLING, cell * _OVERSAMPLING * len(shapes)), np.uint8)
    for index, polygons in enumerate(shapes):
        origin = np.array([index * cell + inset, inset]) * _OVERSAMPLING - 0.5
        for points in polygons:
            fixed = (points * (_HEIGHT * _OVERSAMPLING) + origin) * (1 << _FRACTION_BITS)
            cv2.fillPoly(canvas, [np.rint(fixed).astype(np.int32)], 255, cv2.LINE_AA, _FRACTION_BITS)
    sigma = 0.55 * rounding * _HEIGHT * _OVERSAMPLING
    if sigma > 0.5:
        canvas = np.asarray(cv2.GaussianBlur(canvas, (0, 0), min(sigma, _PADDING / 2)), np.uint8)
    size = (canvas.shape[1] // _OVERSAMPLING, canvas.shape[0] // _OVERSAMPLING)
    small = unit_ink(np.asarray(cv2.resize(canvas, size, interpolation=cv2.INTER_AREA), np.uint8))
    if sigma > 0.5:  # make the blurred edge about a pixel wide again
        small = np.clip((small - 0.5) * np.float32(max(sigma * 1.25, 1)) + 0.5, 0, 1)
    cells = small.reshape(rows + 2 * inset, len(shapes), cell).transpose(1, 0, 2)
    return np.ascontiguousarray(cells[:, inset : inset + rows, inset : inset + columns])


def _hollow(masks: Ink, line: float) -> Ink:
    """Return the outlines of shapes (N, H, W), `line` digit heights wide."""
    count, rows, columns = masks.shape
    canvas = cv2.copyMakeBorder(masks.transpose(1, 0, 2).reshape(rows, -1), 1, 1, 0, 0, cv2.BORDER_CONSTANT, value=0)
    side = 2 * max(round(line * _HEIGHT), 1) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    core = cv2.erode(canvas, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return np.ascontiguousarray((canvas - core)[1:-1].reshape(rows, count, columns).transpose(1, 0, 2))
