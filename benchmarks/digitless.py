"""Draw pictures without any digit: textures, surfaces, letters, words, icons, lines, bar codes, scribbles.

`KINDS` lists them. Letters and icons come from the system's fonts. Letters that look like a digit in some typefaces (O,
I, l, S, Z, B, G, g, q, b ...) appear in the doubtful kinds only.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from digitdet.common.types import Image
from digitdet.synth.digits.fonts import Typeface, find_fonts, load_fonts, system_font_folders
from digitdet.synth.surfaces.backgrounds import Backgrounds, cut_background, load_backgrounds
from digitdet.synth.surfaces.surfaces import SURFACES, draw_surface

Rng = np.random.Generator

# Typefaces whose letters look like digits of a segment display, or that show one box for every letter.
_NO_LETTERS = ("DSEG", "LastResort")

_UPPER, _LOWER = "ACEFHJKLMNPRTUVWXY", "acdefhkmnprtuvwxy"
_WORDS = (
    "water name date part track never paper current tea farm market hand made cream heart event exact after fact they "
    "every further park wet team camera army character meter reference market chart French matter nature attach "
    "theatre departure harp march much key van net map art car tax cup thyme happy candy drama dream eye warm yard "
    "fence"
)
# Alphabets without the characters that look like a digit; a picture uses one of them.
_SCRIPTS = (
    "ΑΓΔΕΗΚΛΜΝΞΠΡΤΥΦΧΨ",
    "АГДЕЖКЛМНПРТУФХЦШЩЯ",
    "אבהחכלמנעפצקש",
    "بتثجحخدرسشصضطفقكلمن",
    "かきけさすたなにはふほまむもやゆよわ",
    "水火森国語林東京館電話駅新聞花鳥風",
    "कखगघचजतनपबमयलस",
)
_ICONS = "☎✈♥♣♠♦⚙☂☃★☆✂✉☀⚓✓✗✚❄☁⚡♫♪⌂⌘☘♻⚠☯☮✌☞♞♜♛"
_LIKE_DIGITS = "OoQDIli|SsZzBbGgq" + "\u0417\u0437\u0411\u0431\u0427"  # Cyrillic Ze, Be, Che
_LIKE_WORDS = (
    "Oil Bill Lobby GOLD SOLD Bingo igloo sizzle BOSS SOS ZOO Solo Logo biology Illinois BIG DOG Gobi Zoos boss bliss "
    "sister glass bogs ISO GIS SIZE BLOG Silo Oslo ZIP LIDO Ibiza QUIZ Bologna doll soil Zagzig gigolo pool London"
)


@dataclass(frozen=True, eq=False)
class Materials:
    """Source material: textures (H, W, 3) uint8 BGR, and typefaces."""

    textures: tuple[Image, ...]
    typefaces: tuple[Typeface, ...]


@dataclass(frozen=True)
class Kind:
    """How many pictures are drawn, and how; `doubtful` kinds show shapes that look like digits."""

    count: int
    draw: Callable[[Rng, Materials], Image]
    doubtful: bool = False


def load_materials(backgrounds: Path) -> Materials:
    """Load the textures of a folder, and the system's typefaces that have digits (and so letters).

    Raises:
        DataError: The folder has no pictures, or the system has no usable fonts.
    """
    paths = [path for path in find_fonts(system_font_folders()) if not path.name.startswith(_NO_LETTERS)]
    return Materials(tuple(Backgrounds(load_backgrounds(backgrounds)[0])), tuple(load_fonts(paths)[0]))


def draw_picture(kind: str, index: int, seed: int, materials: Materials) -> Image:
    """Draw picture number `index` of a kind, (H, W, 3) uint8 BGR. It does not depend on other pictures."""
    rng = np.random.default_rng([seed, zlib.crc32(kind.encode()), index])
    return _photographed(rng, KINDS[kind].draw(rng, materials))


# --- backgrounds and camera effects ---


def _size(rng: Rng) -> tuple[int, int]:
    """Width and height in pixels."""
    width = int(rng.integers(200, 641))
    return width, int(np.clip(width * np.exp(rng.uniform(-0.9, 0.4)), 100, 640))


def _background(rng: Rng, materials: Materials) -> Image:
    """Return a plain colour, a generated surface, or a texture with lower contrast."""
    width, height = _size(rng)
    kind = rng.random()
    if kind < 0.4:
        return np.full((height, width, 3), rng.integers(0, 256, 3), np.uint8)
    if kind < 0.75:
        name = sorted(SURFACES)[int(rng.integers(len(SURFACES)))]
        return draw_surface(rng, name, width, height, bool(rng.random() < 0.6)).astype(np.uint8)
    cut = _cut(rng, materials, width, height).astype(np.float32)
    return (cut.mean() + (cut - cut.mean()) * rng.uniform(0.3, 1)).clip(0, 255).astype(np.uint8)


def _cut(rng: Rng, materials: Materials, width: int, height: int) -> Image:
    return cut_background(rng, materials.textures[int(rng.integers(len(materials.textures)))], width, height)


def _ink(rng: Rng, background: Image) -> tuple[int, int, int]:
    """Return a contrasting BGR colour: dark on light, light on dark."""
    level = rng.integers(0, 70) if background.mean() > 127 else rng.integers(185, 256)
    blue, green, red = np.clip(level + rng.integers(-40, 41, 3), 0, 255).tolist()
    return blue, green, red


def _photographed(rng: Rng, image: Image) -> Image:
    """Apply blur, noise and JPEG compression, each with probability 0.4."""
    if rng.random() < 0.4:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.4, 1.2))), np.uint8)
    if rng.random() < 0.4:
        noise = rng.normal(0, rng.uniform(2, 10), image.shape[:2])[:, :, None]
        image = (image + noise).clip(0, 255).astype(np.uint8)
    if rng.random() < 0.4:
        _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(40, 95))])
        image = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    return image


def _texture(rng: Rng, materials: Materials) -> Image:
    """Return a crop of any size, from a few threads of a cloth to the whole texture."""
    picture = materials.textures[int(rng.integers(len(materials.textures)))]
    height, width = (max(round(side * np.exp(rng.uniform(-2.5, 0))), 24) for side in picture.shape[:2])
    y, x = (int(rng.integers(all_ - part + 1)) for all_, part in zip(picture.shape, (height, width), strict=False))
    factor = float(rng.integers(96, 641)) / max(width, height)
    cut = picture[y : y + height, x : x + width]
    return np.asarray(cv2.resize(cut, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8)


def _surface(rng: Rng, materials: Materials) -> Image:  # noqa: ARG001  (all kinds share one signature)
    name = sorted(SURFACES)[int(rng.integers(len(SURFACES)))]
    return draw_surface(rng, name, *_size(rng), bool(rng.random() < 0.6)).astype(np.uint8)


# --- letters ---


def _write(rng: Rng, materials: Materials, lines: Sequence[str]) -> Image:
    """Write lines of text, slightly turned, in a typeface that has all their characters."""
    background = _background(rng, materials)
    usable = _typefaces_with(materials, "".join(sorted(set("".join(lines)) - {" "})))
    path = usable[int(rng.integers(len(usable)))]
    height, width = background.shape[:2]
    text = "\n".join(lines)
    mask = Pillow.new("L", (width, height))
    draw = ImageDraw.Draw(mask)
    font = ImageFont.FreeTypeFont(str(path), 100, layout_engine=ImageFont.Layout.BASIC)
    left, top, right, bottom = draw.multiline_textbbox((0, 0), text, font)
    room = min(width / (right - left), height / (bottom - top)) * float(rng.uniform(0.35, 0.9))
    font = font.font_variant(size=max(100 * room, 8))
    left, top, right, bottom = draw.multiline_textbbox((0, 0), text, font)
    x = float(rng.uniform(0.2, 0.8)) * max(width - right + left, 0) - left
    y = float(rng.uniform(0.2, 0.8)) * max(height - bottom + top, 0) - top
    draw.multiline_text((x, y), text, fill=255, font=font)
    turned = mask.rotate(float(rng.normal(0, 3)), Pillow.Resampling.BICUBIC)
    alpha = np.asarray(turned, np.float32)[:, :, None] / 255
    return (background * (1 - alpha) + np.array(_ink(rng, background)) * alpha).astype(np.uint8)


@cache
def _typefaces_with(materials: Materials, characters: str) -> tuple[Path, ...]:
    """Return the files of the typefaces that have all these characters."""
    rng = np.random.default_rng(0)  # required by the interface; typefaces draw nothing from it
    return tuple(one.path for one in materials.typefaces if all(one.mark(rng, character) for character in characters))


def _draw_letters(alphabet: str) -> Callable[[Rng, Materials], Image]:
    """Return a function that draws one to three lines of one to seven characters."""
    return lambda rng, materials: _write(rng, materials, _letters(rng, alphabet))


def _letters(rng: Rng, alphabet: str) -> list[str]:
    return ["".join(rng.choice(list(alphabet), int(rng.integers(1, 8)))) for _ in range(int(rng.integers(1, 4)))]


def _words(rng: Rng, materials: Materials) -> Image:
    lines = _lines(rng, _WORDS.split())
    if rng.random() < 0.5 and not set("".join(lines).upper()) & set("DGIOQSZB"):
        lines = [line.upper() for line in lines]
    return _write(rng, materials, lines)


def _lines(rng: Rng, words: Sequence[str]) -> list[str]:
    counts = rng.integers(1, 4, int(rng.integers(1, 6)))
    return [" ".join(rng.choice(words, count)) for count in counts]


def _scripts(rng: Rng, materials: Materials) -> Image:
    known = [script for script in _SCRIPTS if _typefaces_with(materials, script)]
    return _write(rng, materials, _letters(rng, known[int(rng.integers(len(known)))] if known else _UPPER))


def _icons(rng: Rng, materials: Materials) -> Image:
    known = [icon for icon in _ICONS if _typefaces_with(materials, icon)]
    icon = known[int(rng.integers(len(known)))]
    return _write(rng, materials, [" ".join([icon] * int(rng.integers(1, 4)))])


def _like_digits(rng: Rng, materials: Materials) -> Image:
    known = [character for character in _LIKE_DIGITS if _typefaces_with(materials, character)]
    return _write(rng, materials, ["".join(rng.choice(known, int(rng.integers(1, 4))))])


def _like_words(rng: Rng, materials: Materials) -> Image:
    return _write(rng, materials, _lines(rng, _LIKE_WORDS.split()))


# --- shapes ---


def _logos(rng: Rng, materials: Materials) -> Image:
    """Draw overlapping polygons, stars and discs in a few colours."""
    image = np.ascontiguousarray(_background(rng, materials))
    height, width = image.shape[:2]
    colours = [_ink(rng, image), tuple(rng.integers(0, 256, 3).tolist()), tuple(rng.integers(0, 256, 3).tolist())]
    for turn in range(int(rng.integers(2, 5))):
        centre = np.array([rng.uniform(0.3, 0.7) * width, rng.uniform(0.3, 0.7) * height])
        radius, colour = float(rng.uniform(0.1, 0.4)) * min(width, height), colours[turn % 3]
        if rng.random() < 0.25:
            cv2.circle(image, centre.astype(int).tolist(), int(radius), colour, -1, cv2.LINE_AA)
            continue
        corners = int(rng.choice([3, 4, 5, 6, 8, 10, 12]))
        angles = np.arange(corners) * 2 * np.pi / corners + rng.uniform(0, 2 * np.pi)
        reach = radius * np.where(np.arange(corners) % 2, rng.uniform(0.4, 1), 1)
        points = centre + reach[:, None] * np.column_stack([np.cos(angles), np.sin(angles)])
        cv2.fillPoly(image, [points.astype(np.int32)], colour, cv2.LINE_AA)
    return image


def _rules(rng: Rng, materials: Materials) -> Image:
    """Draw tables, or long lines that cross each other."""
    image = np.ascontiguousarray(_background(rng, materials))
    height, width = image.shape[:2]
    colour, thickness = _ink(rng, image), int(rng.integers(1, 5))
    if rng.random() < 0.5:  # a table whose lines cross the whole picture
        for x in np.arange(rng.uniform(0, 40), width, rng.uniform(18, 120)):
            cv2.line(image, (int(x), 0), (int(x), height), colour, thickness, cv2.LINE_AA)
        for y in np.arange(rng.uniform(0, 40), height, rng.uniform(18, 120)):
            cv2.line(image, (0, int(y)), (width, int(y)), colour, thickness, cv2.LINE_AA)
        return image
    for _ in range(int(rng.integers(2, 12))):
        start = (int(rng.integers(width)), int(rng.choice([0, height])))
        end = (int(rng.choice([0, width])), int(rng.integers(height)))
        cv2.line(image, start, end, colour, thickness, cv2.LINE_AA)
    return image


def _codes(rng: Rng, materials: Materials) -> Image:
    """Draw bar codes without the number below them, or square codes."""
    image = np.ascontiguousarray(_background(rng, materials))
    height, width = image.shape[:2]
    if rng.random() < 0.6:
        bars = np.concatenate(
            [np.full(int(n), i % 2) for i, n in enumerate(rng.integers(1, 5, int(rng.integers(45, 80))))]
        )
        code = np.tile(255 * bars.astype(np.uint8), (2, 1))
        size = (int(width * rng.uniform(0.5, 0.95)), int(height * rng.uniform(0.2, 0.7)))
    else:
        code = np.pad(
            255 * rng.integers(0, 2, (int(rng.integers(17, 30)),) * 2).astype(np.uint8), 1, constant_values=255
        )
        size = (int(min(width, height) * rng.uniform(0.5, 0.95)),) * 2
    code = cv2.resize(code, size, interpolation=cv2.INTER_NEAREST)
    y, x = int(rng.integers(height - size[1] + 1)), int(rng.integers(width - size[0] + 1))
    image[y : y + size[1], x : x + size[0]] = code[:, :, None]
    return image


def _scribbles(rng: Rng, materials: Materials) -> Image:
    """Draw long unreadable pen strokes with many waves."""
    image = np.ascontiguousarray(_background(rng, materials))
    height, width = image.shape[:2]
    colour = _ink(rng, image)
    for _ in range(int(rng.integers(1, 4))):
        waves = int(rng.integers(10, 26))
        t = np.linspace(0, 1, 40 * waves)
        swing = np.interp(t, np.linspace(0, 1, waves), rng.uniform(0.2, 1, waves)) * rng.uniform(0.03, 0.15) * height
        phase = 2 * np.pi * waves * t + np.interp(t, np.linspace(0, 1, 9), rng.normal(0, 1.5, 9))
        x = (0.08 + 0.84 * t) * width + 0.5 * swing * np.cos(phase) * rng.uniform(0, 1)
        y = rng.uniform(0.2, 0.8) * height + rng.normal(0, 0.1) * height * (t - 0.5) + swing * np.sin(phase)
        path = np.column_stack([x, y]).astype(np.int32)
        cv2.polylines(image, [path], False, colour, int(rng.integers(1, 5)), cv2.LINE_AA)
    return image


KINDS = {
    "textures": Kind(100, _texture),
    "surfaces": Kind(100, _surface),
    "upper-case letters": Kind(60, _draw_letters(_UPPER)),
    "lower-case letters": Kind(60, _draw_letters(_LOWER)),
    "words": Kind(60, _words),
    "other scripts": Kind(60, _scripts),
    "icons": Kind(60, _icons),
    "logos": Kind(50, _logos),
    "rules": Kind(50, _rules),
    "bar codes": Kind(50, _codes),
    "scribbles": Kind(50, _scribbles),
    "look-alike letters": Kind(60, _like_digits, doubtful=True),
    "words with look-alikes": Kind(60, _like_words, doubtful=True),
}
