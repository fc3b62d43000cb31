"""Glyphs from font files, which are checked to contain real digits."""

from __future__ import annotations

import functools
import importlib.util
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from digitdet.common.errors import DataError, MissingExtraError
from digitdet.common.types import CLASS_NAMES
from digitdet.synth.digits.glyphs import NO_DIGIT, Glyph, GlyphSource, Ink, StyledGlyphs, unit_ink

try:
    from PIL import ImageFont
except ImportError as error:
    raise MissingExtraError("digitdet synth", "train", "pillow") from error

_SUFFIXES = (".ttf", ".otf", ".woff")
# Share of monospaced families among those that are drawn: numbers of receipts, labels and code, with wide gaps around
# the points. Only about one family in thirty is monospaced.
_MONOSPACED_SHARE = 0.25
# Upper limit of the top of a full stop in digit heights.
_MAX_POINT = 0.45
# Families that are tried for a character; few have letters of other scripts or symbols.
_TRIES = 24
# Height of a digit in the cache in pixels: common digits are hardly larger, and thousands fit into memory.
_HEIGHT = 64
# Factor by which handwriting fonts are reduced, to about MNIST's resolution.
_HAND_REDUCTION = 2
# A private code point that no font defines; fonts draw their "missing character" box for it.
_UNDEFINED = "\U000f8e3d"
# The digits of a font are compared with reference fonts as thumbnails of this side, at several slants (pixels to the
# right per pixel up) that are removed first. At least this many digits must match; pictographic fonts match 1 or 2.
_THUMBNAIL = 16
_SLANTS = (0.0, 0.2, 0.4)
_MIN_MATCHES = 5


def system_font_folders() -> list[Path]:
    """Return the existing font folders of this system, and that of Matplotlib if it is installed."""
    home = Path.home()
    if sys.platform == "win32":
        windows = Path(os.environ.get("WINDIR", "C:/Windows"))
        folders = [windows / "Fonts", home / "AppData/Local/Microsoft/Windows/Fonts"]
    elif sys.platform == "darwin":
        folders = [Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts"]
    else:
        system = [Path("/usr/share/fonts"), Path("/usr/local/share/fonts")]
        folders = [*system, home / ".local/share/fonts", home / ".fonts"]
    if matplotlib := importlib.util.find_spec("matplotlib"):  # does not import it
        folders += [Path(place) / "mpl-data/fonts/ttf" for place in matplotlib.submodule_search_locations or ()]
    return [folder for folder in folders if folder.is_dir()]


def find_fonts(folders: Iterable[Path]) -> list[Path]:
    """Return all TTF, OTF and WOFF files below the folders, sorted by name."""
    return sorted(
        {path for folder in folders for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES},
        key=lambda path: (path.name, str(path)),
    )


def load_fonts(paths: Sequence[Path]) -> tuple[list[Typeface], list[str]]:
    """Return the typefaces with real digits, and a line `path: reason` for each other file.

    Raises:
        DataError: There are files, but none of them is usable.
    """
    typefaces, skipped = [], []
    for path in paths:
        typeface = Typeface(path)
        if problem := typeface.find_problem():
            skipped.append(f"{path}: {problem}")
        else:
            typefaces.append(Typeface(path, typeface.family, monospaced=typeface.is_monospaced()))
    if paths and not typefaces:
        raise DataError(f"no usable font among {len(paths)} files; the first: {skipped[0]}")
    return typefaces, skipped


class Typeface(GlyphSource):
    """One font file. It is opened at first use, and drawn glyphs are cached.

    A `handwritten` one has about MNIST's resolution and no spacing of its own, so that layouts space it like a hand.
    """

    def __init__(self, path: Path, family: str = "", handwritten: bool = False, monospaced: bool = False) -> None:
        self.path = path
        self.family = family
        self.monospaced = monospaced
        self._handwritten = handwritten
        self._font: ImageFont.FreeTypeFont | None = None
        self._undefined: Glyph | None = None
        self._glyphs: dict[str, Glyph | None] = {}

    def sample(self, rng: np.random.Generator, digit: int) -> Glyph:
        """Return the typeface's digit, which is always the same; `rng` is not used."""
        glyph = self._draw(CLASS_NAMES[digit])
        if glyph is None:
            raise DataError(f"{self.path}: has no {digit}")
        return glyph

    def mark(self, rng: np.random.Generator, character: str) -> Glyph | None:
        """Return the typeface's character; None if it does not have it."""
        return self._draw(character) if self._is_text else None

    @functools.cached_property
    def _is_text(self) -> bool:
        """Whether its full stop is small: some mathematical typefaces have other signs in the places of marks."""
        point = self._draw(".")
        return point is None or point.top < _MAX_POINT

    def is_monospaced(self) -> bool:
        """Whether a point is as wide as a digit and a letter."""
        font = self._open()
        return len({font.getlength(character) for character in ".1M"}) == 1

    def find_problem(self) -> str:
        """Return why this font is not usable; empty if it is."""
        try:
            glyphs = [self._draw(digit) for digit in CLASS_NAMES]
        except (OSError, ValueError, SyntaxError, OverflowError) as error:  # what Pillow raises for broken font files
            return f"not a readable font ({error})"
        if any(glyph is None for glyph in glyphs):
            return "has no digits"
        matches = _count_matches([glyph.ink for glyph in glyphs if glyph is not None])
        return "" if matches >= _MIN_MATCHES else f"its digits do not look like digits ({matches} of 10 do)"

    def _draw(self, character: str) -> Glyph | None:
        if character not in self._glyphs:
            glyph = _draw_character(self._open(), character)
            if glyph is not None and self._undefined is not None and np.array_equal(glyph.ink, self._undefined.ink):
                glyph = None
            self._glyphs[character] = _without_spacing(glyph) if glyph is not None and self._handwritten else glyph
        return self._glyphs[character]

    def _open(self) -> ImageFont.FreeTypeFont:
        """Open the font at the size where its 8, which is never an old-style low digit, is `_HEIGHT` pixels high."""
        if self._font is None:
            # Not ImageFont.truetype: for a damaged file it silently opens the system's font of the same name.
            font = ImageFont.FreeTypeFont(str(self.path), _HEIGHT, layout_engine=ImageFont.Layout.BASIC)
            self.family = self.family or str(font.getname()[0])
            _, top, _, bottom = font.getbbox("8", anchor="ls")
            if not 8 <= bottom - top <= 4 * _HEIGHT:
                raise ValueError("its digits have no size")
            self._font = font.font_variant(size=max(round(_HEIGHT * _HEIGHT / (bottom - top)), 1))
            self._undefined = _draw_character(self._font, _UNDEFINED)
        return self._font


class FontGlyphs(GlyphSource):
    """Many typefaces, at least one. `choose` returns one; monospaced families are more likely than others."""

    def __init__(self, typefaces: Sequence[Typeface]) -> None:
        if not typefaces:
            raise DataError("no fonts for this split; add font families (font_folders)")
        families: dict[str, list[Typeface]] = {}
        for typeface in typefaces:
            families.setdefault(typeface.family, []).append(typeface)
        self._families = list(families.values())
        self._monospaced = [family for family in self._families if family[0].monospaced]
        self._subsets: dict[str, FontGlyphs] = {}

    def choose(self, rng: np.random.Generator) -> Typeface:
        """Return one typeface."""
        families = self._monospaced if self._monospaced and rng.random() < _MONOSPACED_SHARE else self._families
        family = families[int(rng.integers(len(families)))]
        return family[int(rng.integers(len(family)))]

    def sample(self, rng: np.random.Generator, digit: int) -> Glyph:
        """Return `digit` in a random typeface."""
        return self.choose(rng).sample(rng, digit)

    def mark(self, rng: np.random.Generator, character: str) -> Glyph | None:
        """Return a character in a random typeface that has it; None if none of those tried has it."""
        for row in rng.permutation(len(self._families))[:_TRIES].tolist():
            family = self._families[row]
            glyph = family[int(rng.integers(len(family)))].mark(rng, character)
            if glyph is not None:
                return glyph
        return None

    def with_any(self, characters: str) -> FontGlyphs:
        """Return the families that have any of some characters; all if there are none. The result is cached."""
        if characters not in self._subsets:
            rng = np.random.default_rng(0)  # required by the interface; typefaces draw nothing from it
            usable = [
                family
                for family in self._families
                if any(family[0].mark(rng, character) is not None for character in characters)
            ]
            faces = [face for family in usable or self._families for face in family]
            self._subsets[characters] = FontGlyphs(faces)
        return self._subsets[characters]


def handwriting_fonts(typefaces: Sequence[Typeface]) -> StyledGlyphs:
    """Return a source of handwriting typefaces; every family has the same probability."""
    return StyledGlyphs(FontGlyphs([Typeface(face.path, face.family, handwritten=True) for face in typefaces]).choose)


def _without_spacing(glyph: Glyph) -> Glyph:
    height, width = (max(round(side / _HAND_REDUCTION), 1) for side in glyph.ink.shape)
    ink = np.asarray(cv2.resize(glyph.ink, (width, height), interpolation=cv2.INTER_AREA), np.float32)
    return replace(glyph, ink=ink, left=0.0, advance=None)


def _draw_character(font: ImageFont.FreeTypeFont, character: str) -> Glyph | None:
    """Draw a character at the font's size; None if nothing is drawn."""
    mask, (left, top) = font.getmask2(character, mode="L", anchor="ls")
    if not mask.size[0] or not mask.size[1]:
        return None
    ink = np.array(mask, np.uint8).reshape(mask.size[1], mask.size[0])
    if ink.max() <= 127:
        return None
    # Pillow's mask also covers the pen position and the advance.
    x, y, width, height = cv2.boundingRect(ink)
    left, top = int(left) + x, int(top) + y  # relative to the pen on the baseline, y down
    return Glyph(
        ink=unit_ink(ink[y : y + height, x : x + width]),
        label=int(character) if character in CLASS_NAMES else NO_DIGIT,
        top=-top / _HEIGHT,
        bottom=-(top + height) / _HEIGHT,
        left=left / _HEIGHT,
        advance=font.getlength(character) / _HEIGHT,
    )


def _thumbnail(ink: Ink, slant: float = 0.0) -> Ink:
    """Return the ink without its slant as a small blurred square, normalised to mean 0 and length 1."""
    # The dot product of two thumbnails is their correlation. The blur lets thin strokes match bold ones.
    if slant:
        height, width = ink.shape
        shear = np.array([[1.0, slant, 0.0], [0.0, 1.0, 0.0]])
        ink = np.asarray(cv2.warpAffine(ink, shear, (width + int(slant * height), height)), np.float32)
        columns = np.flatnonzero((ink > 0.5).any(axis=0))
        ink = ink[:, columns[0] : columns[-1] + 1] if len(columns) else ink
    small = cv2.resize(ink, (_THUMBNAIL, _THUMBNAIL), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(cv2.copyMakeBorder(small, 2, 2, 2, 2, cv2.BORDER_CONSTANT), (0, 0), 1.5).ravel()
    small = small - small.mean()
    return np.asarray(small / max(float(np.linalg.norm(small)), 1e-6), np.float32)


@functools.cache
def _reference_thumbnails() -> Ink:
    """Return thumbnails (30, N) of the digits of Pillow's default font and of two fonts of OpenCV."""
    font = ImageFont.load_default(_HEIGHT)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise MissingExtraError("digitdet synth", "train", "pillow with FreeType")
    inks = [drawn.ink for digit in CLASS_NAMES if (drawn := _draw_character(font, digit)) is not None]
    for face, thickness in ((cv2.FONT_HERSHEY_SIMPLEX, 5), (cv2.FONT_HERSHEY_COMPLEX, 4)):
        for digit in CLASS_NAMES:
            canvas = np.zeros((110, 110), np.uint8)
            cv2.putText(canvas, digit, (25, 90), face, 3, 255, thickness)
            left, top, width, height = cv2.boundingRect(canvas)
            inks.append(unit_ink(canvas[top : top + height, left : left + width]))
    return np.array([_thumbnail(ink) for ink in inks])


def _count_matches(inks: Sequence[Ink]) -> int:
    """Return how many of ten digits correlate most with the same digit of a reference font, at the best slant."""
    matches = []
    for slant in _SLANTS:
        thumbnails = np.array([_thumbnail(ink, slant) for ink in inks])
        best = np.argmax(thumbnails @ _reference_thumbnails().T, axis=1) % 10
        matches.append(int((best == np.arange(10)).sum()))
    return max(matches)
