"""Draw a layer of a plan: a flat page, or an object in the light of the scene."""

from __future__ import annotations

import cv2
import numpy as np

from digitdet.common.types import Image, Mask, Slices
from digitdet.synth.effects.limits import max_blur
from digitdet.synth.effects.pixels import SUBPIXEL_BITS, fixed_point
from digitdet.synth.effects.relight import PhotoLight, cast_shadow, relight
from digitdet.synth.plan import Layer
from digitdet.synth.render import DrawnCharacter, NumberId, digit_boxes, draw_line, draw_shape
from digitdet.synth.surfaces.fields import Field

# The border around an object that its shadow and its blurred edge may reach, in pixels.
_BORDER = 16
# Distance in pixels of the points at which the brightness of folds is computed; it changes slowly.
_FOLD_STEP = 6


def draw_layer(
    canvas: Image, ink_map: Image, layer: Layer, first: int, hidden: frozenset[NumberId], photo: PhotoLight | None
) -> list[DrawnCharacter]:
    """Draw a layer on the canvas (H, W, 3), in place, and return the digits to label.

    Args:
        canvas: The picture so far.
        ink_map: (H, W), set to 255 where there is ink.
        layer: The layer.
        first: Index in the plan of the layer's first line.
        hidden: Numbers to leave out.
        photo: The light of the scene; None for a flat page.
    """
    if layer.light is None or photo is None:
        return _draw_flat(canvas, ink_map, layer, first, hidden)
    region = _region_of(layer, *ink_map.shape)
    if region[0].start >= region[0].stop or region[1].start >= region[1].stop:
        return []
    body = _body_mask(layer, region)
    cast_shadow(canvas[region], body, layer.light)
    behind = canvas[region].copy()
    drawn = _draw_flat(canvas, ink_map, layer, first, hidden)
    sigma = min(photo.blur * layer.light.blur, 0.7 * max_blur(digit_boxes(drawn)))
    shading = _shading(layer, region)
    canvas[region] = relight(behind, canvas[region], body, photo, region, layer.light, max(sigma, 0.3), shading)
    return drawn


def _draw_flat(
    canvas: Image, ink_map: Image, layer: Layer, first: int, hidden: frozenset[NumberId]
) -> list[DrawnCharacter]:
    for shape in layer.shapes:
        if not shape.above:
            draw_shape(canvas, shape)
    drawn: list[DrawnCharacter] = []
    for index, line in enumerate(layer.lines, first):
        drawn.extend(draw_line(canvas, ink_map, line, index, hidden))
    for shape in layer.shapes:
        if shape.above:
            draw_shape(canvas, shape)
    return drawn


def _region_of(layer: Layer, height: int, width: int) -> Slices:
    left, top, right, bottom = layer.box
    rows = slice(max(int(top) - _BORDER, 0), max(min(int(bottom) + _BORDER, height), 0))
    return rows, slice(max(int(left) - _BORDER, 0), max(min(int(right) + _BORDER, width), 0))


def _body_mask(layer: Layer, region: Slices) -> Mask:
    """Return where a region is covered by the filled, opaque shapes of an object (h, w)."""
    mask = np.zeros((region[0].stop - region[0].start, region[1].stop - region[1].start), np.uint8)
    for shape in layer.shapes:
        if shape.thickness == 0 and shape.alpha == 1:
            points = fixed_point(shape.points - (region[1].start + 0.5, region[0].start + 0.5))
            cv2.fillPoly(mask, [points], 1, cv2.LINE_8, SUBPIXEL_BITS)
    return mask.view(np.bool_)


def _shading(layer: Layer, region: Slices) -> Field | None:
    """Return the factor (h, w) on the brightness by the folds of an object; None if it has none."""
    if layer.page is None or layer.page.folds is None:
        return None
    height, width = region[0].stop - region[0].start, region[1].stop - region[1].start
    rows, columns = max(height // _FOLD_STEP, 2), max(width // _FOLD_STEP, 2)
    x = region[1].start + (np.arange(columns) + 0.5) * width / columns
    y = region[0].start + (np.arange(rows) + 0.5) * height / rows
    points = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    factor = layer.page.folds.brightness(layer.page.unfold(points)).reshape(rows, columns).astype(np.float32)
    return np.asarray(cv2.resize(factor, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
