"""Corrected pictures as a dataset that grows: what `digitdet train --data DIR --from shipped` learns from."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec

from digitdet.common.errors import ConfigError, DataError
from digitdet.common.files import LOCK_FILE, write_atomically
from digitdet.common.types import Image
from digitdet.datasets.formats.yolo import (
    DATA_FILE,
    format_labels,
    labels_from_xyxy,
    list_images,
    read_data_file,
    write_data_file,
)
from digitdet.outputs.dataset_pictures import ANNOTATED_SPLITS, boxes_on_upright, picture_file, split_of
from digitdet.reading.rotation import turned_back

MAX_DIGITS = 2000  # of one picture


class CorrectDigit(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A digit as a person says that it is: its box is xyxy in pixels of the picture as that person sees it."""

    digit: Annotated[str, msgspec.Meta(pattern="^[0-9]$")]
    box: tuple[float, float, float, float]


_DECODER = msgspec.json.Decoder(Annotated[list[CorrectDigit], msgspec.Meta(max_length=MAX_DIGITS)])


@dataclass(frozen=True)
class Saved:
    """A correction that was kept: its picture's name in the folder, its digits, and the pictures there are by now."""

    picture: str
    digits: int
    pictures: int


def parse_digits(text: str) -> list[CorrectDigit]:
    """The digits of a picture from JSON: ``[{"digit": "7", "box": [left, top, right, bottom]}, ...]``.

    Raises:
        ConfigError: It is no such list.
    """
    try:
        return _DECODER.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:  # of lone surrogates; deep nesting
        raise ConfigError(f"digits: {error}") from error


class CorrectionFolder:
    """A dataset folder in the YOLO layout. A picture that is corrected again replaces what was there about it.

    Any number of threads may save; one process at a time (`common.files.folder_lock`).

    Args:
        folder: Missing, empty, or a dataset of digits such as this class or `digitdet read --labels` makes.

    Raises:
        DataError: It holds something else.
        OSError: It cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        if folder.exists() and (not folder.is_dir() or any(path.name != LOCK_FILE for path in folder.iterdir())):
            self._require_dataset()
            return
        for split in ANNOTATED_SPLITS:
            (folder / "images" / split).mkdir(parents=True, exist_ok=True)
            (folder / "labels" / split).mkdir(parents=True, exist_ok=True)
        write_data_file(folder, ANNOTATED_SPLITS)

    def save(self, image: Image, original: bytes, rotation: int, digits: Sequence[CorrectDigit]) -> Saved:
        """Keep a picture with all of its digits.

        Args:
            image: The page as it lies, (H, W, 3) uint8 BGR; it is set upright.
            original: The file that it is from.
            rotation: How far the page lies turned clockwise: 0, 90, 180 or 270 degrees.
            digits: All of them: what has no box is held for no digit.

        Raises:
            ConfigError: A box lies outside the picture, or two are the same.
            OSError: The folder cannot be written.
        """
        upright = turned_back(image, rotation)
        height, width = upright.shape[:2]
        boxes = [box for box in boxes_on_upright([one.box for one in digits], rotation, width, height) if box]
        if len(set(boxes)) < len(digits):
            raise ConfigError("digits: a box lies outside the picture, or is there twice")
        label = format_labels(labels_from_xyxy([int(one.digit) for one in digits], boxes, width, height))
        content, suffix = picture_file(upright, original)
        stem = hashlib.sha256(content).hexdigest()[:16]
        with self._lock:
            name = self._name(stem)
            write_atomically(self._folder / "labels" / f"{name}.txt", label)
            write_atomically(self._folder / "images" / f"{name}{suffix}", content)
            return Saved(f"images/{name}{suffix}", len(digits), len(self._pictures()))

    def _name(self, stem: str) -> str:
        """Where the picture is, or is to be: its split and its name without a suffix."""
        pictures = self._pictures()
        known = next((path for path in pictures if path.stem == stem), None)
        return f"{known.parent.name if known else split_of(len(pictures))}/{stem}"

    def _pictures(self) -> list[Path]:
        return [path for split in ANNOTATED_SPLITS for path in list_images(self._folder / "images" / split)]

    def _require_dataset(self) -> None:
        own = {split: self._folder / "images" / split for split in ANNOTATED_SPLITS}
        try:
            splits = read_data_file(self._folder / DATA_FILE)
        except DataError:
            splits = {}
        if any(splits.get(split) != own[split] for split in ANNOTATED_SPLITS):
            raise DataError(f"{self._folder}: is not empty and holds no dataset of digits; choose another folder")
