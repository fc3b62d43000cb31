"""Measure the memory of long and of large readings: resident memory over many pictures, and the peak for one scan.

    python benchmarks/memory.py [--pictures 10000] [--megapixels 100]

Linux only. Each reading runs in its own process. The many pictures are those of $DIGITDET_DATA/real, repeated.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path

import cv2
import numpy as np
from shared import data_folder

_READ_MANY = """
import json, sys
from digitdet.reader import NumberReader
def resident():
    for line in open("/proc/self/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
paths = [line.rstrip("\\n") for line in sys.stdin]
for row, reading in enumerate(NumberReader().read_many(paths), 1):
    if row % 100 == 0:
        print(json.dumps([row, resident()]), flush=True)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pictures", type=int, default=10_000)
    parser.add_argument("--megapixels", type=int, default=100)
    options = parser.parse_args()
    read_many(options.pictures)
    read_large(options.megapixels)


def read_many(count: int) -> None:
    """Print the resident memory after every so many pictures."""
    real = data_folder("real")
    pictures = sorted(real.rglob("*.jpg")) + sorted(real.rglob("*.png"))
    # Shuffled: in order, the sizes of each set's pictures would hide what stays allocated.
    order = np.random.default_rng(0).permutation(len(pictures))
    paths = islice(cycle(pictures[row] for row in order), count)
    done = subprocess.run(
        [sys.executable, "-c", _READ_MANY],
        input="".join(f"{path}\n" for path in paths),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    resident = dict(json.loads(line) for line in done.stdout.splitlines())
    shown = [row for row in resident if row in (100, 300, 1000, 3000, count) or row % 2500 == 0]
    print(f"{count:,} pictures, {len(pictures):,} of them different; resident memory after")
    print("  ".join(f"{row:,}: {resident[row]:.0f} MB" for row in shown), f" most: {max(resident.values()):.0f} MB")


def read_large(megapixels: int) -> None:
    """Print peak memory and seconds of reading one large scan, as JPEG and as PNG."""
    side = round(np.sqrt(megapixels * 1e6))
    page = np.full((side, side, 3), 235, np.uint8)
    rng = np.random.default_rng(0)
    for y in range(200, side - 200, side // 12):
        for x in range(200, side - 1200, side // 5):
            number = str(rng.integers(10_000, 99_999))
            cv2.putText(page, number, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 4, (40, 40, 40), 9, cv2.LINE_AA)
    with tempfile.TemporaryDirectory() as folder:
        for suffix in (".jpg", ".png"):
            path = Path(folder) / f"scan{suffix}"
            cv2.imwrite(str(path), page)
            start = time.perf_counter()
            process = subprocess.Popen([sys.executable, "-m", "digitdet", "read", path], stdout=subprocess.PIPE)
            assert process.stdout is not None
            numbers = process.stdout.read().split()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            print(
                f"scan of {side} x {side} pixels, {suffix}: {usage.ru_maxrss / 1024:.0f} MB peak, "
                f"{time.perf_counter() - start:.1f} s, {len(numbers)} numbers, exit code {process.returncode}"
            )


if __name__ == "__main__":
    main()
