"""Export the networks of a model for other programs, and check that pictures are read alike with them."""

from __future__ import annotations

import copy
import json
import shutil
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from digitdet.common.errors import DataError, MissingExtraError, ModelError
from digitdet.common.types import Tensor
from digitdet.imaging.images import load_image
from digitdet.models.model_file import NETWORKS, find_model, read_entries
from digitdet.reader import NumberReader
from digitdet.reading.model import Model, load_model
from digitdet.reading.results import Reading

ENTRIES_FILE = "model.json"
"""The metadata entries of the networks, see `digitdet.models.model_file`, by the name of the network."""

_MAX_DIFFERENCE = 0.02  # between two confidences of a number


class Network(Protocol):
    """A network with one input, as `digitdet.detection.session.Session` is."""

    def run(self, tensor: Tensor) -> Tensor:
        """Return the output for an input."""


@dataclass(frozen=True)
class Export:
    """An export: the files in its folder, and by how much confidences of numbers differ at most (0 to 1)."""

    files: tuple[str, ...]
    difference: float


def export_model(model: Path | None, kind: str, folder: Path, pictures: Sequence[str]) -> Export:
    """Export the networks of a model to a new folder, if they read `pictures` as the model does.

    Args:
        model: As in `load_model`.
        kind: A key of `FORMATS`.
        folder: Must be missing or empty.
        pictures: Paths or addresses of image files.

    Raises:
        DataError: The folder is not empty.
        ModelError: A picture is read differently with the exported networks; nothing is written.
    """
    if folder.is_dir() and any(folder.iterdir()):
        raise DataError(f"{folder}: is not empty; choose another --out")
    loaded, sources = load_model(model), find_model(model)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as name:
        scratch = Path(name) / "export"
        scratch.mkdir(mode=0o755)
        entries, networks = {}, []
        for network, source in zip(map(Path, NETWORKS), sources.all, strict=True):
            entries[network.stem] = read_entries(source.read_bytes(), str(source))
            networks.append(FORMATS[kind](source, scratch / network.stem))
        (scratch / ENTRIES_FILE).write_text(json.dumps(entries, indent=2) + "\n", encoding="utf-8")
        users = (loaded.detector, loaded.proposals, loaded.line_reader, loaded.second_reader)
        exported = Model(*map(_with_network, users, networks))
        difference = _compare(NumberReader(loaded), NumberReader(exported), pictures)
        files = tuple(sorted(file.name for file in scratch.iterdir()))
        if folder.is_dir():
            folder.rmdir()
        scratch.rename(folder)
    return Export(files, difference)


def _with_network(user: Any, network: Network) -> Any:
    """Return a copy of a detector, proposal network or line reader that runs another network."""
    other = copy.copy(user)
    other.session = network
    return other


def _compare(expected: NumberReader, exported: NumberReader, pictures: Sequence[str]) -> float:
    """Return the greatest difference of two confidences; ModelError if a picture is read differently."""
    difference = 0.0
    for picture in pictures:
        image = load_image(picture)
        readings = expected.read(image), exported.read(image)
        texts = [[number.best for number in reading.numbers] for reading in readings]
        if texts[0] == texts[1]:
            difference = max([difference, *_differences(*readings)])
        if texts[0] != texts[1] or difference > _MAX_DIFFERENCE:
            raise ModelError(
                f"{picture}: read as {' '.join(texts[1]) or 'nothing'} with the exported networks and as "
                f"{' '.join(texts[0]) or 'nothing'} with the model (confidences differ by {difference:.3f}); "
                "nothing was written"
            )
    return difference


def _differences(one: Reading, other: Reading) -> list[float]:
    return [abs(a.confidence - b.confidence) for a, b in zip(one.numbers, other.numbers, strict=True)]


def _to_onnx(source: Path, target: Path) -> Network:
    """Copy the file, which is ONNX; return its network."""
    from digitdet.detection.session import Session

    file = target.with_suffix(".onnx")
    shutil.copyfile(source, file)
    return Session(file.read_bytes(), str(source), "not an ONNX model that can be run")


class _OpenVinoNetwork:
    """A network of OpenVINO on the CPU, for any number of threads."""

    # Two threads in OpenVINO's Python code sometimes wait for each other for ever. It uses all cores for each of them.
    _one_at_a_time = threading.Lock()

    def __init__(self, openvino: Any, file: Path) -> None:
        # Without the hint, processors with bfloat16 compute in it.
        self._network = openvino.Core().compile_model(str(file), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def run(self, tensor: Tensor) -> Tensor:
        """Return the first output for an input."""
        with self._one_at_a_time:
            result = self._network.create_infer_request().infer([tensor])
            return np.array(result[0], np.float32)


def _to_openvino(source: Path, target: Path) -> Network:
    """Convert a network to OpenVINO's format in float32, a file .xml and a file .bin; return it."""
    try:
        import openvino
    except ImportError as error:
        raise MissingExtraError("--format openvino", "openvino", "openvino") from error
    file = target.with_suffix(".xml")
    # Core.read_model instead of convert_model, which reports its use to the makers of OpenVINO.
    openvino.save_model(openvino.Core().read_model(source.read_bytes(), b""), str(file), compress_to_fp16=False)
    return _OpenVinoNetwork(openvino, file)


FORMATS: dict[str, Callable[[Path, Path], Network]] = {"onnx": _to_onnx, "openvino": _to_openvino}
"""Write a network beside a path without suffix, and return the network that was written."""
