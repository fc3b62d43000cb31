"""Digits of seven segments: lit, on liquid crystal, or printed on a circuit board."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from digitdet.synth.digits.glyphs import NO_DIGIT, Glyph, GlyphSource

Ink = npt.NDArray[np.float32]
Points = npt.NDArray[np.float64]

_HEIGHT = 64  # pixels of a seven-segment digit
_OVERSAMPLING = 2
_FRACTION_BITS = 4  # OpenCV takes corner points as integers with this many binary places
_PADDING = 10  # oversampled pixels around each shape, so that blurring one does not touch the next

# Segments in the usual order: a top, b upper right, c lower right, d bottom, e lower left, f upper left, g middle.
_SEGMENTS = "abcdefg"
_DIGITS = ("abcdef", "bc", "abdeg", "abcdg", "bcfg", "acdfg", "acdefg", "abc", "abcdefg", "abcdfg")

# How often each shape of segment is drawn, on lit displays and in print.
_LIT_SHAPES = {"mitre": 0.3, "hexagon": 0.3, "bar": 0.15, "bent": 0.25}
_PRINTED_SHAPES = {"lens": 0.45, "bent": 0.35, "bar": 0.1, "hexagon": 0.1}
# In digit heights.
_THICKEST = {"mitre": 0.17, "hexagon": 0.16, "bar": 0.16, "bent": 0.13, "lens": 0.17}


@dataclass(frozen=True)
class SegmentStyle:
    """How the digits of one seven-segment display look. Lengths are in digit heights."""

    shape: str
    """'hexagon' has pointed ends, 'mitre' also filled outer corners, 'bar' straight ends, 'lens' round ones; 'bent'
    has a top and a bottom that lead round the corners."""
    width: float
    """Outer width of a digit."""
    thickness: float
    gap: float
    """How far each segment ends before the point where it would meet its neighbour."""
    roundness: float
    """Rounding of all corners, as a part of the thickness."""
    outline: float
    """Thickness of the contour where segments are hollow; 0 where they are filled."""
    bend: float
    """How far the top and the bottom of 'bent' segments reach down and up the sides."""
    fullness: float
    """Exponent of a 'lens': 2 is an ellipse, higher ones are nearer to a bar with rounded corners."""
    slant: float
    """Degrees; positive leans right."""
    spacing: float
    """Free space between two cells."""
    digits: tuple[str, ...]
    """The lit segments of 0 to 9."""
    proportional: bool
    """Whether a 1 takes less room than a digit cell."""
    printed: bool
    """Whether unlit segments do not exist."""
    uneven: float
    """How much fainter (0 to 1) a segment can be than the brightest."""
    round_dots: bool
    """Whether points are discs, not squares."""


class SevenSegmentGlyphs(GlyphSource):
    """Seven-segment displays of many makes; `choose` picks one. A part of them is printed and has no unlit segments."""

    def __init__(self, printed_share: float = 0.35) -> None:
        self._printed_share = printed_share

    def choose(self, rng: np.random.Generator) -> GlyphSource:
        """One display, whose digits stand in cells of equal width (but for some of the printed ones)."""
        return SegmentDisplay(sample_segment_style(rng, bool(rng.random() < self._printed_share)))

    def sample(self, rng: np.random.Generator, digit: int) -> Glyph:
        """A digit of a display of its own."""
        return self.choose(rng).sample(rng, digit)

    def mark(self, rng: np.random.Generator, character: str) -> Glyph | None:
        """One of ``. , : -`` of a display of its own."""
        return self.choose(rng).mark(rng, character)


def sample_segment_style(rng: np.random.Generator, printed: bool) -> SegmentStyle:
    """A random make of display."""
    shapes = _PRINTED_SHAPES if printed else _LIT_SHAPES
    shape = str(rng.choice(list(shapes), p=list(shapes.values())))
    thickness = float(rng.uniform(0.06, _THICKEST[shape]))
    wide_gap = rng.random() < (0.4 if printed else 0.15)
    # Where thick segments end far from each other they shrink to dots that nobody reads as a digit.
    widest_gap = (0.5 - 2.8 * thickness) / 2
    gap = min(float(rng.uniform(0.03, 0.08) if wide_gap else rng.uniform(0, 0.02)), widest_gap)
    width = max(float(rng.uniform(0.42, 0.64)), 3 * thickness + 2 * gap)
    hollow = shape == "mitre" and thickness > 0.12 and rng.random() < 0.4
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
        roundness=0.0 if hollow else float(rng.uniform(0.05, 0.4)) * float(rng.random() < (0.9 if printed else 0.5)),
        outline=float(rng.uniform(0.03, 0.04)) if hollow else 0.0,
        bend=float(rng.uniform(0.03, 0.1)),
        fullness=float(rng.uniform(2.2, 5)),
        slant=0.0 if rng.random() < 0.35 else float(rng.uniform(2, 12)),
        spacing=float(rng.uniform(0.12, 0.4)),
        digits=tuple(digits),
        proportional=bool(printed and rng.random() < 0.35),
        printed=printed,
        uneven=float(rng.uniform(0.1, 0.25 if printed else 0.4)) if rng.random() < 0.3 else 0.0,
        round_dots=bool(rng.random() < 0.6),
    )


class SegmentDisplay(GlyphSource):
    """One seven-segment display. Its glyphs are whole cells: `ink` is empty where the cell's segments are unlit."""

    def __init__(self, style: SegmentStyle) -> None:
        self.style = style
        self._lean = float(np.tan(np.radians(style.slant)))
        shapes = [[_slanted(points, self._lean)] for points in _segment_polygons(style)]
        self._masks = _fill_shapes(shapes, style.width + self._lean, 1.0, style.roundness * style.thickness)
        if style.outline:
            self._masks = _hollow(self._masks, style.outline)

    def sample(self, rng: np.random.Generator, digit: int) -> Glyph:
        """The cell with `digit` lit, 64 px high; `faint` holds the unlit segments, or is None in print."""
        return self._glyph(rng, self.style.digits[digit], digit)

    def mark(self, rng: np.random.Generator, character: str) -> Glyph | None:
        """One of ``. , : -``; a dash takes a cell, the others stand close to the digit before them."""
        if character == "-":
            return self._glyph(rng, "g", NO_DIGIT)
        size = max(1.1 * self.style.thickness, 0.09)
        if character == ".":
            return self._points([_square(0, 1 - size, size)], size)
        if character == ",":
            tail = np.array([[0.35 * size, 1], [size, 1], [0.3 * size, 1.14], [0, 1.14]])
            return self._points([_square(0, 1 - size, size), tail], size, bottom=-0.14)
        if character == ":":
            return self._points([_square(0, 0.3 - size / 2, size), _square(0, 0.7 - size / 2, size)], size)
        return None

    def _glyph(self, rng: np.random.Generator, lit: str, label: int) -> Glyph:
        style = self.style
        is_lit = np.array([name in lit for name in _SEGMENTS], np.float32)
        strength = is_lit * (1 - np.float32(style.uneven) * rng.random(7, np.float32))
        # Segments without a gap overlap by a pixel.
        ink = np.minimum(np.tensordot(strength, self._masks, 1), np.float32(1))
        if style.proportional:
            columns = np.flatnonzero((ink > 0.05).any(axis=0))
            ink = np.ascontiguousarray(ink[:, columns[0] : columns[-1] + 1])
            width = ink.shape[1] / _HEIGHT - (0 if label == NO_DIGIT else self._lean)
        else:
            width = style.width
        faint = None if style.printed else np.minimum(np.tensordot(1 - is_lit, self._masks, 1), np.float32(1))
        return Glyph(ink, label, left=style.spacing / 2, advance=width + style.spacing, faint=faint)

    def _points(self, polygons: Sequence[Points], size: float, bottom: float = 0.0) -> Glyph:
        """A mark of the given shapes, as wide as `size`, that starts in the space behind the last digit."""
        slanted = [_slanted(points, self._lean) - [self._lean * min(bottom, 0), 0] for points in polygons]
        rounding = 0.45 * size if self.style.round_dots else 0.0
        top = 1 - min(float(points[:, 1].min()) for points in slanted)
        raised = [points - [0, 1 - top] for points in slanted]
        width = max(float(points[:, 0].max()) for points in raised)
        ink = _fill_shapes([raised], width, top - bottom, rounding)[0]
        shift = self.style.spacing / 2 - 0.04
        advance = max(size + 0.08 - shift, 0.05)
        return Glyph(ink, NO_DIGIT, top=top, bottom=bottom, left=-shift + self._lean * min(bottom, 0), advance=advance)


def _square(left: float, top: float, size: float) -> Points:
    return np.array([[left, top], [left + size, top], [left + size, top + size], [left, top + size]])


def _slanted(points: Points, lean: float) -> Points:
    """Points (N, 2) as x, y with y from 0 (top) to 1 (baseline), leaned to the right of the baseline."""
    return np.column_stack([points[:, 0] + (1 - points[:, 1]) * lean, points[:, 1]])


def _segment_polygons(style: SegmentStyle) -> list[Points]:
    """Corner points (N, 2) of the segments a to g of an upright digit, in digit heights from its top left."""
    half = style.thickness / 2
    left, right, top, middle, bottom = half, style.width - half, half, 0.5, 1 - half
    # Each runs so that the outside of the digit is on its left hand.
    lines = [
        ((left, top), (right, top)),
        ((right, top), (right, middle)),
        ((right, middle), (right, bottom)),
        ((right, bottom), (left, bottom)),
        ((left, bottom), (left, middle)),
        ((left, middle), (left, top)),
        ((left, middle), (right, middle)),
    ]
    polygons = [_straight_segment(np.array(start), np.array(end), style) for start, end in lines]
    if style.shape == "bent":
        polygons[0] = _bent_segment(style)
        polygons[3] = _bent_segment(style) * [1, -1] + [0, 1]
    return polygons


def _straight_segment(start: Points, end: Points, style: SegmentStyle) -> Points:
    """Corner points of a segment between two points where the middle lines of segments meet."""
    half = style.thickness / 2
    along = end - start
    length = float(np.hypot(*along))
    along = along / length
    out = np.array([along[1], -along[0]])
    if style.shape == "lens":
        turn = np.linspace(0, 2 * np.pi, 32, endpoint=False)
        power = 2 / style.fullness
        radius = length / 2 - style.gap - 0.3 * half
        u = length / 2 + radius * np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** power
        v = half * np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** power
    else:
        (u0, u1, u2), (u3, u4, u5) = (_end_cut(point, style) for point in (start, end))
        u = np.array([u0, u1, u2, length - u5, length - u4, length - u3])
        v = half * np.array([1, 0, -1, -1, 0, 1])
    corners: Points = start + u[:, None] * along + v[:, None] * out
    return corners


def _end_cut(point: Points, style: SegmentStyle) -> tuple[float, float, float]:
    """How far from the meeting `point` a segment ends at its outer edge, its middle and its inner edge."""
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
    """Corner points of a top segment that leads round both upper corners."""
    thick, width = style.thickness, style.width
    end = style.bend + 0.5 * thick  # where the sides begin but for the gap, see _end_cut
    cut = min(0.8 * end, 0.45 * width)  # of the outer corners
    inner = thick + 0.5 * cut
    side = [[0, end], [0, cut], [cut, 0]]
    inner_side = [[inner, thick], [thick, max(inner, thick)], [thick, end]]
    mirrored = [[width - x, y] for x, y in reversed(side)]
    inner_mirrored = [[width - x, y] for x, y in reversed(inner_side)]
    return np.array(side + mirrored + inner_mirrored + inner_side, np.float64)


def _fill_shapes(shapes: Sequence[Sequence[Points]], width: float, height: float, rounding: float) -> Ink:
    """Coverage (N, H, W), 0 to 1, of N shapes of one or more polygons each; lengths in digit heights.

    All are drawn on one sheet, so that blurring and shrinking are paid once. `rounding` is the radius, about, to
    which corners are worn.
    """
    rows, columns = max(round(height * _HEIGHT), 1), int(np.ceil(width * _HEIGHT))
    inset = _PADDING // _OVERSAMPLING
    cell = columns + 2 * inset
    sheet = np.zeros(((rows + 2 * inset) * _OVERSAMPLING, cell * _OVERSAMPLING * len(shapes)), np.uint8)
    for index, polygons in enumerate(shapes):
        origin = np.array([index * cell + inset, inset]) * _OVERSAMPLING - 0.5
        for points in polygons:
            place = (points * (_HEIGHT * _OVERSAMPLING) + origin) * (1 << _FRACTION_BITS)
            cv2.fillPoly(sheet, [np.rint(place).astype(np.int32)], 255, cv2.LINE_AA, _FRACTION_BITS)
    sigma = 0.55 * rounding * _HEIGHT * _OVERSAMPLING
    if sigma > 0.5:
        sheet = np.asarray(cv2.GaussianBlur(sheet, (0, 0), min(sigma, _PADDING / 2)), np.uint8)
    size = (sheet.shape[1] // _OVERSAMPLING, sheet.shape[0] // _OVERSAMPLING)
    small = cv2.resize(sheet, size, interpolation=cv2.INTER_AREA).astype(np.float32) / np.float32(255)
    if sigma > 0.5:  # the blur's slope becomes an edge about a pixel wide again
        small = np.clip((small - 0.5) * np.float32(max(sigma * 1.25, 1)) + 0.5, 0, 1)
    cells = small.reshape(rows + 2 * inset, len(shapes), cell).transpose(1, 0, 2)
    return np.ascontiguousarray(cells[:, inset : inset + rows, inset : inset + columns])


def _hollow(masks: Ink, line: float) -> Ink:
    """The contours of shapes (N, H, W), `line` digit heights thick."""
    count, rows, columns = masks.shape
    sheet = cv2.copyMakeBorder(masks.transpose(1, 0, 2).reshape(rows, -1), 1, 1, 0, 0, cv2.BORDER_CONSTANT, value=0)
    side = 2 * max(round(line * _HEIGHT), 1) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    core = cv2.erode(sheet, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return np.ascontiguousarray((sheet - core)[1:-1].reshape(rows, count, columns).transpose(1, 0, 2))
