"""Training squares for the proposal network: cut out of scaled pictures, with the cells that show digits."""

from __future__ import annotations

import math
from dataclasses import dataclass

import albumentations as A
import cv2
import numpy as np

from digitdet.common.types import Boxes, FloatArray, Image
from digitdet.detection.proposals import CELL
from digitdet.training.proposal_network import relative_height

SIDE = 320
"""Side of a square in pixels."""

# Heights in pixels that a digit of the picture is scaled to, without enlarging the picture too much; pictures without
# digits are scaled by a factor. Digits outside the counted heights are neither right nor wrong to propose.
_HEIGHTS, _MAX_ENLARGEMENT = (5.0, 48.0), 1.4
_EMPTY_SCALES = (0.4, 1.2)
_COUNTED_HEIGHTS = (4.5, 64.0)
_LARGE_SHARE, _LARGE_SCALE = 0.5, 0.6  # share of the pictures that are not reduced below this scale
_AROUND_A_DIGIT = 0.7  # share of the squares that show a certain digit
_INNER = 0.1  # of a digit's height above and below that its cells leave out


@dataclass(frozen=True)
class CellSample:
    """A square and its cells.

    Attributes:
        image: (SIDE, SIDE, 3) uint8 BGR.
        is_digit: (SIDE / CELL, SIDE / CELL) float32, 1 where a digit is, 0 where none is, -1 where it does not count.
        heights: The same shape, the heights of the digits as the network returns them.
    """

    image: Image
    is_digit: FloatArray
    heights: FloatArray


def draw_sample(image: Image, boxes: Boxes, surroundings: Image, rng: np.random.Generator) -> CellSample:
    """Draw a varied square of a picture (H, W, 3) with digits in `boxes` (N, 4) xyxy.

    `surroundings` (SIDE, SIDE, 3), without digits, are seen beside pictures that are smaller than the square.
    """
    scale = _draw_scale(boxes, rng)
    height, width = (max(round(side * scale), 16) for side in image.shape[:2])
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    scaled = np.asarray(cv2.resize(image, (width, height), interpolation=method), np.uint8)
    boxes = boxes * np.array([width / image.shape[1], height / image.shape[0]] * 2)
    target = boxes[rng.integers(len(boxes))] if len(boxes) and rng.random() < _AROUND_A_DIGIT else None
    x, y = (_draw_start(side, axis, target, rng) for axis, side in enumerate((width, height)))
    square = surroundings.copy()
    part = scaled[max(y, 0) : y + SIDE, max(x, 0) : x + SIDE]
    square[max(-y, 0) :, max(-x, 0) :][: part.shape[0], : part.shape[1]] = part
    return CellSample(augment(square), *_cell_targets(boxes - np.array([x, y] * 2)))


def _draw_scale(boxes: Boxes, rng: np.random.Generator) -> float:
    """Return the factor by which a picture is scaled; it brings one of its digits to a height of the range."""
    if not len(boxes):
        return math.exp(rng.uniform(*np.log(_EMPTY_SCALES)))
    box = boxes[rng.integers(len(boxes))]
    height = max(float(box[3] - box[1]), 1.0)
    highest = min(_HEIGHTS[1] / height, _MAX_ENLARGEMENT)
    scale = math.exp(rng.uniform(math.log(min(_HEIGHTS[0] / height, highest)), math.log(highest)))
    return max(scale, min(highest, _LARGE_SCALE)) if rng.random() < _LARGE_SHARE else scale


def _draw_start(side: int, axis: int, target: FloatArray | None, rng: np.random.Generator) -> int:
    """Return the first column or row of the square in a picture of so many pixels; negative beside small pictures."""
    least, most = sorted((0, side - SIDE))
    if target is None:
        return int(rng.integers(least, most + 1))
    middle = (target[axis] + target[axis + 2]) / 2
    return int(np.clip(middle - rng.uniform(0.06, 0.94) * SIDE, least, most))


def _cell_targets(boxes: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return `is_digit` and `heights` of a square with digits in boxes (N, 4)."""
    count = SIDE // CELL
    is_digit, heights = np.zeros((2, count, count), np.float32)
    middles = (np.arange(count) + 0.5) * CELL
    for x0, y0, x1, y1 in boxes:
        height, centre = y1 - y0, ((x0 + x1) / 2, (y0 + y1) / 2)
        inner = _INNER * height
        rows, columns = (middles >= y0 + inner) & (middles < y1 - inner), (middles >= x0) & (middles < x1)
        column, row = (int(np.clip(value // CELL, 0, count - 1)) for value in centre)
        rows[row] = columns[column] = True  # at least the cell of its centre
        counts = _COUNTED_HEIGHTS[0] <= height <= _COUNTED_HEIGHTS[1] and min(centre) >= 0 and max(centre) < SIDE
        cells = np.ix_(rows, columns)
        is_digit[cells] = np.maximum(is_digit[cells], 1) if counts else np.where(is_digit[cells] == 1, 1, -1)
        heights[cells] = relative_height(max(height, 1.0))
    return is_digit, heights


_AUGMENTATION = A.Compose(
    [
        A.InvertImg(p=0.1),
        A.RandomBrightnessContrast(0.3, (-0.4, 0.2), p=0.3),
        A.GaussianBlur(blur_limit=0, sigma_limit=(0.3, 0.9), p=0.15),
        A.GaussNoise(std_range=(0.005, 0.03), p=0.2),
        A.ImageCompression(quality_range=(40, 92), p=0.35),
    ]
)


def augment(image: Image) -> Image:
    """Vary polarity, contrast, sharpness and noise of a square (H, W, 3)."""
    return np.asarray(_AUGMENTATION(image=image)["image"], np.uint8)


def seed_augmentation(seed: int) -> None:
    """Seed `augment`."""
    _AUGMENTATION.set_random_seed(seed)
