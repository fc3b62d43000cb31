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
from pathlib import Path
from typing import Any

from digitdet.common.errors import MissingExtraError, ModelError
from digitdet.common.files import write_atomically

SHIPPED_MODEL = "digitdet.onnx"
SHIPPED_WEIGHTS = "digitdet.pt"


@dataclass(frozen=True)
class ModelMetadata:
    """The content of a model file beside the detector."""

    image_size: int  # longer side of the training pictures in pixels
    class_names: tuple[str, ...]  # in order; empty if the file does not name them
    calibration: str | None  # JSON
    recogniser: bytes | None  # content of an ONNX file


def shipped_file(name: str) -> Path:
    """Return the path of a file in the package's models folder."""
    return Path(__file__).with_name(name)


def read_metadata(entries: Mapping[str, str], source: str) -> ModelMetadata:
    """Decode the metadata entries of a model file, as ONNX Runtime returns them; error messages begin with `source`."""
    size = entries.get("imgsz", "")
    try:
        recogniser = base64.b64decode(entries.get("recogniser", ""), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ModelError(f"{source}: its recogniser is damaged") from error
    return ModelMetadata(
        int(size) if size.isdigit() else 320,
        _class_names(entries.get("names")),
        entries.get("calibration") or None,
        recogniser or None,
    )


def write_model(model: Path, exported: bytes, image_size: int, version: str) -> None:
    """Write the ONNX file of a detector that Ultralytics exported as a model file for `version` of digitdet.

    `image_size` is the longer side of the training pictures in pixels. Other metadata are removed, since they contain
    local paths.
    """
    content, entries = _parse(exported)
    facts = {"imgsz": str(image_size), "stride": "32", "digitdet": version, "license": "AGPL-3.0"}
    _write(model, content, {"names": entries["names"], **facts})


def store_calibration(model: Path, calibration: str) -> None:
    """Replace the calibration (JSON) in a model file."""
    content, entries = _parse(model.read_bytes())
    _write(model, content, entries | {"calibration": calibration})


def store_recogniser(model: Path, recogniser: bytes) -> None:
    """Replace the recogniser (the bytes of an ONNX file) in a model file."""
    content, entries = _parse(model.read_bytes())
    _write(model, content, entries | {"recogniser": base64.b64encode(recogniser).decode("ascii")})


def _parse(content: bytes) -> tuple[Any, dict[str, str]]:
    """Return the ONNX model of a file and its metadata."""
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
