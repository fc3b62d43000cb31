"""Effects of light: shadows, lamps and reflections; see `effects.Effect` for the arguments of an effect."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from digitdet.common.types import Boxes, FloatArray, Image, Points
from digitdet.synth.effects.limits import digit_crops, sample_strength
from digitdet.synth.effects.pixels import SUBPIXEL_BITS, fixed_point, lighten, multiply
from digitdet.synth.surfaces.fields import Field


def shadow(image: Image, rng: np.random.Generator, _boxes: Boxes) -> Image:
    """Cast the shadow of an edge, a post or a hand, sharp or soft."""
    height, width = image.shape[:2]
    shapes = (_edge_shape, _post_shape, _hand_shape)[int(rng.integers(3))](rng, width, height)
    blur = rng.uniform(0.5, 1.2) if rng.random() < 0.35 else max(height, width) * rng.uniform(0.008, 0.08)
    mask = _soft_mask(shapes, width, height, blur)
    # A shadow is lit by the sky and slightly blue.
    depths = sample_strength(rng, 0.25, 0.75) * np.array([0.93, 0.98, 1.0], np.float32)
    return multiply(image, 1 - mask[..., None] * depths)


def illumination(image: Image, rng: np.random.Generator, _boxes: Boxes) -> Image:
    """Light the page by a lamp in or beside the picture, whose light decreases with the distance."""
    lamp = rng.uniform(-0.6, 1.6, 2)
    reach = 1 / sample_strength(rng, 0.5, 1.6)
    light = 1 / (1 + squared_distance(image, lamp[0], lamp[1]) / np.float32(reach**2))
    return multiply(image, np.clip(light / light.mean(), 0.3, 1.3))


def glare(image: Image, rng: np.random.Generator, boxes: Boxes) -> Image:
    """Reflect a lamp or a window: a spot or a band that lightens digits by 60% at most."""
    height, width = image.shape[:2]
    side = max(height, width)
    spot = rng.random() < 0.5
    start, angle = rng.uniform(0, (width, height)), rng.uniform(0, 2 * np.pi)
    along = _direction(angle) * side * (rng.uniform(0, 0.2) if spot else 2)
    shape = _capsule(start if spot else start - along, start + along, side * rng.uniform(0.015, 0.09))
    share = _soft_mask([shape], width, height, side * rng.uniform(0.015, 0.08))
    over_digits = max((float(np.max(crop)) for crop in digit_crops(share, boxes)), default=0.0)
    return lighten(image, share * np.float32(min(sample_strength(rng, 0.3, 1.0), 0.6 / max(over_digits, 1e-3))))


def squared_distance(image: Image, x: float, y: float) -> Field:
    """Return squared distances (H, W) from a point, in units of the longer side; `x` and `y` are parts of the sides."""
    height, width = image.shape[:2]
    side = np.float32(max(height, width))
    across = (np.arange(width, dtype=np.float32) - np.float32(x * width)) / side
    down = (np.arange(height, dtype=np.float32) - np.float32(y * height)) / side
    return np.asarray(across**2 + down[:, None] ** 2, np.float32)


def _direction(angle: float) -> FloatArray:
    return np.array([np.cos(angle), np.sin(angle)])


def _capsule(start: FloatArray, end: FloatArray, radius: float) -> Points:
    """Return the outline (24, 2) of all points within `radius` of a line."""
    heading = np.arctan2(*(end - start)[::-1])
    turn = heading + np.linspace(0.5, 1.5, 12) * np.pi
    arc = radius * np.column_stack([np.cos(turn), np.sin(turn)])
    return np.concatenate([start + arc, end - arc])


def _edge_shape(rng: np.random.Generator, width: int, height: int) -> list[Points]:
    """Return one side of a straight line through the picture."""
    side, angle = max(width, height), rng.uniform(0, 2 * np.pi)
    middle = rng.uniform(0.1, 0.9, 2) * (width, height) + 3 * side * _direction(angle + np.pi / 2)
    return [_capsule(middle - 2 * side * _direction(angle), middle + 2 * side * _direction(angle), 3 * side)]


def _post_shape(rng: np.random.Generator, width: int, height: int) -> list[Points]:
    """Return a band across the picture."""
    side, middle = max(width, height), rng.uniform(0, 1, 2) * (width, height)
    along = 2 * side * _direction(rng.uniform(0, np.pi))
    return [_capsule(middle - along, middle + along, side * rng.uniform(0.02, 0.16))]


def _hand_shape(rng: np.random.Generator, width: int, height: int) -> list[Points]:
    """Return an arm with fingers that reaches into the picture."""
    side, angle = max(width, height), rng.uniform(0, 2 * np.pi)
    size = side * rng.uniform(0.6, 1.2)
    palm = np.array([width, height]) / 2 + side * rng.uniform(0.15, 0.5) * _direction(angle)
    shapes = [_capsule(palm + 2 * side * _direction(angle), palm, 0.15 * size)]
    for spread in np.array([-0.3, -0.1, 0.1, 0.3, 1.0]) + rng.uniform(-0.05, 0.05, 5):
        tip = palm - size * rng.uniform(0.32, 0.42) * _direction(angle + spread)
        shapes.append(_capsule(palm - 0.1 * size * _direction(angle + 2 * spread), tip, 0.04 * size))
    return shapes


def _soft_mask(outlines: Sequence[Points], width: int, height: int, softness: float) -> Field:
    """Return filled outlines, 0 to 1, with edges blurred by `softness` px."""
    # They are drawn at a scale at which the blur is 2 px, so that a wide blur takes no longer than a narrow one.
    scale, margin = min(2 / softness, 1.0), 6  # a blur that starts at the border would bend lines there
    columns, rows = max(round(width * scale), 2), max(round(height * scale), 2)
    mask = np.zeros((rows + 2 * margin, columns + 2 * margin), np.uint8)
    ratio = np.array([columns / width, rows / height])
    for outline in outlines:
        cv2.fillPoly(mask, [fixed_point(outline * ratio + margin)], 255, cv2.LINE_AA, SUBPIXEL_BITS)
    soft = cv2.GaussianBlur(mask, (0, 0), softness * scale)[margin:-margin, margin:-margin].astype(np.float32) / 255
    return np.asarray(cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
