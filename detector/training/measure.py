"""Detection metrics of a trained detector, and the plot of its confusion matrix."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from digitdet.common.files import write_atomically
from digitdet.common.types import Image
from digitdet.datasets.formats.yolo import DATA_FILE, read_picture
from digitdet.detection.detector import OnnxDetector
from digitdet.detection.letterbox import letterbox
from digitdet.detection.postprocess import Detections, decode, non_max_suppression
from digitdet.evaluation.detection import PictureDigits, measure_detections, measure_digits
from digitdet.evaluation.sets import DigitBoxes, load_sets
from digitdet.training.plots import draw_confusion

_MIN_SCORE = 0.001  # as usual for mean average precision
_MAX_OVERLAP = 0.7  # as in the validation of Ultralytics
_PLOT_SCORE = 0.25  # minimum score of the digits in the confusion matrix


def measure_detector(path: Path, data: Path, split: str, folder: Path) -> dict[str, Any]:
    """Measure the detector in an ONNX file on a split of a dataset.

    Every picture is detected in one pass, at the size of the training pictures. confusion_matrix.png is written to
    `folder`, which is created if it is missing. Returns `DetectionMetrics.to_dict`, with 0 for undefined metrics.
    """
    detector = OnnxDetector(path)
    true, found, plotted = [], [], []
    for picture in load_sets(data / DATA_FILE, split)[0].pictures:
        if picture.digits is not None:
            image = read_picture(picture.path)
            digits = _detect(detector, image)
            true.append(picture.digits.in_pixels(image.shape[1], image.shape[0]))
            found.append(digits)
            sure = digits.take(digits.best_scores >= _PLOT_SCORE)
            plotted.append(PictureDigits(true[-1], DigitBoxes(sure.labels, sure.boxes), None))
    folder.mkdir(parents=True, exist_ok=True)
    if (metrics := measure_digits(plotted)) is not None:
        plot = draw_confusion(metrics.confusion, [*"0123456789", "none"])
        write_atomically(folder / "confusion_matrix.png", plot)
    return {name: 0.0 if value is None else value for name, value in measure_detections(true, found).to_dict().items()}


def _detect(detector: OnnxDetector, image: Image) -> Detections:
    tensor, placement = letterbox(image, detector.image_size)
    found = non_max_suppression(decode(detector.detect(tensor)[0], _MIN_SCORE), _MAX_OVERLAP)
    return Detections(placement.to_picture(found.boxes), found.scores)
