"""Measure exact numbers on the real labelled sets: digitdet and general OCR engines, in one run and one table.

    python benchmarks/real.py [--half choose|confirm|all] [--peers tesseract,rapidocr,rapidocr-rec,easyocr]
                              [--limit N] [--peers-python PYTHON] [--model RUN] [--image-size N] [--json FILE] [SET ...]

The sets are the folders of $DIGITDET_DATA/real, each with a labels.csv (image,number). All readers get the same files
and are judged by the same rule (exact.py). halves.py defines the two halves of each set. For Tesseract, each set is
read with the best of twelve variants (page segmentation mode, small pictures enlarged or not), selected on at most 100
pictures of the choose half; the selected variants are printed.

The second table is about digitdet alone, as shares of the pictures:

    whole      everything in the picture was read correctly, and nothing else
    one piece  the only number returned is the true one
    empty      no digit was found
    unsure     at least one number is marked as uncertain
    covered    share of the numbers that can be accepted by a confidence threshold (`from`) at 95% precision

The third table is about its confidences, the lowest of each line that was read:

    lines      lines read, and the share of them that is right
    confidence its mean, and the expected calibration error
    sure       share of the lines with a confidence of at least 0.9, and the share of these that is right
    doubted    share of the right lines whose confidence is below the default of --min-confidence
    missed     share of the wrong lines whose confidence is not

It ends with the number of sets on which the confidences hold, and with the lines of all sets by their confidence, each
set with the same weight.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from exact import LabelledPicture, Line, Outcome, Piece, coverage_at_precision, judge, judge_all
from halves import load_pictures
from peers import PEERS, TESSERACT, PeerProcess, Tesseract, missing_peers
from shared import real_sets, write_json

from digitdet import NumberReader
from digitdet.common.types import FloatArray, Mask
from digitdet.configs import ReadConfig
from digitdet.evaluation.statistics import expected_calibration_error
from digitdet.reading.results import UNSURE

_OURS = "digitdet"
_CHOOSE_BY = 100  # pictures of the choose half on which Tesseract's variants are compared
_SURE = 0.9  # confidence
_HOLDS = 0.95, 0.05  # share of the sure lines that is right, and distance of the mean confidence from the share right
_MANY_DIGITS = "mgr_rowid"  # the set that is also reported for numbers of two or more digits

Record = dict[str, float | int | str]


@dataclass(frozen=True)
class Result:
    """What one reader returned for one set; `variant` is how it was run, if that was selected."""

    outcomes: list[Outcome]
    milliseconds: float
    variant: str = ""

    def multi_digit(self) -> Result:
        """Return the part with numbers of at least two digits."""
        return Result([one for one in self.outcomes if len(one.truth) > 1], self.milliseconds, self.variant)


class Bench:
    """All readers, opened once."""

    def __init__(self, reader: NumberReader, peers: Sequence[str], python: str) -> None:
        self._reader = reader
        self._tesseract = Tesseract() if TESSERACT in peers else None
        self._others = {name: PeerProcess(name, python) for name in peers if name != TESSERACT}
        self.names = (_OURS, *(name for name in PEERS if name in peers))

    def read(self, folder: Path, half: str, limit: int) -> dict[str, Result]:
        """Read a set with every reader; return the results by the reader's name."""
        pictures = load_pictures(folder, half, limit)
        paths = [picture.path for picture in pictures]
        results = {_OURS: read_ours(self._reader, pictures)}
        if self._tesseract:
            variant = self._tesseract.choose(load_pictures(folder, "choose", min(limit or _CHOOSE_BY, _CHOOSE_BY)))
            answers = self._tesseract.read(paths, variant)
            results[TESSERACT] = Result(judge_all(pictures, answers.pieces), answers.milliseconds, str(variant))
        for name, engine in self._others.items():
            answers = engine.read(paths)
            results[name] = Result(judge_all(pictures, answers.pieces), answers.milliseconds)
        return results

    def close(self) -> None:
        """End the peers' processes."""
        for engine in self._others.values():
            engine.close()


def read_ours(reader: NumberReader, pictures: Sequence[LabelledPicture]) -> Result:
    """Read pictures with digitdet, one after the other; the first one is also read before, to warm up."""
    reader.read(pictures[0].path)
    outcomes, elapsed = [], 0.0
    for picture in pictures:
        start = time.perf_counter()
        reading = reader.read(picture.path)
        elapsed += time.perf_counter() - start
        pieces = [Piece(number.best, number.box, number.confidence) for number in reading.numbers]
        outcomes.append(judge(picture.truth, pieces, reading.status == UNSURE, picture.area))
    return Result(outcomes, 1000 * elapsed / len(pictures))


# --- figures ---


def measure(name: str, reader: str, result: Result) -> Record:
    """Return the figures of one reader on one set; shares are 0 to 1."""
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
    if reader == _OURS:  # the peers return no confidence of a number
        coverage = coverage_at_precision(outcomes)
        record["unsure"] = sum(one.is_unsure for one in outcomes) / count
        record |= {"covered": coverage.share, "from": coverage.threshold}
        record |= measure_confidences([line for one in outcomes for line in one.lines])
    return record


def measure_confidences(lines: Sequence[Line]) -> Record:
    """Return how well the confidences of lines tell the right ones; shares are 0 to 1, and 0 of none."""
    confidences = np.array([line.confidence for line in lines])
    is_right = np.array([line.is_right for line in lines], bool)
    is_doubted, is_sure = confidences < ReadConfig().min_confidence, confidences >= _SURE
    return {
        "lines": len(lines),
        "right": _mean(is_right),
        "confidence": _mean(confidences),
        "calibration_error": expected_calibration_error(confidences, is_right),
        "sure": _mean(is_sure),
        "sure_right": _mean(is_right[is_sure]),
        "doubted": _mean(is_doubted[is_right]),
        "missed": _mean(~is_doubted[~is_right]),
    }


def _mean(values: FloatArray | Mask) -> float:
    return float(values.mean()) if len(values) else 0.0


def measure_bins(lines: Mapping[str, Sequence[Line]]) -> list[Record]:
    """Return the number of lines of all sets by tenths of confidence, with means in which every set weighs the same."""
    table = [(line.confidence, line.is_right, 1 / len(of_set)) for of_set in lines.values() for line in of_set]
    confidences, is_right, weights = np.array(table, np.float64).reshape(-1, 3).T
    bin_of = np.minimum((10 * confidences).astype(int), 9)
    return [
        {
            "from": index / 10,
            "lines": int((bin_of == index).sum()),
            "confidence": float(np.average(confidences[bin_of == index], weights=weights[bin_of == index])),
            "right": float(np.average(is_right[bin_of == index], weights=weights[bin_of == index])),
        }
        for index in np.unique(bin_of).tolist()
    ]


def measure_set(name: str, results: Mapping[str, Result]) -> list[Record]:
    """Return the figures of all readers on one set, and on the part of it that is also reported alone."""
    records = [measure(name, reader, result) for reader, result in results.items()]
    parts = {reader: result.multi_digit() for reader, result in results.items()}
    if name == _MANY_DIGITS and parts[_OURS].outcomes:
        records += [measure(f"{name} multi-digit", reader, part) for reader, part in parts.items()]
    return records


def print_comparison(records: Sequence[Record]) -> None:
    """Print a line per set: exact numbers and milliseconds per picture of each reader."""
    for name in dict.fromkeys(record["set"] for record in records):
        rows = [record for record in records if record["set"] == name]
        cells = "".join(f" {row['exact']:12.1%} {row['milliseconds']:6.0f}" for row in rows)
        print(f"{name:22} {rows[0]['numbers']:8}{cells}", flush=True)


def print_means(records: Sequence[Record], readers: Sequence[str]) -> None:
    """Print the mean over the sets, each with the same weight, without parts of a set."""
    means = []
    for reader in readers:
        shares = [float(one["exact"]) for one in records if one["reader"] == reader and " " not in str(one["set"])]
        means.append(f" {sum(shares) / len(shares):12.1%} {'':6}")
    print(f"{'mean of the sets':31}{''.join(means)}\n")


def print_own(records: Sequence[Record]) -> None:
    """Print the table of digitdet alone."""
    columns = ("whole", "one_piece", "empty", "unsure", "covered")
    head = "".join(f" {name.replace('_', ' '):>10}" for name in columns)
    print(f"{_OURS:22} {'pictures':>8}{head} {'from':>6}")
    for one in records:
        if one["reader"] == _OURS:
            cells = "".join(f" {one[name]:10.1%}" for name in columns)
            print(f"{one['set']:22} {one['pictures']:8}{cells} {one['from']:6.2f}")


def print_confidences(records: Sequence[Record], bins: Sequence[Record]) -> None:
    """Print the table of confidences, and that of all sets by confidence."""
    columns = ("right", "confidence", "calibration_error", "sure", "sure_right", "doubted", "missed")
    head = "".join(f" {name.replace('calibration_', '').replace('_', ' '):>10}" for name in columns)
    print(f"\n{'confidences':22} {'lines':>8}{head}")
    own = [one for one in records if one["reader"] == _OURS]
    for one in own:
        print(f"{one['set']:22} {one['lines']:8}{''.join(f' {one[name]:10.1%}' for name in columns)}")
    precise = sum(not one["sure"] or float(one["sure_right"]) >= _HOLDS[0] for one in own)
    close = sum(abs(float(one["confidence"]) - float(one["right"])) <= _HOLDS[1] for one in own)
    print(f"at least {_HOLDS[0]:.0%} of the sure lines are right on {precise} of {len(own)} sets;", end=" ")
    print(f"the mean confidence is within {_HOLDS[1]:.0%} of the share right on {close}")
    print(f"\n{'all sets, from':22} {'lines':>8} {'right':>10} {'confidence':>10}")
    for one in bins:
        print(f"{one['from']:<22} {one['lines']:8} {one['right']:10.1%} {one['confidence']:10.1%}")


def main() -> None:
    arguments = parse_arguments()
    sets = [folder for folder in real_sets() if not arguments.sets or folder.name in arguments.sets]
    if not sets:
        sys.exit(f"no such set: {', '.join(arguments.sets)}")
    config = ReadConfig(image_size=arguments.image_size, digits_only=True)  # as the labels
    reader = NumberReader(arguments.model, config=config)
    bench = Bench(reader, usable_peers(arguments.peers, arguments.peers_python), arguments.peers_python)
    head = "".join(f" {name:>12} {'ms':>6}" for name in bench.names)
    print(f"{'half: ' + arguments.half:22} {'numbers':>8}{head}")
    records: list[Record] = []
    lines: dict[str, list[Line]] = {}
    for folder in sets:
        results = bench.read(folder, arguments.half, arguments.limit)
        lines[folder.name] = [line for one in results[_OURS].outcomes for line in one.lines]
        found = measure_set(folder.name, results)
        records += found
        print_comparison(found)
    bench.close()
    print_means(records, bench.names)
    print_own(records)
    bins = measure_bins(lines)
    print_confidences(records, bins)
    for one in records:
        if one["variant"]:
            print(f"{one['set']}: tesseract {one['variant']}")
    write_json(arguments.json, {"sets": records, "confidences": bins})


def usable_peers(wanted: str | None, python: str) -> list[str]:
    """Return the requested peers, or all, as far as they are installed; print a line for each one that is not."""
    missing = missing_peers(python)
    names = PEERS if wanted is None else [name for name in wanted.split(",") if name]
    for name in names:
        if name not in PEERS:
            sys.exit(f"--peers: unknown {name!r}; expected {', '.join(PEERS)}")
        if name in missing:
            print(f"without {name}: {missing[name]}")
    return [name for name in names if name not in missing]


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("sets", nargs="*", metavar="SET", help="names of sets; default: all")
    parser.add_argument("--half", choices=("choose", "confirm", "all"), default="all")
    parser.add_argument("--peers", metavar="NAMES", help=f"any of {','.join(PEERS)}; '' for none; default: installed")
    parser.add_argument("--peers-python", default=sys.executable, help="interpreter that has RapidOCR and EasyOCR")
    parser.add_argument("--model", type=Path, help="run folder to measure; default: the shipped model")
    parser.add_argument("--limit", type=int, default=0, help="at most N pictures per set, evenly spaced; 0: all")
    parser.add_argument("--image-size", type=int, help="input side of the detector before the reader's scales")
    parser.add_argument("--json", type=Path, help="also write the figures as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    main()
