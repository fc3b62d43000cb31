"""Building blocks of surfaces: colours, and smooth, grainy and striped fields that are painted with them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

Field = npt.NDArray[np.float32]
"""One value per pixel: (height, width) float32."""

FloatImage = npt.NDArray[np.float32]
"""A picture: (height, width, 3) float32 BGR, levels of about 0 to 255."""

Colour = npt.NDArray[np.float32]
"""A colour: (3,) float32 BGR, 0 to 255."""

Layer = tuple[Field, npt.ArrayLike]
"""A field and the BGR difference (3,), or one number for all channels, that the value 1 adds."""

# Weights of blue, green and red in perceived brightness (ITU-R BT.601).
LUMA = np.array([0.114, 0.587, 0.299], np.float32)

# Side in pixels of the noise that all grain is cut from; it is tiled for a larger picture.
_TILE = 1024

# Lowest and highest brightness of a background for dark ink and for light ink.
_LIGHT_LEVELS = (140, 250)
_DARK_LEVELS = (10, 105)


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """Draw a number from a range with uniform density of its logarithm."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def sample_level(rng: np.random.Generator, light: bool) -> float:
    """Draw the brightness (0 to 255) of a background for dark ink (`light`) or for light ink."""
    low, high = _LIGHT_LEVELS if light else _DARK_LEVELS
    return rng.uniform(low, high)


def sample_background_colour(rng: np.random.Generator, light: bool) -> Colour:
    """Draw a light or a dark colour, mostly near grey like paper, walls and screens."""
    level = rng.uniform(140, 255) if light else rng.uniform(0, 110)
    tint = rng.normal(0, 12, 3) if rng.random() < 0.75 else rng.normal(0, 40, 3)
    return np.asarray(np.clip(level + tint - tint.mean(), 0, 255), np.float32)


def with_level(colour: npt.ArrayLike, level: float) -> Colour:
    """Change a BGR colour (3,) to a brightness (0 to 255), by scaling it down or mixing it with white."""
    values = np.clip(np.asarray(colour, np.float32), 0, 255)
    luma = float(values @ LUMA)
    if level <= luma:
        return np.asarray(values * np.float32(level / max(luma, 1)), np.float32)
    return np.asarray(values + (255 - values) * np.float32((level - luma) / (255 - luma)), np.float32)


def pick_colour(
    rng: np.random.Generator, palette: Sequence[tuple[float, float, float]], spread: float
) -> npt.NDArray[np.float64]:
    """Draw a BGR colour (3,), 0 to 255, near one of a palette, with a standard deviation of `spread` levels."""
    return np.clip(np.array(palette[int(rng.integers(len(palette)))]) + rng.normal(0, spread, 3), 0, 255)


def sample_colour(
    rng: np.random.Generator, palette: tuple[tuple[int, int, int], ...], light: bool, any_hue: float = 0.1
) -> Colour:
    """Draw a light or a dark colour near one of a palette; with probability `any_hue`, the hue is arbitrary."""
    if rng.random() < any_hue:
        colour = rng.uniform(0, 255, 3)
    else:
        colour = palette[int(rng.integers(len(palette)))] + rng.normal(0, 8, 3)
    return with_level(colour, sample_level(rng, light))


def paint(colour: Colour, *layers: Layer) -> FloatImage:
    """Return a colour plus the sum of all layers, at least one."""
    steps = [np.broadcast_to(np.asarray(step, np.float32), (3,)).tolist() for _, step in layers]
    fields = [field for field, _ in layers]
    planes = []
    for base, *step in zip(colour.tolist(), *steps, strict=True):
        plane = cv2.addWeighted(fields[0], step[0], fields[0], 0, base)
        for field, weight in zip(fields[1:], step[1:], strict=True):
            plane = cv2.scaleAdd(field, weight, plane)
        planes.append(plane)
    return np.asarray(cv2.merge(planes), np.float32)


def plain_field(width: int, height: int) -> Field:
    """Return a field of zeros."""
    return np.zeros((height, width), np.float32)


def gradient(rng: np.random.Generator, width: int, height: int) -> Field:
    """Return a ramp from 0 to 1 in a random direction."""
    angle = rng.uniform(0, 2 * np.pi)
    x = np.linspace(-0.5, 0.5, width, dtype=np.float32) * np.float32(np.cos(angle))
    y = np.linspace(-0.5, 0.5, height, dtype=np.float32) * np.float32(np.sin(angle))
    x, y = x - x.min(), y - y.min()
    span = x.max() + y.max()
    return np.asarray((y / span)[:, None] + x / span, np.float32)


def clouds(rng: np.random.Generator, width: int, height: int) -> Field:
    """Return smooth noise of about -1 to 1: the sum of three random grids of different sizes, enlarged."""
    # Summing at a small size and enlarging once is faster and looks the same.
    total = plain_field(64, 64)
    for cells, weight in ((3, 0.6), (8, 0.3), (24, 0.2)):
        grid = rng.uniform(-1, 1, (cells, cells)).astype(np.float32)
        total += cv2.resize(grid, (64, 64), interpolation=cv2.INTER_CUBIC) * np.float32(weight)
    return np.asarray(cv2.resize(total, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def grain(rng: np.random.Generator, width: int, height: int, cell: float | tuple[float, float] = 1.0) -> Field:
    """Return noise of mean 0 and standard deviation about 1, with grains of `cell` or (across, down) pixels."""
    # It is a random cut of a fixed noise, which is faster than drawing new numbers.
    across, down = cell if isinstance(cell, tuple) else (cell, cell)
    columns, rows = max(int(np.ceil(width / across)), 1), max(int(np.ceil(height / down)), 1)
    if across > 1 or down > 1:
        columns, rows = columns + 1, rows + 1
    noise = _noise()
    if columns > _TILE or rows > _TILE:
        noise = np.tile(noise, (-(-rows // _TILE), -(-columns // _TILE)))
    top, left = (int(rng.integers(free + 1)) for free in (noise.shape[0] - rows, noise.shape[1] - columns))
    cut = noise[top : top + rows, left : left + columns]
    if (columns, rows) == (width, height):
        return cut.copy()
    method = cv2.INTER_CUBIC if max(across, down) > 6 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(cut, (width, height), interpolation=method), np.float32)


@cache
def _noise() -> Field:
    noise = np.random.default_rng(20240).standard_normal((_TILE, _TILE), dtype=np.float32)
    noise.setflags(write=False)
    return noise


def axes(width: int, height: int, angle: float = 0.0) -> tuple[Field, Field]:
    """Return the coordinates in pixels along and across a direction, `angle` degrees clockwise of right."""
    cos, sin = np.float32(np.cos(np.radians(angle))), np.float32(np.sin(np.radians(angle)))
    x = np.arange(width, dtype=np.float32)
    y = np.arange(height, dtype=np.float32)[:, None]
    return x * cos + y * sin, y * cos - x * sin


def stripes(position: Field, period: float, thickness: float) -> Field:
    """Return lines `thickness` px wide every `period` px of a coordinate: 1 on a line, 0 between, with soft edges."""
    phase = position * np.float32(1 / period)
    distance = np.abs(phase - np.rint(phase)) * np.float32(period)
    cover = np.clip(np.float32(thickness / 2 + 0.5) - distance, 0, min(thickness, 1))
    return np.asarray(cover, np.float32)


def soft_threshold(field: Field, level: float, width: float) -> Field:
    """Return 0 where a field is below `level` and 1 above, with a linear slope of `width` in between."""
    return np.asarray(np.clip((field - np.float32(level)) * np.float32(1 / width) + 0.5, 0, 1), np.float32)


def relief(height_map: Field) -> Field:
    """Return the shading of a height map that is lit from the top left."""
    shade = np.empty_like(height_map)
    shade[1:, 1:] = height_map[1:, 1:] - height_map[:-1, :-1]
    shade[0], shade[:, 0] = shade[min(1, len(shade) - 1)], shade[:, min(1, shade.shape[1] - 1)]
    return shade


def light_spot(rng: np.random.Generator, width: int, height: int) -> Field:
    """Return a soft spot of light, 0 to 1, in or near the picture."""
    # The spot is smooth: it is drawn small and enlarged.
    y, x = np.mgrid[0:1:48j, 0:1:48j].astype(np.float32)
    centre_x, centre_y = rng.uniform(-0.1, 1.1, 2)
    spread_x, spread_y = rng.uniform(0.1, 0.6, 2)
    turn = rng.uniform(-0.8, 0.8)
    x, y = x - np.float32(centre_x), y - np.float32(centre_y)
    spot = np.exp(-(((x + turn * y) / np.float32(spread_x)) ** 2 + (y / np.float32(spread_y)) ** 2))
    return np.asarray(cv2.resize(spot, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def soften(image: npt.NDArray[np.float32], sigma: float) -> npt.NDArray[np.float32]:
    """Blur a field or picture by a Gaussian of `sigma` px; below 0.3 px, return it unchanged."""
    return image if sigma < 0.3 else np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.float32)


def rotate(rng: np.random.Generator, image: npt.NDArray[np.float32], max_angle: float = 5.0) -> npt.NDArray[np.float32]:
    """Rotate a field or picture about its centre by up to `max_angle` degrees, enlarged to fill the corners."""
    height, width = image.shape[:2]
    angle = rng.uniform(-max_angle, max_angle)
    longest = max(width / height, height / width)
    zoom = float(np.cos(np.radians(angle)) + longest * abs(np.sin(np.radians(angle))))
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, zoom)
    rotated = cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(rotated, np.float32)


def scratches(rng: np.random.Generator, width: int, height: int, count: int, angle: float | None = None) -> Field:
    """Return thin, nearly straight strokes, 0 to 1, about in the direction `angle` (degrees) or in any direction."""
    mask = np.zeros((height, width), np.uint8)
    for _ in range(count):
        start = rng.uniform(0, 1, 2) * (width, height)
        turn = np.radians(rng.uniform(0, 180) if angle is None else rng.normal(angle, 6))
        along = np.array([np.cos(turn), np.sin(turn)]) * rng.uniform(0.05, 0.7) * max(width, height)
        bend = np.array([-along[1], along[0]]) * rng.normal(0, 0.05)
        points = np.array([start, start + along / 2 + bend, start + along]).astype(np.int32)
        cv2.polylines(mask, [points], False, int(rng.integers(60, 256)), 1, cv2.LINE_AA)
    return mask * np.float32(1 / 255)
