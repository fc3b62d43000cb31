"""The user's own pictures of single digits: one folder per digit, or a CSV file that names pictures and digits."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from digitdet.common.errors import DataError, ImageError
from digitdet.common.splits import name_hash
from digitdet.common.tables import read_rows
from digitdet.common.types import CLASS_NAMES, Image
from digitdet.datasets.formats.yolo import SPLITS, list_images
from digitdet.imaging.images import load_image

_MAX_SIDE = 192  # pixels; larger crops are shrunk, digits are drawn at about 150 px at most
_MIN_SIDE = 4
_MIN_CONTRAST = 16  # a crop whose values span less (of 255) is blank
_HELD_OUT_SHARE = 0.1  # of the crops of each digit, for 'val' and for 'test'


@dataclass(frozen=True)
class Crops:
    """Pictures of one digit each."""

    images: tuple[Image, ...]  # (H, W, 3) uint8 BGR each, of different sizes
    labels: npt.NDArray[np.uint8]  # (N,), 0 to 9
    names: tuple[str, ...]  # path of each picture below the folder of the collection, with forward slashes
    skipped: tuple[str, ...] = ()  # "path: reason" for each picture that could not be used

    def __len__(self) -> int:
        return len(self.images)


def load_crops(path: Path) -> Crops:
    """Read a folder with the subfolders 0 to 9, or a CSV file with the columns `image` and `label`.

    Paths in a CSV file are relative to its folder. Pictures that are missing, damaged, blank or a copy of an earlier
    one (which could be in two splits) are skipped. Large ones are shrunk to 192 px.

    Raises:
        DataError: The path cannot be read, a line of the CSV file is invalid, or a digit has no usable picture.
    """
    entries = _folder_entries(path) if path.is_dir() else _csv_entries(path)
    images, labels, names, skipped = [], [], [], []
    seen: dict[bytes, Path] = {}
    for file, name, label in entries:
        try:
            content = file.read_bytes()
            first = seen.setdefault(hashlib.sha256(content).digest(), file)
            if first is not file:
                raise ValueError(f"the same picture as {first}")
            images.append(_decode_crop(content))
        except OSError as error:
            skipped.append(f"{file}: {error.strerror or error}")
        except ValueError as error:
            skipped.append(f"{file}: {error}")
        else:
            labels.append(label)
            names.append(name)
    missing = [digit for digit in range(10) if digit not in labels]
    if missing:
        what = f"no usable picture of a {missing[0]}" if images else "no usable pictures of digits"
        reason = f" ({len(skipped)} skipped, the first: {skipped[0]})" if skipped else ""
        raise DataError(f"{path}: {what}{reason}; expected the subfolders 0 to 9, or a CSV file with image,label")
    return Crops(tuple(images), np.array(labels, np.uint8), tuple(names), tuple(skipped))


def split_crops(crops: Crops) -> dict[str, Crops]:
    """Divide crops into 'train', 'val' and 'test', the last two a tenth each.

    The hash of a crop's name decides, not the order of the files. A digit with three crops or more is in every split;
    one with fewer is in 'train' only. `skipped` goes to 'train'.
    """
    rows: dict[str, list[int]] = {split: [] for split in SPLITS}
    hashes = [name_hash(name) for name in crops.names]
    for digit in range(10):
        own = sorted(np.flatnonzero(crops.labels == digit).tolist(), key=hashes.__getitem__)
        held_out = max(round(_HELD_OUT_SHARE * len(own)), 1) if len(own) >= len(SPLITS) else 0
        rows["test"] += own[:held_out]
        rows["val"] += own[held_out : 2 * held_out]
        rows["train"] += own[2 * held_out :]
    return {
        split: Crops(
            tuple(crops.images[row] for row in chosen),
            crops.labels[chosen],
            tuple(crops.names[row] for row in chosen),
            crops.skipped if split == "train" else (),
        )
        for split, chosen in rows.items()
    }


def _folder_entries(folder: Path) -> Iterator[tuple[Path, str, int]]:
    """Yield file, name and digit of each picture."""
    for digit, name in enumerate(CLASS_NAMES):
        for file in list_images(folder / name):
            yield file, f"{name}/{file.name}", digit


def _csv_entries(path: Path) -> list[tuple[Path, str, int]]:
    """Return file, name and digit of each picture."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); expected a folder or a CSV file") from error
    entries = []
    for line, row in read_rows(content, str(path), ("image", "label")):
        image, label = row["image"], row["label"]
        if not image or label not in CLASS_NAMES:
            raise DataError(f"{path}, line {line}: expected a picture and a digit 0 to 9, got {image},{label}")
        entries.append((path.parent / image, Path(image).as_posix(), int(label)))
    return entries


def _decode_crop(content: bytes) -> Image:
    """Decode a picture as BGR, shrunk to `_MAX_SIDE`; ValueError if it is damaged, too small or blank."""
    try:
        image = load_image(content)
    except ImageError as error:
        raise ValueError(str(error)) from error
    height, width = image.shape[:2]
    if min(height, width) < _MIN_SIDE:
        raise ValueError(f"{width}x{height} pixels are too few")
    if int(np.ptp(image, axis=(0, 1)).max()) < _MIN_CONTRAST:
        raise ValueError("blank")
    scale = _MAX_SIDE / max(height, width)
    if scale < 1:
        size = max(round(width * scale), 1), max(round(height * scale), 1)
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    return image
