"""The COCO format: one JSON file a split that lists pictures, categories and boxes.

Written are annotations/instances_{split}.json and images/{split}/; a `file_name` is relative to images/. Boxes are
xywh in pixels of the picture as decoded. The category of a digit has the id digit + 1, since many tools keep 0 for the
background, and its name is the digit: reading goes by the name alone.
"""

from __future__ import annotations

import json
import math
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from digitdet.common.boxes import area, xyxy_to_xywh
from digitdet.common.errors import DataError
from digitdet.common.files import write_atomically
from digitdet.common.types import CLASS_NAMES, Box
from digitdet.datasets.formats.exchange import (
    Conversion,
    ForeignPicture,
    LabelledPicture,
    digit_of,
    fresh_folder,
    guess_split,
    read_labelled,
    read_splits,
    safe_name,
    split_of_folder,
    write_yolo,
)

_SECTIONS = ("images", "annotations", "categories")
_CATEGORIES = [{"id": digit + 1, "name": name, "supercategory": "digit"} for digit, name in enumerate(CLASS_NAMES)]


def write_coco(data_file: Path, out: Path) -> Conversion:
    """Write a YOLO dataset as COCO; the files of annotations come last.

    Args:
        data_file: data.yaml of a sound dataset.
        out: A folder that is missing or empty.

    Raises:
        DataError: The dataset is not sound, or `out` is not empty.
    """
    contents: dict[str, str] = {}
    pictures = boxes = 0
    with fresh_folder(out):
        for split, images in read_splits(data_file):
            (out / "images" / split).mkdir(parents=True)
            records: list[dict[str, Any]] = []
            annotations: list[dict[str, Any]] = []
            for image_id, image in enumerate(images, start=1):
                picture = read_labelled(split, image)
                shutil.copyfile(image, out / "images" / split / image.name)
                name = f"{split}/{image.name}"
                records.append({"id": image_id, "file_name": name, "width": picture.width, "height": picture.height})
                annotations.extend(_annotations(picture, image_id, first_id=len(annotations) + 1))
            content = {"images": records, "annotations": annotations, "categories": _CATEGORIES}
            contents[split] = json.dumps(content)
            pictures, boxes = pictures + len(records), boxes + len(annotations)
        (out / "annotations").mkdir()
        for split, text in contents.items():
            write_atomically(out / "annotations" / f"instances_{split}.json", text)
    return Conversion(pictures, boxes)


def read_coco(source: Path, out: Path) -> Conversion:
    """Write a COCO dataset as a YOLO dataset folder.

    The split is guessed from the name of the JSON file or of its folder, else it is train. Pictures are looked for
    beside the file and in the folders that are usual. What is left out is named in the notes; see also `write_yolo`.

    Args:
        source: A JSON file, or a folder with some in it, in annotations/ or in a folder a split.
        out: A folder that is missing or empty.

    Raises:
        DataError: There is no such file, a file is damaged, no category is a digit, or no picture can be used.
    """
    files = [source] if source.is_file() else find_coco_files(source)
    if not files:
        raise DataError(f"{source}: no COCO file here (JSON with {', '.join(_SECTIONS)})")
    pictures: list[ForeignPicture] = []
    notes: list[str] = []
    for file in files:
        found = _parse_file(file, notes)
        if len(files) > 1 or source.is_dir():
            notes.append(f"{file}: {len(found)} picture(s) as {found[0].split if found else 'nothing'}")
        pictures.extend(found)
    return write_yolo(pictures, out, notes)


def find_coco_files(folder: Path) -> list[Path]:
    """The COCO files of a folder: in annotations/, in the folder itself or in a folder a split; sorted by name.

    Where some are called instances_*.json, as in COCO itself, they alone are meant: the others are captions and poses.
    """
    found = [path for pattern in ("annotations/*.json", "*.json", "*/*.json") for path in folder.glob(pattern)]
    found = [path for path in sorted(set(found)) if _load(path) is not None]
    return [path for path in found if path.name.startswith("instances")] or found


def _load(path: Path) -> dict[str, Any] | None:
    """The content of a COCO file; None if the file is no JSON with the sections that COCO has."""
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return None
    whole = isinstance(content, dict) and all(isinstance(content.get(section), list) for section in _SECTIONS)
    return content if whole else None


def _annotations(picture: LabelledPicture, image_id: int, first_id: int) -> Iterator[dict[str, Any]]:
    rows = zip(
        picture.classes.tolist(), xyxy_to_xywh(picture.boxes).tolist(), area(picture.boxes).tolist(), strict=True
    )
    for number, (digit, box, size) in enumerate(rows, start=first_id):
        yield {
            "id": number,
            "image_id": image_id,
            "category_id": digit + 1,
            "bbox": [round(value, 3) for value in box],
            "area": round(size, 3),
            "iscrowd": 0,
        }


def _parse_file(path: Path, notes: list[str]) -> list[ForeignPicture]:
    """The pictures of one COCO file, in its order.

    Raises:
        DataError: The file is not COCO, or none of its categories is a digit.
    """
    content = _load(path)
    if content is None:
        raise DataError(f"{path}: not a COCO file (JSON with {', '.join(_SECTIONS)})")
    try:
        names = {category["id"]: str(category["name"]) for category in content["categories"]}
        if all(digit_of(name) is None for name in names.values()):
            raise DataError(f"{path}: no category is called by a digit 0 to 9")
        by_image = _group_boxes(content["annotations"], names, path, notes)
        known = {record["id"] for record in content["images"]}
        if lost := sum(len(found) for image_id, found in by_image.items() if image_id not in known):
            notes.append(f"{path}: {lost} box(es) of pictures that the file does not list")
        pictures = [_parse_picture(record, by_image[record["id"]], path) for record in content["images"]]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path}: not a COCO file ({type(error).__name__}: {error})") from error
    return pictures


def _parse_picture(record: dict[str, Any], found: list[tuple[int, Box]], path: Path) -> ForeignPicture:
    split = guess_split(path.stem) or split_of_folder(path.parent.name) or "train"
    width, height = record.get("width"), record.get("height")
    size = (width, height) if isinstance(width, int) and isinstance(height, int) else None
    name = safe_name(record["file_name"])
    place = _find_picture(path, name) if name else None
    classes, boxes = tuple(digit for digit, _ in found), tuple(box for _, box in found)
    return ForeignPicture(split, name or str(record["file_name"]), place, size, classes, boxes)


def _group_boxes(
    annotations: list[dict[str, Any]], names: dict[Any, str], path: Path, notes: list[str]
) -> dict[Any, list[tuple[int, Box]]]:
    """The digits and xyxy boxes of each image id; what else there is, is counted in the notes."""
    grouped: dict[Any, list[tuple[int, Box]]] = defaultdict(list)
    skipped: Counter[str] = Counter()
    for annotation in annotations:
        category = annotation.get("category_id")
        digit = digit_of(names.get(category))
        box = annotation.get("bbox")
        if digit is None:
            skipped[f"of the category {names.get(category, category)!r}"] += 1
        elif annotation.get("iscrowd"):
            skipped["around crowds"] += 1
        elif not isinstance(box, list) or len(box) != 4 or not all(_is_number(value) for value in box):
            skipped["that are not four numbers"] += 1
        else:
            left, top, width, height = map(float, box)
            grouped[annotation["image_id"]].append((digit, (left, top, left + width, top + height)))
    notes.extend(f"{path}: {count} box(es) {reason}" for reason, count in sorted(skipped.items()))
    return grouped


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _find_picture(path: Path, name: str) -> Path | None:
    """Where the picture of this name lies; the layouts of COCO, of digitdet, of Roboflow and of CVAT are tried."""
    tail = path.stem.removeprefix("instances_")
    base = path.parent
    for folder in (base, base / "images", base.parent, base.parent / "images", base.parent / tail):
        for candidate in (folder / name, folder / tail / name):
            if candidate.is_file():
                return candidate
    return None
