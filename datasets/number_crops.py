"""Crops of whole numbers with their text, as training data of a text recogniser.

Written are images/{split}/{picture}_{number}.png and labels.csv with the columns image, text and split; `image` is
relative to the folder.
"""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from pathlib import Path

from digitdet.common.errors import DataError
from digitdet.common.files import write_atomically
from digitdet.common.types import Box, Image
from digitdet.datasets.formats.dataset import safe_name
from digitdet.datasets.formats.numbers import NUMBERS_FILE, read_truths
from digitdet.datasets.formats.yolo import read_picture
from digitdet.imaging.images import encode_png

MARGIN = 0.15
"""Default margin around a number on each side, as a fraction of its height."""


def write_number_crops(data_file: Path, out: Path) -> tuple[int, int]:
    """Write a PNG for every number in the numbers.jsonl beside data.yaml, then labels.csv, into the empty folder `out`.

    Returns the number of crops and of digits.
    """
    path = data_file.parent / NUMBERS_FILE
    if not path.is_file():
        raise DataError(f"{path}: is missing; crops need it to know which digits make a number")
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow(["image", "text", "split"])
    digits = 0
    used: Counter[tuple[str, str]] = Counter()
    for truth in read_truths(path):
        if not truth.numbers:
            continue
        image_name, split = safe_name(truth.image), safe_name(truth.split)
        if image_name is None:
            raise DataError(f"{path}: {truth.image!r} is not a picture below this folder")
        if split is None:
            raise DataError(f"{path}: {truth.split!r} is not the name of a split")
        image = read_picture(data_file.parent / image_name)
        stem = Path(truth.image).stem
        for number in truth.numbers:
            number_crop = crop_number(image, number.box, MARGIN)
            if not number_crop.size:
                raise DataError(f"{truth.image}: the number {number.text!r} lies outside the picture")
            name = f"images/{split}/{stem}_{used[split, stem]}.png"
            used[split, stem] += 1
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            write_atomically(out / name, encode_png(number_crop))
            rows.writerow([name, number.text, truth.split])
            digits += len(number.text)
    write_atomically(out / "labels.csv", table.getvalue())
    return used.total(), digits


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
