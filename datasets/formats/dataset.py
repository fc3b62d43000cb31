"""The pictures of a dataset with their boxes, as every format reads and writes them."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np

from digitdet.common.boxes import as_boxes, clip_xyxy
from digitdet.common.errors import DataError
from digitdet.common.files import write_atomically
from digitdet.common.types import Box, Boxes
from digitdet.datasets.formats import yolo

_MIN_SIDE = 0.1  # pixels: thinner boxes would vanish in the six decimals of a label file
_SPLIT_WORDS = {
    **dict.fromkeys(("train", "training", "trainval"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
_VAL_STRIDE = 10  # without a validation split, every tenth training picture is moved to it


@dataclass(frozen=True)
class UncheckedPicture:
    """A picture with its labels as a COCO or VOC file gives them."""

    split: str
    name: str  # as in the source, perhaps with folders
    path: Path | None  # None if the picture was not found
    size: tuple[int, int] | None  # width and height in pixels according to the source
    classes: tuple[int, ...]  # digits 0 to 9
    boxes: tuple[Box, ...]  # xyxy in pixels, one for each class


@dataclass(frozen=True)
class LabelledPicture:
    """A picture that can be decoded, with valid labels."""

    name: str  # file name, unique in its split also without the suffix
    path: Path
    width: int  # of the decoded picture, in pixels
    height: int
    labels: yolo.Labels

    @property
    def boxes(self) -> Boxes:
        """Boxes (N, 4) float64 xyxy in pixels, clipped to the picture."""
        return clip_xyxy(self.labels.xyxy(self.width, self.height), self.width, self.height)


@dataclass(frozen=True)
class Dataset:
    """The pictures of each split, sorted by name, and a note on everything that was left out or is doubtful."""

    splits: dict[str, list[LabelledPicture]]
    notes: tuple[str, ...] = ()


def read_yolo(data_file: Path) -> Dataset:
    """Read a YOLO dataset, given by its data.yaml; DataError if a picture or a label file cannot be used."""
    data = yolo.read_data_file(data_file)
    splits: dict[str, list[LabelledPicture]] = {}
    for split in data.sources:
        splits[split] = []
        used: set[str] = set()
        owners: set[Path] = set()
        for image in data.pictures(split):
            path = yolo.label_path(image)
            if path in owners:
                raise DataError(f"{image}: another picture shares its label file; rename one")
            owners.add(path)
            labels = data.labels(image)
            if reasons := yolo.check_labels(labels):
                raise DataError(f"{path}: {reasons[0]}; see all with  digitdet synth --check")
            height, width = yolo.read_picture(image).shape[:2]
            name = unique_stem(image.stem, used) + image.suffix
            splits[split].append(LabelledPicture(name, image, width, height, labels))
    return Dataset(splits, data.notes)


def write_yolo(dataset: Dataset, out: Path) -> None:
    """Write a dataset as YOLO into an empty folder; data.yaml comes last."""
    for split, pictures in dataset.splits.items():
        images, labels = out / "images" / split, out / "labels" / split
        images.mkdir(parents=True)
        labels.mkdir(parents=True)
        for picture in pictures:
            shutil.copyfile(picture.path, images / picture.name)
            write_atomically(labels / f"{Path(picture.name).stem}.txt", yolo.format_labels(picture.labels))
    yolo.write_data_file(out, dataset.splits)


@contextlib.contextmanager
def linked_yolo(data: yolo.DataFile, folder: Path) -> Iterator[dict[str, Path]]:
    """Make a plain form of a dataset for as long as the context lasts: its folders of pictures by split.

    The pictures are links to the originals, or copies where links are not allowed; labels have the digits as classes.

    Args:
        data: Any dataset that was checked.
        folder: Is replaced, and removed at the end.
    """
    shutil.rmtree(folder, ignore_errors=True)
    splits: dict[str, Path] = {}
    try:
        for split in data.sources:
            images, labels = folder / "images" / split, folder / "labels" / split
            images.mkdir(parents=True)
            labels.mkdir(parents=True)
            used: set[str] = set()
            for picture in data.pictures(split):
                stem = unique_stem(picture.stem, used)
                (labels / f"{stem}.txt").write_text(yolo.format_labels(data.labels(picture)), encoding="utf-8")
                try:
                    (images / f"{stem}{picture.suffix}").symlink_to(picture.resolve())
                except OSError:
                    shutil.copyfile(picture, images / f"{stem}{picture.suffix}")
            splits[split] = images
        yield splits
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def check_pictures(pictures: Sequence[UncheckedPicture], notes: Sequence[str]) -> Dataset:
    """Make a dataset of pictures in another format; DataError if no picture can be used.

    Pictures that are missing or cannot be decoded, boxes outside their picture and duplicate boxes are left out, with a
    note. Boxes are clipped to the real size of the picture. Folders in names become part of the file name. Without
    validation pictures, every tenth training picture becomes one.
    """
    all_notes = list(notes)
    pictures = _hold_out(pictures, all_notes)
    splits: dict[str, list[LabelledPicture]] = {"train": [], "val": []}
    if any(picture.split == "test" for picture in pictures):
        splits["test"] = []
    used_stems: dict[str, set[str]] = {split: set() for split in splits}
    for picture in pictures:
        try:
            splits[picture.split].append(_check_picture(picture, used_stems[picture.split], all_notes))
        except DataError as error:
            all_notes.append(str(error))
    if not any(splits.values()):
        last = f" ({all_notes[-1]})" if all_notes else ""
        raise DataError(f"none of the {len(pictures)} picture(s) can be used{last}")
    all_notes += [f"no pictures for the split {split}" for split, found in splits.items() if not found]
    return Dataset({split: sorted(found, key=lambda p: p.name) for split, found in splits.items()}, tuple(all_notes))


def split_from_file_name(name: str) -> str | None:
    """Return the split that is named in a file name, such as instances_train2017, if any."""
    words = re.findall("[a-z]+", name.lower())
    return next((_SPLIT_WORDS[word] for word in words if word in _SPLIT_WORDS), None)


def split_from_folder_name(name: str) -> str | None:
    """Return the split that a folder is named after, such as valid or test2017, if any."""
    return _SPLIT_WORDS.get(name.lower().rstrip("0123456789"))


def safe_name(name: object) -> str | None:
    """Return a relative file name with forward slashes; None if it is empty or leads out of the dataset's folder."""
    text = str(name).replace("\\", "/")
    parts = PurePosixPath(text).parts
    outside = not parts or text.startswith("/") or ".." in parts or ":" in parts[0] or "\0" in text
    return None if outside else "/".join(parts)


def _hold_out(pictures: Sequence[UncheckedPicture], notes: list[str]) -> Sequence[UncheckedPicture]:
    """Move some training pictures to the validation split where it has none."""
    train = [index for index, picture in enumerate(pictures) if picture.split == "train"]
    chosen = set(train[_VAL_STRIDE - 1 :: _VAL_STRIDE])
    if not chosen or any(picture.split == "val" for picture in pictures):
        return pictures
    notes.append(f"there is no validation split: {len(chosen)} of {len(train)} training pictures become one")
    return [replace(p, split="val") if index in chosen else p for index, p in enumerate(pictures)]


def _check_picture(picture: UncheckedPicture, used_stems: set[str], notes: list[str]) -> LabelledPicture:
    """Return a picture with its valid labels; DataError if it cannot be used."""
    path = picture.path
    if path is None:
        raise DataError(f"{picture.name}: there is no such picture below the dataset's folder")
    suffix = path.suffix.lower()
    if suffix not in yolo.IMAGE_SUFFIXES:
        raise DataError(f"{path}: not a picture by its suffix")
    height, width = yolo.read_picture(path).shape[:2]
    if picture.size is not None and picture.size != (width, height):
        notes.append(f"{picture.name}: is {width}x{height}, not {picture.size[0]}x{picture.size[1]} as its labels say")
    found = as_boxes(picture.boxes)
    clipped = clip_xyxy(found, width, height)
    inside = (clipped[:, 2:] - clipped[:, :2] >= _MIN_SIDE).all(axis=1)
    for box in found[~inside].tolist():
        notes.append(f"{picture.name}: the box {tuple(round(v, 1) for v in box)} is outside the picture or empty")
    classes = np.asarray(picture.classes, np.int64)[inside]
    lines = yolo.format_labels(yolo.labels_from_xyxy(classes, clipped[inside], width, height)).splitlines()
    unique = list(dict.fromkeys(lines))
    if len(unique) < len(lines):
        notes.append(f"{picture.name}: {len(lines) - len(unique)} box(es) given twice")
    labels = yolo.parse_labels("\n".join(unique), picture.name)
    return LabelledPicture(unique_stem(_flat_stem(picture), used_stems) + suffix, path, width, height, labels)


def unique_stem(stem: str, used: set[str]) -> str:
    """Return the stem, with a number if `used` has it already, regardless of case; it is added to `used`."""
    unique, count = stem, 1
    while unique.lower() in used:
        count += 1
        unique = f"{stem}-{count}"
    used.add(unique.lower())
    return unique


def _flat_stem(picture: UncheckedPicture) -> str:
    """The name of a picture without its split and suffix, with folders as part of the name."""
    return PurePosixPath(picture.name).with_suffix("").as_posix().removeprefix(f"{picture.split}/").replace("/", "_")
