"""The user's own pictures as grounds: read, split so that no picture serves two splits, and cut."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from digitdet.common.errors import DataError
from digitdet.common.types import Image
from digitdet.datasets.formats.yolo import SPLITS, list_images
from digitdet.imaging.jpeg import is_truncated_jpeg

# Longest side in pixels at which a user's background is kept in memory: canvases are smaller.
_MAX_BACKGROUND_SIDE = 1024

# Part of the pictures, at least one, that the val and the test split get each.
_HELD_OUT_SHARE = 0.1


@dataclass(frozen=True)
class Backgrounds:
    """Pictures to compose on.

    `images`: (H, W, 3) uint8 BGR, at most 1,024 px on the longest side, about 2 MB each; `names`: the file name of
    each; `skipped`: a line "path: reason" for every file that looked like a picture and could not be used.
    """

    images: tuple[Image, ...] = ()
    names: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.images)


def load_backgrounds(folder: Path) -> Backgrounds:
    """All pictures directly in a folder, in the order of their names.

    Files that cannot be read and copies of an earlier picture are skipped, and named in `skipped`.

    Raises:
        DataError: The folder has no picture that can be used.
    """
    images, names, skipped = [], [], []
    first_names: dict[bytes, str] = {}
    for path in list_images(folder):
        try:
            image = _load_background(path)
        except DataError as error:
            skipped.append(str(error))
            continue
        # A copy would let one picture into two splits.
        first = first_names.setdefault(hashlib.sha256(image.tobytes()).digest(), path.name)
        if first != path.name:
            skipped.append(f"{path}: the same picture as {first}")
            continue
        images.append(image)
        names.append(path.name)
    if not images:
        unusable = f" ({len(skipped)} cannot be read, the first is {skipped[0]})" if skipped else ""
        raise DataError(f"{folder}: no pictures to use as backgrounds{unusable}")
    return Backgrounds(tuple(images), tuple(names), tuple(skipped))


def split_backgrounds(backgrounds: Backgrounds) -> Mapping[str, Backgrounds]:
    """The pictures of each split, train, val and test, by the order of their names; no picture is in two of them.

    Val and test get a tenth each, at least one picture; from fewer than three pictures they get none. `skipped` stays
    with train alone.
    """
    count = len(backgrounds)
    held_out = max(round(count * _HELD_OUT_SHARE), 1) if count >= len(SPLITS) else 0
    # Pictures that were taken one after the other are alike: each split is one run of neighbours.
    ends = {"train": (0, count - 2 * held_out), "val": (count - 2 * held_out, count - held_out)}
    ends["test"] = (count - held_out, count)
    return {
        split: Backgrounds(
            backgrounds.images[first:last],
            backgrounds.names[first:last],
            backgrounds.skipped if split == "train" else (),
        )
        for split, (first, last) in ends.items()
    }


def cut_background(rng: np.random.Generator, image: Image, width: int, height: int) -> Image:
    """A random cut of a picture at a random scale, (height, width, 3) uint8 BGR."""
    fit = max(width / image.shape[1], height / image.shape[0])
    scale = max(fit, float(np.exp(rng.uniform(np.log(fit), np.log(max(fit, 1.0) * 1.5)))))
    cut_width = max(min(image.shape[1], int(width / scale)), 1)
    cut_height = max(min(image.shape[0], int(height / scale)), 1)
    left = int(rng.integers(image.shape[1] - cut_width + 1))
    top = int(rng.integers(image.shape[0] - cut_height + 1))
    cut = image[top : top + cut_height, left : left + cut_width]
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(cut, (width, height), interpolation=method), np.uint8)


def _load_background(path: Path) -> Image:
    try:
        content = path.read_bytes()
        image = None if is_truncated_jpeg(content) else cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    except (cv2.error, OSError):  # an empty file is an error to OpenCV
        image = None
    if image is None:
        raise DataError(f"{path}: not a picture that can be read")
    height, width = image.shape[:2]
    scale = _MAX_BACKGROUND_SIDE / max(height, width)
    if scale < 1:
        size = max(round(width * scale), 1), max(round(height * scale), 1)
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return np.asarray(image, np.uint8)
