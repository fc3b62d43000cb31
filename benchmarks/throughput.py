"""Pictures a second in a process that is warm, beside `yolo predict`, RapidOCR and the bare network.

    python benchmarks/throughput.py [--count 1000] [--rapidocr-python PYTHON] [--json FILE]

The pictures are those of data/real (found by DIGITDET_DATA), all sets in turn. In blocks of 50 each tool reads the same
files, from path to result, one tool after the other; RapidOCR only a few of each block. Ratios are of each block, and
the median is given. The limit is ONNX Runtime on the very tensors that digitdet's reading of the block makes, ready in
memory, shared out to as many threads. `yolo predict` runs the detector's weights in PyTorch, one size, and gives boxes.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, zip_longest
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from halves import load_rows
from peers import RAPIDOCR, RapidOcr, missing_peers

from digitdet.datasets.mnist import DATA_VARIABLE
from digitdet.detection.session import Session
from digitdet.models.model_file import shipped_file
from digitdet.reader import NumberReader

_BLOCK = 50
_SLOW = 5  # pictures of a block that RapidOCR reads


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000, help="pictures")
    parser.add_argument("--rapidocr-python", default=sys.executable, help="the interpreter that has RapidOCR")
    parser.add_argument("--json", type=Path, help="write the figures as JSON, too")
    options = parser.parse_args()
    pictures = mixed_pictures(Path(os.environ[DATA_VARIABLE]) / "real", options.count)
    reader = NumberReader()
    tools: dict[str, Callable[[Sequence[Path]], float]] = {
        "digitdet": lambda paths: timed(lambda: list(reader.read_many(paths))),
        "bare network": lambda paths: time_network(reader, paths),
        "yolo predict": yolo_predict(),
    }
    if RAPIDOCR not in missing_peers(options.rapidocr_python):
        rapidocr = RapidOcr(options.rapidocr_python, whole=True)
        tools["RapidOCR"] = lambda paths: rapidocr.read(paths[:_SLOW]).milliseconds * len(paths) / 1000
    blocks = [pictures[start : start + _BLOCK] for start in range(0, len(pictures), _BLOCK)]
    for tool in tools.values():  # caches and lazy parts
        tool(blocks[0])
    seconds: dict[str, list[float]] = {name: [] for name in tools}
    for block in blocks:
        for name, tool in tools.items():
            seconds[name].append(tool(block) / len(block))
    print_table(seconds, len(pictures))
    if options.json:
        options.json.write_text(json.dumps(seconds, indent=2) + "\n", encoding="utf-8")


def mixed_pictures(real: Path, count: int) -> list[Path]:
    """Pictures of all sets in turn; a small set begins anew when it is through."""
    sets = [
        [folder / row["image"] for row in load_rows(folder)] for folder in sorted(real.iterdir()) if folder.is_dir()
    ]
    repeated = [(paths * (count // len(paths) + 1))[:count] for paths in sets]
    return [path for path in chain.from_iterable(zip_longest(*repeated)) if path][:count]


def timed(work: Callable[[], object]) -> float:
    """Seconds."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def time_network(reader: NumberReader, paths: Sequence[Path]) -> float:
    """Seconds of ONNX Runtime alone on what a reading of these pictures gives it."""
    calls: list[tuple[Session, Any]] = []
    run = Session.run

    def note(session: Session, tensor: np.ndarray) -> np.ndarray:
        calls.append((session, tensor.copy()))
        return run(session, tensor)

    Session.run = note  # type: ignore[method-assign]
    try:
        list(reader.read_many(paths))
    finally:
        Session.run = run  # type: ignore[method-assign]
    with ThreadPoolExecutor(reader.workers) as threads:
        return timed(lambda: list(threads.map(lambda call: run(*call), calls)))


def yolo_predict() -> Callable[[Sequence[Path]], float]:
    """A function that has Ultralytics predict, offline, as `yolo predict` does."""
    from digitdet.training import yolo

    yolo._import_ultralytics()
    from ultralytics import YOLO

    model = YOLO(str(shipped_file("digitdet.pt")), task="detect")

    def predict(paths: Sequence[Path]) -> float:
        wanted = [str(path) for path in paths]
        return timed(lambda: list(model.predict(wanted, stream=True, imgsz=320, device="cpu", verbose=False)))

    return predict


def print_table(seconds: dict[str, list[float]], count: int) -> None:
    ours = seconds["digitdet"]
    print(f"{count} pictures, {os.cpu_count()} cores\n{'':14} {'a picture':>10} {'a second':>9} {'x digitdet':>11}")
    for name, theirs in seconds.items():
        ratio = median(b / a for a, b in zip(ours, theirs, strict=True))
        print(f"{name:14} {1000 * np.mean(theirs):7.1f} ms {1 / np.mean(theirs):9.1f} {ratio:11.2f}")


if __name__ == "__main__":
    main()
