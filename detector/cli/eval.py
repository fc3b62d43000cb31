"""`digitdet eval`: options in, one call into the package, messages out."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from digitdet.configs import ReadConfig, load_config

if TYPE_CHECKING:
    from digitdet.evaluation.report import Report
    from digitdet.evaluation.sets import TrueSet

# Heavy packages are imported inside the command: `digitdet --help` must answer at once.

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(name="eval")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--model", type=_FILE, metavar="FILE", help="A model.onnx from digitdet train; else the shipped one.")
@click.option("--compare", type=_FILE, metavar="FILE", help="A second model.onnx, to pair with the first.")
@click.option("--html", type=_FILE, metavar="FILE", help="Write a page with plots and all misreadings.")
@click.option("--json", "json_file", type=_FILE, metavar="FILE", help="Write everything, each reading included.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most N pictures of each set, evenly spaced.")
@click.option(
    "--split", metavar="NAME", help="Only this split.  [default: test of a YOLO dataset, all of a labels.csv]"
)
@click.option(
    "--conf",
    type=click.FloatRange(0, 1),
    metavar="0-1",
    help="From this probability on a digit is there.  [default: 0.5]",
)
@click.option("--config", "config_file", type=_FILE, metavar="FILE", help="Settings in YAML (see ReadConfig).")
@click.option("--no-digits", is_flag=True, help="Leave single digits out, even where their boxes are known: faster.")
def evaluate(
    path: Path,
    model: Path | None,
    compare: Path | None,
    html: Path | None,
    json_file: Path | None,
    limit: int | None,
    split: str | None,
    conf: float | None,
    config_file: Path | None,
    no_digits: bool,
) -> None:
    """Measure how well numbers are read, on pictures whose numbers are known.

    PATH is a labels.csv (image,number) or a folder with one, and a boxes.csv (image,digit,x,y,w,h) where there is one;
    a YOLO dataset; or a folder with several of them. The exit code is 1 when a picture could not be read.
    """
    from digitdet.common.files import write_atomically
    from digitdet.evaluation.page import format_page
    from digitdet.evaluation.sets import load_sets
    from digitdet.evaluation.table import format_report
    from digitdet.imaging.images import quiet_decoders

    sets = [one.sample(limit or 0) for one in load_sets(path, split)]
    config = load_config(ReadConfig, config_file) if config_file else ReadConfig()
    for file in filter(None, (html, json_file)):  # now, not when all is read
        file.parent.mkdir(parents=True, exist_ok=True)
    with quiet_decoders():
        other = _read_all(sets, compare, conf, config, not no_digits) if compare else None
        report = _read_all(sets, model, conf, config, not no_digits, other)
        page = format_page(report) if html else b""
    click.echo(format_report(report), nl=False)
    if json_file:
        write_atomically(json_file, report.to_json())
    if html:
        write_atomically(html, page)
    sys.exit(_name_unread(report))


def _read_all(
    sets: list[TrueSet],
    model: Path | None,
    conf: float | None,
    config: ReadConfig,
    with_digits: bool,
    other: Report | None = None,
) -> Report:
    """Read all sets with a model."""
    from digitdet.evaluation.outcomes import read_set
    from digitdet.evaluation.report import make_report
    from digitdet.reader import NumberReader

    reader = NumberReader(model, conf, config=config)
    name = str(model) if model else "shipped model"
    with _progress(sum(len(one.pictures) for one in sets), name) as step:
        outcomes = {one.name: list(read_set(reader, one, with_digits, step)) for one in sets}
    return make_report(name, outcomes, other)


def _name_unread(report: Report) -> int:
    """Name each picture that could not be read, and give the exit code."""
    for outcome in report.together.outcomes:
        if outcome.reading.error is not None:
            click.echo(f"Error: {outcome.picture.path}: {outcome.reading.error}", err=True)
    return 1 if report.together.errors else 0


@contextlib.contextmanager
def _progress(count: int, name: str) -> Iterator[Callable[[], None]]:
    """What to call after each picture: it moves a bar on stderr, if that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    with click.progressbar(length=count, label=f"reading with {name}", file=sys.stderr, show_pos=True) as bar:
        yield lambda: bar.update(1)
