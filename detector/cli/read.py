"""`digitdet read`."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from digitdet.cli.options import (
    FOLDER,
    SectionedCommand,
    WholeNumber,
    config_option,
    echo_error,
    load_settings,
    model_option,
    ray_address,
    ray_option,
    read_options,
    verbosity_options,
)
from digitdet.cli.progress import NORMAL, QUIET, Progress
from digitdet.common.errors import ConfigError, DigitdetError
from digitdet.common.files import errors_naming
from digitdet.common.interrupts import until_interrupted
from digitdet.configs import ReadConfig, replace
from digitdet.configs.read import READ_OPTIONS
from digitdet.imaging.inputs import is_video
from digitdet.outputs.formats import FORMATS
from digitdet.reading.results import ERROR, UNSURE

if TYPE_CHECKING:
    from digitdet.imaging.inputs import Input
    from digitdet.outputs.batch import Pairs, PictureWriter
    from digitdet.outputs.window import Window
    from digitdet.reading.model import Model
    from digitdet.reading.options import ReadOptions
    from digitdet.reading.results import Reading

_SHARD = 500  # pictures: about ten seconds of one core, and a few megabytes of results
# The identity of a run holds the model and the pictures in other fields; the rest does not change the results.
_NOT_IDENTIFYING = ("model", "from_file", "out", "save", "crops", "labels", "show")

# A message about options begins with their names in Python, or those of their settings.
_OPTION_NAMES = {one.setting: one.name for one in READ_OPTIONS} | {one.name: one.name for one in READ_OPTIONS}
_ANY_NAME = "|".join(filter(None, _OPTION_NAMES))
_FIRST_NAMES = re.compile(rf"^(?:{_ANY_NAME})(?:, (?:{_ANY_NAME}))*(?=[: ])")

_SECTIONS = {
    "Input": ("from_file", "camera", "every", "stable", "region", "rotate"),
    "Output": (
        *("output_format", "out", "show", "save", "crops", "labels"),
        *("strict", "digits_only", "largest", "best", "verbosity"),
    ),
    "What is known about the numbers": ("digits", "pattern", "check", "allowed", "previous", "max_step"),
    "Ray cluster": ("ray", "shard"),
    "Model and tuning": (),
}


@click.command(cls=SectionedCommand, sections=_SECTIONS)
@click.argument("pictures", nargs=-1, metavar="PICTURE...")
@click.option("--from-file", metavar="FILE", help="Also read the pictures listed in FILE, one per line; - is stdin.")
@click.option("--camera", metavar="N|URL", help="Read a camera, from 0, or a stream (rtsp://..., http://...).")
@click.option(
    "--every",
    type=WholeNumber(1),
    metavar="N",
    help="In videos, read every Nth frame.  [default: about five frames per second]",
)
@click.option(
    "--stable",
    type=WholeNumber(1, 20),
    metavar="N",
    help="In videos, print numbers that are the same in N of the last 2N - 1 frames.  [default: 3]",
)
@click.option(
    "--format",
    "output_format",
    type=click.Choice(FORMATS),
    help="text: one number per line. json: one array. jsonl: one object per picture and line. csv: one row per number. "
    " [default: that of the name of --out, otherwise text]",
)
@click.option(
    "--out",
    metavar="FILE",
    help="Write to FILE instead of stdout, when everything is read. With jsonl, the same command resumes after an "
    "interruption. With --ray a folder, s3://... or gs://...",
)
@ray_option
@click.option("--shard", type=WholeNumber(1), metavar="N", help=f"Pictures per file, with --ray.  [default: {_SHARD}]")
@read_options
@click.option("--show", is_flag=True, help="Show pictures and videos with the numbers drawn on them in a window.")
@click.option("--save", type=FOLDER, help="Save each picture with the numbers drawn on it.")
@click.option("--crops", type=FOLDER, help="Save a crop of each number, and labels.csv.")
@click.option("--labels", type=FOLDER, help="Save YOLO and Label Studio labels, to correct and train on.")
@model_option
@config_option()
@verbosity_options
def read(pictures: tuple[str, ...], output_format: str | None, **options: Any) -> None:
    """Print the numbers in pictures and videos: files, folders, glob patterns, URLs, or - for stdin.

    Numbers go to stdout, messages to stderr. The exit code is 0 if every picture was read (even if it holds no number),
    1 if a picture could not be read, 2 for wrong usage, and 130 after Ctrl-C. With --strict it is also 1 if a number is
    uncertain or none meets the constraints.
    """
    ray, verbosity = options.pop("ray"), options.pop("verbosity") or NORMAL
    if ray is not None:
        from digitdet.imaging.process import quiet_decoders

        with quiet_decoders():  # Ray's own messages too
            sys.exit(_read_on_cluster(pictures, output_format or "text", ray_address(ray), options, verbosity))
    if options.pop("shard"):
        raise click.UsageError("--shard requires --ray")
    # Loading the model is a third of a cold start: it runs while the other modules are imported.
    with ThreadPoolExecutor(1) as loader:
        is_one = len(pictures) == 1 and not options["from_file"] and os.path.isfile(pictures[0])
        is_one = is_one and not is_video(pictures[0])
        model = loader.submit(_load_model, options["model"], is_one)

        from digitdet.imaging.process import quiet_decoders

        with quiet_decoders():
            sys.exit(_read(model, pictures, output_format or _format_of(options["out"]), options, verbosity))


def _format_of(out: str | None) -> str:
    """The format that the name of a file of results asks for."""
    suffix = Path(out or "").suffix.lower().removeprefix(".")
    if suffix in ("xlsx", "xls", "ods"):
        raise click.UsageError(f"--out: .{suffix} is not supported; spreadsheets also open a file that ends with .csv")
    if suffix not in ("", "txt", *FORMATS):
        raise click.UsageError(
            f"--out: .{suffix} stands for no format; end the name with .csv, .json, .jsonl or .txt, or give --format"
        )
    return suffix if suffix in FORMATS else "text"


def _load_model(path: Path | None, is_short_lived: bool) -> Model:
    from digitdet.reading.model import load_model

    return load_model(path, is_short_lived)


def _read(
    model: Future[Model], pictures: Sequence[str], output_format: str, options: dict[str, Any], verbosity: int
) -> int:
    """Read the pictures, write the results, and return the exit code."""
    from digitdet.imaging.process import use_one_thread
    from digitdet.outputs.batch import read_inputs
    from digitdet.outputs.formats import write_results
    from digitdet.reader import NumberReader

    inputs = _find_inputs(pictures, options)
    parsed = _parse_options(options)
    if options["labels"] and (parsed.regions or parsed.config.largest or parsed.config.best):
        raise click.UsageError(
            "--labels needs every digit, as others would count as background; omit --region, --largest and --best"
        )
    if options["out"] is not None:
        _check_out(Path(options["out"]), inputs, options)
    reader = NumberReader(model.result(), None, parsed.constraints, parsed.config)
    window = _open_window() if options["show"] else None
    if len(inputs) > 1:
        use_one_thread()  # the reader has a picture for every core
    writers: list[PictureWriter] = []

    def readings(inputs: Sequence[Input], progress: Progress) -> Iterator[Reading]:
        def watch(pairs: Pairs) -> Pairs:
            pairs = window.watch(pairs) if window else pairs
            return progress.watch_frames(until_interrupted(pairs) if options["camera"] else pairs)

        return progress.watch(read_inputs(reader, inputs, parsed.regions, writers, watch))

    with contextlib.ExitStack() as folders:
        writers += _open_writers(options, inputs, folders)
        if options["out"] is None:
            progress = Progress(inputs, verbosity)
            with errors_naming(Path("stdout")):
                write_results(readings(inputs, progress), output_format, sys.stdout, len(inputs) > 1)
        else:
            progress = _write_file(readings, inputs, output_format, options, verbosity, is_whole=bool(writers))
    progress.summarise()
    for line in (line for writer in writers for line in writer.skipped):
        echo_error(f"not labelled: {line}")
    return _exit_code(progress.statuses, parsed.config)


def _write_file(
    readings: Callable[[Sequence[Input], Progress], Iterator[Reading]],
    inputs: Sequence[Input],
    output_format: str,
    options: dict[str, Any],
    verbosity: int,
    is_whole: bool,
) -> Progress:
    """Write the results to the file of --out, continuing an interrupted run.

    With `is_whole`, everything is read again: other files that are written would lack the pictures read before.
    """
    from digitdet.outputs.result_file import open_results, run_identity

    identity = run_identity(options["model"], _identifying(options), inputs)
    can_resume = not is_whole and all(one.video is None for one in inputs)  # a video has many readings
    with open_results(Path(options["out"]), output_format, identity, can_resume) as results:
        progress = Progress(inputs[results.done :], verbosity, results.done)
        progress.resume(results.done, results.statuses)
        try:
            results.write(readings(inputs[results.done :], progress), len(inputs) > 1)
        except KeyboardInterrupt:
            if can_resume and output_format == "jsonl":
                echo_error("interrupted; the same command continues")
            raise
    return progress


def _check_out(out: Path, inputs: Sequence[Input], options: dict[str, Any]) -> None:
    """Raise UsageError if --out is a folder, a device or one of the input files."""
    if str(out) == "-":
        raise click.UsageError("--out -: omit --out to write to stdout")
    if os.path.isdir(out):
        raise click.UsageError(f"--out {out}: is a folder, not a file")
    if not os.path.exists(out):
        return
    if not os.path.isfile(out):
        raise click.UsageError(f"--out {out}: is a device; omit --out and redirect stdout")
    given = [one.path for one in inputs] + [options[name] for name in ("from_file", "allowed", "config_file")]
    if any(out.samefile(path) for path in given if isinstance(path, (str, Path)) and os.path.exists(path)):
        raise click.UsageError(f"--out {out}: is one of the input files")


def _read_on_cluster(
    pictures: Sequence[str], output_format: str, address: str | None, options: dict[str, Any], verbosity: int
) -> int:
    """Read into a folder of shards, print a summary, and return the exit code."""
    from digitdet.cluster.read import Job, read_with_ray
    from digitdet.cluster.storage import Folder, find_pictures
    from digitdet.models.model_file import find_model
    from digitdet.outputs.result_file import run_identity

    if options["out"] is None:
        raise click.UsageError("--ray writes JSONL and Parquet into a folder: name it with --out")
    for name in ("camera", "every", "stable", "show", "save", "crops", "labels"):
        if options[name]:
            raise click.UsageError(f"--{name} and --ray cannot be combined")
    if output_format not in ("text", "jsonl"):
        raise click.UsageError("--ray writes JSONL and Parquet: leave --format out")
    shard = options.pop("shard") or _SHARD
    names = _names(pictures, options)
    parsed = _parse_options(options)
    inputs = list(find_pictures(names))
    model = options["model"]
    networks = {name: file.read_bytes() for name, file in find_model(model).own.items()}
    job = Job(Folder(options["out"]), parsed.config, parsed.constraints, parsed.regions, networks)
    identity = run_identity(model, _identifying(options), inputs)
    hidden = verbosity == QUIET or not sys.stderr.isatty()
    with click.progressbar(length=len(inputs), label="reading", file=sys.stderr, hidden=hidden) as bar:
        counts = read_with_ray(job, inputs, identity, shard, address, bar.update)
    if verbosity == QUIET:
        return _exit_code(counts.keys(), parsed.config)
    by_status = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    echo_error(f"{len(inputs)} pictures, {sum(counts.values())} pages: {by_status}; in {options['out']}")
    return _exit_code(counts.keys(), parsed.config)


def _exit_code(statuses: Collection[str], config: ReadConfig) -> int:
    return 1 if ERROR in statuses or (config.strict and UNSURE in statuses) else 0


def _find_inputs(pictures: Sequence[str], options: dict[str, Any]) -> list[Input]:
    """The pictures and videos to read, or the camera."""
    from digitdet.imaging.inputs import Input, find_inputs

    camera = options["camera"]
    if camera is None:
        return list(find_inputs(_names(pictures, options)))
    if pictures or options["from_file"]:
        raise click.UsageError("--camera goes on until it is ended: read pictures with another command")
    if not camera.isdecimal() and "://" not in camera:
        raise click.UsageError(
            f"--camera {camera}: expected the number of a camera (from 0) or the address of a stream"
        )
    return [Input.of_video(int(camera) if camera.isdecimal() else camera)]


def _open_window() -> Window | None:
    """Open the window of --show, or print why there is none."""
    from digitdet.outputs.window import Window

    try:
        return Window()
    except DigitdetError as error:
        echo_error(f"--show: {error}")
        return None


def _names(pictures: Sequence[str], options: dict[str, Any]) -> list[str]:
    """The names on the command line and in --from-file."""
    from digitdet.imaging.inputs import read_list

    if not pictures and not options["from_file"]:
        raise click.UsageError("name a picture, a video, a folder, a glob pattern, or - for stdin")
    if "" in pictures:
        raise click.UsageError("the name of the picture is empty")
    listed = read_list(options["from_file"]) if options["from_file"] else []
    if options["from_file"] and not listed:
        echo_error(f"--from-file {options['from_file']}: the list is empty")
    return [*pictures, *listed]


def _parse_options(options: dict[str, Any]) -> ReadOptions:
    from digitdet.reading.constraints import read_allowed
    from digitdet.reading.options import parse_read_options

    config = load_settings(ReadConfig, options["config_file"])
    config = replace(config, frame_step=options["every"], stable_frames=options["stable"])
    values = {option.name: options[option.name] for option in READ_OPTIONS}
    try:
        if values["allowed"] is not None:
            values["allowed"] = read_allowed(values["allowed"])
        return parse_read_options(values, config)
    except ConfigError as error:
        raise click.UsageError(_FIRST_NAMES.sub(_as_typed, str(error))) from error


def _as_typed(names: re.Match[str]) -> str:
    """The names of options in Python, as they are typed on the command line."""
    return ", ".join(f"--{_OPTION_NAMES[name].replace('_', '-')}" for name in names[0].split(", "))


def _identifying(options: dict[str, Any]) -> dict[str, Any]:
    """The options on which the results depend."""
    return {name: value for name, value in options.items() if name not in _NOT_IDENTIFYING}


def _open_writers(
    options: dict[str, Any], inputs: Sequence[Input], folders: contextlib.ExitStack
) -> list[PictureWriter]:
    """The writers of --save, --crops and --labels; `folders` is closed when they have written everything."""
    if not (options["save"] or options["crops"] or options["labels"]):
        return []
    from digitdet.outputs.annotations import AnnotationWriter
    from digitdet.outputs.crops import CropWriter
    from digitdet.outputs.draw import DrawingWriter
    from digitdet.outputs.export_folder import export_folder
    from digitdet.outputs.result_file import identity_line, run_identity

    if options["crops"] is not None and options["crops"] == options["labels"]:
        raise click.UsageError("--crops and --labels need two folders")
    identity = identity_line(run_identity(options["model"], _identifying(options), inputs))
    for folder in filter(None, (options["crops"], options["labels"])):
        if folders.enter_context(export_folder(folder, identity)):
            echo_error(f"{folder}: starts again after an interruption")
    kinds: dict[str, Callable[[Path], PictureWriter]] = {
        "save": DrawingWriter,
        "crops": CropWriter,
        "labels": AnnotationWriter,
    }
    return [kind(options[name]) for name, kind in kinds.items() if options[name] is not None]
