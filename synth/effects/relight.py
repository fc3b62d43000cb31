"""Light and blur an object as the photo around it, so that it does not look pasted in."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from digitdet.common.types import Image, Mask, Slices
from digitdet.synth.effects.pixels import multiply
from digitdet.synth.surfaces.fields import LUMA, Colour, Field, grain

# The light of a picture is measured on a copy that is smaller by this factor.
_SMALL = 16
# Part of the differences in brightness across a photo that are due to light, not to the colour of things.
_LIGHT_SHARE = 0.5
# Part of the colour of a photo that is due to light.
_CAST_SHARE = 0.3
# Darkest and brightest light on an object, as a factor on its levels.
_DARKEST, _BRIGHTEST = 0.28, 1.12
# Width in pixels of the window in which the two sides of an edge are compared, and the part of the picture's pixels
# that count as edges.
_EDGE_WINDOW, _EDGE_SHARE = 9, 0.01
# Variance that a pixel's own width and the difference of two neighbours add to that of a blurred edge.
_PIXEL_VARIANCE = 0.4
_MAX_NOISE = 3.0


@dataclass(frozen=True)
class PhotoLight:
    """How a photo is lit and how sharp it is."""

    level: Field
    """(h, w) brightness, 0 to 255, smooth, of a smaller copy."""
    white: float
    """Brightness of its bright parts."""
    black: float
    """Brightness of its darkest parts."""
    cast: Colour
    """(3,) colour of the light, of brightness 1."""
    blur: float
    """Standard deviation of its sharpest edges in pixels."""
    noise: float
    """Standard deviation of its noise in grey levels."""

    def level_in(self, region: Slices) -> Field:
        """Return the part of `level` in a region of the photo; at least one pixel."""
        rows, columns = ((part.start // _SMALL, -(-part.stop // _SMALL)) for part in region)
        height, width = self.level.shape
        top, left = min(rows[0], height - 1), min(columns[0], width - 1)
        return self.level[top : max(rows[1], top + 1), left : max(columns[1], left + 1)]


@dataclass(frozen=True)
class ObjectLight:
    """The random part of an object's light."""

    gain: float
    """Factor on its brightness."""
    blur: float
    """Factor on the blur of the photo; an object may be nearer to the focus or farther from it."""
    shadow: float
    """Darkness of the shadow that it casts, 0 to 1."""
    shadow_shift: tuple[float, float]
    """Offset of the shadow in pixels, right and down."""
    seed: int


def measure_light(image: Image) -> PhotoLight:
    """Measure the light, the sharpness and the noise of a photo (H, W, 3)."""
    height, width = image.shape[:2]
    size = max(width // _SMALL, 2), max(height // _SMALL, 2)
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    levels = np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.float32)
    smooth = np.asarray(cv2.GaussianBlur(levels, (0, 0), 0.06 * max(size)), np.float32)
    black, white = np.percentile(levels, (2, 93)).tolist()
    mean = small.reshape(-1, 3).mean(axis=0) + 8
    cast = 1 + _CAST_SHARE * (mean / (mean @ LUMA) - 1)
    # Every other row is enough for both.
    grey = np.asarray(cv2.cvtColor(image[::2], cv2.COLOR_BGR2GRAY), np.uint8)
    steps = np.abs(cv2.Sobel(grey, cv2.CV_16S, 1, 0, ksize=1))
    return PhotoLight(smooth, white, black, cast.astype(np.float32), _edge_blur(grey, steps), _noise(steps))


def relight(
    behind: Image,
    drawn: Image,
    body: Mask,
    photo: PhotoLight,
    region: Slices,
    light: ObjectLight,
    sigma: float,
    shading: Field | None = None,
) -> Image:
    """Return a region of a photo with an object in it.

    Args:
        behind: The region (h, w, 3) without the object, but with its shadow.
        drawn: The same with the object, evenly lit and sharp.
        body: (h, w) whether a pixel belongs to the object's body; digits without a body keep their own colour.
        photo: The light of the photo.
        region: The place of the region in the photo.
        light: The light of the object.
        sigma: Standard deviation of the blur in pixels.
        shading: (h, w) factor on its brightness, of the folds of a cloth.

    The photo itself keeps its pixels.
    """
    lit = _lit(drawn, photo, photo.level_in(region), light, shading)
    # The soft edge of the body is lit, too: unlit, it would be a bright line around a dark object.
    edged = cv2.dilate(body.view(np.uint8), np.ones((3, 3), np.uint8))
    cv2.copyTo(drawn, 1 - edged, lit)
    blue, green, red = cv2.split(cv2.absdiff(drawn, behind))
    changed = body | (cv2.max(cv2.max(blue, green), red) > 2)
    # Blurred with its cover, an object does not smear the photo: only its own edge becomes soft.
    alone = cv2.bitwise_and(lit, lit, mask=changed.view(np.uint8))
    cover = np.asarray(cv2.GaussianBlur(changed.astype(np.float32), (0, 0), sigma), np.float32)
    return np.asarray(cv2.add(cv2.GaussianBlur(alone, (0, 0), sigma), multiply(behind, 1 - cover)), np.uint8)


def cast_shadow(region: Image, body: Mask, light: ObjectLight) -> None:
    """Darken a region (h, w, 3) in place where an object with a body casts its shadow."""
    if not light.shadow or not body.any():
        return
    right, down = light.shadow_shift
    shift = np.array([[1, 0, right], [0, 1, down]], np.float64)
    height, width = body.shape
    moved = cv2.warpAffine(body.astype(np.float32), shift, (width, height))
    soft = cv2.GaussianBlur(moved, (0, 0), max(0.6 * float(np.hypot(right, down)), 0.7))
    region[:] = multiply(region, 1 - np.float32(light.shadow) * soft)


def _lit(drawn: Image, photo: PhotoLight, level: Field, light: ObjectLight, shading: Field | None) -> Image:
    """Return an object (h, w, 3) in the light of the photo, with its noise."""
    height, width = drawn.shape[:2]
    local = float(level.mean())
    gain = light.gain * (max(local, 4.0) / max(photo.white, 8.0)) ** _LIGHT_SHARE * (photo.white / 215) ** 0.6
    gain = float(np.clip(gain, _DARKEST, _BRIGHTEST))
    # The light changes slowly, so a small map of it is enough.
    slope = np.clip((level + 4) / (local + 4), 0.3, 3) ** _LIGHT_SHARE
    field = cv2.resize(slope * np.float32(gain), (width, height), interpolation=cv2.INTER_LINEAR)
    if shading is not None:
        field *= shading
    black = 0.5 * min(photo.black, 60.0)
    rng = np.random.default_rng(light.seed)
    offset = grain(rng, width, height) * np.float32(photo.noise) + np.float32(black)
    planes = []
    for plane, share in zip(cv2.split(drawn), photo.cast.tolist(), strict=True):
        lit = cv2.multiply(plane, field, scale=share * (1 - black / 255), dtype=cv2.CV_32F)
        planes.append(cv2.add(lit, offset, dtype=cv2.CV_8U))
    return np.asarray(cv2.merge(planes), np.uint8)


def _edge_blur(grey: Image, steps: np.ndarray) -> float:
    """Return the standard deviation of the sharpest edges of a picture (H, W) in pixels, from its horizontal steps.

    The steepest slope of an edge blurred by a Gaussian is its height divided by sqrt(2 pi) standard deviations.
    """
    window = np.ones((1, _EDGE_WINDOW), np.uint8)
    heights = cv2.dilate(grey, window) - cv2.erode(grey, window)
    count = max(int(steps.size * _EDGE_SHARE), 1)
    some = steps[:, ::2].ravel()
    limit = max(int(np.partition(some, -max(count // 2, 1))[-max(count // 2, 1)]), 16)
    edges = steps >= limit
    if not edges.any():
        return 1.0
    widths = heights[edges].astype(np.float32) / (steps[edges] / np.float32(2)) / np.float32(np.sqrt(2 * np.pi))
    return float(np.sqrt(max(float(np.median(widths)) ** 2 - _PIXEL_VARIANCE, 0.0)))


def _noise(steps: np.ndarray) -> float:
    """Return the standard deviation of the noise in flat parts, from differences over two pixels."""
    some = steps[::2, ::3].ravel()
    # The lower quartile of |N(0, 2 s^2)| is 0.45 s; texture only adds to it.
    return min(float(np.partition(some, some.size // 4)[some.size // 4]) / 0.45 * 0.7, _MAX_NOISE)
