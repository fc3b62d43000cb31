"""Measure pictures per second in a warm process, beside the bare networks, `yolo predict` and OCR engines.

    python benchmarks/throughput.py [--count 1000] [--peers-python PYTHON] [--json FILE]

The pictures come from all real sets in turn. Every tool reads the same blocks of 50 files, from path to result, one
tool after the other (OCR engines only the first five of each block); the ratio is the median over the blocks.
`networks` is the lower limit: ONNX Runtime alone, on the tensors that digitdet's reading of the block produces, on as
many threads. `yolo predict` runs the detector's weights in PyTorch in one pass and returns boxes.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from peers import EASYOCR, RAPIDOCR, TESSERACT, Answers, PeerProcess, Tesseract, Variant, missing_peers
from shared import mixed_pictures, write_json

from digitdet.detection.session import Session
from digitdet.models.model_file import DETECTOR_WEIGHTS, shipped_file
from digitdet.reader import NumberReader

_BLOCK = 50
_SLOW = 5  # pictures of a block that OCR engines read
_SPARSE_TEXT = Variant(mode=11, enlarged=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=1000, help="pictures")
    parser.add_argument("--peers-python", default=sys.executable, help="interpreter that has RapidOCR and EasyOCR")
    parser.add_argument("--json", type=Path, help="also write the figures as JSON")
    options = parser.parse_args()
    pictures = mixed_pictures(options.count)
    reader = NumberReader()
    tools: dict[str, Callable[[Sequence[Path]], float]] = {
        "digitdet": lambda paths: timed(lambda: list(reader.read_many(paths))),
        "networks": lambda paths: time_networks(reader, paths),
        "yolo predict": yolo_predict(),
    }
    tools |= ocr_engines(options.peers_python)
    blocks = [pictures[start : start + _BLOCK] for start in range(0, len(pictures), _BLOCK)]
    for tool in tools.values():  # fill caches
        tool(blocks[0])
    seconds: dict[str, list[float]] = {name: [] for name in tools}
    for block in blocks:
        for name, tool in tools.items():
            seconds[name].append(tool(block) / len(block))
    print(f"{len(pictures)} pictures, {os.cpu_count()} cores")
    print(f"{'':14} {'per picture':>11} {'per second':>10} {'x digitdet':>11}")
    for name, values in seconds.items():
        ratio = median(theirs / ours for ours, theirs in zip(seconds["digitdet"], values, strict=True))
        print(f"{name:14} {1000 * np.mean(values):8.1f} ms {1 / np.mean(values):10.1f} {ratio:11.2f}")
    write_json(options.json, seconds)


def ocr_engines(python: str) -> dict[str, Callable[[Sequence[Path]], float]]:
    """Return functions that read the first pictures of a block and give the seconds for all, by installed engine."""
    missing = missing_peers(python)
    engines: dict[str, Callable[[Sequence[Path]], Answers]] = {}
    for name in (RAPIDOCR, EASYOCR):
        if name not in missing:
            engines[name] = PeerProcess(name, python).read
    if TESSERACT not in missing:
        engines[TESSERACT] = partial(Tesseract().read, variant=_SPARSE_TEXT)

    def seconds(read: Callable[[Sequence[Path]], Answers], paths: Sequence[Path]) -> float:
        return read(paths[:_SLOW]).milliseconds * len(paths) / 1000

    return {name: partial(seconds, read) for name, read in engines.items()}


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that a call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def time_networks(reader: NumberReader, paths: Sequence[Path]) -> float:
    """Return the seconds of ONNX Runtime alone on the tensors of a reading of these pictures."""
    calls: list[tuple[Session, Any]] = []
    run = Session.run

    def record(session: Session, tensor: np.ndarray) -> np.ndarray:
        calls.append((session, tensor.copy()))
        return run(session, tensor)

    Session.run = record  # type: ignore[method-assign]
    try:
        list(reader.read_many(paths))
    finally:
        Session.run = run  # type: ignore[method-assign]
    with ThreadPoolExecutor(reader.workers) as threads:
        return timed(lambda: list(threads.map(lambda call: run(*call), calls)))


def yolo_predict() -> Callable[[Sequence[Path]], float]:
    """Return a function that predicts with Ultralytics, offline, as `yolo predict` does."""
    from digitdet.training import yolo

    yolo._import_ultralytics()
    from ultralytics import YOLO

    model = YOLO(str(shipped_file(DETECTOR_WEIGHTS)), task="detect")

    def predict(paths: Sequence[Path]) -> float:
        wanted = [str(path) for path in paths]
        return timed(lambda: list(model.predict(wanted, stream=True, imgsz=320, device="cpu", verbose=False)))

    return predict


if __name__ == "__main__":
    main()
