"""Exact numbers on the real labelled sets: digitdet beside the general OCR engines, in one run and one table.

    python benchmarks/real.py [--half choose|confirm|all] [--peers tesseract,rapidocr,rapidocr-rec] [--limit N]
                              [--rapidocr-python PYTHON] [--model FILE] [--image-size N] [--json FILE] [SET ...]

The sets lie in $DIGITDET_DATA/real, each with a labels.csv (image,number). `exact.py` says when a number is exact;
it is the same for all readers, and so are the pictures: as they are, from the file to the text, in one process.
`halves.py` parts each set into a choose and a confirm half (pictures: kwh_meter 37 and 34, meter_boxes 259 and 255,
mgr_rowid 1,924 and 1,881, of them multi-digit 1,488 and 1,517, orand_car_a 449 and 497, pcb_datecodes 97 and 53,
scene_numbers 126 and 80, single_digits 2,310 and 2,211, sudoku_photos 19 and 21, svhn_full 135 and 121).

Tesseract gets the best page segmentation mode for each set, and pictures lower than 64 px enlarged where that is
better: of all twelve combinations the one that reads most of (at most 100 pictures of) the choose half. It is printed.

The second table is digitdet by itself. `whole`: all that is in the picture was read right, and no more. `one piece`:
the reading was that number and nothing else, in one piece. `empty`: no digit was found. `unsure`: a number is marked
so. `covered`: the largest part of the numbers that can be accepted, by a threshold on their confidence (`from`), so
that 95% of those accepted are right.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from exact import Outcome, Piece, coverage_at_precision, digits_of, judge
from halves import Row, load_rows
from peers import PEERS, RAPIDOCR, RAPIDOCR_REC, TESSERACT, RapidOcr, Tesseract, Variant, missing_peers

from digitdet import NumberReader
from digitdet.configs import ReadConfig
from digitdet.reading.results import UNSURE

_OURS = "digitdet"
_CHOOSE_BY = 100  # pictures of a set's choose half on which Tesseract's variants are compared
_MANY_DIGITS = "mgr_rowid"  # the set that is reported for numbers of two digits and more, too

Record = dict[str, float | int | str]


@dataclass(frozen=True)
class Result:
    """What one reader made of one set; `variant` is how it was run, where there is a choice."""

    outcomes: list[Outcome]
    milliseconds: float
    variant: str = ""

    def multi_digit(self) -> Result:
        """The part with numbers of at least two digits."""
        return Result([one for one in self.outcomes if len(one.truth) > 1], self.milliseconds, self.variant)


class Bench:
    """All readers, opened once."""

    def __init__(self, reader: NumberReader, peers: Sequence[str], python: str) -> None:
        self._reader = reader
        self._tesseract = Tesseract() if TESSERACT in peers else None
        self._rapid = {name: RapidOcr(python, name == RAPIDOCR) for name in peers if name in (RAPIDOCR, RAPIDOCR_REC)}
        self.names = (_OURS, *(name for name in PEERS if name in peers))

    def read(self, folder: Path, half: str, limit: int) -> dict[str, Result]:
        """What every reader makes of the pictures of a set, by its name."""
        rows = load_rows(folder, half, limit)
        paths, truths = _paths(folder, rows), [row["number"] for row in rows]
        results = {_OURS: read_ours(self._reader, paths, truths)}
        if self._tesseract:
            variant = self._choose(self._tesseract, folder, limit)
            answers = self._tesseract.read(paths, variant)
            results[TESSERACT] = Result(_judged(truths, answers.pieces), answers.milliseconds, str(variant))
        for name, engine in self._rapid.items():
            answers = engine.read(paths)
            results[name] = Result(_judged(truths, answers.pieces), answers.milliseconds)
        return results

    def close(self) -> None:
        """End the peers' processes."""
        for engine in self._rapid.values():
            engine.close()

    @staticmethod
    def _choose(tesseract: Tesseract, folder: Path, limit: int) -> Variant:
        rows = load_rows(folder, "choose", min(limit or _CHOOSE_BY, _CHOOSE_BY))
        return tesseract.choose(_paths(folder, rows), [row["number"] for row in rows])


def read_ours(reader: NumberReader, paths: Sequence[Path], truths: Sequence[str]) -> Result:
    """digitdet, one picture after the other; the first is read once before, as the network then takes its memory."""
    reader.read(paths[0])
    outcomes, elapsed = [], 0.0
    for path, truth in zip(paths, truths, strict=True):
        start = time.perf_counter()
        reading = reader.read(path)
        elapsed += time.perf_counter() - start
        pieces = [Piece(digits_of(number.best), number.box, number.confidence) for number in reading.numbers]
        outcomes.append(judge(truth, pieces, reading.status == UNSURE))
    return Result(outcomes, 1000 * elapsed / len(paths))


def _judged(truths: Sequence[str], answers: Sequence[Sequence[Piece]]) -> list[Outcome]:
    return [judge(truth, pieces) for truth, pieces in zip(truths, answers, strict=True)]


def _paths(folder: Path, rows: Sequence[Row]) -> list[Path]:
    return [folder / row["image"] for row in rows]


# --- figures ---


def measure(name: str, reader: str, result: Result) -> Record:
    """The figures of one reader on one set: shares from 0 to 1, of numbers or (whole to unsure) of pictures."""
    outcomes = result.outcomes
    count, numbers = len(outcomes), sum(one.numbers for one in outcomes)
    record: Record = {
        "set": name,
        "reader": reader,
        "variant": result.variant,
        "pictures": count,
        "numbers": numbers,
        "exact": sum(line.is_right for one in outcomes for line in one.lines) / numbers,
        "whole": sum(one.is_whole for one in outcomes) / count,
        "one_piece": sum(one.in_one_piece for one in outcomes) / count,
        "empty": sum(not one.lines for one in outcomes) / count,
        "milliseconds": result.milliseconds,
    }
    if reader == _OURS:  # the peers give no confidence of a number
        coverage = coverage_at_precision(outcomes)
        record["unsure"] = sum(one.is_unsure for one in outcomes) / count
        record |= {"covered": coverage.share, "from": coverage.threshold}
    return record


def measure_set(name: str, results: Mapping[str, Result]) -> list[Record]:
    """The figures of all readers on one set, then those on its parts that are reported alone."""
    records = [measure(name, reader, result) for reader, result in results.items()]
    parts = {reader: result.multi_digit() for reader, result in results.items()}
    if name == _MANY_DIGITS and parts[_OURS].outcomes:
        records += [measure(f"{name} multi-digit", reader, part) for reader, part in parts.items()]
    return records


def comparison_lines(records: Sequence[Record], readers: Sequence[str]) -> list[str]:
    """A line for each set: exact numbers and milliseconds a picture of each reader."""
    by_set: dict[str, list[Record]] = {}
    for record in records:
        by_set.setdefault(str(record["set"]), []).append(record)
    return [
        f"{name:22} {rows[0]['numbers']:8}"
        + "".join(f" {row['exact']:12.1%} {row['milliseconds']:6.0f}" for row in rows if row["reader"] in readers)
        for name, rows in by_set.items()
    ]


def mean_line(records: Sequence[Record], readers: Sequence[str]) -> str:
    """The mean over the sets, each of which counts the same; a set's part that is reported alone does not."""
    whole = [record for record in records if " " not in str(record["set"])]
    shares = {name: [float(one["exact"]) for one in whole if one["reader"] == name] for name in readers}
    return f"{'mean of the sets':31}" + "".join(f" {sum(one) / len(one):12.1%} {'':6}" for one in shares.values())


def own_lines(records: Sequence[Record]) -> list[str]:
    """The table of digitdet by itself."""
    columns = ("whole", "one_piece", "empty", "unsure", "covered")
    head = f"{_OURS:22} {'pictures':>8}" + "".join(f" {name.replace('_', ' '):>10}" for name in columns)
    own = [record for record in records if record["reader"] == _OURS]
    return [f"{head} {'from':>6}"] + [
        f"{one['set']:22} {one['pictures']:8}"
        + "".join(f" {one[name]:10.1%}" for name in columns)
        + f" {one['from']:6.2f}"
        for one in own
    ]


def main() -> None:
    arguments = parse_arguments()
    root = Path(os.environ.get("DIGITDET_DATA", "")) / "real"
    if not os.environ.get("DIGITDET_DATA") or not root.is_dir():
        sys.exit("set DIGITDET_DATA to the folder that holds real/")
    reader = NumberReader(arguments.model, config=ReadConfig(image_size=arguments.image_size))
    bench = Bench(reader, usable_peers(arguments.peers, arguments.rapidocr_python), arguments.rapidocr_python)
    head = "".join(f" {name:>12} {'ms':>6}" for name in bench.names)
    print(f"{'half: ' + arguments.half:22} {'numbers':>8}{head}")
    records: list[Record] = []
    for folder in sorted(path.parent for path in root.glob("*/labels.csv")):
        if arguments.sets and folder.name not in arguments.sets:
            continue
        found = measure_set(folder.name, bench.read(folder, arguments.half, arguments.limit))
        records += found
        print("\n".join(comparison_lines(found, bench.names)), flush=True)
    bench.close()
    if not records:
        sys.exit(f"no such set: {', '.join(arguments.sets)}")
    variants = [f"{one['set']}: tesseract {one['variant']}" for one in records if one["variant"]]
    print("\n".join([mean_line(records, bench.names), "", *own_lines(records), "", *variants]))
    if arguments.json:
        arguments.json.write_text(json.dumps(records, indent=2) + "\n", encoding="utf-8")


def usable_peers(wanted: str | None, python: str) -> list[str]:
    """Those that were asked for; else those that are installed, with a line for each that is not."""
    missing = missing_peers(python)
    names = PEERS if wanted is None else [name for name in wanted.split(",") if name]
    for name in names:
        if name not in PEERS:
            sys.exit(f"--peers: no {name!r}; there are {', '.join(PEERS)}")
        if name in missing:
            print(f"without {name}: {missing[name]}")
    return [name for name in names if name not in missing]


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("sets", nargs="*", metavar="SET", help="names of sets; else all")
    parser.add_argument("--half", choices=("choose", "confirm", "all"), default="all")
    parser.add_argument("--peers", metavar="NAMES", help=f"of {','.join(PEERS)}; else those installed; '' for none")
    parser.add_argument("--rapidocr-python", default=sys.executable, help="the interpreter that has RapidOCR")
    parser.add_argument("--model", type=Path, help="a model.onnx; else the shipped one")
    parser.add_argument(
        "--limit", type=int, default=0, help="at most so many pictures of a set, evenly spaced; 0 is all"
    )
    parser.add_argument("--image-size", type=int, help="side the network sees, before the reader's scales")
    parser.add_argument("--json", type=Path, help="write the figures as JSON, too")
    return parser.parse_args()


if __name__ == "__main__":
    main()
