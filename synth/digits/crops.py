"""Glyphs from the user's own images of single digits, with the ink separated from the background."""

from __future__ import annotations

import cv2
import numpy as np

from digitdet.common.errors import DataError
from digitdet.common.types import Image
from digitdet.datasets.crops import Crops
from digitdet.synth.digits.glyphs import INK_LEVEL, Glyph, GlyphSource, unit_ink

# Components smaller than this share of the largest component's area are dirt.
_SPECK_AREA = 0.03
# Components at least this share of the image height can be the digit.
_TALL = 0.4


class CropGlyphs(GlyphSource):
    """Glyphs cut from images of single digits of any size and colour, dark on light or light on dark."""

    def __init__(self, crops: Crops) -> None:
        self._by_label: list[list[Image]] = [[] for _ in range(10)]
        for image, label in zip(crops.images, crops.labels.tolist(), strict=True):
            ink = extract_ink(image)
            if ink is not None:
                self._by_label[label].append(ink)
        missing = [label for label, inks in enumerate(self._by_label) if not inks]
        if missing:
            raise DataError(f"the crops contain no picture of a {missing[0]} whose ink stands out from the background")

    def sample(self, rng: np.random.Generator, digit: int) -> Glyph:
        """Return a random crop of `digit`, as ink."""
        inks = self._by_label[digit]
        return Glyph(unit_ink(inks[int(rng.integers(len(inks)))]), digit)


def extract_ink(image: Image) -> Image | None:
    """Separate the ink of a single digit from its background by Otsu's threshold; most of the border is background.

    The ink (h, w) uint8 is 255 in the stroke and cropped to it; None if no ink is found.
    """
    grey = _project_on_contrast(image)
    level, split = cv2.threshold(grey, 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    border = np.concatenate([split[0], split[-1], split[:, 0], split[:, -1]])
    if border.mean() > 0.5:  # light background
        grey, split, level = 255 - grey, 1 - split, 254 - level
    split = _digit_components(np.asarray(split, np.uint8))
    if not split.any() or split.all():
        return None
    stroke, background = float(np.median(grey[split > 0])), float(np.median(grey[split == 0]))
    # Halfway from the background to the threshold: paper grain lies below it, the soft edge of the stroke above it.
    low = (background + level) / 2
    ink = np.rint(np.clip((grey.astype(np.float32) - low) * (255 / max(stroke - low, 1)), 0, 255)).astype(np.uint8)
    ink[cv2.dilate(split, np.ones((3, 3), np.uint8)) == 0] = 0
    x, y, width, height = cv2.boundingRect((ink >= INK_LEVEL).view(np.uint8))
    return np.ascontiguousarray(ink[y : y + height, x : x + width]) if height >= 2 else None


def _project_on_contrast(image: Image) -> Image:
    """Return grey (H, W) along the first principal component of the colours, so that red on green stays visible."""
    pixels = image.reshape(-1, 3).astype(np.float32)
    pixels -= pixels.mean(axis=0)
    direction = np.linalg.eigh(pixels.T @ pixels)[1][:, -1]
    values = pixels @ direction
    low, high = (float(v) for v in np.percentile(values, (0.3, 99.7)))
    grey = np.clip((values - low) * (255 / max(high - low, 1e-3)), 0, 255)
    return np.asarray(grey, np.uint8).reshape(image.shape[:2])


def _digit_components(ink: Image) -> Image:
    """Return a mask (H, W) of 0 and 1 without dirt and frames; separate parts of one digit, such as segments, stay."""
    # Components that touch the border count as frames or neighbours if a tall component does not touch it.
    count, labels, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    left, top, width, height, area = stats.T
    at_border = (left == 0) | (top == 0) | (left + width == ink.shape[1]) | (top + height == ink.shape[0])
    candidates = np.arange(count) > 0  # component 0 is the background
    tall = candidates & ~at_border & (height >= _TALL * ink.shape[0])
    if tall.any():
        candidates &= ~at_border
    kept = candidates & (area >= _SPECK_AREA * area[candidates].max(initial=0))
    return np.asarray(kept[labels], np.uint8)
