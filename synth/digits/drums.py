"""Drums of mechanical counters: glyphs from pictures of real ones, and drums between two digits."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt

from digitdet.common.errors import DataError
from digitdet.common.types import Image
from digitdet.datasets.drums import Drums, is_between_digits, nearest_digits
from digitdet.synth.digits.glyphs import INK_LEVEL, VISIBLE_INK, Glyph, GlyphSource, unit_ink, visible_rectangle

Colours = npt.NDArray[np.float32]
"""BGR of the drum and of the digit on it: (2, 3), 0 to 255."""

# Part of a picture's height and width, at each edge, that may show the frame and tick marks.
_EDGE = (0.06, 0.15)
# Connected parts that are not the digit. Specks: largest area, relative to the largest part. Tick marks at the left or
# right edge: largest width, relative to the picture. Parts of the next digit at the top or bottom edge: largest height,
# relative to the picture; they are removed only if another part is at least `_TALL` high.
_SPECK_AREA = 0.06
_TICK_WIDTH = 0.25
_SLIVER_HEIGHT = 0.3
_TALL = 0.45
# The ink of a clear picture: its height and width relative to the picture's, and its least contrast in grey levels.
_CLEAR_HEIGHT = 0.4
_CLEAR_WIDTH = 0.92
_CLEAR_CONTRAST = 26.0
# Pictures to try before one without clear ink is used.
_MAX_TRIES = 4
# A group with fewer pictures of a digit also uses the pictures of that digit whose colours are nearest to the group's.
_FEW = 4
# Ink coverage at which a pixel has the full colour of the digit.
_CORE = 0.8
# Share of the difference from the old to the new colours, beside drum and digit: dirt, shadows and the frame.
_KEPT_DIFFERENCE = 0.7


class DrumGlyphs(GlyphSource):
    """Glyphs from pictures of drums, each with its picture; a style is the drums of one counter."""

    def __init__(self, drums: Drums) -> None:
        self._drums = drums
        self._digits = nearest_digits(drums.readings)
        self._between = is_between_digits(drums.readings)
        names, sizes = np.unique(drums.groups, return_counts=True)
        # The square root, so that the meters of which there are most pictures do not hide the others.
        self._groups, self._shares = names, np.cumsum(np.sqrt(sizes) / np.sqrt(sizes).sum())
        self._pools: dict[tuple[int, int, bool], npt.NDArray[np.int64]] = {}
        self._glyphs: dict[int, tuple[Glyph, bool]] = {}

    def choose(self, rng: np.random.Generator) -> GlyphSource:
        """Return the drums of a random group."""
        group = min(int(np.searchsorted(self._shares, rng.random())), len(self._groups) - 1)
        return _Counter(self, int(self._groups[group]), rng)

    def sample(self, rng: np.random.Generator, digit: int) -> Glyph:
        """Return a drum of a random style that stands still on `digit`."""
        return self.choose(rng).sample(rng, digit)

    def sample_between(self, rng: np.random.Generator, digit: int) -> Glyph | None:
        """Return a drum of a random style between `digit` and a neighbour."""
        return self.choose(rng).sample_between(rng, digit)

    def sample_of(self, rng: np.random.Generator, group: int, digit: int, between: bool) -> Glyph | None:
        """Return a drum of a group, or one that looks like it; None if there is no picture between these digits."""
        rows = self._pool(group, digit, between)
        glyph = None
        for _ in range(_MAX_TRIES if len(rows) else 0):
            row = int(rows[int(rng.integers(len(rows)))])
            if row not in self._glyphs:
                self._glyphs[row] = _read_drum(self._drums.images[row], digit, between)
            glyph, is_clear = self._glyphs[row]
            if is_clear:
                break
        return glyph

    def _pool(self, group: int, digit: int, between: bool) -> npt.NDArray[np.int64]:
        """Return the rows of the drums that a counter of a group may have at a digit."""
        key = group, digit, between
        if key not in self._pools:
            drums = self._drums
            rows = np.flatnonzero((self._digits == digit) & (self._between == between))
            own = rows[drums.groups[rows] == group]
            if len(own) < _FEW:
                look = drums.appearance[drums.groups == group].mean(axis=0)
                distances = np.abs(drums.appearance[rows] - look).sum(axis=1)
                own = rows[np.argsort(distances, kind="stable")[:_FEW]]
            self._pools[key] = own
        return self._pools[key]


class _Counter(GlyphSource):
    """The drums of one counter: pictures of a group, in the colours and with the digit height of one of them."""

    def __init__(self, drums: DrumGlyphs, group: int, rng: np.random.Generator) -> None:
        self._drums = drums
        self._group = group
        first = self._read(rng, int(rng.integers(10)))
        self._colours = colours_of(first)
        _, _, _, height = visible_rectangle(first.ink)
        self._height = min(max(height / len(first.ink), 0.5), 1.0)

    def sample(self, rng: np.random.Generator, digit: int) -> Glyph:
        """Return a drum that stands still on `digit`."""
        return self._matched(self._read(rng, digit))

    def sample_between(self, rng: np.random.Generator, digit: int) -> Glyph | None:
        """Return a drum between `digit`, of which more is visible, and a neighbour; None if there is no picture."""
        glyph = self._drums.sample_of(rng, self._group, digit, between=True)
        return None if glyph is None else self._matched(glyph)

    def _read(self, rng: np.random.Generator, digit: int) -> Glyph:
        glyph = self._drums.sample_of(rng, self._group, digit, between=False)
        if glyph is None:
            raise DataError(f"the drums contain no {digit} that stands still")
        return glyph

    def _matched(self, glyph: Glyph) -> Glyph:
        """Return the glyph in the colours of the counter, with the metrics of its cell."""
        height, width = glyph.ink.shape
        free = (1 / self._height - 1) / 2  # above and below the digit
        return replace(
            recoloured(glyph, self._colours),
            top=1 + free,
            bottom=-free,
            advance=width / (height * self._height),
        )


def colours_of(glyph: Glyph) -> Colours:
    """Return the colours of the drum and of the digit on the picture of a glyph; black if it has none."""
    if glyph.picture is None:
        return np.zeros((2, 3), np.float32)
    inked = glyph.ink > VISIBLE_INK
    if not inked.any() or inked.all():
        return np.stack([_middle(glyph.picture.reshape(-1, 3))] * 2)
    core = glyph.ink >= min(float(glyph.ink.max()), _CORE)
    return np.stack([_middle(glyph.picture[~inked]), _middle(glyph.picture[core])])


def recoloured(glyph: Glyph, colours: Colours) -> Glyph:
    """Return a glyph whose picture has other colours of the drum and the digit, with its own dirt and shadows."""
    if glyph.picture is None:
        return glyph
    drum, digit = colours_of(glyph)
    way = digit - drum
    pixels = glyph.picture.astype(np.float32) - drum
    along = np.clip(pixels @ (way / max(float(way @ way), 1.0)), -0.4, 1.3)[..., None]
    rest = (pixels - along * way) * np.float32(_KEPT_DIFFERENCE)
    changed = colours[0] + along * (colours[1] - colours[0]) + rest
    return replace(glyph, picture=np.clip(changed, 0, 255).astype(np.uint8))


def drum_between(upper: Glyph, lower: Glyph, label: int, turn: float, window: float, pitch: float) -> Glyph:
    """Return what a window shows of a drum between two digits, as one glyph that covers the whole ink.

    Args:
        upper: The digit that leaves the window at the top.
        lower: The next digit, which comes from below.
        label: The digit of which more is visible.
        turn: How far the drum is turned from the upper to the lower digit, 0 to 1.
        window: Height of the window in digit heights; 1 or more.
        pitch: Distance of two digits on the drum in digit heights; 1 or more.
    """
    height = len(upper.ink)
    scale = height / len(lower.ink)
    other = lower.ink
    if scale != 1:
        width = max(round(other.shape[1] * scale), 1)
        other = np.asarray(cv2.resize(other, (width, height), interpolation=cv2.INTER_AREA), np.float32)
    rows = round(window * height)
    seen = np.zeros((rows, max(upper.ink.shape[1], other.shape[1])), np.float32)
    first = (rows - height) // 2 - round(turn * pitch * height)
    for part, top in ((upper.ink, first), (other, first + round(pitch * height))):
        left = (seen.shape[1] - part.shape[1]) // 2
        start, stop = max(top, 0), min(top + height, rows)
        if start < stop:
            seen[start:stop, left : left + part.shape[1]] = part[start - top : stop - top]
    return Glyph(seen, label, top=0.5 + window / 2, bottom=0.5 - window / 2, advance=seen.shape[1] / height)


def _read_drum(image: Image, digit: int, between: bool) -> tuple[Glyph, bool]:
    """Return the picture as a glyph, and whether its ink is clear."""
    ink, contrast = _find_ink(image, between)
    glyph = Glyph(unit_ink(ink), digit, picture=image)
    _, _, width, height = cv2.boundingRect((ink >= INK_LEVEL).view(np.uint8))
    is_clear = (
        contrast >= _CLEAR_CONTRAST
        and height >= _CLEAR_HEIGHT * image.shape[0]
        and 2 <= width <= _CLEAR_WIDTH * image.shape[1]
    )
    return glyph, is_clear


def _find_ink(image: Image, between: bool) -> tuple[Image, float]:
    """Return the ink (H, W) uint8 of a digit, or of the parts of two, and its contrast to the drum in grey levels.

    The colours in the middle of the picture, where the digit is, decide what is ink: at the edges there may be a frame.
    """
    height, width = image.shape[:2]
    top, left = round(_EDGE[0] * height), max(round(_EDGE[1] * width), 1)
    middle = slice(top, height - top), slice(left, width - left)
    pixels = image.astype(np.float32)
    centre = pixels[middle].reshape(-1, 3)
    mean = centre.mean(axis=0)
    # Along the first principal component of the colours, so that red on green stays visible.
    values = (pixels - mean) @ np.linalg.eigh((centre - mean).T @ (centre - mean))[1][:, -1]
    low, high = float(values[middle].min()), float(values[middle].max())
    scale = 255 / max(high - low, 1e-3)
    grey = np.clip((values - low) * scale, 0, 255).astype(np.uint8)
    level, _ = cv2.threshold(np.ascontiguousarray(grey[middle]), 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    split = (grey > level).astype(np.uint8)
    sides = (float(split[:, :left].mean()) + float(split[:, -left:].mean())) / 2
    if 0.6 * float(split[middle].mean()) + 0.4 * sides > 0.5:  # a light drum
        grey, split, level = 255 - grey, 1 - split, 254 - level
    mask = _digit_parts(split, between)
    if not mask.any() or split.all():
        return np.zeros((height, width), np.uint8), 0.0
    stroke, drum = float(_middle(grey[mask > 0])), float(_middle(grey[split == 0]))
    # Halfway from the drum to the threshold: dirt lies below it, the soft edge of the stroke above it.
    start = (drum + level) / 2
    ink = np.clip((grey.astype(np.float32) - start) * (255 / max(stroke - start, 1)), 0, 255).astype(np.uint8)
    ink[cv2.dilate(mask, np.ones((3, 3), np.uint8)) == 0] = 0
    return ink, (stroke - drum) / scale


def _digit_parts(split: Image, between: bool) -> Image:
    """Return a mask (H, W) of 0 and 1 without specks, tick marks, and slivers of the next digit."""
    rows, columns = split.shape
    count, labels, stats, _ = cv2.connectedComponentsWithStats(split, connectivity=8)
    left, top, width, height, area = stats.T
    kept = np.arange(count) > 0  # component 0 is the drum
    kept &= ~(((left == 0) | (left + width == columns)) & (width <= _TICK_WIDTH * columns))
    if not between and (kept & (height >= _TALL * rows)).any():
        kept &= ~(((top == 0) | (top + height == rows)) & (height < _SLIVER_HEIGHT * rows))
    kept &= area >= _SPECK_AREA * area[kept].max(initial=0)
    return np.asarray(kept[labels], np.uint8)


def _middle(values: Image) -> npt.NDArray[np.float32]:
    """Return the upper median of levels (N,) or colours (N, 3), several times as fast as `np.median`."""
    return np.partition(values, len(values) // 2, axis=0)[len(values) // 2].astype(np.float32)
