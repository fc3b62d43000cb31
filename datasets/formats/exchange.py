"""What the readers and writers of other dataset formats share: pictures with boxes in pixels, and the way to disk."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt

from digitdet.common.boxes import as_boxes, clip_xyxy
from digitdet.common.errors import DataError
from digitdet.common.files import write_atomically
from digitdet.common.types import CLASS_NAMES, Box
from digitdet.datasets.formats.yolo import (
    IMAGE_SUFFIXES,
    SPLITS,
    check_labels,
    format_labels,
    label_path,
    labels_from_xyxy,
    list_images,
    read_data_file,
    read_labels,
    read_picture,
    write_data_file,
)

_MIN_SIDE = 0.1  # pixels: a box thinner than this marks nothing and would vanish in the decimals of a label file
_SPLIT_WORDS = {
    **dict.fromkeys(("train", "training", "trainval"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
_VAL_STRIDE = 10  # a source without validation pictures lends every tenth training picture


@dataclass(frozen=True)
class LabelledPicture:
    """A picture of a dataset: its split, its file, its size in pixels as decoded, and its digits.

    `classes` (N,) int64, 0 to 9; `boxes` (N, 4) float64 xyxy in pixels, inside the picture.
    """

    split: str
    path: Path
    width: int
    height: int
    classes: npt.NDArray[np.int64]
    boxes: npt.NDArray[np.float64]


@dataclass(frozen=True)
class ForeignPicture:
    """What a file of another format says of a picture. Nothing of it is trusted but that the digits are 0 to 9.

    `name` is what the source calls it, `path` where it was found (None: nowhere), `size` the width and height that
    the source gives (None: none), `boxes` xyxy in pixels.
    """

    split: str
    name: str
    path: Path | None
    size: tuple[int, int] | None
    classes: tuple[int, ...]
    boxes: tuple[Box, ...]


@dataclass(frozen=True)
class Conversion:
    """What a conversion has written: pictures, boxes, and a line for everything left out or doubtful."""

    pictures: int
    boxes: int
    notes: tuple[str, ...] = ()


@contextlib.contextmanager
def fresh_folder(out: Path) -> Iterator[Path]:
    """Make `out`, or take it if it is empty; when the work in it fails, what was written is removed again.

    Raises:
        DataError: There is something in it already, or it is a file.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(f"{out}: is not empty; choose another folder to write to")
    existed = out.is_dir()
    out.mkdir(parents=True, exist_ok=True)
    try:
        yield out
    except BaseException:  # Ctrl-C, too: half a dataset must not look whole; it is raised again below
        for path in out.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        if not existed:
            out.rmdir()
        raise


def read_splits(data_file: Path) -> Iterator[tuple[str, list[Path]]]:
    """The picture files of each split of a YOLO dataset, sorted by name.

    Raises:
        DataError: data.yaml cannot be used, or two pictures (a.jpg and a.png) share a label file.
    """
    for split, folder in read_data_file(data_file).items():
        images = list_images(folder)
        stems = Counter(image.stem for image in images)
        for image in images:
            if stems[image.stem] > 1:
                raise DataError(f"{image}: another picture shares its label file; rename one")
        yield split, images


def read_labelled(split: str, image: Path) -> LabelledPicture:
    """A picture of a YOLO dataset with its labels; a box that its decimals carry past the edge is clipped.

    Raises:
        DataError: The picture or its labels cannot be used.
    """
    labels = read_labels(label_path(image))
    if reasons := check_labels(labels):
        raise DataError(f"{label_path(image)}: {reasons[0]}; see all with  digitdet synth --check")
    height, width = read_picture(image).shape[:2]
    return LabelledPicture(
        split, image, width, height, labels.classes, clip_xyxy(labels.xyxy(width, height), width, height)
    )


def digit_of(name: object) -> int | None:
    """The digit that a category of this name stands for; None for any other category."""
    text = str(name).strip()
    return int(text) if text in CLASS_NAMES else None


def guess_split(name: str) -> str | None:
    """The split that a word in a file name speaks of, as in instances_train2017; None if none does."""
    words = re.findall("[a-z]+", name.lower())
    return next((_SPLIT_WORDS[word] for word in words if word in _SPLIT_WORDS), None)


def split_of_folder(name: str) -> str | None:
    """The split that a folder is called by, as train, valid or test2017; None for any other name."""
    return _SPLIT_WORDS.get(name.lower().rstrip("0123456789"))


def safe_name(name: object) -> str | None:
    """A file name of a stranger with forward slashes; None if it is none, or leads out of the dataset's folder."""
    text = str(name).replace("\\", "/")
    parts = PurePosixPath(text).parts
    outside = not parts or text.startswith("/") or ".." in parts or ":" in parts[0] or "\0" in text
    return None if outside else "/".join(parts)


def write_yolo(pictures: Sequence[ForeignPicture], out: Path, notes: Sequence[str] = ()) -> Conversion:
    """Write pictures of another format as a YOLO dataset folder; data.yaml comes last.

    Pictures are copied, their boxes clipped to the size that the picture really has. A picture that is missing or
    cannot be decoded, a box outside its picture and a box given twice are left out and named in the notes. Subfolders
    in names become part of the file name. Without validation pictures, every tenth training picture becomes one.

    Raises:
        DataError: `out` is not empty, or no picture can be used.
    """
    all_notes = list(notes)
    with fresh_folder(out):
        written = boxes = 0
        taken: set[tuple[str, str]] = set()
        pictures = _hold_out(pictures, all_notes)
        splits = [split for split in SPLITS if split != "test" or any(p.split == split for p in pictures)]
        for split in splits:
            (out / "images" / split).mkdir(parents=True)
            (out / "labels" / split).mkdir(parents=True)
        for picture in pictures:
            if picture.path is None:
                all_notes.append(f"{picture.name}: there is no such picture below the dataset's folder")
                continue
            try:
                lines = _label_lines(picture, picture.path, all_notes)
            except DataError as error:
                all_notes.append(str(error))
                continue
            stem = _free_stem(picture, taken)
            name = f"{stem}{picture.path.suffix.lower()}"
            shutil.copyfile(picture.path, out / "images" / picture.split / name)
            write_atomically(out / "labels" / picture.split / f"{stem}.txt", "".join(lines))
            written, boxes = written + 1, boxes + len(lines)
        if not written:
            last = f" ({all_notes[-1]})" if all_notes else ""
            raise DataError(f"none of the {len(pictures)} picture(s) can be used{last}")
        counts = Counter(split for split, _ in taken)
        all_notes += [f"no pictures for the split {split}" for split in splits if not counts[split]]
        write_data_file(out, splits)
    return Conversion(written, boxes, tuple(all_notes))


def _hold_out(pictures: Sequence[ForeignPicture], notes: list[str]) -> list[ForeignPicture]:
    """The pictures, with some of the training pictures for validation where there are none for it."""
    train = [index for index, picture in enumerate(pictures) if picture.split == "train"]
    chosen = set(train[_VAL_STRIDE - 1 :: _VAL_STRIDE])
    if not chosen or any(picture.split == "val" for picture in pictures):
        return list(pictures)
    notes.append(f"there is no validation split: {len(chosen)} of {len(train)} training pictures become one")
    return [replace(p, split="val") if index in chosen else p for index, p in enumerate(pictures)]


def _label_lines(picture: ForeignPicture, path: Path, notes: list[str]) -> list[str]:
    """The lines of the picture's label file; what is left out goes to the notes.

    Raises:
        DataError: The picture cannot be used.
    """
    if path.suffix.lower() not in IMAGE_SUFFIXES:
        raise DataError(f"{path}: not a picture by its suffix")
    height, width = read_picture(path).shape[:2]
    if picture.size is not None and picture.size != (width, height):
        notes.append(f"{picture.name}: is {width}x{height}, not {picture.size[0]}x{picture.size[1]} as its labels say")
    found = as_boxes(picture.boxes)
    clipped = clip_xyxy(np.nan_to_num(found, nan=0.0, posinf=0.0, neginf=0.0), width, height)
    inside = (clipped[:, 2:] - clipped[:, :2] >= _MIN_SIDE).all(axis=1) & np.isfinite(found).all(axis=1)
    for box in found[~inside].tolist():
        notes.append(f"{picture.name}: the box {tuple(round(v, 1) for v in box)} is outside the picture or empty")
    classes = np.asarray(picture.classes, np.int64)[inside]
    lines = format_labels(labels_from_xyxy(classes, clipped[inside], width, height)).splitlines(keepends=True)
    unique = list(dict.fromkeys(lines))
    if len(unique) < len(lines):
        notes.append(f"{picture.name}: {len(lines) - len(unique)} box(es) given twice")
    return unique


def _free_stem(picture: ForeignPicture, taken: set[tuple[str, str]]) -> str:
    """A file name without suffix that no other picture of the split has: a.jpg and a.png would share their labels."""
    stem = PurePosixPath(picture.name).with_suffix("").as_posix().removeprefix(f"{picture.split}/").replace("/", "_")
    free, count = stem, 1
    while (picture.split, free.lower()) in taken:
        count += 1
        free = f"{stem}-{count}"
    taken.add((picture.split, free.lower()))
    return free
