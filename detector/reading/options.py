"""Read options as settings, constraints and regions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from digitdet.common.errors import ConfigError
from digitdet.configs import ReadConfig, replace
from digitdet.configs.read import READ_OPTIONS
from digitdet.reading.constraints import Constraints
from digitdet.reading.regions import Region, parse_region


@dataclass(frozen=True)
class ReadOptions:
    """How pictures are read."""

    config: ReadConfig
    constraints: Constraints
    regions: tuple[Region, ...]


def parse_read_options(values: Mapping[str, Any], config: ReadConfig) -> ReadOptions:
    """Convert the values of `READ_OPTIONS`, by name, which override `config`; None is an option that is not given.

    Raises:
        ConfigError: A value is not allowed, or no number can meet all constraints.
    """
    given = {name: value for name, value in values.items() if value is not None}
    settings = {one.setting: given.pop(one.name) for one in READ_OPTIONS if one.setting and one.name in given}
    regions = tuple(parse_region(text) for text in given.pop("region", ()))
    names = [region.name for region in regions if region.name]
    if len(set(names)) < len(names):
        raise ConfigError("region: two regions have the same name")
    return ReadOptions(replace(config, **settings), Constraints(**given), regions)
