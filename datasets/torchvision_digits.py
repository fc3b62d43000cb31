"""EMNIST digits, QMNIST and USPS, read through torchvision from files that are already on disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from digitdet.common.errors import DataError, MissingExtraError
from digitdet.datasets.formats.yolo import SPLITS
from digitdet.datasets.mnist import Digits

_SIDE = 28  # pixels, as in MNIST
_USPS_SIDE = 20  # MNIST's digits fill 20 of the 28 pixels; those of USPS fill their picture
_VAL_DIGITS = 5_000


def load_torchvision_digits(name: str, root: Path, split: str) -> Digits:
    """Digits of 'emnist', 'qmnist' or 'usps' as (N, 28, 28), ink 255 on 0, upright.

    'test' is the set's own test part; 'val' is the end of its training part, 5,000 digits or a twelfth if that is
    less; 'train' is the rest. QMNIST's digits are MNIST's in the same order (and 50,000 more in its test part), so that
    a digit of both is in the same split of both. EMNIST was cut anew from the forms behind MNIST: a digit can be in
    EMNIST's training part and in MNIST's test part, so that scores on the latter flatter a model trained on EMNIST.

    Args:
        name: 'emnist', 'qmnist' or 'usps'.
        root: torchvision's `root` folder, with EMNIST/raw, QMNIST/raw or usps.bz2 and usps.t.bz2 in it.
        split: 'train', 'val' or 'test'.

    Raises:
        DataError: There is no such set or split, or its files are missing or damaged.
        MissingExtraError: torchvision is not installed.
    """
    if name not in _READERS:
        raise DataError(f"there is no digit set {name!r}; expected one of {', '.join(_READERS)}")
    if split not in SPLITS:
        raise DataError(f"there is no split {split!r}; expected one of {', '.join(SPLITS)}")
    digits = _read(name, root, train=split != "test")
    if split == "test":
        return digits
    cut = len(digits) - min(_VAL_DIGITS, len(digits) // 12)
    return digits[:cut] if split == "train" else digits[cut:]


def _read(name: str, root: Path, train: bool) -> Digits:
    try:
        from torchvision import datasets
    except ImportError as error:
        raise MissingExtraError(f"reading {name}", "train", "torchvision") from error
    class_name, arguments, to_arrays = _READERS[name]
    try:
        dataset = getattr(datasets, class_name)(str(root), train=train, download=False, **arguments)
        images, labels = to_arrays(dataset)
    # FileNotFoundError is USPS's way to say so, RuntimeError that of the others.
    except (FileNotFoundError, RuntimeError) as error:
        options = "".join(f", {key}={value!r}" for key, value in arguments.items())
        call = f"{class_name}({str(root)!r}, train={train}{options}, download=True)"
        raise DataError(
            f"{root}: {name} is not there or damaged; fetch it with  "
            f'python -c "from torchvision.datasets import {class_name}; {call}"'
        ) from error
    except (AssertionError, EOFError, KeyError, OSError, TypeError, ValueError) as error:
        raise DataError(f"{root}: the files of {name} are damaged ({error}); fetch them again") from error
    if not len(images) or len(images) != len(labels) or labels.min() < 0 or labels.max() > 9:
        raise DataError(f"{root}: the files of {name} are damaged (labels do not fit the pictures); fetch them again")
    return Digits(images, labels.astype(np.uint8))


Arrays = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]


def _emnist_arrays(dataset: Any) -> Arrays:
    # EMNIST is stored with rows and columns exchanged.
    images = np.ascontiguousarray(np.asarray(dataset.data, np.uint8).transpose(0, 2, 1))
    return _checked(images), np.asarray(dataset.targets, np.int64)


def _qmnist_arrays(dataset: Any) -> Arrays:
    # A label is a row of eight numbers (class, writer, form and so on).
    return _checked(np.asarray(dataset.data, np.uint8)), np.asarray(dataset.targets, np.int64)[:, 0]


def _usps_arrays(dataset: Any) -> Arrays:
    images = np.zeros((len(dataset.data), _SIDE, _SIDE), np.uint8)
    start = (_SIDE - _USPS_SIDE) // 2
    inner = slice(start, start + _USPS_SIDE)
    for image, small in zip(images, dataset.data, strict=True):
        image[inner, inner] = cv2.resize(small, (_USPS_SIDE, _USPS_SIDE), interpolation=cv2.INTER_CUBIC)
    return images, np.asarray(dataset.targets, np.int64)


def _checked(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    if images.shape[1:] != (_SIDE, _SIDE):
        raise ValueError(f"pictures of {images.shape[1:]} instead of {_SIDE}x{_SIDE}")
    return images


# torchvision's class, what it takes beside root, train and download, and how its arrays become ours.
_READERS: dict[str, tuple[str, dict[str, str], Callable[[Any], Arrays]]] = {
    "emnist": ("EMNIST", {"split": "digits"}, _emnist_arrays),
    "qmnist": ("QMNIST", {}, _qmnist_arrays),
    "usps": ("USPS", {}, _usps_arrays),
}
