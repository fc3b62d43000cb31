"""`digitdet read`."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from digitdet.cli.options import (
    FOLDER,
    config_option,
    echo_error,
    engine_options,
    model_option,
    read_options,
    use_ray,
)
from digitdet.common.errors import ConfigError
from digitdet.configs import ReadConfig, load_config
from digitdet.configs.read import READ_OPTIONS
from digitdet.reading.results import EMPTY, ERROR, OK, UNFIT, UNSURE

if TYPE_CHECKING:
    from digitdet.detection.detector import OnnxDetector
    from digitdet.imaging.inputs import Input
    from digitdet.outputs.batch import PictureWriter
    from digitdet.reading.options import ReadOptions
    from digitdet.reading.results import Number, Reading

_SHARD = 500  # pictures: about ten seconds of one core, and a few megabytes of results
# The first two are part of a run's identity in other ways, the rest does not change the results.
_NOT_IDENTIFYING = ("model", "from_file", "out", "save", "crops", "labels")


@click.command()
@click.argument("pictures", nargs=-1, metavar="PICTURE...")
@click.option("--from-file", metavar="FILE", help="Also read the pictures listed in FILE, one per line; - is stdin.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "jsonl", "csv"]),
    default="text",
    show_default=True,
    help="text: one number per line. json: one array. jsonl: one object per picture and line. csv: one row per number.",
)
@click.option(
    "--out",
    metavar="FILE",
    help="Write to FILE instead of stdout, when everything is read. With jsonl, the same command resumes after an "
    "interruption. With --engine ray a folder, s3://... or gs://...",
)
@engine_options
@click.option(
    "--shard", type=click.IntRange(1), metavar="N", help=f"Pictures per file, with --engine ray.  [default: {_SHARD}]"
)
@read_options
@click.option("--save", type=FOLDER, metavar="DIR", help="Save each picture with the numbers drawn on it.")
@click.option("--crops", type=FOLDER, metavar="DIR", help="Save a crop of each number, and labels.csv.")
@click.option(
    "--labels", type=FOLDER, metavar="DIR", help="Save YOLO and Label Studio labels, to correct and train on."
)
@model_option
@config_option("ReadConfig")
def read(pictures: tuple[str, ...], form: str, **options: Any) -> None:
    """Print the numbers in pictures: files, folders with their subfolders, glob patterns, or - for stdin.

    Numbers go to stdout, messages to stderr. The exit code is 0 if every picture was read (even if it holds no number),
    1 if a picture could not be read or a number is unsure, and 2 for wrong usage.
    """
    address = options.pop("address")
    if use_ray(options.pop("engine"), address):
        from digitdet.imaging.images import quiet_decoders

        with quiet_decoders():  # Ray's own messages too
            sys.exit(_read_on_cluster(pictures, form, address, options))
    if options.pop("shard"):
        raise click.UsageError("--shard requires --engine ray")
    # Loading the model is a third of a cold start: it runs while the other modules are imported.
    with ThreadPoolExecutor(1) as loader:
        is_one = len(pictures) == 1 and not options["from_file"] and os.path.isfile(pictures[0])
        model = loader.submit(_load_model, options["model"], is_one)

        from digitdet.imaging.images import quiet_decoders

        with quiet_decoders():
            sys.exit(_read(model, pictures, form, options))


def _load_model(path: Path | None, is_short_lived: bool) -> OnnxDetector:
    from digitdet.detection.detector import OnnxDetector

    return OnnxDetector(path, is_short_lived)


def _read(model: Future[OnnxDetector], pictures: Sequence[str], form: str, options: dict[str, Any]) -> int:
    """Read the pictures, write the results, and return the exit code."""
    from digitdet.imaging.images import use_one_thread
    from digitdet.imaging.inputs import find_inputs
    from digitdet.outputs.batch import read_inputs
    from digitdet.outputs.formats import write_results
    from digitdet.reader import NumberReader

    names = _names(pictures, options)
    how = _parse_options(options)
    if how.regions and options["labels"]:
        raise click.UsageError("--labels needs whole pictures: digits outside a --region would count as background")
    reader = NumberReader(model.result(), None, how.constraints, how.config)
    writers = _writers(options)
    inputs = list(find_inputs(names))
    messages = _Messages()
    several = len(inputs) > 1
    if several:
        use_one_thread()  # the reader has a picture for every core

    if options["out"] is None:
        with _progress(inputs) as counted:
            readings = read_inputs(reader, counted, how.regions, writers)
            write_results(messages.after_each(readings), form, sys.stdout, several)
    else:
        from digitdet.outputs.result_file import open_results, run_identity

        identity = run_identity(options["model"], _identifying(options), inputs)
        # What the writers add at the end would lack the pictures from before an interruption.
        with open_results(_result_file(options["out"]), form, identity, resume=not writers) as results:
            for status in results.statuses:
                messages.count(status)
            with _progress(inputs[results.done :]) as counted:
                readings = read_inputs(reader, counted, how.regions, writers)
                results.write(messages.after_each(readings), several)
    for writer in writers:
        for line in getattr(writer, "skipped", ()):
            echo_error(f"not labelled: {line}")
    return messages.exit_code


def _read_on_cluster(pictures: Sequence[str], form: str, address: str | None, options: dict[str, Any]) -> int:
    """Read into a folder of shards, print a summary, and return the exit code."""
    from digitdet.cluster.read import Job, read_with_ray
    from digitdet.cluster.storage import Folder, find_pictures
    from digitdet.outputs.result_file import run_identity

    if options["out"] is None:
        raise click.UsageError("--engine ray writes JSONL and Parquet into a folder: name it with --out")
    for name in ("save", "crops", "labels"):
        if options[name] is not None:
            raise click.UsageError(f"--{name} requires --engine local")
    if form not in ("text", "jsonl"):
        raise click.UsageError("--engine ray writes JSONL and Parquet: leave --format out")
    shard = options.pop("shard") or _SHARD
    names = _names(pictures, options)
    how = _parse_options(options)
    inputs = list(find_pictures(names))
    model = options["model"]
    job = Job(Folder(options["out"]), how.config, how.constraints, how.regions, model.read_bytes() if model else None)
    identity = run_identity(model, _identifying(options), inputs)
    with click.progressbar(length=len(inputs), label="reading", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        counts = read_with_ray(job, inputs, identity, shard, address, bar.update)
    by_status = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    echo_error(f"{len(inputs)} pictures, {sum(counts.values())} pages: {by_status}; in {options['out']}")
    return 1 if counts[ERROR] or counts[UNSURE] else 0


def _names(pictures: Sequence[str], options: dict[str, Any]) -> list[str]:
    """The names on the command line and in --from-file."""
    from digitdet.imaging.inputs import read_list

    names = [*pictures, *(read_list(options["from_file"]) if options["from_file"] else ())]
    if not names:
        raise click.UsageError("name a picture, a folder, a glob pattern, or - for stdin")
    return names


def _parse_options(options: dict[str, Any]) -> ReadOptions:
    from digitdet.reading.constraints import read_allowed
    from digitdet.reading.options import parse_read_options

    config = load_config(ReadConfig, options["config_file"]) if options["config_file"] else ReadConfig()
    values = {option.name: options[option.name] for option in READ_OPTIONS}
    try:
        if values["allowed"] is not None:
            values["allowed"] = read_allowed(values["allowed"])
        return parse_read_options(values, config)
    except ConfigError as error:
        raise click.UsageError(str(error)) from error


def _identifying(options: dict[str, Any]) -> dict[str, Any]:
    """The options on which the results depend, written as in earlier versions, whose runs can be resumed."""
    values = {name: value for name, value in options.items() if name not in (*_NOT_IDENTIFYING, "region")}
    rotate = options["rotate"]
    return {**values, "regions": options["region"], "rotate": None if rotate is None else str(rotate)}


def _result_file(name: str) -> Path:
    path = Path(name)
    if path.is_dir():
        raise click.UsageError(f"--out {name}: is a folder, not a file")
    return path


def _writers(options: dict[str, Any]) -> list[PictureWriter]:
    writers: list[PictureWriter] = []
    if options["save"] is not None:
        from digitdet.outputs.draw import DrawingWriter

        writers.append(DrawingWriter(options["save"]))
    if options["crops"] is not None:
        from digitdet.outputs.crops import CropWriter

        writers.append(CropWriter(options["crops"]))
    if options["labels"] is not None:
        from digitdet.outputs.annotations import AnnotationWriter

        writers.append(AnnotationWriter(options["labels"]))
    return writers


@contextlib.contextmanager
def _progress(inputs: Sequence[Input]) -> Iterator[Iterator[Input]]:
    """Show a progress bar for several inputs, unless the numbers go to the same terminal."""
    if len(inputs) > 1 and sys.stderr.isatty() and not sys.stdout.isatty():
        with click.progressbar(inputs, label="reading", file=sys.stderr, show_pos=True) as bar:
            yield iter(bar)
    else:
        yield iter(inputs)


class _Messages:
    """Prints messages about readings to stderr and keeps the exit code."""

    def __init__(self) -> None:
        self.exit_code = 0

    def count(self, status: str) -> None:
        """Set the exit code to 1 if a reading failed or is unsure."""
        if status in (ERROR, UNSURE):
            self.exit_code = 1

    def after_each(self, readings: Iterable[Reading]) -> Iterator[Reading]:
        """Yield readings, and print the messages about each after it was used."""
        for reading in readings:
            yield reading
            self.count(reading.status)
            source = f"{reading.source}, page {reading.page}" if reading.pages > 1 else reading.source
            if reading.status == ERROR:
                echo_error(f"Error: {source}: {reading.error}")
            elif reading.status == EMPTY:
                echo_error(f"{source}: no digits found")
            for number in reading.numbers:
                if number.status != OK:
                    echo_error(f"{source}: {_remark(number)}")


def _remark(number: Number) -> str:
    if number.status == UNFIT:
        return f"{number.best} does not meet the constraints"
    return f"unsure of {number.text}: {number.best} with {number.confidence:.0%}"
