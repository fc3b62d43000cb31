"""Which network and which recipe learn most from the same pictures: detectors from random weights, one epoch each.

    python benchmarks/variants.py --data DIR --out DIR [--limit N] [--image-size N] [--arms NAME,NAME]

Every arm trains once over the train split of a composed dataset. The table says what it then finds on that dataset's
test split, how many numbers of the real sets it reads exactly (at most LIMIT pictures of each), and how long the
training took. Done arms are kept: the same command goes on.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from arms import exact_shares, mean_of, real_sets

from digitdet.configs import RecogniserConfig, TrainConfig
from digitdet.training.run import train_run

# Each arm differs from the first in one thing.
ARMS: dict[str, dict[str, object]] = {
    "yolo11n": {},
    "yolo26n": {"architecture": "yolo26n.yaml"},
    "yolo26n with a P2 head": {"architecture": "yolo26n-p2.yaml"},
    "mosaic in half of the pictures": {"mosaic": 0.5},
    "learning rate 0.004": {"learning_rate": 0.004},
    "batches of 32": {"batch": 32},
    "yolo11s": {"architecture": "yolo11s.yaml"},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="a dataset of `digitdet synth`")
    parser.add_argument("--out", type=Path, required=True, help="folder for runs and results")
    parser.add_argument("--limit", type=int, default=60, help="pictures read of each real set")
    parser.add_argument("--image-size", type=int, default=256, help="side that the network sees: small, to save time")
    parser.add_argument("--arms", default=",".join(ARMS), help="which, parted by commas")
    arguments = parser.parse_args()
    sets = real_sets()
    print("| | mAP50 composed | mAP50-95 | exact, mean of the real sets | training, s |\n|---|---:|---:|---:|---:|")
    for name in arguments.arms.split(","):
        done = arguments.out / f"{name.replace(' ', '-')}.json"
        if not done.is_file():
            arguments.out.mkdir(parents=True, exist_ok=True)
            result = run_arm(ARMS[name], done.with_suffix(""), arguments, sets)
            done.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
        one = json.loads(done.read_text(encoding="utf-8"))
        mean = mean_of(one["exact"])
        print(
            f"| {name} | {one['map50']:.3f} | {one['map50_95']:.3f} | {mean:.1%} | {one['seconds']:.0f} |", flush=True
        )


def run_arm(
    changes: dict[str, object], folder: Path, arguments: argparse.Namespace, sets: list[Path]
) -> dict[str, object]:
    """Train one arm and measure it."""
    common: dict[str, object] = {"epochs": 1, "warmup_epochs": 0.1, "recogniser": RecogniserConfig(epochs=0)}
    config = TrainConfig(**{**common, "image_size": arguments.image_size, **changes})  # type: ignore[arg-type]
    began = time.monotonic()
    run = train_run(config, arguments.data, folder, lambda message: print(message, file=sys.stderr, flush=True))
    seconds = time.monotonic() - began
    exact = exact_shares(folder / "model.onnx", sets, arguments.limit)
    found = run.metrics["detection"]
    return {"map50": found["map50"], "map50_95": found["map50_95"], "exact": exact, "seconds": seconds}


if __name__ == "__main__":
    main()
