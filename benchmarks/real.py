"""Exact numbers on the real labelled sets, read with a model: one table.

    python benchmarks/real.py [--model FILE] [--limit N] [--image-size N] [--json FILE] [SET ...]

The sets lie in $DIGITDET_DATA/real, each with a labels.csv (image,number). A number counts as exact when the digits of
everything that was read in its picture, joined in reading order, are its digits: a crop holds one number, and a
thousand dot may part it. Where a picture holds several rows (sudokus: `number` is row|row|...), each row is counted,
as it was read in order; `whole` is the part of the pictures with all rows right and no other. `one piece`: the reading
was that number and nothing else, in one piece. `empty`: no digit was found.
"""

from __future__ import annotations

import argparse
import csv
import difflib
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from digitdet import NumberReader
from digitdet.configs import ReadConfig
from digitdet.reading.results import Number


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("sets", nargs="*", metavar="SET", help="names of sets; else all")
    parser.add_argument("--model", type=Path, help="a model.onnx; else the shipped one")
    parser.add_argument(
        "--limit", type=int, default=0, help="at most so many pictures of a set, evenly spaced; 0 is all"
    )
    parser.add_argument("--image-size", type=int, help="side the network sees, before the reader's scales")
    parser.add_argument("--json", type=Path, help="write the table as JSON, too")
    arguments = parser.parse_args()
    root = Path(os.environ.get("DIGITDET_DATA", "")) / "real"
    if not os.environ.get("DIGITDET_DATA") or not root.is_dir():
        sys.exit("set DIGITDET_DATA to the folder that holds real/")
    reader = NumberReader(arguments.model, config=ReadConfig(image_size=arguments.image_size))
    rows = []
    columns = ("pictures", "numbers", "exact", "whole", "one_piece", "empty", "milliseconds")
    print(f"{'set':16}" + "".join(f" {name:>12}" for name in columns))
    for folder in sorted(path.parent for path in root.glob("*/labels.csv")):
        if arguments.sets and folder.name not in arguments.sets:
            continue
        rows.append(row := measure_set(reader, folder, arguments.limit))
        shown = (f"{row[name]:12.1%}" if name in columns[2:6] else f"{row[name]:12.6g}" for name in columns)
        print(" ".join([f"{row['set']:16}", *shown]), flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


def measure_set(reader: NumberReader, folder: Path, limit: int = 0) -> dict[str, float | int | str]:
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        truths = [(row["image"], row["number"]) for row in csv.DictReader(file)]
    if limit and len(truths) > limit:
        truths = [truths[i * len(truths) // limit] for i in range(limit)]
    numbers = exact = whole = one_piece = empty = 0
    start = time.perf_counter()
    for image, truth in truths:
        reading = reader.read(folder / image)
        texts = [number.best for number in reading.numbers]
        wanted = [row for row in truth.split("|") if row]
        rows = read_rows(reading.numbers) if "|" in truth else ["".join(texts)]
        numbers += len(wanted)
        exact += count_rows(wanted, rows)
        whole += rows == wanted
        one_piece += texts == [truth]
        empty += not texts
    elapsed = time.perf_counter() - start
    return {
        "set": folder.name,
        "pictures": len(truths),
        "numbers": numbers,
        "exact": exact / numbers,
        "whole": whole / len(truths),
        "one_piece": one_piece / len(truths),
        "empty": empty / len(truths),
        "milliseconds": 1000 * elapsed / len(truths),
    }


def count_rows(wanted: Sequence[str], rows: Sequence[str]) -> int:
    """How many rows were read as they stand, in their order."""
    matcher = difflib.SequenceMatcher(None, list(wanted), list(rows), autojunk=False)
    return sum(block.size for block in matcher.get_matching_blocks())


def read_rows(numbers: Sequence[Number]) -> list[str]:
    """The digits of each line, joined: a new line begins where reading goes back to the left or further down."""
    rows: list[str] = []
    last: Number | None = None
    for number in numbers:
        goes_on = (
            last is not None
            and number.box[0] > last.box[0]
            and number.box[1] < last.box[3] - 0.3 * (last.box[3] - last.box[1])
        )
        if goes_on:
            rows[-1] += number.best
        else:
            rows.append(number.best)
        last = number
    return rows


if __name__ == "__main__":
    main()
