"""The model file: one ONNX file with the detector, and in its metadata a calibration and a recogniser.

Metadata entries, all text:

    names         the detector's classes, written by Ultralytics as a Python dictionary
    imgsz         longer side in pixels of the training pictures
    calibration   JSON, see `digitdet.reading.calibration`
    recogniser    the recogniser's own ONNX file in base64
"""

from __future__ import annotations

import ast
import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from digitdet.common.errors import MissingExtraError, ModelError
from digitdet.common.files import write_atomically

SHIPPED_MODEL = "digitdet.onnx"
SHIPPED_WEIGHTS = "digitdet.pt"

_DEFAULT_SIZE = 320


@dataclass(frozen=True)
class ModelMetadata:
    """What a model file holds beside the detector.

    `image_size` is the longer side of the training pictures in pixels, `class_names` the detector's classes in order
    (empty if the file does not name them), `calibration` a JSON text and `recogniser` the bytes of an ONNX file; either
    is None if the file has none.
    """

    image_size: int
    class_names: tuple[str, ...]
    calibration: str | None
    recogniser: bytes | None


def shipped_file(name: str) -> Path:
    """Return the path of a file in the package's models folder."""
    return Path(str(resources.files("digitdet"))) / "models" / name


def read_metadata(entries: Mapping[str, str], source: str) -> ModelMetadata:
    """Decode the metadata entries of a model file.

    Args:
        entries: The metadata as ONNX Runtime returns it.
        source: What error messages call the model.

    Raises:
        ModelError: The recogniser is damaged.
    """
    size = entries.get("imgsz", "")
    try:
        recogniser = base64.b64decode(entries.get("recogniser", ""), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ModelError(f"{source}: its recogniser is damaged") from error
    return ModelMetadata(
        int(size) if size.isdigit() else _DEFAULT_SIZE,
        _class_names(entries.get("names")),
        entries.get("calibration") or None,
        recogniser or None,
    )


def write_model(model: Path, exported: bytes, image_size: int, version: str) -> None:
    """Write a detector that Ultralytics exported as a model file, without its other metadata, which hold local paths.

    Args:
        model: The file to write.
        exported: Content of the exported ONNX file.
        image_size: Longer side of the training pictures in pixels.
        version: Version of digitdet.

    Raises:
        MissingExtraError: The package onnx is not installed.
    """
    content, entries = _parse(exported)
    facts = {"imgsz": str(image_size), "stride": "32", "digitdet": version, "license": "AGPL-3.0"}
    _write(model, content, {"names": entries["names"], **facts})


def store_calibration(model: Path, calibration: str) -> None:
    """Write a calibration (JSON) into a model file in place of the one it holds.

    Raises:
        MissingExtraError: The package onnx is not installed.
    """
    content, entries = _parse(model.read_bytes())
    _write(model, content, entries | {"calibration": calibration})


def store_recogniser(model: Path, recogniser: bytes) -> None:
    """Write a recogniser (the bytes of an ONNX file) into a model file in place of the one it holds.

    Raises:
        MissingExtraError: The package onnx is not installed.
    """
    content, entries = _parse(model.read_bytes())
    _write(model, content, entries | {"recogniser": base64.b64encode(recogniser).decode("ascii")})


def _parse(content: bytes) -> tuple[Any, dict[str, str]]:
    """The ONNX model of a file, and its metadata."""
    try:
        import onnx
    except ImportError as error:
        raise MissingExtraError("to change a model", "train", "onnx") from error
    parsed = onnx.load_from_string(content)
    return parsed, {entry.key: entry.value for entry in parsed.metadata_props}


def _write(model: Path, content: Any, entries: Mapping[str, str]) -> None:
    del content.metadata_props[:]
    for key, value in entries.items():
        content.metadata_props.add(key=key, value=value)
    write_atomically(model, content.SerializeToString())


def _class_names(text: str | None) -> tuple[str, ...]:
    try:
        names = ast.literal_eval(text) if text else {}
        return tuple(str(names[key]) for key in sorted(names))
    except (ValueError, SyntaxError, TypeError, KeyError):
        return ("unreadable",)
