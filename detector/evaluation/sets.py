"""Labelled pictures: a folder with labels.csv, several of them, or a YOLO dataset."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from digitdet.common.boxes import as_boxes, cxcywhn_to_xyxy
from digitdet.common.errors import DataError
from digitdet.datasets.formats.numbers import NUMBERS_FILE, NumberTruth, read_truths
from digitdet.datasets.formats.yolo import DATA_FILE, SPLITS, label_path, list_images, read_data_file, read_labels
from digitdet.evaluation.label_files import read_box_rows, read_number_rows

LABELS_FILE = "labels.csv"
BOXES_FILE = "boxes.csv"
_DEFAULT_SPLIT = "test"  # of YOLO datasets: the only one that nothing was chosen on


@dataclass(frozen=True)
class TrueDigits:
    """The digits of a picture: `labels` (N,) int64, 0 to 9; `boxes` (N, 4) float64, xyxy in pixels, or cxcywhn where
    they `are_relative` to the picture's size (see `digitdet.common.boxes`).
    """

    labels: npt.NDArray[np.int64]
    boxes: npt.NDArray[np.float64]
    are_relative: bool = False

    def xyxy(self, width: int, height: int) -> npt.NDArray[np.float64]:
        """Boxes (N, 4) as xyxy in pixels of a picture of `width` x `height`."""
        return cxcywhn_to_xyxy(self.boxes, width, height) if self.are_relative else self.boxes


@dataclass(frozen=True)
class TruePicture:
    """What is known of one picture.

    `image` is its name in the labels, `path` where it lies. `texts` are its numbers in reading order, where only they
    are known: one, or several rows. `placed` are its numbers where their places are known, too. Both are None where
    no numbers are known, and empty where there are none. `digits` are its single digits, None where they are not known.
    """

    image: str
    path: Path
    texts: tuple[str, ...] | None = None
    placed: tuple[NumberTruth, ...] | None = None
    digits: TrueDigits | None = None


@dataclass(frozen=True)
class TrueSet:
    """Labelled pictures that belong together."""

    name: str
    pictures: tuple[TruePicture, ...]

    @property
    def has_digits(self) -> bool:
        """Whether single digits are known in any picture."""
        return any(picture.digits is not None for picture in self.pictures)

    def sample(self, limit: int) -> TrueSet:
        """At most `limit` of the pictures, evenly spaced; 0 is all."""
        count = len(self.pictures)
        if not limit or count <= limit:
            return self
        return TrueSet(self.name, tuple(self.pictures[place * count // limit] for place in range(limit)))


def load_sets(path: Path, split: str | None = None) -> list[TrueSet]:
    """The labelled sets at a path.

    Args:
        path: A labels file (CSV with the columns `image` and `number`); a folder with a labels.csv, and a boxes.csv
            (`image,digit,x,y,w,h` in pixels) where there is one; a YOLO dataset folder or its data.yaml, with
            numbers.jsonl where there is one; or a folder that holds several such folders, each a set.
        split: Only the pictures of this split: of a labels.csv those with it in the column `split`. None is all of a
            labels.csv, and the test split of a YOLO dataset.

    Raises:
        DataError: There are no labels, they are damaged, or there are no pictures in the split.
    """
    if path.is_file():
        loaded = [_load_yolo(path, split) if path.suffix in (".yaml", ".yml") else _load_csv(path, split)]
    elif (own := _load_folder(path, split)) is not None:
        loaded = [own]
    else:
        folders = sorted(child for child in path.iterdir() if child.is_dir()) if path.is_dir() else []
        loaded = [found for folder in folders if (found := _load_folder(folder, split)) is not None]
    if not loaded:
        reason = "no labelled pictures here" if path.is_dir() else "no such file or folder"
        raise DataError(f"{path}: {reason}; expected {LABELS_FILE} (image,number), {DATA_FILE}, or folders with one")
    return loaded


def _load_folder(folder: Path, split: str | None) -> TrueSet | None:
    """The set of a folder; None if it holds no labels."""
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
            digits=_own_digits(digits, image, texts),
        )
        for image, number in rows
    )
    return TrueSet(_folder_name(file) if file.name == LABELS_FILE else file.stem, pictures)


def _own_digits(digits: dict[str, TrueDigits] | None, image: str, texts: Iterable[str]) -> TrueDigits | None:
    """The digits of one picture: that it has no boxes means something only where it has no number either."""
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
