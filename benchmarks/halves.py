"""The real sets, each parted once and for all: the choose half decides between models, the confirm half is reported.

A picture's half is a hash of what it shows, so that it never changes and no list has to be kept. Pictures of one thing
go together: one that was chosen by would else be met again, a little shifted, among those that confirm.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

Half = Literal["choose", "confirm"]
Row = Mapping[str, str]
"""A line of labels.csv: `image`, `number`, and what else the set has."""

_PHOTO_TIME = re.compile(r"\d{8}-\d{6}$")


def group_of(set_name: str, row: Row) -> str:
    """What a picture shares with its like, as far as the set tells: pictures of one group are in one half."""
    stem = Path(row["image"]).stem
    if set_name == "meter_boxes":  # up to three augmented copies of a photo
        return row["source"]
    if set_name == "mgr_rowid":  # the rows of a page are one hand, and follow each other
        return stem.partition("_row_id_")[0]
    if set_name == "scene_numbers":  # words of one photo
        return stem.partition("_")[0]
    if set_name == "kwh_meter":  # one meter on one day: only the last drum has turned
        return row["number"][:-1]
    if set_name in ("pcb_datecodes", "sudoku_photos"):  # near-copies of one board, photos of one puzzle
        return row["number"]
    if set_name == "single_digits" and (time := _PHOTO_TIME.search(stem)):  # drums cut from one photo
        return time.group()
    return row["image"]


def half_of(set_name: str, row: Row) -> Half:
    """The half of a picture; it depends on nothing but the set's name and the picture's group."""
    digest = hashlib.sha256(f"{set_name}/{group_of(set_name, row)}".encode()).digest()
    return "confirm" if digest[0] % 2 else "choose"


def load_rows(folder: Path, half: str = "all", limit: int = 0) -> list[Row]:
    """The lines of a set's labels.csv that are in a half ("choose", "confirm" or "all"), in its order.

    With a `limit` at most so many, evenly spaced; 0 is all.
    """
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows: Sequence[Row] = [row for row in csv.DictReader(file) if half in ("all", half_of(folder.name, row))]
    if limit and len(rows) > limit:
        return [rows[i * len(rows) // limit] for i in range(limit)]
    return list(rows)
