"""Conversion between dataset formats: YOLO, COCO and Pascal VOC both ways, crops of numbers one way."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from digitdet.common.errors import DataError
from digitdet.datasets.formats.coco import find_coco_files, read_coco, write_coco
from digitdet.datasets.formats.dataset import Dataset, read_yolo, write_yolo
from digitdet.datasets.formats.numbers import NUMBERS_FILE
from digitdet.datasets.formats.voc import find_voc_files, read_voc, write_voc
from digitdet.datasets.formats.yolo import DATA_FILE, find_data_file
from digitdet.datasets.number_crops import write_number_crops

_READERS: Mapping[str, Callable[[Path], Dataset]] = {"yolo": read_yolo, "coco": read_coco, "voc": read_voc}
_WRITERS: Mapping[str, Callable[[Dataset, Path], None]] = {"yolo": write_yolo, "coco": write_coco, "voc": write_voc}

_WITHOUT_NUMBERS = f"{NUMBERS_FILE} is left out: the new dataset has only the boxes of digits"
_GROUPED = f"there is no {NUMBERS_FILE}: digits of a line that are near each other were taken as a number"


@dataclass(frozen=True)
class Conversion:
    """The number of pictures (or crops) and boxes written, and a note for everything left out or doubtful."""

    pictures: int
    boxes: int
    notes: tuple[str, ...] = ()


def detect_format(source: Path) -> str:
    """Return 'yolo', 'coco' or 'voc' by the files in a folder or the suffix of a file, or raise DataError."""
    if source.is_file():
        found = {".json": "coco", ".yaml": "yolo", ".yml": "yolo"}.get(source.suffix.lower())
    elif (source / DATA_FILE).is_file():
        found = "yolo"
    elif find_coco_files(source):
        found = "coco"
    else:
        found = "voc" if find_voc_files(source) else None
    if found is None:
        raise DataError(f"{source}: no dataset: expected data.yaml (YOLO), COCO's JSON or Pascal VOC's XML")
    return found


def convert(source: Path, out: Path, to: str) -> Conversion:
    """Write a dataset in another format, or in the plain form of its own; its own format is detected.

    Args:
        source: A dataset folder, its data.yaml or a COCO file.
        out: A folder that is missing or empty. If the conversion fails, nothing is left in it.
        to: 'yolo', 'coco', 'voc', or 'crops', which needs a YOLO dataset.
    """
    found = detect_format(source)
    if to == "crops" and found != "yolo":
        raise DataError(f"{source}: {found.upper()} does not say which digits make a number; crops need a YOLO dataset")
    source = find_data_file(source) if found == "yolo" else source
    has_numbers = found == "yolo" and (source.parent / NUMBERS_FILE).is_file()
    with fresh_folder(out):
        if to == "crops":
            return Conversion(*write_number_crops(source, out), () if has_numbers else (_GROUPED,))
        dataset = _READERS[found](source)
        _WRITERS[to](dataset, out)
    pictures = [picture for split in dataset.splits.values() for picture in split]
    notes = (*dataset.notes, _WITHOUT_NUMBERS) if has_numbers else dataset.notes
    return Conversion(len(pictures), sum(len(picture.labels) for picture in pictures), notes)


@contextlib.contextmanager
def fresh_folder(out: Path) -> Iterator[None]:
    """Require `out` to be missing or empty, and create it; if the context fails, remove what was written."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(f"{out}: is not empty; choose another folder to write to")
    existed = out.is_dir()
    out.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:  # Ctrl-C too: half a dataset must not look complete
        for path in out.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        if not existed:
            out.rmdir()
        raise
