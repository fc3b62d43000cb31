"""`digitdet synth`."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from digitdet.cli.datasets import check as check_dataset
from digitdet.cli.datasets import show_stats
from digitdet.cli.options import (
    DATASET,
    FILE,
    FOLDER,
    PATH,
    SEED,
    SectionedCommand,
    WholeNumber,
    config_option,
    echo_error,
    echo_some,
    load_settings,
    mnist_option,
    ray_address,
    ray_option,
    require_extra,
)
from digitdet.configs import SynthConfig, preset_names, replace
from digitdet.configs.synth import add_materials

if TYPE_CHECKING:
    from digitdet.synth.sources import Materials

_FONT_SUFFIXES = (".otf", ".ttf", ".woff")


_SECTIONS = {
    "Dataset": ("out", "count", "seed", "preset", "config_file"),
    "Digits and backgrounds": ("mnist", "fonts", "hand_fonts", "strokes", "crops", "drums", "backgrounds"),
    "Instead of a dataset": ("preview", "stats", "check"),
    "Processes": (),
}


@click.command(cls=SectionedCommand, sections=_SECTIONS)
@click.option("--out", type=FOLDER, default=DATASET, help="Dataset folder to write.")
@click.option("--count", type=WholeNumber(1, 10_000_000), metavar="N", help="Number of pictures in all splits.")
@click.option("--seed", type=SEED, metavar="N", help="Seed of the random generator.")
@click.option("--workers", type=WholeNumber(min=0), default=0, metavar="N", help="Processes; 0: one per core.")
@ray_option
@click.option(
    "--preset",
    type=click.Choice(preset_names("synth")),
    metavar="NAME",
    help="mixed (the default): all kinds of pictures. default: the mix for the shipped model. handwritten, cheques, "
    "print, meters, displays, street, houses, scenes: one kind. quick: plain MNIST digits.",
)
@config_option("; without `looks`, plain MNIST digits")
@mnist_option
@click.option("--fonts", type=FOLDER, multiple=True, help="Folder of fonts to use instead of the system's; repeatable.")
@click.option("--hand-fonts", type=FOLDER, multiple=True, help="Folder of handwriting fonts; repeatable.")
@click.option("--strokes", type=FOLDER, help="Folder of recorded pen strokes of digits (.jsonl, .jsonl.gz).")
@click.option("--crops", type=PATH, help="Also use your digits: a folder with 0/ to 9/, or a CSV of image,label.")
@click.option(
    "--drums",
    type=PATH,
    help="Pictures of counter drums for the look meters: a folder with drums.zip, or with labels.csv and pictures.",
)
@click.option(
    "--backgrounds",
    type=FOLDER,
    help="Folder of pictures without digits, also used as backgrounds; 'scenes' needs photos to look real.",
)
@click.option("--preview", type=FILE, help="Draw a contact sheet of the first training pictures.")
@click.option("--stats", type=PATH, help="Print statistics of a dataset, and plot them into its stats.png.")
@click.option("--check", type=PATH, help="List the problems of a dataset; the exit code is 1 if there are any.")
def synth(preview: Path | None, stats: Path | None, check: Path | None, **options: Any) -> None:
    """Compose training pictures: handwritten and printed numbers, meters and displays, with a box for every digit.

    Writes a YOLO dataset (images/, labels/, data.yaml) and numbers.jsonl with the numbers of each picture. The same
    settings and fonts give the same bytes, whatever --workers and --ray. The same command resumes after an
    interruption.

    MNIST is taken from --mnist, $DIGITDET_DATA/mnist or the user's cache; otherwise it is downloaded once. Some
    fonts, crops and backgrounds are reserved for the val and test splits.
    """
    if sum(option is not None for option in (preview, stats, check)) > 1:
        raise click.UsageError("--preview, --stats and --check cannot be combined")
    if check is not None:
        check_dataset(check)
    elif stats is not None:
        show_stats(stats)
    else:
        _compose(preview, **options)


def _compose(
    preview: Path | None,
    *,
    out: Path,
    workers: int,
    ray: str | None,
    preset: str | None,
    config_file: Path | None,
    mnist: Path | None,
    count: int | None,
    seed: int | None,
    **own_materials: Any,
) -> None:
    require_extra("digitdet synth", "train", "albumentations", "PIL", "tqdm")
    if ray is not None and workers:
        raise click.UsageError("--workers and --ray cannot be combined: Ray uses every core")
    address = None if ray is None else ray_address(ray)
    from digitdet.synth.sources import load_materials
    from digitdet.synth.writer import write_preview

    config = load_settings(SynthConfig, config_file, "synth", preset, "mixed")
    config = add_materials(replace(config, count=count, seed=seed), **own_materials)
    materials = load_materials(config, mnist)
    _show_skipped(materials.skipped, system_fonts=config.font_folders is None)
    if preview is not None:
        drawn = write_preview(config, materials, preview)
        echo_error(f"the first {drawn} training pictures of these settings in {preview}")
    else:
        _write_dataset(config, materials, out, workers, ray is not None, address)
        echo_error(f"train on them with  {_train_command(out, preset)}")


def _train_command(out: Path, preset: str | None) -> str:
    """Return the command to train on a dataset: what `quick` composes needs the short training of that name."""
    command = f"digitdet train --data {shlex.quote(str(out))}"
    return f"{command} --preset quick" if preset == "quick" else command


def _write_dataset(
    config: SynthConfig, materials: Materials, out: Path, workers: int, on_ray: bool, address: str | None
) -> None:
    from tqdm import tqdm

    from digitdet.imaging.process import quiet_decoders
    from digitdet.synth.writer import write_dataset

    with contextlib.ExitStack() as stack:
        run = None
        if on_ray:
            from digitdet.cluster.synth import run_with_ray

            run = run_with_ray(address)
            stack.enter_context(quiet_decoders())  # hides Ray's own messages
        # Without the delay, an error at the start would leave an empty bar above its message.
        bar = stack.enter_context(
            tqdm(total=config.count, unit="picture", desc="composing", smoothing=0.05, delay=0.2, disable=None)
        )
        written = write_dataset(config, materials, out, workers, bar.update, run)
    if written:
        echo_error(f"{config.count} pictures in {out}")
    else:
        echo_error(f"{out} already holds these {config.count} pictures")


def _show_skipped(skipped: Sequence[str], system_fonts: bool) -> None:
    """List the skipped files; of the system's fonts, which the user did not choose, only their number."""
    ignored = _FONT_SUFFIXES if system_fonts else ()
    named = [line for line in skipped if not line.partition(": ")[0].lower().endswith(ignored)]
    echo_some(named, 5)
    if len(named) < len(skipped):
        echo_error(f"{len(skipped) - len(named)} of the system's font files have no usable digits")
