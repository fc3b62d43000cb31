"""What a model's file says about itself besides its network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from digitdet.configs import MissingExtraError
from digitdet.datasets.files import write_atomically


def store_entries(model: Path, entries: Mapping[str, str]) -> None:
    """Write entries into the metadata of an .onnx file, in the place of those of the same names.

    Raises:
        MissingExtraError: The package onnx is not installed.
    """
    content = _load(model)
    kept = {entry.key: entry.value for entry in content.metadata_props}
    del content.metadata_props[:]
    for key, value in {**kept, **entries}.items():
        content.metadata_props.add(key=key, value=value)
    write_atomically(model, content.SerializeToString())


def read_entries(model: Path) -> dict[str, str]:
    """The metadata of an .onnx file.

    Raises:
        MissingExtraError: The package onnx is not installed.
    """
    return {entry.key: entry.value for entry in _load(model).metadata_props}


def _load(model: Path) -> Any:
    try:
        import onnx
    except ImportError as error:
        raise MissingExtraError("to change a model", "train", "onnx") from error
    return onnx.load_from_string(model.read_bytes())
