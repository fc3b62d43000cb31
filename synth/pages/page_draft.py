"""A flat page in the making: lines of text and flat shapes, before the camera sees it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from digitdet.configs.look import LookConfig
from digitdet.synth.pages.lines import Line, LineWriter
from digitdet.synth.pages.texts import sample_text

Array = npt.NDArray[np.float64]

# Free border of the page in pixels, so that a digit's edge and its blur stay visible.
MARGIN = 3.0


@dataclass(frozen=True)
class Shape:
    """A flat shape under the ink: a filled polygon, or a line along the points.

    `points` (N, 2) x, y in pixels; `colour` (3,) BGR, 0 to 255; `thickness` in pixels, 0 fills the polygon; `alpha` 0
    to 1 is how much it hides what is below.
    """

    points: Array
    colour: Array
    thickness: float = 0.0
    closed: bool = True
    alpha: float = 1.0


@dataclass(frozen=True)
class PlacedLine:
    """A line on the page: `x`, `y` is where its start and middle lie; `dark` is the ink's side of the ground under it,
    None where it is that of the page.
    """

    line: Line
    x: float
    y: float
    dark: bool | None = None


@dataclass
class PageDraft:
    """A page `width` x `height` pixels with its origin in the middle, y down.

    `light` says whether the ground takes dark ink. Layouts add to `shapes` and `lines`. What is written with
    `sign_writer` may change its typeface with every character, so that one is found that has it.
    """

    rng: np.random.Generator
    look: LookConfig
    number_writer: LineWriter
    clutter_writer: LineWriter
    sign_writer: LineWriter
    width: float
    height: float
    light: bool
    shapes: list[Shape] = field(default_factory=list)
    lines: list[PlacedLine] = field(default_factory=list)

    @property
    def left(self) -> float:
        """Where the left edge is; the right one is its negative."""
        return -self.width / 2

    @property
    def top(self) -> float:
        """Where the upper edge is; the lower one is its negative."""
        return -self.height / 2

    def text(self) -> str:
        """A text of the look's kinds."""
        return sample_text(self.rng, self.look)

    def write(self, text: str, height: float, room: float) -> Line:
        """A line with digits `height` pixels high, cut off where `room` pixels end; not yet on the page."""
        return self.number_writer.write(self.rng, text, height, room)

    def write_clutter(self, text: str, height: float) -> Line:
        """A line in the manner of what stands beside the numbers, such as printed words beside handwriting."""
        return self.clutter_writer.write(self.rng, text, height, np.inf)

    def put(self, line: Line, x: float, y: float, dark: bool | None = None) -> None:
        """Place the centre of a line's ink at x, y."""
        centre = (line.box[:2] + line.box[2:]) / 2
        self.lines.append(PlacedLine(line, x - float(centre[0]), y - float(centre[1]), dark))

    def put_left(self, line: Line, x: float, y: float, dark: bool | None = None) -> None:
        """Place the left end of a line's ink at x, and the middle of its digits at y."""
        self.lines.append(PlacedLine(line, x - float(line.box[0]), y, dark))

    def rule(
        self, x0: float, y0: float, x1: float, y1: float, colour: Array, thickness: float, alpha: float = 1.0
    ) -> None:
        """A straight line; in pieces, so that it can be bent with the page."""
        steps = np.linspace(0, 1, 9)[:, None]
        points = np.array([[x0, y0]]) * (1 - steps) + np.array([[x1, y1]]) * steps
        self.shapes.append(Shape(points, colour, thickness, closed=False, alpha=alpha))

    def panel(self, box: tuple[float, float, float, float], colour: Array, corner: float = 0.0) -> None:
        """A filled rectangle x0, y0, x1, y1 with corners rounded by `corner` pixels."""
        self.shapes.append(Shape(rounded(box, corner), colour))

    def frame(
        self, box: tuple[float, float, float, float], colour: Array, thickness: float, corner: float = 0.0
    ) -> None:
        """The border of a rectangle."""
        self.shapes.append(Shape(rounded(box, corner), colour, thickness))


def rounded(box: tuple[float, float, float, float], corner: float) -> Array:
    """Points (N, 2) around a rectangle x0, y0, x1, y1 whose corners are arcs of radius `corner`; a corner of half the
    shorter side makes an oval end.
    """
    x0, y0, x1, y1 = box
    corner = max(min(corner, (x1 - x0) / 2, (y1 - y0) / 2), 0.0)
    if corner == 0:
        along = np.linspace(0, 1, 8, endpoint=False)[:, None]
        corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
        return np.concatenate([corners[i] * (1 - along) + corners[(i + 1) % 4] * along for i in range(4)])
    angles = np.radians(np.linspace(180, 540, 49)[:-1])
    arc = corner * np.column_stack([np.cos(angles), np.sin(angles)])
    centres = np.array(
        [[x0 + corner, y0 + corner], [x1 - corner, y0 + corner], [x1 - corner, y1 - corner], [x0 + corner, y1 - corner]]
    )
    return np.concatenate([arc[i * 12 : i * 12 + 13 if i < 3 else 48] + centres[i] for i in range(4)])
