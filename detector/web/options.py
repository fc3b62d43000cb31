"""The query of a request as the options of a reading: those of `digitdet read`, with _ for -."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import QueryParams

from digitdet.common.errors import ConfigError
from digitdet.configs import ReadConfig, replace
from digitdet.reading.check_digits import CHECKS
from digitdet.reading.constraints import Constraints
from digitdet.reading.regions import Region, parse_region

ROTATIONS = ("0", "90", "180", "270", "auto")
TILES = ("auto", "never", "always")
MAX_REGIONS = 100  # each is a picture to be read
MAX_ALLOWED = 5000  # an address holds no more
MAX_STEP = 10**15
PAGES = range(1, 100_001)


@dataclass(frozen=True)
class ReadOptions:
    """How a picture is to be read."""

    config: ReadConfig
    constraints: Constraints
    regions: tuple[Region, ...]


def read_options(query: QueryParams, max_pixels: int) -> ReadOptions:
    """The options that a query names.

    Raises:
        ConfigError: One is not known, given twice, or has a value that is not allowed.
    """
    values = _values(query, _PARSERS)
    regions = values.pop("region", ())
    settings = {name: values.pop(name, None) for name in ("rotate", "tiles", "min_confidence")}
    config = replace(ReadConfig(max_pixels=max_pixels), confidence=values.pop("conf", None), **settings)
    return ReadOptions(config, Constraints(**values), tuple(regions))


def page_number(query: QueryParams) -> int:
    """The page that a query asks for, from 1.

    Raises:
        ConfigError: It is no such number, or the query names something else.
    """
    number: int = _values(query, {"page": _whole(min(PAGES), max(PAGES))}).get("page", 1)
    return number


def whole_field(fields: Mapping[str, str], name: str, otherwise: int, allowed: Sequence[int] = PAGES) -> int:
    """A whole number in a form.

    Raises:
        ConfigError: It is none of those that are allowed.
    """
    if name not in fields:
        return otherwise
    value = _whole(min(allowed), max(allowed))(name, fields[name])
    if value not in allowed:
        raise ConfigError(f"{name}: {value} is not allowed; expected {', '.join(map(str, allowed))}")
    return value


def _values(query: QueryParams, parsers: Mapping[str, Callable[[str, str], Any]]) -> dict[str, Any]:
    """What each name in a query stands for; of one that may be there several times, a tuple."""
    values = {}
    for name in query:
        if name not in parsers:
            raise ConfigError(f"{name}: there is no such option; there are {', '.join(sorted(parsers))}")
        texts, most = query.getlist(name), _REPEATABLE.get(name, 1)
        if len(texts) > most:
            raise ConfigError(f"{name}: is given {len(texts)} times, which is more than {most}")
        parsed = tuple(parsers[name](name, text) for text in texts)
        values[name] = parsed if name in _REPEATABLE else parsed[0]
    return values


def _text(name: str, text: str) -> str:
    if not text:
        raise ConfigError(f"{name}: is empty; leave it out")
    return text


def _share(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise ConfigError(f"{name}: {text!r} is not allowed; expected a number from 0 to 1")
    return value


def _whole(least: int, most: int) -> Callable[[str, str], int]:
    def parse(name: str, text: str) -> int:
        # isascii: int() takes other scripts' digits, too.
        value = int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(most)) else -1
        if not least <= value <= most:
            raise ConfigError(f"{name}: {text!r} is not allowed; expected a whole number from {least} to {most}")
        return value

    return parse


def _one_of(*allowed: str) -> Callable[[str, str], str]:
    def parse(name: str, text: str) -> str:
        if text not in allowed:
            raise ConfigError(f"{name}: {text!r} is not allowed; expected {', '.join(allowed)}")
        return text

    return parse


def _rotation(name: str, text: str) -> int | str:
    text = _one_of(*ROTATIONS)(name, text)
    return text if text == "auto" else int(text)


_PARSERS: dict[str, Callable[[str, str], Any]] = {
    "digits": _text,
    "pattern": _text,
    "check": _one_of(*CHECKS),
    "previous": _text,
    "max_step": _whole(0, MAX_STEP),
    "min_confidence": _share,
    "conf": _share,
    "rotate": _rotation,
    "tiles": _one_of(*TILES),
    "region": lambda _name, text: parse_region(text),
    "allowed": _text,
}
_REPEATABLE = {"region": MAX_REGIONS, "allowed": MAX_ALLOWED}
"""What may be there several times, and how often at most."""
