"""What digits are written with: flat print, pens, chalk, worn paint, relief in metal, glowing segments.

An ink is a function that lays a colour over a part of the page where `alpha` says there is ink; to add one, write it
with `@INKS.add("name")` and give the name a weight in a look. No ink moves or widens a digit: whatever it adds (a
shadow, a glow, a side face) is not part of the digit, and boxes are tight around `alpha`.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from digitdet.common.registry import Registry
from digitdet.synth.surfaces.fields import LUMA, clouds, grain

Field = npt.NDArray[np.float32]
InkFunction = Callable[[np.random.Generator, Field, Field, Field, float], Field]
"""f(rng, ground (h, w, 3) BGR 0 to 255, alpha (h, w) 0 to 1, colour (3,) BGR, digit height in pixels) -> (h, w, 3).

The ground is the function's own to change.
"""

INKS: Registry[InkFunction] = Registry()

PAD = 0.3
"""Free border around the ink, in digit heights, in which the inks of `REACHING` draw."""

REACHING = frozenset({"chalk", "shadow", "solid", "emboss", "engrave", "glow"})
"""Inks that change the ground beyond `alpha`: by dust, a shadow, sides, light. The others get no border."""


@INKS.add("flat")
def flat(rng: np.random.Generator, ground: Field, alpha: Field, colour: Field, height: float) -> Field:
    """Even, opaque ink."""
    return _blend(ground, alpha, colour)


@INKS.add("faint")
def faint(rng: np.random.Generator, ground: Field, alpha: Field, colour: Field, height: float) -> Field:
    """Washed-out ink, through which the ground shows."""
    return _blend(ground, alpha * np.float32(rng.uniform(0.4, 0.75)), colour)


@INKS.add("pencil")
def pencil(rng: np.random.Generator, ground: Field, alpha: Field, colour: Field, height: float) -> Field:
    """Graphite: grey, lighter where the pressure was low, broken by the paper's grain."""
    rough = grain(rng, *_size(alpha)) * np.float32(0.3) + _pressure(rng, alpha, 0.25)
    grey = colour @ LUMA
    return _blend(ground, alpha * np.clip(0.72 + rough, 0.25, 1), colour * np.float32(0.2) + grey * np.float32(0.8))


@INKS.add("ballpoint")
def ballpoint(rng: np.random.Generator, ground: Field, alpha: Field, colour: Field, height: float) -> Field:
    """A ball that skips: thin gaps and an uneven line, blue or black as the colour is."""
    skips = np.clip(grain(rng, *_size(alpha), cell=max(height * 0.04, 1.0)) - 1.2, 0, 1) * np.float32(rng.uniform(0, 1))
    return _blend(ground, alpha * np.clip(0.92 + _pressure(rng, alpha, 0.15) - skips, 0.3, 1), colour)


@INKS.add("marker")
def marker(rng: np.random.Generator, ground: Field, alpha: Field, colour: Field, height: float) -> Field:
    """Felt tip: a little transparent, darker at its edges where the ink gathers."""
    core = cv2.GaussianBlur(alpha, (0, 0), max(height * 0.03, 0.6))
    gather = np.clip(1.15 - 0.3 * core, 0, 1) * np.float32(rng.uniform(0.8, 1))
    return _blend(ground, alpha * gather, colour)


@INKS.add("chalk")
def chalk(rng: np.random.Generator, ground: Field, alpha: Field, colour: Field, height: float) -> Field:
    """Dry chalk on a rough board: coarse grain, dust around the stroke."""
    rough = grain(rng, *_size(alpha), cell=float(rng.uniform(1, 2))) * np.float32(rng.uniform(0.2, 0.4))
    dusty = _blend(ground, cv2.GaussianBlur(alpha, (0, 0), max(height * 0.06, 0.8)) * np.float32(0.12), colour)
    return _blend(dusty, alpha * np.clip(0.75 + rough, 0.15, 1), colour)


@INKS.add("print")
def print_ink(rng: np.random.Generator, ground: Field, alpha: Field, colour: Field, height: float) -> Field:
    """Offset, toner or ribbon: nearly even, a little mottled, its edge softened by the paper."""
    soft = cv2.GaussianBlur(alpha, (0, 0), float(rng.uniform(0.3, 0.7)))
    mottle = grain(rng, *_size(alpha)) * np.float32(rng.uniform(0.02, 0.12))
    return _blend(ground, soft * np.clip(0.95 + mottle, 0.5, 1), colour)


@INKS.add("worn")
def worn(rng: np.random.Generator, ground: Field, alpha: Field, colour: Field, height: float) -> Field:
    """Paint that came off in patches."""
    size = _size(alpha)
    patches = grain(rng, *size, cell=max(height * 0.12, 2.0)) + 0.5 * grain(rng, *size)
    lost = np.clip((patches - np.float32(rng.uniform(0.8, 1.8))) * 2, 0, np.float32(0.85))
    return _blend(ground, alpha * (1 - lost), colour)


@INKS.add("stamp")
def stamp(rng: np.random.Generator, ground: Field, alpha: Field, colour: Field, height: float) -> Field:
    """A rubber stamp: uneven pressure over the whole number, rough edges."""
    rough = grain(rng, *_size(alpha)) * np.float32(0.2) + _pressure(rng, alpha, 0.4)
    return _blend(ground, alpha * np.clip(0.7 + rough, 0.25, 1), colour)


@INKS.add("outline")
def outline(rng: np.random.Generator, ground: Field, alpha: Field, colour: Field, height: float) -> Field:
    """Two colours: a border along the inside of the digit's edge, and another colour in its core."""
    core = _core(alpha, height * float(rng.uniform(0.02, 0.05)))
    other = np.clip(colour + (rng.uniform(60, 160) * (1 if colour @ LUMA < 128 else -1)) + rng.normal(0, 30, 3), 0, 255)
    return _blend(_blend(ground, alpha, colour), core, other.astype(np.float32))


@INKS.add("hollow")
def hollow(rng: np.random.Generator, ground: Field, alpha: Field, colour: Field, height: float) -> Field:
    """Only the digit's edge is drawn; thin strokes stay full."""
    core = _core(alpha, height * float(rng.uniform(0.03, 0.05)))
    return _blend(ground, np.clip(alpha - core, 0, 1), colour)


@INKS.add("shadow")
def shadow(rng: np.random.Generator, ground: Field, alpha: Field, colour: Field, height: float) -> Field:
    """Digits that stand off the wall and throw a shadow."""
    shift = rng.uniform(-0.12, 0.12, 2) * height
    cast = cv2.GaussianBlur(_shifted(alpha, *shift), (0, 0), max(height * float(rng.uniform(0.01, 0.05)), 0.4))
    dark = ground * (1 - cast * np.float32(rng.uniform(0.25, 0.6)))[..., None]
    return _blend(dark, alpha, colour)


@INKS.add("solid")
def solid(rng: np.random.Generator, ground: Field, alpha: Field, colour: Field, height: float) -> Field:
    """Thick digits with side faces, their front shaded from top to bottom as polished metal is."""
    depth = int(np.clip(height * rng.uniform(0.03, 0.1), 1, 12))
    dx, dy = int(rng.choice([-1, 0, 1])), int(rng.choice([-1, 1]))
    sides = alpha
    for _ in range(depth):  # a step of one pixel at a time sweeps the digit's edge along
        sides = np.maximum(sides, _shifted(sides, dx, dy))
    ground = _blend(ground, sides, colour * np.float32(rng.uniform(0.3, 0.7)))
    ramp = np.linspace(-1, 1, len(alpha), dtype=np.float32) * np.float32(rng.uniform(-40, 40))
    front = np.clip(colour + (ramp[:, None] + _pressure(rng, alpha, 25))[..., None], 0, 255)
    return np.asarray(ground + alpha[..., None] * (front - ground), np.float32)


@INKS.add("emboss")
def emboss(rng: np.random.Generator, ground: Field, alpha: Field, colour: Field, height: float) -> Field:
    """Raised digits of the ground's own stuff: light on one side of the strokes, shade on the other."""
    return _relief(rng, ground, alpha, colour, height, 1.0)


@INKS.add("engrave")
def engrave(rng: np.random.Generator, ground: Field, alpha: Field, colour: Field, height: float) -> Field:
    """Digits cut into the ground; paint or dirt often fills them."""
    return _relief(rng, ground, alpha, colour, height, -1.0)


@INKS.add("glow")
def glow(rng: np.random.Generator, ground: Field, alpha: Field, colour: Field, height: float) -> Field:
    """Light-emitting segments: a bright core and a halo of the same colour."""
    halo = cv2.GaussianBlur(alpha, (0, 0), max(height * float(rng.uniform(0.04, 0.1)), 0.8))
    lit = ground + (halo * np.float32(rng.uniform(0.2, 0.6)))[..., None] * np.maximum(colour - ground, 0)
    return _blend(lit, alpha, colour)


def _blend(ground: Field, alpha: Field, colour: Field) -> Field:
    """Ground covered by a colour (3,) as far as alpha says; changes and returns the ground."""
    # As rows of width x 3 numbers: NumPy is ten times as slow on an innermost axis of 3.
    rows = ground.reshape(len(ground), -1)
    covers = np.asarray(cv2.merge([alpha, alpha, alpha]), np.float32).reshape(rows.shape)
    covers *= np.tile(colour, alpha.shape[1]) - rows
    rows += covers
    return ground


def _relief(rng: np.random.Generator, ground: Field, alpha: Field, colour: Field, height: float, sign: float) -> Field:
    soft = cv2.GaussianBlur(alpha, (0, 0), max(height * float(rng.uniform(0.012, 0.03)), 0.5))
    angle = rng.uniform(np.pi, 2 * np.pi)  # light comes from above
    across, down = float(np.cos(angle)), float(np.sin(angle))
    slope = across * cv2.Sobel(soft, cv2.CV_32F, 1, 0) + down * cv2.Sobel(soft, cv2.CV_32F, 0, 1)
    lit = ground - (slope * np.float32(sign * rng.uniform(30, 70)))[..., None]
    return np.clip(_blend(lit, alpha * np.float32(rng.uniform(0.15, 0.6)), colour), 0, 255)


def _core(alpha: Field, width: float) -> Field:
    """The ink further than about `width` pixels from its edge."""
    size = 2 * max(round(width), 1) + 1
    return np.asarray(cv2.erode(alpha, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))), np.float32)


def _shifted(field: Field, dx: float, dy: float) -> Field:
    moved = cv2.warpAffine(field, np.array([[1, 0, dx], [0, 1, dy]], np.float64), _size(field))
    return np.asarray(moved, np.float32)


def _pressure(rng: np.random.Generator, alpha: Field, strength: float) -> Field:
    """Slow changes (h, w) of about -strength to strength."""
    return clouds(rng, *_size(alpha)) * np.float32(strength)


def _size(field: Field) -> tuple[int, int]:
    return field.shape[1], field.shape[0]
