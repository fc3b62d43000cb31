"""What the commands share: settings from options, long lists of remarks, packages of extras."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path

import click

from digitdet.configs import MissingExtraError, load_config, load_preset
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
