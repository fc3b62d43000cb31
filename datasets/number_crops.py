"""Crops of whole numbers with their text, as training data of a text recogniser.

Written are images/{split}/{picture}_{number}.png and labels.csv with the columns image, text and split; `image` is
relative to the folder.
"""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from digitdet.common.errors import DataError
from digitdet.common.files import write_atomically
from digitdet.common.types import Box, Image
from digitdet.datasets.formats.dataset import safe_name
from digitdet.datasets.formats.numbers import NUMBERS_FILE, NumberTruth, read_truths
from digitdet.datasets.formats.yolo import read_data_file, read_picture
from digitdet.datasets.labelled_numbers import numbers_of_digits
from digitdet.imaging.images import encode_png

MARGIN = 0.15
"""Margin around a number on each side, as a fraction of its height."""


def write_number_crops(data_file: Path, out: Path) -> tuple[int, int]:
    """Write a PNG for every number of a YOLO dataset, then labels.csv, into the empty folder `out`.

    The numbers are those of the numbers.jsonl beside data.yaml; without it, digits near each other are a number.

    Returns:
        The number of crops and the number of digits.

    Raises:
        DataError: A number lies outside its picture, or a file cannot be read.
    """
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow(["image", "text", "split"])
    digits = 0
    used: Counter[tuple[str, str]] = Counter()
    for path, split, image, numbers in _numbers(data_file):
        for number in numbers:
            number_crop = crop_number(image, number.box, MARGIN)
            if not number_crop.size:
                raise DataError(f"{path}: the number {number.text!r} lies outside the picture")
            name = f"images/{split}/{path.stem}_{used[split, path.stem]}.png"
            used[split, path.stem] += 1
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            write_atomically(out / name, encode_png(number_crop))
            rows.writerow([name, number.text, split])
            digits += len(number.text)
    write_atomically(out / "labels.csv", table.getvalue())
    return used.total(), digits


def _numbers(data_file: Path) -> Iterator[tuple[Path, str, Image, Sequence[NumberTruth]]]:
    """Yield path, split, pixels and numbers of each picture with digits."""
    file = data_file.parent / NUMBERS_FILE
    if not file.is_file():
        data = read_data_file(data_file)
        for split, path in [(name, path) for name in data.sources for path in data.pictures(name)]:
            if len(labels := data.labels(path)):
                image = read_picture(path)
                boxes = labels.xyxy(image.shape[1], image.shape[0])
                yield path, split, image, numbers_of_digits(labels.classes.tolist(), boxes)
        return
    for truth in read_truths(file):
        if not truth.numbers:
            continue
        name, split_name = safe_name(truth.image), safe_name(truth.split)
        if name is None:
            raise DataError(f"{file}: {truth.image!r} is not a picture below this folder")
        if split_name is None:
            raise DataError(f"{file}: {truth.split!r} is not the name of a split")
        yield data_file.parent / name, split_name, read_picture(data_file.parent / name), truth.numbers


def crop_number(image: Image, box: Box, margin: float) -> Image:
    """Return a view of the part of a picture in an xyxy box, without pixels if the box lies outside.

    `margin` is added on each side, as a fraction of the height of the box, up to the edges of the picture.
    """
    left, top, right, bottom = box
    extra = margin * (bottom - top)
    height, width = image.shape[:2]
    rows = slice(max(0, math.floor(top - extra)), max(0, min(height, math.ceil(bottom + extra))))
    columns = slice(max(0, math.floor(left - extra)), max(0, min(width, math.ceil(right + extra))))
    return image[rows, columns]
