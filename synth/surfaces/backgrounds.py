"""The user's own pictures as backgrounds: loading, splitting and cutting."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import cv2
import numpy as np

from digitdet.common.errors import DataError
from digitdet.common.splits import name_hash
from digitdet.common.tables import read_rows
from digitdet.common.types import Image
from digitdet.datasets.formats.yolo import IMAGE_SUFFIXES, SPLITS, read_picture
from digitdet.imaging.images import decode_image, encode_png
from digitdet.synth.surfaces.fields import log_uniform

LIST_FILE = "list.csv"
"""An optional table in the folder with the columns `file` (a path in the folder) and `origin`: pictures of the same
origin show the same place and are kept in one split."""

# Longest side in pixels at which a picture is kept; most canvases are smaller.
_MAX_SIDE = 1024
# Part of the places that the val and the test split each get.
_HELD_OUT_SHARE = 0.1
# JPEG quality of pictures that had to be shrunk.
_QUALITY = 95
# A picture is enlarged by at most this factor, unless the canvas is larger still.
_MAX_ENLARGEMENT = 1.5


@dataclass(frozen=True)
class Background:
    """A picture, kept as the bytes of a file: its pixels would take 10 to 20 times the memory in every worker."""

    content: bytes
    place: str
    """Name of the place it shows."""
    is_listed: bool = False
    """Whether `list.csv` names its place."""


class Backgrounds(Sequence[Image]):
    """Pictures (H, W, 3) uint8 BGR that are decoded each time they are used."""

    def __init__(self, pictures: Sequence[Background] = ()) -> None:
        self._contents = tuple(picture.content for picture in pictures)

    def __len__(self) -> int:
        return len(self._contents)

    @overload
    def __getitem__(self, index: int) -> Image: ...
    @overload
    def __getitem__(self, index: slice) -> list[Image]: ...
    def __getitem__(self, index: int | slice) -> Image | list[Image]:
        if isinstance(index, slice):
            return [self[row] for row in range(*index.indices(len(self)))]
        image = decode_image(self._contents[index], cv2.IMREAD_COLOR)
        if image is None:  # every picture was decoded when it was loaded
            raise DataError("a background picture cannot be decoded any more")
        return image


def load_backgrounds(folder: Path) -> tuple[list[Background], list[str]]:
    """Load the pictures of a folder and its subfolders in the order of their paths, shrunk to at most 1,024 px.

    Files that cannot be read and copies of earlier ones are skipped, each with a line "path: reason".

    Raises:
        DataError: The folder has no usable picture, or its list.csv has other columns.
    """
    places = _read_places(folder / LIST_FILE)
    pictures: list[Background] = []
    skipped: list[str] = []
    first_paths: dict[bytes, Path] = {}
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES):
        try:
            content, digest = _load_background(path)
        except DataError as error:
            skipped.append(str(error))
            continue
        # A copy could get into another split than its original.
        first = first_paths.setdefault(digest, path)
        if first != path:
            skipped.append(f"{path}: the same picture as {first.relative_to(folder)}")
            continue
        name = path.relative_to(folder).as_posix()
        pictures.append(Background(content, places.get(name, name), name in places))
    if not pictures:
        unusable = f" ({len(skipped)} cannot be read, the first is {skipped[0]})" if skipped else ""
        raise DataError(f"{folder}: no pictures to use as backgrounds{unusable}")
    return pictures, skipped


def split_backgrounds(pictures: Sequence[Background]) -> dict[str, Sequence[Image]]:
    """Return the pictures of the train, val and test splits; no place is in two of them.

    Val and test each get a tenth of the places, at least one; with fewer than three places they get none.
    """
    places = list(dict.fromkeys(picture.place for picture in pictures))
    if any(picture.is_listed for picture in pictures):
        places.sort(key=name_hash)
    # Without a list, consecutive pictures are often alike, so each split is one run of neighbours.
    held_out = max(round(len(places) * _HELD_OUT_SHARE), 1) if len(places) >= len(SPLITS) else 0
    val, test = len(places) - 2 * held_out, len(places) - held_out
    parts = {"train": set(places[:val]), "val": set(places[val:test]), "test": set(places[test:])}
    return {split: Backgrounds([one for one in pictures if one.place in part]) for split, part in parts.items()}


def cut_background(rng: np.random.Generator, image: Image, width: int, height: int) -> Image:
    """Return a random cut of a picture at a random scale, (height, width, 3) uint8 BGR."""
    fit = max(width / image.shape[1], height / image.shape[0])
    scale = max(fit, log_uniform(rng, fit, max(fit, _MAX_ENLARGEMENT)))
    cut_width = max(min(image.shape[1], int(width / scale)), 1)
    cut_height = max(min(image.shape[0], int(height / scale)), 1)
    left = int(rng.integers(image.shape[1] - cut_width + 1))
    top = int(rng.integers(image.shape[0] - cut_height + 1))
    cut = image[top : top + cut_height, left : left + cut_width]
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(cut, (width, height), interpolation=method), np.uint8)


def _read_places(path: Path) -> Mapping[str, str]:
    """Return the origin of each file that a list names; nothing if there is no list."""
    if not path.is_file():
        return {}
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    rows = read_rows(content, str(path), ("file", "origin"))
    return {Path(row["file"]).as_posix(): row["origin"] for _, row in rows if row["origin"]}


def _load_background(path: Path) -> tuple[bytes, bytes]:
    """Return the bytes to keep of a picture file, and a digest of its pixels."""
    image = read_picture(path)
    digest = hashlib.sha256(image.tobytes()).digest()
    height, width = image.shape[:2]
    scale = _MAX_SIDE / max(height, width)
    if scale >= 1:
        content = path.read_bytes()
        kept = decode_image(content, cv2.IMREAD_COLOR)
        is_same = kept is not None and np.array_equal(kept, image)  # not with transparency, for example
        return (content if is_same else encode_png(image)), digest
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return bytes(cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1]), digest
