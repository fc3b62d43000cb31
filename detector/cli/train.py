"""`digitdet train` and `digitdet calibrate`."""

from __future__ import annotations

from pathlib import Path

import click

from digitdet.cli.options import need_extra, settings_from
from digitdet.configs import TrainConfig, preset_names, replace

# Heavy packages are imported inside the commands: `digitdet --help` must answer at once.

_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.option("--data", type=_FOLDER, default=Path("data/synth"), show_default=True, help="A YOLO dataset folder.")
@click.option("--out", type=_FOLDER, metavar="DIR", help="The run folder.  [default: runs/PRESET or runs/train]")
@click.option("--epochs", type=click.IntRange(1, 10_000), metavar="N", help="Passes over the pictures, in both stages.")
@click.option(
    "--seed", type=click.IntRange(0, 2**31 - 1), metavar="N", help="Another seed, other starting weights and order."
)
@click.option(
    "--preset",
    type=click.Choice(preset_names("train")),
    help="quick: minutes on a laptop, the detector alone. default: the first training of the shipped model. "
    "tune: goes on from the shipped weights.",
)
@click.option(
    "--from",
    "start",
    metavar="WEIGHTS",
    help="Go on from weights: 'shipped', or a model.pt of an earlier run. Without a preset, as the preset tune does.",
)
@click.option("--config", "config_file", type=_FILE, metavar="FILE", help="Settings in YAML (see TrainConfig).")
def train(
    data: Path,
    out: Path | None,
    start: str | None,
    epochs: int | None,
    seed: int | None,
    preset: str | None,
    config_file: Path | None,
) -> None:
    """Fit the detector to a dataset, then the recogniser that judges what it proposes, and export both for reading.

    The run folder holds model.onnx (for reading), model.pt (for training on), metrics.json (on the test split), the
    plots, and the settings and versions that made it. The same command goes on where it was interrupted. Where the
    validation split is large enough, the model's confidences are calibrated on it. In settings with `epochs: 0` the
    detector stays as it starts.
    """
    need_extra("digitdet train", "train", "ultralytics", "onnx", "onnxslim")
    from digitdet.training.run import train_run

    # Weights that read already are to be moved a little, not to be unsettled by the rates of a first training.
    otherwise = "tune" if start not in (None, "scratch") else None
    config = replace(
        settings_from(TrainConfig, "train", preset, config_file, otherwise), start=start, epochs=epochs, seed=seed
    )
    if epochs and config.recogniser.epochs:
        config = replace(config, recogniser=replace(config.recogniser, epochs=epochs))
    run = out or Path("runs") / (preset or "train")
    for line in train_run(config, data, run, lambda message: click.echo(message, err=True)).summary():
        click.echo(line)


@click.command()
@click.argument("data", type=_FOLDER)
@click.option("--model", type=_FILE, required=True, metavar="FILE", help="The model.onnx; its calibration is replaced.")
@click.option(
    "--split", type=click.Choice(["train", "val", "test"]), default="val", show_default=True, help="To fit on."
)
@click.option("--dry-run", is_flag=True, help="Only print what would change.")
def calibrate(data: Path, model: Path, split: str, dry_run: bool) -> None:
    """Make a model's confidences honest: of the numbers given with 0.9, nine in ten shall be right.

    DATA is a YOLO dataset of digits, such as those of `digitdet synth` or of `digitdet read --labels` after correction;
    it should look like what is going to be read. What changes is printed, on the test split where there is one.
    """
    need_extra("digitdet calibrate", "train", "onnx", "scipy", "tqdm")
    from tqdm import tqdm

    from digitdet.training.calibration import calibrate_model

    with tqdm(unit="picture", desc="reading", delay=0.2) as bar:
        report = calibrate_model(model, data, split, store=not dry_run, on_picture=bar.update)
    for line in report.summary():
        click.echo(line)
