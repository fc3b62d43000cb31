"""The command line: options in, one call into the package, messages out. No logic lives here."""

from __future__ import annotations

import importlib.util
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from digitdet import __version__
from digitdet.cli_classify import classify
from digitdet.cli_eval import evaluate
from digitdet.cli_read import read
from digitdet.configs import (
    DigitdetError,
    MissingExtraError,
    SynthConfig,
    TrainConfig,
    load_config,
    load_preset,
    preset_names,
    replace,
)
from digitdet.configs.base import ConfigT
from digitdet.configs.errors import OPENCV_REMEDY
from digitdet.configs.synth import add_materials

if TYPE_CHECKING:
    from digitdet.synth.sources import Materials

# Heavy packages are imported inside the commands: `digitdet --help` must answer at once.

_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False)
_PATH = click.Path(path_type=Path)  # a folder or a file
_DEFAULT_SYNTH = "mixed"
_FONT_SUFFIXES = (".otf", ".ttf", ".woff")


class _Group(click.Group):
    """Turns the errors that digitdet raises on purpose into one line on stderr and exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except DigitdetError as error:
            raise click.ClickException(str(error)) from error
        except ImportError as error:
            if "shared object" not in str(error):
                raise
            raise click.ClickException(f"{error}; {OPENCV_REMEDY}") from error
        except BrokenPipeError:
            raise  # click ends quietly: the reader of our output has seen enough
        except OSError as error:
            raise click.ClickException(f"{error.filename or 'system'}: {error.strerror or error}") from error


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="digitdet")
def main() -> None:
    """Read whole numbers from photos and scans, and train the detector that does it.

    \b
    digitdet read photo.jpg     print the numbers in a picture
    digitdet synth              compose training pictures, or look into a dataset
    digitdet train              fit the detector to them
    digitdet eval               measure how well numbers are read
    digitdet classify           train and compare recognisers of single digits
    digitdet calibrate          make a model's confidences honest on pictures of yours
    digitdet convert            a dataset to and from COCO and Pascal VOC, or to crops of numbers
    """


main.add_command(read)
main.add_command(classify)
main.add_command(evaluate)


@main.command()
@click.option("--out", type=_FOLDER, default=Path("data/synth"), show_default=True, help="The dataset folder.")
@click.option("--count", type=click.IntRange(1, 10_000_000), metavar="N", help="Pictures in all splits together.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), metavar="N", help="Another seed, other pictures.")
@click.option("--workers", type=click.IntRange(min=0), default=0, metavar="N", help="Processes; 0 is one a core.")
@click.option(
    "--preset",
    type=click.Choice(preset_names("synth")),
    help="mixed: all kinds of picture, and what you get without this option. default: much of it, as the shipped model "
    "was made with. handwritten, cheques, print, meters, displays, street, houses: one kind. quick: plain MNIST.",
)
@click.option(
    "--config",
    "config_file",
    type=_FILE,
    metavar="FILE",
    help="Settings in YAML (see SynthConfig); without `looks` in it, plain MNIST digits.",
)
@click.option("--mnist", type=_FOLDER, metavar="DIR", help="Folder with the four MNIST files.")
@click.option(
    "--fonts",
    type=_FOLDER,
    multiple=True,
    metavar="DIR",
    help="TTF, OTF and WOFF files in place of the system's; repeatable.",
)
@click.option(
    "--hand-fonts",
    type=_FOLDER,
    multiple=True,
    metavar="DIR",
    help="Handwriting typefaces, written with as by hand; repeatable.",
)
@click.option(
    "--crops", type=_PATH, metavar="PATH", help="Your digits, too: a folder with 0/ to 9/, or a CSV of image,label."
)
@click.option("--backgrounds", type=_FOLDER, metavar="DIR", help="Pictures without digits to compose on, too.")
@click.option("--preview", type=_FILE, metavar="FILE", help="Only draw the first training pictures as one, with boxes.")
@click.option("--stats", type=_PATH, metavar="DIR", help="Only print what a dataset holds; plots go to its stats.png.")
@click.option("--check", type=_PATH, metavar="DIR", help="Only name what is wrong with a dataset; exit code 1 if any.")
def synth(
    out: Path,
    count: int | None,
    seed: int | None,
    workers: int,
    preset: str | None,
    config_file: Path | None,
    mnist: Path | None,
    fonts: tuple[Path, ...],
    hand_fonts: tuple[Path, ...],
    crops: Path | None,
    backgrounds: Path | None,
    preview: Path | None,
    stats: Path | None,
    check: Path | None,
) -> None:
    """Compose training pictures: numbers by hand, in print, on meters and displays, with a box for every digit.

    Writes a YOLO dataset (images/, labels/, data.yaml) and numbers.jsonl, which says what is written in each picture.
    The same settings and fonts give the same bytes whatever --workers; the same command goes on where it was
    interrupted.

    MNIST is looked for in --mnist, in $DIGITDET_DATA/mnist and in the user's cache; else it is downloaded once. Of
    the typefaces, crops and backgrounds some are kept for the val and the test split alone.
    """
    if sum(option is not None for option in (preview, stats, check)) > 1:
        raise click.UsageError("give one of --preview, --stats and --check")
    if check is not None:
        _check_dataset(check)
        return
    if stats is not None:
        _show_stats(stats)
        return
    _need_extra("digitdet synth", "train", "albumentations", "PIL", "tqdm")
    from digitdet.synth.preview import write_preview
    from digitdet.synth.sources import load_materials

    config = _settings(SynthConfig, "synth", preset, config_file, _DEFAULT_SYNTH)
    config = add_materials(replace(config, count=count, seed=seed), fonts, backgrounds, crops, hand_fonts)
    materials = load_materials(config, mnist)
    _show_skipped(materials.skipped, system_fonts=config.font_folders is None)
    if preview is not None:
        drawn = write_preview(config, materials, preview)
        click.echo(f"the first {drawn} training pictures of these settings in {preview}", err=True)
    else:
        _write_dataset(config, materials, out, workers)


@main.command()
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
    _need_extra("digitdet train", "train", "ultralytics", "onnx", "onnxslim")
    from digitdet.train import train_run

    # Weights that read already are to be moved a little, not to be unsettled by the rates of a first training.
    otherwise = "tune" if start not in (None, "scratch") else None
    config = replace(
        _settings(TrainConfig, "train", preset, config_file, otherwise), start=start, epochs=epochs, seed=seed
    )
    if epochs and config.recogniser.epochs:
        config = replace(config, recogniser=replace(config.recogniser, epochs=epochs))
    run = out or Path("runs") / (preset or "train")
    for line in train_run(config, data, run, lambda message: click.echo(message, err=True)).summary():
        click.echo(line)


@main.command()
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
    _need_extra("digitdet calibrate", "train", "onnx", "scipy", "tqdm")
    from tqdm import tqdm

    from digitdet.calibrate import calibrate_model

    with tqdm(unit="picture", desc="reading", delay=0.2) as bar:
        report = calibrate_model(model, data, split, store=not dry_run, on_picture=bar.update)
    for line in report.summary():
        click.echo(line)


@main.command()
@click.argument("source", type=_PATH)
@click.argument("out", type=_FOLDER)
@click.option(
    "--to",
    type=click.Choice(["yolo", "coco", "voc", "crops"]),  # digitdet.datasets.convert.FORMATS, without its imports
    required=True,
    help="crops: whole numbers as small pictures with labels.csv, for a text recogniser.",
)
def convert(source: Path, out: Path, to: str) -> None:
    """Write a dataset of digits in another format into the new folder OUT.

    SOURCE is a YOLO dataset (its folder or data.yaml), COCO (a JSON file or a folder with some) or Pascal VOC (a
    folder); which, is detected. Categories count by their names 0 to 9. What is left out is named on stderr.
    """
    from digitdet.datasets.convert import convert as convert_dataset
    from digitdet.imaging.images import quiet_decoders

    with quiet_decoders():
        done = convert_dataset(source, out, to)
    _echo_some(done.notes, 20)
    what = "numbers" if to == "crops" else "pictures"
    click.echo(f"{done.pictures} {what} with {done.boxes} digits in {out}", err=True)


def _settings(
    kind: type[ConfigT], group: str, preset: str | None, file: Path | None, otherwise: str | None = None
) -> ConfigT:
    """The settings that the options name; `otherwise` is the preset that holds without them."""
    if preset and file:
        raise click.UsageError("give --preset or --config, not both")
    if file:
        return load_config(kind, file)
    name = preset or otherwise
    return load_preset(kind, group, name) if name else kind()


def _write_dataset(config: SynthConfig, materials: Materials, out: Path, workers: int) -> None:
    from tqdm import tqdm

    from digitdet.synth.writer import write_dataset

    # The delay keeps an error at the start to its one line.
    with tqdm(total=config.count, unit="picture", desc="composing", smoothing=0.05, delay=0.2) as bar:
        written = write_dataset(config, materials, out, workers, bar.update)
    if written:
        click.echo(
            f"{config.count} pictures in {out}; train on them with  digitdet train --data {shlex.quote(str(out))}",
            err=True,
        )
    else:
        click.echo(f"{out} holds these {config.count} pictures already", err=True)


def _show_skipped(skipped: Sequence[str], system_fonts: bool) -> None:
    """Name the files that were left out; of the system's fonts, which the user did not choose, only how many."""
    named = [line for line in skipped if not (system_fonts and _is_font(line))]
    _echo_some(named, 5)
    if len(named) < len(skipped):
        click.echo(f"{len(skipped) - len(named)} of the system's font files hold no digits to draw from", err=True)


def _is_font(line: str) -> bool:
    """Whether a line 'path: reason' is about a font file."""
    return line.partition(": ")[0].lower().endswith(_FONT_SUFFIXES)


def _echo_some(lines: Sequence[str], shown: int) -> None:
    """Print lines to stderr, and of more than are `shown` the number."""
    for line in lines[:shown]:
        click.echo(line, err=True)
    if len(lines) > shown:
        click.echo(f"... and {len(lines) - shown} more", err=True)


def _check_dataset(data: Path) -> None:
    from digitdet.datasets.folder import check_dataset
    from digitdet.imaging.images import quiet_decoders

    with quiet_decoders():
        problems = check_dataset(data, decode=True)
    for problem in problems:
        click.echo(str(problem))
    if problems:
        click.echo(f"{len(problems)} problem(s) in {data}", err=True)
        sys.exit(1)
    click.echo(f"{data} is sound", err=True)


def _show_stats(data: Path) -> None:
    _need_extra("digitdet synth --stats", "train", "matplotlib")
    from digitdet.datasets.stats import collect_stats, format_stats, plot_stats

    found = collect_stats(data)
    click.echo(format_stats(found))
    plot = found.data_file.parent / "stats.png"
    plot_stats(found, plot)
    click.echo(f"plotted in {plot}", err=True)


def _need_extra(command: str, extra: str, *packages: str) -> None:
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError(command, extra, package)
