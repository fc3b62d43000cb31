"""Detection metrics of a trained detector, and the plot of its confusion matrix."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from digitdet.common.files import write_atomically
from digitdet.common.types import Image
from digitdet.detection.detector import OnnxDetector
from digitdet.detection.letterbox import letterbox
from digitdet.detection.postprocess import Detections, decode, non_max_suppression
from digitdet.evaluation.detection import BACKGROUND, PictureDigits, measure_detector, measure_digits
from digitdet.evaluation.sets import DigitBoxes, load_sets
from digitdet.training.plots import draw_confusion

_MIN_SCORE = 0.001  # as usual for mean average precision
_MAX_OVERLAP = 0.7  # as in the validation of Ultralytics
_PLOT_SCORE = 0.25  # of the digits in the confusion matrix


def measure_model(model: Path, data: Path, split: str, folder: Path) -> dict[str, Any]:
    """Measure the detector of a model file, without the recogniser, on a split of a dataset.

    Every picture is detected in one pass, at the size of the training pictures.

    Args:
        model: The .onnx file.
        data: The dataset folder.
        split: The split.
        folder: Where to write confusion_matrix.png; created if it is missing.

    Returns:
        See `DetectionMetrics.to_dict`.
    """
    detector = OnnxDetector(model)
    pictures = [picture for picture in load_sets(data, split)[0].pictures if picture.digits is not None]
    found: list[PictureDigits] = []

    def detect(image: Image) -> Detections:
        digits = _detect(detector, image)
        labels = pictures[len(found)].digits
        if labels is not None:
            true = labels.in_pixels(image.shape[1], image.shape[0])
            sure = digits.take(digits.best_scores >= _PLOT_SCORE)
            found.append(
                PictureDigits(true, DigitBoxes(sure.labels.astype(np.int64), sure.boxes.astype(np.float64)), None)
            )
        return digits

    metrics = measure_detector(detect, pictures)
    folder.mkdir(parents=True, exist_ok=True)
    if (digits := measure_digits(found)) is not None:
        names = [*map(str, range(BACKGROUND)), "none"]
        write_atomically(folder / "confusion_matrix.png", draw_confusion(digits.confusion, names))
    return {name: 0.0 if value is None else value for name, value in metrics.to_dict().items()}


def _detect(detector: OnnxDetector, image: Image) -> Detections:
    tensor, placement = letterbox(image, detector.image_size)
    found = non_max_suppression(decode(detector.detect(tensor)[0], _MIN_SCORE), _MAX_OVERLAP).digits
    return Detections(placement.to_picture(found.boxes), found.scores)
