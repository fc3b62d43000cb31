"""PlacedLine one line: the glyphs of a text side by side, spaced as type is or as a hand does it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from digitdet.common.types import Box
from digitdet.configs.look import LookConfig
from digitdet.synth.digits.drawing import GlyphStyle, extent, ink_points, style_matrix
from digitdet.synth.digits.glyphs import NO_DIGIT, Glyph, GlyphSource
from digitdet.synth.digits.pen import ligature
from digitdet.synth.digits.variation import vary
from digitdet.synth.pages.texts import is_number_end

Array = npt.NDArray[np.float64]
"""x0, y0, x1, y1 in pixels."""

# A digit that overlaps its neighbour too much is moved right this many times by a tenth of its height at most.
_MAX_MOVES = 6
# Width of a space that ends no number, in digit heights, for type and for hands: about that of common typefaces.
_SPACE = 0.45
# A pen's edge lies at most at this part of a glyph's darkest ink: hairlines have no pixel that is all ink.
_HAIRLINE = 0.7


@dataclass(frozen=True)
class LineGlyph:
    """A glyph on a line: how it is drawn, and where its centre is, in pixels from the line's start and middle."""

    glyph: Glyph
    style: GlyphStyle
    x: float
    y: float
    clip: Box | None = None
    """Only what is inside this x0, y0, x1, y1 is seen, as through the window of a counter."""


@dataclass
class Line:
    """Glyphs of one line with digits `height` pixels high. `numbers` are rows of digits in `glyphs`, in reading order;
    `strokes` are connecting strokes: points (N, 2) and a width in pixels. `box` is about where the ink reaches.
    """

    height: float
    glyphs: list[LineGlyph] = field(default_factory=list)
    numbers: list[list[int]] = field(default_factory=list)
    strokes: list[tuple[Array, float]] = field(default_factory=list)
    box: Array = field(default_factory=lambda: np.array([0.0, 0.0, 0.0, 0.0]))

    @property
    def width(self) -> float:
        """Pixels from the leftmost to the rightmost ink."""
        return float(self.box[2] - self.box[0])

    def scaled(self, factor: float) -> Line:
        """The same line, larger or smaller."""
        glyphs = [
            replace(g, style=replace(g.style, height=g.style.height * factor), x=g.x * factor, y=g.y * factor)
            for g in self.glyphs
        ]
        strokes = [(points * factor, width * factor) for points, width in self.strokes]
        return Line(self.height * factor, glyphs, self.numbers, strokes, self.box * factor)


@dataclass(frozen=True)
class _Hand:
    """What the glyphs of one line share."""

    height: float
    stretch: float
    slant: float
    threshold: float
    gap: float
    tracking: float


class LineWriter:
    """Writes lines in the manner of a look, with the glyphs of one source and, for marks that it lacks, of another."""

    def __init__(self, look: LookConfig, source: GlyphSource, fallback: GlyphSource) -> None:
        self._look = look
        self._source = source
        self._fallback = fallback

    def write(self, rng: np.random.Generator, text: str, height: float, room: float) -> Line:
        """Write `text` with digits `height` pixels high, as much of it as fits into `room` pixels."""
        look = self._look
        hand = _Hand(
            height,
            _draw(rng, look.stretch),
            _draw(rng, look.slant),
            _draw(rng, look.ink_threshold),
            _draw(rng, look.digit_gap),
            _draw(rng, look.tracking),
        )
        line = Line(height)
        pen, number_open = 0.0, False
        union: Box | None = None
        last: Box | None = None  # box of the previous glyph, None where there is nothing to be near to
        for character in text:
            if character == " ":
                is_wide = bool(line.numbers) and line.glyphs[-1].glyph.label != NO_DIGIT
                pen += height * (_draw(rng, look.number_gap) if is_wide else _SPACE)
                number_open, last = False, None
                continue
            glyph = self._glyph(rng, character)
            if glyph is None:
                continue
            placed, box, end = self._place(rng, hand, glyph, pen, last)
            if box[2] > room:
                break
            if glyph.label == NO_DIGIT:
                number_open = number_open and not is_number_end(character)
            elif number_open:
                line.numbers[-1].append(len(line.glyphs))
            else:
                line.numbers.append([len(line.glyphs)])
                number_open = True
            if glyph.advance is None:
                self._connect(rng, line, placed, last is not None)
            line.glyphs.append(placed)
            pen, last = end, box
            union = box if union is None else _union(union, box)
        if union is not None:
            line.box = np.array(union)
        return line

    def _glyph(self, rng: np.random.Generator, character: str) -> Glyph | None:
        if not character.isdigit():
            return self._source.mark(rng, character) or self._fallback.mark(rng, character)
        glyph = self._source.sample(rng, int(character))
        if self._look.variation and glyph.advance is None:
            return vary(rng, glyph, self._look.variation)
        return glyph

    def _place(
        self, rng: np.random.Generator, hand: _Hand, glyph: Glyph, pen: float, last: Box | None
    ) -> tuple[LineGlyph, Box, float]:
        """A glyph after the pen's place, its box on the line, and where the pen is then."""
        look, height = self._look, hand.height
        natural = (glyph.top - glyph.bottom) * height
        y = (0.5 - (glyph.top + glyph.bottom) / 2) * height
        if glyph.advance is not None:
            style = GlyphStyle(natural, hand.stretch, hand.slant, 0.0, hand.threshold)
            width = natural * glyph.ink.shape[1] / glyph.ink.shape[0] * hand.stretch
            x = pen + glyph.left * height * hand.stretch + width / 2 - y * math.tan(math.radians(hand.slant))
            box = (x - width / 2, y - natural / 2, x + width / 2, y + natural / 2)
            return LineGlyph(glyph, style, x, y), box, pen + (glyph.advance * hand.stretch + hand.tracking) * height
        size = natural * _draw(rng, (1 - look.height_jitter, 1 + look.height_jitter))
        threshold = min(hand.threshold, _HAIRLINE * float(glyph.ink.max()))
        style = GlyphStyle(size, hand.stretch, hand.slant, _draw(rng, look.digit_angle), threshold)
        x0, y0, x1, y1 = extent(ink_points(glyph, threshold), style_matrix(glyph, style)).tolist()
        y += _draw(rng, (-1, 1)) * look.baseline_jitter * height
        space = 0.0 if last is None else min(hand.gap + float(rng.normal(0, 0.03)), look.digit_gap[1]) * height
        x = pen + space - x0
        box = (x + x0, y + y0, x + x1, y + y1)
        if last is not None:
            move = _distance_away(box, last, look.max_box_overlap, 0.1 * height)
            x, box = x + move, _moved(box, move)
        return LineGlyph(glyph, style, x, y), box, box[2]

    def _connect(self, rng: np.random.Generator, line: Line, glyph: LineGlyph, is_near: bool) -> None:
        """Now and then a stroke from the previous digit to this one, as the pen leaves in fast writing."""
        share = self._look.ligature_share
        if not share or not is_near or glyph.glyph.label == NO_DIGIT or line.glyphs[-1].glyph.label == NO_DIGIT:
            return
        if rng.random() >= share:
            return
        points = ligature(rng, _ink_of(line.glyphs[-1]), _ink_of(glyph))
        if points is not None:
            line.strokes.append((np.asarray(points, np.float64), line.height * _draw(rng, (0.03, 0.07))))


def _ink_of(placed: LineGlyph) -> npt.NDArray[np.float32]:
    points = ink_points(placed.glyph, placed.style.ink_threshold) @ style_matrix(placed.glyph, placed.style).T
    return np.asarray(points + (placed.x, placed.y), np.float32)


def _draw(rng: np.random.Generator, span: tuple[float, float]) -> float:
    """A number between the two, all equally likely; in a third of the time of `rng.uniform`."""
    return span[0] + (span[1] - span[0]) * rng.random()


def _union(first: Box, second: Box) -> Box:
    return min(first[0], second[0]), min(first[1], second[1]), max(first[2], second[2]), max(first[3], second[3])


def _moved(box: Box, right: float) -> Box:
    return box[0] + right, box[1], box[2] + right, box[3]


def _distance_away(box: Box, last: Box, limit: float, step: float) -> float:
    """How far right a digit must go so that its box shares at most `limit` of the smaller one with the last."""
    for move in range(_MAX_MOVES):
        if _shared(_moved(box, move * step), last) <= limit:
            return move * step
    return _MAX_MOVES * step


def _shared(first: Box, second: Box) -> float:
    """The part of the smaller box that both have in common."""
    across = min(first[2], second[2]) - max(first[0], second[0])
    down = min(first[3], second[3]) - max(first[1], second[1])
    if across <= 0 or down <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)]
    return across * down / min(areas)
