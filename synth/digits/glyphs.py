"""Where digits come from: a source hands out one glyph at a time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from digitdet.common.errors import DataError
from digitdet.datasets.mnist import Digits

NO_DIGIT = -1
"""The label of a glyph that is not a digit: a letter, a comma, a stroke. It is drawn and gets no box."""

# Grey level (0 to 255) from which a pixel of a source digit counts as ink when its extent is measured.
_INK_LEVEL = 77
# The level that counts as full ink: this part of a digit's inked pixels is at most as dark.
_CORE_SHARE = 0.6


@dataclass(frozen=True)
class Glyph:
    """One character, cropped to its ink.

    `ink` (H, W) float32, 0 (none) to 1 (the stroke's core); `label` 0 to 9, or NO_DIGIT.

    `top` and `bottom` say where the ink stands on the line, in digit heights above the baseline: a digit reaches from
    1 to 0, a comma from about 0.1 to -0.15. `left` and `advance`, also in digit heights, are a typeface's spacing: how
    far right of the pen the ink begins, and how far the pen moves on. Handwriting has none: `advance` is then None and
    the layout chooses the gap. `faint` (H, W) float32 is ink that is seen a little though it shows nothing, such as
    the unlit segments of a display; it never counts for the box.
    """

    ink: npt.NDArray[np.float32]
    label: int
    top: float = 1.0
    bottom: float = 0.0
    left: float = 0.0
    advance: float | None = None
    faint: npt.NDArray[np.float32] | None = None


class GlyphSource(ABC):
    """Anything that can draw a digit on demand, all randomness from the `rng` it is given."""

    @abstractmethod
    def sample(self, rng: np.random.Generator, digit: int) -> Glyph:
        """A glyph that shows `digit` (0 to 9)."""

    def choose(self, rng: np.random.Generator) -> GlyphSource:
        """One style for a whole number, such as a single typeface of many; by default the source itself."""
        return self

    def mark(self, rng: np.random.Generator, character: str) -> Glyph | None:
        """A character that is not a digit, in the same style; None where the source has no such character."""
        return None


class LateChoice(GlyphSource):
    """One style of a source, chosen with `rng` when it is first needed: most pages need no letter and no mark."""

    def __init__(self, source: GlyphSource, rng: np.random.Generator) -> None:
        self._source = source
        self._rng = rng
        self._chosen: GlyphSource | None = None

    def sample(self, rng: np.random.Generator, digit: int) -> Glyph:
        """`digit` (0 to 9) in the style."""
        return self._choice().sample(rng, digit)

    def mark(self, rng: np.random.Generator, character: str) -> Glyph | None:
        """A character in the style; None where it has none."""
        return self._choice().mark(rng, character)

    def _choice(self) -> GlyphSource:
        if self._chosen is None:
            self._chosen = self._source.choose(self._rng)
        return self._chosen


class ImageGlyphs(GlyphSource):
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
        rows = self._by_label[digit]
        image = self._images[rows[int(rng.integers(len(rows)))]]
        x, y, width, height = cv2.boundingRect((image >= _INK_LEVEL).view(np.uint8))
        cut = image[y : y + height, x : x + width]
        # A fine pen never reaches 255 in 28 pixels; without this its strokes would fall apart at the pen's edge.
        levels = cut[cut >= _INK_LEVEL]
        middle = int(_CORE_SHARE * (len(levels) - 1))
        core = np.float32(np.partition(levels, middle)[middle])
        return Glyph(np.minimum(np.divide(cut, core, dtype=np.float32), np.float32(1)), digit)
