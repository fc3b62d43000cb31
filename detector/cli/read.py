"""`digitdet read`: options in, one call into the package, messages out."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from digitdet.cli.options import check_engine, engine_options
from digitdet.common.errors import ConfigError
from digitdet.configs import ReadConfig, load_config, replace
from digitdet.reading.results import EMPTY, ERROR, OK, UNFIT, UNSURE

if TYPE_CHECKING:
    from digitdet.detection.detector import OnnxDetector
    from digitdet.imaging.inputs import Input
    from digitdet.outputs.batch import PictureWriter
    from digitdet.reading.constraints import Constraints
    from digitdet.reading.regions import Region
    from digitdet.reading.results import Number, Reading

# Heavy packages are imported inside the command: `digitdet --help` must answer at once.

_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False)
_SHARE = click.FloatRange(0, 1)
_CHECKS = (
    "luhn",
    "ean",
    "isbn",
    "mod11",
    "verhoeff",
    "damm",
)  # digitdet.reading.check_digits.CHECKS, without its imports

_SHARD = 500  # pictures: some ten seconds of a core, and a few megabytes of results
_NOT_DECIDING = ("model", "from_file", "out", "save", "crops", "labels")  # the first two are identified otherwise


@click.command()
@click.argument("pictures", nargs=-1, metavar="PICTURE...")
@click.option("--from-file", metavar="FILE", help="Read the pictures named in FILE, too, one a line; - is stdin.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "jsonl", "csv"]),
    default="text",
    show_default=True,
    help="text: one number a line. json: one array. jsonl: one object a picture and line. csv: one row a number.",
)
@click.option(
    "--out",
    metavar="FILE",
    help="Write there, not to stdout, when all is read. With jsonl the same command goes on after an interruption. "
    "With --engine ray a folder, or s3://..., gs://...",
)
@engine_options
@click.option(
    "--shard", type=click.IntRange(1), metavar="N", help="With --engine ray: pictures in a file.  [default: 500]"
)
@click.option(
    "--region", "regions", multiple=True, metavar="[NAME=]X,Y,W,H", help="Read only this part, in px or %; repeatable."
)
@click.option(
    "--rotate",
    type=click.Choice(["auto", "0", "90", "180", "270"]),
    help="How far the pages lie turned clockwise; auto finds out.",
)
@click.option(
    "--tiles",
    type=click.Choice(["auto", "never", "always"]),
    help="Read parts of large pictures enlarged: those with small print (auto), none, or all.",
)
@click.option("--digits", metavar="N|N-M", help="A number has so many digits.")
@click.option("--pattern", metavar="REGEX", help=r"A number looks like this, separators and all: '\d{4}-\d{2}'.")
@click.option("--check", type=click.Choice(_CHECKS), help="A number has this check digit.")
@click.option("--allowed", type=_FILE, metavar="FILE", help="A number is one of those in FILE, one a line.")
@click.option(
    "--previous", metavar="NUMBER", help="A meter's last reading: the new one is not lower; needs --max-step."
)
@click.option("--max-step", type=click.IntRange(min=0), metavar="N", help="How far the meter can have gone since.")
@click.option("--min-confidence", type=_SHARE, metavar="0-1", help="Below it a number is unsure: 1?4.  [default: 0.55]")
@click.option("--conf", type=_SHARE, metavar="0-1", help="From this probability on a digit is there.  [default: 0.5]")
@click.option("--save", type=_FOLDER, metavar="DIR", help="Write each picture with what was read drawn on it.")
@click.option("--crops", type=_FOLDER, metavar="DIR", help="Write each number as a small picture, and labels.csv.")
@click.option(
    "--labels", type=_FOLDER, metavar="DIR", help="Write YOLO and Label Studio labels, to correct and train on."
)
@click.option("--model", type=_FILE, metavar="FILE", help="A model.onnx from digitdet train; else the shipped one.")
@click.option("--config", "config_file", type=_FILE, metavar="FILE", help="Settings in YAML (see ReadConfig).")
def read(pictures: tuple[str, ...], form: str, **options: Any) -> None:
    """Print the numbers in pictures: files, folders with their subfolders, patterns, or - for stdin.

    Only the numbers go to stdout; complaints go to stderr. The exit code is 0 when every picture was read (also when it
    held no number), 1 when one could not be read or a number is unsure, 2 for wrong usage.
    """
    address = options.pop("address")
    if check_engine(options.pop("engine"), address):
        from digitdet.imaging.images import quiet_decoders

        with quiet_decoders():  # Ray's own words, too
            sys.exit(_read_on_cluster(pictures, form, address, options))
    if options.pop("shard"):
        raise click.UsageError("--shard is for --engine ray")
    # Loading the model is a third of a cold start: it goes on while the rest is imported.
    with ThreadPoolExecutor(1) as aside:
        is_one = len(pictures) == 1 and not options["from_file"] and os.path.isfile(pictures[0])
        model = aside.submit(_load_model, options["model"], is_one)

        from digitdet.imaging.images import quiet_decoders

        with quiet_decoders():
            sys.exit(_read(model, pictures, form, options))


def _load_model(path: Path | None, is_short_lived: bool) -> OnnxDetector:
    from digitdet.detection.detector import OnnxDetector

    return OnnxDetector(path, is_short_lived)


def _read(model: Future[OnnxDetector], pictures: Sequence[str], form: str, options: dict[str, Any]) -> int:
    """Read, write, and give the exit code."""
    from digitdet.imaging.images import use_one_thread
    from digitdet.imaging.inputs import find_inputs
    from digitdet.outputs.batch import read_inputs
    from digitdet.outputs.formats import write_results
    from digitdet.reader import NumberReader

    names = _names(pictures, options)
    config, constraints, regions = _settings(options)
    if regions and options["labels"]:
        raise click.UsageError("--labels is for whole pictures: what lies outside a --region would count as no digit")
    reader = NumberReader(model.result(), None, constraints, config)
    writers = _writers(options)
    inputs = list(find_inputs(names))
    report = _Report()
    several = len(inputs) > 1
    if several:
        use_one_thread()  # the reader has a picture for every core
    if options["out"] is None:
        with _progress(inputs) as counted:
            write_results(report.of(read_inputs(reader, counted, regions, writers)), form, sys.stdout, several)
    else:
        from digitdet.outputs.batch import identify
        from digitdet.outputs.result_file import open_results

        identity = identify(options["model"], _deciding(options), inputs)
        # Of what is exported some is written at the end: it would lack what was read before an interruption.
        with open_results(_out_file(options["out"]), form, identity, go_on=not writers) as results:
            for status in results.statuses:
                report.count(status)
            with _progress(inputs[results.done :]) as counted:
                results.write(report.of(read_inputs(reader, counted, regions, writers)), several)
    for writer in writers:
        for line in getattr(writer, "skipped", ()):
            click.echo(f"not labelled: {line}", err=True)
    return report.exit_code


def _read_on_cluster(pictures: Sequence[str], form: str, address: str | None, options: dict[str, Any]) -> int:
    """Read into a folder of shards, say what came of it, and give the exit code."""
    from digitdet.cluster.read import Job, read_with_ray
    from digitdet.cluster.storage import Folder, find_pictures
    from digitdet.outputs.batch import identify

    if options["out"] is None:
        raise click.UsageError("--engine ray writes JSONL and Parquet into a folder: name it with --out")
    for name in ("save", "crops", "labels"):
        if options[name] is not None:
            raise click.UsageError(f"--{name} is for --engine local")
    if form not in ("text", "jsonl"):
        raise click.UsageError("--engine ray writes JSONL and Parquet: leave --format out")
    shard = options.pop("shard") or _SHARD
    names = _names(pictures, options)
    config, constraints, regions = _settings(options)
    inputs = list(find_pictures(names))
    model = options["model"]
    job = Job(Folder(options["out"]), config, constraints, regions, model.read_bytes() if model else None)
    identity = identify(model, _deciding(options), inputs)
    show = sys.stderr.isatty()
    with click.progressbar(length=len(inputs), label="reading", file=sys.stderr, hidden=not show) as bar:
        counts = read_with_ray(job, inputs, identity, shard, address, bar.update)
    told = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    click.echo(f"{len(inputs)} pictures, {sum(counts.values())} pages: {told}; in {options['out']}", err=True)
    return 1 if counts[ERROR] or counts[UNSURE] else 0


def _names(pictures: Sequence[str], options: dict[str, Any]) -> list[str]:
    """What the user named, on the command line and in a list."""
    from digitdet.imaging.inputs import read_list

    names = [*pictures, *(read_list(options["from_file"]) if options["from_file"] else ())]
    if not names:
        raise click.UsageError("name a picture, a folder, a pattern, or - for stdin")
    return names


def _settings(options: dict[str, Any]) -> tuple[ReadConfig, Constraints, tuple[Region, ...]]:
    """How pictures are to be read."""
    from digitdet.reading.constraints import constraints_from_options
    from digitdet.reading.regions import parse_region

    config = replace(
        load_config(ReadConfig, options["config_file"]) if options["config_file"] else ReadConfig(),
        confidence=options["conf"],
        rotate=None if options["rotate"] is None else _rotation(options["rotate"]),
        tiles=options["tiles"],
        min_confidence=options["min_confidence"],
    )
    rules = ("digits", "pattern", "check", "allowed", "previous", "max_step")
    try:
        constraints = constraints_from_options(**{name: options[name] for name in rules})
        return config, constraints, tuple(parse_region(text) for text in options["regions"])
    except ConfigError as error:
        raise click.UsageError(str(error)) from error


def _deciding(options: dict[str, Any]) -> dict[str, Any]:
    """The options that decide what the results are."""
    return {name: value for name, value in options.items() if name not in _NOT_DECIDING}


def _out_file(name: str) -> Path:
    """The file of --out.

    Raises:
        UsageError: It is a folder.
    """
    path = Path(name)
    if path.is_dir():
        raise click.UsageError(f"--out {name}: is a folder, not a file")
    return path


def _rotation(text: str) -> int | str:
    return text if text == "auto" else int(text)


def _writers(options: dict[str, Any]) -> list[PictureWriter]:
    wanted: list[PictureWriter] = []
    if options["save"] is not None:
        from digitdet.outputs.batch import DrawingWriter

        wanted.append(DrawingWriter(options["save"]))
    if options["crops"] is not None:
        from digitdet.outputs.crops import CropWriter

        wanted.append(CropWriter(options["crops"]))
    if options["labels"] is not None:
        from digitdet.outputs.annotations import AnnotationWriter

        wanted.append(AnnotationWriter(options["labels"]))
    return wanted


@contextlib.contextmanager
def _progress(inputs: Sequence[Input]) -> Iterator[Iterator[Input]]:
    """The inputs with a bar on stderr, where there are many and the numbers go elsewhere than to the same screen."""
    if len(inputs) > 1 and sys.stderr.isatty() and not sys.stdout.isatty():
        with click.progressbar(inputs, label="reading", file=sys.stderr, show_pos=True) as bar:
            yield iter(bar)
    else:
        yield iter(inputs)


class _Report:
    """Tells on stderr what the numbers alone do not, and keeps the exit code."""

    def __init__(self) -> None:
        self.exit_code = 0

    def count(self, status: str) -> None:
        """Let a reading of this status decide on the exit code."""
        if status in (ERROR, UNSURE):
            self.exit_code = 1

    def of(self, readings: Iterator[Reading]) -> Iterator[Reading]:
        """Pass readings on, each followed by what is to be said about it."""
        for reading in readings:
            yield reading
            self.count(reading.status)
            page = f", page {reading.page}" if reading.pages > 1 else ""
            for line in _remarks(reading):
                click.echo(f"{line[0]}{reading.source}{page}: {line[1]}", err=True)


def _remarks(reading: Reading) -> Iterator[tuple[str, str]]:
    """What stands before and after the name of a picture in each line about it."""
    if reading.status == ERROR:
        yield "Error: ", str(reading.error)
    elif reading.status == EMPTY:
        yield "", "no digits found"
    for number in reading.numbers:
        if number.status != OK:
            yield "", _remark(number)


def _remark(number: Number) -> str:
    if number.status == UNFIT:
        return f"{number.best} does not meet the constraints"
    return f"unsure of {number.text}: {number.best} with {number.confidence:.0%}"
