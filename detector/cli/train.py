"""`digitdet train` and `digitdet calibrate`."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from digitdet.cli.options import (
    DATASET,
    EPOCHS,
    FOLDER,
    PATH,
    SEED,
    config_option,
    echo_error,
    load_settings,
    require_extra,
)
from digitdet.common.errors import DataError
from digitdet.configs import TrainConfig, preset_names, replace


@click.command()
@click.option("--data", type=FOLDER, default=DATASET, help="YOLO dataset folder.")
@click.option("--out", type=FOLDER, help="Run folder.  [default: runs/PRESET or runs/train]")
@click.option(
    "--only",
    type=click.Choice(["detector", "line-reader", "second-reader", "proposals"]),
    help="Train only one network.",
)
@click.option("--epochs", type=EPOCHS, metavar="N", help="Epochs of each network that is trained.")
@click.option("--seed", type=SEED, metavar="N", help="Seed of the initial weights and of the order of the pictures.")
@click.option(
    "--preset",
    type=click.Choice(preset_names("train")),
    help="quick: the detector alone, minutes on a laptop. full: detector and line reader from random weights, six "
    "epochs. tune: a warm start from the shipped weights.",
)
@click.option(
    "--from",
    "start",
    metavar="RUN",
    help="Warm start: 'shipped', or the folder of an earlier run. Without --preset, the preset tune is used, with the "
    "changes of --config.",
)
@config_option()
def train(
    data: Path,
    out: Path | None,
    start: str | None,
    only: str | None,
    epochs: int | None,
    seed: int | None,
    preset: str | None,
    config_file: Path | None,
) -> None:
    """Train the detector on a dataset, then the line reader on its lines, and export both for reading.

    The run folder holds detector.onnx and line_reader.onnx (for reading), detector.pt and line_reader.pt (for a warm
    start), metrics.json (of the test split), plots, and the settings and versions of the run. The same command resumes
    after an interruption. If the validation split is large enough, the confidences are calibrated on it.

    The second reader, which reads uncertain lines again, and the proposal network, which finds places of small digits
    in large pictures, are those of the package unless they are trained with --only.
    """
    require_extra("digitdet train", "train", "ultralytics", "onnx", "onnxslim", "tqdm")
    from digitdet.datasets.formats.yolo import DATA_FILE
    from digitdet.training.run import train_run

    # The learning rates of a first training would destroy trained weights.
    base = "tune" if start not in (None, "scratch") else None
    config = load_settings(TrainConfig, config_file, "train", preset, base_preset=base)
    config = replace(config, start=start, only=only, epochs=epochs, seed=seed)
    config = replace(
        config,
        line_reader=replace(config.line_reader, epochs=epochs),
        proposals=replace(config.proposals, epochs=epochs),
    )
    run = out or Path("runs") / (preset or "train")
    if preset == "quick" and not (data / DATA_FILE).is_file():
        place = "" if data == DATASET else f" --out {shlex.quote(str(data))}"
        raise DataError(f"{data}: there is no dataset; make one with  digitdet synth --preset quick{place}")
    for line in train_run(config, data, run, echo_error).summary():
        click.echo(line)


@click.command()
@click.argument("data", type=FOLDER, nargs=-1, required=True)
@click.option("--model", type=PATH, required=True, help="Run folder; its calibration is replaced.")
@click.option(
    "--split",
    type=click.Choice(["train", "val", "test"]),
    default="val",
    help="Split of YOLO datasets to fit to.",
)
@click.option("--dry-run", is_flag=True, help="Only print what would change.")
def calibrate(data: tuple[Path, ...], model: Path, split: str, dry_run: bool) -> None:
    """Calibrate a model, so that nine in ten of the numbers read with a confidence of 0.9 are right.

    DATA are labelled sets of pictures like those to be read: YOLO datasets of digits, such as those of `digitdet synth`
    or of `digitdet read --labels` after correction, and folders with a labels.csv (image,number). Every set has the
    same weight. If one has the text of its pictures (numbers.jsonl), the weights of the networks are fitted as well.
    The results are printed, measured on the test splits if there are any, and stored in the line_reader.onnx of the run
    folder.
    """
    require_extra("digitdet calibrate", "train", "onnx", "scipy", "tqdm")
    from tqdm import tqdm

    from digitdet.training.calibration import calibrate_model

    with tqdm(unit="picture", desc="reading", delay=0.2, disable=None) as bar:
        lines = calibrate_model(model, data, split, store=not dry_run, on_picture=bar.update)
    for line in lines:
        click.echo(line)
