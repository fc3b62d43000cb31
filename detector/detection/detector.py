"""The digit detector on ONNX Runtime."""

from __future__ import annotations

from pathlib import Path

from digitdet.common.errors import ModelError
from digitdet.common.types import CLASS_NAMES, Tensor
from digitdet.detection.session import Session
from digitdet.models.model_file import SHIPPED_MODEL, read_metadata, shipped_file

_OUTPUT_ROWS = 4 + len(CLASS_NAMES)  # box and scores


class OnnxDetector:
    """A digit detector as `digitdet train` exports it to ONNX.

    Args:
        model: Path of an .onnx file; None is the model that ships with the package.
        is_short_lived: Whether it will read only a few pictures; see `Session`.

    Attributes:
        image_size: Longer side in pixels of the pictures that the model was trained on.
        calibration: The stored calibration as JSON text, or None.
        recogniser: The stored `OnnxRecogniser`, or None.

    Raises:
        ModelError: The file is missing, damaged, or detects something other than the ten digits.
    """

    def __init__(self, model: Path | None = None, is_short_lived: bool = False) -> None:
        self.name = str(model) if model else "the shipped model"
        try:
            content = model.read_bytes() if model else shipped_file(SHIPPED_MODEL)
        except OSError as error:
            raise ModelError(f"{self.name}: {error.strerror}") from error
        self._session = Session(content, self.name, "not an ONNX model that can be run", is_short_lived)
        metadata = read_metadata(self._session.metadata, self.name)
        shape = self._session.output_shape
        if (
            len(self._session.input_shapes) != 1
            or len(shape) != 3
            or (isinstance(shape[1], int) and shape[1] != _OUTPUT_ROWS)
        ):
            raise ModelError(f"{self.name}: not a digit detector made by digitdet train (its output is {shape})")
        if any(isinstance(side, int) for side in self._session.input_shapes[0][2:]):
            raise ModelError(f"{self.name}: accepts pictures of one size only; export it with dynamic height and width")
        if metadata.class_names not in ((), CLASS_NAMES):
            raise ModelError(f"{self.name}: its classes are not the digits 0 to 9")
        self.image_size = metadata.image_size
        self.calibration = metadata.calibration
        from digitdet.detection.recogniser import OnnxRecogniser  # imported late: OpenCV takes a while to load

        self.recogniser = OnnxRecogniser(metadata.recogniser, self.name) if metadata.recogniser else None

    def detect(self, tensor: Tensor) -> Tensor:
        """Run the network on pictures (B, 3, h, w) float32 RGB, 0 to 1, with h and w multiples of 32.

        Returns:
            (B, 14, N) float32: centre x and y, width, height in input pixels, then a score (0 to 1) for every digit.
        """
        return self._session.run(tensor)
