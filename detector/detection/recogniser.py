"""The recogniser: a small network that classifies the crop of every box that the detector proposes.

Compare R-CNN (Girshick et al., Rich Feature Hierarchies, 2014).
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from digitdet.common.types import Boxes, FloatArray, Image, Scores
from digitdet.detection.session import Session

SIDE = 48
"""Side of a digit crop in pixels."""

ZOOM = 1.75
"""Side of the square that a crop shows, in parts of the longer side of its box."""

CLASSES = 11
"""The ten digits, and last "no digit"."""

_MIN_BOX = 4.0  # pixels; smaller boxes are not enlarged further
_MIN_SCALE = 0.6  # below this the picture is halved first: bilinear sampling would skip pixels, and thin strokes
_BATCH = 256  # crops that go through the network together, to limit the memory on dense pages


def cut_crops(image: Image, boxes: Boxes) -> npt.NDArray[np.uint8]:
    """Cut the recogniser's input for boxes (N, 4) xyxy out of a picture (H, W, 3).

    Returns:
        (N, 48, 48, 4) uint8: BGR, with border pixels repeated beyond the picture, and a mask, 255 inside the box.
    """
    crops = np.zeros((len(boxes), SIDE, SIDE, 4), np.uint8)
    pyramid = [image]  # each level half as large as the one before
    for crop, box in zip(crops, np.asarray(boxes, np.float64), strict=True):
        centre = (box[:2] + box[2:]) / 2
        scale = SIDE / (ZOOM * max(*(box[2:] - box[:2]), _MIN_BOX))
        level = max(int(np.ceil(np.log2(_MIN_SCALE / scale))), 0)
        while len(pyramid) <= level:
            height, width = pyramid[-1].shape[:2]
            half = cv2.resize(pyramid[-1], ((width + 1) // 2, (height + 1) // 2), interpolation=cv2.INTER_AREA)
            pyramid.append(np.asarray(half, np.uint8))
        crop[:, :, :3] = _cut_square(pyramid[level], image.shape, centre, scale)
        x0, y0, x1, y1 = np.round((box - np.tile(centre, 2)) * scale + SIDE / 2).astype(int).clip(0, SIDE).tolist()
        crop[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1), 3] = 255
    return crops


def _cut_square(level: Image, shape: tuple[int, ...], centre: FloatArray, scale: float) -> Image:
    """Cut the square around `centre` (x, y) out of a pyramid level; centre and scale refer to a picture of `shape`."""
    factors = scale * np.array([shape[1] / level.shape[1], shape[0] / level.shape[0]])
    # OpenCV's coordinates count from the middle of the first pixel, those of boxes from its corner.
    moves = SIDE / 2 - scale * centre + 0.5 * factors - 0.5
    matrix = np.array([[factors[0], 0, moves[0]], [0, factors[1], moves[1]]])
    return np.asarray(
        cv2.warpAffine(level, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


class OnnxRecogniser:
    """A recogniser from the path of a trusted ONNX file."""

    def __init__(self, path: Path) -> None:
        self._session = Session(path, str(path), "not an ONNX model that can be run")

    def recognise(self, image: Image, boxes: Boxes) -> Scores:
        """Return the probabilities (N, 11) of the ten digits and of no digit for boxes (N, 4) xyxy of a picture."""
        parts = [np.zeros((0, CLASSES), np.float32)]
        for start in range(0, len(boxes), _BATCH):
            crops = cut_crops(image, boxes[start : start + _BATCH])
            parts.append(self._session.run(crops))
        return np.concatenate(parts)
