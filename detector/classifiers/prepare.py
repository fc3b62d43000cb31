"""Any picture of one digit as MNIST has it: light ink on black, 20 px, its mass in the middle of 28 x 28."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from digitdet.common.errors import ImageError
from digitdet.common.types import Box, Image

SIDE = 28
_INK_SIDE = 20  # of the longer side of the ink, as in MNIST
# Grey levels between ink and ground below which nothing is written there.
_LEAST_CONTRAST = 24
# The ink may reach this part of a box's longer side beyond the box: detectors' boxes are tight.
_MARGIN = 0.15
# Pieces of ink of less than this part of the largest, or away from the middle of the box, are of something else.
_LEAST_PIECE = 0.04
# Grey levels, from the ground to the ink, below which a pixel is ground.
_GROUND = 0.25


def to_mnist(image: Image, box: Box | None = None) -> Image:
    """One digit as (28, 28) uint8, ink 255 on 0.

    Args:
        image: (H, W, 3) uint8 BGR or (H, W) uint8 grey. One of 28 x 28 pixels without a box is taken as it is, but for
            its polarity.
        box: Where the digit is, xyxy in pixels; None is the whole picture.

    Raises:
        ImageError: Nothing is written there.
    """
    grey = image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
    if box is None and grey.shape == (SIDE, SIDE):
        return _light_on_dark(grey)
    ink = _ink(grey, _grown(box, grey.shape) if box is not None else (0, 0, grey.shape[1], grey.shape[0]))
    return _centred(_cropped(ink))


def _light_on_dark(grey: Image) -> Image:
    """A 28 x 28 picture with its ground dark. The ground is what most of the border is."""
    if int(np.ptp(grey)) < _LEAST_CONTRAST:
        raise ImageError("nothing is written there")
    return 255 - grey if np.median(_border(grey)) > 127 else grey


def _ink(grey: Image, box: tuple[int, int, int, int]) -> npt.NDArray[np.float32]:
    """How much of each pixel of the box is ink, 0 to 1."""
    x0, y0, x1, y1 = box
    part = grey[y0:y1, x0:x1]
    if min(part.shape) < 3:
        raise ImageError("nothing is written there")
    # Paper is seldom lit evenly: the ground is a plane through the border's pixels.
    values = part.astype(np.float32) - _plane(part)
    _, mask = cv2.threshold(_as_bytes(values), 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    light, dark = values[mask > 0], values[mask == 0]
    if not len(light) or not len(dark) or float(light.mean() - dark.mean()) < _LEAST_CONTRAST:
        raise ImageError("nothing is written there")
    ground_is_light = bool((_border(np.asarray(mask, np.uint8)) > 0).mean() > 0.5)
    ground, core = (light, dark) if ground_is_light else (dark, light)
    level = float(np.median(ground))
    full = float(np.percentile(core, 25 if ground_is_light else 75)) - level
    share = ((values - level) / full).clip(0, 1)
    return np.where(share > _GROUND, (share - _GROUND) / (1 - _GROUND), 0).astype(np.float32)


def _plane(part: Image) -> npt.NDArray[np.float32]:
    """The ground (H, W) as a plane fitted to the border; strokes that cross it are left out as outliers."""
    height, width = part.shape
    rows, columns = np.mgrid[:height, :width]
    on_border = np.ones(part.shape, bool)
    on_border[1:-1, 1:-1] = False
    x, y, z = columns[on_border], rows[on_border], part[on_border].astype(np.float64)
    near = np.abs(z - np.median(z)) <= max(2 * float(np.median(np.abs(z - np.median(z)))), 8.0)
    terms = np.stack([x[near], y[near], np.ones(int(near.sum()))], axis=1)
    plane, *_ = np.linalg.lstsq(terms, z[near], rcond=None)
    return (columns * plane[0] + rows * plane[1] + plane[2]).astype(np.float32)


def _as_bytes(values: npt.NDArray[np.float32]) -> Image:
    low, high = float(values.min()), float(values.max())
    return np.asarray(np.rint((values - low) * (255 / max(high - low, 1.0))), np.uint8)


def _border(grey: Image) -> Image:
    return np.concatenate([grey[0], grey[-1], grey[1:-1, 0], grey[1:-1, -1]])


def _grown(box: Box, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """The box with its margin, in whole pixels of the picture."""
    margin = _MARGIN * max(box[2] - box[0], box[3] - box[1])
    x0, y0, x1, y1 = box[0] - margin, box[1] - margin, box[2] + margin, box[3] + margin
    return max(int(x0), 0), max(int(y0), 0), min(int(np.ceil(x1)), shape[1]), min(int(np.ceil(y1)), shape[0])


def _cropped(ink: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The ink without specks and without what reaches in from beside, cut to its extent."""
    count, pieces, facts, centres = cv2.connectedComponentsWithStats((ink > 0).view(np.uint8), connectivity=8)
    if count < 2:
        raise ImageError("nothing is written there")
    height, width = ink.shape
    areas = facts[1:, cv2.CC_STAT_AREA]
    largest = 1 + int(areas.argmax())
    kept = np.zeros(count, bool)
    for piece in range(1, count):
        x, y, w, h, area = facts[piece].tolist()
        touches = x == 0 or y == 0 or x + w == width or y + h == height
        inside = 0.1 < centres[piece][0] / width < 0.9 and 0.1 < centres[piece][1] / height < 0.9
        kept[piece] = piece == largest or (area >= _LEAST_PIECE * areas.max() and inside and not touches)
    ink = np.where(kept[pieces], ink, 0)
    x, y, w, h = cv2.boundingRect((ink > 0).view(np.uint8))
    return np.ascontiguousarray(ink[y : y + h, x : x + w], np.float32)


def _centred(ink: npt.NDArray[np.float32]) -> Image:
    """The ink at 20 px, antialiased, with its centre of mass in the middle of 28 x 28, as far as it fits."""
    height, width = ink.shape
    scale = _INK_SIDE / max(height, width)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    small = cv2.resize(ink, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC).clip(0, 1)
    mass = max(float(small.sum()), 1e-6)
    x = float((small.sum(axis=0) * (np.arange(size[0]) + 0.5)).sum()) / mass
    y = float((small.sum(axis=1) * (np.arange(size[1]) + 0.5)).sum()) / mass
    left = min(max(round(SIDE / 2 - x), 0), SIDE - size[0])
    top = min(max(round(SIDE / 2 - y), 0), SIDE - size[1])
    canvas = np.zeros((SIDE, SIDE), np.uint8)
    canvas[top : top + size[1], left : left + size[0]] = np.rint(small * (255 / max(float(small.max()), 1e-6)))
    return canvas
