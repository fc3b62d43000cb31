"""Dot-matrix digits and letters: displays, tickets, dot printers."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from digitdet.synth.digits.displays import PRINTED_SHARE
from digitdet.synth.digits.glyphs import NO_DIGIT, Glyph, GlyphSource, Ink

# Characters, each with its seven rows of dots from the top; '#' is lit.
_DOTS = """
0  .###. #...# #..## #.#.# ##..# #...# .###.   1  ..#.. .##.. ..#.. ..#.. ..#.. ..#.. .###.
2  .###. #...# ....# ...#. ..#.. .#... #####   3  .###. #...# ....# ..##. ....# #...# .###.
4  ...#. ..##. .#.#. #..#. ##### ...#. ...#.   5  ##### #.... ####. ....# ....# #...# .###.
6  ..##. .#... #.... ####. #...# #...# .###.   7  ##### ....# ...#. ..#.. .#... .#... .#...
8  .###. #...# #...# .###. #...# #...# .###.   9  .###. #...# #...# .#### ....# ...#. .##..
A  .###. #...# #...# ##### #...# #...# #...#   B  ####. #...# #...# ####. #...# #...# ####.
C  .###. #...# #.... #.... #.... #...# .###.   D  ####. #...# #...# #...# #...# #...# ####.
E  ##### #.... #.... ####. #.... #.... #####   F  ##### #.... #.... ####. #.... #.... #....
G  .###. #...# #.... #.### #...# #...# .####   H  #...# #...# #...# ##### #...# #...# #...#
I  .###. ..#.. ..#.. ..#.. ..#.. ..#.. .###.   J  ..### ...#. ...#. ...#. ...#. #..#. .##..
K  #...# #..#. #.#.. ##... #.#.. #..#. #...#   L  #.... #.... #.... #.... #.... #.... #####
M  #...# ##.## #.#.# #.#.# #...# #...# #...#   N  #...# #...# ##..# #.#.# #..## #...# #...#
O  .###. #...# #...# #...# #...# #...# .###.   P  ####. #...# #...# ####. #.... #.... #....
Q  .###. #...# #...# #...# #.#.# #..#. .##.#   R  ####. #...# #...# ####. #.#.. #..#. #...#
S  .#### #.... #.... .###. ....# ....# ####.   T  ##### ..#.. ..#.. ..#.. ..#.. ..#.. ..#..
U  #...# #...# #...# #...# #...# #...# .###.   V  #...# #...# #...# #...# #...# .#.#. ..#..
W  #...# #...# #...# #.#.# #.#.# #.#.# .#.#.   X  #...# #...# .#.#. ..#.. .#.#. #...# #...#
Y  #...# #...# #...# .#.#. ..#.. ..#.. ..#..   Z  ##### ....# ...#. ..#.. .#... #.... #####
.  .. .. .. .. .. ## ##                        ,  .. .. .. .. ## .# #.
:  .. ## ## .. ## ## ..                        -  ..... ..... ..... ##### ..... ..... .....
%  ##..# ##..# ...#. ..#.. .#... #..## #..##   /  ....# ....# ...#. ..#.. .#... #.... #....
"""
# Alternative forms of digits on other displays and printers.
_ALTERNATIVE_DOTS = """
0  .###. #...# #...# #...# #...# #...# .###.   1  ..#.. .##.. #.#.. ..#.. ..#.. ..#.. #####
2  .###. #...# ....# .###. #.... #.... #####   3  ##### ...#. ..#.. ...#. ....# #...# .###.
4  #...# #...# #...# ##### ....# ....# ....#   6  .###. #...# #.... ####. #...# #...# .###.
7  ##### ....# ....# ...#. ..#.. ..#.. ..#..   9  .###. #...# #...# .#### ....# #...# .###.
"""


def _dot_patterns(table: str) -> dict[str, Ink]:
    """Return the characters of a table, each as (7, columns) of 0 and 1."""
    words = table.split()
    return {
        words[i]: np.array([[dot == "#" for dot in row] for row in words[i + 1 : i + 8]], np.float32)
        for i in range(0, len(words), 8)
    }


_PATTERNS = _dot_patterns(_DOTS)
_ALTERNATIVES = _dot_patterns(_ALTERNATIVE_DOTS)
_DOT_PITCH = 9  # pixels from dot to dot of a column


@dataclass(frozen=True)
class DotStyle:
    """How the characters of one dot matrix look. Lengths are in pixels; rows are `_DOT_PITCH` pixels apart."""

    column_pitch: int
    dot: float  # diameter of a dot; dots of `_DOT_PITCH` or more touch
    square: bool
    bold: bool  # whether every stroke is two dots wide
    gap_columns: float  # empty columns between two characters
    alternatives: frozenset[str]  # digits drawn in their alternative form
    printed: bool  # whether there are no unlit dots
    uneven: float  # greatest loss of brightness of a dot, 0 to 1


def sample_dot_style(rng: np.random.Generator, printed: bool) -> DotStyle:
    """Draw a random style."""
    square = bool(rng.random() < 0.4)
    max_dot = 1.35 if printed and not square else 1.0
    return DotStyle(
        column_pitch=int(rng.integers(7, 10)),
        dot=rng.uniform(0.55, max_dot) * _DOT_PITCH,
        square=square,
        bold=bool(rng.random() < 0.15),
        gap_columns=rng.uniform(0.8, 2),
        alternatives=frozenset(name for name in _ALTERNATIVES if rng.random() < 0.4),
        printed=printed,
        uneven=rng.uniform(0.1, 0.4) if rng.random() < 0.4 else 0.0,
    )


def sample_dot_display(rng: np.random.Generator) -> DotDisplay:
    """Draw a dot-matrix display or printer; its characters are equally wide."""
    return DotDisplay(sample_dot_style(rng, bool(rng.random() < PRINTED_SHARE)))


class DotDisplay(GlyphSource):
    """One dot matrix. Glyphs are whole cells, with empty `ink` where dots are unlit."""

    def __init__(self, style: DotStyle) -> None:
        self.style = style
        self._reach = int(np.ceil(style.dot / 2))
        distance = np.abs(np.arange(-self._reach, self._reach + 1, dtype=np.float32))
        if style.square:
            edge = np.clip(style.dot / 2 - distance + 0.5, 0, 1)
            self._stamp = np.outer(edge, edge)
        else:
            self._stamp = np.clip(style.dot / 2 - np.hypot(distance[:, None], distance) + 0.5, 0, 1)

    def sample(self, rng: np.random.Generator, digit: int) -> Glyph:
        """Return the cell that shows `digit`, about 64 px high; `faint` holds the unlit dots, None in print."""
        name = str(digit)
        return self._glyph(rng, (_ALTERNATIVES if name in self.style.alternatives else _PATTERNS)[name], digit)

    def mark(self, rng: np.random.Generator, character: str) -> Glyph | None:
        """Return one of ``A``-``Z`` or ``. , : - % /``."""
        if character.isdigit() or character not in _PATTERNS:
            return None
        return self._glyph(rng, _PATTERNS[character], NO_DIGIT)

    def _glyph(self, rng: np.random.Generator, pattern: Ink, label: int) -> Glyph:
        style = self.style
        if style.bold:
            right = np.pad(pattern, ((0, 0), (0, 1)))
            pattern = np.maximum(right, np.roll(right, 1, axis=1))
        strength = pattern * (1 - np.float32(style.uneven) * rng.random(pattern.shape, np.float32))
        ink = self._draw_dots(strength)
        faint = None if style.printed else self._draw_dots(1 - pattern)
        height = ink.shape[0]
        gap = style.gap_columns * style.column_pitch / height
        cells = pattern.shape[1] * style.column_pitch / height
        left = gap / 2 + (cells - ink.shape[1] / height) / 2
        return Glyph(ink, label, left=left, advance=cells + gap, faint=faint)

    def _draw_dots(self, pattern: Ink) -> Ink:
        """Draw a dot for every entry of `pattern` (7, columns) with its strength, cropped to the outermost dots."""
        rows, columns = pattern.shape
        reach, pitch = self._reach, self.style.column_pitch
        centres = np.zeros(((rows - 1) * _DOT_PITCH + 2 * reach + 1, (columns - 1) * pitch + 2 * reach + 1), np.float32)
        centres[reach : -reach or None : _DOT_PITCH, reach : -reach or None : pitch] = pattern
        drawn = cv2.filter2D(centres, -1, self._stamp.astype(np.float32), borderType=cv2.BORDER_CONSTANT)
        return np.clip(drawn, 0, 1)
