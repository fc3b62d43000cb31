"""Measure how printed numbers are read that are easily misread, by what makes them hard.

    python benchmarks/hard_cases.py [--model MODEL] [--kinds KIND ...] [--fonts DIR ...] [--seed N]
                                    [--json FILE] [--sheet PNG]

hard_pictures.py draws the pictures from the typefaces of the system, or of the given folders; the same typefaces and
seed give the same pictures. Kinds that end with -digits or -pattern are read with this option and the true value. The
columns are shares of the pictures:

    right            the digits of all numbers were read, and nothing else; dates and fractions may be cut at the slash
    as written       the texts of the numbers are also as written, with their marks
    unsure           the reading does not have the status "ok"
    sure and wrong   the status is "ok", but the reading is not right
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
from exact import digits_of
from hard_pictures import KINDS, Case, draw_case, find_typefaces
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont
from shared import write_json

from digitdet import Constraints, NumberReader
from digitdet.common.types import Image
from digitdet.reading.results import OK, UNFIT, Reading
from digitdet.synth.digits.fonts import system_font_folders

_CELL, _CAPTION, _COLUMNS = (240, 100), 18, 6  # of the contact sheet, in pixels


@dataclass(frozen=True)
class Outcome:
    """What was read in one picture; `texts` are those of the numbers that meet the constraints."""

    case: Case
    texts: tuple[str, ...]
    is_right: bool
    is_sure: bool

    @property
    def caption(self) -> str:
        """What is written, what was read, and how sure."""
        return f"{' | '.join(self.case.written)}  got {' | '.join(self.texts) or '-'}{'  ok' * self.is_sure}"


def judge(case: Case, reading: Reading, with_option: bool) -> Outcome:
    """Compare a reading with its picture."""
    texts = tuple(number.best for number in reading.numbers if number.status != UNFIT)
    accepted = case.accepted[:1] if with_option else case.accepted
    return Outcome(case, texts, tuple(map(digits_of, texts)) in accepted, reading.status == OK)


def report(kind: str, outcomes: Sequence[Outcome]) -> dict[str, float | int]:
    """Print a line of the table and return its figures."""
    figures = {
        "right": [one.is_right for one in outcomes],
        "as written": [one.texts == one.case.written for one in outcomes],
        "unsure": [not one.is_sure for one in outcomes],
        "wrong": [not one.is_right for one in outcomes],
        "sure and wrong": [one.is_sure and not one.is_right for one in outcomes],
    }
    shares = {name: sum(values) / len(values) for name, values in figures.items()}
    print(f"{kind:24} {len(outcomes):8}" + "".join(f" {share:14.1%}" for share in shares.values()), flush=True)
    return {"pictures": len(outcomes), **shares}


def draw_sheet(outcomes: Iterable[Outcome]) -> Pillow.Image:
    """Return a contact sheet of pictures with their captions."""
    outcomes = list(outcomes)
    width, height = _CELL[0], _CELL[1] + _CAPTION
    sheet = Pillow.new("RGB", (width * _COLUMNS, height * max(-(-len(outcomes) // _COLUMNS), 1)), "grey")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    for place, one in enumerate(outcomes):
        x, y = place % _COLUMNS * width, place // _COLUMNS * height
        sheet.paste(_thumbnail(one.case.image), (x, y + _CAPTION))
        draw.text((x + 2, y + 2), one.caption, fill="white", font=font)
    return sheet


def _thumbnail(image: Image) -> Pillow.Image:
    picture = Pillow.fromarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
    picture.thumbnail((_CELL[0] - 4, _CELL[1] - 4))
    return picture


def main() -> None:
    arguments = parse_arguments()
    fonts = find_typefaces(arguments.fonts or system_font_folders())
    print(f"{len(fonts.all)} typefaces, {len(fonts.monospaced)} of them monospaced\n")
    columns = ("right", "as written", "unsure", "wrong", "sure and wrong")
    print(f"{'kind':24} {'pictures':>8}" + "".join(f" {name:>14}" for name in columns))

    @cache  # a few patterns and numbers of digits occur
    def open_reader(digits: int | None, pattern: str | None) -> NumberReader:
        return NumberReader(arguments.model, constraints=Constraints(digits=digits, pattern=pattern))

    everything: list[Outcome] = []
    record = {}
    for name in arguments.kinds or KINDS:
        kind, outcomes = KINDS[name], []
        for index in range(kind.count):
            case = draw_case(name, index, arguments.seed, fonts)
            digits = case.digits if kind.option == "digits" else None
            pattern = case.pattern if kind.option == "pattern" else None
            reading = open_reader(digits, pattern).read(case.image)
            outcomes.append(judge(case, reading, bool(kind.option)))
        record[name] = report(name, outcomes)
        everything += outcomes
    record["all"] = report("all", everything)
    write_json(arguments.json, record)
    if arguments.sheet:
        draw_sheet(one for one in everything if not one.is_right).save(arguments.sheet)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, help="model to measure; default: the shipped one")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, metavar="KIND", help=f"any of {', '.join(KINDS)}")
    parser.add_argument("--fonts", nargs="+", type=Path, metavar="DIR", help="folders of typefaces; default: system")
    parser.add_argument("--seed", type=int, default=0, help="seed of the pictures")
    parser.add_argument("--json", type=Path, help="also write the figures as JSON")
    parser.add_argument("--sheet", type=Path, metavar="PNG", help="also draw the pictures that were read wrong")
    return parser.parse_args()


if __name__ == "__main__":
    main()
