"""Small numbers on large pages, and large photos of nothing but texture and one big number: found, false, seconds.

    python benchmarks/large_pages.py [--model FILE] [--pages N] [--fonts DIR] [--save DIR]

A page is a scan of 5000 x 3500 pixels: paper with a shade and grain, a ledger of 12 to 16 px digits in four columns
with ruled lines, a few lone numbers of 8 to 12 px, and a title of 120 px. A photo is 4000 x 3000 pixels: texture with
one number of 500 px. Typefaces are those of --fonts, or else those that come with Matplotlib. `exact` is the share of
the numbers that were read exactly at their place, by the height of their digits; `false` counts the other readings.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image as PilImage
from PIL import ImageDraw, ImageFont

from digitdet import NumberReader
from digitdet.common.types import Image
from digitdet.configs import ReadConfig
from digitdet.datasets.formats.numbers import NumberTruth
from digitdet.evaluation.number_score import count_exact
from digitdet.synth.digits.fonts import find_fonts, load_fonts, system_font_folders

MODES = ("never", "auto", "always")


@dataclass(frozen=True)
class Page:
    """A picture, and its numbers by the height of their digits in pixels."""

    image: Image
    truths: dict[int, list[NumberTruth]]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, help="a model.onnx; else the shipped one")
    parser.add_argument("--pages", type=int, default=3, help="pages, and as many photos")
    parser.add_argument("--fonts", type=Path, help="a folder with TTF or OTF files; else those of Matplotlib")
    parser.add_argument("--save", type=Path, help="write the pictures there, too")
    arguments = parser.parse_args()
    folders = [arguments.fonts] if arguments.fonts else system_font_folders()[-1:]
    fonts = [str(face.path) for face in load_fonts(find_fonts(folders)).typefaces]
    kinds: dict[str, Callable[[np.random.Generator, list[str]], Page]] = {
        "pages": compose_page,
        "photos": compose_photo,
    }
    for kind, compose in kinds.items():
        pages = [compose(np.random.default_rng([seed, len(kind)]), fonts) for seed in range(arguments.pages)]
        if arguments.save:
            arguments.save.mkdir(parents=True, exist_ok=True)
            for index, page in enumerate(pages):
                cv2.imwrite(str(arguments.save / f"{kind}{index}.png"), page.image)
        for mode in MODES:
            report(kind, mode, pages, NumberReader(arguments.model, config=ReadConfig(tiles=mode)))


def report(kind: str, mode: str, pages: list[Page], reader: NumberReader) -> None:
    numbers, exact, false, seconds = Counter[int](), Counter[int](), 0, 0.0
    for page in pages:
        start = time.perf_counter()
        found = reader.read(page.image).numbers
        seconds += time.perf_counter() - start
        false += len(found)
        for height, truths in page.truths.items():
            hits = count_exact(found, truths)
            numbers[height] += len(truths)
            exact[height] += hits
            false -= hits
    shares = "  ".join(f"{height} px {exact[height]}/{numbers[height]}" for height in sorted(numbers))
    print(f"{kind:6} {mode:6}  {seconds / len(pages):6.2f} s each  {false:3} false  exact: {shares}", flush=True)


class Sheet:
    """A grey page on which numbers are written and remembered."""

    def __init__(self, ground: np.ndarray, fonts: list[str], rng: np.random.Generator) -> None:
        self._ground, self._fonts, self._rng = ground, fonts, rng
        self._ink = PilImage.new("L", (ground.shape[1], ground.shape[0]), 0)
        self._draw = ImageDraw.Draw(self._ink)
        self.truths: dict[int, list[NumberTruth]] = {}

    def typeface(self, height: int) -> ImageFont.FreeTypeFont:
        """A typeface of the page's, at the size at which its digits are `height` pixels high."""
        path = self._fonts[self._rng.integers(len(self._fonts))]
        _, top, _, bottom = ImageFont.truetype(path, 1000).getbbox("0")
        return ImageFont.truetype(path, round(1000 * height / (bottom - top)))

    def write(self, text: str, x: float, y: float, height: int, font: ImageFont.FreeTypeFont) -> None:
        """Write a number with its left top at (x, y)."""
        left, top, right, bottom = self._draw.textbbox((x, y), text, font=font, anchor="lt")
        self._draw.text((x, y), text, font=font, fill=255, anchor="lt")
        self.truths.setdefault(height, []).append(NumberTruth(text, ((left, top, right, bottom),)))

    def rule(self, x0: int, y: int, x1: int) -> None:
        """A thin pale line."""
        self._draw.line((x0, y, x1, y), fill=70, width=1)

    def page(self, ink: float) -> Page:
        """The picture as a camera or scanner gives it: ink of a grey `ink`, a little blurred, with noise, as JPEG."""
        cover = cv2.GaussianBlur(np.asarray(self._ink), (0, 0), 0.5).astype(np.float32) / 255
        grey = self._ground * (1 - cover) + ink * cover + self._rng.normal(0, 3, cover.shape).astype(np.float32)
        ok, content = cv2.imencode(".jpg", np.clip(grey, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 88])
        assert ok
        return Page(np.asarray(cv2.imdecode(content, cv2.IMREAD_COLOR), np.uint8), self.truths)


def compose_page(rng: np.random.Generator, fonts: list[str]) -> Page:
    """A scanned ledger of 5000 x 3500 pixels."""
    height, width = 3500, 5000
    shade = cv2.resize(rng.uniform(215, 245, (4, 5)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    grain = cv2.resize(rng.normal(0, 3, (height // 2, width // 2)).astype(np.float32), (width, height))
    sheet = Sheet(shade + grain, fonts, rng)
    sheet.write(random_number(rng, 4), 2200, 150, 120, sheet.typeface(120))
    for column in range(4):
        size = int(rng.choice([12, 14, 16]))
        font = sheet.typeface(size)
        for row in range(20):
            x, y = 500 + 260 * column, 700 + 3 * size * row
            sheet.write(random_number(rng, int(rng.integers(2, 7))), x + rng.uniform(0, 40), y, size, font)
            sheet.rule(x - 20, y + round(1.7 * size), x + 200)
    for place in range(12):
        size = int(rng.choice([8, 10, 12]))
        x, y = 2000 + 900 * (place % 3) + rng.uniform(0, 500), 700 + 650 * (place // 3) + rng.uniform(0, 300)
        sheet.write(random_number(rng, int(rng.integers(1, 6))), x, y, size, sheet.typeface(size))
    return sheet.page(ink=float(rng.uniform(20, 70)))


def compose_photo(rng: np.random.Generator, fonts: list[str]) -> Page:
    """A wall of 4000 x 3000 pixels, its texture at several sizes, with one big house number."""
    height, width = 3000, 4000
    wall = np.full((height, width), 150, np.float32)
    for cell in (2, 6, 20, 60, 400):
        spots = rng.normal(0, 12, (height // cell + 1, width // cell + 1)).astype(np.float32)
        wall += cv2.resize(spots, (width, height), interpolation=cv2.INTER_CUBIC)
    if rng.random() < 0.7:  # bricks
        for y in range(0, height, 180):
            wall[y : y + 14] += 45
            for x in range(200 * (y // 180 % 2), width, 400):
                wall[y : y + 180, x : x + 14] += 45
    sheet = Sheet(wall, fonts, rng)
    sheet.write(random_number(rng, 3), 1200 + rng.uniform(0, 500), 1100, 500, sheet.typeface(500))
    return sheet.page(ink=25)


def random_number(rng: np.random.Generator, length: int) -> str:
    return "".join(str(digit) for digit in rng.integers(0, 10, length))


if __name__ == "__main__":
    main()
