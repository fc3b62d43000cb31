"""Load labelled pictures from a labels.csv, a YOLO dataset, or a folder of several such sets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from digitdet.common.boxes import as_boxes, cxcywhn_to_xyxy
from digitdet.common.errors import DataError
from digitdet.common.types import Boxes, Indices
from digitdet.datasets.formats.numbers import NUMBERS_FILE, NumberTruth, read_truths
from digitdet.datasets.formats.yolo import DATA_FILE, SPLITS, label_path, list_images, read_data_file, read_labels
from digitdet.evaluation.label_files import read_box_rows, read_number_rows

LABELS_FILE = "labels.csv"
BOXES_FILE = "boxes.csv"
_DEFAULT_SPLIT = "test"  # of YOLO datasets: the only split that training did not use


@dataclass(frozen=True)
class TrueDigits:
    """The digits of a picture: `labels` (N,) int64, 0 to 9; `boxes` (N, 4) float64, xyxy in pixels, or cxcywhn if
    `are_relative` (see `digitdet.common.boxes`).
    """

    labels: Indices
    boxes: Boxes
    are_relative: bool = False

    def xyxy(self, width: int, height: int) -> Boxes:
        """Return the boxes (N, 4) as xyxy in pixels of a picture of `width` x `height`."""
        return cxcywhn_to_xyxy(self.boxes, width, height) if self.are_relative else self.boxes


@dataclass(frozen=True)
class TruePicture:
    """A picture and its labels.

    Attributes:
        image: Its name in the labels.
        path: Its file.
        texts: Its numbers in reading order, one or several rows, where their places are not known.
        placed: Its numbers where their places are known. If both are None, the numbers are not known.
        digits: Its single digits; None if they are not known.
    """

    image: str
    path: Path
    texts: tuple[str, ...] | None = None
    placed: tuple[NumberTruth, ...] | None = None
    digits: TrueDigits | None = None


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
            and the test split of a YOLO dataset.

    Raises:
        DataError: There are no labels, they are damaged, or the split has no pictures.
    """
    if path.is_file():
        loaded = [_load_yolo(path, split) if path.suffix in (".yaml", ".yml") else _load_csv(path, split)]
    elif (folder_set := _load_folder(path, split)) is not None:
        loaded = [folder_set]
    else:
        folders = sorted(child for child in path.iterdir() if child.is_dir()) if path.is_dir() else []
        loaded = [found for folder in folders if (found := _load_folder(folder, split)) is not None]
    if not loaded:
        reason = "no labelled pictures here" if path.is_dir() else "no such file or folder"
        raise DataError(f"{path}: {reason}; expected {LABELS_FILE} (image,number), {DATA_FILE}, or folders with one")
    return loaded


def _load_folder(folder: Path, split: str | None) -> TrueSet | None:
    """The set of a folder; None if it has no labels."""
    if (folder / LABELS_FILE).is_file():
        return _load_csv(folder / LABELS_FILE, split)
    if (folder / DATA_FILE).is_file():
        return _load_yolo(folder / DATA_FILE, split)
    return None


def _load_csv(file: Path, split: str | None) -> TrueSet:
    rows = read_number_rows(file, split)
    boxes_file = file.parent / BOXES_FILE
    digits = _digits_by_image(boxes_file) if boxes_file.is_file() else None
    pictures = tuple(
        TruePicture(
            image,
            file.parent / image,
            texts := tuple(row for row in number.split("|") if row),
            digits=_digits_of(digits, image, texts),
        )
        for image, number in rows
    )
    return TrueSet(_folder_name(file) if file.name == LABELS_FILE else file.stem, pictures)


def _digits_of(digits: dict[str, TrueDigits] | None, image: str, texts: Iterable[str]) -> TrueDigits | None:
    """The digits of one picture; without boxes, they are known only if the picture has no number either."""
    if digits is None or image in digits:
        return None if digits is None else digits[image]
    return None if any(texts) else TrueDigits(np.zeros(0, np.int64), as_boxes([]))


def _digits_by_image(file: Path) -> dict[str, TrueDigits]:
    labels: dict[str, list[int]] = {}
    boxes: dict[str, list[tuple[float, float, float, float]]] = {}
    for image, digit, x, y, width, height in read_box_rows(file):
        labels.setdefault(image, []).append(digit)
        boxes.setdefault(image, []).append((x, y, x + width, y + height))
    return {image: TrueDigits(np.array(labels[image], np.int64), as_boxes(boxes[image])) for image in labels}


def _load_yolo(file: Path, split: str | None) -> TrueSet:
    split = split or _DEFAULT_SPLIT
    folders = read_data_file(file)
    images = list_images(folders[split]) if split in folders else []
    if not images:
        raise DataError(f"{file}: no pictures in the split {split}; choose another of {', '.join(SPLITS)}")
    numbers_file = file.parent / NUMBERS_FILE
    truths = {}
    if numbers_file.is_file():
        truths = {(file.parent / truth.image).resolve(): truth.numbers for truth in read_truths(numbers_file, split)}
    pictures = []
    for image in images:
        labels = read_labels(label_path(image)) if label_path(image).is_file() else None
        digits = TrueDigits(labels.classes, labels.boxes, are_relative=True) if labels is not None else None
        pictures.append(TruePicture(image.name, image, placed=truths.get(image.resolve()), digits=digits))
    return TrueSet(_folder_name(file), tuple(pictures))


def _folder_name(file: Path) -> str:
    return file.resolve().parent.name or "/"
