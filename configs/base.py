"""Base of all configurations: frozen, validated, and read from YAML files that may set only some of the settings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

import msgspec

from digitdet.common.errors import ConfigError, did_you_mean

ConfigT = TypeVar("ConfigT", bound="Config")

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
"""A fraction or a probability: 0 to 1."""

Seed = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
"""Seed of a random generator."""

PRESETS = Path(__file__).parent / "presets"
# YAML 1.1 reads a number with an exponent but without a point, such as 1e-3, as text.
_EXPONENT_WITHOUT_POINT = re.compile(r"[-+]?\d+[eE][-+]?\d+")
# What messages call the types that msgspec names.
_PLAIN_NAMES = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "null",
}
_TYPE_NAMES = re.compile(r"`([a-z]+(?: \| [a-z]+)*)`")
_PLACE_IN_LIST = re.compile(r" - at `.*`$")  # such as $[0][1]


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all configurations; whenever one is made, its values are checked against the types of the fields.

    Raises:
        ConfigError: A value is not allowed; the message names the key and what was expected.
    """

    def __post_init__(self) -> None:
        for field in msgspec.structs.fields(self):
            value = _check_value(field.name, getattr(self, field.name), field.type)
            msgspec.structs.force_setattr(self, field.name, value)  # lists have become tuples
        self.check()

    def check(self) -> None:
        """Raise ConfigError if a rule that spans several fields is broken; overridden by subclasses."""

    @classmethod
    def expand(cls, data: Mapping[Any, Any], source: str) -> Mapping[Any, Any]:  # noqa: ARG003 -- for subclasses
        """Replace short forms that are allowed in YAML by full values; overridden by subclasses."""
        return data

    def to_yaml(self) -> str:
        """Return all settings as YAML, in the order of the class, which `load_config` reads back."""
        import yaml

        return yaml.safe_dump(msgspec.to_builtins(self), sort_keys=False, default_flow_style=None)


def load_config(kind: type[ConfigT], path: Path, base: Path | None = None) -> ConfigT:
    """Read a configuration from a YAML file.

    Settings that are not in the file are taken from the settings file `base`, if it has them, or keep their defaults.
    """
    data = parse_mapping(read_settings(path), str(path))
    if base is not None:
        data = _merged(parse_mapping(read_settings(base), str(base)), data)
    return build_config(kind, kind.expand(data, str(path)), str(path))


def _merged(base: Mapping[Any, Any], changes: Mapping[Any, Any]) -> Mapping[Any, Any]:
    """Return `base` updated with `changes`, recursively."""
    merged = dict(base)
    for key, value in changes.items():
        before = base.get(key)
        both = isinstance(before, Mapping) and isinstance(value, Mapping)
        merged[key] = _merged(base[key], value) if both else value
    return merged


def read_settings(path: Path) -> str:
    """Return the text of a settings file; ConfigError if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise ConfigError(f"{path}: cannot read the settings: {reason}") from error


def load_preset(kind: type[ConfigT], group: str, name: str) -> ConfigT:
    """Read a preset of the package; `group` is its folder, such as 'synth' or 'train'."""
    names = preset_names(group)
    if name not in names:
        raise ConfigError(
            f"no {group} preset is called {name!r}{did_you_mean(name, names)} (there are: {', '.join(names)})"
        )
    return parse_config(kind, read_settings(preset_file(group, name)), f"preset {name}")


def preset_file(group: str, name: str) -> Path:
    """Return the settings file of a preset."""
    return PRESETS / group / f"{name}.yaml"


def preset_names(group: str) -> list[str]:
    """Return the names of the presets in a group, sorted."""
    return sorted(path.stem for path in (PRESETS / group).glob("*.yaml"))


def parse_config(kind: type[ConfigT], text: str, source: str) -> ConfigT:
    """Make a configuration from YAML text; the message of a ConfigError begins with `source`."""
    return build_config(kind, kind.expand(parse_mapping(text, source), source), source)


def parse_mapping(text: str, source: str) -> Mapping[Any, Any]:
    """Parse YAML text that is a mapping or empty; otherwise raise ConfigError, whose message begins with `source`."""
    import yaml  # here: reading pictures without settings starts faster

    try:
        data = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark, reason = error.problem_mark or error.context_mark, str(error.problem)
        line = min(mark.line + 1, len(text.splitlines())) if mark else 1
        reason = reason.replace("'<stream end>'", "the end of the file")
        raise ConfigError(f"{source}, line {line}: not valid YAML: {reason}") from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError(f"{source}, line {line}: not valid YAML: a character that is not allowed") from error
    except (ValueError, RecursionError) as error:  # malformed dates, deep nesting
        raise ConfigError(f"{source}: not valid YAML: {' '.join(str(error).split())}") from error
    data = {} if data is None else data
    if not isinstance(data, dict):
        raise ConfigError(f"{source}: expected 'key: value' lines")
    return data


def replace(config: ConfigT, **changes: Any) -> ConfigT:
    """Return a copy with the changes that are not None, such as command-line options, checked again."""
    given = {key: value for key, value in changes.items() if value is not None}
    return msgspec.structs.replace(config, **given)


def build_config(kind: type[ConfigT], data: Mapping[Any, Any], source: str, base: ConfigT | None = None) -> ConfigT:
    """Make a configuration from a mapping; keys that are not given keep their value in `base`, or the default."""
    for key in data:
        if key not in kind.__struct_fields__:
            raise ConfigError(f"{source}: unknown key {key!r}{did_you_mean(str(key), kind.__struct_fields__)}")
    try:
        return kind(**data) if base is None else msgspec.structs.replace(base, **data)
    except ConfigError as error:
        raise ConfigError(f"{source}: {error}") from error


def _check_value(key: str, value: object, type_: Any) -> Any:
    """Return a value converted to a type.

    Raises:
        ConfigError: The value does not fit the type; the message names the key.
    """
    if get_origin(type_) is dict and isinstance(value, Mapping):  # one by one, so that the message names the right one
        item_type = get_args(type_)[1]
        value = {name: _check_value(f"{key}: {name}", item, item_type) for name, item in value.items()}
    try:
        return msgspec.convert(value, type_)
    except msgspec.ValidationError as error:
        reason = _PLACE_IN_LIST.sub("", str(error))
        expected = reason[0].lower() + _TYPE_NAMES.sub(_in_plain_words, reason[1:])
        if get_origin(type_) is Literal:
            expected = f"expected one of {', '.join(map(str, get_args(type_)))}"
        if isinstance(value, str) and _EXPONENT_WITHOUT_POINT.fullmatch(value):
            expected += " (in YAML, write the exponent after a point: 1.0e-3)"
        raise ConfigError(f"{key}: {value!r} is not allowed; {expected}") from error


def _in_plain_words(found: re.Match[str]) -> str:
    """Types such as `int | null` as words: "a whole number or null"."""
    return " or ".join(_PLAIN_NAMES.get(name, name) for name in found[1].split(" | "))
