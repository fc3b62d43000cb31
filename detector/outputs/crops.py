"""Crops of the numbers that were read: {picture}_{number}.png, counted from 1 in reading order, and labels.csv."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path

import cv2
import numpy as np

from digitdet.common.boxes import as_boxes
from digitdet.common.files import write_atomically
from digitdet.common.text import escape_surrogates
from digitdet.common.types import Boxes, FloatArray, Image
from digitdet.datasets.number_crops import MARGIN, crop_number
from digitdet.imaging.images import encode_png
from digitdet.outputs.export_folder import FileNames
from digitdet.reading.results import Number, Reading

COLUMNS = ("image", "number", "status", "confidence", "source", "page", "box")

_MIN_ANGLE = 2.0  # degrees: numbers within it are cropped without rotation


class CropWriter:
    """Writes a PNG file for every number into a folder, and a table of them at the end; see `export_folder`."""

    skipped = ()

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names = FileNames()
        self._table = io.StringIO()
        self._rows = csv.writer(self._table, lineterminator="\n")
        self._rows.writerow(COLUMNS)
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, image: Image, reading: Reading) -> None:
        """Write the crops of the numbers in a picture (H, W, 3) uint8 BGR."""
        stem = self._names.name(reading)
        for index, number in enumerate(reading.numbers, start=1):
            number_crop = level_crop(image, number)
            if not number_crop.size:
                continue
            name = f"{stem}_{index}.png"
            write_atomically(self._folder / name, encode_png(number_crop))
            fields = number.to_dict()
            box = " ".join(f"{value:g}" for value in fields["box"])
            source = escape_surrogates(reading.source or "")
            self._rows.writerow([name, number.text, number.status, fields["confidence"], source, reading.page, box])

    def close(self) -> None:
        """Write the table."""
        write_atomically(self._folder / "labels.csv", self._table.getvalue())


def level_crop(image: Image, number: Number, margin: float = MARGIN) -> Image:
    """Return the part of a picture (H, W, 3) uint8 BGR with a number, its marks and a margin in heights of the number,
    rotated so that the number is upright; an empty array if it is outside the picture.
    """
    boxes = as_boxes([*(digit.box for digit in number.digits), *(mark.box for mark in number.marks)])
    (left, top), (right, bottom) = boxes[:, :2].min(axis=0).tolist(), boxes[:, 2:].max(axis=0).tolist()
    if abs(number.angle) <= _MIN_ANGLE:
        return crop_number(image, (left, top, right, bottom), margin)
    # Only the neighbourhood is rotated: OpenCV rejects pictures with a side of 32,768 pixels or more.
    x, y = (left + right) / 2, (top + bottom) / 2
    radius = math.hypot(right - left, bottom - top) * (0.5 + margin)
    part = crop_number(image, (x - radius, y - radius, x + radius, y + radius), 0)
    if not part.size:
        return part
    origin = np.floor([max(0.0, x - radius), max(0.0, y - radius)])
    centre = x - float(origin[0]), y - float(origin[1])
    matrix = np.asarray(cv2.getRotationMatrix2D(centre, number.angle, 1.0), np.float64)
    low, high = _rotated_extent(boxes - np.tile(origin, 2), matrix, number.angle)
    space = margin * float(high[1] - low[1])
    matrix[:, 2] -= low - space
    # Pixel centres are at whole numbers in OpenCV and at halves in boxes.
    matrix[:, 2] += matrix[:, :2] @ [0.5, 0.5] - 0.5
    width, height = np.ceil(high - low + 2 * space).astype(int).tolist()
    crop = cv2.warpAffine(part, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(crop, np.uint8)


def _rotated_extent(boxes: Boxes, matrix: FloatArray, angle: float) -> tuple[FloatArray, FloatArray]:
    """The upper left and lower right corner (2,) of the area that boxes (N, 4) cover after the rotation."""
    # The boxes keep their sizes, except for quarter turns: the rotated corners of slanted boxes would cover too much.
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2 @ matrix[:, :2].T + matrix[:, 2]
    sizes = boxes[:, 2:] - boxes[:, :2]
    if round(angle / 90) % 2:
        sizes = sizes[:, ::-1]
    return (centres - sizes / 2).min(axis=0), (centres + sizes / 2).max(axis=0)
