"""Effects of lens, sensor and file format; see `effects.Effect` for the arguments of an effect.

Albumentations is used where it is fast enough. Its shadow, illumination, noise, defocus, unsharp mask and sun flare are
several times slower than the effects here, and they cannot adapt to the size of the digits.
"""

from __future__ import annotations

import functools
import os

import cv2
import numpy as np
import numpy.typing as npt

from digitdet.common.errors import MissingExtraError
from digitdet.common.types import Boxes, Image
from digitdet.synth.effects.lights import squared_distance
from digitdet.synth.effects.limits import digit_contrast, max_blur, sample_jpeg_quality, sample_strength, smallest_digit
from digitdet.synth.effects.pixels import multiply
from digitdet.synth.surfaces.fields import Field

# Otherwise albumentations asks the package index for a newer release when it is imported.
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")

try:
    from albumentations.augmentations.pixel.functional import image_compression, planckian_jitter
except ImportError as error:
    raise MissingExtraError("digitdet synth", "train", "albumentations") from error

_NOISE_SIDE = 640
_LOWEST_DIGIT = 9.0  # pixels: smaller digits cannot be told apart


def colour_cast(image: Image, rng: np.random.Generator, _boxes: Boxes) -> Image:
    """Set a wrong white balance, from candlelight to blue sky, with a tint of green or magenta."""
    # Applied to a picture of all levels, it gives a lookup table, which is faster than applying it to the picture.
    levels = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    table = planckian_jitter(levels, int(rng.triangular(3200, 6500, 12000)), "blackbody")[..., ::-1].copy()
    table[..., 1] = (table[..., 1] * rng.normal(1, 0.04)).clip(0, 255)
    return np.asarray(cv2.LUT(image, table), np.uint8)


def moire(image: Image, rng: np.random.Generator, _boxes: Boxes) -> Image:
    """Add the faint bands that the pixels or the flicker of a photographed screen leave, straight or slanted."""
    height, width = image.shape[:2]
    angle, period = rng.uniform(0, np.pi), sample_strength(rng, 2.5, 40)
    across = np.arange(width, dtype=np.float32) * np.float32(2 * np.pi * np.cos(angle) / period)
    down = np.arange(height, dtype=np.float32)[:, None] * np.float32(2 * np.pi * np.sin(angle) / period)
    depths = sample_strength(rng, 0.02, 0.12) * rng.uniform(0.4, 1, 3)
    waves = np.sin(across + down)
    return multiply(image, 1 - waves[..., None] * depths.astype(np.float32))


def softness(image: Image, rng: np.random.Generator, boxes: Boxes) -> Image:
    """Simulate a cheap lens: channels of different sharpness (coloured fringes) and stray light."""
    sigma = sample_strength(rng, 0.35, 0.7 * max_blur(boxes))
    channels = [cv2.GaussianBlur(channel, (0, 0), sigma * rng.uniform(0.7, 1.3)) for channel in cv2.split(image)]
    height, width = image.shape[:2]
    small = cv2.resize(image, (max(width // 16, 1), max(height // 16, 1)), interpolation=cv2.INTER_AREA)
    stray_light, share = cv2.resize(small, (width, height)), sample_strength(rng, 0, 0.4)
    return np.asarray(cv2.addWeighted(cv2.merge(channels), 1 - share, stray_light, share, 0), np.uint8)


def focus_blur(image: Image, rng: np.random.Generator, boxes: Boxes) -> Image:
    """Blur as out of focus, with a Gaussian or with the disc of an open aperture."""
    sigma = sample_strength(rng, 0.4, max_blur(boxes))
    radius = 2 * sigma  # of the disc with the same standard deviation
    if rng.random() < 0.4 and radius <= 4:  # OpenCV is slow with larger discs
        return np.asarray(cv2.filter2D(image, -1, _disc_kernel(radius), borderType=cv2.BORDER_REPLICATE), np.uint8)
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE), np.uint8)


def motion_blur(image: Image, rng: np.random.Generator, boxes: Boxes) -> Image:
    """Blur along a centred straight line; albumentations allows only odd whole lengths, too coarse for digits."""
    # The standard deviation of a line is its length / sqrt(12). Above 11 px, OpenCV uses a slower method.
    length = sample_strength(rng, 1.5, min(max(max_blur(boxes) * 12**0.5, 2), 10))
    kernel = _line_kernel(length, rng.uniform(0, np.pi))
    return np.asarray(cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_REPLICATE), np.uint8)


def vignette(image: Image, rng: np.random.Generator, _boxes: Boxes) -> Image:
    """Darken the corners."""
    centre = rng.normal(0.5, 0.05, 2)
    falloff = np.float32(sample_strength(rng, 0.3, 1.2))
    return multiply(image, 1 / (1 + falloff * squared_distance(image, centre[0], centre[1])))


def exposure(image: Image, rng: np.random.Generator, _boxes: Boxes) -> Image:
    """Change brightness, contrast and gamma: slightly, washed out, too dark or too bright."""
    levels = np.linspace(0, 1, 256, dtype=np.float32)
    kind = rng.choice(4, p=(0.5, 0.22, 0.16, 0.12))
    if kind == 0:
        curve = (levels ** rng.uniform(0.7, 1.4) - 0.5) * rng.uniform(0.7, 1.3) + 0.5 + rng.uniform(-0.12, 0.12)
    elif kind == 1:
        span = sample_strength(rng, 0.7, 0.2)
        curve = rng.uniform(0, 1 - span) + span * levels
    elif kind == 2:
        curve = levels ** rng.uniform(1.1, 2.0) * rng.uniform(0.35, 0.8)
    else:
        curve = levels ** rng.uniform(0.5, 0.9) * rng.uniform(1.05, 1.4)
    return np.asarray(cv2.LUT(image, (curve * 255).clip(0, 255).astype(np.uint8)), np.uint8)


def sensor_noise(image: Image, rng: np.random.Generator, boxes: Boxes) -> Image:
    """Add noise in brightness and colour, stronger in dark areas and limited by the contrast of the digits."""
    height, width = image.shape[:2]
    limit = min(4 + 0.4 * smallest_digit(boxes), 24, 0.5 * digit_contrast(image, boxes).min(initial=80))
    sigma = sample_strength(rng, 1.5, max(limit, 2))
    fields = _noise_fields()
    field = fields[int(rng.integers(len(fields)))]
    if height > _NOISE_SIDE or width > _NOISE_SIDE:
        field = np.tile(field, (-(-height // _NOISE_SIDE), -(-width // _NOISE_SIDE), 1))
    top, left = rng.integers(field.shape[0] - height + 1), rng.integers(field.shape[1] - width + 1)
    field = field[top : top + height, left : left + width][:: rng.choice([-1, 1]), :: rng.choice([-1, 1])]
    # Fixed-point arithmetic: the field has a deviation of 32, the strength is in 1/8 levels, their product in 1/256.
    strength = (8 * sigma * np.linspace(1.2, 0.5, 256)).clip(0, 255).astype(np.uint8)
    noise = (field * np.asarray(cv2.LUT(image, strength), np.uint8)) >> 8
    return np.asarray(cv2.add(image, noise, dtype=cv2.CV_8U), np.uint8)


@functools.cache
def _noise_fields() -> tuple[npt.NDArray[np.int8], ...]:
    """Return noise to cut from, as drawing new noise is slow: fine, coloured, and coarse as from a phone."""
    rng = np.random.default_rng(0)
    shape = (_NOISE_SIDE, _NOISE_SIDE)
    luma = rng.standard_normal((*shape, 1), np.float32)
    chroma = rng.standard_normal((*shape, 3), np.float32)
    coarse = cv2.GaussianBlur(chroma, (0, 0), 1.2) / np.float32(0.24) * np.float32(0.6)
    soft = cv2.GaussianBlur(np.repeat(luma, 3, axis=2), (0, 0), 0.7) / np.float32(0.42)
    fields = (luma + 0.25 * chroma, 0.75 * luma + 0.65 * chroma, 0.7 * soft + 0.7 * coarse)
    return tuple(np.clip(np.round(field * 32), -127, 127).astype(np.int8) for field in fields)


def sharpen(image: Image, rng: np.random.Generator, boxes: Boxes) -> Image:
    """Sharpen strongly, with the halos of a phone's processing."""
    blurred = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.7, max(0.04 * smallest_digit(boxes), 1.2)))
    amount = sample_strength(rng, 0.4, 2.5)
    return np.asarray(cv2.addWeighted(image, 1 + amount, blurred, -amount, 0), np.uint8)


def low_resolution(image: Image, rng: np.random.Generator, boxes: Boxes) -> Image:
    """Shrink and enlarge the picture, sometimes with JPEG in between; digits keep a height of about 9 px."""
    height, width = image.shape[:2]
    least = np.clip(_LOWEST_DIGIT / smallest_digit(boxes), 1 / 8, 0.85)
    # Mostly small: a number in a photo of a street is often only a dozen pixels high.
    scale = float(np.exp(np.log(0.9) + rng.random() ** 0.6 * np.log(least / 0.9)))
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    # INTER_NEAREST_EXACT keeps the centre; INTER_NEAREST moves the picture by up to half an enlarged pixel.
    small = cv2.resize(image, size, interpolation=int(rng.choice((cv2.INTER_AREA, cv2.INTER_LINEAR))))
    if rng.random() < 0.3:
        small = image_compression(small, int(rng.integers(50, 95)), ".jpg")
    enlarging = int(rng.choice((cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_NEAREST_EXACT), p=(0.4, 0.45, 0.15)))
    return np.asarray(cv2.resize(small, (width, height), interpolation=enlarging), np.uint8)


def jpeg(image: Image, rng: np.random.Generator, boxes: Boxes) -> Image:
    """Compress as JPEG, less for small digits."""
    return np.asarray(image_compression(image, sample_jpeg_quality(rng, boxes), ".jpg"), np.uint8)


def double_jpeg(image: Image, rng: np.random.Generator, boxes: Boxes) -> Image:
    """Compress as JPEG twice, cropped in between so that the two grids of 8x8 blocks differ."""
    top, left = (int(shift) for shift in rng.integers(1, 8, 2))
    padded = cv2.copyMakeBorder(image, top, 0, left, 0, cv2.BORDER_REPLICATE)
    first = image_compression(padded, sample_jpeg_quality(rng, boxes), ".jpg")[top:, left:]
    return np.asarray(image_compression(np.ascontiguousarray(first), sample_jpeg_quality(rng, boxes), ".jpg"), np.uint8)


def _disc_kernel(radius: float) -> Field:
    reach = int(np.ceil(radius))
    offsets = np.arange(-reach, reach + 1, dtype=np.float32)
    kernel = np.clip(radius + 0.5 - np.hypot(offsets, offsets[:, None]), 0, 1)
    return np.asarray(kernel / kernel.sum(), np.float32)


def _line_kernel(length: float, angle: float) -> Field:
    """Return the weights of a centred line, `length` px long and about 1 px wide."""
    reach = int(np.ceil(length / 2))
    x = np.arange(-reach, reach + 1, dtype=np.float32)
    y = x[:, None]
    along, across = np.abs(x * np.cos(angle) + y * np.sin(angle)), np.abs(y * np.cos(angle) - x * np.sin(angle))
    kernel = np.clip(length / 2 + 0.5 - along, 0, 1) * np.clip(1 - across, 0, 1)
    return np.asarray(kernel / kernel.sum(), np.float32)
