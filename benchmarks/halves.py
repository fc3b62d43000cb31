"""The fixed split of the real sets: the "choose" half selects models and settings, the "confirm" half is reported.

    python benchmarks/halves.py --out DIR [--half choose|confirm] SET ...

writes DIR/SET/labels.csv with the pictures of a half, for `digitdet calibrate` and `digitdet eval`.

A picture's half is a hash of its group, so it never changes and no list has to be stored. Pictures of the same object
(such as photos of one meter or rows of one page) are in one group, so that nothing in the confirm half was used to
select a model.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Literal

from exact import LabelledPicture

from digitdet.common.types import Box

Half = Literal["choose", "confirm"]
Row = Mapping[str, str]
"""A row of labels.csv: `image`, `number` and the set's other columns."""

_PHOTO_TIME = re.compile(r"\d{8}-\d{6}$")


def group_of(set_name: str, row: Row) -> str:
    """Return the key of the group that a picture belongs to. Pictures of one group are in the same half."""
    stem = Path(row["image"]).stem
    if set_name == "meter_boxes":  # up to three augmented copies of a photo
        return row["source"]
    if set_name == "mgr_rowid":  # consecutive rows of a page, by one writer
        return stem.partition("_row_id_")[0]
    if set_name == "scene_numbers":  # words of one photo
        return stem.partition("_")[0]
    if set_name == "kwh_meter":  # one meter on one day: only the last drum differs
        return row["number"][:-1]
    if set_name in ("pcb_datecodes", "sudoku_photos"):  # near-copies of one board, photos of one puzzle
        return row["number"]
    if set_name == "single_digits" and (time := _PHOTO_TIME.search(stem)):  # drums cut from one photo
        return time.group()
    return row["image"]


def half_of(set_name: str, row: Row) -> Half:
    """Return the half of a picture, which depends only on the names of its set and its group."""
    digest = hashlib.sha256(f"{set_name}/{group_of(set_name, row)}".encode()).digest()
    return "confirm" if digest[0] % 2 else "choose"


def load_rows(folder: Path, half: str = "all", limit: int = 0) -> list[Row]:
    """Return the rows of a set's labels.csv in file order.

    Args:
        folder: The folder of the set.
        half: "choose", "confirm" or "all".
        limit: Return at most this many rows, evenly spaced; 0 returns all.
    """
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows: Sequence[Row] = [row for row in csv.DictReader(file) if half in ("all", half_of(folder.name, row))]
    if limit and len(rows) > limit:
        return [rows[i * len(rows) // limit] for i in range(limit)]
    return list(rows)


def load_pictures(folder: Path, half: str = "all", limit: int = 0) -> list[LabelledPicture]:
    """Return the pictures of a set with their true numbers, in the order of `load_rows`."""
    areas = _load_areas(folder)
    rows = load_rows(folder, half, limit)
    return [LabelledPicture(folder / row["image"], row["number"], areas.get(row["image"])) for row in rows]


def _load_areas(folder: Path) -> dict[str, Box]:
    """Return the area x0, y0, x1, y1 in pixels that the labels of each picture describe, by the picture's name.

    Only the grids of sudoku_photos are labelled, while their pages show other numbers, too. The area is the bounding
    box of the labelled digits, extended by half of their height. Other sets have no such areas.
    """
    if folder.name != "sudoku_photos":
        return {}
    boxes: dict[str, list[tuple[float, ...]]] = {}
    with (folder / "boxes.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            x, y, width, height = (float(row[column]) for column in "xywh")
            boxes.setdefault(row["image"], []).append((x, y, x + width, y + height))
    areas = {}
    for image, of_image in boxes.items():
        left, top, right, bottom = zip(*of_image, strict=True)
        margin = median(b - t for t, b in zip(top, bottom, strict=True)) / 2
        areas[image] = (min(left) - margin, min(top) - margin, max(right) + margin, max(bottom) + margin)
    return areas


def main() -> None:
    arguments = parse_arguments()
    real = Path(os.environ.get("DIGITDET_DATA", ""), "real")
    for name in arguments.sets:
        if not (real / name / "labels.csv").is_file():
            sys.exit(f"{name}: no such set in {real}")
        folder = arguments.out / name
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow(["image", "number"])
            for row in load_rows(real / name, arguments.half):
                numbers = row["number"].replace(";", "|")  # as digitdet eval divides them
                table.writerow([(real / name / row["image"]).resolve(), numbers])


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("sets", nargs="+", metavar="SET", help="names of sets")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where to write")
    parser.add_argument("--half", choices=("choose", "confirm"), default="choose")
    return parser.parse_args()


if __name__ == "__main__":
    main()
