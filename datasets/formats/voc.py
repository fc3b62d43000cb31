"""The Pascal VOC format: one XML file per picture.

Datasets are written as Annotations/{split}_{name}.xml, JPEGImages/ and ImageSets/Main/{split}.txt. As in VOC itself,
coordinates are whole pixels counted from 1 and the last one is inclusive: left becomes xmin - 1, right is xmax.
"""

from __future__ import annotations

import math
import shutil
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from digitdet.common.errors import DataError
from digitdet.common.files import write_atomically
from digitdet.common.types import Box
from digitdet.datasets.formats.dataset import (
    Dataset,
    LabelledPicture,
    UncheckedPicture,
    check_pictures,
    safe_name,
    split_from_folder_name,
)
from digitdet.datasets.formats.yolo import IMAGE_SUFFIXES, SPLITS, digit_of

_ANNOTATIONS, _PICTURES = "Annotations", "JPEGImages"
_SETS = Path("ImageSets", "Main")
_CORNERS = ("xmin", "ymin", "xmax", "ymax")


def write_voc(dataset: Dataset, out: Path) -> None:
    """Write a dataset as Pascal VOC, with boxes of whole pixels, into an empty folder; the split lists come last."""
    for folder in (_ANNOTATIONS, _PICTURES, _SETS):
        (out / folder).mkdir(parents=True)
    lists: dict[str, list[str]] = {split: [] for split in dataset.splits}
    for split, pictures in dataset.splits.items():
        for picture in pictures:
            file_name = f"{split}_{picture.name}"  # all splits are in one folder
            stem = Path(file_name).stem
            shutil.copyfile(picture.path, out / _PICTURES / file_name)
            write_atomically(out / _ANNOTATIONS / f"{stem}.xml", _format_xml(picture, file_name))
            lists[split].append(stem)
    for split, names in lists.items():
        write_atomically(out / _SETS / f"{split}.txt", "".join(f"{name}\n" for name in names))


def read_voc(folder: Path) -> Dataset:
    """Read a Pascal VOC dataset; see `check_pictures` for what is left out.

    The folder has Annotations/, JPEGImages/ and ImageSets/Main/, or XML files beside their pictures, whose split is
    taken from the name of their folder, by default train. If all names begin with their split, as `write_voc` names
    pictures, it is cut off. If a coordinate is 0, or no whole number, the dataset counts from 0, not from 1.
    """
    files = find_voc_files(folder)
    if not files:
        raise DataError(f"{folder}: no Pascal VOC files here (Annotations/*.xml)")
    splits = _read_splits(folder)
    skipped: Counter[str] = Counter()
    pictures = [_read_picture(folder, path, splits, skipped) for path in files]
    if skipped and not any(picture.classes for picture in pictures):
        raise DataError(f"{folder}: no object is named after a digit 0 to 9")
    notes = [f"{folder}: {count} object(s) {reason}" for reason, count in sorted(skipped.items())]
    starts = [value for picture in pictures for box in picture.boxes for value in box[:2]]
    if any(0 <= value < 1 or value % 1 for value in starts):
        notes.append(f"{folder}: coordinates count from 0")
    else:
        pictures = [replace(p, boxes=tuple((x - 1, y - 1, x1, y1) for x, y, x1, y1 in p.boxes)) for p in pictures]
    if all(picture.name.startswith(f"{picture.split}_") for picture in pictures):
        pictures = [replace(picture, name=picture.name.removeprefix(f"{picture.split}_")) for picture in pictures]
    return check_pictures(pictures, notes)


def find_voc_files(folder: Path) -> list[Path]:
    """Return the XML files in Annotations/ or, without that folder, all below `folder`, sorted."""
    base = folder / _ANNOTATIONS
    return sorted((base if base.is_dir() else folder).rglob("*.xml"))


class _NoDoctype(ElementTree.TreeBuilder):
    """Rejects a document type, which alone can define XML entities: they could expand to gigabytes or name files."""

    def doctype(self, name: str, *_ids: str | None) -> None:
        raise DataError(f"a document type ({name}) is not allowed")


def _parse_xml(path: Path) -> ElementTree.Element:
    try:
        parser = ElementTree.XMLParser(target=_NoDoctype())  # noqa: S314 -- entities are rejected above
        root = ElementTree.XML(path.read_bytes(), parser)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    except (OSError, ElementTree.ParseError, ValueError, LookupError) as error:
        raise DataError(f"{path}: not readable XML ({error})") from error
    if root.tag != "annotation":
        raise DataError(f"{path}: not a Pascal VOC file: <annotation> expected, not <{root.tag}>")
    return root


def _read_picture(folder: Path, path: Path, splits: dict[str, str], skipped: Counter[str]) -> UncheckedPicture:
    """Read one XML file, with the boxes as written there; objects that are not digits are counted in `skipped`."""
    root = _parse_xml(path)
    classes, boxes = [], []
    for entry in root.iter("object"):
        category = entry.findtext("name", "").strip()
        digit, box = digit_of(category), _parse_box(entry)
        if digit is None:
            skipped[f"of the name {category!r}"] += 1
        elif box is None:
            skipped["without four coordinates"] += 1
        else:
            classes.append(digit)
            boxes.append(box)
    try:
        size = int(root.findtext("size/width", "")), int(root.findtext("size/height", ""))
    except ValueError:
        size = None
    base = folder / _ANNOTATIONS if (folder / _ANNOTATIONS).is_dir() else folder
    name = path.relative_to(base).with_suffix("").as_posix()
    split = splits.get(name) or splits.get(path.stem) or split_from_folder_name(path.parent.name) or "train"
    places = _picture_paths(folder, path, name, root.findtext("filename", "").strip())
    found = next((place for place in places if place.is_file()), None)
    return UncheckedPicture(
        split, f"{name}{found.suffix}" if found else name, found, size, tuple(classes), tuple(boxes)
    )


def _parse_box(entry: ElementTree.Element) -> Box | None:
    try:
        x0, y0, x1, y1 = (float(entry.findtext(f"bndbox/{corner}", "")) for corner in _CORNERS)
    except ValueError:
        return None
    return (x0, y0, x1, y1) if all(map(math.isfinite, (x0, y0, x1, y1))) else None


def _picture_paths(folder: Path, path: Path, name: str, file_name: str) -> Iterator[Path]:
    """Yield possible paths of the picture: with the file name in the XML, then with the name of the XML file."""
    if given := safe_name(file_name):
        yield folder / _PICTURES / given
        yield path.parent / given
    for suffix in sorted(IMAGE_SUFFIXES):
        yield folder / _PICTURES / f"{name}{suffix}"
        yield path.parent / f"{path.stem}{suffix}"


def _read_splits(folder: Path) -> dict[str, str]:
    """Return the split of each picture in ImageSets/Main/; trainval is train, unless another list has the picture."""
    splits: dict[str, str] = {}
    for split, list_name in (("train", "trainval"), *((split, split) for split in SPLITS)):
        path = folder / _SETS / f"{list_name}.txt"
        if path.is_file():
            names = path.read_text(encoding="utf-8", errors="replace").splitlines()
            splits.update((name.strip(), split) for name in names if name.strip())
    return splits


def _format_xml(picture: LabelledPicture, file_name: str) -> bytes:
    size = {"width": picture.width, "height": picture.height, "depth": 3}
    root = _element("annotation", {"folder": _PICTURES, "filename": file_name, "size": size, "segmented": 0})
    corners = _whole_pixels(picture.boxes, picture.width, picture.height)
    for digit, corner in zip(picture.labels.classes.tolist(), corners.tolist(), strict=True):
        box = dict(zip(_CORNERS, corner, strict=True))
        entry = {"name": digit, "pose": "Unspecified", "truncated": 0, "difficult": 0, "bndbox": box}
        root.append(_element("object", entry))
    ElementTree.indent(root)
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))


def _element(tag: str, content: Any) -> ElementTree.Element:
    """Make an element of a text, or of a mapping from tags to contents."""
    element = ElementTree.Element(tag)
    if isinstance(content, dict):
        element.extend(_element(key, value) for key, value in content.items())
    else:
        element.text = str(content)
    return element


def _whole_pixels(boxes: npt.NDArray[np.floating], width: int, height: int) -> npt.NDArray[np.int64]:
    """Round boxes (N, 4) xyxy to VOC's corners (N, 4), at least one pixel wide and high, inside the picture."""
    first, last = np.rint(boxes[:, :2]), np.rint(boxes[:, 2:])
    first = np.minimum(np.where(first < last, first, np.floor(boxes[:, :2])), [width - 1, height - 1])
    last = np.maximum(last, first + 1)
    return np.concatenate([first + 1, last], axis=1).astype(np.int64)
