"""Load labelled pictures from a labels.csv, a YOLO dataset, or a folder of several such sets."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from digitdet.common.boxes import as_boxes, cxcywhn_to_xyxy
from digitdet.common.characters import MARKS, only_digits
from digitdet.common.errors import DataError
from digitdet.common.tables import read_rows
from digitdet.common.types import CLASS_NAMES, Boxes, Indices
from digitdet.datasets.formats.numbers import NUMBERS_FILE, LineTruth, NumberTruth, read_truths
from digitdet.datasets.formats.yolo import DATA_FILE, label_path, read_data_file

LABELS_FILE = "labels.csv"
BOXES_FILE = "boxes.csv"
_DEFAULT_SPLIT = "test"  # of YOLO datasets: the only split that training did not use; folders of corrections lack it
_BOX_COLUMNS = ("image", "digit", "x", "y", "w", "h")


@dataclass(frozen=True)
class DigitBoxes:
    """Digits: `labels` (N,) int64, 0 to 9; `boxes` (N, 4) float64 xyxy in pixels, or cxcywhn if `are_relative`."""

    labels: Indices
    boxes: Boxes
    are_relative: bool = False

    def in_pixels(self, width: int, height: int) -> DigitBoxes:
        """Return the digits with their boxes as xyxy in pixels of a picture of `width` x `height`."""
        return DigitBoxes(self.labels, cxcywhn_to_xyxy(self.boxes, width, height)) if self.are_relative else self


@dataclass(frozen=True)
class TruePicture:
    """A picture and its labels.

    Attributes:
        image: Its name in the labels.
        path: Its file.
        texts: Its numbers in reading order, one or several rows, where their places are not known.
        placed: Its numbers where their places are known. If both are None, the numbers are not known.
        lines: Its lines of text; none if they are not known.
        digits: Its single digits; None if they are not known.
        as_written: Whether its texts have their marks, and are compared with them; otherwise they have digits alone.
    """

    image: str
    path: Path
    texts: tuple[str, ...] | None = None
    placed: tuple[NumberTruth, ...] | None = None
    lines: tuple[LineTruth, ...] = ()
    digits: DigitBoxes | None = None
    as_written: bool = False


@dataclass(frozen=True)
class TrueSet:
    """Labelled pictures that are measured together."""

    name: str
    pictures: tuple[TruePicture, ...]

    def sample(self, limit: int) -> TrueSet:
        """Return at most `limit` of the pictures, evenly spaced; 0 is all."""
        count = len(self.pictures)
        if not limit or count <= limit:
            return self
        return TrueSet(self.name, tuple(self.pictures[index * count // limit] for index in range(limit)))


def load_sets(path: Path, split: str | None = None) -> list[TrueSet]:
    """Load the labelled sets at a path.

    Args:
        path: A CSV file with the columns `image` and `number`; a folder with such a labels.csv, optionally with a
            boxes.csv (`image,digit,x,y,w,h` in pixels); a YOLO dataset folder or its data.yaml, optionally with
            numbers.jsonl; or a folder of several such folders.
        split: Only the pictures of this split; in a labels.csv, it is the column `split`. None is all of a labels.csv,
            and the test split of a YOLO dataset, or the val split of one without.

    Raises:
        DataError: There are no labels, they are damaged, or the split has no pictures.
    """
    files = [path] if path.is_file() else _label_files(path)
    if not files and path.is_dir():
        files = [file for child in sorted(path.iterdir()) for file in _label_files(child)]
    if not files:
        reason = "no labelled pictures here" if path.is_dir() else "no such file or folder"
        raise DataError(f"{path}: {reason}; expected {LABELS_FILE} (image,number), {DATA_FILE}, or folders with one")
    return [(_load_yolo if file.suffix in (".yaml", ".yml") else _load_csv)(file, split) for file in files]


def _label_files(folder: Path) -> list[Path]:
    """The file with the labels of a folder, if it has one; labels.csv is preferred."""
    return [file for file in (folder / LABELS_FILE, folder / DATA_FILE) if file.is_file()][:1]


def _load_csv(file: Path, split: str | None) -> TrueSet:
    numbers = _read_numbers(file, split)
    as_written = any(mark in number for number in numbers.values() for mark in MARKS)
    boxes_file = file.parent / BOXES_FILE
    has_boxes = boxes_file.is_file()
    digits = _read_boxes(boxes_file) if has_boxes else {}
    pictures = []
    for image, number in numbers.items():
        texts = tuple(row for row in number.split("|") if row)
        blank = DigitBoxes(np.zeros(0, np.int64), as_boxes([])) if has_boxes and not texts else None
        known = digits.get(image, blank)
        pictures.append(TruePicture(image, file.parent / image, texts, digits=known, as_written=as_written))
    return TrueSet(_folder_name(file) if file.name == LABELS_FILE else file.stem, tuple(pictures))


def _read_numbers(file: Path, split: str | None) -> dict[str, str]:
    """The number of each picture: digits, perhaps with marks, several rows separated by |; empty without a number."""
    numbers: dict[str, str] = {}
    for line, row in _rows(file, ("image", "number") if split is None else ("image", "number", "split")):
        image, number = row["image"], row["number"]
        if not image or not all(map(_is_number, filter(None, number.split("|")))):
            raise DataError(
                f"{file}, line {line}: expected a picture and its number, of digits and the marks {' '.join(MARKS)} "
                f"(several rows separated by |), got {image!r},{number!r}"
            )
        if split is not None and row["split"] != split:
            continue
        if image in numbers:
            raise DataError(f"{file}, line {line}: {image!r} is listed twice")
        numbers[image] = number
    if not numbers:
        raise DataError(f"{file}: lists no pictures" + (f" of the split {split!r}" if split is not None else ""))
    return numbers


def _is_number(text: str) -> bool:
    return set(text) <= {*CLASS_NAMES, *MARKS} and bool(only_digits(text))


def _read_boxes(file: Path) -> dict[str, DigitBoxes]:
    labels: dict[str, list[int]] = {}
    boxes: dict[str, list[tuple[float, float, float, float]]] = {}
    for line, row in _rows(file, _BOX_COLUMNS):
        try:
            x, y, width, height = (float(row[name]) for name in _BOX_COLUMNS[2:])
            is_box = all(map(math.isfinite, (x, y, width, height))) and width > 0 < height
            if row["digit"] not in CLASS_NAMES or not is_box:
                raise ValueError
        except ValueError:
            raise DataError(f"{file}, line {line}: expected {','.join(_BOX_COLUMNS)} with a digit 0 to 9") from None
        labels.setdefault(row["image"], []).append(int(row["digit"]))
        boxes.setdefault(row["image"], []).append((x, y, x + width, y + height))
    return {image: DigitBoxes(np.array(labels[image], np.int64), as_boxes(boxes[image])) for image in labels}


def _rows(file: Path, columns: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    """Line number and fields of each row of a CSV file, without surrounding spaces."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror})") from error
    return read_rows(content, str(file), columns)


def _load_yolo(file: Path, split: str | None) -> TrueSet:
    data = read_data_file(file)
    split = split or (_DEFAULT_SPLIT if _DEFAULT_SPLIT in data.sources else "val")
    images = data.pictures(split)
    if not images:
        raise DataError(f"{file}: no pictures in the split {split}; choose another of {', '.join(data.sources)}")
    numbers_file = file.parent / NUMBERS_FILE
    truths = {}
    if numbers_file.is_file():
        truths = {(file.parent / truth.image).resolve(): truth for truth in read_truths(numbers_file, split)}
    pictures = []
    for image in images:
        labels = data.labels(image) if label_path(image).is_file() else None
        digits = DigitBoxes(labels.classes, labels.boxes, are_relative=True) if labels is not None else None
        truth = truths.get(image.resolve())
        placed, lines = (truth.numbers, truth.lines) if truth is not None else (None, ())
        pictures.append(TruePicture(image.name, image, placed=placed, lines=lines, digits=digits))
    return TrueSet(_folder_name(file), tuple(pictures))


def _folder_name(file: Path) -> str:
    name = file.parent.name  # not resolved: folders may be links to folders of one name
    return (name if name not in ("", "..") else file.resolve().parent.name) or "/"
