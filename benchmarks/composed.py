"""A model on a held-out composed test split: mAP50 of the digits and exact numbers.

    python benchmarks/composed.py [--model FILE.onnx] [--preset default] [--count 1000] [--seed 0] [--mnist DIR]
                                  [--backgrounds DIR]

The pictures are those of the test split that `digitdet synth` makes with the same preset, seed and fonts: their digits
come from the MNIST test set and from typefaces that no training picture shows. Another machine has other fonts, and so
other pictures. The digits are those that reading finds, after both stages, with their scores down to 0.05; beside them
stands the mAP50 of the detector alone, at 320 px and down to 0.001, as Ultralytics measures it.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from digitdet import NumberReader
from digitdet.configs import SynthConfig, load_preset, preset_names, replace
from digitdet.configs.synth import add_materials
from digitdet.evaluation.outcomes import read_set
from digitdet.evaluation.report import make_report
from digitdet.evaluation.sets import load_sets
from digitdet.evaluation.table import format_report
from digitdet.models.model_file import shipped_file
from digitdet.synth.sources import load_materials
from digitdet.synth.writer import write_dataset
from digitdet.training import yolo


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, help="a model.onnx with its .pt beside it; else the shipped one")
    parser.add_argument("--preset", choices=preset_names("synth"), default="default")
    parser.add_argument("--count", type=int, default=1000, help="pictures")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--mnist", type=Path, help="folder with the four MNIST files")
    parser.add_argument("--backgrounds", type=Path, help="pictures without digits to compose on, too")
    arguments = parser.parse_args()
    weights = arguments.model.with_suffix(".pt") if arguments.model else shipped_file("digitdet.pt")
    # Two pictures more than asked: a dataset without any to train on, or to choose by, is refused.
    count = arguments.count + 2
    config = replace(
        load_preset(SynthConfig, "synth", arguments.preset),
        count=count,
        val_share=1 / count,
        test_share=arguments.count / count,
        seed=arguments.seed,
    )
    config = add_materials(config, backgrounds=arguments.backgrounds)
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch) / "data"
        write_dataset(config, load_materials(config, arguments.mnist), data)
        alone = yolo.measure(weights, data / "images" / "test", 320, Path(scratch) / "plots")
        outcomes = list(read_set(NumberReader(arguments.model), load_sets(data, "test")[0]))
    report = make_report("model", {arguments.preset: outcomes})
    print(format_report(report))
    print(f"the detector alone: mAP50 {alone['map50']:.4f}, mAP50-95 {alone['map50_95']:.4f}")


if __name__ == "__main__":
    main()
