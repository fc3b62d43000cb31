"""The Pascal VOC format: an XML file a picture.

Written are Annotations/{split}_{name}.xml, JPEGImages/ and ImageSets/Main/{split}.txt. Coordinates are those of VOC
itself: whole pixels counted from 1, the last one inclusive. The box of the pixels x0 to x1 (exclusive, counted from 0)
is therefore xmin = x0 + 1, xmax = x1, and a box on whole pixels comes back exactly.
"""

from __future__ import annotations

import math
import shutil
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from digitdet.common.errors import DataError
from digitdet.common.files import write_atomically
from digitdet.common.types import Box
from digitdet.datasets.formats.exchange import (
    Conversion,
    ForeignPicture,
    LabelledPicture,
    digit_of,
    fresh_folder,
    read_labelled,
    read_splits,
    safe_name,
    split_of_folder,
    write_yolo,
)
from digitdet.datasets.formats.yolo import IMAGE_SUFFIXES, SPLITS

_ANNOTATIONS, _PICTURES = "Annotations", "JPEGImages"
_SETS = Path("ImageSets", "Main")


def write_voc(data_file: Path, out: Path) -> Conversion:
    """Write a YOLO dataset as Pascal VOC, whose boxes are whole pixels; the lists of the splits come last.

    Args:
        data_file: data.yaml of a sound dataset.
        out: A folder that is missing or empty.

    Raises:
        DataError: The dataset is not sound, or `out` is not empty.
    """
    lists: dict[str, list[str]] = {}
    boxes = 0
    with fresh_folder(out):
        for folder in (_ANNOTATIONS, _PICTURES, _SETS):
            (out / folder).mkdir(parents=True)
        for split, images in read_splits(data_file):
            lists[split] = []
            for image in images:
                picture = read_labelled(split, image)
                # The splits share one folder here, and their pictures are often called the same.
                name = f"{split}_{image.stem}"
                shutil.copyfile(image, out / _PICTURES / f"{name}{image.suffix}")
                write_atomically(out / _ANNOTATIONS / f"{name}.xml", _format_xml(picture, f"{name}{image.suffix}"))
                lists[split].append(name)
                boxes += len(picture.classes)
        for split, names in lists.items():
            write_atomically(out / _SETS / f"{split}.txt", "".join(f"{name}\n" for name in names))
    return Conversion(sum(map(len, lists.values())), boxes)


def read_voc(folder: Path, out: Path) -> Conversion:
    """Write a Pascal VOC dataset as a YOLO dataset folder.

    Read are Annotations/, JPEGImages/ and ImageSets/Main/, and also XML files beside their pictures, whose split is
    guessed from their folder (else it is train). Coordinates count from 1, as in VOC itself; a dataset with a 0 among
    them was made by a tool that counts from 0. What is left out is named in the notes; see also `write_yolo`.

    Raises:
        DataError: There is no XML here, a file is not VOC, no object is a digit, or no picture can be used.
    """
    files = find_voc_files(folder)
    if not files:
        raise DataError(f"{folder}: no Pascal VOC files here (Annotations/*.xml)")
    notes: list[str] = []
    splits = _read_sets(folder)
    skipped: Counter[str] = Counter()
    pictures = [_read_picture(folder, path, splits, skipped) for path in files]
    if skipped and not any(picture.classes for picture in pictures):
        raise DataError(f"{folder}: no object is called by a digit 0 to 9")
    notes.extend(f"{folder}: {count} object(s) {reason}" for reason, count in sorted(skipped.items()))
    if any(0 <= value < 1 for picture in pictures for box in picture.boxes for value in box[:2]):
        notes.append(f"{folder}: coordinates count from 0")
    else:
        pictures = [replace(p, boxes=tuple((x - 1, y - 1, x1, y1) for x, y, x1, y1 in p.boxes)) for p in pictures]
    return write_yolo(pictures, out, notes)


def find_voc_files(folder: Path) -> list[Path]:
    """The XML files of a VOC dataset: those in Annotations/, else all below the folder; sorted."""
    base = folder / _ANNOTATIONS
    return sorted((base if base.is_dir() else folder).rglob("*.xml"))


@dataclass(frozen=True)
class _Annotation:
    """What an XML file says: its picture's name and size, and the name and the four coordinates of each object."""

    file_name: str
    size: tuple[int, int] | None
    objects: tuple[tuple[str, Box | None], ...]


class _NoDoctype(ElementTree.TreeBuilder):
    """Refuses a document type before its content is read.

    VOC files have none, and it is the only place where entities can be defined: those that multiply into gigabytes,
    and those that name files of this machine. The parser calls this whatever the encoding; a search in bytes would not
    see UTF-16.
    """

    def doctype(self, name: str, *_ids: str | None) -> None:
        raise DataError(f"a document type ({name}) is not allowed")


def _parse_xml(path: Path) -> _Annotation:
    try:
        parser = ElementTree.XMLParser(target=_NoDoctype())  # noqa: S314 (entities are refused above)
        root = ElementTree.XML(path.read_bytes(), parser)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    except (OSError, ElementTree.ParseError, ValueError, LookupError) as error:
        raise DataError(f"{path}: not readable XML ({error})") from error
    if root.tag != "annotation":
        raise DataError(f"{path}: not a Pascal VOC file: <annotation> expected, not <{root.tag}>")
    objects = tuple((entry.findtext("name", "").strip(), _parse_box(entry)) for entry in root.iter("object"))
    try:
        size = int(root.findtext("size/width", "")), int(root.findtext("size/height", ""))
    except ValueError:
        size = None
    return _Annotation(root.findtext("filename", "").strip(), size, objects)


def _parse_box(entry: ElementTree.Element) -> Box | None:
    try:
        x0, y0, x1, y1 = (float(entry.findtext(f"bndbox/{key}", "")) for key in ("xmin", "ymin", "xmax", "ymax"))
    except ValueError:
        return None
    return (x0, y0, x1, y1) if all(map(math.isfinite, (x0, y0, x1, y1))) else None


def _read_picture(folder: Path, path: Path, splits: dict[str, str], skipped: Counter[str]) -> ForeignPicture:
    """The picture of one XML file, its boxes as written there; what else it holds is counted in `skipped`."""
    annotation = _parse_xml(path)
    classes, boxes = [], []
    for name, box in annotation.objects:
        digit = digit_of(name)
        if digit is None:
            skipped[f"of the name {name!r}"] += 1
        elif box is None:
            skipped["without four coordinates"] += 1
        else:
            classes.append(digit)
            boxes.append(box)
    base = folder / _ANNOTATIONS if (folder / _ANNOTATIONS).is_dir() else folder
    name = path.relative_to(base).with_suffix("").as_posix()
    split = splits.get(name) or splits.get(path.stem) or split_of_folder(path.parent.name) or "train"
    found = next((place for place in _places(folder, path, name, annotation.file_name) if place.is_file()), None)
    name = f"{name}{found.suffix}" if found else name
    return ForeignPicture(split, name, found, annotation.size, tuple(classes), tuple(boxes))


def _places(folder: Path, path: Path, name: str, file_name: str) -> Iterator[Path]:
    """Where the picture of an XML file may lie: by the file name that it gives, then by its own."""
    if given := safe_name(file_name):
        yield folder / _PICTURES / given
        yield path.parent / given
    for suffix in sorted(IMAGE_SUFFIXES):
        yield folder / _PICTURES / f"{name}{suffix}"
        yield path.parent / f"{path.stem}{suffix}"


def _read_sets(folder: Path) -> dict[str, str]:
    """The split of each picture that ImageSets/Main/ lists; trainval counts as train where nothing else does."""
    splits: dict[str, str] = {}
    for split, list_name in (("train", "trainval"), *((split, split) for split in SPLITS)):
        path = folder / _SETS / f"{list_name}.txt"
        if path.is_file():
            names = path.read_text(encoding="utf-8", errors="replace").splitlines()
            splits.update((name.strip(), split) for name in names if name.strip())
    return splits


def _format_xml(picture: LabelledPicture, file_name: str) -> bytes:
    root = ElementTree.Element("annotation")
    _add(root, "folder", _PICTURES)
    _add(root, "filename", file_name)
    size = ElementTree.SubElement(root, "size")
    for key, value in (("width", picture.width), ("height", picture.height), ("depth", 3)):
        _add(size, key, str(value))
    _add(root, "segmented", "0")
    corners = _whole_pixels(picture.boxes, picture.width, picture.height)
    for digit, corner in zip(picture.classes.tolist(), corners.tolist(), strict=True):
        entry = ElementTree.SubElement(root, "object")
        for key, text in (("name", str(digit)), ("pose", "Unspecified"), ("truncated", "0"), ("difficult", "0")):
            _add(entry, key, text)
        box = ElementTree.SubElement(entry, "bndbox")
        for key, value in zip(("xmin", "ymin", "xmax", "ymax"), corner, strict=True):
            _add(box, key, str(value))
    ElementTree.indent(root)
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))


def _add(parent: ElementTree.Element, key: str, text: str) -> None:
    ElementTree.SubElement(parent, key).text = text


def _whole_pixels(boxes: npt.NDArray[np.float64], width: int, height: int) -> npt.NDArray[np.int64]:
    """Boxes (N, 4) xyxy as VOC's corners (N, 4), each at least one pixel wide and high and inside the picture."""
    first, last = np.rint(boxes[:, :2]), np.rint(boxes[:, 2:])
    first = np.minimum(np.where(first < last, first, np.floor(boxes[:, :2])), [width - 1, height - 1])
    last = np.maximum(last, first + 1)
    return np.concatenate([first + 1, last], axis=1).astype(np.int64)
