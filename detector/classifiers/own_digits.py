"""The user's own digits as MNIST has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from digitdet.classifiers.prepare import SIDE, to_mnist
from digitdet.common.errors import DataError, ImageError
from digitdet.datasets.crops import Crops, load_crops, split_crops
from digitdet.datasets.mnist import Digits


def load_own_digits(path: Path) -> tuple[Mapping[str, Digits], list[str]]:
    """Pictures of single digits by split, 'train', 'val' and 'test', and a line for each that was left out.

    Args:
        path: A folder with the subfolders 0 to 9, or a CSV file with the columns image and label.

    Raises:
        DataError: It cannot be read, or a digit has no usable picture.
    """
    crops = load_crops(path)
    skipped = list(crops.skipped)
    parts = {split: _prepare(part, path, skipped) for split, part in split_crops(crops).items()}
    if not len(parts["train"]):
        raise DataError(f"{path}: no picture shows a digit")
    return parts, skipped


def join_digits(parts: Sequence[Digits]) -> Digits:
    """All digits of several parts, in their order."""
    return Digits(np.concatenate([part.images for part in parts]), np.concatenate([part.labels for part in parts]))


def _prepare(crops: Crops, path: Path, skipped: list[str]) -> Digits:
    images, labels = [np.zeros((0, SIDE, SIDE), np.uint8)], []
    for image, label, name in zip(crops.images, crops.labels.tolist(), crops.names, strict=True):
        try:
            images.append(to_mnist(image)[None])
            labels.append(label)
        except ImageError as error:
            skipped.append(f"{path}: {name}: {error}")
    return Digits(np.concatenate(images), np.array(labels, np.uint8))
