"""The second stage: each box that the detector proposes is cut out at one size, and a small network says what it holds.

A detector looks at all of a picture at once, and spends little on each digit. What it proposes even with a low score
nearly always holds the digits that are there, among much that is none; telling them apart is far easier on a crop in
which the digit in question stands in the middle at a known size: the cascade of Girshick et al. (Rich Feature
Hierarchies, 2014), with a network small enough for a CPU.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from digitdet.common.errors import ModelError
from digitdet.common.types import Image
from digitdet.detection.session import Session

SIDE = 48
"""Pixels of a crop's side."""

ZOOM = 1.75
"""A crop shows a square around its box, so many times as large as the box's longer side: a digit of 27 px, and enough
around it to see that half of an 8 is no 0."""

CLASSES = 11
"""The ten digits, then no digit."""

_MIN_BOX = 4.0  # pixels; smaller boxes hold nothing to enlarge
_MIN_SCALE = 0.6  # below it pixels are averaged first: bilinear sampling would skip some, and thin strokes with them
_BATCH = 256  # crops that go through the network together: on pages full of digits they would take much memory


def cut_crops(image: Image, boxes: npt.NDArray[np.floating]) -> npt.NDArray[np.uint8]:
    """What the recogniser sees of boxes.

    Args:
        image: (H, W, 3) uint8 BGR.
        boxes: (N, 4) xyxy in its pixels.

    Returns:
        (N, 48, 48, 4) uint8: BGR, what lies beyond the picture's border repeated from there; and 255 inside the box, so
        that a narrow box around one stroke is told from a broad one around two.
    """
    crops = np.zeros((len(boxes), SIDE, SIDE, 4), np.uint8)
    halves = [image]
    for crop, box in zip(crops, np.asarray(boxes, np.float64), strict=True):
        centre = (box[:2] + box[2:]) / 2
        scale = SIDE / (ZOOM * max(*(box[2:] - box[:2]), _MIN_BOX))
        level = max(int(np.ceil(np.log2(_MIN_SCALE / scale))), 0)
        while len(halves) <= level:
            halves.append(_half(halves[-1]))
        crop[:, :, :3] = _cut(halves[level], image.shape, centre, scale)
        x0, y0, x1, y1 = np.round((box - np.tile(centre, 2)) * scale + SIDE / 2).astype(int).clip(0, SIDE).tolist()
        crop[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1), 3] = 255
    return crops


def _half(image: Image) -> Image:
    height, width = image.shape[:2]
    size = ((width + 1) // 2, (height + 1) // 2)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _cut(level: Image, shape: tuple[int, ...], centre: npt.NDArray[np.float64], scale: float) -> Image:
    """The square around `centre` (x, y) in pixels of a picture of `shape`, of which `level` is a smaller version."""
    factors = scale * np.array([shape[1] / level.shape[1], shape[0] / level.shape[0]])
    # OpenCV counts from the middle of the first pixel, boxes from its corner.
    moves = SIDE / 2 - scale * centre + 0.5 * factors - 0.5
    matrix = np.array([[factors[0], 0, moves[0]], [0, factors[1], moves[1]]])
    return np.asarray(
        cv2.warpAffine(level, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


class OnnxRecogniser:
    """A recogniser in ONNX, as `digitdet train` stores it in its models.

    Args:
        content: The bytes of the ONNX file.
        source: What an error calls it.

    Raises:
        ModelError: It is damaged.
    """

    def __init__(self, content: bytes, source: str) -> None:
        self._session = Session(content, source, "its recogniser is damaged")
        inputs, output = self._session.input_shapes, self._session.output_shape
        if len(inputs) != 1 or inputs[0][1:] != [SIDE, SIDE, 4] or output[1:] != [CLASSES]:
            raise ModelError(f"{source}: its recogniser was made by another version of digitdet")

    def recognise(self, image: Image, boxes: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        """What boxes (N, 4) xyxy of a picture (H, W, 3) uint8 BGR hold: probabilities (N, 11) of the ten digits and,
        last, of no digit. A row sums to 1.
        """
        parts = [np.zeros((0, CLASSES), np.float32)]
        for start in range(0, len(boxes), _BATCH):
            crops = cut_crops(image, boxes[start : start + _BATCH])
            parts.append(self._session.run(crops))
        return np.concatenate(parts)
