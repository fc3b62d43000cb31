"""`digitdet eval`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from digitdet.cli.options import FILE, PATH, WholeNumber, config_option, echo_error, load_settings, model_option
from digitdet.configs import ReadConfig

if TYPE_CHECKING:
    from digitdet.evaluation.report import Report
    from digitdet.evaluation.sets import TrueSet
    from digitdet.reader import NumberReader


@click.command(name="eval")
@click.argument("path", type=PATH)
@model_option
@click.option("--compare", type=PATH, help="Second model, compared picture by picture.")
@click.option("--html", type=FILE, help="Write an HTML report with plots and all misreadings.")
@click.option("--json", "json_file", type=FILE, help="Write all figures and every reading as JSON.")
@click.option("--limit", type=WholeNumber(min=1), metavar="N", help="Use at most N evenly spaced pictures per set.")
@click.option(
    "--split", metavar="NAME", help="Use only this split.  [default: test of a YOLO dataset, all of a labels.csv]"
)
@config_option()
def evaluate(
    path: Path,
    model: Path | None,
    compare: Path | None,
    html: Path | None,
    json_file: Path | None,
    limit: int | None,
    split: str | None,
    config_file: Path | None,
) -> None:
    """Measure how well numbers are read, on pictures whose numbers are known.

    PATH is a labels.csv (image,number), optionally with a boxes.csv (image,digit,x,y,w,h) beside it, a folder with
    these files, a YOLO dataset, or a folder of several of them. The exit code is 1 if a picture could not be read.
    """
    from digitdet.common.files import require_writable, write_atomically
    from digitdet.evaluation.page import format_page
    from digitdet.evaluation.sets import load_sets
    from digitdet.evaluation.table import format_report
    from digitdet.imaging.process import quiet_decoders
    from digitdet.reader import NumberReader

    sets = [one.sample(limit or 0) for one in load_sets(path, split)]
    config = load_settings(ReadConfig, config_file)
    for file in filter(None, (html, json_file)):  # fail before reading, not after it
        require_writable(file)
    models = [NumberReader(path, config=config) for path in ((compare, model) if compare else (model,))]
    with quiet_decoders():
        other = _read_all(sets, models[0], str(compare)) if compare else None
        report = _read_all(sets, models[-1], str(model or "shipped model"), other)
        page = format_page(report) if html else b""
    click.echo(format_report(report), nl=False)
    if json_file:
        write_atomically(json_file, report.to_json())
    if html:
        write_atomically(html, page)
    for outcome in report.together.outcomes:
        if outcome.reading.error is not None:
            echo_error(f"Error: {outcome.picture.path}: {outcome.reading.error}")
    sys.exit(1 if report.together.errors else 0)


def _read_all(sets: list[TrueSet], reader: NumberReader, name: str, other: Report | None = None) -> Report:
    from digitdet.evaluation.outcomes import read_set
    from digitdet.evaluation.report import make_report

    count = sum(len(one.pictures) for one in sets)
    hidden = not sys.stderr.isatty()
    with click.progressbar(
        length=count, label=f"reading with {name}", file=sys.stderr, show_pos=True, hidden=hidden
    ) as bar:
        outcomes = {one.name: list(read_set(reader, one, lambda: bar.update(1))) for one in sets}
    return make_report(name, outcomes, other)
