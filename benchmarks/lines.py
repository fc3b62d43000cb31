"""Whole pages of numbers: lines, numbers and reading order, from the true boxes and from detected ones.

    python benchmarks/lines.py [--count 1000] [--read 200] [--seed 0] [--mnist DIR] [--model FILE.onnx] [--save DIR]

Composes pages of 2 to 40 numbers with the looks of benchmarks/lines.yaml: lines, lists, tables, forms, counters and
columns whose lines do not align, turned by up to 10 degrees, some curved or seen askew. Numbers stand at least a
digit's height apart. Their digits and typefaces are those of the test split. A number counts as exact when its digits,
no more and no fewer, come out as one number; an order as right when all digits of the page come one after another as
they were written. The figures are given by layout; `marked` are pages of all layouts with points, dashes and slashes
inside their numbers: no box of a digit shows what joins them. Sudokus are left out: whether digits in cells are numbers
of their own, boxes do not tell. The same seed gives the same pages on a machine with the same fonts.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from digitdet import NumberReader
from digitdet.common.types import Image
from digitdet.configs import LookConfig, SynthConfig, load_config, replace
from digitdet.datasets.formats.numbers import NumberTruth
from digitdet.evaluation.number_score import count_exact
from digitdet.reading.lines import find_lines
from digitdet.synth.pages.layouts import LAYOUTS, add_piece, rule_colour
from digitdet.synth.pages.lines import Line
from digitdet.synth.pages.sheet import MARGIN, Sheet
from digitdet.synth.scene import Scene, SceneComposer
from digitdet.synth.sources import load_materials

_NUMBERS = range(2, 41)  # on a page
_WORST = 24  # pages that are saved
_MARKED = "marked"  # the look whose numbers hold marks


@dataclass(frozen=True)
class Page:
    """A composed page and what it counts as: its layout, or `marked`."""

    index: int
    kind: str
    scene: Scene


@dataclass(frozen=True)
class Score:
    """What came out of a page of `digits`: `exact` of its `numbers`, and whether the digits came in their order."""

    index: int
    kind: str
    digits: int
    numbers: int
    exact: int
    in_order: bool

    @property
    def lost(self) -> int:
        """Numbers that are not exact; a wrong order counts as one more."""
        return self.numbers - self.exact + (not self.in_order)


@LAYOUTS.add("columns")
def columns(sheet: Sheet) -> None:
    """Two or three columns, each with lines of its own size and distance: they align with nothing beside them."""
    rng, look = sheet.rng, sheet.look
    count = int(rng.integers(2, 4))
    gutter = sheet.width * float(rng.uniform(0.04, 0.1))
    room = (sheet.width - 2 * MARGIN - (count - 1) * gutter) / count
    for column in range(count):
        left = sheet.left + MARGIN + column * (room + gutter)
        height = float(np.exp(rng.uniform(*np.log([look.digit_height[0], min(look.digit_height[1], room / 6)]))))
        pitch = height * (1.1 + float(rng.uniform(*look.line_gap)))
        y = sheet.top + MARGIN + height * float(rng.uniform(0.6, 2.5))
        for _ in range(int(rng.integers(3, 10))):
            if y + height > -sheet.top:
                break
            sheet.put_left(sheet.write(sheet.text(), height, room), left, y)
            y += pitch


@LAYOUTS.add("cells")
def cells(sheet: Sheet) -> None:
    """A table with room in its cells, some of them empty; each column is aligned to its left or to its right."""
    rng, look = sheet.rng, sheet.look
    digits = rng.integers(look.digits_per_number[0], look.digits_per_number[1] + 1, int(rng.integers(2, 6)))
    widths = 0.8 * digits + rng.uniform(1.4, 3, len(digits))  # in digit heights
    fitting = (sheet.width - 2 * MARGIN) / float(widths.sum())
    height = float(np.exp(rng.uniform(*np.log([look.digit_height[0], max(look.digit_height[0], min(fitting, 60))]))))
    edges = (np.cumsum([0, *widths]) - widths.sum() / 2) * height
    pitch = height * float(rng.uniform(1.3, 2.2))
    rows = int(min(rng.integers(3, 11), (sheet.height - 2 * MARGIN) // pitch))
    ruled, to_right, colour = rng.random() < 0.5, rng.random(len(digits)) < 0.5, rule_colour(sheet)
    for row in range(rows):
        y = (row - (rows - 1) / 2) * pitch
        for column, (left, right) in enumerate(itertools.pairwise(edges.tolist())):
            if rng.random() < 0.15:
                continue
            text = "".join(map(str, rng.integers(10, size=rng.integers(1, digits[column] + 1))))
            line = sheet.write(text, height, right - left - 1.2 * height)
            sheet.put_left(line, right - 0.6 * height - line.width if to_right[column] else left + 0.6 * height, y)
        if ruled:
            sheet.rule(float(edges[0]), y + pitch / 2, float(edges[-1]), y + pitch / 2, colour, max(height / 20, 1))


@LAYOUTS.add("drums")
def drums(sheet: Sheet) -> None:
    """Counters one below the other: a digit in each window, with free space between the windows."""
    rng, look = sheet.rng, sheet.look
    rows = int(rng.integers(2, 7))
    share = sheet.height / rows
    for row in range(rows):
        count = int(rng.integers(look.digits_per_number[0], look.digits_per_number[1] + 1))
        aspect = float(rng.uniform(0.9, 1.8))  # distance of the digits in their heights
        height = min(share * float(rng.uniform(0.3, 0.6)), sheet.width * 0.9 / (count * aspect), look.digit_height[1])
        y, left = sheet.top + (row + 0.5) * share, -float(rng.uniform(0.5, 0.9)) * count * aspect * height
        line, number, colour = Line(height), list[int](), rule_colour(sheet)
        line.numbers.append(number)
        for place in range(count):
            piece = sheet.write(str(rng.integers(10)), height, np.inf)
            x = left + (place + 0.5) * aspect * height
            sheet.frame((x - 0.45 * height, y - 0.65 * height, x + 0.45 * height, y + 0.65 * height), colour, 1.5)
            dy = float(rng.normal(0, 0.04)) * height
            add_piece(line, piece, x - float(piece.box[0] + piece.box[2]) / 2, y + dy, number)
        sheet.put_left(line, float(line.box[0]), 0.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=1000, help="pages")
    parser.add_argument("--read", type=int, default=0, help="so many of them are also read with the model")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--mnist", type=Path, help="folder with the four MNIST files")
    parser.add_argument("--model", type=Path, help="a model.onnx; else the shipped one")
    parser.add_argument("--save", type=Path, help="folder for drawings of the worst pages")
    arguments = parser.parse_args()
    reader = NumberReader(arguments.model) if arguments.read else None
    results, readings, elapsed = [], [], 0.0
    for page in compose(arguments.count, arguments.seed, arguments.mnist):
        start = time.perf_counter()
        found = [number for line in find_lines(page.scene.boxes) for number in line.numbers]
        elapsed += time.perf_counter() - start
        score = score_lines(page, found)
        drawn = arguments.save is not None and score.lost > 0
        results.append((score, encode(draw(page.scene, found)) if drawn else b""))
        if reader and page.index < arguments.read:
            readings.append(score_reading(reader, page))
    print_table("given the true boxes", [score for score, _ in results])
    print(f"{1000 * elapsed / len(results):.2f} ms a page, of {np.mean([s.digits for s, _ in results]):.0f} digits")
    if readings:
        print_table("read with the model", readings)
    if arguments.save:
        save_worst(results, arguments.save)


def compose(count: int, seed: int, mnist: Path | None) -> Iterator[Page]:
    """Pages one after another; one with too few or too many numbers is composed again."""
    config = load_config(SynthConfig, Path(__file__).with_suffix(".yaml"))
    sources = load_materials(config, mnist).sources["test"]
    choices = [(name, look, layout) for name, look in config.looks.items() for layout in look.layouts]
    weights = np.array([look.weight * share_of(look, layout) for _, look, layout in choices])
    composers = [
        SceneComposer(replace(config, looks={name: replace(look, layouts={layout: 1.0})}), sources)
        for name, look, layout in choices
    ]
    for index in range(count):
        rng = np.random.default_rng([seed, index])
        choice = int(rng.choice(len(choices), p=weights / weights.sum()))
        scene = next(scene for _ in range(100) if len((scene := composers[choice].compose(rng)).numbers) in _NUMBERS)
        name, _, layout = choices[choice]
        yield Page(index, name if name == _MARKED else layout, scene)


def share_of(look: LookConfig, layout: str) -> float:
    return look.layouts[layout] / sum(look.layouts.values())


def score_lines(page: Page, found: Sequence[tuple[int, ...]]) -> Score:
    """The numbers that ordering and grouping alone made of the true boxes; an order counts however they are parted."""
    truths = page.scene.numbers
    in_order = list(itertools.chain(*found)) == list(itertools.chain(*truths))
    return Score(page.index, page.kind, len(page.scene.boxes), len(truths), len(set(found) & set(truths)), in_order)


def score_reading(reader: NumberReader, page: Page) -> Score:
    """The numbers that the reader found in the picture."""
    scene = page.scene
    texts = ["".join(str(scene.labels[row]) for row in rows) for rows in scene.numbers]
    truths = [
        NumberTruth(text, tuple(map(tuple, scene.boxes[list(rows)])))
        for text, rows in zip(texts, scene.numbers, strict=True)
    ]
    found = reader.read(scene.image).numbers
    in_order = "".join(number.best for number in found) == "".join(texts)
    return Score(page.index, page.kind, len(scene.boxes), len(truths), count_exact(found, truths), in_order)


def print_table(title: str, scores: Sequence[Score]) -> None:
    """One row a kind and one for all."""
    print(f"\n{title:24} {'pages':>6} {'numbers':>8} {'exact':>7} {'order':>7}")
    for kind in [*dict.fromkeys(score.kind for score in scores), "all"]:
        part = [score for score in scores if kind in (score.kind, "all")]
        numbers, exact = sum(score.numbers for score in part), sum(score.exact for score in part)
        order = np.mean([score.in_order for score in part])
        print(f"{kind:24} {len(part):6} {numbers:8} {exact / numbers:7.2%} {order:7.2%}")


def save_worst(results: Sequence[tuple[Score, bytes]], folder: Path) -> None:
    """Drawings of the pages that lost the most."""
    folder.mkdir(parents=True, exist_ok=True)
    ranked = sorted(results, key=lambda result: result[0].lost, reverse=True)
    for score, drawing in ranked[:_WORST]:
        if drawing:
            (folder / f"{score.kind}-{score.index:04}.jpg").write_bytes(drawing)


def draw(scene: Scene, found: Sequence[tuple[int, ...]]) -> Image:
    """A page with its digits joined as they were found, numbers in their order; red ones are wrong."""
    image = scene.image.copy()
    boxes = scene.boxes.round().astype(int)
    for place, rows in enumerate(found, start=1):
        colour = (0, 150, 0) if rows in scene.numbers else (0, 0, 230)
        for x0, y0, x1, y1 in boxes[list(rows)].tolist():
            cv2.rectangle(image, (x0, y0), (x1, y1), colour, 1)
        middles = (boxes[list(rows), :2] + boxes[list(rows), 2:]) // 2
        cv2.polylines(image, [middles.reshape(-1, 1, 2).astype(np.int32)], False, colour, 2)
        left, top = boxes[rows[0], :2].tolist()
        cv2.putText(image, str(place), (left, max(top - 2, 8)), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (200, 60, 0), 1)
    return image


def encode(image: Image) -> bytes:
    return bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 85])[1])


if __name__ == "__main__":
    main()
