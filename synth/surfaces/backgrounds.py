"""The user's own pictures as backgrounds: loading, splitting and cutting."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from digitdet.common.errors import DataError
from digitdet.common.types import Image
from digitdet.datasets.formats.yolo import SPLITS, list_images, read_picture
from digitdet.synth.surfaces.fields import log_uniform

# Longest side in pixels at which a picture is kept in memory (about 2 MB each); canvases are smaller.
_MAX_SIDE = 1024

# Part of the pictures that the val and the test split each get.
_HELD_OUT_SHARE = 0.1


def load_backgrounds(folder: Path) -> tuple[list[Image], list[str]]:
    """Load the pictures directly in a folder in the order of their names, at most 1,024 px on the longest side.

    Files that cannot be read and copies of earlier ones are skipped, each with a line "path: reason".

    Raises:
        DataError: The folder has no usable picture.
    """
    images: list[Image] = []
    skipped: list[str] = []
    first_paths: dict[bytes, Path] = {}
    for path in list_images(folder):
        try:
            image = _load_background(path)
        except DataError as error:
            skipped.append(str(error))
            continue
        # A copy could get into another split than its original.
        first = first_paths.setdefault(hashlib.sha256(image.tobytes()).digest(), path)
        if first != path:
            skipped.append(f"{path}: the same picture as {first.name}")
            continue
        images.append(image)
    if not images:
        unusable = f" ({len(skipped)} cannot be read, the first is {skipped[0]})" if skipped else ""
        raise DataError(f"{folder}: no pictures to use as backgrounds{unusable}")
    return images, skipped


def split_backgrounds(images: Sequence[Image]) -> dict[str, Sequence[Image]]:
    """Return the pictures of the train, val and test splits; no picture is in two of them.

    Val and test each get a tenth of the pictures, at least one; with fewer than three pictures they get none.
    """
    held_out = max(round(len(images) * _HELD_OUT_SHARE), 1) if len(images) >= len(SPLITS) else 0
    # Consecutive pictures are often alike, so each split is one run of neighbours.
    val, test = len(images) - 2 * held_out, len(images) - held_out
    return {"train": images[:val], "val": images[val:test], "test": images[test:]}


def cut_background(rng: np.random.Generator, image: Image, width: int, height: int) -> Image:
    """Return a random cut of a picture at a random scale, (height, width, 3) uint8 BGR."""
    fit = max(width / image.shape[1], height / image.shape[0])
    scale = max(fit, log_uniform(rng, fit, max(fit, 1.0) * 1.5))
    cut_width = max(min(image.shape[1], int(width / scale)), 1)
    cut_height = max(min(image.shape[0], int(height / scale)), 1)
    left = int(rng.integers(image.shape[1] - cut_width + 1))
    top = int(rng.integers(image.shape[0] - cut_height + 1))
    cut = image[top : top + cut_height, left : left + cut_width]
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(cut, (width, height), interpolation=method), np.uint8)


def _load_background(path: Path) -> Image:
    image = read_picture(path)
    height, width = image.shape[:2]
    scale = _MAX_SIDE / max(height, width)
    if scale < 1:
        size = max(round(width * scale), 1), max(round(height * scale), 1)
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    return image
