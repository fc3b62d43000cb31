"""Options and helpers that several commands share.

The commands import heavy packages inside their functions, so that `digitdet --help` starts fast.
"""

from __future__ import annotations

import importlib.util
import math
import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from digitdet.common.errors import MissingExtraError, did_you_mean
from digitdet.common.text import one_line
from digitdet.configs import load_config, load_preset, preset_file
from digitdet.configs.base import ConfigT
from digitdet.configs.read import READ_OPTIONS, ReadOption

Command = Callable[..., None]

FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)
PATH = click.Path(path_type=Path)


class WholeNumber(click.IntRange):
    """A whole number within a range; messages name it so."""

    name = "whole number"


class Number(click.FloatRange):
    """A number within a range; messages name it so."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number; it fails for nan, which is in every range."""
        number: float = super().convert(value, param, ctx)
        return self.fail(f"{value!r} is not a valid number.", param, ctx) if math.isnan(number) else number


SEED = WholeNumber(0, 2**31 - 1)
EPOCHS = WholeNumber(1, 10_000)

DATASET = Path("data/synth")
"""Where `synth` writes a dataset, and `train` looks for it."""

model_option = click.option(
    "--model",
    type=PATH,
    help="Run folder of `digitdet train`, or one of its .onnx files.  [default: the shipped model]",
)
mnist_option = click.option("--mnist", type=FOLDER, help="Folder with the four MNIST files.")
ray_option = click.option(
    "--ray",
    metavar="HOST:PORT",
    help="Run on a Ray cluster: the address of its head, auto on one of its machines, or local to start Ray here.",
)


def echo_error(message: str) -> None:
    """Print a message to stderr, as one line."""
    click.echo(one_line(message), err=True)


class SectionedCommand(click.Command):
    """A command whose help lists the options in sections.

    `sections` has the names of the options by heading; those that it does not name are in the last section.
    """

    def __init__(self, *args: Any, sections: Mapping[str, Sequence[str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._sections = sections

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, one list per section."""
        section_of = {name: heading for heading, names in self._sections.items() for name in names}
        last = list(self._sections)[-1]
        records: dict[str, list[tuple[str, str]]] = {heading: [] for heading in self._sections}
        for option in self.get_params(ctx):
            if isinstance(option, click.Option) and (record := option.get_help_record(ctx)):
                records[section_of.get(option.name or "", last)].append(record)
        for heading, rows in records.items():
            with formatter.section(heading):
                formatter.write_dl(rows)


class CommandGroup(click.Group):
    """A group whose help text lists its commands, and which suggests a similar name for an unknown command."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write nothing: the help text has the list, in the order of use."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the name, the command and its arguments; UsageError for an unknown name."""
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            if os.path.exists(name) and "read" in self.list_commands(ctx):
                ctx.fail(f"no command is called {name!r}; to read this picture:  digitdet read {shlex.quote(name)}")
            ctx.fail(f"no command is called {name!r}{did_you_mean(name, self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)


def verbosity_options(command: Command) -> Command:
    """Add -q and -v. They set `verbosity` to -1 and 1; without them it is None."""
    quiet = click.option("-q", "--quiet", "verbosity", flag_value=-1, type=int, help="Print numbers and errors only.")
    verbose = click.option(
        "-v", "--verbose", "verbosity", flag_value=1, type=int, help="Also print each number's place and candidates."
    )
    return quiet(verbose(command))


def config_option(note: str = "") -> Callable[[Command], Command]:
    """Make the option for a YAML file with settings."""
    return click.option("--config", "config_file", type=FILE, help=f"File with settings in YAML{note}.")


def read_options(command: Command) -> Command:
    """Add the options of reading, as `READ_OPTIONS` describes them."""
    for option in reversed(READ_OPTIONS):
        command = _click_option(option)(command)
    return command


def _click_option(option: ReadOption) -> Callable[[Command], Command]:
    name = f"--{option.name.replace('_', '-')}"
    details: dict[str, Any] = {"help": option.help, "metavar": option.metavar}
    if option.type is bool:
        return click.option(name, is_flag=True, default=None, help=option.help)  # None where --config decides
    if option.name == "allowed":
        details.update(type=FILE, metavar="FILE", help=f"{option.help[:-1]}: a text file with one per line.")
    elif option.choices:
        details["type"] = click.Choice(option.choices)
    else:
        base, limits = option.base_and_limits
        if base is not str:
            number: Any = WholeNumber if base is int else Number
            details["type"] = number(limits.ge, limits.le)
    if option.default is not None:
        details["help"] += f"  [default: {option.default}]"
    multiple = option.max_count > 1 and option.name != "allowed"
    return click.option(name, multiple=multiple, **details)


def ray_address(ray: str) -> str | None:
    """Return the address for Ray, None for this machine, after checking that Ray is installed."""
    require_extra("--ray", "ray", "ray", "pyarrow", "pandas")
    return None if ray == "local" else ray


def load_settings(
    kind: type[ConfigT],
    file: Path | None,
    group: str = "",
    preset: str | None = None,
    default_preset: str | None = None,
    base_preset: str | None = None,
) -> ConfigT:
    """Load settings from --config, --preset or, without both, the default preset.

    `base_preset` is a default preset whose values also hold for the settings that --config leaves out.
    """
    if preset and file:
        raise click.UsageError("--preset and --config cannot be combined")
    if file:
        return load_config(kind, file, preset_file(group, base_preset) if base_preset else None)
    name = preset or default_preset or base_preset
    return load_preset(kind, group, name) if name else kind()


def echo_some(lines: Sequence[str], shown: int) -> None:
    """Print the first `shown` lines to stderr, and how many more there are."""
    for line in lines[:shown]:
        echo_error(line)
    if len(lines) > shown:
        echo_error(f"... and {len(lines) - shown} more")


def require_extra(command: str, extra: str, *packages: str) -> None:
    """Check that the packages of an extra are installed.

    Raises:
        MissingExtraError: One is missing.
    """
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError(command, extra, package)
