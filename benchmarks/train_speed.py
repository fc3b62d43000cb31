"""Measure training speed on the CPU in images per second: digitdet beside stock Ultralytics, in one run.

    python benchmarks/train_speed.py [--count 480] [--mnist DIR]

`stock` is Ultralytics' default on a CPU: float32 on one thread less than there are cores (at most 8). `squares` uses
all cores, and bfloat16 if the processor supports it, but square batches as stock Ultralytics does; `digitdet` batches
pictures of similar shape, and `busy` does the same beside another program that uses one core. Everything else is equal.
They take turns three times; the first steps are not counted.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from digitdet.configs import SynthConfig, TrainConfig
from digitdet.datasets.formats.yolo import DATA_FILE, read_data_file
from digitdet.synth.sources import load_materials
from digitdet.synth.writer import write_dataset
from digitdet.training import yolo

_WARM_UP_STEPS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=480, help="training pictures per run")
    parser.add_argument("--mnist", type=Path, help="folder with the four MNIST files")
    arguments = parser.parse_args()
    ways = {
        # A mosaic with (almost) no probability switches our own batches off.
        "stock": TrainConfig(
            epochs=1, mosaic=1e-9, precision="fp32", threads=min(8, max(1, (os.cpu_count() or 2) - 1))
        ),
        "squares": TrainConfig(epochs=1, mosaic=1e-9),
        "digitdet": TrainConfig(epochs=1),
        "busy": TrainConfig(epochs=1),
    }
    rates: dict[str, list[float]] = {name: [] for name in ways}
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch) / "data"
        config = SynthConfig(count=arguments.count + 16, val_share=16 / (arguments.count + 16), test_share=0)
        write_dataset(config, load_materials(config, arguments.mnist), data)
        splits = {split: folders[0] for split, folders in read_data_file(data / DATA_FILE).sources.items()}
        for turn in range(3):
            for name, way in ways.items():
                ticks: list[float] = []
                run = Path(scratch) / f"{name}-{turn}"
                run.mkdir()
                with busy_core() if name == "busy" else contextlib.nullcontext():
                    yolo.train(way, splits, run, None, on_step=lambda ticks=ticks: ticks.append(time.perf_counter()))
                seconds = ticks[-1] - ticks[_WARM_UP_STEPS]
                steps = len(ticks) - 1 - _WARM_UP_STEPS
                rates[name].append(steps / seconds * arguments.count / len(ticks))  # some are repeated to fill batches
    for name, values in rates.items():
        ratio = median(ours / theirs for ours, theirs in zip(rates["digitdet"], values, strict=True))
        turns = ", ".join(f"{value:.1f}" for value in values)
        print(f"{name:9} {median(values):6.1f} images/s  ({turns})  digitdet is {ratio:.2f} times as fast")


@contextlib.contextmanager
def busy_core() -> Iterator[None]:
    """Run another process that uses one core."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as process:
        try:
            yield
        finally:
            process.kill()


if __name__ == "__main__":
    main()
