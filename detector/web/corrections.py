"""Corrected pictures, saved as a dataset for `digitdet train --data DIR --from shipped`."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

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
from digitdet.outputs.annotations import ANNOTATED_SPLITS, boxes_on_upright, picture_file, split_of
from digitdet.reading.rotation import rotate_upright

_Coordinate = Annotated[float, Field(strict=True, allow_inf_nan=False)]


class CorrectDigit(BaseModel):
    """A digit with its box: xyxy in pixels of the picture as a person sees it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    digit: str = Field(pattern="^[0-9]$")
    box: tuple[_Coordinate, _Coordinate, _Coordinate, _Coordinate]


@dataclass(frozen=True)
class Saved:
    """A correction that was saved."""

    picture: Annotated[str, Field(description="Name of the picture in the folder.")]
    digits: Annotated[int, Field(description="Number of its digits.", ge=0)]
    pictures: Annotated[int, Field(description="Number of pictures in the folder.", ge=1)]


class CorrectionFolder:
    """A dataset folder in the YOLO layout. Correcting a picture again replaces its earlier correction.

    Any number of threads may save, but only one process (`common.files.folder_lock`).

    Args:
        folder: Missing, empty, or a dataset of digits from this class or `digitdet read --labels`.

    Raises:
        DataError: The folder has other contents.
        OSError: The folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._splits = {split: folder / "images" / split for split in ANNOTATED_SPLITS}
        if folder.exists() and (not folder.is_dir() or any(path.name != LOCK_FILE for path in folder.iterdir())):
            try:
                found = read_data_file(folder / DATA_FILE).sources
            except DataError:
                found = {}
            if any(found.get(split) != (images,) for split, images in self._splits.items()):
                raise DataError(f"{folder}: is not empty and holds no dataset of digits; choose another folder")
            return
        for split, images in self._splits.items():
            images.mkdir(parents=True, exist_ok=True)
            (folder / "labels" / split).mkdir(parents=True, exist_ok=True)
        write_data_file(folder, ANNOTATED_SPLITS)

    def save(self, image: Image, original: bytes, rotation: int, digits: Sequence[CorrectDigit]) -> Saved:
        """Save a picture with all of its digits.

        Args:
            image: The page, not rotated, (H, W, 3) uint8 BGR; it is saved upright.
            original: The file that the page comes from.
            rotation: Clockwise rotation of the page: 0, 90, 180 or 270 degrees.
            digits: Every digit of the page; the rest is background.

        Raises:
            ConfigError: A box lies outside the picture, or two boxes are equal.
            OSError: The folder cannot be written.
        """
        upright = rotate_upright(image, rotation)
        height, width = upright.shape[:2]
        boxes = [box for box in boxes_on_upright([one.box for one in digits], rotation, width, height) if box]
        if len(set(boxes)) < len(digits):
            raise ConfigError("digits: a box lies outside the picture, or occurs twice")
        label = format_labels(labels_from_xyxy([int(one.digit) for one in digits], boxes, width, height))
        content, suffix = picture_file(upright, original)
        stem = hashlib.sha256(image.tobytes()).hexdigest()[:16]  # the same for every rotation
        with self._lock:
            pictures = self._pictures()
            known = next((path for path in pictures if path.stem == stem), None)
            split = split_of(len(pictures)) if known is None else known.parent.name
            file = self._splits[split] / f"{stem}{suffix}"
            write_atomically(self._folder / "labels" / split / f"{stem}.txt", label)
            write_atomically(file, content)
            if known is not None and known != file:  # a turned picture has another format
                known.unlink()
            return Saved(file.relative_to(self._folder).as_posix(), len(digits), len(self._pictures()))

    def _pictures(self) -> list[Path]:
        return [path for images in self._splits.values() for path in list_images(images)]
