"""The digit detector on ONNX Runtime."""

from __future__ import annotations

import re
from pathlib import Path

from digitdet.common.errors import ModelError
from digitdet.common.types import CLASS_NAMES, Tensor
from digitdet.detection.session import Session
from digitdet.models.model_file import DETECTOR, class_names, shipped_file, trusted_or_bytes

_OUTPUT_ROWS = 4 + len(CLASS_NAMES)  # box and scores
_IMAGE_SIZE = re.compile("[1-9][0-9]{1,3}")  # the metadata of a foreign file may hold anything
_DEFAULT_SIZE = 320


class OnnxDetector:
    """A digit detector as `digitdet train` exports it to ONNX.

    Args:
        path: Path of an .onnx file; None is the detector that ships with the package.
        is_short_lived: Whether it will read only a few pictures; see `Session`.

    Attributes:
        image_size: Longer side in pixels of the pictures that the model was trained on.
        session: The network.

    Raises:
        ModelError: The file is missing, damaged, or detects something other than the ten digits.
    """

    def __init__(self, path: Path | None = None, is_short_lived: bool = False) -> None:
        path = path or shipped_file(DETECTOR)
        self.name = str(path)
        self.session = Session(trusted_or_bytes(path), self.name, "not an ONNX model that can be run", is_short_lived)
        entries = self.session.metadata
        shape = self.session.output_shape
        if (
            len(self.session.input_shapes) != 1
            or len(shape) != 3
            or (isinstance(shape[1], int) and shape[1] != _OUTPUT_ROWS)
        ):
            raise ModelError(f"{self.name}: not a digit detector made by digitdet train (its output is {shape})")
        if any(isinstance(side, int) for side in self.session.input_shapes[0][2:]):
            raise ModelError(f"{self.name}: accepts pictures of one size only; export it with dynamic height and width")
        if class_names(entries) not in ((), CLASS_NAMES):
            raise ModelError(f"{self.name}: its classes are not the digits 0 to 9")
        size = entries.get("imgsz", "")
        self.image_size = int(size) if _IMAGE_SIZE.fullmatch(size) else _DEFAULT_SIZE

    def detect(self, tensor: Tensor) -> Tensor:
        """Run the network on pictures (B, 3, h, w) float32 RGB, 0 to 1, with h and w multiples of 32.

        Returns:
            (B, 14, N) float32: centre x and y, width, height in input pixels, then a score (0 to 1) for every digit.
        """
        return self.session.run(tensor)
