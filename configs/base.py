"""What every configuration shares: frozen values, checked when made, read from YAML that holds only differences."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_origin

import msgspec

from digitdet.common.errors import ConfigError, did_you_mean

ConfigT = TypeVar("ConfigT", bound="Config")

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
"""A part of a whole, or a probability: 0 to 1."""


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all configurations.

    A field's type says what is allowed: ``Annotated[int, msgspec.Meta(ge=1)]`` is a whole number from 1 up. The check
    runs however the value is made, from Python or from YAML.

    Raises:
        ConfigError: A value is outside what its field allows; the message names the key and the range.
    """

    def __post_init__(self) -> None:
        for field in msgspec.structs.fields(self):
            value = _check_value(field.encode_name, getattr(self, field.name), field.type)
            msgspec.structs.force_setattr(self, field.name, value)  # a list has become the tuple that the type says
        self.check()

    def check(self) -> None:
        """Rules that span several fields; a subclass raises ConfigError where one is broken."""

    @classmethod
    def expand(cls, data: Mapping[Any, Any], source: str) -> Mapping[Any, Any]:  # noqa: ARG003 -- for the subclasses
        """What stands in YAML, with its short forms spelled out; a subclass that has short forms overrides it."""
        return data

    def to_yaml(self) -> str:
        """Every setting with its value, in the order of the class, as YAML that `load_config` reads back."""
        import yaml

        return yaml.safe_dump(msgspec.to_builtins(self), sort_keys=False, default_flow_style=None)


def load_config(kind: type[ConfigT], path: Path) -> ConfigT:
    """Read a YAML file that holds some or all settings of `kind`; the others keep their defaults.

    Raises:
        ConfigError: The file cannot be read, is not a mapping, or holds an unknown key or a bad value.
    """
    return parse_config(kind, read_settings(path), str(path))


def read_settings(path: Path) -> str:
    """The text of a settings file.

    Raises:
        ConfigError: It cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise ConfigError(f"{path}: cannot read the settings: {reason}") from error


def load_preset(kind: type[ConfigT], group: str, name: str) -> ConfigT:
    """Read a preset that ships with the package: `group` is its folder, such as 'synth' or 'train'.

    Raises:
        ConfigError: There is no preset of that name; the message lists those there are.
    """
    names = preset_names(group)
    if name not in names:
        raise ConfigError(
            f"no {group} preset is called {name!r}{did_you_mean(name, names)} (there are: {', '.join(names)})"
        )
    file = resources.files("digitdet.configs") / "presets" / group / f"{name}.yaml"
    return parse_config(kind, file.read_text(encoding="utf-8"), f"preset {name}")


def preset_names(group: str) -> list[str]:
    """Names of the presets in a group, sorted."""
    folder = resources.files("digitdet.configs") / "presets" / group
    return sorted(file.name.removesuffix(".yaml") for file in folder.iterdir() if file.name.endswith(".yaml"))


def parse_config(kind: type[ConfigT], text: str, source: str) -> ConfigT:
    """Make a configuration of `kind` from YAML text; `source` is what error messages call it."""
    return build_config(kind, kind.expand(parse_mapping(text, source), source), source)


def parse_mapping(text: str, source: str) -> Mapping[Any, Any]:
    """YAML text that is a mapping, or empty.

    Raises:
        ConfigError: It is not; the message begins with `source`.
    """
    import yaml  # here: most readings need no settings, and it takes a thirtieth of their time

    try:
        data = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # the latter two: malformed dates, deep nesting
        raise ConfigError(f"{source}: not valid YAML: {' '.join(str(error).split())}") from error
    data = {} if data is None else data
    if not isinstance(data, dict):
        raise ConfigError(f"{source}: expected 'key: value' lines, got {type(data).__name__}")
    return data


def replace(config: ConfigT, **changes: Any) -> ConfigT:
    """A copy with the changes that are not None, checked again: command-line options laid over a file."""
    given = {key: value for key, value in changes.items() if value is not None}
    return msgspec.structs.replace(config, **given)


def build_config(kind: type[ConfigT], data: Mapping[Any, Any], source: str, base: ConfigT | None = None) -> ConfigT:
    """Make a configuration from key and value; keys that are not given keep their value in `base`, or the default.

    Raises:
        ConfigError: A key is unknown or a value is not allowed; the message begins with `source`.
    """
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    values = {}
    for key, value in data.items():
        if key not in fields:
            raise ConfigError(f"{source}: unknown key {key!r}{did_you_mean(str(key), fields)}")
        try:
            values[fields[key].name] = _check_value(key, value, fields[key].type)
        except ConfigError as error:
            raise ConfigError(f"{source}: {error}") from error
    try:
        return kind(**values) if base is None else replace(base, **values)
    except ConfigError as error:
        raise ConfigError(f"{source}: {error}") from error


def _check_value(key: str, value: object, type_: Any) -> Any:
    try:
        return msgspec.convert(value, type_)
    except msgspec.ValidationError as error:
        hint = " (in YAML, write the exponent after a point: 1.0e-3)" if _looks_like_number(value) else ""
        raise ConfigError(f"{key}: {value!r} is not allowed; expected {_describe(type_)}{hint}") from error


def _looks_like_number(value: object) -> bool:
    """Whether a text reads as a number with an exponent, which YAML 1.1 takes as text unless it holds a point."""
    return isinstance(value, str) and re.fullmatch(r"[-+]?\d+[eE][-+]?\d+", value) is not None


def _describe(type_: Any) -> str:
    """A field's type in words: 'a number from 0 to 1', 'one of cpu, cuda'."""
    origin, args = get_origin(type_), get_args(type_)
    if origin is Annotated:
        limits = [meta for meta in args[1:] if isinstance(meta, msgspec.Meta)]
        return _describe(args[0]) + "".join(_describe_limits(meta) for meta in limits)
    if origin is tuple:
        if args[-1] is Ellipsis:
            return f"a list, each {_describe(args[0])}"
        return "[" + ", ".join(_describe(arg) for arg in args) + "]"
    if origin is dict:
        return f"a mapping from {_describe(args[0])} to {_describe(args[1])}"
    if args and all(isinstance(arg, str) for arg in args):
        return "one of " + ", ".join(args)
    if args:
        return " or ".join(_describe(arg) for arg in args)
    names = {int: "a whole number", float: "a number", str: "text", bool: "true or false", type(None): "nothing"}
    return names.get(type_, getattr(type_, "__name__", str(type_)))


def _describe_limits(meta: msgspec.Meta) -> str:
    low = meta.ge if meta.ge is not None else meta.gt
    high = meta.le if meta.le is not None else meta.lt
    if low is not None and high is not None:
        above = "above " if meta.gt is not None else ""
        below = "below " if meta.lt is not None else ""
        steps = f", a multiple of {meta.multiple_of}" if meta.multiple_of else ""
        return f" from {above}{low} to {below}{high}{steps}"
    if low is not None:
        return f" above {low}" if meta.gt is not None else f" of at least {low}"
    if high is not None:
        return f" below {high}" if meta.lt is not None else f" of at most {high}"
    if meta.pattern is not None:
        return f" that matches {meta.pattern}"
    return f", at least {meta.min_length} entries" if meta.min_length else ""
