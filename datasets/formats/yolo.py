"""The YOLO format: a dataset folder with label files, and a check of both.

data.yaml
images/{train,val,test}/NAME.jpg
labels/{train,val,test}/NAME.txt    one line per box: `class cx cy width height`, as fractions of the picture's size
numbers.jsonl                       optional: the numbers in reading order, see `digitdet.datasets.formats.numbers`
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import yaml

from digitdet.common.boxes import as_boxes, cxcywhn_to_xyxy, xyxy_to_cxcywhn
from digitdet.common.errors import DataError
from digitdet.common.files import write_atomically
from digitdet.common.types import CLASS_NAMES, Image
from digitdet.imaging.images import decode_image

DATA_FILE = "data.yaml"
SPLITS = ("train", "val", "test")
IMAGE_SUFFIXES = frozenset({".avif", ".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})

_EDGE_TOLERANCE = 1e-4  # rounded labels may reach past the picture by this fraction of its size
_UNREADABLE = "not a picture that can be decoded, or cut off"


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
    """Parse the text of a label file; the message of a DataError names `source` and the line."""
    classes, boxes = [], []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        parts = line.split()
        try:
            if len(parts) != 5:
                raise ValueError
            classes.append(int(parts[0]))
            boxes.append([float(part) for part in parts[1:]])
        except ValueError:
            raise DataError(f"{source}, line {number}: {line!r} is not 'class cx cy width height'") from None
    return Labels(np.asarray(classes, dtype=np.int64), as_boxes(boxes))


def read_labels(path: Path) -> Labels:
    """Read a label file; DataError if it cannot be read or parsed."""
    try:
        return parse_labels(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error})") from error


def find_data_file(path: Path) -> Path:
    """Return the data.yaml of a dataset, given by its folder or by that file."""
    return path / DATA_FILE if path.is_dir() else path


def write_data_file(folder: Path, splits: Iterable[str] = SPLITS) -> None:
    """Write data.yaml with relative paths, so that the folder can be moved."""
    data = {**{split: f"images/{split}" for split in splits}, "names": dict(enumerate(CLASS_NAMES))}
    write_atomically(folder / DATA_FILE, yaml.safe_dump(data, sort_keys=False))


def read_data_file(path: Path) -> dict[str, Path]:
    """Read data.yaml and return the picture folder of each split, relative to the current folder.

    The key `path` is relative to the folder of data.yaml. Unknown keys are rejected, since Ultralytics executes a
    `download` entry as code when pictures are missing.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); make a dataset with  digitdet synth") from error
    except (ValueError, RecursionError, yaml.YAMLError) as error:  # not UTF-8 or malformed dates; deep nesting
        raise DataError(f"{path}: not valid YAML") from error
    if not isinstance(data, dict) or not data.get("train") or not data.get("val"):
        raise DataError(f"{path}: expected the keys train, val and names")
    unknown = sorted(str(key) for key in set(data) - {*SPLITS, "names", "nc", "path"})
    if unknown:
        raise DataError(f"{path}: the key {unknown[0]!r} is not allowed here; remove it")
    names = data.get("names")
    names = dict(enumerate(names)) if isinstance(names, list) else names
    names = {str(key): str(name) for key, name in names.items()} if isinstance(names, dict) else None
    if names != {name: name for name in CLASS_NAMES}:
        raise DataError(f"{path}: names must be the ten digits 0 to 9 in order")
    return {split: _split_folder(path, data, split) for split in SPLITS if data.get(split)}


def list_images(folder: Path) -> list[Path]:
    """Return the picture files directly in a folder, sorted by name; none if the folder is missing."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)


def label_path(image: Path) -> Path:
    """Return the label file of a picture: its last `images` folder becomes `labels`, its suffix `.txt`."""
    parts = list(image.parts)
    parts[len(parts) - 1 - parts[::-1].index("images")] = "labels"
    return Path(*parts).with_suffix(".txt")


def read_picture(path: Path) -> Image:
    """Read a picture as (H, W, 3) uint8 BGR with its EXIF orientation applied; DataError if that fails."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    image = decode_image(content, cv2.IMREAD_COLOR)
    if image is None:
        raise DataError(f"{path}: {_UNREADABLE}")
    return image


def check_dataset(data_file: Path, decode: bool = False) -> list[str]:
    """Return a line "path: reason" for each problem of a dataset, given as data.yaml or its folder.

    These are splits without pictures, pictures without labels and labels without pictures, boxes that are empty or
    outside the picture, classes that are not digits, duplicate boxes and duplicate pictures, and with `decode` pictures
    that cannot be decoded.
    """
    problems: list[str] = []
    seen: dict[bytes, Path] = {}
    for folder in read_data_file(find_data_file(data_file)).values():
        images = list_images(folder)
        if not images:
            problems.append(f"{folder}: no pictures")
        for image in images:
            path = label_path(image)
            problems += _check_label_file(path, image)
            has_labels = path.is_file() and path.stat().st_size > 0
            content = image.read_bytes() if has_labels or decode else b""
            if decode and decode_image(content, cv2.IMREAD_REDUCED_GRAYSCALE_8) is None:
                problems.append(f"{image}: {_UNREADABLE}")
            if not has_labels:  # blank pictures may be the same
                continue
            digest = hashlib.sha256(content).digest()
            if (first := seen.setdefault(digest, image)) is not image:
                problems.append(f"{image}: the same picture as {first}")
        stems = {image.stem for image in images}
        label_files = sorted(label_path(folder / "any").parent.glob("*.txt"))
        problems += [f"{path}: no picture of this name" for path in label_files if path.stem not in stems]
    return problems


def fingerprint(data_file: Path) -> str:
    """Return a hash of all label files and their names, which does not depend on the path of the dataset."""
    digest = hashlib.sha256()
    for split, folder in read_data_file(data_file).items():
        for image in list_images(folder):
            path = label_path(image)
            digest.update(f"{split}/{image.name}\0".encode() + (path.read_bytes() if path.is_file() else b"") + b"\0")
    return digest.hexdigest()


def _split_folder(data_file: Path, data: dict[str, object], split: str) -> Path:
    value = data[split]
    base = data.get("path", "")
    if not isinstance(value, str) or not isinstance(base, str):
        raise DataError(f"{data_file}: {split} must be the folder of its pictures")
    folder = data_file.parent / base / value
    if "images" not in folder.parts:
        raise DataError(f"{data_file}: {split} must be a folder below 'images', so that its labels can be found")
    return folder


def _check_label_file(path: Path, image: Path) -> list[str]:
    if not path.is_file():
        return [f"{image}: no label file {path}; a picture without digits needs an empty one"]
    try:
        return [f"{path}: {reason}" for reason in check_labels(read_labels(path))]
    except DataError as error:
        return [str(error)]


def check_labels(labels: Labels) -> list[str]:
    """Return what is wrong with the labels of one picture, one line each."""
    reasons = []
    for row, (class_id, box) in enumerate(zip(labels.classes.tolist(), labels.boxes, strict=True), start=1):
        if not 0 <= class_id < len(CLASS_NAMES):
            reasons.append(f"box {row}: class {class_id} is not a digit 0 to 9")
        if not np.isfinite(box).all() or (box[2:] <= 0).any():
            reasons.append(f"box {row}: its width and height must be above 0")
        elif (box[:2] - box[2:] / 2 < -_EDGE_TOLERANCE).any() or (box[:2] + box[2:] / 2 > 1 + _EDGE_TOLERANCE).any():
            reasons.append(f"box {row}: reaches outside the picture")
    rows = np.column_stack([labels.classes, labels.boxes])
    duplicates = len(rows) - len(np.unique(rows, axis=0)) if len(rows) else 0
    if duplicates:
        reasons.append(f"{duplicates} box(es) given twice")
    return reasons
