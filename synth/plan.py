"""The plan of a picture: the random choices, made before anything is drawn."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from digitdet.common.registry import draw_name
from digitdet.common.types import Box, FloatArray, Points
from digitdet.configs.look import LookConfig
from digitdet.synth.digits.drawing import style_matrix
from digitdet.synth.digits.glyphs import Glyph
from digitdet.synth.effects.effects import Steps
from digitdet.synth.effects.relight import ObjectLight
from digitdet.synth.pages.page_draft import Ink, PageDraft, PlacedLine, Shape, rounded
from digitdet.synth.pages.page_geometry import PageMap


@dataclass(frozen=True)
class PlacedGlyph:
    """A glyph at its place on the canvas."""

    glyph: Glyph
    matrix: FloatArray  # linear map (2, 2) from glyph pixels to canvas pixels
    centre: tuple[float, float]  # x, y on the canvas
    threshold: float  # ink coverage (0 to 1) at the edge of the stroke
    window: Points | None = None  # polygon (N, 2) on the canvas; the glyph is visible inside only, as in a counter
    character: str = ""  # as written; empty for a part of a character, or a scribble
    after_space: bool = False  # whether there is a space before it
    min_visible: float = 0.5  # it is labelled if at least this part of its ink is visible
    colour: FloatArray | None = None  # (3,) BGR, 0 to 255; None for the ink of the line


@dataclass(frozen=True)
class InkedLine:
    """A line of glyphs on the canvas: some numbers and the characters between them."""

    glyphs: tuple[PlacedGlyph, ...]
    numbers: tuple[tuple[int, ...], ...]  # rows in `glyphs` of each number: its digits and marks, in reading order
    strokes: tuple[tuple[Points, float], ...]  # connecting strokes: points (N, 2) on the canvas, width in pixels
    height: float  # height of the digits in pixels
    ink: Ink
    seed: int
    dark: bool  # whether the ink should be darker than the background, where there is room for its contrast
    contrast: float  # least difference in grey levels between ink and background


@dataclass(frozen=True)
class Layer:
    """What is drawn together: a flat page, or one object of a scene."""

    shapes: tuple[Shape, ...]
    lines: tuple[InkedLine, ...]
    light: ObjectLight | None = None  # how an object is lit; None for a page, which is all of the picture
    page: PageMap | None = None  # map of an object to the canvas
    box: Box = (0.0, 0.0, 0.0, 0.0)  # extent of an object on the canvas


@dataclass(frozen=True)
class Plan:
    """Everything needed to render a picture. Rendering is deterministic: it only uses the seeds in the plan."""

    look: str
    source: str
    width: int
    height: int
    light: bool  # whether the background is light
    surface_seed: int
    layers: tuple[Layer, ...]  # from the back to the front
    effects: Steps
    transforms: Steps  # of albumentations, applied after the effects
    blank: bool = False  # whether the picture shall have no digits

    @property
    def lines(self) -> tuple[InkedLine, ...]:
        """The lines of all layers, in drawing order."""
        return tuple(line for layer in self.layers for line in layer.lines)


def plan_page(rng: np.random.Generator, draft: PageDraft, page: PageMap, count: int, plain_share: float = 0.0) -> Layer:
    """Project a draft to the canvas; see `plan_lines`."""
    lines = plan_lines(rng, draft, page, count, plain_share)
    return Layer(tuple(replace(shape, points=page.apply(shape.points)) for shape in draft.shapes), lines)


def plan_lines(
    rng: np.random.Generator, draft: PageDraft, page: PageMap, count: int, plain_share: float = 0.0
) -> tuple[InkedLine, ...]:
    """Project the lines of a draft to the canvas and choose their inks.

    The first `count` lines hold the numbers, in one ink or two. The others are clutter; they come first in the result,
    so that numbers are drawn on top, and have inks of their own. Those with `same_pen` have the inks of the numbers and
    may hold numbers, too. With the probability `plain_share`, all numbers are black or white, or nearly so.
    """
    look = draft.look
    ghost = 0.4 * rng.random() ** 2 if rng.random() < 0.6 else 0.0
    main, second = (_sample_ink(rng, look, ghost) for _ in range(2))
    if plain_share and rng.random() < plain_share:
        main = second = replace(main, tint=main.tint * 0.2 + 0.1)
    main_share = 1.0 if rng.random() < 0.8 else 0.6
    planned = []
    for index in [*range(count, len(draft.lines)), *range(count)]:
        placed = draft.lines[index]
        is_clutter = index >= count and not placed.same_pen
        if placed.ink is not None:
            ink = placed.ink
        elif is_clutter:
            ink = _sample_ink(rng, look, ghost)
        elif rng.random() < main_share:
            ink = main
        else:
            ink = second
        seed = int(rng.integers(2**31))
        if placed.line.glyphs:
            planned.append(
                InkedLine(
                    _project_glyphs(placed, page),
                    tuple(map(tuple, placed.line.numbers)) if not is_clutter else (),
                    tuple((page.apply(points + (placed.x, placed.y)), width) for points, width in placed.line.strokes),
                    placed.line.height,
                    ink,
                    seed,
                    draft.light if placed.dark is None else placed.dark,
                    look.min_contrast,
                )
            )
    return tuple(planned)


def _sample_ink(rng: np.random.Generator, look: LookConfig, ghost: float) -> Ink:
    return Ink(draw_name(rng, look.inks), rng.uniform(0, 1, 3), ghost)


def _project_glyphs(placed: PlacedLine, page: PageMap) -> tuple[PlacedGlyph, ...]:
    glyphs = placed.line.glyphs
    centres, slopes = page.linearise([(placed.x + glyph.x, placed.y + glyph.y) for glyph in glyphs])
    matrices = slopes @ np.array([style_matrix(glyph.glyph, glyph.style) for glyph in glyphs])
    windows = [None if glyph.clip is None else _project_window(placed, page, glyph.clip) for glyph in glyphs]
    return tuple(
        PlacedGlyph(
            glyph.glyph,
            matrix,
            (x, y),
            glyph.style.ink_threshold,
            window,
            glyph.character,
            glyph.after_space,
            glyph.min_visible,
            glyph.colour,
        )
        for glyph, matrix, (x, y), window in zip(glyphs, matrices, centres.tolist(), windows, strict=True)
    )


def _project_window(placed: PlacedLine, page: PageMap, clip: tuple[float, float, float, float]) -> Points:
    x, y = placed.x, placed.y
    return page.apply(rounded((clip[0] + x, clip[1] + y, clip[2] + x, clip[3] + y), 0.0))
