"""Exact numbers on the real labelled sets, read with a model: one table.

    python benchmarks/real.py [--model FILE] [--json FILE]

The sets lie in $DIGITDET_DATA/real, each with a labels.csv (image,number). A picture counts as exact when the digits
of everything that was read there, joined in reading order, are its number: a crop holds one number, and a thousand
dot may part it. `one piece`: the reading was that number and nothing else, in one piece. `empty`: no digit was found.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
import time
from pathlib import Path

from digitdet import NumberReader


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, help="a model.onnx; else the shipped one")
    parser.add_argument("--json", type=Path, help="write the table as JSON, too")
    arguments = parser.parse_args()
    root = Path(os.environ.get("DIGITDET_DATA", "")) / "real"
    if not os.environ.get("DIGITDET_DATA") or not root.is_dir():
        sys.exit("set DIGITDET_DATA to the folder that holds real/")
    reader = NumberReader(arguments.model)
    rows = []
    print(f"{'set':16} {'pictures':>8} {'exact':>7} {'one piece':>9} {'empty':>6} {'ms each':>8}")
    for folder in sorted(path.parent for path in root.glob("*/labels.csv")):
        rows.append(row := measure_set(reader, folder))
        print(
            f"{row['set']:16} {row['pictures']:8} {row['exact']:7.1%} {row['one_piece']:9.1%} "
            f"{row['empty']:6.1%} {row['milliseconds']:8.1f}",
            flush=True,
        )
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


def measure_set(reader: NumberReader, folder: Path) -> dict[str, float | int | str]:
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        truths = [(row["image"], row["number"].replace("|", "")) for row in csv.DictReader(file)]
    exact = one_piece = empty = 0
    start = time.perf_counter()
    for image, number in truths:
        texts = reader.read(folder / image).texts
        exact += "".join(texts) == number
        one_piece += texts == [number]
        empty += not texts
    elapsed = time.perf_counter() - start
    count = len(truths)
    return {
        "set": folder.name,
        "pictures": count,
        "exact": exact / count,
        "one_piece": one_piece / count,
        "empty": empty / count,
        "milliseconds": 1000 * elapsed / count,
    }


if __name__ == "__main__":
    main()
