"""Exact numbers without and with what a user knows beforehand: one table.

    python benchmarks/constraints.py [--model FILE] [--limit N] [--json FILE]

The sets lie in $DIGITDET_DATA/real. A picture counts as exact when the numbers that fit, joined in reading order, are
its number; as none when no digit was found or nothing fits; as wrong otherwise. `one piece`: what fits is that number
and nothing else, in one piece, as a user wants it. What is known:

- meter_boxes: its description says 4 to 8 digits; who reads one meter again and again knows how many drums it has. The
  set's pictures are cut so that drums are missing, so that `drums known` is the fewest to the most digits that any
  picture of the same photo has.
- pcb_datecodes: four digits; a year and a week in either order, where a week is 00 to 53; or the list of the codes that
  are in circulation, here the 30 of the set.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from digitdet import NumberReader
from digitdet.reading.constraints import Constraints
from digitdet.reading.results import UNFIT

WEEK = r"([0-4]\d|5[0-3])"


@dataclass(frozen=True)
class Picture:
    """A labelled picture; those with the same `group` show the same thing."""

    path: Path
    number: str
    group: str


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, help="a model.onnx; else the shipped one")
    parser.add_argument("--limit", type=int, default=0, help="at most so many pictures of a set; 0 is all")
    parser.add_argument("--json", type=Path, help="write the table as JSON, too")
    arguments = parser.parse_args()
    root = Path(os.environ.get("DIGITDET_DATA", "")) / "real"
    if not os.environ.get("DIGITDET_DATA") or not root.is_dir():
        sys.exit("set DIGITDET_DATA to the folder that holds real/")
    rows = []
    print(f"{'set':14} {'known':26} {'pictures':>8} {'exact':>7} {'one piece':>9} {'wrong':>7} {'none':>7}")
    for name, cases in (("meter_boxes", meter_cases), ("pcb_datecodes", datecode_cases)):
        pictures = load_pictures(root / name)
        chosen = pictures[:: max(1, -(-len(pictures) // arguments.limit))] if arguments.limit else pictures
        for known, constraints in cases(pictures):
            row = measure(arguments.model, chosen, constraints)
            rows.append({"set": name, "known": known, "pictures": len(chosen), **row})
            print(
                f"{name:14} {known:26} {len(chosen):8} {row['exact']:7.1%} {row['one_piece']:9.1%} "
                f"{row['wrong']:7.1%} {row['none']:7.1%}",
                flush=True,
            )
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


def load_pictures(folder: Path) -> list[Picture]:
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        return [Picture(folder / row["image"], row["number"], row.get("source", "")) for row in csv.DictReader(file)]


Cases = Iterable[tuple[str, dict[str, Constraints]]]
"""What is known, in words, and the constraints for every group of pictures."""


def meter_cases(pictures: Sequence[Picture]) -> Cases:
    lengths = defaultdict(list)
    for picture in pictures:
        lengths[picture.group].append(len(picture.number))
    yield "nothing", dict.fromkeys(lengths, Constraints())
    yield "--digits 4-8", dict.fromkeys(lengths, Constraints(digits="4-8"))
    yield (
        "--digits, drums known",
        {group: Constraints(digits=(min(counts), max(counts))) for group, counts in lengths.items()},
    )


def datecode_cases(pictures: Sequence[Picture]) -> Cases:
    yield "nothing", {"": Constraints()}
    yield "--digits 4", {"": Constraints(digits=4)}
    yield "--pattern, year and week", {"": Constraints(pattern=rf"\d\d{WEEK}|{WEEK}\d\d")}
    yield "--allowed, the 30 codes", {"": Constraints(allowed={picture.number for picture in pictures})}


def measure(model: Path | None, pictures: Sequence[Picture], constraints: dict[str, Constraints]) -> dict[str, float]:
    """Shares of the pictures that are exact, wrong, or without a number that fits."""
    readers = {each: NumberReader(model, constraints=each or None) for each in set(constraints.values())}
    exact = one_piece = none = 0
    for picture in pictures:
        reading = readers[constraints[picture.group]].read(picture.path)
        texts = [number.best for number in reading.numbers if number.status != UNFIT]
        exact += "".join(texts) == picture.number
        one_piece += texts == [picture.number]
        none += not texts
    return {
        "exact": exact / len(pictures),
        "one_piece": one_piece / len(pictures),
        "wrong": (len(pictures) - exact - none) / len(pictures),
        "none": none / len(pictures),
    }


if __name__ == "__main__":
    main()
