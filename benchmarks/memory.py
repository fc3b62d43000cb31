"""Memory of long and of large readings: `python benchmarks/memory.py [--pictures 10000] [--megapixels 100]`

Each in a process of its own, as Linux counts it: resident memory after every hundredth of many pictures (those of
data/real again and again, where DIGITDET_DATA names them; else the examples), and the peak for one large scan.
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

_EXAMPLES = Path(__file__).parents[1] / "examples"
_MANY = """
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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=10_000)
    parser.add_argument("--megapixels", type=int, default=100)
    options = parser.parse_args()
    read_many(options.pictures)
    read_large(options.megapixels)


def read_many(count: int) -> None:
    real = Path(os.environ.get("DIGITDET_DATA", "")) / "real"
    pictures = sorted(real.rglob("*.jpg")) + sorted(real.rglob("*.png")) if real.is_dir() else []
    pictures = pictures or sorted(_EXAMPLES.glob("*.jpg"))
    # Spread over all sets: one after the other would show each set's own sizes, not what stays behind.
    order = np.random.default_rng(0).permutation(len(pictures))
    paths = islice(cycle(pictures[row] for row in order), count)
    done = subprocess.run(
        [sys.executable, "-c", _MANY],
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
            seconds = time.perf_counter() - start
            print(
                f"a scan of {side} x {side} pixels, {suffix}: {usage.ru_maxrss / 1024:.0f} MB peak, {seconds:.1f} s, "
                f"{len(numbers)} numbers, exit code {process.returncode}"
            )


if __name__ == "__main__":
    main()
