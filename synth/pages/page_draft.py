"""A flat page that layouts and clutter add lines and shapes to, before the camera geometry is applied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from digitdet.common.types import Box, FloatArray, Points
from digitdet.configs.look import LookConfig
from digitdet.synth.pages.lines import Line, LineWriter
from digitdet.synth.pages.texts import sample_text, word
from digitdet.synth.surfaces.fields import sample_background_colour

# Free border of the page in pixels, so that the blurred edges of digits remain visible.
MARGIN = 3.0

# Eight points along each side of a square of side 1, clockwise from the left top corner.
_SIDE = np.arange(8) / 8
_UNIT_SQUARE = np.column_stack(
    [
        np.concatenate([_SIDE, np.ones(8), 1 - _SIDE, np.zeros(8)]),
        np.concatenate([np.zeros(8), _SIDE, np.ones(8), 1 - _SIDE]),
    ]
)


@dataclass(frozen=True)
class Ink:
    """What a line is written with."""

    name: str  # a key of `INKS`
    tint: FloatArray  # three numbers (3,) from 0 to 1 that determine the colour
    ghost: float  # strength (0 to 1) of the unlit segments of a display
    colour: FloatArray | None = None  # (3,) BGR, 0 to 255; None for one by `tint` that stands out from the background


@dataclass(frozen=True)
class Shape:
    """A flat shape: a filled polygon, or a line along its points."""

    points: Points
    colour: FloatArray  # (3,) BGR, 0 to 255
    thickness: float = 0.0  # line width in pixels; 0 fills the polygon
    closed: bool = True
    alpha: float = 1.0  # opacity, 0 to 1
    above: bool = False  # whether it is drawn on top of the ink, like a reflection, instead of below


@dataclass(frozen=True)
class PlacedLine:
    """A line of glyphs on the page, with its start and vertical middle at (`x`, `y`)."""

    line: Line
    x: float
    y: float
    dark: bool | None = None  # whether the ink is darker than the background below it; None for the default of the page
    ink: Ink | None = None  # None for one of the look's inks
    same_pen: bool = False  # whether it has one of the inks of the numbers, and perhaps a number, even if it is clutter

    @property
    def box(self) -> FloatArray:
        """The extent of the ink on the page, xyxy (4,)."""
        return self.line.box + [self.x, self.y, self.x, self.y]


@dataclass
class PageDraft:
    """A page of `width` x `height` pixels with its origin in the centre, y down.

    `sign_writer` may use another typeface for every character, because few typefaces have many symbols.
    """

    rng: np.random.Generator
    look: LookConfig
    number_writer: LineWriter
    clutter_writer: LineWriter
    sign_writer: LineWriter
    width: float
    height: float
    light: bool  # whether the background is light and takes dark ink
    words_only: bool = False  # whether texts are words, as in a picture without digits
    shapes: list[Shape] = field(default_factory=list)
    lines: list[PlacedLine] = field(default_factory=list)

    @property
    def right(self) -> float:
        """X of the right edge."""
        return self.width / 2

    @property
    def bottom(self) -> float:
        """Y of the bottom edge."""
        return self.height / 2

    def text(self) -> str:
        """Draw a text of the look's kinds; a word if the page may hold no digit."""
        return word(self.rng) if self.words_only else sample_text(self.rng, self.look)

    def extent(self) -> Box:
        """Return the box of all shapes and lines so far; an empty box in the centre if there are none."""
        boxes = [np.concatenate([shape.points.min(axis=0), shape.points.max(axis=0)]) for shape in self.shapes]
        boxes += [placed.box for placed in self.lines if placed.line.glyphs]
        if not boxes:
            return 0.0, 0.0, 0.0, 0.0
        every = np.array(boxes)
        low, high = every[:, :2].min(axis=0).tolist(), every[:, 2:].max(axis=0).tolist()
        return low[0], low[1], high[0], high[1]

    def background_colour(self, light: bool) -> FloatArray:
        """Draw a light or dark colour (3,) BGR, mostly near grey."""
        return np.asarray(sample_background_colour(self.rng, light), np.float64)

    def rule_colour(self) -> FloatArray:
        """Draw a colour (3,) BGR for rules and frames that contrasts with the page's background."""
        return self.background_colour(not self.light)

    def write(self, text: str, height: float, room: float) -> Line:
        """Return a line with digits `height` pixels high, as much of it as fits `room` pixels; it is not placed yet."""
        return self.number_writer.write(self.rng, text, height, room)

    def write_clutter(self, text: str, height: float) -> Line:
        """Return a line in the style of clutter, such as printed words beside handwritten numbers."""
        return self.clutter_writer.write(self.rng, text, height, np.inf)

    def put(
        self,
        line: Line,
        x: float,
        y: float,
        dark: bool | None = None,
        ink: Ink | None = None,
        same_pen: bool = False,
    ) -> None:
        """Place a line with the centre of its ink at (x, y)."""
        centre = (line.box[:2] + line.box[2:]) / 2
        self.lines.append(PlacedLine(line, x - float(centre[0]), y - float(centre[1]), dark, ink, same_pen))

    def put_left(self, line: Line, x: float, y: float, dark: bool | None = None) -> None:
        """Place a line with the left end of its ink at x and the middle of its digits at y."""
        self.lines.append(PlacedLine(line, x - float(line.box[0]), y, dark))

    def add_shape(
        self,
        points: Points,
        colour: FloatArray,
        thickness: float = 0.0,
        closed: bool = True,
        alpha: float = 1.0,
        above: bool = False,
    ) -> None:
        """Add a filled polygon (thickness 0), an outline or a line, below the ink or `above` it."""
        self.shapes.append(Shape(points, colour, thickness, closed, alpha, above))

    def rule(
        self, x0: float, y0: float, x1: float, y1: float, colour: FloatArray, thickness: float, alpha: float = 1.0
    ) -> None:
        """Add a straight line, with intermediate points so that it can bend with the page."""
        steps = np.linspace(0, 1, 9)[:, None]
        points = np.array([[x0, y0]]) * (1 - steps) + np.array([[x1, y1]]) * steps
        self.add_shape(points, colour, thickness, closed=False, alpha=alpha)

    def panel(self, box: Box, colour: FloatArray, corner: float = 0.0, alpha: float = 1.0) -> None:
        """Add a filled rectangle with corners of radius `corner` pixels."""
        self.add_shape(rounded(box, corner), colour, alpha=alpha)

    def frame(self, box: Box, colour: FloatArray, thickness: float, corner: float = 0.0, alpha: float = 1.0) -> None:
        """Add the outline of a rectangle with corners of radius `corner` pixels."""
        self.add_shape(rounded(box, corner), colour, thickness, alpha=alpha)


def centred_box(x: float, y: float, width: float, height: float) -> Box:
    """Return the box of a size around a centre."""
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def centre_of(box: Sequence[float]) -> tuple[float, float]:
    """Return the centre of a box."""
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def inset(box: Sequence[float], by: float) -> Box:
    """Return the box made smaller by `by` pixels on each side; larger if negative."""
    return box[0] + by, box[1] + by, box[2] - by, box[3] - by


def rounded(box: Sequence[float], corner: float) -> Points:
    """Return the outline (N, 2) of a rectangle whose corners are arcs of radius `corner`, limited to half its sides."""
    x0, y0, x1, y1 = box
    corner = max(min(corner, (x1 - x0) / 2, (y1 - y0) / 2), 0.0)
    if corner == 0:
        return _UNIT_SQUARE * (x1 - x0, y1 - y0) + (x0, y0)
    angles = np.radians(np.linspace(180, 540, 49)[:-1])
    arc = corner * np.column_stack([np.cos(angles), np.sin(angles)])
    left, top, right, bottom = inset(box, corner)
    centres = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
    return np.concatenate([arc[i * 12 : i * 12 + 13 if i < 3 else 48] + centres[i] for i in range(4)])
