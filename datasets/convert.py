"""From one dataset format to another: YOLO, COCO and Pascal VOC both ways, crops of numbers one way."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from digitdet.common.errors import DataError
from digitdet.datasets.formats.coco import find_coco_files, read_coco, write_coco
from digitdet.datasets.formats.exchange import Conversion
from digitdet.datasets.formats.voc import find_voc_files, read_voc, write_voc
from digitdet.datasets.formats.yolo import DATA_FILE, find_data_file
from digitdet.datasets.number_crops import write_number_crops

FORMATS = ("yolo", "coco", "voc", "crops")

_READERS: Mapping[str, Callable[[Path, Path], Conversion]] = {"coco": read_coco, "voc": read_voc}
_WRITERS: Mapping[str, Callable[[Path, Path], Conversion]] = {
    "coco": write_coco,
    "voc": write_voc,
    "crops": write_number_crops,
}


def detect_format(source: Path) -> str:
    """'yolo', 'coco' or 'voc': a folder is known by its data.yaml, its JSON or its XML, a file by its suffix.

    Raises:
        DataError: It is none of them.
    """
    if source.is_file():
        found = {".json": "coco", ".yaml": "yolo", ".yml": "yolo"}.get(source.suffix.lower())
    elif (source / DATA_FILE).is_file():
        found = "yolo"
    elif find_voc_files(source):
        found = "voc"
    else:
        found = "coco" if find_coco_files(source) else None
    if found is None:
        raise DataError(f"{source}: no dataset: expected data.yaml (YOLO), COCO's JSON or Pascal VOC's XML")
    return found


def convert(source: Path, out: Path, to: str) -> Conversion:
    """Write a dataset into `out` in another format; the format it has is detected.

    Args:
        source: A dataset folder, its data.yaml or a COCO file.
        out: A folder that is missing or empty.
        to: One of `FORMATS`. Crops need numbers.jsonl, which COCO and VOC have no place for.

    Raises:
        DataError: `source` is no dataset or cannot be used, or `out` is not empty.
    """
    found = detect_format(source)
    if found == to:
        raise DataError(f"{source}: is {to.upper()} already")
    if found == "yolo":
        return _WRITERS[to](find_data_file(source), out)
    if to == "yolo":
        return _READERS[found](source, out)
    if to == "crops":
        raise DataError(f"{source}: {found.upper()} does not say which digits make a number; crops need a YOLO dataset")
    with tempfile.TemporaryDirectory() as folder:
        read = _READERS[found](source, Path(folder, "yolo"))
        written = _WRITERS[to](Path(folder, "yolo", DATA_FILE), out)
    return Conversion(written.pictures, written.boxes, read.notes)
