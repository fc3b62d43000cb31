"""The files of a model: digit detector, proposal network, line reader and second reader, each an ONNX file.

Their metadata entries, all text:

    license       AGPL-3.0 (detector) or MIT (the others)
    digitdet      version of digitdet that wrote the file

    names         detector: its classes, written by Ultralytics as a Python dictionary
    imgsz         detector: longer side in pixels of the training pictures

    cell          proposal network: side in pixels of the squares for which it returns a score

    characters    line readers: the character of each of its classes, without the blank of CTC
    height        line readers: height of a strip in pixels
    weights       line reader: JSON, see `digitdet.reading.calibration`
    calibration   line reader: JSON, likewise
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from digitdet.common.characters import CHARACTERS
from digitdet.common.errors import MissingExtraError, ModelError
from digitdet.common.files import write_atomically

DETECTOR, PROPOSALS, LINE_READER, SECOND_READER = (
    "detector.onnx",
    "proposals.onnx",
    "line_reader.onnx",
    "second_reader.onnx",
)
DETECTOR_WEIGHTS, PROPOSALS_WEIGHTS, LINE_READER_WEIGHTS, SECOND_READER_WEIGHTS = (
    "detector.pt",
    "proposals.pt",
    "line_reader.pt",
    "second_reader.pt",
)
NETWORKS = (DETECTOR, PROPOSALS, LINE_READER, SECOND_READER)

_METADATA_FIELD, _KEY_FIELD, _VALUE_FIELD = 14, 1, 2  # of ONNX's ModelProto, and of an entry


@dataclass(frozen=True)
class ModelFiles:
    """The ONNX files of the networks of a model.

    The proposal network finds places of small digits in large pictures. The second reader is a larger line reader, for
    the lines of which the first one is uncertain.
    """

    detector: Path
    proposals: Path
    line_reader: Path
    second_reader: Path

    @property
    def all(self) -> tuple[Path, ...]:
        """The files in the order of `NETWORKS`."""
        return self.detector, self.proposals, self.line_reader, self.second_reader

    @property
    def own(self) -> dict[str, Path]:
        """The files that are not shipped with the package, by the names that they have in a run folder."""
        return {name: file for name, file in zip(NETWORKS, self.all, strict=True) if not _is_shipped(file)}


def shipped_file(name: str) -> Path:
    """Return the path of a file in the package's models folder."""
    return Path(__file__).with_name(name)


def find_model(path: Path | None) -> ModelFiles:
    """Return the files of a model: a run folder with some of the networks, or the file of one network.

    A network that is not there is the shipped one; None is the shipped model.

    Raises:
        ModelError: There is no such file or folder, or it holds no network.
    """
    found = {name: shipped_file(name) for name in NETWORKS}
    if path is not None and path.is_dir():
        own = {name: path / name for name in found if (path / name).is_file()}
        if not own:
            raise ModelError(f"{path}: has none of {', '.join(NETWORKS)}; name a run folder of digitdet train")
        found |= own
    elif path is not None:
        found[_network_of(path)] = path
    return ModelFiles(*(found[name] for name in NETWORKS))


def _network_of(path: Path) -> str:
    """Return which network a file holds: the line readers have the same metadata and are told apart by the name."""
    entries = read_entries(_read(path), str(path))
    if "characters" in entries:
        return SECOND_READER if path.name == SECOND_READER else LINE_READER
    return PROPOSALS if "cell" in entries else DETECTOR


def trusted_or_bytes(path: Path) -> Path | bytes:
    """Return the path of a shipped file, which may be loaded by path, and the bytes of any other file.

    Raises:
        ModelError: The file cannot be read.
    """
    return path if _is_shipped(path) else _read(path)


def read_entries(content: bytes, source: str) -> dict[str, str]:
    """Read the metadata entries of an ONNX file without loading the network; error messages begin with `source`."""
    entries = {}
    try:
        for number, entry in _fields(memoryview(content)):
            if number == _METADATA_FIELD:
                values = dict(_fields(entry))
                entries[str(values[_KEY_FIELD], "utf-8")] = str(values.get(_VALUE_FIELD, b""), "utf-8")
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{source}: not an ONNX model that can be run") from error
    return entries


def class_names(entries: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of a detector's classes in order; none if its metadata do not name them."""
    try:
        names = ast.literal_eval(entries.get("names") or "{}")
        return tuple(str(names[key]) for key in sorted(names))
    except (ValueError, SyntaxError, TypeError, LookupError, MemoryError, RecursionError):  # it may hold anything
        return ("unreadable",)


def write_detector(file: Path, exported: bytes, image_size: int, version: str) -> None:
    """Write the ONNX file of a detector that Ultralytics exported.

    `image_size` is the longer side of the training pictures in pixels, and `version` that of digitdet. Other metadata
    are removed, since they contain local paths.
    """
    content, entries = _parse(exported)
    facts = {"imgsz": str(image_size), "stride": "32", "digitdet": version, "license": "AGPL-3.0"}
    _write(file, content, {"names": entries["names"], **facts})


def write_line_reader(file: Path, exported: bytes, height: int, version: str, calibration: Mapping[str, str]) -> None:
    """Write the ONNX file of a line reader that reads strips of `height` pixels.

    `calibration` holds the entries `weights` and `calibration`; without them, reading takes the defaults.
    """
    content, _ = _parse(exported)
    facts = {"characters": CHARACTERS, "height": str(height)}
    _write(file, content, {**facts, **calibration, "digitdet": version, "license": "MIT"})


def write_proposals(file: Path, exported: bytes, cell: int, version: str) -> None:
    """Write the ONNX file of a proposal network that returns a score for every square of `cell` pixels."""
    content, _ = _parse(exported)
    _write(file, content, {"cell": str(cell), "digitdet": version, "license": "MIT"})


def store_entries(file: Path, **texts: str) -> None:
    """Replace metadata entries of a model file; the others stay."""
    content, entries = _parse(file.read_bytes())
    _write(file, content, entries | texts)


def _is_shipped(path: Path) -> bool:
    return path.parent == Path(__file__).parent


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}") from error


def _fields(message: memoryview) -> Iterator[tuple[int, Any]]:
    """Yield the number and the value of each field of a Protocol Buffers message: bytes, or None for a plain number."""
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        if key & 7 == 0:
            _, place = _varint(message, place)
            yield key >> 3, None
            continue
        size, place = _varint(message, place) if key & 7 == 2 else ({1: 8, 5: 4}[key & 7], place)
        if place + size > len(message):
            raise ValueError("the message is cut off")
        yield key >> 3, message[place : place + size]
        place += size


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    """Decode a number of variable length; return it and the place after it."""
    number = 0
    for shift in range(0, 64, 7):
        byte = message[place]
        place, number = place + 1, number | (byte & 127) << shift
        if byte < 128:
            return number, place
    raise ValueError("the number is too long")


def _parse(content: bytes) -> tuple[Any, dict[str, str]]:
    """Return the ONNX model of a file and its metadata."""
    try:
        import onnx
    except ImportError as error:
        raise MissingExtraError("changing a model", "train", "onnx") from error
    parsed = onnx.load_from_string(content)
    return parsed, {entry.key: entry.value for entry in parsed.metadata_props}


def _write(file: Path, content: Any, entries: Mapping[str, str]) -> None:
    del content.metadata_props[:]
    for key, value in entries.items():
        content.metadata_props.add(key=key, value=value)
    write_atomically(file, content.SerializeToString())
