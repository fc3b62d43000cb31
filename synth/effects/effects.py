"""What lens, sensor and file format do to a page, and the chain of all effects that moves no pixel.

Albumentations serves where it has the effect and is quick. Of a 320x320 picture its shadows take 4 ms, its
illumination 2, sensor noise 5 to 20, defocus 7, unsharp mask 7 and sun flare 8 (against 0.1 to 1 here), and none knows
how small the digits are.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping

import cv2
import numpy as np
import numpy.typing as npt

from digitdet.common.errors import ConfigError, MissingExtraError
from digitdet.common.registry import check_names
from digitdet.common.types import Boxes, Image
from digitdet.synth.effects.lights import glare, illumination, shadow, squared_distance
from digitdet.synth.effects.scanner import (
    Mask,
    binarise,
    bleed_through,
    digit_contrast,
    dust,
    grey,
    mostly_mild,
    multiply,
    photocopy,
    scan_border,
    smallest_digit,
)

# Without this albumentations asks the package index for a newer release when it is imported.
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")

try:
    from albumentations.augmentations.pixel.functional import image_compression, planckian_jitter
except ImportError as error:
    raise MissingExtraError("digitdet synth", "train", "albumentations") from error

Effect = Callable[[Image, np.random.Generator, Boxes], Image]
"""(picture, rng, boxes) -> a new picture; see `digitdet.synth.effects.scanner`."""

Steps = tuple[tuple[str, int], ...]
"""Names of effects with a seed each (0 to 2**31 - 1)."""

_NOISE_SIDE = 640
_LOWEST_DIGIT = 9.0  # pixels: lower digits cannot be told apart
_LEGIBLE_CONTRAST = 10.0  # as `digit_contrast` measures it


# --- white balance and lens ---


def colour_cast(image: Image, rng: np.random.Generator, _boxes: Boxes) -> Image:
    """White balance that misses: candle to blue sky, and a tinge of green or magenta."""
    # Albumentations changes a picture of all levels, which then serves as the table: five times as fast.
    levels = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    table = planckian_jitter(levels, int(rng.triangular(3200, 6500, 12000)), "blackbody")[..., ::-1].copy()
    table[..., 1] = (table[..., 1] * rng.normal(1, 0.04)).clip(0, 255)
    return np.asarray(cv2.LUT(image, table), np.uint8)


def softness(image: Image, rng: np.random.Generator, boxes: Boxes) -> Image:
    """A cheap lens: channels that are not equally sharp, which gives coloured fringes, and a veil of stray light."""
    sigma = mostly_mild(rng, 0.35, 0.7 * _most_blur(boxes))
    channels = [cv2.GaussianBlur(channel, (0, 0), sigma * rng.uniform(0.7, 1.3)) for channel in cv2.split(image)]
    height, width = image.shape[:2]
    small = cv2.resize(image, (max(width // 16, 1), max(height // 16, 1)), interpolation=cv2.INTER_AREA)
    veil, share = cv2.resize(small, (width, height)), mostly_mild(rng, 0, 0.4)
    return np.asarray(cv2.addWeighted(cv2.merge(channels), 1 - share, veil, share, 0), np.uint8)


def focus_blur(image: Image, rng: np.random.Generator, boxes: Boxes) -> Image:
    """Out of focus: a bell-shaped blur, or the even disc of an open aperture."""
    sigma = mostly_mild(rng, 0.4, _most_blur(boxes))
    radius = 2 * sigma  # the disc of the same spread
    if rng.random() < 0.4 and radius <= 4:  # OpenCV is slow with larger ones
        return np.asarray(cv2.filter2D(image, -1, _disc_kernel(radius), borderType=cv2.BORDER_REPLICATE), np.uint8)
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE), np.uint8)


def motion_blur(image: Image, rng: np.random.Generator, boxes: Boxes) -> Image:
    """A shaken camera: a straight, centred smear. Albumentations' has odd whole lengths only: too coarse for digits."""
    # A line's spread is its length / sqrt(12). Above 11 px OpenCV changes its method and takes 7 ms.
    length = mostly_mild(rng, 1.5, min(max(_most_blur(boxes) * 12**0.5, 2), 10))
    kernel = _line_kernel(length, rng.uniform(0, np.pi))
    return np.asarray(cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_REPLICATE), np.uint8)


def vignette(image: Image, rng: np.random.Generator, _boxes: Boxes) -> Image:
    """Corners darker than the centre."""
    centre = rng.normal(0.5, 0.05, 2)
    fall = np.float32(mostly_mild(rng, 0.3, 1.2))
    return multiply(image, 1 / (1 + fall * squared_distance(image, centre[0], centre[1])))


# --- sensor ---


def exposure(image: Image, rng: np.random.Generator, _boxes: Boxes) -> Image:
    """Brightness, contrast and gamma: a little off, washed out, too dark or too bright."""
    levels = np.linspace(0, 1, 256, dtype=np.float32)
    kind = rng.choice(4, p=(0.5, 0.22, 0.16, 0.12))
    if kind == 0:
        curve = (levels ** rng.uniform(0.7, 1.4) - 0.5) * rng.uniform(0.7, 1.3) + 0.5 + rng.uniform(-0.12, 0.12)
    elif kind == 1:
        span = mostly_mild(rng, 0.7, 0.2)
        curve = rng.uniform(0, 1 - span) + span * levels
    elif kind == 2:
        curve = levels ** rng.uniform(1.1, 2.0) * rng.uniform(0.35, 0.8)
    else:
        curve = levels ** rng.uniform(0.5, 0.9) * rng.uniform(1.05, 1.4)
    return np.asarray(cv2.LUT(image, (curve * 255).clip(0, 255).astype(np.uint8)), np.uint8)


def sensor_noise(image: Image, rng: np.random.Generator, boxes: Boxes) -> Image:
    """Grain in brightness and colour, stronger in the dark, weaker than the digits stand out."""
    height, width = image.shape[:2]
    limit = min(4 + 0.4 * smallest_digit(boxes), 24, 0.5 * digit_contrast(image, boxes).min(initial=80))
    sigma = mostly_mild(rng, 1.5, max(limit, 2))
    fields = _noise_fields()
    field = fields[int(rng.integers(len(fields)))]
    if height > _NOISE_SIDE or width > _NOISE_SIDE:
        field = np.tile(field, (-(-height // _NOISE_SIDE), -(-width // _NOISE_SIDE), 1))
    top, left = rng.integers(field.shape[0] - height + 1), rng.integers(field.shape[1] - width + 1)
    field = field[top : top + height, left : left + width][:: rng.choice([-1, 1]), :: rng.choice([-1, 1])]
    # Fixed point: the field's spread is 32, the strength's unit an eighth of a level, their product's a 256th.
    strength = (8 * sigma * np.linspace(1.2, 0.5, 256)).clip(0, 255).astype(np.uint8)
    noise = (field * np.asarray(cv2.LUT(image, strength), np.uint8)) >> 8
    return np.asarray(cv2.add(image, noise, dtype=cv2.CV_8U), np.uint8)


@functools.cache
def _noise_fields() -> tuple[npt.NDArray[np.int8], ...]:
    """Noise to cut pieces from (drawing it afresh takes 3 ms): fine, coloured, and coarse as a phone leaves it."""
    rng = np.random.default_rng(0)
    shape = (_NOISE_SIDE, _NOISE_SIDE)
    luma = rng.standard_normal((*shape, 1), np.float32)
    chroma = rng.standard_normal((*shape, 3), np.float32)
    coarse = cv2.GaussianBlur(chroma, (0, 0), 1.2) / np.float32(0.24) * np.float32(0.6)
    soft = cv2.GaussianBlur(np.repeat(luma, 3, axis=2), (0, 0), 0.7) / np.float32(0.42)
    fields = (luma + 0.25 * chroma, 0.75 * luma + 0.65 * chroma, 0.7 * soft + 0.7 * coarse)
    return tuple(np.clip(np.round(field * 32), -127, 127).astype(np.int8) for field in fields)


# --- file format ---


def sharpen(image: Image, rng: np.random.Generator, boxes: Boxes) -> Image:
    """The halos of a phone's sharpening."""
    blurred = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.7, max(0.04 * smallest_digit(boxes), 1.2)))
    amount = mostly_mild(rng, 0.4, 2.5)
    return np.asarray(cv2.addWeighted(image, 1 + amount, blurred, -amount, 0), np.uint8)


def low_resolution(image: Image, rng: np.random.Generator, boxes: Boxes) -> Image:
    """A small picture enlarged, at times after being stored as a JPEG file; digits keep about 9 px of height."""
    height, width = image.shape[:2]
    least = np.clip(_LOWEST_DIGIT / smallest_digit(boxes), 1 / 8, 0.85)
    # Skewed to the small: a number cut out of a photo of a street is often a dozen pixels high.
    scale = float(np.exp(np.log(0.9) + rng.random() ** 0.6 * np.log(least / 0.9)))
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    # The exact kind of "nearest" keeps the centre; the common one moves the picture by up to half a large pixel.
    small = cv2.resize(image, size, interpolation=int(rng.choice((cv2.INTER_AREA, cv2.INTER_LINEAR))))
    if rng.random() < 0.3:
        small = image_compression(small, int(rng.integers(50, 95)), ".jpg")
    enlarging = int(rng.choice((cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_NEAREST_EXACT)))
    return np.asarray(cv2.resize(small, (width, height), interpolation=enlarging), np.uint8)


def jpeg(image: Image, rng: np.random.Generator, boxes: Boxes) -> Image:
    """JPEG compression, milder for small digits."""
    return np.asarray(image_compression(image, _jpeg_quality(rng, boxes), ".jpg"), np.uint8)


def double_jpeg(image: Image, rng: np.random.Generator, boxes: Boxes) -> Image:
    """JPEG twice, cropped in between, so that the second grid of 8x8 blocks does not lie on the first."""
    top, left = (int(shift) for shift in rng.integers(1, 8, 2))
    padded = cv2.copyMakeBorder(image, top, 0, left, 0, cv2.BORDER_REPLICATE)
    first = image_compression(padded, _jpeg_quality(rng, boxes), ".jpg")[top:, left:]
    return np.asarray(image_compression(np.ascontiguousarray(first), _jpeg_quality(rng, boxes), ".jpg"), np.uint8)


# --- the chain ---

# In the order in which they befall a picture: paper, light, lens, sensor, scanner, file. A new effect is one more line.
EFFECTS: Mapping[str, Effect] = {
    effect.__name__: effect
    for effect in (
        bleed_through,
        photocopy,
        dust,
        shadow,
        illumination,
        glare,
        colour_cast,
        softness,
        focus_blur,
        motion_blur,
        vignette,
        exposure,
        sensor_noise,
        sharpen,
        grey,
        binarise,
        scan_border,
        low_resolution,
        jpeg,
        double_jpeg,
    )
}

# How many of each group one picture may have: more pile up into what nobody could read, or repeat one another.
_AT_MOST: tuple[tuple[int, frozenset[str]], ...] = (
    (2, frozenset({"softness", "focus_blur", "motion_blur", "low_resolution"})),
    (2, frozenset({"shadow", "illumination", "glare", "vignette"})),
    (1, frozenset({"photocopy", "binarise"})),
    (1, frozenset({"shadow", "glare", "binarise"})),  # a threshold turns their edges into strokes across digits
    (1, frozenset({"jpeg", "double_jpeg"})),
)


class CameraEffects:
    """A random choice of effects, none of which moves a pixel, so that boxes stay true.

    Strengths follow the smallest digit of a picture; most are mild and few strong.

    Raises:
        ConfigError: A name in `shares` is not in EFFECTS, or a share is not a probability.
    """

    def __init__(self, shares: Mapping[str, float]) -> None:
        check_names(shares, EFFECTS, "effects")
        for name, share in shares.items():
            if not 0 <= share <= 1:
                raise ConfigError(f"{name}: {share} is not allowed; expected a number from 0 to 1")
        self._shares = np.array([shares.get(name, 0.0) for name in EFFECTS])

    def sample(self, rng: np.random.Generator) -> Steps:
        """The effects of one picture with a seed each, in the order of EFFECTS; an effect not in `shares` never."""
        drawn = rng.random(len(EFFECTS)) < self._shares
        seeds = rng.integers(2**31, size=len(EFFECTS)).tolist()
        steps = {name: seed for name, seed, chosen in zip(EFFECTS, seeds, drawn, strict=True) if chosen}
        for limit, group in _AT_MOST:
            rivals = [name for name in steps if name in group]
            if len(rivals) > limit:
                for place in rng.permutation(len(rivals))[limit:]:
                    del steps[rivals[place]]
        return tuple(steps.items())

    def apply(self, image: Image, steps: Steps, boxes: Boxes) -> Image:
        """A changed copy of (H, W, 3) uint8 BGR; the same arguments give the same bytes.

        `boxes` (N, 4) float xyxy in pixels are the digits. An effect that would hide one of them is skipped.
        """
        image = image.copy()
        if not steps:
            return image
        needed = np.minimum(0.6 * digit_contrast(image, boxes), _LEGIBLE_CONTRAST)
        for name, seed in steps:
            changed = EFFECTS[name](image, np.random.default_rng(seed), boxes)
            if (digit_contrast(changed, boxes) >= needed).all():
                image = changed
        return image


# --- strengths and kernels ---


def _most_blur(boxes: Boxes) -> float:
    """Highest spread (standard deviation, px) of a blur that leaves the smallest digit legible."""
    return min(0.3 + 0.08 * smallest_digit(boxes), 6.0)


def _jpeg_quality(rng: np.random.Generator, boxes: Boxes) -> int:
    """15 to 94; at least 40 for digits of 12 px, since a block of 8x8 pixels is then most of a digit."""
    lowest = max(58 - 1.5 * smallest_digit(boxes), 15)
    return int(94 - (94 - lowest) * rng.random() ** 1.5)


def _disc_kernel(radius: float) -> Mask:
    reach = int(np.ceil(radius))
    offsets = np.arange(-reach, reach + 1, dtype=np.float32)
    kernel = np.clip(radius + 0.5 - np.hypot(offsets, offsets[:, None]), 0, 1)
    return np.asarray(kernel / kernel.sum(), np.float32)


def _line_kernel(length: float, angle: float) -> Mask:
    """Weights of a line `length` px long and about one px wide through the centre."""
    reach = int(np.ceil(length / 2))
    x = np.arange(-reach, reach + 1, dtype=np.float32)
    y = x[:, None]
    along, across = np.abs(x * np.cos(angle) + y * np.sin(angle)), np.abs(y * np.cos(angle) - x * np.sin(angle))
    kernel = np.clip(length / 2 + 0.5 - along, 0, 1) * np.clip(1 - across, 0, 1)
    return np.asarray(kernel / kernel.sum(), np.float32)
