"""`digitdet synth` and `digitdet convert`: datasets made, looked into and rewritten."""

from __future__ import annotations

import contextlib
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from digitdet.cli.options import check_engine, echo_some, engine_options, need_extra, settings_from
from digitdet.configs import SynthConfig, preset_names, replace
from digitdet.configs.synth import add_materials

if TYPE_CHECKING:
    from digitdet.synth.sources import Materials

# Heavy packages are imported inside the commands: `digitdet --help` must answer at once.

_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False)
_PATH = click.Path(path_type=Path)  # a folder or a file
_DEFAULT_SYNTH = "mixed"
_FONT_SUFFIXES = (".otf", ".ttf", ".woff")


@click.command()
@click.option("--out", type=_FOLDER, default=Path("data/synth"), show_default=True, help="The dataset folder.")
@click.option("--count", type=click.IntRange(1, 10_000_000), metavar="N", help="Pictures in all splits together.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), metavar="N", help="Another seed, other pictures.")
@click.option("--workers", type=click.IntRange(min=0), default=0, metavar="N", help="Processes; 0 is one a core.")
@engine_options
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
    engine: str,
    address: str | None,
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
    The same settings and fonts give the same bytes whatever --workers and --engine; the same command goes on where it
    was interrupted.

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
    need_extra("digitdet synth", "train", "albumentations", "PIL", "tqdm")
    on_cluster = check_engine(engine, address)
    if on_cluster and workers:
        raise click.UsageError("--workers is for --engine local: a cluster's cores are all used")
    from digitdet.synth.preview import write_preview
    from digitdet.synth.sources import load_materials

    config = settings_from(SynthConfig, "synth", preset, config_file, _DEFAULT_SYNTH)
    config = add_materials(replace(config, count=count, seed=seed), fonts, backgrounds, crops, hand_fonts)
    materials = load_materials(config, mnist)
    _show_skipped(materials.skipped, system_fonts=config.font_folders is None)
    if preview is not None:
        drawn = write_preview(config, materials, preview)
        click.echo(f"the first {drawn} training pictures of these settings in {preview}", err=True)
    else:
        _write_dataset(config, materials, out, workers, on_cluster, address)


@click.command()
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
    echo_some(done.notes, 20)
    what = "numbers" if to == "crops" else "pictures"
    click.echo(f"{done.pictures} {what} with {done.boxes} digits in {out}", err=True)


def _write_dataset(
    config: SynthConfig, materials: Materials, out: Path, workers: int, on_cluster: bool, address: str | None
) -> None:
    from tqdm import tqdm

    from digitdet.imaging.images import quiet_decoders
    from digitdet.synth.writer import write_dataset

    with contextlib.ExitStack() as stack:
        run = None
        if on_cluster:
            from digitdet.cluster.synth import run_with_ray

            run = run_with_ray(address)
            stack.enter_context(quiet_decoders())  # Ray has words of its own
        # The delay keeps an error at the start to its one line.
        bar = stack.enter_context(tqdm(total=config.count, unit="picture", desc="composing", smoothing=0.05, delay=0.2))
        written = write_dataset(config, materials, out, workers, bar.update, run)
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
    echo_some(named, 5)
    if len(named) < len(skipped):
        click.echo(f"{len(skipped) - len(named)} of the system's font files hold no digits to draw from", err=True)


def _is_font(line: str) -> bool:
    """Whether a line 'path: reason' is about a font file."""
    return line.partition(": ")[0].lower().endswith(_FONT_SUFFIXES)


def _check_dataset(data: Path) -> None:
    from digitdet.datasets.formats.yolo import check_dataset
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
    need_extra("digitdet synth --stats", "train", "matplotlib")
    from digitdet.datasets.stats import collect_stats, format_stats, plot_stats

    found = collect_stats(data)
    click.echo(format_stats(found))
    plot = found.data_file.parent / "stats.png"
    plot_stats(found, plot)
    click.echo(f"plotted in {plot}", err=True)
