"""EMNIST digits, QMNIST and USPS, read with torchvision from local files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from digitdet.common.errors import DataError, MissingExtraError
from digitdet.datasets.mnist import Digits, hold_out

_SIDE = 28  # pixels, as in MNIST
_USPS_SIDE = 20  # USPS digits fill their whole picture, MNIST digits 20 of 28 pixels


def load_torchvision_digits(name: str, root: Path, split: str) -> Digits:
    """Load digits as (N, 28, 28), ink 255 on background 0, upright.

    'test' is the set's own test part; 'val' is the end of its training part (see `hold_out`), 'train' the rest. QMNIST
    has the digits of MNIST in the same order, so that a digit is in the same split of both. The training part of EMNIST
    has digits of MNIST's test part, which raises the metrics there.

    Args:
        name: 'emnist', 'qmnist' or 'usps'.
        root: torchvision's `root` folder, with EMNIST/raw, QMNIST/raw or usps.bz2 and usps.t.bz2 in it.
        split: 'train', 'val' or 'test'.
    """
    digits = _read(name, root, train=split != "test")
    if split == "test":
        return digits
    train, val = hold_out(digits)
    return train if split == "train" else val


def _read(name: str, root: Path, train: bool) -> Digits:
    try:
        from torchvision import datasets
    except ImportError as error:
        raise MissingExtraError(f"reading {name}", "train", "torchvision") from error
    class_name, arguments, to_images = _READERS[name]
    try:
        dataset = getattr(datasets, class_name)(str(root), train=train, download=False, **arguments)
        images = to_images(np.asarray(dataset.data, np.uint8))
        labels = np.asarray(dataset.targets, np.int64)
    except (FileNotFoundError, RuntimeError) as error:  # missing: the former for USPS, the latter for the others
        options = "".join(f", {key}={value!r}" for key, value in arguments.items())
        call = f"{class_name}({str(root)!r}, train={train}{options}, download=True)"
        raise DataError(
            f"{root}: {name} is missing or damaged; fetch it with  "
            f'python -c "from torchvision.datasets import {class_name}; {call}"'
        ) from error
    except (AssertionError, EOFError, KeyError, OSError, TypeError, ValueError) as error:
        raise DataError(f"{root}: the files of {name} are damaged ({error}); fetch them again") from error
    labels = labels if labels.ndim == 1 else labels[:, 0]  # QMNIST: class, writer, form and so on
    if images.shape != (len(labels), _SIDE, _SIDE) or not len(labels) or labels.min() < 0 or labels.max() > 9:
        raise DataError(f"{root}: the files of {name} are damaged (labels do not fit the pictures); fetch them again")
    return Digits(images, labels.astype(np.uint8))


def _enlarge(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Scale pictures to `_USPS_SIDE` and centre them in `_SIDE`."""
    enlarged = np.zeros((len(images), _SIDE, _SIDE), np.uint8)
    start = (_SIDE - _USPS_SIDE) // 2
    inner = slice(start, start + _USPS_SIDE)
    for target, image in zip(enlarged, images, strict=True):
        target[inner, inner] = cv2.resize(image, (_USPS_SIDE, _USPS_SIDE), interpolation=cv2.INTER_CUBIC)
    return enlarged


# torchvision's class, its own arguments, and how its pictures are brought to MNIST's form
_READERS: dict[str, tuple[str, dict[str, str], Callable[[Any], npt.NDArray[np.uint8]]]] = {
    "emnist": ("EMNIST", {"split": "digits"}, lambda images: np.ascontiguousarray(images.transpose(0, 2, 1))),
    "qmnist": ("QMNIST", {}, lambda images: images),
    "usps": ("USPS", {}, _enlarge),
}
