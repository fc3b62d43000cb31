"""The loop "read, correct, train on", from end to end: what a person has to correct, and what it brings.

    python benchmarks/correction.py --out DIR [--pictures N] [--epochs N] [--limit N] [--json FILE]

The pictures are those of $DIGITDET_DATA/real/meter_boxes ("Number extraction" by sambhavs-vision, Roboflow Universe, CC
BY 4.0). Its photos are dealt out by chance: one picture of each of N photos is read with `digitdet read --labels` into
DIR/labels, corrected, and trained on with `digitdet train --from shipped` into DIR/run. The set's own boxes take the
place of a person: what was read right stays as it is, other digits are renamed, false ones deleted, missed ones added.
Then the other photos, in all their copies, are read with the shipped model and with the new one; so are sets of other
kinds, to see what was forgotten.

A picture counts as exact when the digits of everything that was read, joined in reading order, are its number; `unsure`
is the share of the numbers read that are given with a ?.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shlex
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from digitdet import NumberReader
from digitdet.common.boxes import clip_xyxy, iou
from digitdet.common.files import write_atomically
from digitdet.datasets.formats.yolo import (
    DATA_FILE,
    format_labels,
    label_path,
    labels_from_xyxy,
    list_images,
    read_data_file,
    read_labels,
    read_picture,
)
from digitdet.reading.results import UNSURE

OTHER_SETS = ("kwh_meter", "scene_numbers", "mgr_rowid")
_SEED = 0
# The set's boxes are those of the drums' windows. A digit has this part of their width and height.
_TIGHTNESS = (0.7, 0.78)
_MIN_IOU = 0.4  # a box that lies worse on the digit is drawn anew


@dataclass(frozen=True)
class Picture:
    """A labelled picture, and the photo that it was made from."""

    path: Path
    number: str
    photo: str


@dataclass(frozen=True)
class TrueDigit:
    """What stands in a picture: a digit and its box (4,) xyxy in pixels."""

    digit: int
    box: npt.NDArray[np.float64]


@dataclass
class Corrections:
    """What a person has to do: counts of pictures and of digits."""

    pictures: int = 0
    touched: int = 0
    right: int = 0
    renamed: int = 0
    added: int = 0
    deleted: int = 0

    @property
    def changed(self) -> int:
        """Labels that had to be changed."""
        return self.renamed + self.added + self.deleted


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="a new folder for the labels and the run")
    parser.add_argument("--pictures", type=int, default=80, help="pictures to correct, each of another photo")
    parser.add_argument("--epochs", type=int, default=30, help="passes over them")
    parser.add_argument("--limit", type=int, default=300, help="measure at most about so many pictures of a set")
    parser.add_argument("--json", type=Path, help="write the figures as JSON, too")
    arguments = parser.parse_args()
    root = Path(os.environ.get("DIGITDET_DATA", "")) / "real"
    if not os.environ.get("DIGITDET_DATA") or not root.is_dir():
        sys.exit("set DIGITDET_DATA to the folder that holds real/")
    chosen, held_out = deal(load_pictures(root / "meter_boxes"), arguments.pictures)
    labels, run = arguments.out / "labels", arguments.out / "run"

    start = time.perf_counter()
    digitdet("read", "--labels", labels, *(picture.path for picture in chosen))
    corrections = correct(labels, root / "meter_boxes")
    print_corrections(corrections)
    digitdet("train", "--data", labels, "--from", "shipped", "--epochs", arguments.epochs, "--out", run)
    print(f"read, corrected and trained in {time.perf_counter() - start:.0f} s\n")

    sets = {"meter_boxes, other photos": held_out, **{name: load_pictures(root / name) for name in OTHER_SETS}}
    some = {name: pictures[:: -(-len(pictures) // arguments.limit)] for name, pictures in sets.items()}
    rows = measure({"shipped": None, "new": run / "model.onnx"}, some)
    if arguments.json:
        content = {"corrections": asdict(corrections), "sets": rows}
        arguments.json.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def load_pictures(folder: Path) -> list[Picture]:
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        return [Picture(folder / row["image"], row["number"], row.get("source", "")) for row in csv.DictReader(file)]


def deal(pictures: Sequence[Picture], count: int) -> tuple[list[Picture], list[Picture]]:
    """One picture of each of `count` photos, and all pictures of the others."""
    photos: dict[str, list[Picture]] = defaultdict(list)
    for picture in pictures:
        photos[picture.photo].append(picture)
    if not 2 <= count < len(photos):
        sys.exit(f"--pictures: expected 2 to {len(photos) - 1}")
    order = np.random.default_rng(_SEED).permutation(sorted(photos)).tolist()
    return [photos[photo][0] for photo in order[:count]], [one for photo in order[count:] for one in photos[photo]]


def digitdet(*arguments: object) -> None:
    """Run a command as a user would; `read` ends with 1 where it is unsure of something."""
    words = [str(argument) for argument in arguments]
    print("$ digitdet", shlex.join(words) if len(words) < 10 else f"{shlex.join(words[:4])} ...", flush=True)
    done = subprocess.run([sys.executable, "-m", "digitdet", *words], stdout=subprocess.DEVNULL, check=False)
    if done.returncode > (words[0] == "read"):
        sys.exit(done.returncode)


def correct(folder: Path, truth: Path) -> Corrections:
    """Correct the label files of a dataset folder, as a person would, and count what was changed."""
    true_digits = load_true_digits(truth)
    corrections = Corrections()
    for images in read_data_file(folder / DATA_FILE).values():
        for image in list_images(images):
            height, width = read_picture(image).shape[:2]
            found = read_labels(label_path(image))
            before = corrections.changed
            classes, boxes = correct_picture(
                found.classes.tolist(), found.xyxy(width, height), true_digits[image.stem], corrections
            )
            corrections.pictures += 1
            corrections.touched += corrections.changed > before
            labels = labels_from_xyxy(classes, clip_xyxy(boxes, width, height), width, height)
            write_atomically(label_path(image), format_labels(labels))
    return corrections


def load_true_digits(folder: Path) -> dict[str, list[TrueDigit]]:
    """What stands in each picture of a set, by the name of its file without the suffix."""
    digits: dict[str, list[TrueDigit]] = defaultdict(list)
    with (folder / "boxes.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            x, y, w, h = (float(row[side]) for side in "xywh")
            centre, half = np.array([x + w / 2, y + h / 2]), np.array([w, h]) * _TIGHTNESS / 2
            box = np.concatenate([centre - half, centre + half])
            digits[Path(row["image"]).stem].append(TrueDigit(int(row["digit"]), box))
    return digits


def correct_picture(
    classes: list[int], boxes: npt.NDArray[np.float64], truths: Sequence[TrueDigit], corrections: Corrections
) -> tuple[list[int], npt.NDArray[np.float64]]:
    """The corrected classes (N,) and boxes (N, 4) of a picture; the best overlaps are taken for each other first."""
    true_boxes = np.array([truth.box for truth in truths]).reshape(-1, 4)
    overlaps = iou(boxes, true_boxes)
    kept: dict[int, int] = {}
    while overlaps.size and overlaps.max() >= _MIN_IOU:
        row, column = divmod(int(overlaps.argmax()), len(truths))
        kept[column] = row
        overlaps[row], overlaps[:, column] = 0, 0
    renamed = sum(classes[row] != truths[column].digit for column, row in kept.items())
    corrections.right += len(kept) - renamed
    corrections.renamed += renamed
    corrections.added += len(truths) - len(kept)
    corrections.deleted += len(classes) - len(kept)
    best = [boxes[kept[column]] if column in kept else box for column, box in enumerate(true_boxes)]
    return [truth.digit for truth in truths], np.array(best).reshape(-1, 4)


def print_corrections(corrections: Corrections) -> None:
    print(
        f"{corrections.pictures} pictures, {corrections.touched} of them with something to correct: "
        f"{corrections.changed} labels changed ({corrections.renamed} renamed, {corrections.added} added, "
        f"{corrections.deleted} deleted), {corrections.right} right as read",
        flush=True,
    )


def measure(models: dict[str, Path | None], sets: dict[str, list[Picture]]) -> list[dict[str, str | int | float]]:
    """Shares of exact pictures and of unsure numbers, for every set and model."""
    readers = {name: NumberReader(model) for name, model in models.items()}
    rows: list[dict[str, str | int | float]] = []
    print(f"{'set':26} {'pictures':>8}  {'model':8} {'exact':>6} {'share':>7} {'unsure':>7}")
    for name, pictures in sets.items():
        for model, reader in readers.items():
            exact = numbers = unsure = 0
            readings = reader.read_many(picture.path for picture in pictures)
            for picture, reading in zip(pictures, readings, strict=True):
                exact += "".join(number.best for number in reading.numbers) == picture.number
                numbers += len(reading.numbers)
                unsure += sum(number.status == UNSURE for number in reading.numbers)
            share, doubt = exact / len(pictures), unsure / max(numbers, 1)
            print(f"{name:26} {len(pictures):8}  {model:8} {exact:6} {share:7.1%} {doubt:7.1%}", flush=True)
            rows.append(
                {"set": name, "pictures": len(pictures), "model": model, "exact": exact, "share": share}
                | {"unsure": doubt}
            )
    return rows


if __name__ == "__main__":
    main()
