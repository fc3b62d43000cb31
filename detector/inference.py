"""The detector on ONNX Runtime; no torch."""

from __future__ import annotations

import ast
import base64
import binascii
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from digitdet.configs import ModelError
from digitdet.datasets.labels import CLASS_NAMES
from digitdet.reading.calibration import Calibration, parse_calibration
from digitdet.session import Session

if TYPE_CHECKING:
    from digitdet.recogniser import OnnxRecogniser

SHIPPED_MODEL = "digitdet.onnx"
CALIBRATION = "calibration"
RECOGNISER = "recogniser"
"""Entries of the model's metadata: its calibration; the ONNX file of its recogniser in base64, so that a model is one
file."""

_DEFAULT_SIZE = 320
_ROWS = 4 + len(CLASS_NAMES)  # cx, cy, w, h, and a score for every digit


def shipped_file(name: str) -> Path:
    """Path of a file in the package's models folder."""
    return Path(str(resources.files("digitdet"))) / "models" / name


class OnnxDetector:
    """A digit detector in ONNX, as `digitdet train` writes it.

    Args:
        model: Path of an .onnx file; None is the model that ships with the package.
        is_short_lived: Whether it is for a few pictures, see `Session`.

    Raises:
        ModelError: The file is missing, damaged, detects something other than the ten digits, or has a damaged
            calibration.
    """

    def __init__(self, model: Path | None = None, is_short_lived: bool = False) -> None:
        name = str(model) if model else "the shipped model"
        try:
            content = model.read_bytes() if model else shipped_file(SHIPPED_MODEL)
        except OSError as error:
            raise ModelError(f"{name}: {error.strerror}") from error
        self._session = Session(content, name, "not an ONNX model that can be run", is_short_lived)
        _require_digit_detector(self._session, name)
        entries = self._session.entries
        size = entries.get("imgsz", "")
        self.image_size = int(size) if size.isdigit() else _DEFAULT_SIZE
        """Longer side in pixels of the pictures that the model was trained on."""
        stored = entries.get(CALIBRATION)
        self.calibration = parse_calibration(stored, name) if stored else Calibration()
        """From its scores to probabilities."""
        self.recogniser = _recogniser(entries, name)
        """The second stage, which judges what the detector finds; None if the model has none."""

    def detect(self, tensor: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Run the network on pictures (B, 3, h, w) float32 RGB, 0 to 1; h and w multiples of 32.

        Returns:
            (B, 14, N) float32: centre x and y, width, height in input pixels, then a score (0 to 1) for every digit.

        Raises:
            ModelError: The network fails.
        """
        return self._session.run(tensor)


def _recogniser(entries: dict[str, str], name: str) -> OnnxRecogniser | None:
    from digitdet.recogniser import OnnxRecogniser  # here: it imports OpenCV, and may do so when the detector is loaded

    stored = entries.get(RECOGNISER)
    if not stored:
        return None
    try:
        content = base64.b64decode(stored, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ModelError(f"{name}: its recogniser is damaged") from error
    return OnnxRecogniser(content, name)


def _require_digit_detector(session: Session, name: str) -> None:
    shape = session.output_shape
    if len(session.input_shapes) != 1 or len(shape) != 3 or (isinstance(shape[1], int) and shape[1] != _ROWS):
        raise ModelError(f"{name}: not a digit detector made by digitdet train (its output is {shape})")
    if any(isinstance(side, int) for side in session.input_shapes[0][2:]):
        raise ModelError(f"{name}: takes pictures of one size only; export it with free height and width")
    names = session.entries.get("names")
    try:
        classes = ast.literal_eval(names) if names else dict(enumerate(CLASS_NAMES))
        known = [str(classes[key]) for key in sorted(classes)]
    except (ValueError, SyntaxError, TypeError, KeyError):
        known = []
    if known != list(CLASS_NAMES):
        raise ModelError(f"{name}: detects other things than the digits 0 to 9")
