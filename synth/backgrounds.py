"""What the digits stand on: plain, gradient, cloudy and grainy grounds, and cuts from the user's own pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from digitdet.configs.errors import DataError
from digitdet.configs.synth import SynthConfig
from digitdet.datasets.folder import list_images

Image = npt.NDArray[np.uint8]

# Longest side in pixels at which a user's background is kept in memory: canvases are smaller.
_MAX_BACKGROUND_SIDE = 1024


def load_backgrounds(folder: Path) -> list[Image]:
    """All pictures of a folder as (H, W, 3) uint8 BGR, shrunk to at most 1,024 px.

    They are held in memory, about 2 MB each, in every worker.

    Raises:
        DataError: The folder has no picture, or one cannot be read.
    """
    images = [_load_background(path) for path in list_images(folder)]
    if not images:
        raise DataError(f"{folder}: no pictures to use as backgrounds")
    return images


def _load_background(path: Path) -> Image:
    try:
        image = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    except (cv2.error, OSError):  # an empty file is an error to OpenCV
        image = None
    if image is None:
        raise DataError(f"{path}: not a picture that can be read; remove it from the backgrounds")
    height, width = image.shape[:2]
    scale = _MAX_BACKGROUND_SIDE / max(height, width)
    if scale < 1:
        size = max(round(width * scale), 1), max(round(height * scale), 1)
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return np.asarray(image, np.uint8)


def sample_background(
    rng: np.random.Generator, config: SynthConfig, backgrounds: Sequence[Image], width: int, height: int, light: bool
) -> Image:
    """A ground (height, width, 3) uint8 BGR that is light (for dark ink) or dark, but for a cut from a picture."""
    weights = [config.plain_weight, config.gradient_weight, config.noise_weight]
    weights.append(config.folder_weight if len(backgrounds) else 0.0)
    kind = int(rng.choice(4, p=np.array(weights) / sum(weights)))
    if kind == 3:
        return cut_background(rng, backgrounds[int(rng.integers(len(backgrounds)))], width, height)
    colour = sample_ground_colour(rng, light)
    ground = np.empty((height, width, 3), np.float32)
    ground[:] = colour
    if kind == 1:
        ground += gradient(rng, width, height)[..., None] * (sample_ground_colour(rng, light) - colour)
    if kind == 2:
        ground += clouds(rng, width, height)[..., None] * float(rng.uniform(10, 45))
        ground += rng.normal(0, rng.uniform(1, 8), (height, width, 1)).astype(np.float32)
    return np.clip(ground, 0, 255).astype(np.uint8)


def sample_ground_colour(rng: np.random.Generator, light: bool) -> npt.NDArray[np.float32]:
    """A light or a dark colour (3,) float32 BGR: mostly near grey, as paper, walls and screens are."""
    level = rng.uniform(140, 255) if light else rng.uniform(0, 110)
    tint = rng.normal(0, 12, 3) if rng.random() < 0.75 else rng.normal(0, 40, 3)
    return np.clip(level + tint - tint.mean(), 0, 255).astype(np.float32)


def gradient(rng: np.random.Generator, width: int, height: int) -> npt.NDArray[np.float32]:
    """A ramp (height, width) float32 from 0 to 1 in a random direction."""
    angle = rng.uniform(0, 2 * np.pi)
    x = np.linspace(-0.5, 0.5, width, dtype=np.float32) * np.float32(np.cos(angle))
    y = np.linspace(-0.5, 0.5, height, dtype=np.float32) * np.float32(np.sin(angle))
    ramp = y[:, None] + x
    return np.asarray((ramp - ramp.min()) / np.ptp(ramp), np.float32)


def clouds(rng: np.random.Generator, width: int, height: int) -> npt.NDArray[np.float32]:
    """Smooth noise (height, width) float32 of about -1 to 1: random grids of three sizes, enlarged and summed."""
    total = np.zeros((height, width), np.float32)
    for cells, weight in ((3, 0.6), (8, 0.3), (24, 0.2)):
        grid = rng.uniform(-1, 1, (cells, cells)).astype(np.float32)
        total += cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC) * np.float32(weight)
    return total


def cut_background(rng: np.random.Generator, image: Image, width: int, height: int) -> Image:
    """A random cut of a picture at a random scale, (height, width, 3) uint8 BGR."""
    fit = max(width / image.shape[1], height / image.shape[0])
    scale = max(fit, float(np.exp(rng.uniform(np.log(fit), np.log(max(fit, 1.0) * 1.5)))))
    cut_width = max(min(image.shape[1], int(width / scale)), 1)
    cut_height = max(min(image.shape[0], int(height / scale)), 1)
    left = int(rng.integers(image.shape[1] - cut_width + 1))
    top = int(rng.integers(image.shape[0] - cut_height + 1))
    cut = image[top : top + cut_height, left : left + cut_width]
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(cut, (width, height), interpolation=method), np.uint8)
