"""Pictures of single digits converted to the format of MNIST.

MNIST's digits are 28 x 28 pixels, ink 255 on 0. The longer side of the ink has 20 pixels, and its centre of mass is in
the middle (LeCun et al., Gradient-Based Learning Applied to Document Recognition, 1998).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from digitdet.common.errors import DataError, ImageError
from digitdet.common.types import Box, FloatArray, Image
from digitdet.datasets.crops import Crops, load_crops, split_crops
from digitdet.datasets.mnist import Digits

Finder = Callable[[Image], Sequence[Box]]
"""Returns the boxes of the digits in a picture (H, W, 3) uint8 BGR, the most confident first."""

_SIDE = 28
_INK_SIDE = 20
_MIN_CONTRAST = 24  # grey levels between ink and background
_MARGIN = 0.15  # fraction of the longer side that a box is enlarged by: boxes of detectors are tight
_MIN_COMPONENT = 0.04  # area of a part of the digit, as a fraction of the largest component of ink
_INK_THRESHOLD = 0.25  # fraction of the contrast below which a pixel is background
_BLANK = "nothing is written there"

# A picture without a detected digit is accepted if it is a single component of ink.
_BLOT_SIDE = 96  # pixels of the longer side at which it is judged
_MIN_BLOT, _MAX_BLOT = 0.01, 0.6  # fraction of the area
_MAX_OTHER = 0.2  # area of any other component, as a fraction of the largest


def load_own_digits(path: Path) -> tuple[Mapping[str, Digits], list[str]]:
    """Load pictures of single digits: a folder with the subfolders 0 to 9, or a CSV file with image,label.

    Returns:
        The digits of the splits 'train', 'val' and 'test', and a line of text for every picture that was left out.

    Raises:
        DataError: It cannot be read, or has no usable picture.
    """
    crops = load_crops(path)
    skipped = list(crops.skipped)
    parts = {split: _convert(part, path, skipped) for split, part in split_crops(crops).items()}
    if not len(parts["train"]):
        raise DataError(f"{path}: no picture shows a digit")
    return parts, skipped


def require_trainable(parts: Mapping[str, Digits], path: Path) -> None:
    """Raise DataError if there is no digit for validation, or not every digit to train on."""
    if not len(parts["val"]):
        raise DataError(f"{path}: needs at least three pictures of one digit, to hold one out for validation")
    if missing := sorted(set(range(10)) - set(parts["train"].labels.tolist())):
        raise DataError(f"{path}: no usable picture of {', '.join(map(str, missing))} to train on")


def join_digits(parts: Sequence[Digits]) -> Digits:
    """Concatenate digits."""
    return Digits(np.concatenate([part.images for part in parts]), np.concatenate([part.labels for part in parts]))


def _convert(crops: Crops, path: Path, skipped: list[str]) -> Digits:
    images, labels = [np.zeros((0, _SIDE, _SIDE), np.uint8)], []
    for image, label, name in zip(crops.images, crops.labels.tolist(), crops.names, strict=True):
        try:
            images.append(to_mnist(image)[None])
            labels.append(label)
        except ImageError as error:
            skipped.append(f"{path}: {name}: {error}")
    return Digits(np.concatenate(images), np.array(labels, np.uint8))


def read_digit(image: Image, finder: Finder) -> tuple[Image, int]:
    """Find the most confident digit in a picture (H, W, 3); return it as (28, 28) uint8, and how many there are.

    A picture of 28 x 28 pixels is taken as a digit. If the finder finds none, a picture with a single component of ink
    is accepted, such as one that was cropped by hand. Raises ImageError if there is no digit.
    """
    if image.shape[:2] == (_SIDE, _SIDE):
        return to_mnist(image), 1
    boxes = finder(image)
    if not boxes and not _is_one_blot(image):
        raise ImageError("no digit was found")
    return to_mnist(image, boxes[0] if boxes else None), max(len(boxes), 1)


def _is_one_blot(image: Image) -> bool:
    grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
    scale = _BLOT_SIDE / max(grey.shape)
    if scale < 1:
        grey = np.asarray(cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    _, mask = cv2.threshold(cv2.GaussianBlur(grey, (3, 3), 0), 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    ink = 255 - mask if np.median(_border(np.asarray(mask, np.uint8))) > 127 else mask
    _, _, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    areas = np.sort(stats[1:, cv2.CC_STAT_AREA])[::-1]
    if not len(areas) or not _MIN_BLOT <= areas[0] / ink.size <= _MAX_BLOT:
        return False
    return len(areas) == 1 or bool(areas[1] <= _MAX_OTHER * areas[0])


def to_mnist(image: Image, box: Box | None = None) -> Image:
    """Convert a digit (H, W, 3) BGR or (H, W) grey to (28, 28) uint8; raise ImageError if there is no ink.

    `box` is the box of the digit; None is the whole picture, of which only the polarity is changed if it is 28 x 28.
    """
    grey = image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
    if box is None and grey.shape == (_SIDE, _SIDE):
        if int(np.ptp(grey)) < _MIN_CONTRAST:
            raise ImageError(_BLANK)
        return 255 - grey if np.median(_border(grey)) > 127 else grey
    return _centred(_largest_components(_ink(grey if box is None else _crop(grey, box))))


def _ink(part: Image) -> FloatArray:
    """The coverage with ink (h, w), 0 to 1, of grey pixels (h, w)."""
    if min(part.shape) < 3:
        raise ImageError(_BLANK)
    values = part.astype(np.float32) - _background_plane(part)
    low, high = float(values.min()), float(values.max())
    levels = np.asarray(np.rint((values - low) * (255 / max(high - low, 1.0))), np.uint8)
    _, mask = cv2.threshold(levels, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    light, dark = values[mask > 0], values[mask == 0]
    if not len(light) or not len(dark) or float(light.mean() - dark.mean()) < _MIN_CONTRAST:
        raise ImageError(_BLANK)
    is_light = bool((_border(np.asarray(mask, np.uint8)) > 0).mean() > 0.5)
    background, ink = (light, dark) if is_light else (dark, light)
    level = float(np.median(background))
    contrast = float(np.percentile(ink, 25 if is_light else 75)) - level
    coverage = ((values - level) / contrast).clip(0, 1)
    return np.where(coverage > _INK_THRESHOLD, (coverage - _INK_THRESHOLD) / (1 - _INK_THRESHOLD), 0).astype(np.float32)


def _background_plane(part: Image) -> FloatArray:
    """Uneven light (H, W) as a plane fitted to the pixels at the border, without outliers such as strokes."""
    height, width = part.shape
    rows, columns = np.mgrid[:height, :width]
    on_border = np.ones(part.shape, bool)
    on_border[1:-1, 1:-1] = False
    x, y, z = columns[on_border], rows[on_border], part[on_border].astype(np.float64)
    near = np.abs(z - np.median(z)) <= max(2 * float(np.median(np.abs(z - np.median(z)))), 8.0)
    terms = np.stack([x[near], y[near], np.ones(int(near.sum()))], axis=1)
    plane, *_ = np.linalg.lstsq(terms, z[near], rcond=None)
    return (columns * plane[0] + rows * plane[1] + plane[2]).astype(np.float32)


def _border(grey: Image) -> Image:
    return np.concatenate([grey[0], grey[-1], grey[1:-1, 0], grey[1:-1, -1]])


def _crop(grey: Image, box: Box) -> Image:
    margin = _MARGIN * max(box[2] - box[0], box[3] - box[1])
    x0, y0, x1, y1 = box[0] - margin, box[1] - margin, box[2] + margin, box[3] + margin
    return grey[max(int(y0), 0) : int(np.ceil(y1)), max(int(x0), 0) : int(np.ceil(x1))]


def _largest_components(ink: FloatArray) -> FloatArray:
    """Remove specks and strokes that reach in from outside, and crop the ink to its extent."""
    count, components, stats, centres = cv2.connectedComponentsWithStats((ink > 0).view(np.uint8), connectivity=8)
    if count < 2:
        raise ImageError(_BLANK)
    height, width = ink.shape
    x, y, w, h, areas = stats.T
    largest = 1 + int(areas[1:].argmax())
    touches = (x == 0) | (y == 0) | (x + w == width) | (y + h == height)
    relative = centres / (width, height)
    is_inside = ((relative > 0.1) & (relative < 0.9)).all(axis=1)
    kept = (areas >= _MIN_COMPONENT * areas[largest]) & is_inside & ~touches
    kept[0], kept[largest] = False, True  # component 0 is the background
    ink = np.where(kept[components], ink, 0)
    x, y, w, h = cv2.boundingRect((ink > 0).view(np.uint8))
    return np.ascontiguousarray(ink[y : y + h, x : x + w], np.float32)


def _centred(ink: FloatArray) -> Image:
    """Scale the ink to 20 px and move its centre of mass to the middle of 28 x 28, as far as it fits."""
    height, width = ink.shape
    scale = _INK_SIDE / max(height, width)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    small = cv2.resize(ink, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC).clip(0, 1)
    mass = max(float(small.sum()), 1e-6)
    x = float((small.sum(axis=0) * (np.arange(size[0]) + 0.5)).sum()) / mass
    y = float((small.sum(axis=1) * (np.arange(size[1]) + 0.5)).sum()) / mass
    left = min(max(round(_SIDE / 2 - x), 0), _SIDE - size[0])
    top = min(max(round(_SIDE / 2 - y), 0), _SIDE - size[1])
    canvas = np.zeros((_SIDE, _SIDE), np.uint8)
    canvas[top : top + size[1], left : left + size[0]] = np.rint(small * (255 / max(float(small.max()), 1e-6)))
    return canvas
