"""What the commands share: settings from options, long lists of remarks, packages of extras."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from digitdet.common.errors import MissingExtraError
from digitdet.configs import load_config, load_preset
from digitdet.configs.base import ConfigT


def settings_from(
    kind: type[ConfigT], group: str, preset: str | None, file: Path | None, otherwise: str | None = None
) -> ConfigT:
    """The settings that the options name; `otherwise` is the preset that holds without them."""
    if preset and file:
        raise click.UsageError("give --preset or --config, not both")
    if file:
        return load_config(kind, file)
    name = preset or otherwise
    return load_preset(kind, group, name) if name else kind()


def engine_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options of a command that may run on a cluster."""
    for option in (
        click.option("--address", metavar="HOST:PORT", help="With --engine ray: a cluster's head, or auto; else none."),
        click.option(
            "--engine",
            type=click.Choice(["local", "ray"]),
            default="local",
            show_default=True,
            help="ray: on a cluster of --address, or on this machine alone (docs/scale.md).",
        ),
    ):
        command = option(command)
    return command


def check_engine(engine: str, address: str | None) -> bool:
    """Whether the work is for a cluster, when all that this needs is there.

    Raises:
        MissingExtraError: Ray is not installed.
    """
    if engine == "local":
        if address is not None:
            raise click.UsageError("--address is for --engine ray")
        return False
    need_extra("--engine ray", "ray", "ray", "pyarrow", "pandas")
    return True


def echo_some(lines: Sequence[str], shown: int) -> None:
    """Print lines to stderr, and of more than are `shown` the number."""
    for line in lines[:shown]:
        click.echo(line, err=True)
    if len(lines) > shown:
        click.echo(f"... and {len(lines) - shown} more", err=True)


def need_extra(command: str, extra: str, *packages: str) -> None:
    """See to it that the packages of an extra are installed, before anything is written.

    Raises:
        MissingExtraError: One is not.
    """
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError(command, extra, package)
