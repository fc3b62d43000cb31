"""Glyphs, the interface of glyph sources, and the source that cuts digits from labelled images such as MNIST."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from digitdet.common.errors import DataError
from digitdet.common.types import Image
from digitdet.datasets.mnist import Digits

Ink = npt.NDArray[np.float32]
"""Ink coverage: (H, W) float32, 0 (no ink) to 1 (core of the stroke)."""

NO_DIGIT = -1
"""Label of a glyph that is not a digit: a letter, a punctuation mark, a stroke. It is drawn but gets no box."""

VISIBLE_INK = 0.3
"""A pixel belongs to a digit when its ink coverage exceeds this value; boxes are tight around those pixels."""

INK_LEVEL = 77
"""The same threshold in 8-bit images of single digits."""

# Share of a digit's ink pixels that are at most as dark as the level that counts as full ink.
_CORE_SHARE = 0.6


@dataclass(frozen=True)
class Glyph:
    """One character, cropped to its ink. Its metrics are in digit heights."""

    ink: Ink
    label: int  # 0 to 9, or NO_DIGIT
    top: float = 1.0  # upper edge of the ink above the baseline: 1 for a digit, about 0.1 for a comma
    bottom: float = 0.0  # lower edge of the ink above the baseline: 0 for a digit, about -0.15 for a comma
    left: float = 0.0  # distance from the pen position to the left edge of the ink
    advance: float | None = None  # distance to the next pen position; None for handwriting, spaced by the layout
    faint: Ink | None = None  # faintly visible parts without information, such as unlit segments; boxes ignore them
    picture: Image | None = None  # (H, W, 3) uint8 BGR of the size of `ink`, drawn instead of it, such as a real drum


class GlyphSource(ABC):
    """Draws glyphs on demand. All randomness comes from the `rng` arguments."""

    @abstractmethod
    def sample(self, rng: np.random.Generator, digit: int) -> Glyph:
        """Return a glyph of `digit` (0 to 9)."""

    def choose(self, rng: np.random.Generator) -> GlyphSource:
        """Return one style of the source for a whole number or page, such as one typeface; by default the source."""
        return self

    def mark(self, rng: np.random.Generator, character: str) -> Glyph | None:
        """Return a character that is not a digit in the same style; None if the source does not have it."""
        return None

    def with_any(self, characters: str) -> GlyphSource:
        """Return the styles that have any of some characters; by default the source."""
        return self

    def sample_between(self, rng: np.random.Generator, digit: int) -> Glyph | None:
        """Return a counter's drum between `digit`, of which more is visible, and a neighbour; None without pictures."""
        return None


class StyledGlyphs(GlyphSource):
    """A source of many styles, drawn by `sample_style(rng)`; each glyph of the source itself is in a random style."""

    def __init__(self, sample_style: Callable[[np.random.Generator], GlyphSource]) -> None:
        self._sample_style = sample_style

    def choose(self, rng: np.random.Generator) -> GlyphSource:
        """Return a source of one random style."""
        return self._sample_style(rng)

    def sample(self, rng: np.random.Generator, digit: int) -> Glyph:
        """Return `digit` in a random style."""
        return self._sample_style(rng).sample(rng, digit)

    def mark(self, rng: np.random.Generator, character: str) -> Glyph | None:
        """Return a character in a random style; None if that style does not have it."""
        return self._sample_style(rng).mark(rng, character)


def lazy_style(source: GlyphSource, rng: np.random.Generator) -> GlyphSource:
    """Return one style of a source, drawn with `rng` at first use: most pages need no fallback glyphs."""
    style = cache(lambda: source.choose(rng))
    return StyledGlyphs(lambda _rng: style())


class ImageGlyphs(GlyphSource):
    """Glyphs cut from images of single digits, such as MNIST; every digit needs an image that contains ink."""

    def __init__(self, digits: Digits) -> None:
        self._images = digits.images
        inked = np.flatnonzero(digits.images.reshape(len(digits), -1).max(axis=1) >= INK_LEVEL)
        self._by_label = [inked[digits.labels[inked] == label] for label in range(10)]
        missing = [label for label, rows in enumerate(self._by_label) if not len(rows)]
        if missing:
            raise DataError(f"the digit source has no picture of a {missing[0]}")

    def sample(self, rng: np.random.Generator, digit: int) -> Glyph:
        """Return a random image of `digit`, cropped to its ink."""
        rows = self._by_label[digit]
        image = self._images[rows[int(rng.integers(len(rows)))]]
        x, y, width, height = cv2.boundingRect((image >= INK_LEVEL).view(np.uint8))
        crop = image[y : y + height, x : x + width]
        # A fine stroke never reaches 255 in 28 pixels; without this normalisation it would break into pieces.
        levels = crop[crop >= INK_LEVEL]
        middle = int(_CORE_SHARE * (len(levels) - 1))
        core = np.float32(np.partition(levels, middle)[middle])
        return Glyph(np.minimum(np.divide(crop, core, dtype=np.float32), np.float32(1)), digit)


def visible_rectangle(ink: Ink) -> tuple[int, int, int, int]:
    """Return x, y, width and height of the visible ink; the width is 0 if nothing is visible."""
    x, y, width, height = cv2.boundingRect((ink > VISIBLE_INK).view(np.uint8))
    return x, y, width, height


def unit_ink(image: Image) -> Ink:
    """Return an 8-bit picture of ink (H, W), 255 in the stroke, as coverage from 0 to 1."""
    return image.astype(np.float32) / np.float32(255)
