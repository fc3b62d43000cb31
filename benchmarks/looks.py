"""Compare the difficulty of the composed pictures with that of real ones: one table with the looks and their real sets.

    python benchmarks/looks.py [--looks cheques,meters] [--strips 300] [--pictures 100] [--limit 150]
                               [--peers-python PYTHON] [--model RUN] [--keep DIR] [--json FILE]
                               [--fonts DIR] [--hand-fonts DIR] [--strokes DIR] [--drums DIR] [--backgrounds DIR]

Two readers read the pictures of each look and the choose halves of the real sets of its kind. Where both do far worse
on the look than on the real sets, the look is needlessly hard; where both do far better, it is too easy.

    strips    one number cut out of each picture; RapidOCR only recognises, and a number is exact if all digits that
              were read, joined, are the true ones; digits below each other are left out
    pictures  whole pictures; RapidOCR also detects, and a number is exact if it is one of the numbers that were read

Numbers of one digit are left out: readers of lines need context, and the looks differ in how many they have. The column
`digits` is the mean number of digits of a number: short numbers are more often exact.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from exact import Piece, digits_of, judge
from halves import load_rows
from peers import RAPIDOCR, RAPIDOCR_REC, PeerProcess, missing_peers
from shared import data_folder, write_json

from digitdet import NumberReader
from digitdet.common.characters import number_spans
from digitdet.common.registry import check_names
from digitdet.common.types import Box, Image
from digitdet.configs import SynthConfig, load_preset, preset_names, replace
from digitdet.configs.look import LookConfig
from digitdet.configs.synth import add_materials
from digitdet.datasets.formats.numbers import LineTruth
from digitdet.synth.scene import Scene, SceneComposer
from digitdet.synth.sources import load_materials
from digitdet.synth.writer import picture_rng

STRIPS, PICTURES = KINDS = ("strips", "pictures")

# The real sets that a look imitates. Sudokus are left out, as their numbers are single digits.
REAL_SETS: dict[str, dict[str, tuple[str, ...]]] = {
    "cheques": {STRIPS: ("orand_car_a",)},
    "handwritten": {STRIPS: ("mgr_rowid",), PICTURES: ("student_photos",)},
    "print": {STRIPS: ("scene_numbers", "receipt_numbers"), PICTURES: ("price_tags",)},
    "houses": {STRIPS: ("svhn_full",)},
    "street": {STRIPS: ("scene_numbers",), PICTURES: ("house_photos",)},
    "meters": {STRIPS: ("meter_boxes", "odometers", "kwh_meter")},
    "displays": {STRIPS: ("pcb_datecodes",), PICTURES: ("displays", "gas_pump_lcd")},
    "scenes": {STRIPS: ("scene_numbers",), PICTURES: ("building_signs", "house_photos")},
}

_PAGES = ("mgr_rowid",)  # sets without boxes whose numbers do not fill the picture; digitdet finds them

_SPLIT = "train"  # the other splits have too few typefaces
_MARGIN = 0.25  # around the digits of a strip, in digit heights
_MATERIALS = ("fonts", "hand_fonts", "strokes", "drums", "backgrounds")  # options of `digitdet synth`

Record = dict[str, Any]


@dataclass(frozen=True)
class Sample:
    """A picture file and the digits of the numbers that it shows."""

    path: Path
    numbers: tuple[str, ...]


# --- composed pictures ---


def compose_samples(composer: SceneComposer, kind: str, count: int, folder: Path) -> Iterator[Sample]:
    """Compose until `count` pictures have a number of two or more digits; write them or their strips as PNG."""
    folder.mkdir(parents=True, exist_ok=True)
    index = written = 0
    while written < count:
        rng = picture_rng(0, _SPLIT, index)
        scene = composer.compose(rng)
        index += 1
        found = [one for one in _numbers(scene) if kind == PICTURES or _is_horizontal(one[1])]
        if not found:
            if index > 50 * (written + 1):
                sys.exit(f"{folder.name}: no numbers of two or more digits")
            continue
        image = scene.image
        if kind == STRIPS:
            found = [found[int(rng.integers(len(found)))]]
            image = cut_strip(image, found[0][1])
        path = folder / f"{written:04d}.png"
        path.write_bytes(cv2.imencode(".png", image)[1].tobytes())
        yield Sample(path, tuple(digits for digits, _ in found))
        written += 1


def _numbers(scene: Scene) -> Iterator[tuple[str, list[Box]]]:
    """Yield the digits and the boxes of the characters of each number of two or more digits."""
    for line in scene.lines:
        for start, stop in line.numbers:
            digits = digits_of(line.text[start:stop])
            if len(digits) > 1:
                yield digits, _boxes(line, start, stop)


def _is_horizontal(boxes: Sequence[Box]) -> bool:
    """Whether the boxes of a number are not one below the other."""
    (left, top), (right, bottom) = np.min(boxes, axis=0)[:2], np.max(boxes, axis=0)[2:]
    return bool(bottom - top < 1.5 * (right - left))


def _boxes(line: LineTruth, start: int, stop: int) -> list[Box]:
    """Return the boxes of the characters from `start` to `stop` (exclusive); spaces have none."""
    first = start - line.text[:start].count(" ")
    return list(line.boxes[first : first + stop - start - line.text[start:stop].count(" ")])


def cut_strip(image: Image, boxes: Sequence[Box]) -> Image:
    """Return the part of a picture (H, W, 3) around the boxes of a number, with a margin."""
    left, top = np.min(boxes, axis=0)[:2]
    right, bottom = np.max(boxes, axis=0)[2:]
    margin = _MARGIN * float(np.median([max(x1 - x0, y1 - y0) for x0, y0, x1, y1 in boxes]))
    x0, y0 = (int(max(low - margin, 0)) for low in (left, top))
    return image[y0 : round(bottom + margin), x0 : round(right + margin)]


# --- real pictures ---


def real_samples(name: str, limit: int) -> list[Sample]:
    """Return the pictures of the choose half of a set that show only numbers of two or more digits."""
    folder = data_folder("real") / name
    rows = [row for row in load_rows(folder, "choose") if min(map(len, row["number"].split(";"))) > 1]
    if len(rows) > limit:
        rows = [rows[place * len(rows) // limit] for place in range(limit)]
    return [Sample(folder / row["image"], tuple(row["number"].split(";"))) for row in rows]


def cut_real_strips(samples: Sequence[Sample], boxes: Mapping[Path, Sequence[Box]], folder: Path) -> list[Sample]:
    """Return samples of strips, cut as those of composed pictures; without boxes, a picture is a strip itself."""
    folder.mkdir(parents=True, exist_ok=True)
    strips = []
    for index, sample in enumerate(samples):
        path = sample.path
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if image is not None and boxes.get(path):
            path = folder / f"{index:04d}.png"
            path.write_bytes(cv2.imencode(".png", cut_strip(image, boxes[sample.path]))[1].tobytes())
        strips.append(Sample(path, sample.numbers))
    return strips


def labelled_boxes(name: str) -> dict[Path, list[Box]]:
    """Return the digit boxes of the pictures of a set, xyxy; empty if the set has none."""
    folder = data_folder("real") / name
    found: dict[Path, list[Box]] = {}
    if (folder / "boxes.csv").is_file():
        with (folder / "boxes.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                x, y, width, height = (float(row[key]) for key in "xywh")
                found.setdefault(folder / row["image"], []).append((x, y, x + width, y + height))
    return found


# --- reading ---


class Readers:
    """The two readers, opened once."""

    def __init__(self, model: Path | None, python: str) -> None:
        self._ours = NumberReader(model)
        self._rapid = {kind: PeerProcess(RAPIDOCR if kind == PICTURES else RAPIDOCR_REC, python) for kind in KINDS}

    def find_digits(self, samples: Sequence[Sample]) -> dict[Path, list[Box]]:
        """Return the boxes of the digits that digitdet finds in each picture, xyxy."""
        readings = {sample.path: self._ours.read(sample.path) for sample in samples}
        return {
            path: [digit.box for number in one.numbers for digit in number.digits] for path, one in readings.items()
        }

    def exact(self, kind: str, samples: Sequence[Sample]) -> Record:
        """Return the number of true numbers, and the share that each reader reads exactly (0 to 1)."""
        texts = {
            "rapidocr": self._rapid[kind].texts([sample.path for sample in samples]),
            "digitdet": [[one.best for one in self._ours.read(sample.path).numbers] for sample in samples],
        }
        count = sum(len(sample.numbers) for sample in samples)
        digits = sum(len(number) for sample in samples for number in sample.numbers)
        record: Record = {"pictures": len(samples), "numbers": count, "digits": digits / count}
        for reader, answers in texts.items():
            right = [count_right(kind, sample, answer) for sample, answer in zip(samples, answers, strict=True)]
            record[reader] = sum(right) / count
            record[f"{reader} wrong"] = [
                f"{sample.path.name}: {' '.join(sample.numbers)} read as {' '.join(answer)!r}"
                for sample, answer, one in zip(samples, answers, right, strict=True)
                if one < len(sample.numbers)
            ]
        return record

    def close(self) -> None:
        """End RapidOCR's processes."""
        for engine in self._rapid.values():
            engine.close()


def count_right(kind: str, sample: Sample, texts: Sequence[str]) -> int:
    """Return how many numbers of a picture are exact in the texts that were read in it."""
    if kind == STRIPS:
        return int(judge(sample.numbers[0], [Piece(digits_of(text)) for text in texts]).is_whole)
    read = Counter(digits_of(text[start:stop]) for text in texts for start, stop in number_spans(text))
    return (read & Counter(sample.numbers)).total()


# --- the table ---


def print_record(record: Record) -> None:
    """Print one line of the table; the sets are indented below their look."""
    name = record["look"] if not record["set"] else f"  {record['set']}"
    cells = "".join(f" {record[reader]:9.1%}" for reader in ("rapidocr", "digitdet"))
    print(f"{name:20} {record['kind']:9} {record['numbers']:8} {record['digits']:7.1f}{cells}", flush=True)


def main() -> None:
    arguments = parse_arguments()
    if RAPIDOCR in (missing := missing_peers(arguments.peers_python)):
        sys.exit(f"RapidOCR is missing: {missing[RAPIDOCR]}")
    names = (
        arguments.looks.split(",") if arguments.looks else [one for one in REAL_SETS if one in preset_names("looks")]
    )
    # All looks, because materials that no look uses are refused.
    looks = {name: replace(load_preset(LookConfig, "looks", name), weight=1.0) for name in preset_names("looks")}
    check_names(names, looks, "--looks")
    given = {name: value for name in _MATERIALS if (value := getattr(arguments, name))}
    config = add_materials(SynthConfig(looks=looks), **given)
    materials = load_materials(config)
    readers = Readers(arguments.model, arguments.peers_python)
    print(f"{'':20} {'':9} {'numbers':>8} {'digits':>7} {'RapidOCR':>9} {'digitdet':>9}")
    records: list[Record] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or Path(temporary)
        for name in names:
            single = replace(config, looks={name: config.looks[name]})
            composer = SceneComposer(single, materials.sources[_SPLIT], materials.backgrounds[_SPLIT])
            records += measure_look(name, composer, readers, arguments, folder)
    readers.close()
    write_json(arguments.json, records)


def measure_look(
    name: str, composer: SceneComposer, readers: Readers, arguments: argparse.Namespace, folder: Path
) -> Iterator[Record]:
    """Yield and print the records of a look and of its real sets."""
    for kind, sets in REAL_SETS.get(name, {STRIPS: ()}).items():
        if not getattr(arguments, kind):
            continue
        for real in ("", *(sets if arguments.limit else ())):
            target = folder / f"{name}-{kind}" / real
            if not real:
                samples = list(compose_samples(composer, kind, getattr(arguments, kind), target))
            else:
                samples = real_samples(real, arguments.limit)
            if real and kind == STRIPS:
                boxes = readers.find_digits(samples) if real in _PAGES else labelled_boxes(real)
                samples = cut_real_strips(samples, boxes, target)
            record = {"look": name, "set": real, "kind": kind, **readers.exact(kind, samples)}
            print_record(record)
            yield record


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--looks", metavar="NAMES", help="preset looks, separated by commas; default: all with real sets"
    )
    parser.add_argument("--strips", type=int, default=300, help="composed strips of each look; 0: none")
    parser.add_argument("--pictures", type=int, default=100, help="composed pictures of each look, slow; 0: none")
    parser.add_argument("--limit", type=int, default=150, help="pictures of each real set, evenly spaced; 0: no sets")
    parser.add_argument("--peers-python", default=sys.executable, help="interpreter that has RapidOCR")
    parser.add_argument("--model", type=Path, help="run folder of digitdet train; default: the shipped model")
    parser.add_argument("--keep", type=Path, help="folder for the composed strips and pictures")
    parser.add_argument("--json", type=Path, help="also write the figures and the misreadings as JSON")
    for name in _MATERIALS:
        several = {"action": "append"} if name.endswith("fonts") else {}
        parser.add_argument(
            f"--{name.replace('_', '-')}", type=Path, metavar="DIR", help="as digitdet synth", **several
        )
    return parser.parse_args()


if __name__ == "__main__":
    main()
