"""Write one line of text as glyphs side by side, with the spacing of type or of handwriting."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from digitdet.common.characters import JOINING, number_spans
from digitdet.common.types import CLASS_NAMES, Box, FloatArray, Points
from digitdet.configs.look import LookConfig
from digitdet.synth.digits.drawing import GlyphStyle, extent, ink_points, style_matrix
from digitdet.synth.digits.glyphs import NO_DIGIT, Glyph, GlyphSource
from digitdet.synth.digits.pen import ligature
from digitdet.synth.digits.variation import vary
from digitdet.synth.pages.texts import RAISED, SUBSCRIPTS, SUPERSCRIPTS, THIN_SPACE

# A digit that overlaps its neighbour too much is moved right by tenths of its height, at most this many times.
_MAX_MOVES = 6
# Widths in digit heights: of a space that cannot be taken for a gap within a number, and of a thin space.
_SPACE = (0.3, 0.6)
_THIN_SPACE = (0.12, 0.35)
# Between two of these, a gap that is too narrow would join two numbers.
_IN_NUMBERS = frozenset((*JOINING, *CLASS_NAMES, "\u2212"))
# Additional space between the characters of a letter-spaced line in digit heights, and the factors by which single gaps
# differ from it in handwriting.
_SPREAD = (0.25, 1.0)
_UNEVEN_SPREAD = (0.6, 1.4)
# Raised and lowered digits, in digit heights: size, top edge of raised ones, lower edge of lowered ones.
_SMALL_SIZE = (0.4, 0.65)
_RAISED_TOP = (0.98, 1.15)
_LOWERED_BOTTOM = (-0.25, -0.05)
# Share of raised and lowered digits in type that use the typeface's own character, if it has it.
_OWN_SCRIPT_SHARE = 0.5
# Upper limit of their height in digit heights: old typefaces have other characters in these places.
_MAX_SCRIPT = 0.8
# Handwritten ones at the start of a number, as in registers: share of lines in which they are taller than the other
# digits, their height in digit heights, how much of the excess is below the baseline, and their own slant in degrees.
_TALL_ONE_SHARE = 0.2
_TALL_ONE = (1.1, 1.6)
_TALL_ONE_DROP = (0.1, 0.9)
_TALL_ONE_SLANT = (0.0, 16.0)
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
    min_visible: float = 0.5  # it is labelled if at least this part of its ink is visible
    colour: FloatArray | None = None  # (3,) BGR, 0 to 255; None for the ink of the line

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in pixels, without the slant."""
        rows, columns = self.glyph.ink.shape
        return self.style.height * columns / rows * self.style.stretch, self.style.height


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

    def rearranged(self, places: Points, starts: npt.NDArray[np.bool_] | None = None) -> Line:
        """Return a line of single digits with each of them in another place.

        Args:
            places: Centre of each glyph in x and middle of its line in y, (N, 2) in pixels.
            starts: Whether each digit (N,) begins another number; the default is one number.
        """
        glyphs: list[LineGlyph] = []
        numbers: list[list[int]] = []
        for row, (glyph, (x, y)) in enumerate(zip(self.glyphs, places.tolist(), strict=True)):
            if row == 0 or (starts is not None and starts[row]):
                numbers.append([])
            glyphs.append(replace(glyph, x=x, y=glyph.y + y, after_space=row > 0 and not numbers[-1]))
            numbers[-1].append(row)
        line = Line(self.height, glyphs, numbers)
        if glyphs:
            half = np.array([glyph.size for glyph in glyphs]) / 2
            centres = np.array([(glyph.x, glyph.y) for glyph in glyphs])
            line.box = np.concatenate([(centres - half).min(axis=0), (centres + half).max(axis=0)])
        return line

    def append(self, other: Line, x: float, y: float, number: list[int], spaced: bool = True) -> None:
        """Append the glyphs of another line, moved by (x, y), and their indices to `number`.

        An empty `number` is a new one, which follows a space if `spaced`.
        """
        box = other.box + [x, y, x, y]
        if self.glyphs:
            box = np.concatenate([np.minimum(self.box[:2], box[:2]), np.maximum(self.box[2:], box[2:])])
        for glyph in other.glyphs:
            after_space = spaced and bool(self.glyphs) and not number
            number.append(len(self.glyphs))
            self.glyphs.append(replace(glyph, x=glyph.x + x, y=glyph.y + y, after_space=after_space))
        self.box = box


@dataclass(frozen=True)
class _LineStyle:
    """What the glyphs of one line have in common. Spaces and sizes are in digit heights."""

    height: float
    stretch: float
    slant: float
    threshold: float
    gap: float  # between handwritten digits
    tracking: float  # between printed digits
    spread: float  # additional space between all characters of a letter-spaced line, otherwise 0
    small: float  # height of raised and lowered digits
    raised_top: float
    lowered_bottom: float


class LineWriter:
    """Writes lines in the style of a look, with the glyphs of one source and missing characters from another."""

    def __init__(self, look: LookConfig, source: GlyphSource, fallback: GlyphSource) -> None:
        self._look = look
        self._source = source
        self._fallback = fallback

    def write(self, rng: np.random.Generator, text: str, height: float, room: float) -> Line:
        """Write `text` with digits `height` pixels high, as much of it as fits `room` pixels."""
        style = _sample_style(rng, self._look, height)
        line = Line(height)
        pen, after_space, raised, opening = 0.0, False, False, False
        union: Box | None = None
        one: tuple[float, float, float] | None = None
        last: Box | None = None  # box of the previous glyph; None after a space and at the start
        for before, character, after in zip(" " + text, text, text[1:] + " ", strict=False):
            raised = character == RAISED or (raised and character in CLASS_NAMES)
            # A tall slanted 1 within a number would be a slash.
            opening = character == "1" and (opening or before not in CLASS_NAMES)
            if character == RAISED:
                continue
            if character == THIN_SPACE:
                pen += height * _uniform(rng, _THIN_SPACE)
                continue
            if character == " ":
                pen += height * (self._space(rng, before, after) + style.spread)
                after_space, last = bool(line.glyphs), None
                continue
            glyph = self._glyph(rng, style, character, raised)
            if glyph is None:
                continue
            written = style
            if opening and glyph.advance is None:
                size, bottom, slant = one = one or _sample_one(rng)
                glyph = _resized(glyph, size, bottom)
                written = replace(style, slant=style.slant + slant)
            place, box, end = self._place(rng, written, glyph, pen, last)
            if box[2] > room:
                break
            placed = LineGlyph(glyph, *place, character=character, after_space=after_space)
            if glyph.advance is None and last is not None:
                self._connect(rng, line, placed)
            line.glyphs.append(placed)
            pen, last, after_space = end, box, False
            union = box if union is None else _union(union, box)
        if union is not None:
            line.box = np.array(union)
        line.numbers = _number_rows(line.glyphs)
        return line

    def with_any(self, characters: str) -> LineWriter:
        """Return a writer in the styles of this one's source that have any of some characters."""
        return LineWriter(self._look, self._source.with_any(characters), self._fallback)

    def in_one_style(self, rng: np.random.Generator) -> LineWriter:
        """Return a writer that uses one style of this one's source, such as one typeface."""
        return LineWriter(self._look, self._source.choose(rng), self._fallback)

    def drum(self, rng: np.random.Generator, digit: int, between: bool) -> Glyph | None:
        """Return a drum of a counter with its picture, at a digit or between it and a neighbour.

        None if the source has no pictures of drums, or none between these digits.
        """
        glyph = self._source.sample_between(rng, digit) if between else self._source.sample(rng, digit)
        return None if glyph is None or glyph.picture is None else glyph

    def _space(self, rng: np.random.Generator, before: str, after: str) -> float:
        """Return the width of a space between two characters in digit heights."""
        if before in CLASS_NAMES and after in CLASS_NAMES:
            return _uniform(rng, self._look.number_gap)
        between_numbers = before in _IN_NUMBERS and after in _IN_NUMBERS
        return self._look.number_gap[0] if between_numbers else _uniform(rng, _SPACE)

    def _glyph(self, rng: np.random.Generator, style: _LineStyle, character: str, raised: bool) -> Glyph | None:
        """Return the glyph of a character; None if neither source has it."""
        if character in CLASS_NAMES:
            digit = self._digit(rng, int(character))
            return _resized(digit, style.small, style.raised_top - style.small) if raised else digit
        for scripts, bottom in ((SUPERSCRIPTS, style.raised_top - style.small), (SUBSCRIPTS, style.lowered_bottom)):
            if character in scripts:
                own = self._source.mark(rng, character) if rng.random() < _OWN_SCRIPT_SHARE else None
                if own is not None and own.top - own.bottom < _MAX_SCRIPT:
                    return own
                digit = self._digit(rng, scripts.index(character))
                return replace(_resized(digit, style.small, bottom), label=NO_DIGIT)
        return self._source.mark(rng, character) or self._fallback.mark(rng, character)

    def _digit(self, rng: np.random.Generator, digit: int) -> Glyph:
        glyph = self._source.sample(rng, digit)
        return vary(rng, glyph, self._look.variation) if glyph.advance is None else glyph

    def _place(
        self, rng: np.random.Generator, line: _LineStyle, glyph: Glyph, pen: float, last: Box | None
    ) -> tuple[tuple[GlyphStyle, float, float], Box, float]:
        """Return the style and the centre of a glyph at the pen, its box on the line, and the next pen position."""
        look, height = self._look, line.height
        natural = (glyph.top - glyph.bottom) * height
        y = (0.5 - (glyph.top + glyph.bottom) / 2) * height
        if glyph.advance is not None:  # type: its own spacing
            style = GlyphStyle(natural, line.stretch, line.slant, 0.0, line.threshold)
            width = natural * glyph.ink.shape[1] / glyph.ink.shape[0] * line.stretch
            x = pen + glyph.left * height * line.stretch + width / 2 - y * math.tan(math.radians(line.slant))
            box = (x - width / 2, y - natural / 2, x + width / 2, y + natural / 2)
            step = glyph.advance * line.stretch + line.tracking + line.spread
            return (style, x, y), box, pen + step * height
        size = natural * _uniform(rng, (1 - look.height_jitter, 1 + look.height_jitter))
        threshold = min(line.threshold, _HAIRLINE * float(glyph.ink.max()))
        style = GlyphStyle(size, line.stretch, line.slant, _uniform(rng, look.digit_angle), threshold)
        x0, y0, x1, y1 = extent(ink_points(glyph, threshold), style_matrix(glyph, style)).tolist()
        y += _uniform(rng, (-1, 1)) * look.baseline_jitter * height
        gap = min(line.gap + rng.normal(0, 0.03), look.digit_gap[1])
        if line.spread:
            gap += line.spread * _uniform(rng, _UNEVEN_SPREAD)
        space = 0.0 if last is None else gap * height
        x = pen + space - x0
        box = (x + x0, y + y0, x + x1, y + y1)
        if last is not None:
            move = _distance_away(box, last, look.max_box_overlap, 0.1 * height)
            x, box = x + move, _moved(box, move)
        return (style, x, y), box, box[2]

    def _connect(self, rng: np.random.Generator, line: Line, glyph: LineGlyph) -> None:
        """Add a connecting stroke from the previous digit with the look's probability."""
        share, previous = self._look.ligature_share, line.glyphs[-1]
        if not share or NO_DIGIT in (glyph.glyph.label, previous.glyph.label) or rng.random() >= share:
            return
        points = ligature(rng, placed_ink(previous), placed_ink(glyph))
        if points is not None:
            line.strokes.append((np.asarray(points, np.float64), line.height * _uniform(rng, (0.03, 0.07))))


def _sample_style(rng: np.random.Generator, look: LookConfig, height: float) -> _LineStyle:
    """Draw the style of a line."""
    is_spaced = rng.random() < look.spaced_share
    return _LineStyle(
        height,
        stretch=_uniform(rng, look.stretch),
        slant=_uniform(rng, look.slant),
        threshold=_uniform(rng, look.ink_threshold),
        gap=_uniform(rng, look.digit_gap),
        tracking=_uniform(rng, look.tracking),
        spread=_uniform(rng, _SPREAD if is_spaced else (0.0, 0.0)),
        small=_uniform(rng, _SMALL_SIZE),
        raised_top=_uniform(rng, _RAISED_TOP),
        lowered_bottom=_uniform(rng, _LOWERED_BOTTOM),
    )


def _sample_one(rng: np.random.Generator) -> tuple[float, float, float]:
    """Draw how ones open the numbers of a handwritten line: height and lower edge in digit heights, own slant."""
    if rng.random() >= _TALL_ONE_SHARE:
        return 1.0, 0.0, 0.0
    size, drop, slant = (_uniform(rng, span) for span in (_TALL_ONE, _TALL_ONE_DROP, _TALL_ONE_SLANT))
    return size, (1 - size) * drop, slant


def _number_rows(glyphs: Sequence[LineGlyph]) -> list[list[int]]:
    """Return the rows of the glyphs of every number."""
    text = "".join(" " * glyph.after_space + glyph.character for glyph in glyphs)
    rows = [row for row, glyph in enumerate(glyphs) for _ in range(1 + glyph.after_space)]
    return [rows[start:stop] for start, stop in number_spans(text)]


def _resized(glyph: Glyph, size: float, bottom: float) -> Glyph:
    """Return a digit at `size` times its height, its baseline `bottom` digit heights above that of the line."""
    advance = None if glyph.advance is None else glyph.advance * size
    top, low = (bottom + size * edge for edge in (glyph.top, glyph.bottom))
    return replace(glyph, top=top, bottom=low, left=glyph.left * size, advance=advance)


def placed_ink(placed: LineGlyph) -> Points:
    """Return the corners (N, 2) of the ink of each row of a glyph, in pixels of its line."""
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
