"""The line reader on ONNX Runtime: from strips to the probabilities of characters in their columns."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from digitdet.common.characters import BLANK, CHARACTERS
from digitdet.common.errors import ModelError
from digitdet.common.types import FloatArray, Image, Tensor
from digitdet.detection.session import Session
from digitdet.models.model_file import trusted_or_bytes
from digitdet.reading.calibration import Calibration, LatticeWeights, from_json
from digitdet.reading.strips import COLUMN_WIDTH, STRIP_HEIGHT

MAX_WIDTH = 384
"""Width in strip pixels of the longest part that the network reads at once."""

_OVERLAP = 96  # strip pixels that two parts of a long strip share
_WIDTH_STEP = 32  # strips of similar widths are read together, padded to a multiple of this
_MAX_BATCH = 32  # parts that are read at once, which bounds the memory
_MIN_CONTRAST = 8.0  # added to the standard deviation by which pixels are divided
_OUTPUTS = BLANK + 1 + 4


@dataclass(frozen=True, eq=False)
class Columns:
    """What the network sees in the T columns of a strip, each `COLUMN_WIDTH` pixels wide.

    `log_probabilities` (T, 18) are of the classes of `CHARACTERS` and of the blank. `edges` (T, 4) are the distances in
    strip heights from the middle of the column, and from half the height of the strip, to the left, top, right and
    bottom edge of the character there.
    """

    log_probabilities: FloatArray
    edges: FloatArray


def to_tensor(strips: Sequence[Image], width: int) -> Tensor:
    """Return strips (STRIP_HEIGHT, W, 3) as an input (B, 3, STRIP_HEIGHT, `width`) float32, padded with 0 on the right.

    Every strip is standardised to a mean of 0 and a standard deviation of about 1, so its contrast does not matter.
    """
    tensor = np.zeros((len(strips), STRIP_HEIGHT, width, 3), np.float32)
    for row, strip in enumerate(strips):
        pixels = strip.astype(np.float32)
        tensor[row, :, : strip.shape[1]] = (pixels - pixels.mean()) / (pixels.std() + _MIN_CONTRAST)
    return np.ascontiguousarray(tensor.transpose(0, 3, 1, 2))


class LineReader(Protocol):
    """Anything that reads strips."""

    def read(self, strips: Sequence[Image]) -> list[Columns]:
        """Read strips (STRIP_HEIGHT, W, 3) uint8 BGR of any width."""


class OnnxLineReader:
    """A line reader as `digitdet train` exports it to ONNX. Several threads may use it at the same time.

    Args:
        model: Path of the .onnx file.
        is_short_lived: Whether it will read only a few pictures; see `Session`.

    Attributes:
        session: The network.
        weights: How its evidence and that of the detector are pooled.
        calibration: How the probabilities of numbers become confidences.

    Raises:
        ModelError: The file is missing, damaged, or holds something other than a line reader.
    """

    def __init__(self, model: Path, is_short_lived: bool = False) -> None:
        name = str(model)
        self.session = Session(trusted_or_bytes(model), name, "not an ONNX model that can be run", is_short_lived)
        entries = self.session.metadata
        shape = self.session.output_shape
        if len(shape) != 3 or shape[2] != _OUTPUTS:
            raise ModelError(f"{name}: not a line reader made by digitdet train (its output is {shape})")
        if entries.get("characters") != CHARACTERS or entries.get("height") != str(STRIP_HEIGHT):
            raise ModelError(f"{name}: made for other characters or strips; train it again with this version")
        self.weights = from_json(LatticeWeights, entries.get("weights"), name)
        self.calibration = from_json(Calibration, entries.get("calibration"), name)

    def read(self, strips: Sequence[Image]) -> list[Columns]:
        """Read strips (STRIP_HEIGHT, W, 3) uint8 BGR of any width; long ones in overlapping parts."""
        parts = [(row, *span) for row, strip in enumerate(strips) for span in _windows(strip.shape[1])]
        by_width: dict[int, list[int]] = {}
        for index, (_, start, stop) in enumerate(parts):
            by_width.setdefault(-(-(stop - start) // _WIDTH_STEP) * _WIDTH_STEP, []).append(index)
        outputs: list[Tensor] = [np.zeros(0, np.float32)] * len(parts)
        for width, indices in by_width.items():
            for start in range(0, len(indices), _MAX_BATCH):
                batch = indices[start : start + _MAX_BATCH]
                cuts = [strips[parts[index][0]][:, parts[index][1] : parts[index][2]] for index in batch]
                for index, output in zip(batch, self.session.run(to_tensor(cuts, width)), strict=True):
                    outputs[index] = output
        found: list[list[Tensor]] = [[] for _ in strips]
        for (row, start, stop), output in zip(parts, outputs, strict=True):
            is_last = stop == strips[row].shape[1]
            first = _OVERLAP // 2 if start else 0
            last = stop - start - (0 if is_last else _OVERLAP // 2)
            found[row].append(output[first // COLUMN_WIDTH : -(-last // COLUMN_WIDTH)])
        return [_as_columns(np.concatenate(parts_of_one)) for parts_of_one in found]


class LazyLineReader:
    """A line reader that is loaded when it reads for the first time. The arguments are those of `OnnxLineReader`."""

    def __init__(self, model: Path, is_short_lived: bool = False) -> None:
        self._arguments = model, is_short_lived
        self._loaded: OnnxLineReader | None = None
        self._lock = threading.Lock()

    def read(self, strips: Sequence[Image]) -> list[Columns]:
        """Read as `OnnxLineReader` does."""
        if not strips:
            return []
        with self._lock:
            self._loaded = self._loaded or OnnxLineReader(*self._arguments)
        return self._loaded.read(strips)


def _windows(width: int) -> list[tuple[int, int]]:
    """Return the parts (start, stop) of a strip that are read at once: equal overlaps, the last one may be shorter."""
    if width <= MAX_WIDTH:
        return [(0, width)]
    starts = range(0, width - _OVERLAP, MAX_WIDTH - _OVERLAP)
    return [(start, min(start + MAX_WIDTH, width)) for start in starts]


def _as_columns(output: Tensor) -> Columns:
    return Columns(output[:, : BLANK + 1].astype(np.float64), output[:, BLANK + 1 :].astype(np.float64))
