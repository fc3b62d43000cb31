"""Options and helpers that several commands share.

The commands import heavy packages inside their functions, so that `digitdet --help` starts fast.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from digitdet.common.errors import MissingExtraError
from digitdet.configs import load_config, load_preset
from digitdet.configs.base import ConfigT
from digitdet.configs.read import READ_OPTIONS, ReadOption

Command = Callable[..., None]

FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)
PATH = click.Path(path_type=Path)
SEED = click.IntRange(0, 2**31 - 1)
EPOCHS = click.IntRange(1, 10_000)

model_option = click.option(
    "--model",
    type=PATH,
    help="Run folder of `digitdet train`, or one of its .onnx files.  [default: the shipped model]",
)
mnist_option = click.option("--mnist", type=FOLDER, help="Folder with the four MNIST files.")
_engine_option = click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    help="Run on this machine or on a Ray cluster (docs/scale.md).",
)
_address_option = click.option(
    "--address", metavar="HOST:PORT", help="Ray cluster to connect to, or auto.  [default: start Ray on this machine]"
)

echo_error = partial(click.echo, err=True)


def config_option(name: str, note: str = "") -> Callable[[Command], Command]:
    """Make the option for a YAML file with the settings of the class `name`."""
    return click.option("--config", "config_file", type=FILE, help=f"Settings in YAML (see {name}){note}.")


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
            number: Any = click.IntRange if base is int else click.FloatRange
            details["type"] = number(limits.ge, limits.le)
    if option.default is not None:
        details["help"] += f"  [default: {option.default}]"
    multiple = option.max_count > 1 and option.name != "allowed"
    return click.option(name, multiple=multiple, **details)


def engine_options(command: Command) -> Command:
    """Add the options of a command that can run on a Ray cluster."""
    return _engine_option(_address_option(command))


def use_ray(engine: str, address: str | None) -> bool:
    """Return whether the command runs on Ray, after checking that it is installed."""
    if engine == "local":
        if address is not None:
            raise click.UsageError("--address requires --engine ray")
        return False
    require_extra("--engine ray", "ray", "ray", "pyarrow", "pandas")
    return True


def load_settings(
    kind: type[ConfigT],
    file: Path | None,
    group: str = "",
    preset: str | None = None,
    default_preset: str | None = None,
) -> ConfigT:
    """Load settings from --config, --preset or, without both, the default preset."""
    if preset and file:
        raise click.UsageError("--preset and --config cannot be combined")
    if file:
        return load_config(kind, file)
    name = preset or default_preset
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
