"""Glyphs from the user's own pictures of single digits: the ink is told from its ground."""

from __future__ import annotations

import cv2
import numpy as np

from digitdet.common.errors import DataError
from digitdet.common.types import Image
from digitdet.datasets.crops import Crops
from digitdet.synth.digits.glyphs import Glyph, GlyphSource

# Ink (0 to 255) from which a pixel counts when the extent of a digit is measured.
_INK_LEVEL = 77
# Parts of the largest one's area below which a piece of ink is a speck of dirt.
_SPECK = 0.03
# Part of the picture's height from which a piece of ink can be the digit.
_TALL = 0.4


class CropGlyphs(GlyphSource):
    """Glyphs cut from pictures of single digits of any size and colour, dark on light or light on dark.

    Raises:
        DataError: A digit has no crop in which ink and ground can be told apart.
    """

    def __init__(self, crops: Crops) -> None:
        self._by_label: list[list[Image]] = [[] for _ in range(10)]
        for image, label in zip(crops.images, crops.labels.tolist(), strict=True):
            ink = extract_ink(image)
            if ink is not None:
                self._by_label[label].append(ink)
        missing = [label for label, inks in enumerate(self._by_label) if not inks]
        if missing:
            raise DataError(f"the crops have no picture of a {missing[0]} with ink that stands out")

    def sample(self, rng: np.random.Generator, digit: int) -> Glyph:
        """A random crop of `digit`, as ink."""
        inks = self._by_label[digit]
        ink = inks[int(rng.integers(len(inks)))]
        return Glyph(ink.astype(np.float32) / np.float32(255), digit)


def extract_ink(image: Image) -> Image | None:
    """The ink of a picture (H, W, 3) uint8 BGR of one digit: (h, w) uint8, 255 in the stroke, cropped to it.

    Most of the border counts as ground. None where no ink can be found.
    """
    grey = _strongest_contrast(image)
    level, split = cv2.threshold(grey, 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    border = np.concatenate([split[0], split[-1], split[:, 0], split[:, -1]])
    if border.mean() > 0.5:  # light ground
        grey, split, level = 255 - grey, 1 - split, 254 - level
    split = _digit_pieces(np.asarray(split, np.uint8))
    if not split.any() or split.all():
        return None
    stroke, ground = float(np.median(grey[split > 0])), float(np.median(grey[split == 0]))
    # Halfway from the ground to the threshold: below it lies the grain of the paper, above it the stroke's soft edge.
    low = (ground + level) / 2
    ink = np.rint(np.clip((grey.astype(np.float32) - low) * (255 / max(stroke - low, 1)), 0, 255)).astype(np.uint8)
    ink[cv2.dilate(split, np.ones((3, 3), np.uint8)) == 0] = 0
    rows, columns = np.flatnonzero((ink >= _INK_LEVEL).any(axis=1)), np.flatnonzero((ink >= _INK_LEVEL).any(axis=0))
    if len(rows) < 2:
        return None
    return np.ascontiguousarray(ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])


def _strongest_contrast(image: Image) -> Image:
    """Grey (H, W), 0 to 255, along the direction in which the colours differ most: red on green is clear in it."""
    pixels = image.reshape(-1, 3).astype(np.float32)
    pixels -= pixels.mean(axis=0)
    direction = np.linalg.eigh(pixels.T @ pixels)[1][:, -1]
    values = pixels @ direction
    low, high = (float(v) for v in np.percentile(values, (0.3, 99.7)))
    grey = np.clip((values - low) * (255 / max(high - low, 1e-3)), 0, 255)
    return np.asarray(grey, np.uint8).reshape(image.shape[:2])


def _digit_pieces(ink: Image) -> Image:
    """A mask (H, W) of 0 and 1 without specks and frames; pieces of a digit, such as the segments of a display, stay.

    What touches the border is a frame or a neighbour where a tall piece stands free of it.
    """
    count, labels, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    left, top, width, height, area = stats.T
    at_border = (left == 0) | (top == 0) | (left + width == ink.shape[1]) | (top + height == ink.shape[0])
    candidates = np.arange(count) > 0  # 0 is the ground
    tall = candidates & ~at_border & (height >= _TALL * ink.shape[0])
    if tall.any():
        candidates &= ~at_border
    kept = candidates & (area >= _SPECK * area[candidates].max(initial=0))
    return np.asarray(kept[labels], np.uint8)
