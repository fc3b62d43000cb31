"""Draw the shapes and lines of a plan on a canvas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from digitdet.common.types import Boxes, Image, Points, Slices
from digitdet.synth.digits.drawing import InkPatch, render_glyph, render_picture, scale_of
from digitdet.synth.digits.glyphs import NO_DIGIT, VISIBLE_INK
from digitdet.synth.effects.inks import INKS, PAD, WIDE_INKS
from digitdet.synth.effects.pixels import SUBPIXEL_BITS, fixed_point
from digitdet.synth.pages.page_draft import Shape
from digitdet.synth.plan import InkedLine, PlacedGlyph
from digitdet.synth.surfaces.fields import Colour, Field, FloatImage, with_level

NumberId = tuple[int, int]
"""A number of a plan: the index of its line in the plan, and its own index in the line."""

# Drawn larger than this, the picture of a glyph would be a blur; its ink alone is sharp.
_MAX_PICTURE_SCALE = 3.0
# Part of the inks with a strong colour.
_COLOURED_SHARE = 0.35
# Pixels under the ink from which its colour is chosen; more make no difference.
_BACKGROUND_SAMPLES = 256
# For digits higher than this, every second row and column of those pixels is used.
_EVERY_PIXEL_BELOW = 30


@dataclass(frozen=True)
class DrawnCharacter:
    """A character on the canvas: its ink, clipped to the canvas, and its xyxy box (right and bottom exclusive)."""

    patch: InkPatch
    box: tuple[int, int, int, int]
    label: int  # 0 to 9, or NO_DIGIT
    character: str
    line: int  # index of its line in the plan
    row: int  # index of its glyph in the line
    number: NumberId | None  # None if it belongs to no number
    unlit: InkPatch | None = None  # the unlit segments or dots of its cell, if they are visible


def digit_boxes(characters: Sequence[DrawnCharacter]) -> Boxes:
    """Return the boxes (N, 4) xyxy of the digits among some characters."""
    boxes = [one.box for one in characters if one.label != NO_DIGIT]
    return np.array(boxes, np.float64).reshape(-1, 4)


def draw_shape(canvas: Image, shape: Shape) -> None:
    """Draw a flat shape with smooth edges on the canvas (H, W, 3), in place."""
    points = [_canvas_points(shape.points)]
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
        points = [points[0] - (low * (1 << SUBPIXEL_BITS)).astype(np.int32)]
    if shape.thickness == 0:
        cv2.fillPoly(target, points, colour, cv2.LINE_AA, SUBPIXEL_BITS)
    else:
        cv2.polylines(target, points, shape.closed, colour, thickness, cv2.LINE_AA, SUBPIXEL_BITS)
    if target is not canvas:
        cv2.addWeighted(target, shape.alpha, canvas, 1 - shape.alpha, 0, dst=canvas)


def draw_line(
    canvas: Image, ink_map: Image, line: InkedLine, index: int, hidden: frozenset[NumberId]
) -> list[DrawnCharacter]:
    """Draw the line with this index in the plan on the canvas (H, W, 3), in place, and return the characters to label.

    `ink_map` (H, W) is set to 255 where there is ink; the `hidden` numbers of any line are left out.
    """
    numbers = {(index, place) for place in range(len(line.numbers))}
    if numbers and numbers <= hidden:
        return []  # the characters between the numbers could be read as digits: a slash as a 1
    number_of = {row: (index, place) for place, rows in enumerate(line.numbers) for row in rows}
    height, width = ink_map.shape
    patches: dict[int, InkPatch] = {}
    unlit: dict[int, InkPatch] = {}
    labelled: list[DrawnCharacter] = []
    for row, placed in enumerate(line.glyphs):
        number = number_of.get(row)
        if number in hidden or not _is_near(placed, width, height):
            continue
        full = render_glyph(placed.glyph.ink, placed.matrix, placed.centre, placed.threshold)
        patch = _clip_to_window(full, placed).clip((slice(0, height), slice(0, width)))
        if not patch.alpha.size:
            continue
        picture = placed.glyph.picture
        if picture is not None and scale_of(placed.matrix) <= _MAX_PICTURE_SCALE:
            _paint_picture(canvas, ink_map, picture, placed, full, patch)
        else:
            patches[row] = patch
        if line.ink.ghost and placed.glyph.faint is not None:
            cell = render_glyph(placed.glyph.faint, placed.matrix, placed.centre, placed.threshold)
            unlit[row] = cell.clip((slice(0, height), slice(0, width)))
        box = patch.visible_box() if placed.character else None
        if box is not None and (patch is full or _is_mostly_visible(placed, patch)):
            character = placed.character
            drawn = DrawnCharacter(patch, box, placed.glyph.label, character, index, row, number, unlit.get(row))
            labelled.append(drawn)
    plain = {row: patch for row, patch in patches.items() if line.glyphs[row].colour is None}
    if plain:
        _paint_ink(canvas, ink_map, line, plain, unlit.values())
    for row in sorted(patches.keys() - plain.keys()):
        own = replace(line, ink=replace(line.ink, colour=line.glyphs[row].colour))
        _paint_ink(canvas, ink_map, own, {row: patches[row]}, ())
    return labelled


def _paint_ink(
    canvas: Image, ink_map: Image, line: InkedLine, patches: Mapping[int, InkPatch], unlit: Iterable[InkPatch]
) -> None:
    """Paint the ink of a line's glyphs, by row, on the canvas and the ink map, in place, above the unlit segments."""
    pad = round(line.height * PAD) + 1 if line.strokes or line.ink.name in WIDE_INKS else 0
    region = _region_around(list(patches.values()), pad, *ink_map.shape)
    alpha = np.zeros((region[0].stop - region[0].start, region[1].stop - region[1].start), np.float32)
    for patch in patches.values():
        part = alpha[_slices_in(region, patch)]
        np.maximum(part, patch.alpha, out=part)
    if line.strokes and len(patches) == len(line.glyphs):
        _draw_strokes(alpha, line.strokes, region)
    visible = alpha > VISIBLE_INK
    ink_map[region] |= visible.view(np.uint8) * np.uint8(255)
    colour = _ink_colour(line, canvas[region], visible)
    background = canvas[region].astype(np.float32)
    for patch in unlit:
        _draw_unlit(background, patch.clip(region), line.ink.ghost, colour, region)
    rng = np.random.default_rng(line.seed)
    inked = INKS[line.ink.name](rng, background, alpha, colour, line.height)
    canvas[region] = np.clip(inked, 0, 255, out=inked)


def _paint_picture(
    canvas: Image, ink_map: Image, picture: Image, placed: PlacedGlyph, full: InkPatch, patch: InkPatch
) -> None:
    """Paint the picture of a glyph on the canvas, and the visible part `patch` of its ink on the ink map, in place."""
    colours, coverage = render_picture(picture, placed.matrix, placed.centre)
    if placed.window is not None:
        mask = _window_mask(placed.window, full)[..., None]
        colours, coverage = colours * mask, coverage * mask
    rows, columns = patch.region
    inside = (
        slice(rows.start - full.top, rows.stop - full.top),
        slice(columns.start - full.left, columns.stop - full.left),
    )
    canvas[rows, columns] = canvas[rows, columns] * (1 - coverage[inside]) + colours[inside] + np.float32(0.5)
    ink_map[rows, columns] |= (patch.alpha > VISIBLE_INK).view(np.uint8) * np.uint8(255)


def _canvas_points(points: Points) -> npt.NDArray[np.int32]:
    """Return points for OpenCV's drawing functions, whose origin is the centre of the first pixel, not its corner."""
    return fixed_point(points - 0.5)


def _clip_to_window(patch: InkPatch, placed: PlacedGlyph) -> InkPatch:
    """Return the ink that is visible through the window of a glyph; the patch itself if it has none."""
    if placed.window is None:
        return patch
    return InkPatch(patch.alpha * _window_mask(placed.window, patch), patch.left, patch.top)


def _window_mask(window: Points, patch: InkPatch) -> Image:
    """Return which pixels (h, w) of a patch are in a window, as 1 and 0."""
    mask = np.zeros(patch.alpha.shape, np.uint8)
    cv2.fillPoly(mask, [_canvas_points(window - (patch.left, patch.top))], 1, cv2.LINE_8, SUBPIXEL_BITS)
    return mask


def _is_near(placed: PlacedGlyph, width: int, height: int) -> bool:
    """Whether a glyph's centre is at most one canvas size outside the canvas."""
    # Letters far outside a tilted page are near its horizon, where they would be drawn at an enormous size.
    x, y = placed.centre
    return -width < x < 2 * width and -height < y < 2 * height


def _is_mostly_visible(placed: PlacedGlyph, patch: InkPatch) -> bool:
    """Whether enough of a digit's ink is on the canvas and in its window; otherwise it is drawn as cut-off text."""
    full = float((placed.glyph.ink > placed.threshold).sum()) * abs(float(np.linalg.det(placed.matrix)))
    return float((patch.alpha > VISIBLE_INK).sum()) >= placed.min_visible * full


def _region_around(patches: Sequence[InkPatch], pad: int, height: int, width: int) -> Slices:
    """Return the region of a canvas that contains all patches and a border of `pad` pixels."""
    rows, columns = zip(*(patch.region for patch in patches), strict=True)
    return _padded(rows, pad, height), _padded(columns, pad, width)


def _padded(spans: Sequence[slice], pad: int, size: int) -> slice:
    start, stop = min(span.start for span in spans), max(span.stop for span in spans)
    return slice(max(start - pad, 0), min(stop + pad, size))


def _slices_in(region: Slices, patch: InkPatch) -> Slices:
    """Return the place of a patch relative to a region."""
    top, left = patch.top - region[0].start, patch.left - region[1].start
    return slice(top, top + patch.alpha.shape[0]), slice(left, left + patch.alpha.shape[1])


def _draw_strokes(alpha: Field, strokes: Sequence[tuple[Points, float]], region: Slices) -> None:
    """Add connecting strokes to the ink, in place."""
    drawn = np.zeros(alpha.shape, np.uint8)
    for points, width in strokes:
        moved = _canvas_points(points - (region[1].start, region[0].start))
        cv2.polylines(drawn, [moved], False, 255, max(round(width), 1), cv2.LINE_AA, SUBPIXEL_BITS)
    np.maximum(alpha, drawn * np.float32(1 / 255), out=alpha)


def _draw_unlit(background: FloatImage, patch: InkPatch, strength: float, colour: Colour, region: Slices) -> None:
    """Draw the unlit segments of a cell on the background, in place; `strength` (0 to 1) is relative to the ink."""
    if patch.alpha.size:
        part = background[_slices_in(region, patch)]
        part += (patch.alpha * np.float32(strength))[..., None] * (colour - part)


def _ink_colour(line: InkedLine, background: Image, visible: npt.NDArray[np.bool_]) -> Colour:
    """Return a colour for a line's ink, with at least its contrast to the background (h, w, 3) under it.

    The contrast is to the extremes of the background, not its mean, as the whole line must stand out from a gradient
    or a texture. The ink is lighter instead of darker, or the other way round, if there is no room for the contrast.
    """
    if line.ink.colour is not None:
        return np.asarray(line.ink.colour, np.float32)
    step = 2 if line.height > _EVERY_PIXEL_BELOW else 1
    grey = np.asarray(cv2.cvtColor(background, cv2.COLOR_BGR2GRAY), np.uint8)
    low, high = _extremes(grey[::step, ::step][visible[::step, ::step]])
    dark, contrast, tint = line.dark, line.contrast, line.ink.tint
    if (dark and low < contrast) or (not dark and 255 - high < contrast):
        dark = low > 255 - high
    # Mostly close to black or white, like ink on paper.
    level = tint[0] ** 1.5 * max((low if dark else 255 - high) - contrast, 0)
    saturation = 90.0 if tint[1] > _COLOURED_SHARE else 400.0
    return with_level(128 + (tint - tint.mean()) * saturation, level if dark else 255 - level)


def _extremes(levels: Image) -> tuple[float, float]:
    """Return about the 5th and the 95th percentile of grey levels (N,)."""
    if not levels.size:
        return 0.0, 255.0
    some = levels[:: max(len(levels) // _BACKGROUND_SAMPLES, 1)]
    low, high = int(0.05 * (len(some) - 1)), int(0.95 * (len(some) - 1))
    ordered = np.partition(some, (low, high))
    return float(ordered[low]), float(ordered[high])
