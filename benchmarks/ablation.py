"""What each group of ingredients brings: detectors trained without it, from one start, read real numbers.

    python benchmarks/ablation.py --start START.pt --out DIR [--count N] [--limit N] [--backgrounds DIR] [--arms N/M]

Every arm composes N pictures of the `mixed` preset without one group, trains once over them from the same weights, and
reads the sets of $DIGITDET_DATA/real (at most LIMIT pictures of each). Done arms are kept: the same command goes on.
`--arms 1/2` and `--arms 2/2`, started together, share the arms between two processes of half the cores; the command
without it prints the table.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from arms import exact_shares, real_sets

from digitdet.configs import LookConfig, SynthConfig, TrainConfig, load_preset, replace
from digitdet.synth.sources import load_materials
from digitdet.synth.writer import write_dataset
from digitdet.training.run import train_run

# What stands in for a group that is left out: what the 1/7 generator had.
WITHOUT: dict[str, dict[str, object]] = {
    "nothing": {},
    "sources": {"sources": {"mnist": 1.0}},
    "distractors": {"clutter": {}, "texts": {"digits": 1.0}},
    "surfaces and inks": {"surfaces": {"plain": 1.0, "gradient": 1.0, "clouds": 1.0}, "inks": {"flat": 1.0}},
    "camera": {"effects": {}, "perspective": 0.0, "curve": 0.0, "page_angle": (-8.0, 8.0)},
    "handwriting variety": {"variation": 0.0, "ligature_share": 0.0},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--start", type=Path, required=True, help="the weights that every arm starts from")
    parser.add_argument("--out", type=Path, required=True, help="folder for data, runs and results")
    parser.add_argument("--count", type=int, default=20_000, help="pictures each arm trains on, once")
    parser.add_argument("--image-size", type=int, default=256, help="side that the network sees: small, to save time")
    parser.add_argument("--limit", type=int, default=400, help="pictures read of each real set")
    parser.add_argument("--backgrounds", type=Path, help="pictures without digits")
    parser.add_argument("--arms", default="1/1", help="this process's share of the arms, as 1/2 and 2/2")
    arguments = parser.parse_args()
    part, parts = (int(number) for number in arguments.arms.split("/"))
    arguments.threads = max((os.cpu_count() or 1) // parts, 1)
    sets = real_sets()
    results: dict[str, dict[str, float]] = {}
    for group, changes in list(WITHOUT.items())[part - 1 :: parts]:
        folder = arguments.out / group.replace(" ", "-")
        done = folder / "real.json"
        if not done.is_file():
            model = train_arm(changes, folder, arguments)
            exact = exact_shares(model, sets, arguments.limit)
            done.write_text(json.dumps(exact, indent=2) + "\n", encoding="utf-8")
        results[group] = json.loads(done.read_text(encoding="utf-8"))
        print(group, results[group], flush=True)
    print_table(results)


def train_arm(changes: dict[str, object], folder: Path, arguments: argparse.Namespace) -> Path:
    """Compose and train one arm; the path of its model.onnx."""
    preset = load_preset(SynthConfig, "synth", "mixed")
    looks = {name: without(look, changes) for name, look in preset.looks.items()}
    share = 200 / (arguments.count + 400)
    config = replace(
        preset,
        looks=looks,
        count=arguments.count + 400,
        seed=2,
        val_share=share,
        test_share=share,
        background_folder=str(arguments.backgrounds.resolve()) if arguments.backgrounds else None,
    )
    write_dataset(config, load_materials(config), folder / "data", arguments.threads)
    train = TrainConfig(
        start=str(arguments.start.resolve()),
        epochs=1,
        warmup_epochs=0.1,
        image_size=arguments.image_size,
        threads=arguments.threads,
    )
    train_run(train, folder / "data", folder / "run", lambda message: print(message, flush=True))
    return folder / "run" / "model.onnx"


def without(look: LookConfig, changes: dict[str, object]) -> LookConfig:
    """A look with what stands in for a group; handwriting variety also takes the drawn pen away."""
    if "variation" in changes:
        sources = {name: weight for name, weight in look.sources.items() if name != "pen"}
        return replace(look, **changes, sources=sources)
    return replace(look, **changes)


def print_table(results: dict[str, dict[str, float]]) -> None:
    """A Markdown table: sets down, arms across, in per cent."""
    print("| set | " + " | ".join(f"without {group}" for group in results) + " |")
    print("|---|" + "---:|" * len(results))
    for name in next(iter(results.values())):
        print(f"| {name} | " + " | ".join(f"{100 * exact[name]:.1f}" for exact in results.values()) + " |")


if __name__ == "__main__":
    main()
