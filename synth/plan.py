"""What one picture is made of, sampled before anything is drawn: the page, what is written, with what, seen how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digitdet.common.registry import draw_name
from digitdet.configs.look import LookConfig
from digitdet.synth.digits.drawing import style_matrix
from digitdet.synth.digits.glyphs import Glyph
from digitdet.synth.effects.effects import Steps
from digitdet.synth.pages.page_draft import PageDraft, PlacedLine, Shape, rounded
from digitdet.synth.pages.page_geometry import PageMap

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class PlacedGlyph:
    """A glyph with its final map to the canvas: `matrix` (2, 2), `centre` (x, y); `window` (N, 2) is a polygon outside
    which it is hidden.
    """

    glyph: Glyph
    matrix: Array
    centre: tuple[float, float]
    threshold: float
    window: Array | None = None


@dataclass(frozen=True)
class Inscription:
    """Glyphs in one ink: the digits of some numbers, and the marks between them.

    `numbers` are rows of `glyphs` in reading order. `height` is the digits' height in pixels, `strokes` are connecting
    strokes as canvas points and a width, `tint` (3,) three draws of 0 to 1 for the colour, `dark` the wanted side of
    the ground, `ghost` the strength of unlit segments.
    """

    glyphs: tuple[PlacedGlyph, ...]
    numbers: tuple[tuple[int, ...], ...]
    strokes: tuple[tuple[Array, float], ...]
    height: float
    ink: str
    seed: int
    tint: Array
    dark: bool
    contrast: float
    ghost: float


@dataclass(frozen=True)
class Plan:
    """Everything that one picture is made of; rendering it draws no more chances."""

    look: str
    source: str
    width: int
    height: int
    light: bool
    surface_seed: int
    shapes: tuple[Shape, ...]
    inscriptions: tuple[Inscription, ...]
    effects: Steps


@dataclass(frozen=True)
class _Manner:
    """What an inscription is written with."""

    ink: str
    tint: Array
    ghost: float


def inscribe(rng: np.random.Generator, draft: PageDraft, page: PageMap, written: int) -> tuple[Inscription, ...]:
    """Everything that is written on a draft, as it is seen, with its inks.

    The first `written` lines, which hold the numbers, share the page's own ink, or two inks where the page has two.
    The others are clutter, each in an ink of its own, and come first: where a word does meet a number, the number lies
    on top.
    """
    look = draft.look
    ghost = float(rng.uniform(0, 0.3)) if rng.random() < 0.6 else 0.0
    own, other = (_Manner(draw_name(rng, look.inks), rng.uniform(0, 1, 3), ghost) for _ in range(2))
    own_share = 1.0 if rng.random() < 0.8 else 0.6
    inscriptions = []
    for index in [*range(written, len(draft.lines)), *range(written)]:
        writing = draft.lines[index]
        is_number = index < written
        if is_number:
            manner = own if rng.random() < own_share else other
        else:
            manner = _Manner(draw_name(rng, look.inks), rng.uniform(0, 1, 3), ghost)
        dark = draft.light if writing.dark is None else writing.dark
        seed = int(rng.integers(2**31))
        if writing.line.glyphs:
            inscriptions.append(_inscription(writing, page, look, manner, dark, seed, is_number))
    return tuple(inscriptions)


def see_shapes(shapes: Sequence[Shape], page: PageMap) -> tuple[Shape, ...]:
    """The shapes of a flat page as they are seen."""
    return tuple(
        Shape(page.apply(shape.points), shape.colour, shape.thickness, shape.closed, shape.alpha) for shape in shapes
    )


def _inscription(
    writing: PlacedLine, page: PageMap, look: LookConfig, manner: _Manner, dark: bool, seed: int, is_number: bool
) -> Inscription:
    line = writing.line
    strokes = tuple((page.apply(points + (writing.x, writing.y)), width) for points, width in line.strokes)
    numbers = tuple(map(tuple, line.numbers)) if is_number else ()
    return Inscription(
        _place(writing, page),
        numbers,
        strokes,
        line.height,
        manner.ink,
        seed,
        manner.tint,
        dark,
        look.min_contrast,
        manner.ghost,
    )


def _place(writing: PlacedLine, page: PageMap) -> tuple[PlacedGlyph, ...]:
    """The glyphs of a line where they are seen."""
    glyphs = writing.line.glyphs
    centres, slopes = page.around([(writing.x + glyph.x, writing.y + glyph.y) for glyph in glyphs])
    matrices = slopes @ np.array([style_matrix(glyph.glyph, glyph.style) for glyph in glyphs])
    windows = [None if glyph.clip is None else _window(writing, page, glyph.clip) for glyph in glyphs]
    return tuple(
        PlacedGlyph(glyph.glyph, matrix, (x, y), glyph.style.ink_threshold, window)
        for glyph, matrix, (x, y), window in zip(glyphs, matrices, centres.tolist(), windows, strict=True)
    )


def _window(writing: PlacedLine, page: PageMap, clip: tuple[float, float, float, float]) -> Array:
    x, y = writing.x, writing.y
    return page.apply(rounded((clip[0] + x, clip[1] + y, clip[2] + x, clip[3] + y), 0.0))
