"""Inks: flat print, pens, chalk, worn paint, relief in metal, glowing segments.

To add one, write a function with `@INKS.add("name")` and give the name a weight in a look. An ink neither moves nor
widens a digit: boxes are tight around `alpha`, and a shadow, glow or side face is not part of the digit.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import cv2
import numpy as np

from digitdet.common.registry import Registry
from digitdet.synth.surfaces.fields import LUMA, Colour, Field, FloatImage, clouds, grain, with_level

InkFunction = Callable[[np.random.Generator, FloatImage, Field, Colour, float], FloatImage]
"""f(rng, background, alpha, colour, height): paint ink on a part of the page and return it.

The function may change `background` (h, w, 3) in place; `alpha` (h, w) is the coverage by ink, 0 to 1, `colour` (3,)
BGR, `height` the height of the digits in pixels.
"""

INKS: Registry[InkFunction] = Registry()

PAD = 0.3
"""Border around the digits, in digit heights, in which the inks of `WIDE_INKS` may paint."""

WIDE_INKS = frozenset({"chalk", "shadow", "solid", "emboss", "engrave", "glow", "lcd", "led"})
"""Inks that paint outside `alpha`, such as dust, shadows, side faces and light. The others get no border."""


@INKS.add("flat")
def flat(rng: np.random.Generator, background: FloatImage, alpha: Field, colour: Colour, height: float) -> FloatImage:
    """Even, opaque ink."""
    return _blend(background, alpha, colour)


@INKS.add("faint")
def faint(rng: np.random.Generator, background: FloatImage, alpha: Field, colour: Colour, height: float) -> FloatImage:
    """Pale, partly transparent ink."""
    return _blend(background, alpha * rng.uniform(0.4, 0.75), colour)


@INKS.add("pencil")
def pencil(rng: np.random.Generator, background: FloatImage, alpha: Field, colour: Colour, height: float) -> FloatImage:
    """Graphite: mostly grey, uneven by pressure and the grain of the paper."""
    rough = grain(rng, *_size(alpha)) * 0.3 + _pressure(rng, alpha, 0.25)
    grey = colour @ LUMA
    return _blend(background, alpha * np.clip(0.72 + rough, 0.25, 1), colour * np.float32(0.2) + grey * np.float32(0.8))


@INKS.add("ballpoint")
def ballpoint(
    rng: np.random.Generator, background: FloatImage, alpha: Field, colour: Colour, height: float
) -> FloatImage:
    """Ballpoint pen: an uneven line with gaps."""
    skips = np.clip(grain(rng, *_size(alpha), cell=max(height * 0.04, 1.0)) - 1.2, 0, 1) * rng.uniform(0, 1)
    return _blend(background, alpha * np.clip(0.92 + _pressure(rng, alpha, 0.15) - skips, 0.3, 1), colour)


@INKS.add("marker")
def marker(rng: np.random.Generator, background: FloatImage, alpha: Field, colour: Colour, height: float) -> FloatImage:
    """Felt-tip pen: slightly transparent, darker at the edges."""
    core = cv2.GaussianBlur(alpha, (0, 0), max(height * 0.03, 0.6))
    gather = np.clip(1.15 - 0.3 * core, 0, 1) * rng.uniform(0.8, 1)
    return _blend(background, alpha * gather, colour)


@INKS.add("chalk")
def chalk(rng: np.random.Generator, background: FloatImage, alpha: Field, colour: Colour, height: float) -> FloatImage:
    """Chalk on a rough board: coarse grain, with dust around the strokes."""
    rough = grain(rng, *_size(alpha), cell=rng.uniform(1, 2)) * rng.uniform(0.2, 0.4)
    dusty = _blend(background, cv2.GaussianBlur(alpha, (0, 0), max(height * 0.06, 0.8)) * 0.12, colour)
    return _blend(dusty, alpha * np.clip(0.75 + rough, 0.15, 1), colour)


@INKS.add("print")
def print_ink(
    rng: np.random.Generator, background: FloatImage, alpha: Field, colour: Colour, height: float
) -> FloatImage:
    """Offset, toner or ribbon print: slightly mottled, with soft edges."""
    soft = cv2.GaussianBlur(alpha, (0, 0), rng.uniform(0.3, 0.7))
    mottle = grain(rng, *_size(alpha)) * rng.uniform(0.02, 0.12)
    return _blend(background, soft * np.clip(0.95 + mottle, 0.5, 1), colour)


@INKS.add("worn")
def worn(rng: np.random.Generator, background: FloatImage, alpha: Field, colour: Colour, height: float) -> FloatImage:
    """Paint that has flaked off in patches."""
    size = _size(alpha)
    patches = grain(rng, *size, cell=max(height * 0.12, 2.0)) + 0.5 * grain(rng, *size)
    lost = np.clip((patches - np.float32(rng.uniform(0.8, 1.8))) * 2, 0, np.float32(0.85))
    return _blend(background, alpha * (1 - lost), colour)


@INKS.add("stamp")
def stamp(rng: np.random.Generator, background: FloatImage, alpha: Field, colour: Colour, height: float) -> FloatImage:
    """Rubber stamp: uneven pressure and grain."""
    rough = grain(rng, *_size(alpha)) * 0.2 + _pressure(rng, alpha, 0.4)
    return _blend(background, alpha * np.clip(0.7 + rough, 0.25, 1), colour)


@INKS.add("outline")
def outline(
    rng: np.random.Generator, background: FloatImage, alpha: Field, colour: Colour, height: float
) -> FloatImage:
    """Two colours: one along the inside of the edge, another in the core."""
    core = _core(alpha, height * rng.uniform(0.02, 0.05))
    other = np.clip(colour + (rng.uniform(60, 160) * (1 if colour @ LUMA < 128 else -1)) + rng.normal(0, 30, 3), 0, 255)
    return _blend(_blend(background, alpha, colour), core, other.astype(np.float32))


@INKS.add("hollow")
def hollow(rng: np.random.Generator, background: FloatImage, alpha: Field, colour: Colour, height: float) -> FloatImage:
    """The outline of the digit only; thin strokes stay filled."""
    core = _core(alpha, height * rng.uniform(0.03, 0.05))
    return _blend(background, np.clip(alpha - core, 0, 1), colour)


@INKS.add("shadow")
def shadow(rng: np.random.Generator, background: FloatImage, alpha: Field, colour: Colour, height: float) -> FloatImage:
    """Raised digits that cast a shadow on the wall."""
    shift = rng.uniform(-0.12, 0.12, 2) * height
    cast = cv2.GaussianBlur(_shifted(alpha, *shift), (0, 0), max(height * rng.uniform(0.01, 0.05), 0.4))
    dark = background * (1 - cast * rng.uniform(0.25, 0.6))[..., None]
    return _blend(dark, alpha, colour)


@INKS.add("solid")
def solid(rng: np.random.Generator, background: FloatImage, alpha: Field, colour: Colour, height: float) -> FloatImage:
    """Thick digits with side faces and a vertical gradient on the front, like polished metal."""
    depth = int(np.clip(height * rng.uniform(0.03, 0.1), 1, 12))
    dx, dy = int(rng.choice([-1, 0, 1])), int(rng.choice([-1, 1]))
    sides = alpha
    for _ in range(depth):  # shift by one pixel at a time to sweep the edge
        sides = np.maximum(sides, _shifted(sides, dx, dy))
    background = _blend(background, sides, colour * rng.uniform(0.3, 0.7))
    ramp = np.linspace(-1, 1, len(alpha), dtype=np.float32) * rng.uniform(-40, 40)
    front = np.clip(colour + (ramp[:, None] + _pressure(rng, alpha, 25))[..., None], 0, 255)
    return np.asarray(background + alpha[..., None] * (front - background), np.float32)


def _relief(
    rng: np.random.Generator, background: FloatImage, alpha: Field, colour: Colour, height: float, sign: float
) -> FloatImage:
    """Digits in the material of the background, lit from one side: raised (`sign` 1) or cut into it (-1)."""
    soft = cv2.GaussianBlur(alpha, (0, 0), max(height * rng.uniform(0.012, 0.03), 0.5))
    angle = rng.uniform(np.pi, 2 * np.pi)  # light from above
    across, down = float(np.cos(angle)), float(np.sin(angle))
    slope = across * cv2.Sobel(soft, cv2.CV_32F, 1, 0) + down * cv2.Sobel(soft, cv2.CV_32F, 0, 1)
    lit = background - (slope * np.float32(sign * rng.uniform(30, 70)))[..., None]
    return np.clip(_blend(lit, alpha * rng.uniform(0.15, 0.6), colour), 0, 255)


INKS["emboss"] = partial(_relief, sign=1.0)
INKS["engrave"] = partial(_relief, sign=-1.0)


@INKS.add("glow")
def glow(rng: np.random.Generator, background: FloatImage, alpha: Field, colour: Colour, height: float) -> FloatImage:
    """Luminous segments with a halo of the same colour."""
    halo = cv2.GaussianBlur(alpha, (0, 0), max(height * rng.uniform(0.04, 0.1), 0.8))
    lit = background + (halo * rng.uniform(0.2, 0.6))[..., None] * np.maximum(colour - background, 0)
    return _blend(lit, alpha, colour)


@INKS.add("lcd")
def lcd(rng: np.random.Generator, background: FloatImage, alpha: Field, colour: Colour, height: float) -> FloatImage:
    """Segments of a liquid crystal display, a darker or lighter tone of the light behind them, perhaps with a shadow.

    Of `colour`, mostly the brightness is used. Seen at an angle, one end of a display is paler than the other.
    """
    light = np.array(cv2.mean(background)[:3], np.float32)
    tone = with_level(light, float(colour @ LUMA)) * np.float32(0.7) + colour * np.float32(0.3)
    if tone @ LUMA < light @ LUMA and rng.random() < 0.5:  # the reflector lies a little behind the segments
        shift = rng.uniform(0.01, 0.04 if rng.random() < 0.6 else 0.09, 2) * height * (float(rng.choice([-1, 1])), 1)
        cast = cv2.GaussianBlur(_shifted(alpha, *shift), (0, 0), max(0.01 * height, 0.4))
        background *= (1 - cast * rng.uniform(0.08, 0.4))[..., None]
    ends = [rng.uniform(0.9, 1)] * 2
    if rng.random() < 0.3:
        ends[int(rng.integers(2))] *= rng.uniform(0.75, 1)
    return _blend(background, alpha * np.linspace(ends[0], ends[1], alpha.shape[1], dtype=np.float32), tone)


@INKS.add("led")
def led(rng: np.random.Generator, background: FloatImage, alpha: Field, colour: Colour, height: float) -> FloatImage:
    """Light-emitting segments or dots with a wide halo; the core, or everything, is often overexposed to white."""
    shines = bool(colour @ LUMA > np.array(cv2.mean(background)[:3], np.float32) @ LUMA)
    near = cv2.GaussianBlur(alpha, (0, 0), max(height * rng.uniform(0.02, 0.06), 0.7))
    wide = cv2.GaussianBlur(near, (0, 0), max(height * 0.12, 1.0))
    if shines and rng.random() < 0.2:  # dazzles the camera: the light around the segments is white, too
        light = alpha + near * rng.uniform(1, 2.5) + wide * rng.uniform(0.3, 1)
        return np.maximum(background, np.minimum(light[..., None] * colour, 255))
    haze = 1.2 if rng.random() < 0.35 else 0.5  # light in the glass and the lens
    halo = np.minimum(near * rng.uniform(0.1, 0.8) + wide * rng.uniform(0.1, haze), 1)
    lit = background + halo[..., None] * np.maximum(colour - background, 0)
    lit = _blend(lit, alpha * rng.uniform(0.85, 1), colour)
    core = np.clip(cv2.GaussianBlur(alpha, (0, 0), max(0.015 * height, 0.5)) * 2 - 1, 0, 1)
    overexposed = rng.uniform(0, 1) if shines and rng.random() < 0.7 else 0.0
    return _blend(lit, core * overexposed, np.full(3, 255, np.float32) * 0.8 + colour * np.float32(0.2))


def _blend(background: FloatImage, alpha: Field, colour: Colour) -> FloatImage:
    """Blend the background with a colour by `alpha`, in place, and return it."""
    # On rows of width x 3 numbers: NumPy is slow with an innermost axis of 3.
    rows = background.reshape(len(background), -1)
    covers = np.asarray(cv2.merge([alpha, alpha, alpha]), np.float32).reshape(rows.shape)
    covers *= np.tile(colour, alpha.shape[1]) - rows
    rows += covers
    return background


def _core(alpha: Field, width: float) -> Field:
    """Return the ink that is more than about `width` pixels from its edge."""
    size = 2 * max(round(width), 1) + 1
    return np.asarray(cv2.erode(alpha, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))), np.float32)


def _shifted(field: Field, dx: float, dy: float) -> Field:
    moved = cv2.warpAffine(field, np.array([[1, 0, dx], [0, 1, dy]], np.float64), _size(field))
    return np.asarray(moved, np.float32)


def _pressure(rng: np.random.Generator, alpha: Field, strength: float) -> Field:
    """Return smooth noise of about -strength to strength."""
    return clouds(rng, *_size(alpha)) * strength


def _size(field: Field) -> tuple[int, int]:
    return field.shape[1], field.shape[0]
