"""What is in real pictures and is no digit: words, scribbles, straight edges, frames, rings, stamps, bar codes.

A detector that never saw them reads a door post as 1 and a ring as 0. Clutter is drawn under the digits and keeps clear
of them, and none of it is labelled. To add one, write a function with `@CLUTTER.add("name")` and give the name a share
in a look.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from digitdet.common.registry import Registry
from digitdet.common.types import Box
from digitdet.synth.digits.drawing import GlyphStyle
from digitdet.synth.digits.pen import Hand
from digitdet.synth.pages.lines import Line, LineGlyph
from digitdet.synth.pages.page_draft import PageDraft, Shape, rounded
from digitdet.synth.pages.signs import LIKE_DIGITS, SIGNS
from digitdet.synth.pages.texts import word
from digitdet.synth.surfaces.fields import sample_background_colour

Array = npt.NDArray[np.float64]
ClutterFunction = Callable[[PageDraft], None]
CLUTTER: Registry[ClutterFunction] = Registry()

# NmsResult that are tried for one thing before it is left out.
_TRIES = 8
# Letters that are often the same as a digit when they stand alone are never drawn large and cut off.
_CLEAR_LETTERS = tuple("ACDEFGHJKLMNPRTUVWXYacdefhkmnprtuvwxy&@?!")


def add_clutter(draft: PageDraft) -> None:
    """Add the kinds that the look's shares draw."""
    for name, share in draft.look.clutter.items():
        if draft.rng.random() < share:
            CLUTTER[name](draft)


@CLUTTER.add("words")
def words(draft: PageDraft) -> None:
    """A few words in print or hand, of any size, some reaching over the border."""
    height = _common_height(draft)
    for _ in range(int(draft.rng.integers(1, 5))):
        size = height * float(np.exp(draft.rng.uniform(-1.2, 0.3)))
        line = draft.write_clutter(
            " ".join(word(draft.rng) for _ in range(int(draft.rng.integers(1, 4)))), max(size, 5.0)
        )
        _put_free(draft, line)


@CLUTTER.add("letters")
def letters(draft: PageDraft) -> None:
    """Single letters and signs as large as the digits, beside them; no bare strokes, which are ones in some hands."""
    height = _common_height(draft)
    for _ in range(int(draft.rng.integers(1, 4))):
        text = str(draft.rng.choice([*_CLEAR_LETTERS, "%", "$", "#", "+", "*", "=", "-", "\u20ac"]))
        _put_free(draft, draft.write_clutter(text, height * float(draft.rng.uniform(0.6, 1.3))))


@CLUTTER.add("signs")
def signs(draft: PageDraft) -> None:
    """Letters of other scripts, arrows and pictographs, as large as the digits or much larger; some in a row."""
    rng = draft.rng
    height = _common_height(draft)
    first, last = SIGNS[int(rng.integers(len(SIGNS)))]
    for _ in range(int(rng.integers(1, 5))):
        codes = rng.integers(first, last + 1, int(rng.choice([1, 1, 1, 3, 5])))
        text = "".join(character for character in map(chr, codes.tolist()) if character not in LIKE_DIGITS)
        line = draft.sign_writer.write(rng, text, height * float(np.exp(rng.uniform(-0.5, 1.0))), np.inf)
        _put_free(draft, line)


@CLUTTER.add("blobs")
def blobs(draft: PageDraft) -> None:
    """Closed smooth curves, most of them filled, alone or overlapping: emblems, stains, leaves, holes."""
    rng = draft.rng
    for _ in range(int(rng.integers(1, 4))):
        size = _common_height(draft) * float(np.exp(rng.uniform(-0.7, 1.2)))
        box = _free_place(draft, size, size)
        if box is None:
            continue
        around = np.linspace(0, 2 * np.pi, 60, endpoint=False)
        waves = rng.normal(0, 1, (4, 2)) / np.arange(2, 6)[:, None]
        reach = 1 + 0.3 * sum(
            a * np.cos(n * around) + b * np.sin(n * around) for n, (a, b) in enumerate(waves.tolist(), start=1)
        )
        reach *= size / 2 / np.abs(reach).max()
        centre = np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])
        stretch = np.array([1.0, float(rng.uniform(0.4, 1))])[:: int(rng.choice([-1, 1]))]
        points = centre + reach[:, None] * np.column_stack([np.cos(around), np.sin(around)]) * stretch
        if rng.random() < 0.15:
            draft.shapes.append(Shape(points, _colour(draft), size * float(rng.uniform(0.02, 0.05))))
            continue
        draft.shapes.append(Shape(points, _colour(draft)))
        if rng.random() < 0.4:  # never two outlines: they would make an 8
            draft.shapes.append(Shape(points + rng.uniform(-0.5, 0.5, 2) * size, _colour(draft)))


@CLUTTER.add("cut_letters")
def cut_letters(draft: PageDraft) -> None:
    """Parts of large letters at the border: neighbouring text that a crop has cut through."""
    rng = draft.rng
    for _ in range(int(rng.integers(1, 4))):
        line = draft.write_clutter("".join(rng.choice(_CLEAR_LETTERS, 3)), draft.height * float(rng.uniform(0.15, 0.6)))
        extent = line.box[2:] - line.box[:2]
        side = int(rng.integers(4))
        x = float(rng.uniform(-0.5, 0.5)) * draft.width
        y = float(rng.uniform(-0.5, 0.5)) * draft.height
        if side < 2:
            y = (1 if side else -1) * (draft.height / 2 + float(rng.uniform(0.1, 0.45)) * extent[1])
        else:
            x = (1 if side == 3 else -1) * (draft.width / 2 + float(rng.uniform(0.2, 0.48)) * extent[0])
        if line.glyphs and _is_free(draft, _around(x, y, *extent)):
            draft.put(line, x, y)


@CLUTTER.add("scribbles")
def scribbles(draft: PageDraft) -> None:
    """Unreadable handwriting, signatures, ticks."""
    for _ in range(int(draft.rng.integers(1, 3))):
        glyph = Hand(draft.rng).scribble(draft.rng)
        height = _common_height(draft) * float(draft.rng.uniform(0.7, 1.8))
        style = GlyphStyle(height, 1.0, float(draft.rng.uniform(-5, 25)), float(draft.rng.normal(0, 5)), 0.4)
        width = height * glyph.ink.shape[1] / glyph.ink.shape[0]
        box = np.array([-width / 2, -height / 2, width / 2, height / 2])
        _put_free(draft, Line(height, [LineGlyph(glyph, style, 0.0, 0.0)], box=box))


@CLUTTER.add("rules")
def rules(draft: PageDraft) -> None:
    """Thin straight lines right across the page; they may run behind digits."""
    rng = draft.rng
    colour, alpha = _colour(draft), float(rng.uniform(0.25, 0.8))
    for _ in range(int(rng.integers(1, 5))):
        thickness = float(rng.uniform(0.6, 2.0))
        place, slope = rng.uniform(-0.5, 0.5), float(rng.normal(0, 0.02))
        if rng.random() < 0.6:
            y = float(place) * draft.height
            draft.rule(
                draft.left * 1.3,
                y - slope * draft.width,
                -draft.left * 1.3,
                y + slope * draft.width,
                colour,
                thickness,
                alpha,
            )
        else:
            x = float(place) * draft.width
            draft.rule(
                x - slope * draft.height,
                draft.top * 1.3,
                x + slope * draft.height,
                -draft.top * 1.3,
                colour,
                thickness,
                alpha,
            )


@CLUTTER.add("bars")
def bars(draft: PageDraft) -> None:
    """Posts, bars, gaps and edges of plates: long straight stripes, alone or as a fence, clear of the digits."""
    rng = draft.rng
    colour = _colour(draft)
    thickness = _common_height(draft) * float(np.exp(rng.uniform(-2.5, 0.3)))
    upright = rng.random() < 0.65
    period = thickness * float(rng.uniform(1.6, 5))
    start = float(rng.uniform(-0.5, 0.5)) * (draft.width if upright else draft.height)
    for i in range(int(rng.choice([1, 1, 2, 3, 6]))):
        at = start + i * period
        low, high = np.sort(rng.uniform(-0.75, 0.75, 2)) if rng.random() < 0.5 else (-0.75, 0.75)
        if upright:
            box = (at, low * draft.height, at + thickness, high * draft.height)
        else:
            box = (low * draft.width, at, high * draft.width, at + thickness)
        if (high - low) * (draft.height if upright else draft.width) > 4 * thickness and _is_free(draft, box):
            _add_turned(draft, rounded(box, 0.0), float(rng.normal(0, 3)), colour, float(rng.uniform(0.5, 1)))


@CLUTTER.add("edges")
def edges(draft: PageDraft) -> None:
    """Where one surface ends and another begins: a large area of another colour that reaches over the border."""
    rng = draft.rng
    side = int(rng.integers(4))
    depth = float(rng.uniform(0.05, 0.45))
    x, y = draft.width * 0.75, draft.height * 0.75
    box = (
        (-x, -y, x, draft.top + depth * draft.height),
        (-x, -draft.top - depth * draft.height, x, y),
        (-x, -y, draft.left + depth * draft.width, y),
        (-draft.left - depth * draft.width, -y, x, y),
    )[side]
    if _is_free(draft, box):
        colour = np.asarray(sample_background_colour(rng, bool(rng.random() < 0.5)), np.float64)
        _add_turned(draft, rounded(box, 0.0), float(rng.normal(0, 4)), colour, 1.0)


@CLUTTER.add("frames")
def frames(draft: PageDraft) -> None:
    """A rectangle or an oval drawn around a number, or around nothing."""
    rng = draft.rng
    taken = taken_boxes(draft)
    height = _common_height(draft)
    if len(taken) and rng.random() < 0.6:
        x0, y0, x1, y1 = taken[int(rng.integers(len(taken)))]
        pad = height * rng.uniform(0.2, 0.5, 2)
        box = (x0 - pad[0], y0 - pad[1], x1 + pad[0], y1 + pad[1])
    else:
        width, tall = rng.uniform(0.1, 0.6, 2) * (draft.width, draft.height)
        x, y = rng.uniform(-0.5, 0.5, 2) * (draft.width, draft.height)
        box = _around(x, y, width, tall)
    corner = height * float(rng.choice([0.0, 0.0, rng.uniform(0.1, 0.4), 9.0]))
    for i in range(int(rng.choice([1, 1, 2]))):
        inset = -0.12 * height * i
        outline = rounded((box[0] + inset, box[1] + inset, box[2] - inset, box[3] - inset), corner)
        draft.shapes.append(Shape(outline, _colour(draft), max(height * float(rng.uniform(0.02, 0.09)), 0.7)))


@CLUTTER.add("rings")
def rings(draft: PageDraft) -> None:
    """Circles, arcs, discs and screws; rounder than a 0."""
    rng = draft.rng
    for _ in range(int(rng.integers(1, 4))):
        radius = _common_height(draft) * float(np.exp(rng.uniform(-1.8, 0.5)))
        box = _free_place(draft, 2 * radius, 2 * radius)
        if box is None:
            continue
        kind = rng.random()
        thickness = 0.0 if kind < 0.35 else radius * float(rng.uniform(0.06, 0.35))
        outline = rounded(box, radius)
        if kind > 0.75:  # an arc of a quarter to three quarters
            outline = np.roll(outline, int(rng.integers(48)), axis=0)[: int(rng.integers(12, 36))]
        draft.shapes.append(Shape(outline, _colour(draft), thickness, closed=kind <= 0.75))


@CLUTTER.add("logos")
def logos(draft: PageDraft) -> None:
    """Stars, arrows, triangles and other filled shapes."""
    rng = draft.rng
    for _ in range(int(rng.integers(1, 3))):
        size = _common_height(draft) * float(rng.uniform(0.4, 2))
        box = _free_place(draft, size, size)
        if box is None:
            continue
        corners = int(rng.choice([3, 4, 5, 8, 10]))
        angles = np.arange(corners) * 2 * np.pi / corners + rng.uniform(0, 2 * np.pi)
        reach = np.where(np.arange(corners) % 2, rng.uniform(0.4, 1), 1.0) * size / 2
        centre = np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])
        points = centre + reach[:, None] * np.column_stack([np.cos(angles), np.sin(angles)])
        thickness = 0.0 if rng.random() < 0.7 else size * 0.06
        draft.shapes.append(Shape(points, _colour(draft), thickness))


@CLUTTER.add("barcode")
def barcode(draft: PageDraft) -> None:
    """Upright bars of several widths, as on labels."""
    rng = draft.rng
    module = max(_common_height(draft) * float(rng.uniform(0.02, 0.06)), 1.0)
    widths = rng.integers(1, 4, int(rng.integers(30, 70))) * module
    tall = float(widths.sum()) * float(rng.uniform(0.15, 0.5))
    box = _free_place(draft, float(widths.sum()), tall)
    if box is None:
        return
    colour, x = _colour(draft), box[0]
    for bar, gap in zip(widths[::2], widths[1::2], strict=False):
        draft.shapes.append(Shape(np.array([[x, box[1]], [x + bar, box[1]], [x + bar, box[3]], [x, box[3]]]), colour))
        x += bar + gap


@CLUTTER.add("stamps")
def stamps(draft: PageDraft) -> None:
    """A rubber stamp: one or two rings, a rectangle or none, around a word."""
    rng = draft.rng
    line = draft.write_clutter(word(rng), _common_height(draft) * float(rng.uniform(0.3, 0.7)))
    if not line.glyphs:
        return
    width = line.width * 1.3
    tall = width if rng.random() < 0.5 else line.height * 2.2
    box = _free_place(draft, width, tall)
    if box is None:
        return
    colour = rng.uniform(20, 180, 3)
    for inset in (0.0, 0.06 * tall)[: int(rng.integers(1, 3))]:
        outline = rounded(
            (box[0] + inset, box[1] + inset, box[2] - inset, box[3] - inset), tall / 2 if width == tall else 0.0
        )
        draft.shapes.append(Shape(outline, colour, max(0.03 * tall, 0.8), alpha=float(rng.uniform(0.4, 0.9))))
    draft.put(line, (box[0] + box[2]) / 2, (box[1] + box[3]) / 2)


@CLUTTER.add("fillers")
def fillers(draft: PageDraft) -> None:
    """Dashes, equals signs, double strokes and underlines before, behind and below a number, as on cheques."""
    rng = draft.rng
    taken = taken_boxes(draft)
    if not len(taken):
        return
    x0, y0, x1, y1 = taken[int(rng.integers(len(taken)))]
    tall, colour = y1 - y0, _colour(draft)
    thickness = max(tall * float(rng.uniform(0.03, 0.07)), 0.8)
    kind, tilt = rng.random(), float(rng.normal(0, 0.05)) * tall
    length = tall * float(rng.uniform(0.3, 2))
    if kind < 0.6:
        start = x1 + tall * float(rng.uniform(0.25, 0.5)) if rng.random() < 0.7 else x0 - length - 0.35 * tall
        for i in range(int(rng.choice([1, 1, 2]))):
            y = y0 + tall * (0.45 + 0.2 * i)
            draft.rule(start, y, start + length, y + tilt, colour, thickness)
    else:
        for i in range(int(rng.choice([1, 1, 2]))):
            y = y1 + tall * (float(rng.uniform(0.05, 0.25)) + 0.12 * i)
            draft.rule(x0 - 0.1 * tall, y, x1 + 0.1 * tall, y + tilt, colour, thickness)


def taken_boxes(draft: PageDraft) -> Array:
    """Boxes (N, 4) xyxy, in page pixels, of everything that is written so far."""
    boxes = [w.line.box + [w.x, w.y, w.x, w.y] for w in draft.lines if w.line.glyphs]
    return np.array(boxes, np.float64).reshape(-1, 4)


def _common_height(draft: PageDraft) -> float:
    """The digit height of a random line of the page, or a usual one where nothing is written."""
    heights = [placed.line.height for placed in draft.lines if placed.line.glyphs]
    if heights:
        return heights[int(draft.rng.integers(len(heights)))]
    return float(np.exp(draft.rng.uniform(np.log(12), np.log(0.4 * draft.height + 13))))


def _put_free(draft: PageDraft, line: Line) -> None:
    extent = line.box[2:] - line.box[:2]
    box = _free_place(draft, float(extent[0]), float(extent[1])) if line.glyphs else None
    if box is not None:
        draft.put(line, (box[0] + box[2]) / 2, (box[1] + box[3]) / 2)


def _free_place(draft: PageDraft, width: float, height: float) -> Box | None:
    """Somewhere on the page, perhaps over its border, clear of what is written; None if no try found one."""
    for _ in range(_TRIES):
        x, y = draft.rng.uniform(-0.55, 0.55, 2) * (draft.width, draft.height)
        box = _around(float(x), float(y), width, height)
        if _is_free(draft, box):
            return box
    return None


def _is_free(draft: PageDraft, box: Sequence[float]) -> bool:
    taken = taken_boxes(draft)
    if not len(taken):
        return True
    pad = 0.12 * (taken[:, 3] - taken[:, 1])
    apart = (taken[:, 0] - pad > box[2]) | (taken[:, 2] + pad < box[0])
    apart |= (taken[:, 1] - pad > box[3]) | (taken[:, 3] + pad < box[1])
    return bool(apart.all())


def _around(x: float, y: float, width: float, height: float) -> Box:
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def _add_turned(draft: PageDraft, points: Array, degrees: float, colour: Array, alpha: float) -> None:
    centre = points.mean(axis=0)
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turned = (points - centre) @ np.array([[cos, sin], [-sin, cos]]) + centre
    draft.shapes.append(Shape(turned, colour, alpha=alpha))


def _colour(draft: PageDraft) -> Array:
    """Mostly of the ink's side of the ground, now and then any colour."""
    dark = draft.light if draft.rng.random() < 0.8 else not draft.light
    return np.asarray(sample_background_colour(draft.rng, not dark), np.float64)
