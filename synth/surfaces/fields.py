"""What surfaces are made of: colours, and smooth, grainy and striped fields (height, width) float32."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

Field = npt.NDArray[np.float32]
Colour = npt.NDArray[np.float32]
Layer = tuple[Field, npt.ArrayLike]

# Weights of blue, green and red in perceived brightness (ITU-R BT.601).
LUMA = np.array([0.114, 0.587, 0.299], np.float32)

# Side of the noise that all grain is cut from; a wider picture repeats it.
_TILE = 1024

# Lowest and highest brightness of a ground for dark ink and for light ink.
_LIGHT_LEVELS = (140, 250)
_DARK_LEVELS = (10, 105)


def sample_level(rng: np.random.Generator, light: bool) -> float:
    """Brightness 0 to 255 of a ground that takes dark ink (`light`) or light ink."""
    low, high = _LIGHT_LEVELS if light else _DARK_LEVELS
    return float(rng.uniform(low, high))


def sample_ground_colour(rng: np.random.Generator, light: bool) -> Colour:
    """A light or a dark colour (3,) float32 BGR: mostly near grey, as paper, walls and screens are."""
    level = rng.uniform(140, 255) if light else rng.uniform(0, 110)
    tint = rng.normal(0, 12, 3) if rng.random() < 0.75 else rng.normal(0, 40, 3)
    return np.asarray(np.clip(level + tint - tint.mean(), 0, 255), np.float32)


def with_level(colour: npt.ArrayLike, level: float) -> Colour:
    """A BGR colour (3,) brought to a brightness: scaled down to darken it, mixed with white to lighten it."""
    values = np.clip(np.asarray(colour, np.float32), 0, 255)
    luma = float(values @ LUMA)
    if level <= luma:
        return np.asarray(values * np.float32(level / max(luma, 1)), np.float32)
    return np.asarray(values + (255 - values) * np.float32((level - luma) / (255 - luma)), np.float32)


def sample_colour(
    rng: np.random.Generator, palette: tuple[tuple[int, int, int], ...], light: bool, any_hue: float = 0.1
) -> Colour:
    """A colour (3,) float32 BGR near one of a material's own, brought to a light or a dark brightness.

    In `any_hue` of the draws the hue is free: there are painted and dyed things of every colour.
    """
    if rng.random() < any_hue:
        colour = rng.uniform(0, 255, 3)
    else:
        colour = palette[int(rng.integers(len(palette)))] + rng.normal(0, 8, 3)
    return with_level(colour, sample_level(rng, light))


def paint(colour: Colour, *layers: Layer) -> npt.NDArray[np.float32]:
    """A ground (height, width, 3) float32: a colour plus fields, each times its own BGR difference (or one number)."""
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
    """Zeros (height, width) float32."""
    return np.zeros((height, width), np.float32)


def gradient(rng: np.random.Generator, width: int, height: int) -> Field:
    """A ramp (height, width) float32 from 0 to 1 in a random direction."""
    angle = rng.uniform(0, 2 * np.pi)
    x = np.linspace(-0.5, 0.5, width, dtype=np.float32) * np.float32(np.cos(angle))
    y = np.linspace(-0.5, 0.5, height, dtype=np.float32) * np.float32(np.sin(angle))
    x, y = x - x.min(), y - y.min()
    span = x.max() + y.max()
    return np.asarray((y / span)[:, None] + x / span, np.float32)


def clouds(rng: np.random.Generator, width: int, height: int) -> Field:
    """Smooth noise (height, width) float32 of about -1 to 1: random grids of three sizes, enlarged and summed."""
    # The grids are summed at a coarse size first: enlarging the sum once is cheaper and looks the same.
    total = plain_field(64, 64)
    for cells, weight in ((3, 0.6), (8, 0.3), (24, 0.2)):
        grid = rng.uniform(-1, 1, (cells, cells)).astype(np.float32)
        total += cv2.resize(grid, (64, 64), interpolation=cv2.INTER_CUBIC) * np.float32(weight)
    return np.asarray(cv2.resize(total, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def grain(rng: np.random.Generator, width: int, height: int, cell: float | tuple[float, float] = 1.0) -> Field:
    """Noise (height, width) float32 of mean 0 and deviation of about 1, in grains of `cell` px or (across, down) px.

    It is a random cut of a fixed noise, many times faster than fresh numbers.
    """
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
    """Coordinates in pixels along and across a direction `angle` degrees clockwise of right, two (height, width)."""
    cos, sin = np.float32(np.cos(np.radians(angle))), np.float32(np.sin(np.radians(angle)))
    x = np.arange(width, dtype=np.float32)
    y = np.arange(height, dtype=np.float32)[:, None]
    return x * cos + y * sin, y * cos - x * sin


def stripes(position: Field, period: float, thickness: float) -> Field:
    """Lines of `thickness` px every `period` px of a coordinate: 1 on a line, 0 beside it, with soft edges."""
    phase = position * np.float32(1 / period)
    distance = np.abs(phase - np.rint(phase)) * np.float32(period)
    cover = np.clip(np.float32(thickness / 2 + 0.5) - distance, 0, min(thickness, 1))
    return np.asarray(cover, np.float32)


def step_up(field: Field, level: float, width: float) -> Field:
    """0 where a field is below `level`, 1 above, with a slope of `width` between."""
    return np.asarray(np.clip((field - np.float32(level)) * np.float32(1 / width) + np.float32(0.5), 0, 1), np.float32)


def relief(height_map: Field) -> Field:
    """Light and shade (height, width) of a height map that is lit from the top left."""
    shade = np.empty_like(height_map)
    shade[1:, 1:] = height_map[1:, 1:] - height_map[:-1, :-1]
    shade[0], shade[:, 0] = shade[min(1, len(shade) - 1)], shade[:, min(1, shade.shape[1] - 1)]
    return shade


def bump(rng: np.random.Generator, width: int, height: int) -> Field:
    """A soft spot of light (height, width) float32, 0 to 1, somewhere on or near the picture."""
    # It is smooth: a coarse one, enlarged, will do.
    y, x = np.mgrid[0:1:48j, 0:1:48j].astype(np.float32)
    centre_x, centre_y = rng.uniform(-0.1, 1.1, 2)
    spread_x, spread_y = rng.uniform(0.1, 0.6, 2)
    turn = float(rng.uniform(-0.8, 0.8))
    x, y = x - np.float32(centre_x), y - np.float32(centre_y)
    spot = np.exp(-(((x + turn * y) / np.float32(spread_x)) ** 2 + (y / np.float32(spread_y)) ** 2))
    return np.asarray(cv2.resize(spot, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def soften(field: npt.NDArray[np.float32], sigma: float) -> npt.NDArray[np.float32]:
    """A field or ground blurred by a Gaussian of `sigma` px; below 0.3 px nothing is left to blur."""
    return field if sigma < 0.3 else np.asarray(cv2.GaussianBlur(field, (0, 0), sigma), np.float32)


def tilt(rng: np.random.Generator, ground: npt.NDArray[np.float32], most: float = 5.0) -> npt.NDArray[np.float32]:
    """A field or ground turned by up to `most` degrees about its middle, zoomed in so that no corner is empty."""
    height, width = ground.shape[:2]
    angle = float(rng.uniform(-most, most))
    longest = max(width / height, height / width)
    zoom = float(np.cos(np.radians(angle)) + longest * abs(np.sin(np.radians(angle))))
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, zoom)
    turned = cv2.warpAffine(ground, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(turned, np.float32)


def scratches(rng: np.random.Generator, width: int, height: int, count: int, angle: float | None = None) -> Field:
    """Thin, nearly straight strokes (height, width) float32, 0 to 1, in one direction (degrees) or any."""
    mask = np.zeros((height, width), np.uint8)
    for _ in range(count):
        start = rng.uniform(0, 1, 2) * (width, height)
        turn = np.radians(rng.uniform(0, 180) if angle is None else rng.normal(angle, 6))
        along = np.array([np.cos(turn), np.sin(turn)]) * rng.uniform(0.05, 0.7) * max(width, height)
        bend = np.array([-along[1], along[0]]) * rng.normal(0, 0.05)
        points = np.array([start, start + along / 2 + bend, start + along]).astype(np.int32)
        cv2.polylines(mask, [points], False, int(rng.integers(60, 256)), 1, cv2.LINE_AA)
    return mask * np.float32(1 / 255)
