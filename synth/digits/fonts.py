"""Typefaces from font files, checked to hold real digits: printed with, or written with as a hand does."""

from __future__ import annotations

import functools
import importlib.util
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from digitdet.common.errors import DataError, MissingExtraError
from digitdet.synth.digits.glyphs import NO_DIGIT, Glyph, GlyphSource

try:
    from PIL import ImageFont
except ImportError as error:
    raise MissingExtraError("digitdet synth", "train", "pillow") from error

DIGITS = "0123456789"

_SUFFIXES = (".ttf", ".otf", ".woff")

# Families that are asked for a character: of other scripts and signs, few have any.
_TRIES = 24

# Height of a digit as it is kept, in pixels: about the largest that is common, and small enough to keep thousands.
_HEIGHT = 64
# Handwriting is kept so many times smaller.
_HAND_SHRINK = 2
# A code point that no font has a character for.
_NO_CHARACTER = "\U000f8e3d"
# Side of the thumbnails on which a typeface's digits are compared with the reference.
_THUMB = 16
# Of ten digits this many must look most like the same digit of the reference typeface; pictographs reach one or two.
_MIN_ALIKE = 5
# Leans (pixels to the right a pixel up) that are taken out before the comparison: upright, italic, script.
_LEANS = (0.0, 0.2, 0.4)


def system_font_folders() -> list[Path]:
    """Where this system keeps its fonts, and the few that come with Matplotlib; missing folders are left out."""
    home = Path.home()
    if sys.platform == "win32":
        folders = [
            Path(os.environ.get("WINDIR", "C:/Windows")) / "Fonts",
            home / "AppData/Local/Microsoft/Windows/Fonts",
        ]
    elif sys.platform == "darwin":
        folders = [Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts"]
    else:
        folders = [
            Path("/usr/share/fonts"),
            Path("/usr/local/share/fonts"),
            home / ".local/share/fonts",
            home / ".fonts",
        ]
    # A bare system has no fonts at all. Finding a package does not import it.
    if matplotlib := importlib.util.find_spec("matplotlib"):
        folders += [Path(place) / "mpl-data/fonts/ttf" for place in matplotlib.submodule_search_locations or ()]
    return [folder for folder in folders if folder.is_dir()]


def find_fonts(folders: Iterable[Path]) -> list[Path]:
    """All TTF, OTF and WOFF files below the folders, sorted by name."""
    return sorted(
        {path for folder in folders for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES},
        key=lambda path: (path.name, str(path)),
    )


@dataclass(frozen=True)
class FontSet:
    """Typefaces that can be used, and a line `path: reason` for each file that cannot."""

    typefaces: tuple[Typeface, ...]
    skipped: tuple[str, ...]


def load_fonts(paths: Sequence[Path]) -> FontSet:
    """Open font files and keep those with real digits.

    Raises:
        DataError: There are files, and none of them can be used.
    """
    typefaces, skipped = [], []
    for path in paths:
        typeface = Typeface(path)
        problem = typeface.find_problem()
        if problem:
            skipped.append(f"{path}: {problem}")
        else:
            typefaces.append(Typeface(path, typeface.family))
    if paths and not typefaces:
        raise DataError(f"no usable font among {len(paths)} files; the first: {skipped[0]}")
    return FontSet(tuple(typefaces), tuple(skipped))


class Typeface(GlyphSource):
    """One font file. It is opened at first use and keeps the glyphs that were drawn."""

    def __init__(self, path: Path, family: str = "") -> None:
        self.path = path
        self.family = family
        self._font: ImageFont.FreeTypeFont | None = None
        self._undefined: _Drawn | None = None  # the box that the font draws for a character it lacks
        self._glyphs: dict[str, Glyph | None] = {}

    def sample(self, rng: np.random.Generator, digit: int) -> Glyph:
        """The typeface's digit: always the same, `rng` is not used."""
        glyph = self._draw(DIGITS[digit])
        if glyph is None:
            raise DataError(f"{self.path}: has no {digit}")
        return glyph

    def mark(self, rng: np.random.Generator, character: str) -> Glyph | None:
        """The typeface's character, or None where it has none."""
        return self._draw(character)

    def find_problem(self) -> str:
        """Why this font cannot be used; empty if it can."""
        try:
            glyphs = [self._draw(digit) for digit in DIGITS]
        except (OSError, ValueError, SyntaxError, OverflowError) as error:  # what Pillow raises on broken font files
            return f"not a font that can be read ({error})"
        if any(glyph is None for glyph in glyphs):
            return "has no digits"
        alike = _count_alike([glyph.ink for glyph in glyphs if glyph is not None])
        return "" if alike >= _MIN_ALIKE else f"its digits do not look like digits ({alike} of 10 do)"

    def _draw(self, character: str) -> Glyph | None:
        if character not in self._glyphs:
            self._glyphs[character] = self._render(character)
        return self._glyphs[character]

    def _render(self, character: str) -> Glyph | None:
        font = self._open()
        drawn = _draw_ink(font, character)
        if drawn is None or _same(drawn, self._undefined):
            return None
        return Glyph(
            ink=drawn.ink,
            label=DIGITS.find(character) if character in DIGITS else NO_DIGIT,
            top=-drawn.top / _HEIGHT,
            bottom=-(drawn.top + len(drawn.ink)) / _HEIGHT,
            left=drawn.left / _HEIGHT,
            advance=font.getlength(character) / _HEIGHT,
        )

    def _open(self) -> ImageFont.FreeTypeFont:
        """The font at the size where its 8 is `_HEIGHT` pixels high: 8 is a full digit in old-style figures, too."""
        if self._font is None:
            # Not ImageFont.truetype: for a damaged file it opens the system's font of the same name and says nothing.
            font = ImageFont.FreeTypeFont(str(self.path), _HEIGHT, layout_engine=ImageFont.Layout.BASIC)
            self.family = self.family or str(font.getname()[0])
            _, top, _, bottom = font.getbbox("8", anchor="ls")
            if not 8 <= bottom - top <= 4 * _HEIGHT:
                raise ValueError("its digits have no size")
            self._font = font.font_variant(size=max(round(_HEIGHT * _HEIGHT / (bottom - top)), 1))
            self._undefined = _draw_ink(self._font, _NO_CHARACTER)
        return self._font


class FontGlyphs(GlyphSource):
    """Many typefaces; each number takes one, every family equally often.

    Raises:
        DataError: There is no typeface.
    """

    def __init__(self, typefaces: Sequence[Typeface]) -> None:
        if not typefaces:
            raise DataError("no fonts for this split; give more font families (font_folders)")
        families: dict[str, list[Typeface]] = {}
        for typeface in typefaces:
            families.setdefault(typeface.family, []).append(typeface)
        self._families = list(families.values())

    def choose(self, rng: np.random.Generator) -> Typeface:
        """One typeface, for a whole number or page."""
        family = self._families[int(rng.integers(len(self._families)))]
        return family[int(rng.integers(len(family)))]

    def sample(self, rng: np.random.Generator, digit: int) -> Glyph:
        """`digit` in a random typeface."""
        return self.choose(rng).sample(rng, digit)

    def mark(self, rng: np.random.Generator, character: str) -> Glyph | None:
        """A character in a random typeface that has it, or None where none of those tried does."""
        for row in rng.permutation(len(self._families))[:_TRIES].tolist():
            family = self._families[row]
            glyph = family[int(rng.integers(len(family)))].mark(rng, character)
            if glyph is not None:
                return glyph
        return None


class HandTypeface(GlyphSource):
    """A handwriting typeface without its spacing: the layout sets gaps, sizes and turns as it does for any hand."""

    def __init__(self, typeface: Typeface) -> None:
        self._typeface = typeface

    def sample(self, rng: np.random.Generator, digit: int) -> Glyph:
        """The typeface's digit at about MNIST's resolution, for which `digitdet.synth.digits.variation` is made."""
        return _unspaced(self._typeface.sample(rng, digit))

    def mark(self, rng: np.random.Generator, character: str) -> Glyph | None:
        """The typeface's character, or None where it has none."""
        glyph = self._typeface.mark(rng, character)
        return None if glyph is None else _unspaced(glyph)


class HandTypefaces(GlyphSource):
    """Many handwriting typefaces, each a writer; every family equally often.

    Raises:
        DataError: There is no typeface.
    """

    def __init__(self, typefaces: Sequence[Typeface]) -> None:
        self._typefaces = FontGlyphs(typefaces)

    def choose(self, rng: np.random.Generator) -> HandTypeface:
        """One writer."""
        return HandTypeface(self._typefaces.choose(rng))

    def sample(self, rng: np.random.Generator, digit: int) -> Glyph:
        """`digit` by a random writer."""
        return self.choose(rng).sample(rng, digit)


def _unspaced(glyph: Glyph) -> Glyph:
    height, width = (max(round(side / _HAND_SHRINK), 1) for side in glyph.ink.shape)
    ink = np.asarray(cv2.resize(glyph.ink, (width, height), interpolation=cv2.INTER_AREA), np.float32)
    return replace(glyph, ink=ink, left=0.0, advance=None)


@dataclass(frozen=True)
class _Drawn:
    """A character's `ink` (H, W) float32, cropped; its top left pixel is at `left`, `top` from the pen on the baseline,
    y down.
    """

    ink: npt.NDArray[np.float32]
    left: int
    top: int


def _draw_ink(font: ImageFont.FreeTypeFont, character: str) -> _Drawn | None:
    """A character at the font's size; None where nothing is drawn."""
    mask, (left, top) = font.getmask2(character, mode="L", anchor="ls")
    if not mask.size[0] or not mask.size[1]:
        return None
    ink = np.array(mask, np.uint8).reshape(mask.size[1], mask.size[0])
    if ink.max() <= 127:
        return None
    # Pillow's mask also holds the pen's place and the way to the next one.
    x, y, width, height = cv2.boundingRect(ink)
    cut = ink[y : y + height, x : x + width].astype(np.float32) / np.float32(255)
    return _Drawn(cut, int(left) + x, int(top) + y)


def _same(drawn: _Drawn, other: _Drawn | None) -> bool:
    return other is not None and drawn.ink.shape == other.ink.shape and bool((drawn.ink == other.ink).all())


def _thumbnail(ink: npt.NDArray[np.float32], lean: float = 0.0) -> npt.NDArray[np.float32]:
    """The ink without its lean, stretched to a small square and softened, as a unit vector about its mean: its product
    with another's is their correlation. The softening lets a thin stroke match a bold one.
    """
    if lean:
        height, width = ink.shape
        shear = np.array([[1.0, lean, 0.0], [0.0, 1.0, 0.0]])
        ink = np.asarray(cv2.warpAffine(ink, shear, (width + int(lean * height), height)), np.float32)
        columns = np.flatnonzero((ink > 0.5).any(axis=0))
        ink = ink[:, columns[0] : columns[-1] + 1] if len(columns) else ink
    small = cv2.resize(ink, (_THUMB, _THUMB), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(cv2.copyMakeBorder(small, 2, 2, 2, 2, cv2.BORDER_CONSTANT), (0, 0), 1.5).ravel()
    small = small - small.mean()
    return np.asarray(small / max(float(np.linalg.norm(small)), 1e-6), np.float32)


@functools.cache
def _reference_thumbnails() -> npt.NDArray[np.float32]:
    """Thumbnails (30, N) of the digits of the typeface that comes with Pillow and of two that come with OpenCV."""
    font = ImageFont.load_default(_HEIGHT)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise MissingExtraError("digitdet synth", "train", "pillow with FreeType")
    inks = [drawn.ink for digit in DIGITS if (drawn := _draw_ink(font, digit)) is not None]
    for face, thickness in ((cv2.FONT_HERSHEY_SIMPLEX, 5), (cv2.FONT_HERSHEY_COMPLEX, 4)):
        for digit in DIGITS:
            canvas = np.zeros((110, 110), np.uint8)
            cv2.putText(canvas, digit, (25, 90), face, 3, 255, thickness)
            left, top, width, height = cv2.boundingRect(canvas)
            inks.append(canvas[top : top + height, left : left + width].astype(np.float32) / np.float32(255))
    return np.array([_thumbnail(ink) for ink in inks])


def _count_alike(inks: Sequence[npt.NDArray[np.float32]]) -> int:
    """How many of ten digits look most like the same digit of a reference typeface, at the best of a few leans."""
    alike = []
    for lean in _LEANS:
        thumbs = np.array([_thumbnail(ink, lean) for ink in inks])
        alike.append(int((np.argmax(thumbs @ _reference_thumbnails().T, axis=1) % 10 == np.arange(10)).sum()))
    return max(alike)
