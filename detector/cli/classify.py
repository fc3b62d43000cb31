"""`digitdet classify`."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from digitdet.cli.options import EPOCHS, FILE, FOLDER, PATH, SEED, CommandGroup, echo_error, mnist_option
from digitdet.common.errors import DataError, ImageError
from digitdet.configs import replace
from digitdet.configs.classifier import NetworkConfig, classifier_names, load_classifier_config

if TYPE_CHECKING:
    from digitdet.classifiers.base import Classifier
    from digitdet.classifiers.prepare import Finder
    from digitdet.common.types import Box, Image
    from digitdet.datasets.mnist import Digits
    from digitdet.imaging.inputs import Input

_RUNS = Path("runs/classify")
_data_option = click.option("--data", type=PATH, help="Your digits: a folder with 0/ to 9/, or a CSV of image,label.")


@click.group(cls=CommandGroup)
def classify() -> None:
    """Train and compare classifiers of single digits.

    \b
    digitdet classify models                  list the classifiers with their settings
    digitdet classify explore                 show statistics of MNIST
    digitdet classify train --model cnn       train one classifier, or all
    digitdet classify eval runs/classify/*    measure and compare them on the test digits
    digitdet classify predict digit.png       classify a picture of a digit
    """


@classify.command()
@click.argument("names", nargs=-1)
def models(names: tuple[str, ...]) -> None:
    """List all classifiers, or those with the given NAMES, with their settings."""
    for name in names or classifier_names():
        click.echo(f"{name}:")
        click.echo("".join(f"  {line}\n" for line in load_classifier_config(name).to_yaml().splitlines()))


@classify.command()
@mnist_option
@click.option("--html", type=FILE, help="Write an HTML report with tables and pictures.")
@click.option("--png", type=FILE, help="Write a picture with the counts, grey levels and mean digits.")
def explore(mnist: Path | None, html: Path | None, png: Path | None) -> None:
    """Show statistics of MNIST: digits per class, pixel values, and samples."""
    from digitdet.classifiers.explore import draw_exploration, format_exploration
    from digitdet.classifiers.explore import explore as explore_digits
    from digitdet.common.files import require_writable, write_atomically
    from digitdet.common.tables import format_table
    from digitdet.datasets.mnist import load_split_digits

    for given in filter(None, (html, png)):
        require_writable(given)
    parts = load_split_digits(mnist)
    found = explore_digits(parts)
    heads, rows = found.rows()
    click.echo(format_table([heads, *rows]))
    click.echo(f"pixels: mean {found.pixel_mean:.4f}, standard deviation {found.pixel_deviation:.4f} of 1")
    for file, make in ((html, format_exploration), (png, draw_exploration)):
        if file is not None:
            write_atomically(file, make(found, parts["train"]))


@classify.command()
@click.option("--model", default="cnn", metavar="NAME", help="Name from `models`, a YAML file, or all.")
@click.option("--out", type=FOLDER, help="Run folder.  [default: runs/classify/NAME]")
@mnist_option
@_data_option
@click.option("--from", "start", type=PATH, help="Warm start from a trained network: its run folder or file.")
@click.option("--epochs", type=EPOCHS, metavar="N", help="Epochs, for networks.")
@click.option("--seed", type=SEED, metavar="N", help="Seed of the initial weights, for networks.")
def train(
    model: str,
    out: Path | None,
    mnist: Path | None,
    data: Path | None,
    start: Path | None,
    epochs: int | None,
    seed: int | None,
) -> None:
    """Train a classifier on MNIST's first 55,000 digits; the other 5,000 training digits are for early stopping.

    With --data it is trained on your digits instead of MNIST: a tenth of them is for early stopping, another tenth is
    reserved for `eval`. The same command resumes after an interruption.
    """
    from digitdet.classifiers.prepare import require_trainable
    from digitdet.classifiers.runs import train_classifier

    names = classifier_names() if model == "all" else [model]
    if out is not None and len(names) > 1:
        raise click.UsageError("--out is the folder of one training; --model all writes to runs/classify")
    configs = {name: load_classifier_config(name) for name in names}
    for name, config in configs.items():
        if isinstance(config, NetworkConfig):
            configs[name] = replace(config, epochs=epochs, seed=seed)
        elif start is not None or epochs is not None:
            raise click.UsageError(f"{name} is not a network: --epochs and --from do not apply")
    parts = _load_digits(mnist, data)
    if data is not None:
        require_trainable(parts, data)
    for name, config in configs.items():
        echo_error(f"{name}: training on {len(parts['train']):,} digits")
        train_classifier(config, parts, out or _RUNS / Path(name).stem, echo_error, start)


@classify.command(name="eval")
@click.argument("trained", nargs=-1, required=True, type=PATH, metavar="MODEL...")
@mnist_option
@_data_option
@click.option("--all-data", is_flag=True, help="Use every digit of --data, not only the tenth reserved for testing.")
@click.option("--html", type=FILE, help="Write an HTML report that compares them, with their mistakes.")
@click.option("--json", "json_file", type=FILE, help="Write all figures as JSON.")
def evaluate(
    trained: tuple[Path, ...],
    mnist: Path | None,
    data: Path | None,
    all_data: bool,
    html: Path | None,
    json_file: Path | None,
) -> None:
    """Measure trained classifiers on MNIST's 10,000 test digits, or on --data.

    MODEL is a run folder or a model file.
    """
    from digitdet.classifiers.metrics import evaluate as measure
    from digitdet.classifiers.prepare import join_digits
    from digitdet.classifiers.report import comparison_rows, format_page
    from digitdet.classifiers.runs import load_classifier, read_run
    from digitdet.common.files import require_writable, write_atomically
    from digitdet.common.tables import format_table

    if all_data and data is None:
        raise click.UsageError("--all-data requires --data")
    for file in filter(None, (html, json_file)):  # fail before the measurement, not after it
        require_writable(file)
    classifiers = {path: load_classifier(path) for path in trained}
    parts = _load_digits(mnist, data)
    digits = join_digits(list(parts.values())) if all_data else parts["test"]
    if not len(digits):
        raise DataError(f"{data}: too few digits to reserve any for testing; use --all-data")
    results = [
        measure(path.name if path.is_dir() else path.stem, classifier, digits, read_run(path).get("seconds"))
        for path, classifier in classifiers.items()
    ]
    heads, rows = comparison_rows(results)
    click.echo(format_table([heads, *rows]))
    if json_file:
        figures = [{"name": one.name, "size": one.size, **one.scores.to_dict()} for one in results]
        write_atomically(json_file, json.dumps(figures, indent=1) + "\n")
    if html:
        write_atomically(html, format_page(results, digits, str(data) if data else "MNIST's test digits"))


@classify.command()
@click.argument("pictures", nargs=-1, metavar="PICTURE...")
@click.option("--image", "images", multiple=True, metavar="PICTURE", help="Same as PICTURE; repeatable.")
@click.option("--model", type=PATH, default=_RUNS / "cnn", help="Run folder or model file.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array with the probabilities of all ten digits.")
def predict(pictures: tuple[str, ...], images: tuple[str, ...], model: Path, as_json: bool) -> None:
    """Print the digit in each PICTURE with its confidence. A folder stands for the pictures in it.

    Pictures of 28x28 pixels are classified as they are, light on dark or dark on light. In other pictures the digit is
    located, cropped and normalised like those of MNIST; of several digits it is the clearest, and a message says so.
    The exit code is 1 if a picture shows no digit or cannot be read.
    """
    names = pictures + images
    if not names:
        raise click.UsageError("name a picture or a folder")
    from digitdet.classifiers.runs import load_classifier
    from digitdet.imaging.inputs import find_inputs
    from digitdet.imaging.process import quiet_decoders

    classifier = load_classifier(model)
    finder = _finder()
    entries = []
    with quiet_decoders():
        for picture in find_inputs(names):
            entry = {"image": picture.path, **_predict(picture, classifier, finder)}
            entries.append(entry)
            if "error" in entry:
                echo_error(f"Error: {picture.path}: {entry['error']}")
                continue
            if entry["digits_found"] > 1:
                echo_error(
                    f"{picture.path}: shows {entry['digits_found']} digits, only the clearest is classified; "
                    "digitdet read prints whole numbers"
                )
            if not as_json:
                click.echo(f"{picture.path}: {entry['digit']} ({entry['confidence']:.1%})")
    if as_json:
        click.echo(json.dumps(entries, indent=1))
    sys.exit(any("error" in entry for entry in entries))


def _predict(picture: Input, classifier: Classifier, finder: Finder) -> dict[str, Any]:
    from digitdet.classifiers.prepare import read_digit
    from digitdet.imaging.images import load_image

    if picture.error is not None:
        return {"error": picture.error}
    try:
        image, found = read_digit(load_image(picture.source()), finder)
    except ImageError as error:
        return {"error": str(error).removeprefix(f"{picture.path}: ")}
    probabilities = classifier.predict_proba(image[None])[0]
    digit = int(probabilities.argmax())
    rounded = [round(float(probability), 5) for probability in probabilities]
    return {"digit": digit, "confidence": rounded[digit], "probabilities": rounded, "digits_found": found}


def _finder() -> Finder:
    """Return a function that locates digits with the shipped model."""
    from digitdet.reader import NumberReader

    reader = NumberReader()

    def find(image: Image) -> list[Box]:
        digits = [digit for number in reader.read(image).numbers for digit in number.digits]
        return [digit.box for digit in sorted(digits, key=lambda digit: -digit.confidence)]

    return find


def _load_digits(mnist: Path | None, data: Path | None) -> Mapping[str, Digits]:
    """Load the user's digits, or MNIST's, by split."""
    if mnist is not None and data is not None:
        raise click.UsageError("--mnist and --data cannot be combined")
    from digitdet.classifiers.prepare import load_own_digits
    from digitdet.datasets.mnist import load_split_digits

    if data is None:
        return load_split_digits(mnist)
    parts, skipped = load_own_digits(data)
    for line in skipped:
        echo_error(line)
    return parts
