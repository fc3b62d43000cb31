"""Measure how many pictures without any digit are read as numbers, by what they show.

    python benchmarks/digit_free.py [--model RUN] [--seed N] [--save DIR] [--json FILE] [KIND ...]

digitless.py draws 700 pictures and 120 doubtful ones from the textures in $DIGITDET_DATA/backgrounds and the system's
fonts; the same seed, fonts and textures give the same pictures. `sure` is the share of the pictures in which a number
with the status "ok" was read, `any` the share with any number, `numbers` the mean count of numbers per picture.
Doubtful pictures show letters that look like digits (O, I, l, S, Z, B ...) and are not part of the total. With --save
the pictures are written to DIR, and those with a false number, marked, to DIR/false.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
from digitless import KINDS, Materials, draw_picture, load_materials
from shared import data_folder, write_json

from digitdet import NumberReader, draw_reading
from digitdet.common.types import Image
from digitdet.reading.results import OK, Reading


@dataclass(frozen=True)
class Outcome:
    """How many numbers were read in one picture, and how many of them have the status "ok"."""

    kind: str
    numbers: int
    sure: int


def main() -> None:
    arguments = parse_arguments()
    if unknown := sorted(set(arguments.kinds) - set(KINDS)):
        sys.exit(f"no such kind: {', '.join(unknown)}; expected {', '.join(KINDS)}")
    materials = load_materials(data_folder("backgrounds"))
    reader = NumberReader(arguments.model)
    print(f"{len(materials.textures)} textures, {len(materials.typefaces)} typefaces\n")
    print(f"{'kind':24} {'pictures':>8} {'sure':>7} {'any':>7} {'numbers':>8}")
    outcomes: list[Outcome] = []
    record = {}
    for kind in arguments.kinds or KINDS:
        found = read_kind(reader, kind, arguments.seed, materials, arguments.save)
        record[kind] = report(kind, found)
        outcomes += found
    for name, is_doubtful in (("all without a digit", False), ("all doubtful", True)):
        if part := [one for one in outcomes if KINDS[one.kind].doubtful == is_doubtful]:
            record[name] = report(name, part)
    write_json(arguments.json, record)


def read_kind(reader: NumberReader, kind: str, seed: int, materials: Materials, folder: Path | None) -> list[Outcome]:
    """Read all pictures of a kind; save them if there is a folder."""
    outcomes = []
    for index in range(KINDS[kind].count):
        image = draw_picture(kind, index, seed, materials)
        reading = reader.read(image)
        if folder:
            save(image, reading, folder, f"{kind.replace(' ', '-')}_{index:03}.png")
        sure = sum(number.status == OK for number in reading.numbers)
        outcomes.append(Outcome(kind, len(reading.numbers), sure))
    return outcomes


def save(image: Image, reading: Reading, folder: Path, name: str) -> None:
    (folder / "false").mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / name), image)
    if reading.numbers:
        cv2.imwrite(str(folder / "false" / name), draw_reading(image, reading))


def report(name: str, outcomes: Sequence[Outcome]) -> dict[str, float | int]:
    """Print a line of the table and return its figures."""
    count = len(outcomes)
    sure = sum(one.sure > 0 for one in outcomes) / count
    any_number = sum(one.numbers > 0 for one in outcomes) / count
    numbers = sum(one.numbers for one in outcomes) / count
    print(f"{name:24} {count:8} {sure:7.1%} {any_number:7.1%} {numbers:8.3f}", flush=True)
    return {"pictures": count, "sure": sure, "any": any_number, "numbers": numbers}


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"any of {', '.join(KINDS)}; default: all")
    parser.add_argument("--model", type=Path, help="run folder to measure; default: the shipped model")
    parser.add_argument("--seed", type=int, default=0, help="seed of the pictures")
    parser.add_argument("--save", type=Path, metavar="DIR", help="save the pictures")
    parser.add_argument("--json", type=Path, help="also write the figures as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    main()
