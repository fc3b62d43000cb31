"""Draws what a plan says: shapes and inked glyphs on a canvas, with no chance but the seeds in the plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from digitdet.common.types import Image
from digitdet.synth.digits.drawing import InkPatch, render_glyph
from digitdet.synth.digits.glyphs import VISIBLE_INK
from digitdet.synth.effects.inks import INKS, PAD, WIDE_INKS
from digitdet.synth.pages.page_draft import Shape
from digitdet.synth.plan import Inscription, PlacedGlyph
from digitdet.synth.surfaces.fields import with_level

Array = npt.NDArray[np.float64]
Field = npt.NDArray[np.float32]
Window = tuple[slice, slice]
"""Rows and columns of the canvas."""

# A number stays in the picture with its label if at least this part of each digit's ink is on the canvas; less is drawn
# as text that the border cut off, without a label.
_MIN_ON_CANVAS = 0.5
# Part of the inks that have a strong colour.
_COLOURED_SHARE = 0.35
# Bits of a pixel's fraction in the coordinates that OpenCV draws at.
_SHIFT = 4
# Pixels of the ground under an ink that are looked at for its colour; more would say the same.
_GROUND_SAMPLES = 256
# Digit height in pixels above which every second row and column is enough for that.
_EVERY_PIXEL_BELOW = 30


@dataclass(frozen=True)
class DrawnDigit:
    """A digit on the canvas: its ink, clipped to the canvas, its box, and the inscription and number it is part of."""

    patch: InkPatch
    box: tuple[int, int, int, int]
    label: int
    number: tuple[int, int]


def draw_shape(canvas: Image, shape: Shape) -> None:
    """Draw a flat shape with smooth edges on the canvas (H, W, 3), in place."""
    points = [_cv_points(shape.points)]
    colour = [float(value) for value in shape.colour]
    thickness = max(round(shape.thickness), 1)
    target = canvas
    if shape.alpha < 1:
        pad = thickness + 1
        low = np.maximum(np.floor(shape.points.min(axis=0)).astype(int) - pad, 0)
        high = np.maximum(np.ceil(shape.points.max(axis=0)).astype(int) + pad, 0)
        canvas = canvas[low[1] : high[1], low[0] : high[0]]
        if not canvas.size:
            return
        target = canvas.copy()
        points = [points[0] - (low * (1 << _SHIFT)).astype(np.int32)]
    if shape.thickness == 0:
        cv2.fillPoly(target, points, colour, cv2.LINE_AA, _SHIFT)
    else:
        cv2.polylines(target, points, shape.closed, colour, thickness, cv2.LINE_AA, _SHIFT)
    if target is not canvas:
        cv2.addWeighted(target, shape.alpha, canvas, 1 - shape.alpha, 0, dst=canvas)


def draw_inscription(
    canvas: Image, ink_map: Image, inscription: Inscription, index: int, hidden: frozenset[tuple[int, int]]
) -> list[DrawnDigit]:
    """Lay one inscription on the canvas, in place, and give the digits that are seen.

    Args:
        canvas: (H, W, 3) BGR.
        ink_map: (H, W), set to 255 where there is ink of any kind.
        inscription: What is written.
        index: Its place in the plan, by which its numbers are named.
        hidden: Names of numbers, of this and of other inscriptions, that are left out.
    """
    numbers = {(index, place) for place in range(len(inscription.numbers))}
    if numbers and numbers <= hidden:
        return []  # its marks alone would be read as digits: a slash as 1
    number_of = {row: (index, place) for place, rows in enumerate(inscription.numbers) for row in rows}
    height, width = ink_map.shape
    patches: dict[int, InkPatch] = {}
    shown: list[DrawnDigit] = []
    for row, placed in enumerate(inscription.glyphs):
        number = number_of.get(row)
        if number in hidden or not _is_near(placed, width, height):
            continue
        full = render_glyph(placed.glyph.ink, placed.matrix, placed.centre, placed.threshold)
        patch = _clip(_look_through(full, placed), width, height)
        if not patch.alpha.size:
            continue
        patches[row] = patch
        box = None if number is None else patch.visible_box()
        if number is not None and box is not None and (patch is full or _mostly_shown(placed, patch)):
            shown.append(DrawnDigit(patch, box, placed.glyph.label, number))
    _lay_ink(canvas, ink_map, inscription, patches)
    return shown


def _lay_ink(canvas: Image, ink_map: Image, inscription: Inscription, patches: Mapping[int, InkPatch]) -> None:
    """Put the ink of an inscription's glyphs, by row, on the canvas and into the ink map, in place."""
    if not patches:
        return
    needs_border = inscription.strokes or inscription.ink in WIDE_INKS
    pad = round(inscription.height * PAD) + 1 if needs_border else 0
    window = _window_around(list(patches.values()), pad, *ink_map.shape)
    alpha = np.zeros((window[0].stop - window[0].start, window[1].stop - window[1].start), np.float32)
    for patch in patches.values():
        part = alpha[_inside(patch, window)]
        np.maximum(part, patch.alpha, out=part)
    if inscription.strokes and len(patches) == len(inscription.glyphs):
        _draw_strokes(alpha, inscription.strokes, window)
    visible = alpha > VISIBLE_INK
    ink_map[window] |= visible.view(np.uint8) * np.uint8(255)
    colour = _ink_colour(inscription, canvas[window], visible)
    ground = canvas[window].astype(np.float32)
    _draw_ghost(ground, inscription, colour, window)
    rng = np.random.default_rng(inscription.seed)
    inked = INKS[inscription.ink](rng, ground, alpha, colour, inscription.height)
    canvas[window] = np.clip(inked, 0, 255, out=inked)


def _cv_points(points: Array) -> npt.NDArray[np.int32]:
    """Points (N, 2) as OpenCV draws them: from the centre of a pixel, in 1/16 of one; ours count from its corner."""
    return np.round((points - 0.5) * (1 << _SHIFT)).astype(np.int32)


def _look_through(patch: InkPatch, placed: PlacedGlyph) -> InkPatch:
    """What is seen of a glyph's ink through its window; all of it where there is none."""
    if placed.window is None:
        return patch
    mask = np.zeros(patch.alpha.shape, np.uint8)
    cv2.fillPoly(mask, [_cv_points(placed.window - (patch.left, patch.top))], 1, cv2.LINE_8, _SHIFT)
    return InkPatch(patch.alpha * mask, patch.left, patch.top)


def _is_near(placed: PlacedGlyph, width: int, height: int) -> bool:
    """Whether a glyph's centre is within one canvas of the canvas. A word that runs on beyond a tilted page comes near
    the horizon, where its letters would be of boundless size.
    """
    x, y = placed.centre
    return -width < x < 2 * width and -height < y < 2 * height


def _clip(patch: InkPatch, width: int, height: int) -> InkPatch:
    """The part of a patch that lies on the canvas; the patch itself where that is all of it."""
    rows, columns = patch.alpha.shape
    left, top = max(-patch.left, 0), max(-patch.top, 0)
    right, bottom = max(min(width - patch.left, columns), 0), max(min(height - patch.top, rows), 0)
    if (left, top, right, bottom) == (0, 0, columns, rows):
        return patch
    return InkPatch(patch.alpha[top:bottom, left:right], patch.left + left, patch.top + top)


def _mostly_shown(placed: PlacedGlyph, patch: InkPatch) -> bool:
    """Whether enough of a digit's ink is on the canvas and in its window."""
    full = float((placed.glyph.ink > placed.threshold).sum()) * abs(float(np.linalg.det(placed.matrix)))
    return float((patch.alpha > VISIBLE_INK).sum()) >= _MIN_ON_CANVAS * full


def _window_around(patches: Sequence[InkPatch], pad: int, height: int, width: int) -> Window:
    """The part of a canvas of that size that holds all patches and a border."""
    top = min(patch.top for patch in patches)
    left = min(patch.left for patch in patches)
    bottom = max(patch.top + patch.alpha.shape[0] for patch in patches)
    right = max(patch.left + patch.alpha.shape[1] for patch in patches)
    return slice(max(top - pad, 0), min(bottom + pad, height)), slice(max(left - pad, 0), min(right + pad, width))


def _inside(patch: InkPatch, window: Window) -> Window:
    """Where a patch lies within a window."""
    top, left = patch.top - window[0].start, patch.left - window[1].start
    return slice(top, top + patch.alpha.shape[0]), slice(left, left + patch.alpha.shape[1])


def _draw_strokes(alpha: Field, strokes: Sequence[tuple[Array, float]], window: Window) -> None:
    """Add connecting strokes to the ink, in place."""
    drawn = np.zeros(alpha.shape, np.uint8)
    for points, width in strokes:
        moved = _cv_points(points - (window[1].start, window[0].start))
        cv2.polylines(drawn, [moved], False, 255, max(round(width), 1), cv2.LINE_AA, _SHIFT)
    np.maximum(alpha, drawn * np.float32(1 / 255), out=alpha)


def _draw_ghost(ground: Field, inscription: Inscription, colour: Field, window: Window) -> None:
    """Lay the unlit parts of a display on the ground, in place, before its ink."""
    if not inscription.ghost:
        return
    height, width = window[0].stop, window[1].stop
    for placed in inscription.glyphs:
        if placed.glyph.faint is None:
            continue
        patch = _clip(render_glyph(placed.glyph.faint, placed.matrix, placed.centre, 0.5), width, height)
        patch = _cut_before(patch, window)
        if patch.alpha.size:
            part = ground[_inside(patch, window)]
            part += (patch.alpha * np.float32(inscription.ghost))[..., None] * (colour - part)


def _cut_before(patch: InkPatch, window: Window) -> InkPatch:
    """The part of a patch that does not lie above or left of a window."""
    top, left = max(window[0].start - patch.top, 0), max(window[1].start - patch.left, 0)
    return InkPatch(patch.alpha[top:, left:], patch.left + left, patch.top + top)


def _ink_colour(inscription: Inscription, ground: Image, visible: npt.NDArray[np.bool_]) -> Field:
    """An ink colour (3,) BGR from the inscription's three draws, at least its contrast from the ground under it.

    The ground's extremes count, not its mean: on a gradient or a texture the whole number must stand out. Where there
    is no room on the wanted side, the ink goes to the other. `ground` is (h, w, 3), `visible` (h, w) says where the ink
    is.
    """
    step = 2 if inscription.height > _EVERY_PIXEL_BELOW else 1
    grey = np.asarray(cv2.cvtColor(ground, cv2.COLOR_BGR2GRAY), np.uint8)
    low, high = _extremes(grey[::step, ::step][visible[::step, ::step]])
    dark, contrast, draw = inscription.dark, inscription.contrast, inscription.tint
    if (dark and low < contrast) or (not dark and 255 - high < contrast):
        dark = low > 255 - high
    # Mostly as dark or as light as can be, as ink on paper is.
    away = draw[0] ** 1.5 * max((low if dark else 255 - high) - contrast, 0)
    level = away if dark else 255 - away
    # Two in three inks are near grey; the others are as coloured as paint and print can be.
    saturation = 90.0 if draw[1] > _COLOURED_SHARE else 400.0
    return with_level(128 + (draw - draw.mean()) * saturation, level)


def _extremes(levels: Image) -> tuple[float, float]:
    """About the lowest and the highest of some grey levels (N,), but for a twentieth at either end."""
    if not levels.size:
        return 0.0, 255.0
    some = levels[:: max(len(levels) // _GROUND_SAMPLES, 1)]
    low, high = int(0.05 * (len(some) - 1)), int(0.95 * (len(some) - 1))
    ordered = np.partition(some, (low, high))
    return float(ordered[low]), float(ordered[high])
