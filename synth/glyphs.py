"""Where digits come from: a source hands out one glyph at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from digitdet.configs.errors import DataError
from digitdet.datasets.mnist import Digits

# Grey level (0 to 255) from which a pixel of a source digit counts as ink when its extent is measured.
_INK_LEVEL = 77


@dataclass(frozen=True)
class Glyph:
    """One digit: `ink` (H, W) float32, 0 (none) to 1 (the stroke's core), cropped to its ink; `label` 0 to 9."""

    ink: npt.NDArray[np.float32]
    label: int


class GlyphSource(Protocol):
    """Anything that can draw a digit on demand."""

    def sample(self, rng: np.random.Generator, digit: int) -> Glyph:
        """A random glyph that shows `digit` (0 to 9), drawn with `rng` alone."""


class ImageGlyphs:
    """Glyphs cut from pictures of single digits, such as MNIST.

    Raises:
        DataError: A digit has no picture with ink in it.
    """

    def __init__(self, digits: Digits) -> None:
        self._images = digits.images
        inked = np.flatnonzero(digits.images.reshape(len(digits), -1).max(axis=1) >= _INK_LEVEL)
        self._by_label = [inked[digits.labels[inked] == label] for label in range(10)]
        missing = [label for label, rows in enumerate(self._by_label) if not len(rows)]
        if missing:
            raise DataError(f"the digit source has no picture of a {missing[0]}")

    def sample(self, rng: np.random.Generator, digit: int) -> Glyph:
        """A random picture of `digit`, cropped to its ink."""
        image = self._images[rng.choice(self._by_label[digit])]
        rows = np.flatnonzero((image >= _INK_LEVEL).any(axis=1))
        columns = np.flatnonzero((image >= _INK_LEVEL).any(axis=0))
        cut = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        # A fine pen never reaches 255 in 28 pixels; without this its strokes would fall apart at the pen's edge.
        core = max(float(np.percentile(cut[cut >= _INK_LEVEL], 60)), _INK_LEVEL)
        return Glyph(np.minimum(cut.astype(np.float32) / np.float32(core), np.float32(1)), digit)
