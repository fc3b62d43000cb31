"""Draw printed numbers that are easily misread: marks and gaps inside, signs and raised digits beside, tilted lines.

`KINDS` lists the kinds. A picture is one line of print on paper. Its typeface, size and contrast vary with its index.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from exact import digits_of
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from digitdet.common.types import Image
from digitdet.synth.digits.fonts import Typeface, find_fonts, load_fonts
from digitdet.synth.pages.texts import SUBSCRIPTS, SUPERSCRIPTS

Rng = np.random.Generator
Mask = npt.NDArray[np.float32]

# Typefaces without signs, of boxes that stand for missing characters, and of TeX, with signs in other places.
_NOT_PRINT = ("DSEG", "LastResort", "cm")
_SIZES = (24, 40, 60)  # of the type in pixels; digits are about 0.72 times as high
_GREYS = ((20, 245), (70, 190), (235, 40), (130, 210))  # of the ink and the paper
_TILTS = (10, 15, 20, 25, 28, 30)  # degrees
# Raised and lowered digits in type sizes: size, and how far the baseline is above that of the line.
_SMALL, _RAISED, _LOWERED = 0.58, 0.34, -0.12

# Numbers (#) beside signs and units, separated by two spaces.
_SIGNS = (
    "#%  # %  #‰  (#)  [#]  {#}  #)  #]  #) #  #!  #?  #;  #,  #.  #:  #*  #†  § #  Ø #  *#  @#  ~#  =#  +#  ±#  <#  "
    ">#  ≥ #  ≈ #  → #  $#  €#  £#  ¥#  US$ #  # $  #€  # £  # ¥  # CHF  # kr  Rs. #  # & #  #&#  # + #  # = #  # x #  "
    "# \u00d7 #  # ÷ #  # @ #  # | #  #; #  #, #  # l  # g  #g  # kg  # mg  # t  # m  # cm  # mm  # km  # kWh  # W  "
    '# V  # A  # Hz  # bar  # h  # min  # s  # ml  # L  # lb  # oz  # ft  #°  # °C  #°F  # Ω  #"  #\'  "#"  «#»  '
    "No. #  N° #  Nr. #  #º  #th  #x  # pcs"
)
# Numbers near raised (^) and lowered (_) digits; a random digit where none is given.
_SCRIPTS = ("#^", "#^", "# m^2", "# m^3", "#m^3", "# cm^2", "# km^2", "# CO_2", "CO_2 #", "H_2O #", "x^ #")


@dataclass(frozen=True)
class Fonts:
    """The typefaces, and those among them that are monospaced, and that are not slanted by their name."""

    all: tuple[Typeface, ...]
    monospaced: tuple[Typeface, ...]
    upright: tuple[Typeface, ...]


@dataclass(frozen=True, eq=False)
class Case:
    """One picture.

    Attributes:
        image: (H, W, 3) uint8 BGR.
        written: The text of each number, with its marks.
        accepted: The digits of the numbers in reading order; any of these readings is right, and the first alone if
            the number of digits or the pattern is given to the reader.
        digits: The number of digits, where it can be given.
        pattern: The pattern of the number, where it can be given.
    """

    image: Image
    written: tuple[str, ...]
    accepted: tuple[tuple[str, ...], ...]
    digits: int | None = None
    pattern: str | None = None


@dataclass(frozen=True)
class Kind:
    """How many pictures are drawn, how, and which option the reader is given: digits, pattern or none."""

    count: int
    draw: Callable[[Rng, int, Fonts], Case]
    option: str = ""


def find_typefaces(folders: Sequence[Path]) -> Fonts:
    """Return the typefaces of print below the folders.

    Raises:
        DataError: None of the font files has digits.
    """
    faces, _ = load_fonts([path for path in find_fonts(folders) if not path.name.startswith(_NOT_PRINT)])
    upright = [face for face in faces if not re.search("ital|obl|slant", face.path.stem, re.IGNORECASE)]
    return Fonts(tuple(faces), tuple(face for face in faces if face.monospaced), tuple(upright))


def draw_case(kind: str, index: int, seed: int, fonts: Fonts) -> Case:
    """Draw picture number `index` of a kind. Kinds with and without an option have the same pictures."""
    rng = np.random.default_rng([seed, zlib.crc32(kind.split("-")[0].encode()), index])
    return KINDS[kind].draw(rng, index, fonts)


# --- kinds ---


def _slash(rng: Rng, index: int, fonts: Fonts) -> Case:
    day, month, year = int(rng.integers(1, 29)), int(rng.integers(1, 13)), int(rng.integers(1990, 2031))
    before, number, after = (
        ("", f"{day:02}/{month:02}/{year}", ""),
        ("Date: ", f"{day:02}/{month:02}/{year}", ""),
        ("", f"{month}/{day}/{year % 100:02}", ""),
        ("", f"{month:02}/{year % 100:02}", ""),
        ("", f"{rng.integers(1, 10)}/{rng.choice((2, 3, 4, 8, 16))}", ""),
        ("BP ", f"{rng.integers(95, 190)}/{rng.integers(55, 110)}", " mmHg"),
        ("", f"{rng.integers(95, 190)}/{rng.integers(55, 110)}", ""),
        ("LOT ", f"{rng.integers(10, 1000)}/{rng.integers(10, 100)}", ""),
    )[index % 8]
    image = _print(rng, index, fonts.all, before + number + after)
    return Case(image, (number,), ((digits_of(number),), tuple(number.split("/"))))


def _decimals(rng: Rng, index: int, fonts: Fonts) -> Case:
    point = ".,"[index // 2 % 2]
    if index % 2:
        number = f"{rng.integers(100):02}{point}{rng.integers(100):02}"
    else:
        number = f"{rng.integers(1, 10)}{',.'[point == ',']}{rng.integers(1000):03}{point}{rng.integers(100):02}"
    return _marked(rng, index, fonts, number)


def _times(rng: Rng, index: int, fonts: Fonts) -> Case:
    seconds = f":{rng.integers(60):02}" if index % 3 == 0 else ""
    return _marked(rng, index, fonts, f"{rng.integers(24):02}:{rng.integers(60):02}{seconds}")


def _marked(rng: Rng, index: int, fonts: Fonts, number: str) -> Case:
    """Return the case of one monospaced number with marks, which must not be cut."""
    image = _print(rng, index, fonts.monospaced or fonts.all, number)
    pattern = re.sub("[0-9]", r"\\d", re.escape(number))
    return Case(image, (number,), ((digits_of(number),),), pattern=pattern)


def _boxes(rng: Rng, index: int, fonts: Fonts) -> Case:
    """One digit a box, with gaps from none to 0.8 boxes."""
    number, side = _digits(rng, (4, 8, 6)[index % 3]), 1.5
    pitch = side * (1 + 0.2 * (index % 5))
    places = [(pitch * place, 0.0) for place in range(len(number))]
    return _arranged(rng, index, fonts, number, places, side)


def _spaced(rng: Rng, index: int, fonts: Fonts) -> Case:
    """One line with wide gaps between its digits."""
    number = _digits(rng, (4, 6, 8)[index % 3])
    pitch = (0.9, 1.2, 1.6, 2.2, 3.0)[index % 5]
    case = _arranged(rng, index, fonts, number, [(pitch * place, 0.0) for place in range(len(number))])
    return Case(case.image, case.written, (*case.accepted, tuple(number)), case.digits)


def _stacked(rng: Rng, index: int, fonts: Fonts) -> Case:
    """Digits one below the other."""
    number = _digits(rng, (4, 6)[index % 2])
    pitch = (1.0, 1.2, 1.5)[index // 3 % 3]
    return _arranged(rng, index, fonts, number, [(0.0, pitch * place) for place in range(len(number))])


def _arranged(
    rng: Rng, index: int, fonts: Fonts, number: str, places: Sequence[tuple[float, float]], box: float = 0.0
) -> Case:
    """Return the case of digits with given centres, perhaps in boxes with given sides, all in type sizes."""
    size, font = _SIZES[index % 3], _font(_choose(rng, fonts.all, number), _SIZES[index % 3])
    width, height = (round(size * (max(axis) + 4)) for axis in zip(*places, strict=True))
    mask = Pillow.new("L", (width, height))
    draw = ImageDraw.Draw(mask)
    for digit, place in zip(number, places, strict=True):
        x, y = (size * (axis + 2) for axis in place)
        draw.text((x, y + 0.36 * size), digit, fill=255, font=font, anchor="ms")
        half = box * size / 2
        if box:
            draw.rectangle((x - half, y - half, x + half, y + half), outline=200, width=max(size // 20, 1))
    return Case(_paint(rng, index, _cropped(mask, size)), (number,), ((number,),), digits=len(number))


def _signs(rng: Rng, index: int, fonts: Fonts) -> Case:
    templates = _SIGNS.split("  ")
    template = templates[index % len(templates)]
    numbers = tuple(_digits(rng, int(rng.integers(2, 5))) for _ in range(template.count("#")))
    rest = iter(numbers)
    text = re.sub("#", lambda _: next(rest), template)
    return Case(_print(rng, index, fonts.all, text), numbers, (numbers,))


def _scripts(rng: Rng, index: int, fonts: Fonts) -> Case:
    """Raised and lowered digits: characters of the typeface itself, or its digits at a smaller size."""
    template, number = _SCRIPTS[index % len(_SCRIPTS)], _digits(rng, int(rng.integers(2, 6)))
    before, sign, after = re.split(r"([\^_])", template)
    digit = after[:1].strip("# ") or str(rng.integers(1, 10))
    after = after.removeprefix(digit)
    own = (SUPERSCRIPTS if sign == "^" else SUBSCRIPTS)[int(digit)]
    rise = _RAISED if sign == "^" else _LOWERED
    before, after = before.replace("#", number), after.replace("#", number)
    size, letters = _SIZES[index % 3], before + after + digit
    with_own = [face for face in fonts.all if face.mark(rng, own)]
    if index // len(_SCRIPTS) % 2 and with_own:
        face = _choose(rng, with_own, letters)
        runs = [(before + own + after, 1.0, 0.0)]
    else:
        face = _choose(rng, fonts.all, letters)
        runs = [(before, 1.0, 0.0), (digit, _SMALL, rise), (after, 1.0, 0.0)]
    return Case(_paint(rng, index, _write(face, size, runs)), (number,), ((number,),))


def _tilted(sign: int) -> Callable[[Rng, int, Fonts], Case]:
    """Return a function that draws numbers tilted counterclockwise (1) or clockwise (-1)."""

    def draw(rng: Rng, index: int, fonts: Fonts) -> Case:
        number, size = _digits(rng, int(rng.integers(4, 7))), _SIZES[index % 3]
        mask = _write(_choose(rng, fonts.upright or fonts.all, number), size, [(number, 1.0, 0.0)])
        angle = sign * _TILTS[index // 3 % len(_TILTS)]
        turned = Pillow.fromarray(mask).rotate(angle, Pillow.Resampling.BICUBIC, expand=True)
        ink = np.pad(np.asarray(turned), 5 * size // 2 * (index // 18 % 2))  # half of them on a larger paper
        return Case(_paint(rng, index, ink), (number,), ((number,),))

    return draw


# --- drawing ---


def _digits(rng: Rng, count: int) -> str:
    """Draw digits without a leading zero; 7 and 1, which are taken for each other, are more frequent."""
    digits = rng.choice(list("012345678917"), count)
    return str(rng.integers(1, 10)) + "".join(digits[1:])


def _choose(rng: Rng, faces: Sequence[Typeface], text: str) -> Path:
    """Draw a typeface that has all characters of a text and return its file; any typeface if none has them all."""
    characters = set(text) - {" "}
    for row in rng.permutation(len(faces)).tolist():
        if all(faces[row].mark(rng, character) for character in characters):
            return faces[row].path
    return faces[int(rng.integers(len(faces)))].path


def _font(path: Path, size: float) -> ImageFont.FreeTypeFont:
    return ImageFont.FreeTypeFont(str(path), size, layout_engine=ImageFont.Layout.BASIC)


def _print(rng: Rng, index: int, faces: Sequence[Typeface], text: str) -> Image:
    """Return the picture of one line."""
    return _paint(rng, index, _write(_choose(rng, faces, text), _SIZES[index % 3], [(text, 1.0, 0.0)]))


def _write(path: Path, size: int, runs: Sequence[tuple[str, float, float]]) -> Mask:
    """Return the ink (H, W) 0 to 1 of one line; each run is a text, its size and how far it is raised in type sizes."""
    fonts = [_font(path, scale * size) for _, scale, _ in runs]
    width = sum(font.getlength(text) for font, (text, *_) in zip(fonts, runs, strict=True))
    mask = Pillow.new("L", (round(width) + 4 * size, 5 * size))
    draw, x = ImageDraw.Draw(mask), 2.0 * size
    for font, (text, _, rise) in zip(fonts, runs, strict=True):
        draw.text((x, (3 - rise) * size), text, fill=255, font=font, anchor="ls")
        x += font.getlength(text)
    return _cropped(mask, size)


def _cropped(mask: Pillow.Image, size: int) -> Mask:
    """Return the ink (H, W) 0 to 1 with a margin of 0.7 type sizes."""
    margin = round(0.7 * size)
    left, top, right, bottom = mask.getbbox() or (0, 0, size, size)
    cut = mask.crop((left - margin, top - margin, right + margin, bottom + margin))
    return np.asarray(cut, np.float32) / 255


def _paint(rng: Rng, index: int, ink: Mask) -> Image:
    """Return ink (H, W) 0 to 1 on paper, slightly blurred, with noise."""
    dark, light = _GREYS[index // 3 % len(_GREYS)]
    grey = light + (dark - light) * cv2.GaussianBlur(ink, (0, 0), float(rng.uniform(0.3, 0.8)))
    grey = grey + rng.normal(0, 2, ink.shape)
    return np.repeat(grey.clip(0, 255).astype(np.uint8)[:, :, None], 3, axis=2)


KINDS = {
    "slash": Kind(96, _slash),
    "decimals": Kind(48, _decimals),
    "decimals-pattern": Kind(48, _decimals, "pattern"),
    "times": Kind(36, _times),
    "times-pattern": Kind(36, _times, "pattern"),
    "boxes": Kind(60, _boxes),
    "boxes-digits": Kind(60, _boxes, "digits"),
    "spaced": Kind(40, _spaced),
    "spaced-digits": Kind(40, _spaced, "digits"),
    "stacked-digits": Kind(36, _stacked, "digits"),
    "signs": Kind(184, _signs),
    "scripts": Kind(66, _scripts),
    "tilt-counterclockwise": Kind(72, _tilted(1)),
    "tilt-clockwise": Kind(72, _tilted(-1)),
}
