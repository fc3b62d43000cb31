"""Pictures without any digit must give no number: how many do, by what they show.

    python benchmarks/digit_free.py [--model FILE] [--seed N] [--save DIR] [--json FILE] [KIND ...]

`digitless.py` makes the 700 pictures and 120 doubtful ones, from the textures in $DIGITDET_DATA/backgrounds, the
system's fonts, and chance; the same seed, fonts and textures give the same pictures. `sure` is the part of the
pictures in which a number with the status ok was read, `any` that with a number at all, unsure ones too, `numbers` how
many there were a picture. The doubtful pictures show what may be taken for a digit (O, I, l, S, Z, B and the like) and
do not count in the total. With --save the pictures are kept, those with a false number under DIR/false as well, marked.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
from digitless import KINDS, Materials, draw_picture, load_materials

from digitdet import NumberReader, draw_reading
from digitdet.common.types import Image
from digitdet.reading.results import OK, Reading

_PARTS = (("all without a digit", False), ("all doubtful", True))


@dataclass(frozen=True)
class Outcome:
    """What was read in one picture: the numbers, and whether each is sure."""

    kind: str
    texts: tuple[str, ...]
    sure: tuple[bool, ...]


def main() -> None:
    arguments = parse_arguments()
    root = Path(os.environ.get("DIGITDET_DATA", "")) / "backgrounds"
    if not os.environ.get("DIGITDET_DATA") or not root.is_dir():
        sys.exit("set DIGITDET_DATA to the folder that holds backgrounds/")
    if unknown := sorted(set(arguments.kinds) - set(KINDS)):
        sys.exit(f"no such kind: {', '.join(unknown)}; there are {', '.join(KINDS)}")
    reader = NumberReader(arguments.model)
    materials = load_materials(root)
    print(f"{len(materials.textures)} textures, {len(materials.typefaces)} typefaces\n")
    print(f"{'kind':24} {'pictures':>8} {'sure':>7} {'any':>7} {'numbers':>8}")
    found: dict[str, list[Outcome]] = {}
    for kind in arguments.kinds or KINDS:
        found[kind] = read_kind(reader, kind, arguments.seed, materials, arguments.save)
        print(table_line(kind, found[kind]), flush=True)
    parts = parts_of([one for outcomes in found.values() for one in outcomes])
    print("\n".join(table_line(name, part) for name, part in parts.items()))
    if arguments.json:
        record = {name: figures(outcomes) for name, outcomes in {**found, **parts}.items()}
        arguments.json.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def read_kind(
    reader: NumberReader, kind: str, seed: int, materials: Materials, folder: Path | None = None
) -> list[Outcome]:
    """Read all pictures of a kind, and keep them where there is a folder."""
    outcomes = []
    for index in range(KINDS[kind].count):
        image = draw_picture(kind, index, seed, materials)
        reading = reader.read(image)
        if folder:
            save(image, reading, folder, f"{kind.replace(' ', '-')}_{index:03}.png")
        outcomes.append(
            Outcome(
                kind,
                tuple(number.best for number in reading.numbers),
                tuple(number.status == OK for number in reading.numbers),
            )
        )
    return outcomes


def save(image: Image, reading: Reading, folder: Path, name: str) -> None:
    """Write a picture, and under false/ a marked one where a number was read in it."""
    (folder / "false").mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / name), image)
    if reading.numbers:
        cv2.imwrite(str(folder / "false" / name), draw_reading(image, reading))


def figures(outcomes: Sequence[Outcome]) -> dict[str, float | int]:
    """The pictures, the parts of them (0 to 1) with a sure and with any number, and numbers a picture."""
    count = len(outcomes)
    return {
        "pictures": count,
        "sure": sum(any(one.sure) for one in outcomes) / count,
        "any": sum(bool(one.texts) for one in outcomes) / count,
        "numbers": sum(len(one.texts) for one in outcomes) / count,
    }


def table_line(name: str, outcomes: Sequence[Outcome]) -> str:
    """The figures as a line of the table."""
    found = figures(outcomes)
    return f"{name:24} {found['pictures']:8} {found['sure']:7.1%} {found['any']:7.1%} {found['numbers']:8.3f}"


def parts_of(outcomes: Sequence[Outcome]) -> dict[str, list[Outcome]]:
    """The outcomes of the pictures that count, and of the doubtful ones, where there are any."""
    parts = {name: [one for one in outcomes if KINDS[one.kind].doubtful == doubtful] for name, doubtful in _PARTS}
    return {name: part for name, part in parts.items() if part}


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"of {', '.join(KINDS)}; else all")
    parser.add_argument("--model", type=Path, help="a model.onnx; else the shipped one")
    parser.add_argument("--seed", type=int, default=0, help="what is drawn")
    parser.add_argument("--save", type=Path, metavar="DIR", help="keep the pictures")
    parser.add_argument("--json", type=Path, help="write the figures as JSON, too")
    return parser.parse_args()


if __name__ == "__main__":
    main()
