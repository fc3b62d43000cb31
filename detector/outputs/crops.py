"""Crops of the numbers that were read: to check them, to sort them, to train a recogniser on them.

Written are {picture}_{number}.png and labels.csv with the columns image, number, status, confidence, source, page and
box. Numbers are counted from 1 in reading order; `box` is left, top, right and bottom in pixels of the source, with
spaces between them.
"""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from digitdet.common.types import Image
from digitdet.datasets.number_crops import MARGIN, crop_number
from digitdet.imaging.images import encode_png
from digitdet.outputs.export_folder import ExportFolder
from digitdet.outputs.formats import written
from digitdet.outputs.names import FileNames
from digitdet.reading.results import Number, Reading

TABLE_FILE = "labels.csv"
COLUMNS = ("image", "number", "status", "confidence", "source", "page", "box")

_Floats = npt.NDArray[np.float64]

_MIN_TURN = 2.0  # degrees: below it, a crop shows the number as it lies, without resampling


class CropWriter:
    """Writes a PNG file for every number of the readings that it is given, and a table of them at the end.

    Args:
        folder: A folder that is missing or empty; made if it is missing.

    Raises:
        DataError: There is something in the folder already, or it is a file.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = ExportFolder(folder)
        self._names = FileNames()
        self._table = io.StringIO()
        self._rows = csv.writer(self._table, lineterminator="\n")
        self._rows.writerow(COLUMNS)

    def add(self, image: Image, reading: Reading) -> None:
        """Write the crops of a picture (H, W, 3) uint8 BGR with what was read in it.

        Raises:
            OSError: The folder cannot be written.
        """
        stem = self._names.name(reading)
        for index, number in enumerate(reading.numbers, start=1):
            crop = level_crop(image, number)
            if not crop.size:
                continue
            name = f"{stem}_{index}.png"
            self._folder.write(name, encode_png(crop))
            found = number.to_dict()
            origin = [written(reading.source or ""), reading.page, " ".join(f"{value:g}" for value in found["box"])]
            self._rows.writerow([name, number.text, number.status, found["confidence"], *origin])

    def close(self) -> None:
        """Write the table; call it in any case, so that the crops before an interruption are of use.

        Raises:
            OSError: The folder cannot be written.
        """
        self._folder.write(TABLE_FILE, self._table.getvalue())


def level_crop(image: Image, number: Number, margin: float = MARGIN) -> Image:
    """The part of a picture (H, W, 3) uint8 BGR with a number on it, turned so that the number stands upright.

    A number that lies within two degrees of level is cut out as it is; of one outside the picture, no pixels are left.

    Args:
        image: The picture.
        number: The number; its `angle` is how far it is turned clockwise in the picture, quarter turns included.
        margin: What is left around the number, as a share of its height.
    """
    if abs(number.angle) <= _MIN_TURN:
        return crop_number(image, number.box, margin)
    left, top, right, bottom = number.box
    # Only what can come into view is turned: OpenCV takes no picture with a side of 32,768 pixels.
    x, y = (left + right) / 2, (top + bottom) / 2
    radius = math.hypot(right - left, bottom - top) * (0.5 + margin)
    part = crop_number(image, (x - radius, y - radius, x + radius, y + radius), 0)
    if not part.size:
        return part
    origin = np.floor([max(0.0, x - radius), max(0.0, y - radius)])
    boxes = np.asarray([digit.box for digit in number.digits]) - np.tile(origin, 2)
    centre = x - float(origin[0]), y - float(origin[1])
    matrix = np.asarray(cv2.getRotationMatrix2D(centre, number.angle, 1.0), np.float64)
    low, high = _level_extent(boxes, matrix, number.angle)
    reach = margin * float(high[1] - low[1])
    matrix[:, 2] -= low - reach
    # OpenCV's pixels have their centres at whole numbers, those of boxes at halves.
    matrix[:, 2] += matrix[:, :2] @ [0.5, 0.5] - 0.5
    width, height = np.ceil(high - low + 2 * reach).astype(int).tolist()
    crop = cv2.warpAffine(part, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(crop, np.uint8)


def _level_extent(boxes: _Floats, matrix: _Floats, angle: float) -> tuple[_Floats, _Floats]:
    """The corners (2,) each, left upper and right lower, of what digits' boxes (N, 4) cover once they are turned.

    Upright boxes around slanted digits keep their sizes, but for quarter turns: their own corners would take in more.
    """
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2 @ matrix[:, :2].T + matrix[:, 2]
    sizes = boxes[:, 2:] - boxes[:, :2]
    if round(angle / 90) % 2:
        sizes = sizes[:, ::-1]
    return (centres - sizes / 2).min(axis=0), (centres + sizes / 2).max(axis=0)
