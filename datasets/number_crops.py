"""Crops of whole numbers with their text: what a text recogniser is trained on.

Written are images/{split}/{picture}_{number}.png and labels.csv with the columns image, text and split; `image` is
relative to the folder.
"""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from digitdet.common.errors import DataError
from digitdet.common.files import write_atomically
from digitdet.common.types import Box
from digitdet.datasets.formats.exchange import Conversion, fresh_folder, safe_name
from digitdet.datasets.formats.numbers import NUMBERS_FILE, NumberTruth, PictureTruth, read_truths
from digitdet.datasets.formats.yolo import read_picture

LABELS_FILE = "labels.csv"
MARGIN = 0.15  # of the number's height, on each side


def write_number_crops(data_file: Path, out: Path, margin: float = MARGIN) -> Conversion:
    """Cut every number of a dataset out of its picture; labels.csv comes last.

    Args:
        data_file: data.yaml of a dataset with numbers.jsonl beside it.
        out: A folder that is missing or empty.
        margin: What is left around a number, as a share of its height; less at the edges of the picture.

    Returns:
        The count of crops as `pictures`, that of their digits as `boxes`.

    Raises:
        DataError: numbers.jsonl is missing or wrong, a picture cannot be read, or `out` is not empty.
    """
    path = data_file.parent / NUMBERS_FILE
    if not path.is_file():
        raise DataError(f"{path}: is missing; without it nobody knows which digits make a number")
    truths = read_truths(path)
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow(["image", "text", "split"])
    crops = digits = 0
    used: Counter[tuple[str, str]] = Counter()
    with fresh_folder(out):
        for truth in truths:
            if not truth.numbers:
                continue
            image = read_picture(_picture_path(data_file.parent, truth, path))
            stem = Path(truth.image).stem
            for number in truth.numbers:
                name = f"images/{_folder_of(truth, path)}/{stem}_{used[truth.split, stem]}.png"
                used[truth.split, stem] += 1
                (out / name).parent.mkdir(parents=True, exist_ok=True)
                write_atomically(out / name, _encode_crop(image, number, margin, truth.image))
                rows.writerow([name, number.text, truth.split])
                crops, digits = crops + 1, digits + len(number.text)
        write_atomically(out / LABELS_FILE, table.getvalue())
    return Conversion(crops, digits)


def crop_number(image: npt.NDArray[np.uint8], box: Box, margin: float) -> npt.NDArray[np.uint8]:
    """The part of a picture (H, W, 3) uint8 around an xyxy box in pixels, with a margin as a share of its height.

    It ends at the edges of the picture; a box outside the picture gives an array without pixels.
    """
    left, top, right, bottom = box
    extra = margin * (bottom - top)
    height, width = image.shape[:2]
    rows = slice(max(0, math.floor(top - extra)), max(0, min(height, math.ceil(bottom + extra))))
    columns = slice(max(0, math.floor(left - extra)), max(0, min(width, math.ceil(right + extra))))
    return image[rows, columns]


def _encode_crop(image: npt.NDArray[np.uint8], number: NumberTruth, margin: float, source: str) -> bytes:
    crop = crop_number(image, number.box, margin)
    if not crop.size:
        raise DataError(f"{source}: the number {number.text!r} lies outside the picture")
    return bytes(cv2.imencode(".png", crop)[1].tobytes())  # PNG: a second JPEG compression would leave its marks


def _picture_path(folder: Path, truth: PictureTruth, source: Path) -> Path:
    name = safe_name(truth.image)
    if name is None:
        raise DataError(f"{source}: {truth.image!r} is not a picture below this folder")
    return folder / name


def _folder_of(truth: PictureTruth, source: Path) -> str:
    name = safe_name(truth.split)
    if name is None:
        raise DataError(f"{source}: {truth.split!r} is not the name of a split")
    return name
