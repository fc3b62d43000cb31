"""A model on a held-out composed test split: mAP50 of the digits and exact numbers.

    python benchmarks/composed.py [--model FILE.onnx] [--preset default] [--count 1000] [--seed 0] [--mnist DIR]

The pictures are those of the test split that `digitdet synth` makes with the same preset, seed and fonts: their digits
come from the MNIST test set and from typefaces that no training picture shows. Another machine has other fonts, and so
other pictures. mAP50 is measured with the trainable weights, the numbers with the ONNX model and the reader.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from digitdet import NumberReader, yolo
from digitdet.configs import SynthConfig, load_preset, preset_names, replace
from digitdet.evaluate import score_numbers
from digitdet.inference import shipped_file
from digitdet.synth.sources import load_materials
from digitdet.synth.writer import write_dataset


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, help="a model.onnx with its .pt beside it; else the shipped one")
    parser.add_argument("--preset", choices=preset_names("synth"), default="default")
    parser.add_argument("--count", type=int, default=1000, help="pictures")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--mnist", type=Path, help="folder with the four MNIST files")
    arguments = parser.parse_args()
    weights = arguments.model.with_suffix(".pt") if arguments.model else shipped_file("digitdet.pt")
    # One picture more than asked: a dataset without any to train on is refused.
    config = replace(
        load_preset(SynthConfig, "synth", arguments.preset),
        count=arguments.count + 1,
        val_share=0,
        test_share=arguments.count / (arguments.count + 1),
        seed=arguments.seed,
    )
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch) / "data"
        write_dataset(config, load_materials(config, arguments.mnist), data)
        detection = yolo.measure(weights, data / "images" / "test", 320, Path(scratch) / "plots")
        score = score_numbers(NumberReader(arguments.model), data, "test")
    print(json.dumps(detection["digits"], indent=2))
    print(f"mAP50 {detection['map50']:.4f}, mAP50-95 {detection['map50_95']:.4f}")
    print(
        f"{score.exact} of {score.numbers} numbers exact ({score.exact / score.numbers:.2%}), {score.false} false ones"
    )


if __name__ == "__main__":
    main()
