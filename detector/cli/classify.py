"""`digitdet classify`: options in, one call into the package, messages out."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from digitdet.common.errors import DataError, ImageError
from digitdet.configs import replace
from digitdet.configs.classifier import NetworkConfig, classifier_names, load_classifier_config

if TYPE_CHECKING:
    from digitdet.classifiers.base import Classifier
    from digitdet.classifiers.locate import Finder
    from digitdet.datasets.mnist import Digits

# Heavy packages are imported inside the commands: `digitdet --help` must answer at once.

_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False)
_PATH = click.Path(path_type=Path)
_RUNS = Path("runs/classify")
_DEFAULT = "cnn"
_ALL = "all"
_MNIST = click.option("--mnist", type=_FOLDER, metavar="DIR", help="Folder with the four MNIST files.")
_DATA = click.option(
    "--data", type=_PATH, metavar="PATH", help="Your digits: a folder with 0/ to 9/, or a CSV of image,label."
)


@click.group()
def classify() -> None:
    """Train and compare recognisers of single digits.

    \b
    digitdet classify models                  what there is, with every setting
    digitdet classify explore                 what MNIST holds
    digitdet classify train --model cnn       train one, or all
    digitdet classify eval runs/classify/*    measure them on the test digits, on one page
    digitdet classify predict digit.png       what a picture shows
    """


@classify.command()
@click.argument("names", nargs=-1)
def models(names: tuple[str, ...]) -> None:
    """Show the classifiers with all their settings, or those that are NAMED."""
    for name in names or classifier_names():
        click.echo(f"{name}:")
        click.echo("".join(f"  {line}\n" for line in load_classifier_config(name).to_yaml().splitlines()))


@classify.command()
@_MNIST
@click.option("--html", type=_FILE, metavar="FILE", help="Write a page with the figures and pictures.")
@click.option("--png", type=_FILE, metavar="FILE", help="Write the counts, grey levels and mean digits as one picture.")
def explore(mnist: Path | None, html: Path | None, png: Path | None) -> None:
    """Look into MNIST: how many digits of each kind, what their pixels are like, what they look like."""
    from digitdet.classifiers.explore import draw_exploration, format_exploration
    from digitdet.classifiers.explore import explore as look_into
    from digitdet.common.files import write_atomically
    from digitdet.datasets.mnist import load_split_digits

    parts = load_split_digits(mnist)
    found = look_into(parts)
    _echo_table(*found.rows())
    click.echo(f"pixels: mean {found.pixel_mean:.4f}, standard deviation {found.pixel_deviation:.4f} of 1")
    for file, make in ((html, format_exploration), (png, draw_exploration)):
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(file, make(found, parts["train"]))


@classify.command()
@click.option(
    "--model", default=_DEFAULT, show_default=True, metavar="NAME", help="A name of `models`, a YAML file, or all."
)
@click.option("--out", type=_FOLDER, metavar="DIR", help="The training's folder.  [default: runs/classify/NAME]")
@_MNIST
@_DATA
@click.option("--from", "start", type=_PATH, metavar="PATH", help="Go on from a trained network: its folder or file.")
@click.option("--epochs", type=click.IntRange(1, 10_000), metavar="N", help="Passes over the digits, of a network.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), metavar="N", help="Other starting weights, of a network.")
def train(
    model: str,
    out: Path | None,
    mnist: Path | None,
    data: Path | None,
    start: Path | None,
    epochs: int | None,
    seed: int | None,
) -> None:
    """Train a classifier on MNIST's first 55,000 digits; the other 5,000 training digits choose when to stop.

    With --data it learns from your digits in the place of MNIST: a tenth of them chooses when to stop, another tenth
    is kept for `eval`. The same command goes on where it was interrupted.
    """
    from digitdet.classifiers.runs import train_classifier

    parts = _digits(mnist, data)
    names = classifier_names() if model == _ALL else [model]
    if out is not None and len(names) > 1:
        raise click.UsageError("--out is the folder of one training; all go to runs/classify")
    for name in names:
        config = load_classifier_config(name)
        if isinstance(config, NetworkConfig):
            config = replace(config, epochs=epochs, seed=seed)
        elif start is not None or epochs is not None:
            raise click.UsageError(f"{name} is no network: it has no epochs, and nothing to go on from")
        click.echo(f"{name}: learns from {len(parts['train']):,} digits", err=True)
        train_classifier(config, parts, out or _RUNS / Path(name).stem, _say, start)


@classify.command(name="eval")
@click.argument("trained", nargs=-1, required=True, type=_PATH, metavar="MODEL...")
@_MNIST
@_DATA
@click.option("--all-data", is_flag=True, help="Every digit of --data, not the tenth that is kept for testing.")
@click.option("--html", type=_FILE, metavar="FILE", help="Write one page that compares them, with their mistakes.")
@click.option("--json", "json_file", type=_FILE, metavar="FILE", help="Write every figure.")
def evaluate(
    trained: tuple[Path, ...],
    mnist: Path | None,
    data: Path | None,
    all_data: bool,
    html: Path | None,
    json_file: Path | None,
) -> None:
    """Measure trained classifiers on MNIST's 10,000 test digits, or on --data.

    MODEL is the folder of a training or a model file.
    """
    from digitdet.classifiers.metrics import evaluate as measure
    from digitdet.classifiers.page import comparison_rows, format_page
    from digitdet.classifiers.runs import load_classifier, read_run
    from digitdet.common.files import write_atomically

    digits = _everything(data) if all_data and data is not None else _digits(mnist, data)["test"]
    if not len(digits):
        raise DataError(f"{data}: too few digits to keep any for testing; --all-data takes them all")
    results = [
        measure(path.name if path.is_dir() else path.stem, load_classifier(path), digits, read_run(path).get("seconds"))
        for path in trained
    ]
    _echo_table(*comparison_rows(results))
    for file in filter(None, (html, json_file)):
        file.parent.mkdir(parents=True, exist_ok=True)
    if json_file:
        figures = [{"name": one.name, "size": one.size, **one.scores.to_dict()} for one in results]
        write_atomically(json_file, json.dumps(figures, indent=1) + "\n")
    if html:
        write_atomically(html, format_page(results, digits, str(data) if data else "MNIST's test part"))


@classify.command()
@click.argument("pictures", nargs=-1, type=_PATH, metavar="PICTURE...")
@click.option(
    "--image", "images", multiple=True, type=_PATH, metavar="PICTURE", help="The same as PICTURE; repeatable."
)
@click.option(
    "--model",
    type=_PATH,
    default=_RUNS / _DEFAULT,
    show_default=True,
    metavar="PATH",
    help="A training's folder or file.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON array, with the probabilities of all ten digits.")
def predict(pictures: tuple[Path, ...], images: tuple[Path, ...], model: Path, as_json: bool) -> None:
    """Say which digit each PICTURE shows, and how sure that is. A folder stands for the pictures in it.

    28x28 pixels are taken as they are, light ink on dark or dark on light. In any other picture the digit is found,
    cut out, and made as MNIST's are. The exit code is 1 when a picture shows no digit or cannot be read.
    """
    if not pictures + images:
        raise click.UsageError("name a picture or a folder")
    from digitdet.classifiers.runs import load_classifier
    from digitdet.imaging.images import quiet_decoders

    classifier = load_classifier(model)
    finder = _finder()
    entries = []
    with quiet_decoders():
        for path, problem in _named_files(pictures + images):
            entry = {"image": str(path), "error": problem} if problem else _predict_one(path, classifier, finder)
            entries.append(entry)
            if not as_json and "error" not in entry:
                click.echo(f"{path}: {entry['digit']} ({entry['confidence']:.1%})")
            if "error" in entry:
                click.echo(f"Error: {path}: {entry['error']}", err=True)
    if as_json:
        click.echo(json.dumps(entries, indent=1))
    sys.exit(any("error" in entry for entry in entries))


def _predict_one(path: Path, classifier: Classifier, finder: Finder) -> dict[str, Any]:
    from digitdet.classifiers.locate import read_digit
    from digitdet.imaging.images import load_image

    try:
        image = read_digit(load_image(str(path)), finder)
    except ImageError as error:
        return {"image": str(path), "error": str(error).removeprefix(f"{path}: ")}
    chances = classifier.predict_proba(image[None])[0]
    digit = int(chances.argmax())
    probabilities = [round(float(chance), 5) for chance in chances]
    return {"image": str(path), "digit": digit, "confidence": probabilities[digit], "probabilities": probabilities}


def _finder() -> Finder:
    """The shipped detector: the surest digit that it sees."""
    from digitdet.reader import NumberReader

    reader = NumberReader()

    def find(image: Any) -> tuple[float, float, float, float] | None:
        digits = [digit for number in reader.read(image).numbers for digit in number.digits]
        return max(digits, key=lambda digit: digit.confidence).box if digits else None

    return find


def _named_files(paths: tuple[Path, ...]) -> Iterator[tuple[Path, str]]:
    """The pictures that paths stand for, each with what is wrong with it, if anything is."""
    from digitdet.datasets.formats.yolo import list_images

    for path in paths:
        if path.is_dir():
            files = list_images(path)
            if not files:
                yield path, "no pictures in this folder"
            yield from ((file, "") for file in files)
        else:
            yield path, ""


def _digits(mnist: Path | None, data: Path | None) -> Mapping[str, Digits]:
    """Digits by split: the user's, or MNIST's."""
    from digitdet.datasets.mnist import load_split_digits

    if data is None:
        return load_split_digits(mnist)
    from digitdet.classifiers.own_digits import load_own_digits

    parts, skipped = load_own_digits(data)
    for line in skipped:
        click.echo(line, err=True)
    return parts


def _everything(data: Path) -> Digits:
    from digitdet.classifiers.own_digits import join_digits, load_own_digits

    return join_digits(list(load_own_digits(data)[0].values()))


def _say(line: str) -> None:
    click.echo(line, err=True)


def _echo_table(heads: list[str], rows: list[list[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    for row in (heads, *rows):
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        click.echo("  ".join(cells).rstrip())
