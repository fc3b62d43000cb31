"""Clutter: things in pictures that are not digits, such as words, scribbles, edges, frames, rings and bar codes.

Without it a detector reads door posts as 1 and rings as 0. Clutter is drawn below the digits, keeps clear of them and
has no labels, with one exception in `pen_clutter.py`: numbers that are struck out, with labelled corrections. To add a
kind, decorate a function with `@CLUTTER.add("name")` and give the name a share in a look.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from digitdet.common.registry import Registry
from digitdet.common.types import Box, FloatArray, Points
from digitdet.synth.digits.drawing import GlyphStyle
from digitdet.synth.digits.pen import Hand
from digitdet.synth.pages.lines import Line, LineGlyph
from digitdet.synth.pages.page_draft import PageDraft, centre_of, centred_box, inset, rounded
from digitdet.synth.pages.texts import LIKE_DIGITS, SIGN_BLOCKS, digit_like_word, word
from digitdet.synth.surfaces.fields import log_uniform

CLUTTER: Registry[Callable[[PageDraft], None]] = Registry()

# Positions that are tried for one thing before it is left out.
_TRIES = 8
# Letters that can be drawn large or cut off without becoming ambiguous with a digit.
_CLEAR_LETTERS = tuple("ACDEFGHJKLMNPRTUVWXYacdefhkmnprtuvwxy&@?!")
# Printed letters that resemble a digit but differ from it in shape: Latin, Cyrillic (Ze, Be, Che) and Greek.
_DIGIT_LIKE = tuple("SZBGgqbDQszJa&\u00df\u0417\u0437\u0411\u0431\u0427\u0447\u03c3\u03b8\u0398\u03b4\u03b1")
# On a page without numbers, each kind of clutter is this many times as frequent, up to a limit.
_BLANK_FACTOR, _BLANK_LIMIT = 4, 0.7
# Length from which a row of characters of another script shows what they are, even where one resembles a digit.
_CLEAR_ROW = 3


def add_clutter(draft: PageDraft) -> None:
    """Add each kind of clutter with the probability of its share in the look, more often to a page without numbers."""
    for name, share in draft.look.clutter.items():
        if draft.rng.random() < (min(share * _BLANK_FACTOR, _BLANK_LIMIT) if draft.words_only else share):
            CLUTTER[name](draft)


@CLUTTER.add("words")
def words(draft: PageDraft) -> None:
    """A few printed or handwritten words of any size, some reaching over the border."""
    rng, height = draft.rng, sample_line_height(draft)
    for _ in range(int(rng.integers(1, 5))):
        size = height * float(np.exp(rng.uniform(-1.2, 0.3)))
        text = " ".join(word(rng) for _ in range(int(rng.integers(1, 4))))
        put_free(draft, draft.write_clutter(text, max(size, 5.0)))


@CLUTTER.add("letters")
def letters(draft: PageDraft) -> None:
    """Single letters and symbols as large as the digits; no bare strokes, which can be ones."""
    rng, height = draft.rng, sample_line_height(draft)
    for _ in range(int(rng.integers(1, 4))):
        text = str(rng.choice([*_CLEAR_LETTERS, "%", "$", "#", "+", "*", "=", "-", "\u20ac"]))
        put_free(draft, draft.write_clutter(text, height * rng.uniform(0.6, 1.3)))


@CLUTTER.add("digit_like")
def digit_like(draft: PageDraft) -> None:
    """Printed letters that resemble digits, alone or in words, as large as the digits or larger."""
    rng, height = draft.rng, sample_line_height(draft)
    writer = draft.sign_writer.in_one_style(rng)
    for _ in range(int(rng.integers(1, 4))):
        kind = rng.random()
        if kind < 0.45:
            text = " ".join(digit_like_word(rng) for _ in range(int(rng.choice([1, 1, 2, 3]))))
        elif kind < 0.65:  # O, I and l only beside a letter that is none of them
            text = str(rng.choice(_DIGIT_LIKE)) + "".join(
                rng.choice([*_DIGIT_LIKE, *"OOoIl|"], int(rng.integers(1, 4)))
            )
        else:
            text = str(rng.choice(_DIGIT_LIKE))
        put_free(draft, writer.write(rng, text, height * float(np.exp(rng.uniform(-0.5, 0.7))), np.inf))


@CLUTTER.add("signs")
def signs(draft: PageDraft) -> None:
    """Letters of other scripts, arrows and pictographs, as large as the digits or much larger, some in a row."""
    rng, height = draft.rng, sample_line_height(draft)
    first, last = SIGN_BLOCKS[int(rng.integers(len(SIGN_BLOCKS)))]
    writer = draft.sign_writer.with_any("".join(chr(first + (last - first) * part // 4) for part in range(1, 4)))
    for _ in range(int(rng.integers(1, 5))):
        codes = rng.integers(first, last + 1, int(rng.choice([1, 1, 3, 5, 8])))
        is_clear = len(codes) >= _CLEAR_ROW
        text = "".join(character for character in map(chr, codes.tolist()) if is_clear or character not in LIKE_DIGITS)
        size = height * float(np.exp(rng.uniform(-0.5, 1.0)))
        put_free(draft, writer.write(rng, text, size, np.inf))


@CLUTTER.add("blobs")
def blobs(draft: PageDraft) -> None:
    """Closed smooth curves, most of them filled, alone or overlapping, such as emblems, stains and leaves."""
    rng = draft.rng
    for _ in range(int(rng.integers(1, 4))):
        size = sample_line_height(draft) * float(np.exp(rng.uniform(-0.7, 1.2)))
        box = _free_box(draft, size, size)
        if box is None:
            continue
        angles = np.linspace(0, 2 * np.pi, 60, endpoint=False)
        waves = rng.normal(0, 1, (4, 2)) / np.arange(2, 6)[:, None]
        radius = 1 + 0.3 * sum(
            a * np.cos(n * angles) + b * np.sin(n * angles) for n, (a, b) in enumerate(waves.tolist(), start=1)
        )
        radius *= size / 2 / np.abs(radius).max()
        stretch = np.array([1.0, rng.uniform(0.4, 1)])[:: int(rng.choice([-1, 1]))]
        points = np.array(centre_of(box)) + _polar(radius, angles) * stretch
        if rng.random() < 0.15:
            draft.add_shape(points, _colour(draft), size * rng.uniform(0.02, 0.05))
            continue
        draft.add_shape(points, _colour(draft))
        if rng.random() < 0.4:  # only if filled: two outlines would form an 8
            draft.add_shape(points + rng.uniform(-0.5, 0.5, 2) * size, _colour(draft))


@CLUTTER.add("cut_letters")
def cut_letters(draft: PageDraft) -> None:
    """Parts of large letters at the border, as if a crop had cut through neighbouring text."""
    rng = draft.rng
    for _ in range(int(rng.integers(1, 4))):
        line = draft.write_clutter("".join(rng.choice(_CLEAR_LETTERS, 3)), draft.height * rng.uniform(0.15, 0.6))
        side = int(rng.integers(4))
        x = rng.uniform(-0.5, 0.5) * draft.width
        y = rng.uniform(-0.5, 0.5) * draft.height
        if side < 2:
            y = (1 if side else -1) * (draft.height / 2 + rng.uniform(0.1, 0.45) * line.size[1])
        else:
            x = (1 if side == 3 else -1) * (draft.width / 2 + rng.uniform(0.2, 0.48) * line.size[0])
        if line.glyphs and is_free(draft, centred_box(x, y, *line.size)):
            draft.put(line, x, y)


@CLUTTER.add("scribbles")
def scribbles(draft: PageDraft) -> None:
    """Unreadable handwriting and signatures."""
    rng = draft.rng
    for _ in range(int(rng.integers(1, 3))):
        glyph = Hand(rng).scribble(rng)
        height = sample_line_height(draft) * rng.uniform(0.7, 1.8)
        style = GlyphStyle(height, 1.0, rng.uniform(-5, 25), rng.normal(0, 5), 0.4)
        width = height * glyph.ink.shape[1] / glyph.ink.shape[0]
        box = np.array(centred_box(0.0, 0.0, width, height))
        put_free(draft, Line(height, [LineGlyph(glyph, style, 0.0, 0.0)], box=box))


@CLUTTER.add("rules")
def rules(draft: PageDraft) -> None:
    """Thin straight lines across the whole page, which may pass behind digits."""
    rng = draft.rng
    colour, alpha = _colour(draft), rng.uniform(0.25, 0.8)
    for _ in range(int(rng.integers(1, 5))):
        thickness = rng.uniform(0.6, 2.0)
        place, slope = rng.uniform(-0.5, 0.5), rng.normal(0, 0.02)
        if rng.random() < 0.6:
            end, y, rise = draft.right * 1.3, place * draft.height, slope * draft.width
            draft.rule(-end, y - rise, end, y + rise, colour, thickness, alpha)
        else:
            end, x, shift = draft.bottom * 1.3, place * draft.width, slope * draft.height
            draft.rule(x - shift, -end, x + shift, end, colour, thickness, alpha)


@CLUTTER.add("bars")
def bars(draft: PageDraft) -> None:
    """Long straight stripes, such as posts, gaps and edges, alone or as a fence, clear of the digits."""
    rng = draft.rng
    colour = _colour(draft)
    thickness = sample_line_height(draft) * float(np.exp(rng.uniform(-2.5, 0.3)))
    upright = rng.random() < 0.65
    length, breadth = (draft.height, draft.width) if upright else (draft.width, draft.height)
    period = thickness * rng.uniform(1.6, 5)
    start = rng.uniform(-0.5, 0.5) * breadth
    for i in range(int(rng.choice([1, 1, 2, 3, 6]))):
        at = start + i * period
        low, high = np.sort(rng.uniform(-0.75, 0.75, 2)) if rng.random() < 0.5 else (-0.75, 0.75)
        box = (at, low * length, at + thickness, high * length)
        if not upright:
            box = (box[1], box[0], box[3], box[2])
        degrees = rng.normal(0, 3)
        reach = (high - low) / 2 * length * np.sin(np.radians(abs(degrees)))  # how far the rotation moves the ends
        if (high - low) * length > 4 * thickness and is_free(draft, inset(box, -reach)):
            _rotated_panel(draft, box, degrees, colour, rng.uniform(0.5, 1))


@CLUTTER.add("edges")
def edges(draft: PageDraft) -> None:
    """A large area of another colour that reaches over the border, as where two surfaces meet."""
    rng = draft.rng
    side = int(rng.integers(4))
    depth = rng.uniform(0.05, 0.45)
    x, y = draft.width * 0.75, draft.height * 0.75
    inner_x, inner_y = draft.right - depth * draft.width, draft.bottom - depth * draft.height
    box = ((-x, -y, x, -inner_y), (-x, inner_y, x, y), (-x, -y, -inner_x, y), (inner_x, -y, x, y))[side]
    degrees = rng.normal(0, 4)
    reach = max(x, y) * np.sin(np.radians(abs(degrees)))  # how far the rotation moves the ends of the inner side
    if is_free(draft, inset(box, -reach)):
        _rotated_panel(draft, box, degrees, draft.background_colour(bool(rng.random() < 0.5)), 1.0)


@CLUTTER.add("frames")
def frames(draft: PageDraft) -> None:
    """A rectangular or oval frame around a number or around nothing."""
    rng = draft.rng
    taken = taken_boxes(draft)
    height = sample_line_height(draft)
    if len(taken) and rng.random() < 0.6:
        x0, y0, x1, y1 = taken[int(rng.integers(len(taken)))]
        pad_x, pad_y = height * rng.uniform(0.2, 0.5, 2)
        box = (x0 - pad_x, y0 - pad_y, x1 + pad_x, y1 + pad_y)
    else:
        size = rng.uniform(0.1, 0.6, 2) * (draft.width, draft.height)
        box = centred_box(*(rng.uniform(-0.5, 0.5, 2) * (draft.width, draft.height)), *size)
    corner = height * float(rng.choice([0.0, 0.0, rng.uniform(0.1, 0.4), 9.0]))
    for i in range(int(rng.choice([1, 1, 2]))):
        colour, thickness = _colour(draft), max(height * rng.uniform(0.02, 0.09), 0.7)
        draft.frame(inset(box, -0.12 * height * i), colour, thickness, corner)


@CLUTTER.add("rings")
def rings(draft: PageDraft) -> None:
    """Circles, arcs and discs, rounder than a 0."""
    rng = draft.rng
    for _ in range(int(rng.integers(1, 4))):
        radius = sample_line_height(draft) * float(np.exp(rng.uniform(-1.8, 0.5)))
        box = _free_box(draft, 2 * radius, 2 * radius)
        if box is None:
            continue
        kind = rng.random()
        thickness = 0.0 if kind < 0.35 else radius * rng.uniform(0.06, 0.35)
        outline = rounded(box, radius)
        if kind > 0.75:  # an arc of a quarter to three quarters
            outline = np.roll(outline, int(rng.integers(48)), axis=0)[: int(rng.integers(12, 36))]
        draft.add_shape(outline, _colour(draft), thickness, closed=kind <= 0.75)


@CLUTTER.add("logos")
def logos(draft: PageDraft) -> None:
    """Stars, triangles and other polygons."""
    rng = draft.rng
    for _ in range(int(rng.integers(1, 3))):
        size = sample_line_height(draft) * rng.uniform(0.4, 2)
        box = _free_box(draft, size, size)
        if box is None:
            continue
        corners = int(rng.choice([3, 4, 5, 8, 10]))
        angles = np.arange(corners) * 2 * np.pi / corners + rng.uniform(0, 2 * np.pi)
        radius = np.where(np.arange(corners) % 2, rng.uniform(0.4, 1), 1.0) * size / 2
        thickness = 0.0 if rng.random() < 0.7 else size * 0.06
        draft.add_shape(np.array(centre_of(box)) + _polar(radius, angles), _colour(draft), thickness)


@CLUTTER.add("barcode")
def barcode(draft: PageDraft) -> None:
    """A bar code."""
    rng = draft.rng
    module = max(sample_line_height(draft) * rng.uniform(0.02, 0.06), 1.0)
    widths = rng.integers(1, 4, int(rng.integers(30, 70))) * module
    width = float(widths.sum())
    box = _free_box(draft, width, width * rng.uniform(0.15, 0.5))
    if box is None:
        return
    draw_bars(draft, box[0], box[1], box[3], widths, _colour(draft))


@CLUTTER.add("stamps")
def stamps(draft: PageDraft) -> None:
    """A rubber stamp: a word within one or two rings or rectangles."""
    rng = draft.rng
    line = draft.write_clutter(word(rng), sample_line_height(draft) * rng.uniform(0.3, 0.7))
    if not line.glyphs:
        return
    width = line.width * 1.3
    height = width if rng.random() < 0.5 else line.height * 2.2
    box = _free_box(draft, width, height)
    if box is None:
        return
    colour = rng.uniform(20, 180, 3)
    corner = height / 2 if width == height else 0.0
    for by in (0.0, 0.06 * height)[: int(rng.integers(1, 3))]:
        draft.frame(inset(box, by), colour, max(0.03 * height, 0.8), corner, alpha=rng.uniform(0.4, 0.9))
    draft.put(line, *centre_of(box))


@CLUTTER.add("fillers")
def fillers(draft: PageDraft) -> None:
    """Dashes, equals signs and underlines before, after and below a number, as on cheques."""
    rng = draft.rng
    taken = taken_boxes(draft)
    if not len(taken):
        return
    x0, y0, x1, y1 = taken[int(rng.integers(len(taken)))]
    height, colour = y1 - y0, _colour(draft)
    thickness = max(height * rng.uniform(0.03, 0.07), 0.8)
    kind, tilt = rng.random(), rng.normal(0, 0.05) * height
    length = height * rng.uniform(0.3, 2)
    if kind < 0.6:
        start = x1 + height * rng.uniform(0.25, 0.5) if rng.random() < 0.7 else x0 - length - 0.35 * height
        if not is_free(draft, (start, y0 + 0.4 * height, start + length, y0 + 0.7 * height)):
            return
        for i in range(int(rng.choice([1, 1, 2]))):
            y = y0 + height * (0.45 + 0.2 * i)
            draft.rule(start, y, start + length, y + tilt, colour, thickness)
    else:
        for i in range(int(rng.choice([1, 1, 2]))):
            y = y1 + height * (rng.uniform(0.05, 0.25) + 0.12 * i)
            draft.rule(x0 - 0.1 * height, y, x1 + 0.1 * height, y + tilt, colour, thickness)


def draw_bars(draft: PageDraft, left: float, top: float, bottom: float, widths: FloatArray, colour: FloatArray) -> None:
    """Draw a bar code with `widths` (N,) of bars and gaps in turn."""
    for bar, gap in zip(widths[::2].tolist(), widths[1::2].tolist(), strict=False):
        draft.panel((left, top, left + bar, bottom), colour)
        left += bar + gap


def taken_boxes(draft: PageDraft) -> FloatArray:
    """Return the boxes (N, 4) xyxy in page pixels of all lines so far."""
    return np.array([placed.box for placed in draft.lines if placed.line.glyphs], np.float64).reshape(-1, 4)


def sample_line_height(draft: PageDraft) -> float:
    """Return the digit height of a random line; on an empty page, a random one."""
    heights = [placed.line.height for placed in draft.lines if placed.line.glyphs]
    if heights:
        return heights[int(draft.rng.integers(len(heights)))]
    return log_uniform(draft.rng, 12, 0.4 * draft.height + 13)


def put_free(draft: PageDraft, line: Line) -> None:
    """Place a line clear of the others, if a free position is found."""
    box = _free_box(draft, float(line.size[0]), float(line.size[1])) if line.glyphs else None
    if box is not None:
        draft.put(line, *centre_of(box))


def _free_box(draft: PageDraft, width: float, height: float) -> Box | None:
    """Return a random box, perhaps over the border, that is clear of all lines; None if no try found one."""
    for _ in range(_TRIES):
        x, y = draft.rng.uniform(-0.55, 0.55, 2) * (draft.width, draft.height)
        box = centred_box(float(x), float(y), width, height)
        if is_free(draft, box):
            return box
    return None


def is_free(draft: PageDraft, box: Sequence[float]) -> bool:
    """Whether a box is clear of all lines so far."""
    taken = taken_boxes(draft)
    pad = 0.12 * (taken[:, 3] - taken[:, 1])
    apart = (taken[:, 0] - pad > box[2]) | (taken[:, 2] + pad < box[0])
    apart |= (taken[:, 1] - pad > box[3]) | (taken[:, 3] + pad < box[1])
    return bool(apart.all())


def _polar(radius: FloatArray, angles: FloatArray) -> Points:
    return radius[:, None] * np.column_stack([np.cos(angles), np.sin(angles)])


def _rotated_panel(draft: PageDraft, box: Sequence[float], degrees: float, colour: FloatArray, alpha: float) -> None:
    points = rounded(box, 0.0)
    centre = points.mean(axis=0)
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    draft.add_shape((points - centre) @ np.array([[cos, sin], [-sin, cos]]) + centre, colour, alpha=alpha)


def _colour(draft: PageDraft) -> FloatArray:
    """Draw a colour (3,) BGR, mostly one that contrasts with the background as the ink does."""
    return draft.background_colour(draft.light if draft.rng.random() >= 0.8 else not draft.light)
