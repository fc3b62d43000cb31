"""The COCO object detection format: one JSON file per split that lists pictures, categories and boxes.

Datasets are written as annotations/instances_{split}.json and images/{split}/; `file_name` is relative to images/.
Boxes are left, top, width and height in pixels of the decoded picture. A digit's category has the id digit + 1, since
many tools reserve 0 for the background; when a dataset is read, the names of the categories count.
"""

from __future__ import annotations

import json
import math
import shutil
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from digitdet.common.errors import DataError
from digitdet.common.files import write_atomically
from digitdet.common.types import CLASS_NAMES, Box
from digitdet.datasets.formats.dataset import (
    Dataset,
    LabelledPicture,
    UncheckedPicture,
    check_pictures,
    safe_name,
    split_from_file_name,
    split_from_folder_name,
)
from digitdet.datasets.formats.yolo import digit_of

_SECTIONS = ("images", "annotations", "categories")
_CATEGORIES = [{"id": digit + 1, "name": name, "supercategory": "digit"} for digit, name in enumerate(CLASS_NAMES)]


def write_coco(dataset: Dataset, out: Path) -> None:
    """Write a dataset as COCO into an empty folder; the annotation files come last."""
    for split, pictures in dataset.splits.items():
        (out / "images" / split).mkdir(parents=True)
        for picture in pictures:
            shutil.copyfile(picture.path, out / "images" / split / picture.name)
    (out / "annotations").mkdir()
    for split, pictures in dataset.splits.items():
        write_atomically(out / "annotations" / f"instances_{split}.json", json.dumps(_format_split(split, pictures)))


def read_coco(source: Path) -> Dataset:
    """Read a COCO dataset; see `check_pictures` for what is left out.

    The split is taken from the name of the JSON file or of its folder, by default it is train. Pictures are searched
    beside the file and in the usual folders.

    Args:
        source: A JSON file, or a folder with JSON files in it, in annotations/ or in one folder per split.
    """
    files = [source] if source.is_file() else find_coco_files(source)
    if not files:
        raise DataError(f"{source}: no COCO file here (JSON with {', '.join(_SECTIONS)})")
    pictures: list[UncheckedPicture] = []
    notes: list[str] = []
    for file in files:
        found = _parse_file(file, notes)
        if len(files) > 1 or source.is_dir():
            notes.append(f"{file}: {len(found)} picture(s) as {found[0].split if found else 'nothing'}")
        pictures.extend(found)
    return check_pictures(pictures, notes)


def find_coco_files(folder: Path) -> list[Path]:
    """Return the COCO files in annotations/, in the folder itself or in one folder per split, sorted by name.

    If some are named instances_*.json, as in COCO itself, only those: the others are captions and keypoints.
    """
    found = [path for pattern in ("annotations/*.json", "*.json", "*/*.json") for path in folder.glob(pattern)]
    found = [path for path in sorted(set(found)) if _load(path) is not None]
    return [path for path in found if path.name.startswith("instances")] or found


def _load(path: Path) -> dict[str, Any] | None:
    """Return the content of a COCO file; None if the file is not JSON with the sections of COCO."""
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return None
    is_coco = isinstance(content, dict) and all(isinstance(content.get(section), list) for section in _SECTIONS)
    return content if is_coco else None


def _format_split(split: str, pictures: list[LabelledPicture]) -> dict[str, Any]:
    images = [
        {"id": image_id, "file_name": f"{split}/{picture.name}", "width": picture.width, "height": picture.height}
        for image_id, picture in enumerate(pictures, start=1)
    ]
    annotations: list[dict[str, Any]] = []
    for image_id, picture in enumerate(pictures, start=1):
        for digit, (left, top, right, bottom) in zip(
            picture.labels.classes.tolist(), picture.boxes.tolist(), strict=True
        ):
            width, height = right - left, bottom - top
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image_id,
                    "category_id": digit + 1,
                    "bbox": [round(value, 3) for value in (left, top, width, height)],
                    "area": round(width * height, 3),
                    "iscrowd": 0,
                }
            )
    return {"images": images, "annotations": annotations, "categories": _CATEGORIES}


def _parse_file(path: Path, notes: list[str]) -> list[UncheckedPicture]:
    content = _load(path)
    if content is None:
        raise DataError(f"{path}: not a COCO file (JSON with {', '.join(_SECTIONS)})")
    try:
        names = {category["id"]: str(category["name"]) for category in content["categories"]}
        if all(digit_of(name) is None for name in names.values()):
            raise DataError(f"{path}: no category is named after a digit 0 to 9")
        by_image = _group_boxes(content["annotations"], names, path, notes)
        known = {record["id"] for record in content["images"]}
        if lost := sum(len(found) for image_id, found in by_image.items() if image_id not in known):
            notes.append(f"{path}: {lost} box(es) of pictures that the file does not list")
        return [_parse_picture(record, by_image[record["id"]], path) for record in content["images"]]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path}: not a COCO file ({type(error).__name__}: {error})") from error


def _parse_picture(record: dict[str, Any], found: list[tuple[int, Box]], path: Path) -> UncheckedPicture:
    split = split_from_file_name(path.stem) or split_from_folder_name(path.parent.name) or "train"
    width, height = record.get("width"), record.get("height")
    size = (width, height) if isinstance(width, int) and isinstance(height, int) else None
    name = safe_name(record["file_name"])
    classes, boxes = tuple(digit for digit, _ in found), tuple(box for _, box in found)
    picture = _find_picture(path, name) if name else None
    return UncheckedPicture(split, name or str(record["file_name"]), picture, size, classes, boxes)


def _group_boxes(
    annotations: list[dict[str, Any]], names: dict[Any, str], path: Path, notes: list[str]
) -> dict[Any, list[tuple[int, Box]]]:
    """Return the digits and xyxy boxes of each image id; other annotations are counted in the notes."""
    grouped: dict[Any, list[tuple[int, Box]]] = defaultdict(list)
    skipped: Counter[str] = Counter()
    for annotation in annotations:
        category = annotation.get("category_id")
        digit = digit_of(names.get(category))
        box = _parse_box(annotation)
        if digit is None:
            skipped[f"of the category {names.get(category, category)!r}"] += 1
        elif annotation.get("iscrowd"):
            skipped["around crowds"] += 1
        elif box is None:
            skipped["that are neither four numbers nor polygons"] += 1
        else:
            grouped[annotation["image_id"]].append((digit, box))
    notes.extend(f"{path}: {count} box(es) {reason}" for reason, count in sorted(skipped.items()))
    return grouped


def _parse_box(annotation: dict[str, Any]) -> Box | None:
    """Return the xyxy box of an annotation, or the box around its polygons if it has none; None without both."""
    box = annotation.get("bbox")
    if isinstance(box, list) and len(box) == 4 and all(map(_is_number, box)):
        left, top, width, height = map(float, box)
        return left, top, left + width, top + height
    polygons = annotation.get("segmentation")
    if box or not isinstance(polygons, list) or not polygons:  # a mask as run lengths is not a list
        return None
    if not all(isinstance(one, list) and len(one) >= 6 and not len(one) % 2 for one in polygons):
        return None
    values = [value for one in polygons for value in one]
    if not all(map(_is_number, values)):
        return None
    xs, ys = values[::2], values[1::2]
    return float(min(xs)), float(min(ys)), float(max(xs)), float(max(ys))


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _find_picture(path: Path, name: str) -> Path | None:
    """Search a picture of a COCO file in the layouts of COCO, digitdet, Roboflow and CVAT."""
    tail = path.stem.removeprefix("instances_")
    base = path.parent
    for folder in (base, base / "images", base.parent, base.parent / "images", base.parent / tail):
        for candidate in (folder / name, folder / tail / name):
            if candidate.is_file():
                return candidate
    return None
