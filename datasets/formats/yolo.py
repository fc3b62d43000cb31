"""The YOLO format: a dataset folder with label files, and a check of both.

data.yaml
images/{train,val,test}/NAME.jpg
labels/{train,val,test}/NAME.txt    one line per box: `class cx cy width height`, as fractions of the picture's size
numbers.jsonl                       optional: the numbers in reading order, see `digitdet.datasets.formats.numbers`

This is how datasets are written. What is read is what Ultralytics itself reads: splits in several folders or listed in
text files, polygons, and classes in any order, which are mapped by their names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import yaml

from digitdet.common.boxes import as_boxes, cxcywhn_to_xyxy, xyxy_to_cxcywhn
from digitdet.common.errors import DataError, ImageError
from digitdet.common.files import write_atomically
from digitdet.common.types import CLASS_NAMES, Image
from digitdet.datasets.formats.numbers import NUMBERS_FILE
from digitdet.imaging.images import decode_image, load_image

DATA_FILE = "data.yaml"
SPLITS = ("train", "val", "test")
IMAGE_SUFFIXES = frozenset({".avif", ".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})

_EDGE_TOLERANCE = 1e-4  # rounded labels may reach past the picture by this fraction of its size
_UNREADABLE = "not a picture that can be decoded, or cut off"
_MAX_CLASS = 1_000_000
_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@dataclass(frozen=True)
class Labels:
    """Labels of a picture: `classes` (N,) int64; `boxes` (N, 4) float64 cxcywhn, see `common.boxes`."""

    classes: npt.NDArray[np.int64]
    boxes: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.classes)

    def xyxy(self, width: int, height: int) -> npt.NDArray[np.float64]:
        """Return the boxes (N, 4) as xyxy in pixels of a picture of `width` x `height`."""
        return cxcywhn_to_xyxy(self.boxes, width, height)


def labels_from_xyxy(classes: npt.ArrayLike, boxes: npt.ArrayLike, width: int, height: int) -> Labels:
    """Make labels of (N,) classes and (N, 4) xyxy pixel boxes in a picture of `width` x `height`."""
    return Labels(np.asarray(classes, dtype=np.int64).reshape(-1), xyxy_to_cxcywhn(boxes, width, height))


def format_labels(labels: Labels) -> str:
    """Return the text of a label file, with six decimals."""
    rows = zip(labels.classes.tolist(), labels.boxes.tolist(), strict=True)
    return "".join(f"{c} {x:.6f} {y:.6f} {w:.6f} {h:.6f}\n" for c, (x, y, w, h) in rows)


def parse_labels(text: str, source: str) -> Labels:
    """Parse the text of a label file; the message of a DataError names `source` and the line.

    Polygons (`class x1 y1 x2 y2 x3 y3 ...`) become the boxes around them.
    """
    classes, boxes = [], []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            class_id, box = _parse_row([float(part) for part in line.split()])
        except (ValueError, OverflowError):
            raise DataError(f"{source}, line {number}: {line!r} is not 'class cx cy width height'") from None
        classes.append(class_id)
        boxes.append(box)
    return Labels(np.asarray(classes, dtype=np.int64), as_boxes(boxes))


def _parse_row(values: list[float]) -> tuple[int, list[float]]:
    """Return class and cxcywhn box of a line; ValueError or OverflowError if it is neither a box nor a polygon."""
    class_id, *rest = values
    if int(class_id) != class_id or abs(class_id) > _MAX_CLASS:  # some tools write 2.0
        raise ValueError
    if len(rest) == 4:
        return int(class_id), rest
    if len(rest) < 6 or len(rest) % 2:
        raise ValueError
    xs, ys = rest[::2], rest[1::2]
    left, top, right, bottom = min(xs), min(ys), max(xs), max(ys)
    return int(class_id), [(left + right) / 2, (top + bottom) / 2, right - left, bottom - top]


def read_labels(path: Path) -> Labels:
    """Read a label file, with the class ids as they are there; DataError if it cannot be read or parsed."""
    try:
        return parse_labels(path.read_text(encoding="utf-8-sig"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error})") from error


def digit_of(name: object) -> int | None:
    """Return the digit that a class is named after, such as '7' or 'Seven', if any."""
    text = str(name).strip().lower()
    names = CLASS_NAMES if text in CLASS_NAMES else _WORDS
    return names.index(text) if text in names else None


def find_data_file(path: Path) -> Path:
    """Return the data.yaml of a dataset, given by its folder or by that file."""
    return path / DATA_FILE if path.is_dir() else path


def write_data_file(folder: Path, splits: Iterable[str] = SPLITS) -> None:
    """Write data.yaml with relative paths, so that the folder can be moved."""
    data = {**{split: f"images/{split}" for split in splits}, "names": dict(enumerate(CLASS_NAMES))}
    write_atomically(folder / DATA_FILE, yaml.safe_dump(data, sort_keys=False))


@dataclass(frozen=True)
class DataFile:
    """The content of data.yaml.

    Attributes:
        path: The file.
        sources: The folders with pictures, or text files that list some, of each split.
        digits: The digit of each class id that is named after one.
        others: The names of the other class ids, whose boxes are left out.
    """

    path: Path
    sources: Mapping[str, tuple[Path, ...]]
    digits: Mapping[int, int]
    others: Mapping[int, str]

    @property
    def notes(self) -> tuple[str, ...]:
        """A line about the classes that are left out, if there are any."""
        names = ", ".join(repr(name) for name in self.others.values())
        return (f"{self.path}: boxes of the classes {names} are left out: they are not digits",) if names else ()

    def pictures(self, split: str) -> list[Path]:
        """Return the pictures of a split, sorted by path within each source; none if the split or a folder is missing.

        Raises:
            DataError: A text file cannot be read.
        """
        return [image for source in self.sources.get(split, ()) for image in _find_pictures(source)]

    def labels(self, picture: Path) -> Labels:
        """Read the label file of a picture, with digits as classes; boxes of other classes are left out.

        Raises:
            DataError: The file cannot be read or parsed, or names a class that data.yaml does not have.
        """
        path = label_path(picture)
        found = read_labels(path)
        for class_id in found.classes.tolist():
            if class_id not in self.digits and class_id not in self.others:
                raise DataError(f"{path}: class {class_id} has no name in {self.path}")
        rows = [row for row, class_id in enumerate(found.classes.tolist()) if class_id in self.digits]
        digits = [self.digits[class_id] for class_id in found.classes[rows].tolist()]
        return Labels(np.asarray(digits, np.int64), found.boxes[rows])


def read_data_file(path: Path) -> DataFile:
    """Read data.yaml, by the rules of Ultralytics; extra keys, such as those of Roboflow, are ignored.

    `path` is relative to the folder of data.yaml, and the splits are relative to `path`. A leading ``../`` that leads
    nowhere is dropped. The key `download` is rejected, since Ultralytics executes it as code.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); make a dataset with  digitdet synth") from error
    except (ValueError, RecursionError, yaml.YAMLError) as error:  # not UTF-8 or malformed dates; deep nesting
        raise DataError(f"{path}: not valid YAML") from error
    if isinstance(data, dict) and "val" not in data and "validation" in data:
        data["val"] = data["validation"]
    if not isinstance(data, dict) or not data.get("train") or not data.get("val"):
        raise DataError(f"{path}: expected the keys train, val and names")
    if "download" in data:
        raise DataError(f"{path}: the key 'download' is not allowed here, since it may hold code; remove it")
    names = data.get("names")
    names = dict(enumerate(names)) if isinstance(names, list) else names
    if not isinstance(names, dict) or not all(str(key).isdecimal() for key in names):
        raise DataError(f"{path}: names must be a list of the classes, such as ['0', '1', ...]")
    names = {int(key): name for key, name in names.items()}
    digits = {key: digit for key, name in names.items() if (digit := digit_of(name)) is not None}
    if not digits:
        raise DataError(f"{path}: names: no class is named after a digit 0 to 9")
    others = {key: str(name) for key, name in names.items() if key not in digits}
    return DataFile(path, {split: _sources(path, data, split) for split in SPLITS if data.get(split)}, digits, others)


def list_images(folder: Path) -> list[Path]:
    """Return the picture files directly in a folder, sorted by name; none if the folder is missing.

    Hidden files are skipped, such as the ._NAME.jpg of macOS.
    """
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if _is_picture(path))


def label_path(image: Path) -> Path:
    """Return the label file of a picture: its last `images` folder becomes `labels`, its suffix `.txt`.

    Without such a folder it lies beside the picture.
    """
    parts = list(image.parts)
    if "images" in parts[:-1]:
        parts[len(parts) - 1 - parts[::-1].index("images")] = "labels"
    return Path(*parts).with_suffix(".txt")


def read_picture(path: Path) -> Image:
    """Read a picture as `digitdet read` does, upright as (H, W, 3) uint8 BGR; DataError if that fails."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    try:
        return load_image(content)
    except ImageError as error:
        raise DataError(f"{path}: {error}") from error


def check_dataset(data_file: Path, decode: bool = False) -> list[str]:
    """Return a line "path: reason" for each problem of a dataset, given as data.yaml or its folder.

    These are splits without pictures, no digit in all of 'train' or 'val', pictures without labels and labels without
    pictures, boxes that are empty or outside the picture, classes without a name, duplicate boxes and duplicate
    pictures, and with `decode` pictures that cannot be decoded.
    """
    data = read_data_file(find_data_file(data_file))
    problems: list[str] = []
    seen: dict[bytes, Path] = {}
    for split, sources in data.sources.items():
        images = data.pictures(split)
        found: list[str] = []
        if not images:
            found.append(f"{', '.join(map(str, sources))}: no pictures")
        for image in images:
            found += _check_label_file(data, image)
            path = label_path(image)
            has_labels = path.is_file() and path.stat().st_size > 0
            try:
                content = image.read_bytes() if has_labels or decode else b""
            except OSError as error:  # listed in a text file, but missing
                found.append(f"{image}: cannot be read ({error.strerror})")
                continue
            if decode and decode_image(content, cv2.IMREAD_REDUCED_GRAYSCALE_8) is None:
                found.append(f"{image}: {_UNREADABLE}")
            if not has_labels:  # blank pictures may be the same
                continue
            digest = hashlib.sha256(content).digest()
            if (first := seen.setdefault(digest, image)) is not image:
                found.append(f"{image}: the same picture as {first}")
        found += _check_lone_labels(images, sources)
        if not found and split != "test" and not any(len(data.labels(image)) for image in images):
            found.append(f"{data.path}: no digit in the split {split}; are its label files empty?")
        problems += found
    return problems


def _check_lone_labels(images: list[Path], sources: tuple[Path, ...]) -> list[str]:
    """Return the label files in the label folders of `sources` without a picture; classes.txt does not count."""
    known = {label_path(image) for image in images}
    folders = [label_path(source / "any").parent for source in sources if source.is_dir()]
    files = [path for folder in folders for path in sorted(folder.rglob("*.txt")) if not _is_stray(path)]
    return [f"{path}: no picture of this name" for path in files if path not in known]


def _is_stray(path: Path) -> bool:
    return path.name.startswith(".") or path.name == "classes.txt"


def fingerprint(data_file: Path) -> str:
    """Return a hash of all labels and their names, which does not depend on the path of the dataset."""
    data = read_data_file(data_file)
    digest = hashlib.sha256()
    if (numbers := data_file.parent / NUMBERS_FILE).is_file():
        digest.update(numbers.read_bytes())
    if dict(data.digits) != {digit: digit for digit in range(len(CLASS_NAMES))}:
        digest.update(repr(sorted(data.digits.items())).encode())
    for split in data.sources:
        for image in data.pictures(split):
            path = label_path(image)
            digest.update(f"{split}/{image.name}\0".encode() + (path.read_bytes() if path.is_file() else b"") + b"\0")
    return digest.hexdigest()


def _sources(data_file: Path, data: dict[str, Any], split: str) -> tuple[Path, ...]:
    """The folders and text files of a split."""
    values, base = data[split], data.get("path") or ""
    values = values if isinstance(values, list) else [values]
    if not isinstance(base, str) or not values or not all(isinstance(value, str) for value in values):
        raise DataError(f"{data_file}: {split} must be a folder of pictures, a text file that lists some, or several")
    folder = data_file.parent / base
    folder = folder if folder.is_dir() else data_file.parent  # a dataset that was moved
    return tuple(_source(folder, value) for value in values)


def _source(folder: Path, value: str) -> Path:
    path = folder / value
    inside = folder / value.removeprefix("../")  # Roboflow writes ../train/images for train/images
    return inside if not path.exists() and inside.exists() else path


def _find_pictures(source: Path) -> list[Path]:
    """The pictures in a folder and its subfolders, or in a text file that lists them."""
    if source.is_dir():
        return sorted(path for path in source.rglob("*") if _is_picture(path))
    if source.suffix.lower() != ".txt" or not source.is_file():
        return []
    try:
        lines = source.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{source}: the list cannot be read ({error})") from error
    return [source.parent / line.strip() for line in lines if line.strip()]


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")


def _check_label_file(data: DataFile, image: Path) -> list[str]:
    path = label_path(image)
    if not path.is_file():
        return [f"{image}: no label file {path}; a picture without digits needs an empty one"]
    try:
        return [f"{path}: {reason}" for reason in check_labels(data.labels(image))]
    except DataError as error:
        return [str(error)]


def check_labels(labels: Labels) -> list[str]:
    """Return what is wrong with the labels of one picture, one line each."""
    reasons = []
    for row, box in enumerate(labels.boxes, start=1):
        if not np.isfinite(box).all() or (box[2:] <= 0).any():
            reasons.append(f"box {row}: its width and height must be above 0")
        elif (box[:2] - box[2:] / 2 < -_EDGE_TOLERANCE).any() or (box[:2] + box[2:] / 2 > 1 + _EDGE_TOLERANCE).any():
            reasons.append(f"box {row}: reaches outside the picture")
    rows = np.column_stack([labels.classes, labels.boxes])
    duplicates = len(rows) - len(np.unique(rows, axis=0)) if len(rows) else 0
    if duplicates:
        reasons.append(f"{duplicates} box(es) given twice")
    return reasons
