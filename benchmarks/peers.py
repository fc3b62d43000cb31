"""The OCR engines that digitdet is compared with. Each runs as its users run it; only the digits it reads are kept.

Tesseract gets the whitelist 0123456789 and a list of all pictures in one process, so that its start-up is not counted
for each picture; it runs on one thread, which is faster for small pictures. RapidOCR, with its default models, and
EasyOCR, restricted to digits, run in an interpreter of their own (peer_worker.py).
"""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
from exact import LabelledPicture, Piece, digits_of, judge_all

_WORKER = Path(__file__).with_name("peer_worker.py")
_SMALL = 64  # pixels; Tesseract is also tried with lower pictures enlarged to this height
_WORD = 5  # the level of words in Tesseract's table

TESSERACT, RAPIDOCR, RAPIDOCR_REC, EASYOCR = PEERS = ("tesseract", "rapidocr", "rapidocr-rec", "easyocr")
_PACKAGES = {RAPIDOCR: "rapidocr", RAPIDOCR_REC: "rapidocr", EASYOCR: "easyocr"}  # to import in the worker


@dataclass(frozen=True)
class Answers:
    """The pieces with digits of each picture in reading order, and the mean milliseconds per picture."""

    pieces: list[list[Piece]]
    milliseconds: float


@dataclass(frozen=True)
class Variant:
    """A configuration of Tesseract: page segmentation mode, and whether low pictures are enlarged to 64 px."""

    mode: int
    enlarged: bool

    def __str__(self) -> str:
        return f"--psm {self.mode}" + (f", enlarged to {_SMALL} px" if self.enlarged else "")


VARIANTS = tuple(Variant(mode, enlarged) for enlarged in (False, True) for mode in (6, 7, 8, 10, 11, 13))


def missing_peers(python: str) -> dict[str, str]:
    """Return how to install each missing peer; `python` is the interpreter for RapidOCR and EasyOCR."""
    missing = {}
    if shutil.which("tesseract") is None:
        missing[TESSERACT] = "apt-get install tesseract-ocr"
    for name, package in _PACKAGES.items():
        probe = f"import importlib.util, sys; sys.exit(importlib.util.find_spec('{package}') is None)"
        if shutil.which(python) is None or subprocess.run([python, "-c", probe], check=False).returncode:
            missing[name] = "pip install -r benchmarks/requirements-peers.txt in a new environment, and --peers-python"
    return missing


# --- Tesseract ---


class Tesseract:
    """The `tesseract` on the path, with its default English language data."""

    def choose(self, pictures: Sequence[LabelledPicture]) -> Variant:
        """Return the variant that reads most of these numbers exactly; the first one if several are equal."""

        def count_right(variant: Variant) -> int:
            answers = self.read([picture.path for picture in pictures], variant)
            return sum(line.is_right for outcome in judge_all(pictures, answers.pieces) for line in outcome.lines)

        return max(VARIANTS, key=count_right)

    def read(self, paths: Sequence[Path], variant: Variant) -> Answers:
        """Read pictures. The time includes start-up and decoding, but not the enlarging."""
        with tempfile.TemporaryDirectory() as folder:
            if variant.enlarged:
                paths = [_enlarge(path, Path(folder) / f"{index}.png") for index, path in enumerate(paths)]
            start = time.perf_counter()
            pieces = _run_tesseract(paths, variant.mode, Path(folder) / "paths.txt")
            elapsed = time.perf_counter() - start
        return Answers(pieces, 1000 * elapsed / max(len(paths), 1))


def parse_table(table: str, pages: int) -> list[list[Piece]]:
    """Return the words with digits of each page of Tesseract's TSV output.

    Raises:
        ValueError: The table does not have that many pages.
    """
    found: list[list[Piece]] = []
    for row in csv.DictReader(io.StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE):
        if row["level"] == "1":
            found.append([])
        elif row["level"] == str(_WORD) and (text := digits_of(row["text"])):
            left, top, width, height = (float(row[name]) for name in ("left", "top", "width", "height"))
            found[-1].append(Piece(text, (left, top, left + width, top + height)))
    if len(found) != pages:
        raise ValueError(f"tesseract returned {len(found)} of {pages} pictures")
    return found


def _run_tesseract(paths: Sequence[Path], mode: int, listing: Path) -> list[list[Piece]]:
    """Return the words with digits of each picture; a picture that makes Tesseract crash has none."""
    listing.write_text("".join(f"{path}\n" for path in paths), encoding="utf-8")
    whitelist = ["-c", "tessedit_char_whitelist=0123456789"]
    done = subprocess.run(
        ["tesseract", str(listing), "stdout", "--psm", str(mode), *whitelist, "tsv"],
        env={**os.environ, "OMP_THREAD_LIMIT": "1"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode >= 0:
        done.check_returncode()
        return parse_table(done.stdout, len(paths))
    if len(paths) == 1:
        return [[]]
    middle = len(paths) // 2
    return [answer for part in (paths[:middle], paths[middle:]) for answer in _run_tesseract(part, mode, listing)]


def _enlarge(path: Path, target: Path) -> Path:
    """Return the path of the picture, or of a 64 px high copy if it is lower than that."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None or image.shape[0] >= _SMALL:
        return path
    factor = _SMALL / image.shape[0]
    cv2.imwrite(str(target), cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC))
    return target


# --- RapidOCR and EasyOCR ---


class PeerProcess:
    """A process of RapidOCR (full pipeline, or recognition only) or EasyOCR; `name` is one of `PEERS`."""

    def __init__(self, name: str, python: str) -> None:
        self._name = name
        self._process = subprocess.Popen(
            [python, str(_WORKER), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )

    def read(self, paths: Sequence[Path]) -> Answers:
        """Read pictures one after the other. The time does not include loading the models."""
        answers = [self._ask(path) for path in paths]
        pieces = [
            [Piece(digits, tuple(box)) for text, *box in answer["lines"] if (digits := digits_of(text))]
            for answer in answers
        ]
        return Answers(pieces, sum(answer["ms"] for answer in answers) / max(len(answers), 1))

    def texts(self, paths: Sequence[Path]) -> list[list[str]]:
        """Return the texts that are read in each picture, with all their characters."""
        return [[text for text, *_ in self._ask(path)["lines"]] for path in paths]

    def close(self) -> None:
        """End the process."""
        self._process.communicate()

    def _ask(self, path: Path) -> dict:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{path}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self._name} ended at {path}; its message is above")
        return json.loads(answer)
