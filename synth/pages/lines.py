"""Write one line of text as glyphs side by side, with the spacing of type or of handwriting."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from digitdet.common.types import CLASS_NAMES, Box, FloatArray, Points
from digitdet.configs.look import LookConfig
from digitdet.synth.digits.drawing import GlyphStyle, extent, ink_points, style_matrix
from digitdet.synth.digits.glyphs import NO_DIGIT, Glyph, GlyphSource
from digitdet.synth.digits.pen import ligature
from digitdet.synth.digits.variation import vary
from digitdet.synth.pages.texts import number_spans

# A digit that overlaps its neighbour too much is moved right by tenths of its height, at most this many times.
_MAX_MOVES = 6
# Width of a space that does not separate numbers, in digit heights, as in common typefaces.
_SPACE = 0.45
# Limit of the ink threshold relative to a glyph's darkest ink: hairlines have no pixel of full ink.
_HAIRLINE = 0.7


@dataclass(frozen=True)
class LineGlyph:
    """A glyph on a line; `x`, `y` is its centre in pixels from the line's start and vertical middle."""

    glyph: Glyph
    style: GlyphStyle
    x: float
    y: float
    clip: Box | None = None  # only the part within this box is visible, as in the window of a counter
    character: str = ""  # as written; empty for a part of a character, or a scribble
    after_space: bool = False  # whether there is a space before it


@dataclass
class Line:
    """The glyphs of one line."""

    height: float  # digit height in pixels
    glyphs: list[LineGlyph] = field(default_factory=list)
    numbers: list[list[int]] = field(default_factory=list)  # rows in `glyphs` of each number: its digits and marks
    strokes: list[tuple[Points, float]] = field(default_factory=list)  # connecting strokes (N, 2), widths in pixels
    box: FloatArray = field(default_factory=lambda: np.zeros(4))  # approximate extent of the ink, xyxy (4,)

    @property
    def width(self) -> float:
        """Width of the ink in pixels."""
        return float(self.box[2] - self.box[0])

    @property
    def size(self) -> FloatArray:
        """Width and height (2,) of the ink in pixels."""
        return self.box[2:] - self.box[:2]

    def scaled(self, factor: float) -> Line:
        """Return the line at another size."""
        glyphs = [
            replace(g, style=replace(g.style, height=g.style.height * factor), x=g.x * factor, y=g.y * factor)
            for g in self.glyphs
        ]
        strokes = [(points * factor, width * factor) for points, width in self.strokes]
        return Line(self.height * factor, glyphs, self.numbers, strokes, self.box * factor)

    def append(self, other: Line, x: float, y: float, number: list[int]) -> None:
        """Append the glyphs of another line, moved by (x, y), and their indices to `number`.

        An empty `number` is a new one, which follows a space.
        """
        box = other.box + [x, y, x, y]
        if self.glyphs:
            box = np.concatenate([np.minimum(self.box[:2], box[:2]), np.maximum(self.box[2:], box[2:])])
        for glyph in other.glyphs:
            after_space = bool(self.glyphs) and not number
            number.append(len(self.glyphs))
            self.glyphs.append(replace(glyph, x=glyph.x + x, y=glyph.y + y, after_space=after_space))
        self.box = box


@dataclass(frozen=True)
class _LineStyle:
    """What the glyphs of one line have in common."""

    height: float
    stretch: float
    slant: float
    threshold: float
    gap: float
    tracking: float


class LineWriter:
    """Writes lines in the style of a look, with the glyphs of one source and missing characters from another."""

    def __init__(self, look: LookConfig, source: GlyphSource, fallback: GlyphSource) -> None:
        self._look = look
        self._source = source
        self._fallback = fallback

    def write(self, rng: np.random.Generator, text: str, height: float, room: float) -> Line:
        """Write `text` with digits `height` pixels high, as much of it as fits `room` pixels."""
        look = self._look
        spans = (look.stretch, look.slant, look.ink_threshold, look.digit_gap, look.tracking)
        style = _LineStyle(height, *(_uniform(rng, span) for span in spans))
        line = Line(height)
        pen, after_space = 0.0, False
        union: Box | None = None
        last: Box | None = None  # box of the previous glyph; None after a space and at the start
        for character in text:
            if character == " ":
                after_digit = bool(line.glyphs) and line.glyphs[-1].glyph.label != NO_DIGIT
                pen += height * (_uniform(rng, look.number_gap) if after_digit else _SPACE)
                after_space, last = bool(line.glyphs), None
                continue
            glyph = self._glyph(rng, character)
            if glyph is None:
                continue
            placed, box, end = self._place(rng, style, glyph, pen, last)
            if box[2] > room:
                break
            if glyph.advance is None and last is not None:
                self._connect(rng, line, placed)
            line.glyphs.append(replace(placed, character=character, after_space=after_space))
            pen, last, after_space = end, box, False
            union = box if union is None else _union(union, box)
        if union is not None:
            line.box = np.array(union)
        line.numbers = _number_rows(line.glyphs)
        return line

    def _glyph(self, rng: np.random.Generator, character: str) -> Glyph | None:
        if character not in CLASS_NAMES:
            return self._source.mark(rng, character) or self._fallback.mark(rng, character)
        glyph = self._source.sample(rng, int(character))
        return vary(rng, glyph, self._look.variation) if glyph.advance is None else glyph

    def _place(
        self, rng: np.random.Generator, line: _LineStyle, glyph: Glyph, pen: float, last: Box | None
    ) -> tuple[LineGlyph, Box, float]:
        """Place a glyph at the pen position; return it, its box on the line, and the next pen position."""
        look, height = self._look, line.height
        natural = (glyph.top - glyph.bottom) * height
        y = (0.5 - (glyph.top + glyph.bottom) / 2) * height
        if glyph.advance is not None:  # type: its own spacing
            style = GlyphStyle(natural, line.stretch, line.slant, 0.0, line.threshold)
            width = natural * glyph.ink.shape[1] / glyph.ink.shape[0] * line.stretch
            x = pen + glyph.left * height * line.stretch + width / 2 - y * math.tan(math.radians(line.slant))
            box = (x - width / 2, y - natural / 2, x + width / 2, y + natural / 2)
            return LineGlyph(glyph, style, x, y), box, pen + (glyph.advance * line.stretch + line.tracking) * height
        size = natural * _uniform(rng, (1 - look.height_jitter, 1 + look.height_jitter))
        threshold = min(line.threshold, _HAIRLINE * float(glyph.ink.max()))
        style = GlyphStyle(size, line.stretch, line.slant, _uniform(rng, look.digit_angle), threshold)
        x0, y0, x1, y1 = extent(ink_points(glyph, threshold), style_matrix(glyph, style)).tolist()
        y += _uniform(rng, (-1, 1)) * look.baseline_jitter * height
        space = 0.0 if last is None else min(line.gap + rng.normal(0, 0.03), look.digit_gap[1]) * height
        x = pen + space - x0
        box = (x + x0, y + y0, x + x1, y + y1)
        if last is not None:
            move = _distance_away(box, last, look.max_box_overlap, 0.1 * height)
            x, box = x + move, _moved(box, move)
        return LineGlyph(glyph, style, x, y), box, box[2]

    def _connect(self, rng: np.random.Generator, line: Line, glyph: LineGlyph) -> None:
        """Add a connecting stroke from the previous digit with the look's probability."""
        share, previous = self._look.ligature_share, line.glyphs[-1]
        if not share or NO_DIGIT in (glyph.glyph.label, previous.glyph.label) or rng.random() >= share:
            return
        points = ligature(rng, _placed_ink(previous), _placed_ink(glyph))
        if points is not None:
            line.strokes.append((np.asarray(points, np.float64), line.height * _uniform(rng, (0.03, 0.07))))


def _number_rows(glyphs: Sequence[LineGlyph]) -> list[list[int]]:
    """Return the rows of the glyphs of every number."""
    text = "".join(" " * glyph.after_space + glyph.character for glyph in glyphs)
    rows = [row for row, glyph in enumerate(glyphs) for _ in range(1 + glyph.after_space)]
    return [rows[start:stop] for start, stop in number_spans(text)]


def _placed_ink(placed: LineGlyph) -> Points:
    points = ink_points(placed.glyph, placed.style.ink_threshold) @ style_matrix(placed.glyph, placed.style).T
    return np.asarray(points + (placed.x, placed.y), np.float32)


def _uniform(rng: np.random.Generator, span: tuple[float, float]) -> float:
    """Draw a uniform number; three times as fast as `rng.uniform`."""
    return span[0] + (span[1] - span[0]) * rng.random()


# Plain tuples: for single boxes they are several times faster than the arrays of `digitdet.common.boxes`.
def _union(first: Box, second: Box) -> Box:
    return min(first[0], second[0]), min(first[1], second[1]), max(first[2], second[2]), max(first[3], second[3])


def _moved(box: Box, right: float) -> Box:
    return box[0] + right, box[1], box[2] + right, box[3]


def _distance_away(box: Box, last: Box, limit: float, step: float) -> float:
    """Return how far right a box must move so that the overlap is at most `limit` of the smaller box."""
    for move in range(_MAX_MOVES):
        if _overlap(_moved(box, move * step), last) <= limit:
            return move * step
    return _MAX_MOVES * step


def _overlap(first: Box, second: Box) -> float:
    """Return the area that two boxes share, relative to the smaller box."""
    across = min(first[2], second[2]) - max(first[0], second[0])
    down = min(first[3], second[3]) - max(first[1], second[1])
    if across <= 0 or down <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)]
    return across * down / min(areas)
