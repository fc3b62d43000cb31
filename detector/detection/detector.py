"""The detector on ONNX Runtime; no torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from digitdet.common.errors import ModelError
from digitdet.common.types import CLASS_NAMES
from digitdet.detection.session import Session
from digitdet.models.model_file import SHIPPED_MODEL, ModelMetadata, read_metadata, shipped_file

_ROWS = 4 + len(CLASS_NAMES)  # cx, cy, w, h, and a score for every digit


class OnnxDetector:
    """A digit detector in ONNX, as `digitdet train` writes it.

    Args:
        model: Path of an .onnx file; None is the model that ships with the package.
        is_short_lived: Whether it is for a few pictures, see `Session`.

    Raises:
        ModelError: The file is missing, damaged, or detects something other than the ten digits.
    """

    def __init__(self, model: Path | None = None, is_short_lived: bool = False) -> None:
        name = str(model) if model else "the shipped model"
        try:
            content = model.read_bytes() if model else shipped_file(SHIPPED_MODEL)
        except OSError as error:
            raise ModelError(f"{name}: {error.strerror}") from error
        self._session = Session(content, name, "not an ONNX model that can be run", is_short_lived)
        metadata = read_metadata(self._session.entries, name)
        _require_digit_detector(self._session, metadata, name)
        self.name = name
        """What error messages call the model."""
        self.image_size = metadata.image_size
        """Longer side in pixels of the pictures that the model was trained on."""
        self.calibration = metadata.calibration
        """JSON text of the calibration stored with the model; None if there is none."""
        from digitdet.detection.recogniser import OnnxRecogniser  # here: it imports OpenCV, which takes a while

        self.recogniser: OnnxRecogniser | None = (
            OnnxRecogniser(metadata.recogniser, name) if metadata.recogniser else None
        )
        """The recogniser stored with the model; None if there is none."""

    def detect(self, tensor: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Run the network on pictures (B, 3, h, w) float32 RGB, 0 to 1; h and w multiples of 32.

        Returns:
            (B, 14, N) float32: centre x and y, width, height in input pixels, then a score (0 to 1) for every digit.

        Raises:
            ModelError: The network fails.
        """
        return self._session.run(tensor)


def _require_digit_detector(session: Session, metadata: ModelMetadata, name: str) -> None:
    shape = session.output_shape
    if len(session.input_shapes) != 1 or len(shape) != 3 or (isinstance(shape[1], int) and shape[1] != _ROWS):
        raise ModelError(f"{name}: not a digit detector made by digitdet train (its output is {shape})")
    if any(isinstance(side, int) for side in session.input_shapes[0][2:]):
        raise ModelError(f"{name}: takes pictures of one size only; export it with free height and width")
    if metadata.class_names not in ((), CLASS_NAMES):
        raise ModelError(f"{name}: detects other things than the digits 0 to 9")
