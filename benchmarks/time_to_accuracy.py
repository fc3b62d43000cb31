"""From nothing to a detector of 0.95 mAP50: how long `--preset quick` takes, composing included.

    python benchmarks/time_to_accuracy.py [--map50 0.95]

Runs the two commands as a user does, in a new folder, and watches the table that Ultralytics keeps of the epochs. The
mAP50 is that of the validation split after each; the last line is that of the test split, of the finished model.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--map50", type=float, default=0.95, help="the accuracy to wait for")
    arguments = parser.parse_args()
    digitdet = [sys.executable, "-m", "digitdet"]
    with tempfile.TemporaryDirectory() as scratch:
        data, run = Path(scratch) / "data", Path(scratch) / "run"
        start = time.perf_counter()
        synth = [*digitdet, "synth", "--preset", "quick", "--out", str(data)]
        subprocess.run(synth, check=True, capture_output=True)
        print(f"composed           {time.perf_counter() - start:6.0f} s", flush=True)
        reached = False
        train = [*digitdet, "train", "--preset", "quick", "--data", str(data), "--out", str(run)]
        log = Path(scratch) / "log"
        with log.open("wb") as output:
            training = subprocess.Popen(train, stdout=output, stderr=subprocess.STDOUT)
            epochs = 0
            while training.poll() is None:
                time.sleep(0.5)
                for value in _map50(run / "training" / "results.csv")[epochs:]:
                    epochs += 1
                    first = value >= arguments.map50 and not reached
                    reached = reached or first
                    note = f"  <- {arguments.map50} reached" if first else ""
                    print(f"epoch {epochs}: {value:.4f}    {time.perf_counter() - start:6.0f} s{note}", flush=True)
        print(f"model ready        {time.perf_counter() - start:6.0f} s")
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        print("\n".join(line for line in lines if line.startswith(("digits:", "numbers:", "Error:"))))
    if training.returncode or not reached:
        sys.exit(f"{arguments.map50} was not reached (exit code {training.returncode})")


def _map50(table: Path) -> list[float]:
    """The mAP50 of each epoch so far."""
    if not table.is_file():
        return []
    with table.open(newline="", encoding="utf-8") as lines:
        rows = [{key.strip(): value for key, value in row.items()} for row in csv.DictReader(lines)]
    return [float(row["metrics/mAP50(B)"]) for row in rows]


if __name__ == "__main__":
    main()
