"""What a model's file says about itself besides its network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from digitdet.configs import MissingExtraError
from digitdet.datasets.files import write_atomically


def store_entries(model: Path, entries: Mapping[str, str]) -> None:
    """Write entries into the metadata of an .onnx file, in the place of those of the same names.

    Raises:
        MissingExtraError: The package onnx is not installed.
    """
    try:
        import onnx
    except ImportError as error:
        raise MissingExtraError("to change a model", "train", "onnx") from error
    content = onnx.load_from_string(model.read_bytes())
    kept = {entry.key: entry.value for entry in content.metadata_props}
    del content.metadata_props[:]
    for key, value in {**kept, **entries}.items():
        content.metadata_props.add(key=key, value=value)
    write_atomically(model, content.SerializeToString())
