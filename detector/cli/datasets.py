"""`digitdet convert`, and `digitdet synth --stats` and `--check`: existing datasets."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from digitdet.cli.options import FOLDER, PATH, echo_error, echo_some, require_extra


@click.command()
@click.argument("source", type=PATH)
@click.argument("out", type=FOLDER)
@click.option(
    "--to",
    type=click.Choice(["yolo", "coco", "voc", "crops"]),
    required=True,
    help="crops: a crop of each number with labels.csv, to train a text recogniser.",
)
def convert(source: Path, out: Path, to: str) -> None:
    """Convert a dataset of digits to another format, in the new folder OUT.

    SOURCE is a YOLO dataset (its folder or data.yaml), COCO (a JSON file or a folder with some) or Pascal VOC (a
    folder); the format is detected. Categories are recognised by the names 0 to 9 or zero to nine. Skipped files and
    boxes are listed on stderr.
    """
    from digitdet.datasets.convert import convert as convert_dataset
    from digitdet.imaging.process import quiet_decoders

    with quiet_decoders():
        done = convert_dataset(source, out, to)
    echo_some(done.notes, 20)
    echo_error(f"{done.pictures} {'numbers' if to == 'crops' else 'pictures'} with {done.boxes} digits in {out}")


def check(data: Path) -> None:
    """Print the problems of a dataset, and exit with 1 if there are any."""
    from digitdet.datasets.formats.yolo import check_dataset, find_data_file, read_data_file
    from digitdet.imaging.process import quiet_decoders

    with quiet_decoders():
        problems = check_dataset(data, decode=True)
    echo_some(read_data_file(find_data_file(data)).notes, 20)
    for problem in problems:
        click.echo(str(problem))
    if problems:
        echo_error(f"{len(problems)} problem(s) in {data}")
        sys.exit(1)
    echo_error(f"{data}: no problems found")


def show_stats(data: Path) -> None:
    """Print the statistics of a dataset, and plot them into its folder."""
    require_extra("digitdet synth --stats", "train", "matplotlib")
    from digitdet.datasets.formats.yolo import find_data_file
    from digitdet.datasets.stats import collect_stats, format_stats, plot_stats

    found = collect_stats(data)
    click.echo(format_stats(found))
    plot = find_data_file(data).parent / "stats.png"
    plot_stats(found, plot)
    echo_error(f"plots written to {plot}")
